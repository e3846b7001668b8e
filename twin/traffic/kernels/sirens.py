"""Units under siren pass queues: between two lanes, or over the oncoming lane (see `bands`).

A unit that a queue holds leaves its lane for the band beside it, passes the junction from there
when that is safe, and goes back to a lane where it has room ahead. Serial, in the order of units,
before the links decide.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.approach import is_near
from twin.traffic.kernels.bands import (
    SLOW,
    WALK,
    band_beside,
    band_limit,
    oncoming_limit,
    room_in_band,
    stop_speed,
)
from twin.traffic.kernels.carfollowing import KEEP, ZERO, accel
from twin.traffic.kernels.closures import is_barred
from twin.traffic.kernels.giving_way import siren_waits
from twin.traffic.kernels.insertion import find_record, retire
from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.junctions import (
    FIRM_BRAKE,
    HELD,
    HOLD_M,
    INSIDE_M,
    LINE,
    SIREN_LINE_SPEED,
    SQUEEZE_M,
    SQUEEZE_TICKS,
    STANDING,
    TWO,
    set_wishes,
)
from twin.traffic.kernels.lane_records import close_at, has_room
from twin.traffic.kernels.lanes import (
    BODY,
    NEAR_BLOCK_M,
    SIREN_BRAKE,
    fits,
    gap_ahead,
    is_blocked,
    move_over,
    seek,
)
from twin.traffic.kernels.layout import (
    ACCEL,
    BETWEEN,
    BIG,
    COOPERATE,
    CORRIDOR,
    CROSSED,
    DRIVING,
    ENDING,
    F32,
    FINISHED,
    INSIDE,
    LENGTH,
    OBSTACLE,
    ONCOMING,
    QUEUE_REACH,
    REACH,
    UPDATES,
    Net,
    Records,
    State,
)
from twin.traffic.kernels.signals.holding import GREEN

GROWTH = np.float32(10.0)
"""Metres a second by which the distance of clearing grows while a queue holds the unit: those ahead
see others make way (assumption)."""
HELD_M = np.float32(12.0)
HELD_S = np.float32(1.0)
"""A unit nearer than so many metres, and seconds at its speed, to a slow leader is held by it."""
HELD_TICKS = 2
"""So long a queue holds a unit before it leaves its lane: drivers need this time to stand aside."""
BACK_M = np.float32(20.0)
BACK_S = np.float32(1.5)
"""With a gap of so many metres, and seconds at its speed, ahead a unit goes back to a lane."""
MARGIN = np.float32(2.0)
"""Metres before and behind a unit that must be free when it leaves its lane."""


@inner
def roomiest_lane(t: int, net: Net, st: State, R: Records) -> tuple[int, np.float32]:
    """Return the lane after turn `t` with the most room at its start, and the metres of it."""
    to = int(net.turn[t].to)
    pick = -1
    most = ZERO
    first = int(net.turn[t].lane0)
    for y in range(first + int(net.link[to].first_open), first + int(net.turn[t].lanes)):
        room = net.link[to].length
        i = int(st.lane[y].start)
        if i < st.lane[y].end:
            room = R[i].pos - net.kinds[R[i].kind, LENGTH]
        if room > most and has_room(st.lane, y):
            most = room
            pick = y
    return pick, most


@inner
def is_held(k: int, x: int, i: int, net: Net, st: State, R: Records) -> bool:
    """Return whether a queue holds record `i`, a unit in lane `x` of link `k`."""
    if i + 1 < st.lane[x].end:
        m = i + 1
        gap = R[m].pos - net.kinds[R[m].kind, LENGTH] - R[i].pos
        near = HELD_M + HELD_S * R[i].vel
        return bool(gap < near and R[m].vel < SLOW and R[m].kind != OBSTACLE)
    t = int(R[i].turn)
    if t < 0 or R[i].vel > STANDING or net.link[k].length - R[i].pos > HELD_M:
        return False
    _, room = roomiest_lane(t, net, st, R)
    return bool(room < net.kinds[R[i].kind, LENGTH])


@inner
def leave_lane(u: int, x: int, i: int, tick: int, net: Net, st: State, R: Records) -> None:
    """Take unit `u`, record `i` of lane `x`, into the band beside its lane, if that is free."""
    k = int(st.unit[u].link)
    own = x - int(net.link[k].lane0)
    band = band_beside(k, own, net)
    beside = len(st.lane) - 1
    if band < 0 or own > band + 1 or own < band:
        return
    if not has_room(st.lane, beside):
        return
    front = R[i].pos
    rear = front - net.kinds[R[i].kind, LENGTH]
    if rear < ZERO or room_in_band(k, band, u, front, net, st) < ZERO:
        return
    if band + 1 < net.link[k].lanes:
        y = int(net.link[k].lane0) + (band if own > band else band + 1)
        for j in range(st.lane[y].start, st.lane[y].end):
            back = R[j].pos - net.kinds[R[j].kind, LENGTH]
            if R[j].pos > rear - MARGIN and back < front + MARGIN:
                if R[j].kind == OBSTACLE:
                    return
                if R[j].vel > SLOW:
                    R[j].marks = R[j].marks | COOPERATE
                    return
    elif oncoming_limit(k, rear, front, net, st, R) < WALK:
        return
    st.unit[u].band = band
    st.unit[u].pos = front
    move_over(st.lane, x, i, beside, int(st.lane[beside].start), R, tick)


@inner
def back_to_lane(u: int, i: int, tick: int, net: Net, st: State, R: Records) -> bool:
    """Take unit `u`, record `i` in a band, back to a lane with room ahead; return whether it is."""
    k = int(st.unit[u].link)
    band = int(st.unit[u].band)
    a = int(net.link[k].lane0)
    p = R[i].pos
    kind = R[i].kind
    if p < net.kinds[kind, LENGTH] + BODY:
        return False
    v0 = net.link[k].speed * R[i].fac
    best = ZERO
    pick = -1
    spot = 0
    for own in range(band, min(band + 2, int(net.link[k].lanes))):
        y = a + own
        if own < net.link[k].first_open or is_blocked(st.lane, y, p, NEAR_BLOCK_M):
            continue
        j = seek(st.lane, y, int(st.lane[y].start), p, R)
        gap, v_lead = gap_ahead(st.lane, y, j, R, i, net.kinds)
        if gap < BACK_M + BACK_S * R[i].vel and v_lead < SLOW:
            continue
        if not fits(st.lane, y, j, R, i, net.kinds) or gap <= best:
            continue
        if accel(R[i].vel, v0, gap, v_lead, net.kinds, kind) < SIREN_BRAKE:
            continue
        if j > st.lane[y].start and R[j - 1].kind != OBSTACLE and R[j - 1].vel > STANDING:
            f = j - 1
            behind = p - net.kinds[kind, LENGTH] - R[f].pos
            speed = net.link[k].speed * R[f].fac
            if accel(R[f].vel, speed, behind, R[i].vel, net.kinds, R[f].kind) < SIREN_BRAKE:
                R[f].marks = R[f].marks | COOPERATE
                continue
        best = gap
        pick = y
        spot = j
    if pick < 0:
        return False
    move_over(st.lane, len(st.lane) - 1, i, pick, spot, R, tick)
    net.link[k].busy = 1
    st.unit[u].band = -1
    st.unit[u].slow = 0
    return True


@inner
def line_limit(u: int, i: int, net: Net, st: State, R: Records) -> tuple[np.float32, int, int]:
    """Return how fast a unit in a band may come to the line, and where it goes then.

    As in `approach`: over red or without precedence with care, and only when there is room: in a
    lane (given), else in the band (given) of the next link; -1 and -1 when it has to wait.
    """
    k = int(st.unit[u].link)
    t = int(R[i].turn)
    v = R[i].vel
    dist = net.link[k].length - R[i].pos
    if t < 0 or not is_near(dist, v):
        return BIG, -1, -1
    wait = int(R[i].wait)
    if dist < INSIDE_M and v < STANDING:
        R[i].wait = min(wait + 1, 200)
    to = int(net.turn[t].to)
    hold = stop_speed(dist - LINE)
    if is_barred(net.link, k, to):
        return hold, -1, -1
    limit = BIG
    g = int(net.turn[t].group)
    if net.turn[t].gives_way or (g >= 0 and net.group[g].state != GREEN):
        limit = np.sqrt(SIREN_LINE_SPEED * SIREN_LINE_SPEED + TWO * FIRM_BRAKE * dist)
        can_stop = v * v < TWO * FIRM_BRAKE * dist
        if can_stop and dist < HOLD_M and siren_waits(net, k):
            return hold, -1, -1
    pick, room = roomiest_lane(t, net, st, R)
    needed = net.kinds[R[i].kind, LENGTH] if wait < SQUEEZE_TICKS else SQUEEZE_M
    band = band_beside(to, int(st.unit[u].band), net)
    if band >= 0 and room < BACK_M + BACK_S * v:
        gap = room_in_band(to, band, u, ZERO, net, st)
        if gap > needed:
            ahead = band_limit(to, band, ZERO, ZERO, net, st, R)
            return min(limit, dist + min(ahead, stop_speed(gap))), -1, band
    if pick >= 0 and room > needed + KEEP:
        return min(limit, stop_speed(dist + room - KEEP)), pick, -1
    return hold, -1, -1


@inner
def cross(u: int, i: int, pick: int, band: int, tick: int, net: Net, st: State, R: Records) -> None:
    """Let unit `u`, record `i` past the end of its link, enter lane `pick` or band `band`."""
    k = int(st.unit[u].link)
    t = int(R[i].turn)
    to = int(net.turn[t].to)
    slot = R[i].slot
    pos = min(R[i].pos - net.link[k].length, net.link[to].length - HELD)
    st.tally[0, CROSSED] += 1
    net.link[k].left += 1
    net.turn[t].passed += 1
    net.turn[t].went = tick
    st.vehicle[slot].distance += net.link[k].length
    st.unit[u].link = to
    st.unit[u].band = band
    j = i
    if pick >= 0:
        first = int(st.lane[pick].start)
        if first < st.lane[pick].end:
            pos = min(pos, R[first].pos - net.kinds[R[first].kind, LENGTH] - KEEP)
        move_over(st.lane, len(st.lane) - 1, i, pick, first, R, tick)
        j = int(st.lane[pick].start)
        st.lane[pick].last = -1  # from no lane
        net.link[to].busy = 1
        st.unit[u].slow = 0
    R[j].pos = pos
    R[j].wait = 0
    R[j].marks = R[j].marks & ~INSIDE
    R[j].rpos = R[j].rpos + 1
    R[j].turn = st.route[R[j].rpos]
    set_wishes(net, st, R, j, to)
    if R[j].turn < 0 and pos >= st.vehicle[slot].end:
        st.after[to] |= ENDING


@inner
def drive_on(
    u: int, i: int, tick: int, t_end: float, dt: np.float32, net: Net, st: State, R: Records
) -> None:
    """Move unit `u`, record `i` in a band, by a tick that ends at second `t_end`."""
    k = int(st.unit[u].link)
    band = int(st.unit[u].band)
    kind = R[i].kind
    front = R[i].pos
    rear = front - net.kinds[kind, LENGTH]
    limit = min(net.sirens[BETWEEN], net.link[k].speed * R[i].fac)
    limit = min(limit, band_limit(k, band, rear, front, net, st, R))
    limit = min(limit, stop_speed(room_in_band(k, band, u, front, net, st) - KEEP))
    at_line, pick, next_band = line_limit(u, i, net, st, R)
    v = max(ZERO, min(R[i].vel + net.kinds[kind, ACCEL] * dt, limit, at_line))
    x = front + v * dt
    length = net.link[k].length
    slot = int(R[i].slot)
    if R[i].turn >= 0 and x >= length and pick < 0 and next_band < 0:
        x = max(front, length - HELD)
        v = ZERO
    R[i].vel = v
    R[i].pos = x
    net.link[k].seconds += np.float64(dt)
    net.link[k].metres += np.float64(v * dt)
    st.tally[0, UPDATES] += 1
    if R[i].turn < 0 and x >= st.vehicle[slot].end:
        over = np.float64(x - st.vehicle[slot].end)
        t = t_end - over / np.float64(v) if v > KEEP else t_end
        retire(slot, t, FINISHED, st)
        st.vehicle[slot].distance += np.float64(st.vehicle[slot].end)
        st.unit[u].band = -1
        net.link[k].left += 1
        close_at(st.lane, len(st.lane) - 1, i, R)
        return
    if R[i].turn >= 0 and x >= length:
        cross(u, i, pick, next_band, tick, net, st, R)
        if next_band < 0:
            return
    st.unit[u].pos = R[i].pos


@inner
def pass_queues(
    tick: int,
    t: float,
    dt: np.float32,
    sirens: F32,
    net: Net,
    st: State,
    R: Records,
) -> None:
    """Let units under siren leave their lanes, move in bands, and come back, in their order."""
    if sirens[CORRIDOR] == ZERO and sirens[ONCOMING] == ZERO:
        return
    beside = len(st.lane) - 1
    for u in range(len(st.unit)):
        if st.unit[u].state != DRIVING or not st.unit[u].siren:
            continue
        k = int(st.unit[u].link)
        x, i = find_record(k, st.unit[u].slot, net, st, R)
        if x == beside:
            if not back_to_lane(u, i, tick, net, st, R):
                drive_on(u, i, tick, t + np.float64(dt), dt, net, st, R)
        elif is_held(k, x, i, net, st, R):
            st.unit[u].slow += 1
            if st.unit[u].slow >= HELD_TICKS:
                leave_lane(u, x, i, tick, net, st, R)
        else:
            st.unit[u].slow = 0
        if sirens[CORRIDOR] > ZERO:
            grown = st.unit[u].reach - GROWTH * dt
            if st.unit[u].band >= 0 or st.unit[u].slow > 0:
                grown = st.unit[u].reach + GROWTH * dt
            st.unit[u].reach = min(max(grown, sirens[REACH]), sirens[QUEUE_REACH])
