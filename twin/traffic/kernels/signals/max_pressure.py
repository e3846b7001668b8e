"""Max-pressure controllers: the stage with most weight of queues goes first."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import Net, Records, State
from twin.traffic.kernels.signals.calls import calls
from twin.traffic.kernels.signals.layout import DECIDE_S, LONGEST_RED_S, REACH_M, Signals
from twin.traffic.kernels.signals.stages import CLEARANCE_S, MOMENT_S, ask_for

STANDING = np.float32(2.0)
"""Speed in m/s below which a vehicle counts as queued wherever it is on its link."""


@inner
def queue_of(t: int, k: int, reach: np.float32, net: Net, st: State, R: Records) -> int:
    """Return the vehicles on link `k` that want turn `t` and are near the line or queued."""
    count = 0
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        for i in range(st.lane[x].start, st.lane[x].end):
            near = net.link[k].length - R[i].pos < reach or R[i].vel < STANDING
            if R[i].turn == t and near:
                count += 1
    return count


@inner
def pressure(c: int, stage: int, net: Net, st: State, R: Records, sg: Signals) -> float:
    """Return the pressure of a stage.

    That is the sum over its turns of saturation flow x (queue of the turn - sum over the turns
    after it of the share of traffic that makes them x their queue): Varaiya 2013, "Max pressure
    control of a network of signalized intersections", Transp. Res. C 36, 177-195. The shares are
    those of the vehicles counted so far.
    """
    reach = np.float32(sg.settings[REACH_M])
    mask = sg.stage[sg.control[c].stage0 + stage].mask
    total = 0.0
    for n in range(sg.control[c].member1 - sg.control[c].member0):
        if not (mask >> n) & 1:
            continue
        g = int(sg.member[sg.control[c].member0 + n])
        for m in range(sg.group_ptr[g], sg.group_ptr[g + 1]):
            t = int(sg.group_turn[m])
            weight = float(queue_of(t, int(sg.turn_from[t]), reach, net, st, R))
            to = int(net.turn[t].to)
            after0 = int(net.link[to].turn0)
            after1 = int(net.link[to].turn1)
            passed = 0.0
            for p in range(after0, after1):
                passed += net.turn[p].passed + 1.0
            for p in range(after0, after1):
                share = (net.turn[p].passed + 1.0) / passed
                weight -= share * queue_of(p, to, reach, net, st, R)
            total += np.float64(sg.saturation[t]) * weight
    return total


@inner
def press(c: int, t: float, net: Net, st: State, R: Records, sg: Signals) -> None:
    """Decide by pressure, every `DECIDE_S` seconds of green.

    The present stage stays unless another one has more pressure, less the share of the time that
    the change would cost: with equal queues all would be clearance. A stage that is called, or is
    for pedestrians, and was not served for `LONGEST_RED_S` goes first.
    """
    control = sg.control
    first = int(control[c].stage0)
    stage = int(control[c].stage)
    if t - control[c].up_at < sg.stage[first + stage].least - MOMENT_S:
        return
    if t < control[c].next_at - MOMENT_S and sg.stage[first + stage].mask:
        return
    control[c].next_at = t + sg.settings[DECIDE_S]
    called = calls(c, net, st, R, sg)
    own = sg.stage[first + stage].mask
    most = -1e30 if own == 0 else pressure(c, stage, net, st, R, sg)
    worth = sg.settings[DECIDE_S] / (sg.settings[DECIDE_S] + CLEARANCE_S)
    best = stage
    longest = sg.settings[LONGEST_RED_S]
    late = False
    for s in range(int(control[c].stage1) - first):
        if s == stage:
            continue
        mask = sg.stage[first + s].mask
        red = t - sg.stage[first + s].served_at
        if red >= longest and (mask == 0 or called & mask & ~own):
            longest = red + MOMENT_S
            best = s
            late = True
        elif mask and not late:
            value = pressure(c, s, net, st, R, sg)
            if value > 0.0:
                value *= worth
            if value > most:
                most = value
                best = s
    if best != stage:
        ask_for(c, best, t, net, sg)
