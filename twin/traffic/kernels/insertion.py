"""How trips and units get on the road and off it."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.bus_lanes import barred_lanes, entered_lanes
from twin.traffic.kernels.carfollowing import KEEP, ONE, ZERO, accel
from twin.traffic.kernels.itinerary import miss_calls
from twin.traffic.kernels.jit import inlined, inner, outer
from twin.traffic.kernels.junctions import FIRM_BRAKE, TWO, keep_wishes, set_wishes, wished_lanes
from twin.traffic.kernels.lane_records import close_at, has_room, open_at
from twin.traffic.kernels.lanes import seek
from twin.traffic.kernels.layout import (
    ARRIVED,
    CALLS,
    COOPERATE,
    DONE,
    DRIVING,
    FINISHED,
    INSERTED,
    LENGTH,
    N_DONE,
    NEVER,
    OBSTACLE,
    PENDING,
    RUNNING,
    SIREN,
    Net,
    Records,
    State,
)

ENTRY_GAP_M = np.float32(7.0)
"""Metres behind the last vehicle of a lane that a trip wants to enter at the start of a link."""
QUEUED_M = np.float32(7.0)
ENTRY_SHARE = np.float32(0.5)
ENTRY_SPEED = np.float32(10.0)
UNIT_BRAKE = np.float32(-3.0)
FORCE_TICKS = 3
"""Ticks after which the vehicle behind a waiting unit makes room for it."""
ROOM_M = np.float32(1.5)
HARD_BRAKE = np.float32(4.5)
"""Loss of speed in m/s at which a driver is not stopped any more for a unit that wants to enter."""
BUMPER = np.float32(0.3)
BLOCK_LENGTH = np.float32(1.0)
STANDING_FACTOR = np.float32(1.0)


@inner
def write_record(
    st: State, R: Records, j: int, slot: int, pos: np.float32, vel: np.float32
) -> None:
    """Fill record `j` with the vehicle of `slot` at the start of its route."""
    R[j].pos = pos
    R[j].vel = vel
    R[j].fac = st.vehicle[slot].fac
    R[j].slot = slot
    R[j].rpos = st.vehicle[slot].rpos
    R[j].turn = st.route[st.vehicle[slot].rpos]
    R[j].kind = st.vehicle[slot].kind
    R[j].marks = CALLS if st.vehicle[slot].call < st.vehicle[slot].calls_end else 0
    R[j].cool = 0
    R[j].wait = 0


@inner
def enter_waiting(k: int, t: float, block: int, net: Net, st: State, R: Records) -> None:
    """Let trips that wait at the start of link `k` enter: at most one to a lane and tick.

    A trip takes the lane with the most space among those that suit its way, and enters when the
    last vehicle there is `ENTRY_GAP_M` away and the lane is not nearly full: who parks at the
    roadside waits for a queue to pass, or a crowded network would be filled until nothing moves.
    Who comes from beyond the network, on a link that no other leads to, has no queue to let pass.
    Who waits for one lane holds up nobody who wants another.
    """
    a = int(net.link[k].lane0)
    n = int(net.link[k].lanes)
    if net.link[k].closed:
        return
    at = int(net.link[k].queue_at)
    end = int(net.link[k].queue_end)
    full = 0
    for q in range(at, end):
        slot = int(st.queue[q])
        if full == (1 << n) - 1 or st.vehicle[slot].t_plan > t:
            break
        kind = int(st.vehicle[slot].kind)
        wishes = wished_lanes(net, st, k, int(st.vehicle[slot].rpos), kind)
        lo, hi, _, _ = wishes
        mask = barred_lanes(net, k, kind)
        if mask:
            lo, hi = entered_lanes(lo, hi, n, mask)
            lo = max(lo, min(int(net.link[k].first_open), n - 1))
            hi = max(lo, hi)
        lanes = ((2 << hi) - 1) & ~((1 << lo) - 1)
        if lanes & ~mask:
            lanes &= ~mask
        pick, space = roomiest(k, lanes & ~full, net, st, R)
        if pick < 0:
            full |= lanes
            continue
        full |= 1 << (pick - a)
        for p in range(q, at, -1):
            st.queue[p] = st.queue[p - 1]
        st.queue[at] = slot
        at += 1
        v0 = net.link[k].speed * st.vehicle[slot].fac
        j = int(st.lane[pick].start) - 1
        st.lane[pick].start = j
        vel = min(v0, ENTRY_SPEED)
        if st.lane[pick].end > j + 1:
            vel = min(vel, max(R[j + 1].vel, space * ENTRY_SHARE))
        write_record(st, R, j, slot, ZERO, vel)
        keep_wishes(wishes, net, st, R, j, k)
        st.vehicle[slot].t_depart = t
        st.vehicle[slot].state = RUNNING
        st.tally[block, INSERTED] += 1
        net.link[k].busy = 1
    net.link[k].queue_at = at
    st.due[k] = st.vehicle[st.queue[at]].t_plan if at < end else NEVER


@inlined
def roomiest(k: int, lanes: int, net: Net, st: State, R: Records) -> tuple[int, np.float32]:
    """Return the lane with the most space of those whose bit is set, and metres; -1 for none."""
    a = int(net.link[k].lane0)
    length = net.link[k].length
    best = np.float32(-1.0)
    pick = -1
    for own in range(int(net.link[k].lanes)):
        y = a + own
        if not (lanes >> own) & 1 or not has_room(st.lane, y):
            continue
        space = length
        ahead = st.lane[y].end - st.lane[y].start
        if ahead > 0:
            last = R[st.lane[y].start]
            space = last.pos - net.kinds[last.kind, LENGTH]
            crowded = np.float32(ahead + 1) * QUEUED_M > net.link[k].full * length
            if space < ENTRY_GAP_M or crowded:
                continue
        if space > best:
            best = space
            pick = y
    return pick, best


@inner
def place_units(t: float, net: Net, st: State, R: Records) -> None:
    """Put units that wait at the roadside on the road where there is a gap.

    When there is none for `FORCE_TICKS`, the next vehicle that can brakes for the unit.
    """
    for u in range(len(st.unit)):
        if st.unit[u].state != PENDING:
            continue
        slot = int(st.unit[u].slot)
        k = int(st.unit[u].link)
        pos = st.unit[u].pos
        length = net.kinds[st.vehicle[slot].kind, LENGTH]
        a = int(net.link[k].lane0)
        st.unit[u].wait += 1
        wait = st.unit[u].wait
        for y in range(a, a + int(net.link[k].lanes)):
            j = seek(st.lane, y, st.lane[y].start, pos, R)
            ahead = j < st.lane[y].end
            free = not ahead or R[j].pos - net.kinds[R[j].kind, LENGTH] - pos > BUMPER
            behind = j > st.lane[y].start
            if behind and R[j - 1].kind != OBSTACLE:
                gap = pos - length - R[j - 1].pos
                v0 = net.link[k].speed * R[j - 1].fac
                brake = accel(R[j - 1].vel, v0, gap, ZERO, net.kinds, R[j - 1].kind)
                v = R[j - 1].vel
                stops = wait > FORCE_TICKS and v * v <= TWO * FIRM_BRAKE * (gap - BUMPER)
                if gap < BUMPER or (brake < UNIT_BRAKE and not stops):
                    free = False
                    if wait > FORCE_TICKS and y == a:
                        hold_back(st.lane[y].start, j, pos - length, R)
            elif behind and pos - length - R[j - 1].pos < BUMPER:
                free = False
            if not free or not has_room(st.lane, y):
                continue
            at = open_at(st.lane, y, j, R)
            write_record(st, R, at, slot, pos, ZERO)
            if st.unit[u].siren:
                R[at].marks = SIREN
            set_wishes(net, st, R, at, k)
            st.vehicle[slot].t_depart = t
            st.vehicle[slot].state = RUNNING
            st.unit[u].state = DRIVING
            net.link[k].busy = 1
            break


@inner
def hold_back(start: int, j: int, rear: np.float32, R: Records) -> None:
    """Let the nearest vehicle before record `j` that can stay behind `rear` metres brake for it.

    Those beside the waiting unit drive on: were they held, nobody would ever make room.
    """
    for i in range(j - 1, start - 1, -1):
        if R[i].kind == OBSTACLE:
            return
        gap = rear - R[i].pos
        if gap >= BUMPER:
            slow_down(R, i, gap)
            return


@inner
def slow_down(R: Records, i: int, gap: np.float32) -> None:
    """Let record `i` brake so that it can stop within `gap`, when that is not too late.

    The speed from which a vehicle that moves on for a second can still stop: Krauss 1998,
    "Microscopic modeling of traffic flow", eq. (2.11), behind something that stands.
    """
    room = max(gap - ROOM_M, ZERO)
    speed = FIRM_BRAKE * (np.sqrt(ONE + TWO * room / FIRM_BRAKE) - ONE)
    if R[i].vel - speed < HARD_BRAKE:
        R[i].vel = min(R[i].vel, speed)
        R[i].marks = R[i].marks | COOPERATE


@inner
def finish(k: int, t_end: float, net: Net, st: State, R: Records) -> None:
    """Take the vehicles off link `k` that passed the place where their trip ends.

    The time of arrival is that of the passage within the tick that ends at `t_end`.
    """
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        i = int(st.lane[x].end) - 1
        while i >= st.lane[x].start:
            slot = int(R[i].slot)
            if R[i].turn < 0 and slot >= 0 and R[i].pos >= st.vehicle[slot].end:
                over = np.float64(R[i].pos - st.vehicle[slot].end)
                t = t_end
                if R[i].vel > KEEP:
                    t = t_end - over / np.float64(R[i].vel)
                retire(slot, t, FINISHED, st)
                st.vehicle[slot].distance += np.float64(st.vehicle[slot].end)
                net.link[k].left += 1
                close_at(st.lane, x, i, R)
                continue  # the record behind moved up into place i
            i -= 1


@inner
def retire(slot: int, t: float, state: int, st: State) -> None:
    """Close the account of a vehicle that left the road at time `t`."""
    st.vehicle[slot].t_arrive = t
    st.vehicle[slot].state = state
    miss_calls(st, slot)
    u = int(st.vehicle[slot].unit)
    if u >= 0:
        st.unit[u].state = ARRIVED
        st.unit[u].pos = st.vehicle[slot].end
        st.unit[u].t_arrive = t
    else:
        st.done[st.counts[N_DONE]] = slot
        st.counts[N_DONE] += 1
        if state == FINISHED:
            st.tally[0, DONE] += 1


@outer
def find_record(k: int, slot: int, net: Net, st: State, R: Records) -> tuple[int, int]:
    """Return (lane, record) of a vehicle on link `k` or of a unit in no lane, or (-1, -1)."""
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        for i in range(st.lane[x].start, st.lane[x].end):
            if R[i].slot == slot:
                return x, i
    beside = len(st.lane) - 1
    for i in range(st.lane[beside].start, st.lane[beside].end):
        if R[i].slot == slot:
            return beside, i
    return -1, -1


@outer
def put_obstacle(
    x: int, pos: np.float32, token: int, net: Net, st: State, R: Records
) -> np.float32:
    """Stand an obstacle in lane `x` at `pos`, or behind who is there; return its position or -1."""
    if not has_room(st.lane, x):
        return np.float32(-1.0)
    j = seek(st.lane, x, st.lane[x].start, pos, R)
    while True:
        if j < st.lane[x].end:
            pos = min(pos, R[j].pos - net.kinds[R[j].kind, LENGTH] - BUMPER)
        if pos < BLOCK_LENGTH:
            return np.float32(-1.0)
        if j == st.lane[x].start or R[j - 1].pos <= pos - BLOCK_LENGTH - BUMPER:
            break
        j -= 1
    at = open_at(st.lane, x, j, R)
    R[at].pos = pos
    R[at].vel = ZERO
    R[at].fac = STANDING_FACTOR
    R[at].slot = -1
    R[at].turn = -1
    R[at].rpos = token
    R[at].kind = OBSTACLE
    # Nobody reads these of an obstacle, but with what lay there records of equal runs would differ.
    R[at].lo = R[at].hi = 0
    R[at].nlo = R[at].nhi = 0
    R[at].marks = 0
    R[at].cool = 0
    R[at].wait = 0
    return pos


@outer
def take_obstacles(k: int, token: int, net: Net, st: State, R: Records) -> None:
    """Remove the obstacles of `token` from link `k`."""
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        i = int(st.lane[x].start)
        while i < st.lane[x].end:
            if R[i].kind == OBSTACLE and R[i].rpos == token:
                close_at(st.lane, x, i, R)
            i += 1


@outer
def note_obstacles(k: int, net: Net, st: State, R: Records) -> None:
    """Write where the first obstacle of each lane of link `k` stands."""
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        if st.lane[x].end > st.lane[x].start:
            net.link[k].busy = 1
        st.lane[x].block = np.float32(-1.0)
        for i in range(st.lane[x].start, st.lane[x].end):
            if R[i].kind == OBSTACLE:
                st.lane[x].block = R[i].pos
                break
