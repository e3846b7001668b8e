"""Units under siren ask the signals on their way for green.

A unit asks every signal on its route that is within a distance, or within a time at free flow. A
signal is held for one unit at a time, until it has passed, took another way, or held it for too
long; then it is the turn of the nearest of the others. Serial, in the order of units.
"""

from __future__ import annotations

from twin.traffic.kernels.insertion import find_record
from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import DRIVING, Net, Records, State
from twin.traffic.kernels.signals import (
    DETECTION_M,
    DETECTION_S,
    ENABLED,
    FIXED,
    LONGEST_S,
    Signals,
    is_hooked,
)

FAR_M = 1e9


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
