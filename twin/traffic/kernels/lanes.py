"""Lane changing: what a vehicle wants of its lane, whether it is safe, and the move itself.

Who is not in a lane of the next turn must change (mandatory); who is hindered may, when it gains
more than it costs the new follower: MOBIL (Kesting, Treiber and Helbing 2007, "General
lane-changing model MOBIL for car-following models", eq. (2) and (7)). A link is worked on every
other tick; the order along a lane is kept, so a change is two short shifts of records.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.bands import crosses_band
from twin.traffic.kernels.bus_lanes import TURN_IN_M, barred_lanes, way_out
from twin.traffic.kernels.carfollowing import ZERO, accel, free_accel
from twin.traffic.kernels.itinerary import metres_to_stop
from twin.traffic.kernels.jit import inlined, inner
from twin.traffic.kernels.lane_records import close_at, has_room, open_at
from twin.traffic.kernels.layout import (
    BIG,
    CALLS,
    COOPERATE,
    COOPERATE_ON,
    F32,
    LENGTH,
    OBSTACLE,
    POLITENESS,
    SIREN,
    STAYS,
    TOP,
    Net,
    Records,
    State,
)
from twin.traffic.kernels.rng import LANE_CHANGE, uniform

THRESHOLD = np.float32(0.3)
"""Gain in m/s² below which nobody changes lanes."""
SAFE_BRAKE = np.float32(-2.0)
"""Braking in m/s² that a free change may cost the new follower."""
FORCED_BRAKE = np.float32(-2.0)
URGENT_BRAKE = np.float32(-6.0)
"""Added to `FORCED_BRAKE` when a mandatory change cannot wait."""
URGENT_M = np.float32(120.0)
"""Metres for each lane to cross within which a mandatory change becomes urgent."""
COOPERATE_M = np.float32(90.0)
LET_IN_M = np.float32(15.0)
LET_IN_S = np.float32(2.0)
"""Only who is nearer behind than so many metres, and seconds at his speed, lets somebody in."""
FALL_BACK = np.float32(1.0)
"""Who drops back behind a vehicle beside him is slower than it by so much, m/s."""
SOLID_M = np.float32(40.0)
"""Metres before the end of a link within which nobody changes lanes freely."""
CHOSEN_M = np.float32(200.0)
"""Metres before the end within which a free change keeps to lanes of the next turn."""
BLOCK_M = np.float32(150.0)
"""Metres before an obstacle within which its lane is left."""
MIN_GAP = np.float32(0.6)
HALF_DRAW = np.float32(0.5)
CREEP = np.float32(0.5)
BODY = np.float32(1.0)
REST_TICKS = 5
SIREN_BRAKE = np.float32(-4.0)
NEAR_BLOCK_M = np.float32(40.0)
BESIDE = 2
"""Mark of a link on which a unit under siren drives beside the lanes."""


@inlined
def is_blocked(lane: Records, at: int, pos: np.float32, reach: np.float32) -> bool:
    """Return whether an obstacle stands in the lane within `reach` metres ahead of `pos`."""
    block = lane[at].block
    return bool(block > pos and block - pos < reach)


@inlined
def follower_brake(
    lane: Records, at: int, j: int, R: Records, i: int, speed: np.float32, kinds: F32
) -> np.float32:
    """Return the acceleration of the record behind `j` if record `i` became its leader."""
    if j == lane[at].start:
        return ZERO
    f = j - 1
    if R[f].kind == OBSTACLE:
        return ZERO
    gap = R[i].pos - kinds[R[i].kind, LENGTH] - R[f].pos
    return accel(R[f].vel, speed * R[f].fac, gap, R[i].vel, kinds, R[f].kind)


@inlined
def gap_ahead(
    lane: Records, at: int, j: int, R: Records, i: int, kinds: F32
) -> tuple[np.float32, np.float32]:
    """Return (gap, speed) of record `j` of a lane as the leader of record `i`."""
    if j == lane[at].end:
        return BIG, R[i].vel
    return R[j].pos - kinds[R[j].kind, LENGTH] - R[i].pos, R[j].vel


@inlined
def fits(lane: Records, at: int, j: int, R: Records, i: int, kinds: F32) -> bool:
    """Return whether record `i` has bumper room between `j - 1` and `j` of a lane."""
    if not has_room(lane, at):
        return False
    if j < lane[at].end and R[j].pos - kinds[R[j].kind, LENGTH] - R[i].pos < MIN_GAP:
        return False
    return bool(
        j == lane[at].start or R[i].pos - kinds[R[i].kind, LENGTH] - R[j - 1].pos >= MIN_GAP
    )


@inner
def move_over(lane: Records, own: int, i: int, to: int, j: int, R: Records, tick: int) -> None:
    """Take record `i` of lane `own` to just behind record `j` of lane `to`."""
    free = open_at(lane, to, j, R)
    R[free] = R[i]
    R[free].cool = tick & 255
    close_at(lane, own, i, R)


@inlined
def seek(lane: Records, at: int, j: int, pos: np.float32, R: Records) -> int:
    """Return the first record of a lane, from `j` on, that is ahead of `pos`."""
    end = lane[at].end
    while j < end and R[j].pos <= pos:
        j += 1
    return j


@inlined
def forced_direction(
    lane: Records, a: int, n: int, own: int, R: Records, i: int, first_open: int
) -> int:
    """Return +1 or -1 when record `i` must leave its lane to the left or right, else 0."""
    if own < first_open or own < R[i].lo:
        return 1
    if is_blocked(lane, a + own, R[i].pos, BLOCK_M):
        left = own + 1 < n and not is_blocked(lane, a + own + 1, R[i].pos, BLOCK_M)
        right = own > first_open and not is_blocked(lane, a + own - 1, R[i].pos, BLOCK_M)
        if left:
            return 1
        if right:
            return -1
        if own + 1 < n:
            return 1
        return 0
    if own > R[i].hi:
        return -1
    return 0


@inlined
def falls_back(st: State, R: Records, i: int, beside: int, own: int, way: int) -> bool:
    """Return whether record `i`, which must go `way` to where `beside` is, brakes to go behind it.

    Of two who are each to go to the other's lane, the one with the greater number does.
    """
    if R[i].vel < CREEP or R[i].vel < R[beside].vel - FALL_BACK:
        return False
    crosses = R[beside].hi < own + way if way > 0 else R[beside].lo > own + way
    if not crosses or R[beside].kind == OBSTACLE:
        return True
    return bool(st.vehicle[R[i].slot].id > st.vehicle[R[beside].slot].id)


@inlined
def change_lanes(k: int, tick: int, key: np.uint64, net: Net, st: State, R: Records) -> int:
    """Change lanes on link `k`; return how many did."""
    lane = st.lane
    kinds = net.kinds
    a = int(net.link[k].lane0)
    n = int(net.link[k].lanes)
    length = net.link[k].length
    speed = net.link[k].speed
    first_open = int(net.link[k].first_open)
    siren = int(net.link[k].siren)
    bus_lanes = net.link[k].bus_lanes != 0
    changes = 0
    for own in range(n):
        x = a + own
        i = int(lane[x].start)
        end = int(lane[x].end)
        below = int(lane[x - 1].start) if own > 0 else 0
        above = int(lane[x + 1].start) if own + 1 < n else 0
        while i < end:
            kind = R[i].kind
            p = R[i].pos
            if kind == OBSTACLE or p < kinds[kind, LENGTH] + BODY or R[i].marks & STAYS:
                i += 1
                continue
            way = forced_direction(lane, a, n, own, R, i, first_open)
            to_end = length - p
            if R[i].marks & CALLS:
                to_end = min(to_end, metres_to_stop(st, R, i, k))
            mask = barred_lanes(net, k, kind) if bus_lanes else 0
            if mask and not is_blocked(lane, x, p, BLOCK_M):
                way = way_out(mask, own, way, int(R[i].lo), int(R[i].hi), n, to_end)
                if (mask >> own) & 1 and way != 0:
                    to_end = min(to_end, TURN_IN_M)  # as urgent as a turn
                    if is_blocked(lane, x + way, p, BLOCK_M):
                        way = 0
            v = R[i].vel
            v0 = min(speed * R[i].fac, kinds[kind, TOP])
            if way != 0:
                y = x + way
                if is_blocked(lane, y, p, NEAR_BLOCK_M) or (
                    siren == BESIDE and crosses_band(k, own, own + way, p, st)
                ):
                    i += 1
                    continue
                if way > 0:
                    j = seek(lane, y, above, p, R)
                    above = j
                else:
                    j = seek(lane, y, below, p, R)
                    below = j
                steps = max(1, R[i].lo - own, own - R[i].hi)
                room = to_end
                if lane[x].block > p:
                    room = min(room, lane[x].block - p)
                haste = np.float32(1.0) - min(
                    np.float32(1.0), room / (URGENT_M * np.float32(steps))
                )
                limit = FORCED_BRAKE + URGENT_BRAKE * haste
                gap, v_lead = gap_ahead(lane, y, j, R, i, kinds)
                close = accel(v, v0, gap, v_lead, kinds, kind) <= limit
                if (
                    fits(lane, y, j, R, i, kinds)
                    and not close
                    and (
                        follower_brake(lane, y, j, R, i, speed, kinds) > limit
                        or R[j - 1].vel < CREEP
                    )
                ):
                    move_over(lane, x, i, y, j, R, tick)
                    changes += 1
                elif room < COOPERATE_M * np.float32(steps):
                    # Who is beside it goes first: were he asked, both would stand for good.
                    f = j - 1
                    beside = f >= lane[y].start and p - kinds[kind, LENGTH] - R[f].pos < MIN_GAP
                    if (beside and falls_back(st, R, i, f, own, way)) or (
                        close and j < lane[y].end and falls_back(st, R, i, j, own, way)
                    ):
                        R[i].marks = R[i].marks | COOPERATE
                    if beside:
                        f -= 1
                    if f >= lane[y].start and p - R[f].pos < LET_IN_M + LET_IN_S * R[f].vel:
                        R[f].marks = R[f].marks | COOPERATE | COOPERATE_ON
                i += 1
                continue
            # A free change: only who is hindered by a leader, away from the stop line.
            if (
                siren != 0
                or n == 1
                or i + 1 == end
                or to_end < SOLID_M
                or ((tick - int(R[i].cool)) & 255) < REST_TICKS
            ):
                i += 1
                continue
            # Of those who creep each looks every fourth time, by its place in the queue: its number
            # would be one more access to memory.
            if v < CREEP and (end - i + tick) & 7 > 1:
                i += 1
                continue
            gap = R[i + 1].pos - kinds[R[i + 1].kind, LENGTH] - p
            now = accel(v, v0, gap, R[i + 1].vel, kinds, kind)
            if free_accel(v, v0, kinds, kind) - now < THRESHOLD:
                i += 1
                continue
            best = THRESHOLD
            target = -1
            spot = 0
            for side in range(2):
                y = x + 1 if side == 0 else x - 1
                other = y - a
                if other < first_open or other >= n or (mask >> other) & 1:
                    continue
                if to_end < CHOSEN_M and (other < R[i].lo or other > R[i].hi):
                    continue
                if is_blocked(lane, y, p, BLOCK_M):
                    continue
                if side == 0:
                    j = seek(lane, y, above, p, R)
                    above = j
                else:
                    j = seek(lane, y, below, p, R)
                    below = j
                if not fits(lane, y, j, R, i, kinds):
                    continue
                gap, v_lead = gap_ahead(lane, y, j, R, i, kinds)
                gain = accel(v, v0, gap, v_lead, kinds, kind) - now
                if gain <= best:
                    continue
                after = follower_brake(lane, y, j, R, i, speed, kinds)
                if after < SAFE_BRAKE:
                    continue
                if j > lane[y].start and R[j - 1].kind != OBSTACLE:
                    f = j - 1
                    gap, v_lead = gap_ahead(lane, y, j, R, f, kinds)
                    before = accel(R[f].vel, speed * R[f].fac, gap, v_lead, kinds, R[f].kind)
                    gain -= kinds[kind, POLITENESS] * max(ZERO, before - after)
                if gain > best:
                    best = gain
                    target = y
                    spot = j
            if target >= 0:
                number = st.vehicle[R[i].slot].id
                if uniform(key, number, tick, LANE_CHANGE) < HALF_DRAW:
                    move_over(lane, x, i, target, spot, R, tick)
                    changes += 1
            i += 1
    return changes


@inner
def make_way(k: int, tick: int, net: Net, st: State, R: Records) -> int:
    """Let units under siren on link `k` pass: they pick lanes freely, those ahead leave theirs."""
    lane = st.lane
    kinds = net.kinds
    a = int(net.link[k].lane0)
    n = int(net.link[k].lanes)
    speed = net.link[k].speed
    first_open = int(net.link[k].first_open)
    beside = net.link[k].siren == BESIDE
    changes = 0
    for own in range(n):
        x = a + own
        i = int(lane[x].end) - 1
        while i >= lane[x].start:
            if not R[i].marks & SIREN:
                i -= 1
                continue
            # Those ahead, the nearest first.
            reach = st.unit[st.vehicle[R[i].slot].unit].reach
            m = i + 1
            while m < lane[x].end and R[m].pos - R[i].pos < reach:
                moved = False
                if not R[m].marks & STAYS and R[m].kind != OBSTACLE:
                    for side in range(2):
                        y = x - 1 if side == 0 else x + 1
                        if moved or y - a < first_open or y - a >= n:
                            continue
                        if is_blocked(lane, y, R[m].pos, NEAR_BLOCK_M) or (
                            beside and crosses_band(k, own, y - a, R[m].pos, st)
                        ):
                            continue
                        j = seek(lane, y, lane[y].start, R[m].pos, R)
                        gap, v_lead = gap_ahead(lane, y, j, R, m, kinds)
                        if not fits(lane, y, j, R, m, kinds) or R[m].pos < (
                            kinds[R[m].kind, LENGTH] + BODY
                        ):
                            continue
                        mine = accel(R[m].vel, speed * R[m].fac, gap, v_lead, kinds, R[m].kind)
                        if (
                            mine > SIREN_BRAKE
                            and follower_brake(lane, y, j, R, m, speed, kinds) > SIREN_BRAKE
                        ):
                            move_over(lane, x, m, y, j, R, tick)
                            # The unit and all up to m were shifted one up.
                            i += 1
                            changes += 1
                            moved = True
                m += 1
            # The unit itself.
            if i + 1 < lane[x].end and R[i].pos > kinds[R[i].kind, LENGTH] + BODY:
                gap, v_lead = gap_ahead(lane, x, i + 1, R, i, kinds)
                kind = R[i].kind
                best = accel(R[i].vel, speed * R[i].fac, gap, v_lead, kinds, kind) + THRESHOLD
                target = -1
                spot = 0
                for side in range(2):
                    y = x + 1 if side == 0 else x - 1
                    if y - a < first_open or y - a >= n:
                        continue
                    if beside and crosses_band(k, own, y - a, R[i].pos, st):
                        continue
                    j = seek(lane, y, lane[y].start, R[i].pos, R)
                    if not fits(lane, y, j, R, i, kinds):
                        continue
                    gap, v_lead = gap_ahead(lane, y, j, R, i, kinds)
                    gain = accel(R[i].vel, speed * R[i].fac, gap, v_lead, kinds, kind)
                    if gain > best and (
                        follower_brake(lane, y, j, R, i, speed, kinds) > SIREN_BRAKE
                    ):
                        best = gain
                        target = y
                        spot = j
                rested = ((tick - int(R[i].cool)) & 255) >= 2
                if target >= 0 and rested:
                    move_over(lane, x, i, target, spot, R, tick)
                    changes += 1
                    continue
            i -= 1
    return changes
