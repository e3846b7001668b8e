"""The vehicles of a link drive on for one tick."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.approach import WRONG_LANE_TICKS, approach, is_near
from twin.traffic.kernels.carfollowing import KEEP, ZERO, driven_speed, next_speed
from twin.traffic.kernels.jit import inlined
from twin.traffic.kernels.junctions import HELD, seconds_left
from twin.traffic.kernels.lane_records import free_needed, is_tight, lanes_left, make_room
from twin.traffic.kernels.layout import (
    AT_STOP,
    BIG,
    CALLS,
    COOPERATE,
    COOPERATE_ON,
    ENDING,
    LENGTH,
    NEARER,
    OBSTACLE,
    SIREN,
    SPECIAL,
    TIGHT,
    TOP,
    Net,
    Records,
    State,
)
from twin.traffic.kernels.stops import stand_still, stop_speed

COOPERATE_BRAKE = np.float32(1.5)
"""Braking in m/s² by which a driver lets another one in."""


@inlined
def follow_on_link(
    k: int,
    tick: int,
    clock: float,
    dt: np.float32,
    key: np.uint64,
    net: Net,
    st: State,
    R: Records,
) -> int:
    """Move the vehicles of link `k` along their lanes; return how many there are."""
    kinds = net.kinds
    a = int(net.link[k].lane0)
    n = int(net.link[k].lanes)
    length = net.link[k].length
    speed = net.link[k].speed
    stops = net.link[k].stops != 0
    slow = int(net.link[k].slow)
    driven = 0.0
    count = 0
    left = lanes_left(k, net, st)
    for x in range(a, a + n):
        count += int(st.lane[x].end - st.lane[x].start)
    for x in range(a, a + n):
        here = int(st.lane[x].end - st.lane[x].start)
        needed = free_needed(here, count, left)
        if is_tight(st.lane, x, needed) and not make_room(st.lane, x, needed, R):
            st.after[k] |= TIGHT
        if here == 0:
            st.lane[x].rear = BIG
            continue
        start = int(st.lane[x].start)
        head = start + here - 1
        # The first vehicle decides before its followers move, and moves after them: they see
        # it where it was.
        v = R[head].vel
        if R[head].kind != OBSTACLE:
            kind = R[head].kind
            manner = kinds
            free = speed
            if slow:
                at = piece_at(slow, R[head].pos, net)
                free = net.piece[at].speed
                manner = net.manner[at]
            v0 = min(free * R[head].fac, kinds[kind, TOP])
            cap = BIG
            limit = BIG
            if stops and R[head].marks & CALLS:
                limit = stop_speed(head, True, k, clock, dt, net, st, R)
            if R[head].marks & AT_STOP:
                gap = BIG
                v_lead = v
                stand_still(st, x)
            elif R[head].turn >= 0 and is_near(length - R[head].pos, v):
                gap, v_lead, cap = approach(head, x, k, dt, net, st, R)
            else:
                gap = BIG
                v_lead = v
            room = gap + kinds[kind, NEARER]
            if kinds[kind, SPECIAL] > ZERO:
                number = int(st.vehicle[R[head].slot].id)
                v = driven_speed(v, v0, room, v_lead, dt, manner, kind, key, number, tick)
            else:
                v = next_speed(v, v0, room, v_lead, dt, manner, kind)
            v = min(v, max(ZERO, (gap - KEEP) / dt), cap, limit)
            # Two who stand first side by side, each in the other's lane, would wait for ever.
            waits = R[head].wait >= WRONG_LANE_TICKS
            polite = cooperate(R, head, v, dt)
            v = v if waits else polite
        lane_driven = ZERO
        begin = start
        while begin < head:
            stop = head
            manner = kinds
            free = speed
            if slow:
                at = piece_at(slow, R[begin].pos, net)
                free = net.piece[at].speed
                manner = net.manner[at]
                stop = begin + 1
                while stop < head and R[stop].pos < net.piece[at].until:
                    stop += 1
            for i in range(begin, stop):
                kind = R[i].kind
                if kind == OBSTACLE:
                    continue
                gap = R[i + 1].pos - kinds[R[i + 1].kind, LENGTH] - R[i].pos
                v0 = min(free * R[i].fac, kinds[kind, TOP])
                v_lead = R[i + 1].vel
                own = R[i].vel
                if kinds[kind, SPECIAL] > ZERO:
                    number = int(st.vehicle[R[i].slot].id)
                    u = driven_speed(own, v0, gap, v_lead, dt, manner, kind, key, number, tick)
                else:
                    u = next_speed(own, v0, gap, v_lead, dt, manner, kind)
                u = cooperate(R, i, u, dt)
                if stops and R[i].marks & CALLS:
                    u = min(u, stop_speed(i, False, k, clock, dt, net, st, R))
                R[i].vel = u
                R[i].pos += u * dt
                lane_driven += u * dt
                if R[i].turn < 0 and R[i].pos >= st.vehicle[R[i].slot].end:
                    st.after[k] |= ENDING
            begin = stop
        if R[head].kind != OBSTACLE:
            x_new = R[head].pos + v * dt
            t = int(R[head].turn)
            if t < 0:
                if x_new >= st.vehicle[R[head].slot].end:
                    st.after[k] |= ENDING
            elif x_new >= length:
                if may_cross(R, head, v, length, net):
                    st.crossing[k] = 1
                else:
                    x_new = max(R[head].pos, length - HELD)
                    v = ZERO
            lane_driven += v * dt
            R[head].vel = v
            R[head].pos = x_new
        st.lane[x].rear = R[start].pos - kinds[R[start].kind, LENGTH]
        driven += np.float64(lane_driven)
    net.link[k].seconds += np.float64(count) * np.float64(dt)
    net.link[k].metres += driven
    return count


@inlined
def piece_at(first: int, pos: np.float32, net: Net) -> int:
    """Return the piece in which a position lies, of a link whose first piece is `first`."""
    while pos >= net.piece[first].until:
        first += 1
    return first


@inlined
def cooperate(R: Records, i: int, v: np.float32, dt: np.float32) -> np.float32:
    """Return the speed of record `i` when somebody asked it for a gap, else `v`."""
    if R[i].marks & COOPERATE:
        if R[i].marks & COOPERATE_ON:
            R[i].marks = R[i].marks & ~COOPERATE_ON
        else:
            R[i].marks = R[i].marks & ~COOPERATE
        return min(v, max(ZERO, R[i].vel - COOPERATE_BRAKE * dt))
    return v


@inlined
def may_cross(R: Records, i: int, v: np.float32, length: np.float32, net: Net) -> bool:
    """Return whether the light lasts until record `i`, moving at `v`, is past the line.

    Who has stood where drivers may go on red need not ask: it sets off only when nobody comes.
    """
    t = int(R[i].turn)
    g = int(net.turn[t].group)
    if g < 0 or R[i].marks & SIREN or (net.turn[t].on_red and R[i].wait > 0):
        return True
    left = seconds_left(net, R, i)
    return bool(left > ZERO and length - R[i].pos <= v * left)
