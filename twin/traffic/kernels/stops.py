"""Stops of buses and of others that halt on their way: braking, standing, setting off, bays.

A vehicle brakes for its stop as late as its comfortable deceleration allows, so that it stands
there after v² / 2b metres, stays for its dwell time and not less long than until it is due, and
sets off as from a light. It stops in the lane of the stop, or in the one that it is in when nobody
let it over. In a bay it stands beside the road; it comes back when there is a gap, and the
next driver who can makes room when it has waited long.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.carfollowing import ONE, ZERO, accel
from twin.traffic.kernels.insertion import BUMPER, UNIT_BRAKE, hold_back, write_record
from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.junctions import FIRM_BRAKE, TWO, set_wishes
from twin.traffic.kernels.lane_records import close_at, has_room, open_at
from twin.traffic.kernels.lanes import seek
from twin.traffic.kernels.layout import (
    AT_STOP,
    BIG,
    BRAKE,
    CALLS,
    IN_BAY,
    LENGTH,
    OBSTACLE,
    PULLS_IN,
    RUNNING,
    SERVED,
    SERVING,
    WAITING,
    Net,
    Records,
    State,
)

AT_M = np.float32(0.3)
"""Metres before its stop from which a vehicle stands at it."""
SLOW = np.float32(0.5)
"""Speed in m/s below which it opens its doors there."""
PLATFORM_M = np.float32(30.0)
"""Metres behind the place to stop in which one is served that stands behind another at a stop:
two or three buses."""
HARDEST_BRAKE = np.float32(4.5)
"""Braking in m/s² for a stop that was seen late."""
DWELLS = 10
"""`wait` of who stands at a stop: others see by it that it is not coming (`note_arrivals`)."""
FORCE_S = 10.0
"""Seconds after which a driver makes room for a bus that waits to leave its bay."""


@inner
def stop_speed(
    i: int,
    leads: bool,
    k: int,
    t: float,
    dt: np.float32,
    net: Net,
    st: State,
    R: Records,
) -> np.float32:
    """Return the greatest speed of record `i` on link `k` with regard to its next stop.

    Its service begins and ends here, at time `t`. `leads` says that nobody is before it in its
    lane.
    """
    slot = R[i].slot
    at = int(st.vehicle[slot].call)
    end = int(st.vehicle[slot].calls_end)
    if R[i].marks & AT_STOP:
        if st.call[at].bay or t < st.call[at].depart:
            return ZERO
        set_off(i, k, t, net, st, R)
        at += 1
    if at >= end or st.call[at].link != k:
        return BIG
    dist = st.call[at].pos - R[i].pos
    v = R[i].vel
    here = dist <= AT_M
    if not here and not leads and dist < PLATFORM_M and v < SLOW and R[i + 1].marks & AT_STOP:
        here = R[i + 1].pos - net.kinds[R[i + 1].kind, LENGTH] - R[i].pos < dist
    if here and v < SLOW:
        st.call[at].arrive = t
        st.call[at].depart = max(t + np.float64(st.call[at].dwell), st.call[at].due)
        st.call[at].state = SERVING
        R[i].marks = R[i].marks | AT_STOP
        R[i].wait = DWELLS
        if st.call[at].bay:
            st.after[k] |= PULLS_IN
        return ZERO
    brake = net.kinds[R[i].kind, BRAKE]
    unit = brake * dt
    speed = unit * (np.sqrt(ONE + TWO * max(dist, ZERO) / (unit * dt)) - ONE)
    limit: np.float32 = max(speed, v - HARDEST_BRAKE * dt)
    return max(limit, ZERO)


@inner
def set_off(i: int, k: int, t: float, net: Net, st: State, R: Records) -> None:
    """Let record `i` leave the stop that it was served at."""
    slot = R[i].slot
    at = int(st.vehicle[slot].call)
    st.call[at].depart = t
    st.call[at].state = SERVED
    st.vehicle[slot].call = at + 1
    R[i].wait = 0
    R[i].marks = R[i].marks & ~AT_STOP
    if at + 1 == st.vehicle[slot].calls_end:
        R[i].marks = R[i].marks & ~CALLS
    set_wishes(net, st, R, i, k)


@inner
def stand_still(st: State, x: int) -> None:
    """Note that the first vehicle of lane `x` asks nothing of the junction ahead."""
    st.lane[x].aim = -1
    st.lane[x].claim = 0


@inner
def pull_in(k: int, net: Net, st: State, R: Records) -> None:
    """Take the vehicles of link `k` that stand before their bay off the road."""
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        i = int(st.lane[x].end) - 1
        while i >= st.lane[x].start:
            slot = int(R[i].slot)
            if R[i].marks & AT_STOP and st.call[st.vehicle[slot].call].bay:
                st.vehicle[slot].rpos = R[i].rpos
                st.vehicle[slot].state = WAITING
                st.bay[st.counts[IN_BAY]] = slot
                st.counts[IN_BAY] += 1
                close_at(st.lane, x, i, R)
                continue  # the record behind moved up into place i
            i -= 1


@inner
def pull_out(t: float, net: Net, st: State, R: Records) -> None:
    """Bring the vehicles in bays that may leave back on the road, where there is a gap."""
    kept = 0
    for b in range(st.counts[IN_BAY]):
        slot = int(st.bay[b])
        at = int(st.vehicle[slot].call)
        if t < st.call[at].depart or not enter_beside(slot, at, t, net, st, R):
            st.bay[kept] = slot
            kept += 1
    st.counts[IN_BAY] = kept


@inner
def enter_beside(slot: int, at: int, t: float, net: Net, st: State, R: Records) -> bool:
    """Put the vehicle of a slot, served by call `at`, back on the road; return whether it fits."""
    k = int(st.call[at].link)
    pos = st.call[at].pos
    last = int(net.link[k].lanes) - 1
    lane = min(max(int(st.call[at].lane), int(net.link[k].first_open)), last)
    y = int(net.link[k].lane0) + lane
    if not has_room(st.lane, y):
        return False
    j = seek(st.lane, y, st.lane[y].start, pos, R)
    if j < st.lane[y].end and R[j].pos - net.kinds[R[j].kind, LENGTH] - pos <= BUMPER:
        return False
    rear = pos - net.kinds[st.vehicle[slot].kind, LENGTH]
    if j > st.lane[y].start:
        v = R[j - 1].vel
        gap = rear - R[j - 1].pos
        free = gap >= BUMPER
        if free and R[j - 1].kind != OBSTACLE:
            v0 = net.link[k].speed * R[j - 1].fac
            free = accel(v, v0, gap, ZERO, net.kinds, R[j - 1].kind) >= UNIT_BRAKE
        if not free:
            if t - st.call[at].depart < FORCE_S:
                return False
            if gap < BUMPER or v * v > TWO * FIRM_BRAKE * (gap - BUMPER):
                hold_back(st.lane[y].start, j, rear, R)
                return False
    i = open_at(st.lane, y, j, R)
    write_record(st, R, i, slot, pos, ZERO)
    st.vehicle[slot].state = RUNNING
    net.link[k].busy = 1
    set_off(i, k, t, net, st, R)
    return True
