"""Units under siren ask the signals on their way for green.

A unit asks every signal on its route that is within a distance, or within a time at free flow. A
signal is held for one unit at a time, until it has passed, took another way, or held it for too
long; then it is the turn of the nearest of the others. Serial, in the order of units. The
controller serves the unit that holds it, and leads back to its plan afterwards.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.insertion import find_record
from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import DRIVING, Net, Records, State
from twin.traffic.kernels.signals.layout import (
    DETECTION_M,
    DETECTION_S,
    ENABLED,
    FIXED,
    LONGEST_S,
    Signals,
)
from twin.traffic.kernels.signals.plan import plan_second, plan_stage, planned_green, time_to
from twin.traffic.kernels.signals.stages import (
    CLEARANCE_S,
    MOMENT_S,
    ask_for,
    give_back,
    is_hooked,
)

FAR_M = 1e9
HURRY_GREEN_S = 5.0
"""Least green, seconds, that is left to a stage before a unit under siren ends it; a stage for
pedestrians is never cut short."""


@inner
def ask(c: int, u: int, g: int, dist: float, net: Net, sg: Signals) -> None:
    """Note that unit `u` asks controller `c` for group `g` from `dist` metres away."""
    control = sg.control
    if not control[c].takes or is_hooked(c, net, sg):
        return
    if not control[c].listed:
        control[c].listed = 1
        control[c].bid_m = FAR_M
        control[c].bidder = -1
        sg.listed[sg.listed_count[0]] = c
        sg.listed_count[0] += 1
    if control[c].unit == u:
        if not control[c].seen & 1:
            control[c].wanted = g
        control[c].seen |= 1
    elif control[c].spent == u:
        control[c].seen |= 2
    elif dist < control[c].bid_m:
        control[c].bid_m = dist
        control[c].bidder = u
        control[c].bid_group = g


@inner
def look_ahead(u: int, net: Net, st: State, R: Records, sg: Signals) -> None:
    """Let unit `u` ask the signals on its way."""
    k = int(st.unit[u].link)
    _, i = find_record(k, st.unit[u].slot, net, st, R)
    if i < 0:
        return
    dist = float(net.link[k].length - R[i].pos)
    seconds = dist / (float(net.link[k].speed) * float(R[i].fac))
    at = int(R[i].rpos)
    t = int(R[i].turn)
    while t >= 0 and (dist <= sg.settings[DETECTION_M] or seconds <= sg.settings[DETECTION_S]):
        g = int(net.turn[t].group)
        if g >= 0:
            ask(int(net.group[g].signal), u, g, dist, net, sg)
        k = int(net.turn[t].to)
        dist += float(net.link[k].length)
        seconds += float(net.link[k].length) / (float(net.link[k].speed) * float(R[i].fac))
        at += 1
        t = int(st.route[at])


@inner
def grant(c: int, t: float, sg: Signals) -> None:
    """Decide which unit holds controller `c` from now on."""
    control = sg.control
    if not control[c].seen & 2:
        control[c].spent = -1
    if control[c].unit >= 0:
        if not control[c].seen & 1:
            control[c].unit = -1
        elif t - control[c].unit_at >= sg.settings[LONGEST_S]:
            control[c].spent = control[c].unit
            control[c].unit = -1
        if control[c].unit < 0:
            control[c].back = 1 if control[c].mode == FIXED else 0
    if control[c].unit < 0 and control[c].bidder >= 0:
        control[c].unit = control[c].bidder
        control[c].wanted = control[c].bid_group
        control[c].unit_at = t
        control[c].back = 0
        sg.tally[c, 2] += 1


@inner
def hear_sirens(t: float, net: Net, st: State, R: Records, sg: Signals) -> None:
    """Let all units under siren ask, and decide who holds which signal at time `t`."""
    if sg.settings[ENABLED] == 0.0 and sg.listed_count[0] == 0:
        return
    control = sg.control
    for n in range(sg.listed_count[0]):
        c = sg.listed[n]
        control[c].seen = 0
        control[c].bidder = -1
        control[c].bid_m = FAR_M
    if sg.settings[ENABLED] != 0.0:
        for u in range(len(st.unit)):
            if st.unit[u].state == DRIVING and st.unit[u].siren:
                look_ahead(u, net, st, R, sg)
    kept = 0
    for n in range(sg.listed_count[0]):
        c = sg.listed[n]
        grant(c, t, sg)
        if control[c].unit >= 0 or control[c].spent >= 0:
            sg.listed[kept] = c
            kept += 1
        else:
            control[c].listed = 0
    sg.listed_count[0] = kept


@inner
def serving_stage(c: int, group: int, sg: Signals) -> int:
    """Return the stage of controller `c` in which `group` is green, the present one if it may be.

    -1 when there is none.
    """
    control = sg.control
    first = int(control[c].stage0)
    bit = np.int64(0)
    for n in range(control[c].member1 - control[c].member0):
        if sg.member[control[c].member0 + n] == group:
            bit = np.int64(1) << np.int64(n)
    if control[c].stage >= 0 and sg.stage[first + control[c].stage].mask & bit:
        return int(control[c].stage)
    for s in range(first, control[c].stage1):
        if sg.stage[s].mask & bit:
            return s - first
    return -1


@inner
def serve_unit(c: int, t: float, net: Net, sg: Signals) -> None:
    """Ask for the stage that serves the unit that holds controller `c`, and stay in it."""
    control = sg.control
    stage = serving_stage(c, int(control[c].wanted), sg)
    if stage < 0 or stage == control[c].stage:
        return
    present = int(control[c].stage)
    green = t - control[c].up_at if control[c].up_at >= 0.0 else 1e9
    if present < 0:
        present = plan_stage(c, t, net, sg)
        green = planned_green(c, t, net, sg)
    at = control[c].stage0 + present
    least = HURRY_GREEN_S if sg.stage[at].mask else sg.stage[at].least
    if present == stage or green >= least - MOMENT_S:
        ask_for(c, stage, t, net, sg)


@inner
def lead_back(c: int, t: float, net: Net, sg: Signals) -> None:
    """Lead a controller whose stage is up back to its plan, which went on meanwhile.

    The stage that the plan shows is joined, or the next one when that has not `least` of its green
    left; where the present stage is that, it is held until the plan shows it.
    """
    control = sg.control
    first = int(control[c].stage0)
    count = int(control[c].stage1) - first
    stage = plan_stage(c, t, net, sg)
    now, cycle = plan_second(c, t, net, sg)
    left = time_to(sg.stage[first + stage].end, now, cycle)
    shown = planned_green(c, t, net, sg) < 1e9
    if stage == control[c].stage and shown:
        give_back(c, net, sg)
        return
    if shown and left < CLEARANCE_S + sg.stage[first + stage].least:
        stage = (stage + 1) % count
    if stage != control[c].stage and t - control[c].up_at >= HURRY_GREEN_S - MOMENT_S:
        ask_for(c, stage, t, net, sg)
