"""Who gives way to whom: vehicles that come, gaps that are taken, turns that are taken.

Critical gaps stand in the turns (`twin.traffic.control`). Who merges in turns: see `zipper`.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inlined, inner
from twin.traffic.kernels.junctions import (
    FIRM_BRAKE,
    HOLD_M,
    STUCK_TICKS,
    TWO,
    entry_range,
)
from twin.traffic.kernels.layout import BIG, F32, SIREN, Net, Records, State
from twin.traffic.kernels.signals.holding import RED, YELLOW
from twin.traffic.kernels.zipper import (
    FREE_GAP_S,
    JOINS,
    PATIENT_TICKS,
    SHORT_GAP_S,
    note_zip,
)

FOE_S = np.float32(10.0)
"""Seconds before the end of a link within which a vehicle counts as coming."""
FOE_SPEED = np.float32(4.0)
"""Least speed, m/s, at which a coming vehicle is thought to arrive."""
FOE_RECORDS = 4
OWN_SPEED = np.float32(3.0)
IMPATIENT_TICKS = 30
IMPATIENT_PER_TICK = np.float32(0.01)
SIREN_GAP_S = np.float32(2.5)
SET_OFF_S = np.float32(1.5)
"""A vehicle that sets off in a junction is in the way of others after this time at the earliest."""
CLEAR_TICKS = 2
"""Where all stop: seconds after a passage in which nobody sets off whose way crosses it."""
SETS_OFF = 1000
"""`claim` of a vehicle whose turn it is."""


@inlined
def note_claims(x: int, i: int, tick: int, net: Net, st: State, R: Records) -> None:
    """Show the claim of record `i`, first in lane `x`, where all stop.

    It yields while somebody is still crossing its way.
    """
    t = int(R[i].turn)
    net.turn[t].claim = max(net.turn[t].claim, st.lane[x].claim)
    if st.lane[x].claim < SETS_OFF:
        for f in range(net.turn[t].foe0, net.turn[t].foe1):
            if tick - net.turn[net.foe[f]].went <= CLEAR_TICKS:
                st.lane[x].yields = 1


@inlined
def goes_next(net: Net, node: int, t: int, claim: int) -> bool:
    """Return whether nobody whose way crosses turn `t` came to the line earlier.

    `claim` is that of the last tick; of two who came together the turn of lower number goes. Who
    crosses nobody's way goes along with one who sets off, as the opposite driver does.
    """
    if claim == SETS_OFF:
        return True
    if claim == 0:
        return False
    first = True
    for f in range(net.turn[t].foe0, net.turn[t].foe1):
        foe = int(net.foe[f])
        if net.turn[foe].claim == SETS_OFF:
            return False
        if net.turn[foe].claim > claim or (net.turn[foe].claim == claim and foe < t):
            first = False
    return first or one_sets_off(net, node)


@inner
def one_sets_off(net: Net, node: int) -> bool:
    """Return whether a vehicle is setting off at a junction where all stop."""
    for m in range(net.node[node].in0, net.node[node].in1):
        k = net.in_link[m]
        for t in range(net.link[k].turn0, net.link[k].turn1):
            if net.turn[t].claim == SETS_OFF:
                return True
    return False


@inlined
def forget_arrivals(k: int, net: Net, st: State) -> None:
    """Take back what `note_arrivals` wrote of link `k`."""
    net.link[k].noted = 0
    for t in range(net.link[k].turn0, net.link[k].turn1):
        net.turn[t].eta = BIG
        net.turn[t].claim = 0
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        st.lane[x].eta = BIG
        st.lane[x].yields = 0
        st.lane[x].asks = -1


@inlined
def note_arrivals(k: int, tick: int, sirens: F32 | None, net: Net, st: State, R: Records) -> None:
    """Write when the next vehicle will make each turn out of link `k`.

    Vehicles that hold at a light, or that cannot go although they may, are not coming.
    """
    if net.link[k].noted:
        forget_arrivals(k, net, st)
    siren_near = sirens is not None and net.node[net.link[k].node].siren > 0
    if not (net.link[k].watched or siren_near):
        return
    only = net.link[k].group
    if only >= 0 and net.group[only].state == RED and not net.link[k].siren:
        return
    net.link[k].noted = 1
    a = int(net.link[k].lane0)
    length = net.link[k].length
    for x in range(a, a + int(net.link[k].lanes)):
        first = int(st.lane[x].end) - 1
        last = max(int(st.lane[x].start), first - FOE_RECORDS + 1)
        for i in range(first, last - 1, -1):
            t = int(R[i].turn)
            dist = length - R[i].pos
            eta = dist / max(R[i].vel, FOE_SPEED)
            if t < 0 or eta > FOE_S:
                break
            if i == first and net.turn[t].all_stop and dist <= net.turn[t].look:
                note_claims(x, i, tick, net, st, R)
            g = int(net.turn[t].group)
            v = R[i].vel
            can_stop = v * v < TWO * FIRM_BRAKE * dist
            if not R[i].marks & SIREN:
                if g >= 0 and net.group[g].state == RED:
                    continue
                if can_stop and (siren_near or (g >= 0 and net.group[g].state == YELLOW)):
                    continue
            if i == first and net.turn[t].zips:
                note_zip(x, i, k, net, st, R)
            if int(R[i].wait) > STUCK_TICKS + (t & 3):
                break
            net.turn[t].eta = min(net.turn[t].eta, eta)
            st.lane[x].eta = min(st.lane[x].eta, eta)


@inlined
def critical_gap(net: Net, t: int, wait: int) -> np.float32:
    """Return the gap in seconds that the driver needs for turn `t`; long waiting shortens it."""
    gap: np.float32 = net.turn[t].gap
    if wait > IMPATIENT_TICKS:
        share = np.float32(1.0) - np.float32(wait - IMPATIENT_TICKS) * IMPATIENT_PER_TICK
        gap = max(net.turn[t].least, gap * share)
    return gap


@inlined
def merge_is_free(
    net: Net, st: State, t: int, aim: int, dist: np.float32, v: np.float32, wait: int
) -> bool:
    """Return whether a vehicle may join the stream of lane `aim` by the merging turn `t`.

    Only the lanes that lead into lane `aim` count (as for right turns in the Highway Capacity
    Manual, TRB 2016, chapter 20).
    """
    gap = critical_gap(net, t, wait)
    if net.turn[t].merges == JOINS:
        gap = FREE_GAP_S if wait < PATIENT_TICKS else SHORT_GAP_S
    until = dist / max(v, OWN_SPEED) + gap
    entered = aim - int(net.turn[t].lane0)
    for f in range(net.turn[t].foe0, net.turn[t].foe1):
        foe = int(net.foe[f])
        if net.turn[foe].eta >= until:
            continue
        for own in range(int(net.turn[foe].lo), int(net.turn[foe].hi) + 1):
            first, last = entry_range(net.turn, foe, own)
            if first <= entered <= last and st.lane[net.turn[foe].own0 + own].eta < until:
                return False
    return True


@inner
def foes_leave_gap(net: Net, t: int, dist: np.float32, v: np.float32, wait: int) -> bool:
    """Return whether no foe of turn `t` arrives within the critical gap, which waiting shortens."""
    until = dist / max(v, OWN_SPEED) + critical_gap(net, t, wait)
    for f in range(net.turn[t].foe0, net.turn[t].foe1):  # noqa: SIM110
        if net.turn[net.foe[f]].eta < until:
            return False
    return True


@inner
def foes_pass_first(net: Net, t: int) -> bool:
    """Return whether all foes of turn `t` that still come are past before one that sets off now.

    So those who wait in the junction go when the last of the opposing stream run out on yellow.
    """
    for f in range(net.turn[t].foe0, net.turn[t].foe1):
        eta = net.turn[net.foe[f]].eta
        if SET_OFF_S <= eta < BIG:
            return False
    return True


@inner
def siren_waits(net: Net, k: int) -> bool:
    """Return whether anybody from another link is about to cross the junction at the end of `k`."""
    node = net.link[k].node
    for m in range(net.node[node].in0, net.node[node].in1):
        other = net.in_link[m]
        if other == k:
            continue
        for t in range(net.link[other].turn0, net.link[other].turn1):
            if net.turn[t].eta < SIREN_GAP_S:
                return True
    return False


@inner
def holds_for_siren(net: Net, k: int) -> bool:
    """Return whether a unit under siren nears the junction at the end of `k` from another link."""
    node = net.link[k].node
    for m in range(net.node[node].in0, net.node[node].in1):
        other = net.in_link[m]
        if other != k and net.link[other].siren and net.link[other].siren_dist < HOLD_M:
            return True
    return False
