"""The bands that drivers leave free for a siren, and how fast a unit may drive in them.

Drivers who stand or creep draw to the edges of their lanes and leave a *band* free: between two
lanes of a link, or in the middle of an undivided road of one lane each way. A unit in a band stands
in no lane: its record lies in the last of the lanes, which belongs to no link, and `UNIT.band` says
to the left of which lane it drives. Nobody crosses a band close to a unit (`crosses_band`), two
units in one band keep apart, and what takes the whole width of a lane (an obstacle) stops the band
as well; so a unit beside a vehicle does not touch it.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.carfollowing import KEEP, ONE, ZERO
from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.junctions import FIRM_BRAKE, TWO
from twin.traffic.kernels.layout import (
    BIG,
    COOPERATE,
    CORRIDOR,
    DRIVING,
    LENGTH,
    OBSTACLE,
    ONCOMING,
    PAST,
    SIREN,
    Net,
    Records,
    State,
)

SLOW = np.float32(12.0)
"""Speed in m/s below which drivers draw to the edges of their lanes for a unit behind them that
cannot pass otherwise (43 km/h; assumption)."""
HOLD_SPEED = np.float32(4.0)
"""To this speed, m/s, drivers slow down beside a unit or in front of it."""
AHEAD_M = np.float32(25.0)
BEHIND_M = np.float32(10.0)
CROSS_AHEAD_M = np.float32(50.0)
CROSS_BEHIND_M = np.float32(12.0)
"""Metres ahead of a unit's front and behind it within which nobody crosses its band."""
WALK = np.float32(2.0)
"""Speed in m/s at which a unit meets vehicles that stand aside on the oncoming side, and at which
these count as standing aside."""
MEET_M = np.float32(5.0)
PULL_OVER_M = np.float32(40.0)
PULL_OVER_BRAKE = np.float32(1.5)
SIGHT_M = np.float32(40.0)


@inner
def stop_speed(gap: np.float32) -> np.float32:
    """Return the speed from which a unit can stop within `gap` metres (Krauss 1998, eq. 2.11)."""
    if gap <= ZERO:
        return ZERO
    return min(gap, FIRM_BRAKE * (np.sqrt(ONE + TWO * gap / FIRM_BRAKE) - ONE))


@inner
def crosses_band(k: int, own: int, to: int, pos: np.float32, st: State) -> bool:
    """Return whether a vehicle that changes lanes on link `k` would get into the way of a unit."""
    low = min(own, to)
    for u in range(len(st.unit)):
        if st.unit[u].band == low and st.unit[u].link == k and st.unit[u].state == DRIVING:
            at = st.unit[u].pos
            if at - CROSS_BEHIND_M < pos < at + CROSS_AHEAD_M:
                return True
    return False


@inner
def unit_length(u: int, net: Net, st: State) -> np.float32:
    """Return the length of unit `u`, metres."""
    length: np.float32 = net.kinds[st.vehicle[st.unit[u].slot].kind, LENGTH]
    return length


@inner
def room_in_band(k: int, band: int, me: int, front: np.float32, net: Net, st: State) -> np.float32:
    """Return the metres from `front` to the next unit in a band; negative: there is no place.

    Nobody else may be in the middle of the road from the other direction.
    """
    gap = BIG
    other = net.opposite[k]
    middle = band == int(net.link[k].lanes) - 1
    length = unit_length(me, net, st)
    for u in range(len(st.unit)):
        if u == me or st.unit[u].state != DRIVING or st.unit[u].band < 0:
            continue
        if middle and st.unit[u].link == other and st.unit[u].band == net.link[other].lanes - 1:
            return np.float32(-1.0)
        if st.unit[u].link == k and st.unit[u].band == band:
            at = st.unit[u].pos
            if at >= front:
                gap = min(gap, at - unit_length(u, net, st) - front)
            elif front - length < at + KEEP:
                return np.float32(-1.0)
    return gap


@inner
def lane_limit(
    y: int, rear: np.float32, front: np.float32, net: Net, st: State, R: Records
) -> np.float32:
    """Return how fast a unit may pass beside lane `y`, and hold back who sets off there."""
    limit = BIG
    for i in range(st.lane[y].start, st.lane[y].end):
        p = R[i].pos
        back = p - net.kinds[R[i].kind, LENGTH]
        if p < rear - BEHIND_M:
            continue
        if back > front + SIGHT_M:
            break
        if R[i].kind == OBSTACLE:
            if p > rear:
                limit = min(limit, stop_speed(back - front - KEEP))
            continue
        if HOLD_SPEED < R[i].vel < SLOW and back < front + AHEAD_M:
            R[i].marks = R[i].marks | COOPERATE
        if p > rear:
            passing = R[i].vel
            if R[i].vel < SLOW:
                passing = R[i].vel + net.sirens[PAST]
            gap = max(back - front, ZERO)
            limit = min(limit, np.sqrt(passing * passing + TWO * FIRM_BRAKE * gap))
    return limit


@inner
def oncoming_limit(
    k: int, rear: np.float32, front: np.float32, net: Net, st: State, R: Records
) -> np.float32:
    """Return how fast a unit may drive in the middle of the road; who comes is to pull over."""
    limit = BIG
    other = int(net.opposite[k])
    length = net.link[k].length
    y = int(net.link[other].lane0) + int(net.link[other].lanes) - 1
    for i in range(st.lane[y].start, st.lane[y].end):
        at = net.link[other].length - R[i].pos
        if at > length:
            continue
        if at + net.kinds[R[i].kind, LENGTH] < rear:
            break
        gap = at - front
        if R[i].kind == OBSTACLE:
            limit = min(limit, stop_speed(gap - KEEP))
            continue
        v = R[i].vel
        stops_in = v * v / (TWO * PULL_OVER_BRAKE)
        if gap < PULL_OVER_M + TWO * stops_in and not R[i].marks & SIREN:
            R[i].marks = R[i].marks | COOPERATE
        if v > WALK:
            limit = min(limit, stop_speed(gap - stops_in))
        elif gap < MEET_M:
            limit = min(limit, WALK)
    return limit


@inner
def band_limit(
    k: int, band: int, rear: np.float32, front: np.float32, net: Net, st: State, R: Records
) -> np.float32:
    """Return how fast a unit may drive in a band of link `k`, by those beside it and ahead."""
    a = int(net.link[k].lane0)
    limit = lane_limit(a + band, rear, front, net, st, R)
    if band + 1 < net.link[k].lanes:
        return min(limit, lane_limit(a + band + 1, rear, front, net, st, R))
    return min(limit, oncoming_limit(k, rear, front, net, st, R))


@inner
def band_beside(k: int, own: int, net: Net) -> int:
    """Return the band of link `k` beside lane `own`, or -1 when there is none to drive in."""
    n = int(net.link[k].lanes)
    if net.link[k].closed:
        return -1
    if n == 1:
        if net.sirens[ONCOMING] > ZERO and net.opposite[k] >= 0:
            return 0
        return -1
    if net.sirens[CORRIDOR] > ZERO and n - int(net.link[k].first_open) > 1:
        return max(min(own, n - 2), int(net.link[k].first_open))
    return -1
