"""One tick of traffic, and n of them in one compiled call.

A tick has two sides: what everybody decides depends only on the state at its start and on who owns
what. Links insert trips, change lanes and note what others will see of them; lanes follow; nodes
pass vehicles on; what touches the whole network is done by one thread in order. Each datum has one
writer in each phase, so the result has the same bits whatever the number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from twin.traffic.kernels.approach import WRONG_LANE_TICKS, approach, is_near
from twin.traffic.kernels.carfollowing import KEEP, ZERO, driven_speed, next_speed
from twin.traffic.kernels.escape import help_lost
from twin.traffic.kernels.giving_way import note_arrivals
from twin.traffic.kernels.insertion import enter_waiting, find_record, finish, place_units
from twin.traffic.kernels.jit import inlined, inner, njit_both
from twin.traffic.kernels.junctions import (
    HELD,
    HOLD_M,
    STANDING,
    pass_junction,
    seconds_left,
)
from twin.traffic.kernels.lanes import change_lanes, make_way
from twin.traffic.kernels.layout import (
    AT_STOP,
    BIG,
    CALLS,
    CHANGES,
    COOPERATE,
    COOPERATE_ON,
    DRIVING,
    FRONT_FREE,
    IN_BAY,
    LENGTH,
    N_BLOCKS,
    NEARER,
    OBSTACLE,
    ROUTE_MARGIN,
    ROUTE_USED,
    SIREN,
    SPECIAL,
    TOP,
    UPDATES,
    Net,
    Records,
    State,
    lay_out,
    make_room,
    space_needed,
)
from twin.traffic.kernels.signals.controllers import run_controllers
from twin.traffic.kernels.signals.layout import Signals
from twin.traffic.kernels.signals.plan import set_signals
from twin.traffic.kernels.signals.preemption import hear_sirens
from twin.traffic.kernels.sirens import pass_queues
from twin.traffic.kernels.stops import pull_in, pull_out, stand_still, stop_speed
from twin.traffic.kernels.times import update_travel_times, update_turn_times

COOPERATE_BRAKE = np.float32(1.5)
"""Braking in m/s² by which a driver lets another one in."""
ONE = np.float32(1.0)


@inner
def clear_link(k: int, net: Net, st: State) -> None:
    """Note that link `k` is empty."""
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        st.lane[x].tail = BIG
        st.lane[x].tail_vel = ZERO
        st.lane[x].rear = BIG
        st.lane[x].asks = -1
    for t in range(net.link[k].turn0, net.link[k].turn1):
        net.turn[t].eta = BIG
        net.turn[t].claim = 0


@inner
def decide(
    block: int,
    low: int,
    high: int,
    tick: int,
    t: float,
    key: np.uint64,
    net: Net,
    st: State,
    R: Records,
) -> None:
    """Insert trips, change lanes and note what others will see, on links `low` to `high`."""
    for k in range(low, high):
        if net.link[k].queue_at < net.link[k].queue_end:
            enter_waiting(k, t, block, net, st, R)
        a = int(net.link[k].lane0)
        n = int(net.link[k].lanes)
        count = 0
        for x in range(a, a + n):
            count += st.lane[x].end - st.lane[x].start
        if count == 0:
            if net.link[k].busy:
                net.link[k].busy = 0
                clear_link(k, net, st)
            continue
        net.link[k].busy = 1
        if net.link[k].siren:
            st.tally[block, CHANGES] += make_way(k, tick, net, st, R)
        if n > 1 and (k + tick) & 1 == 0:
            st.tally[block, CHANGES] += change_lanes(k, tick, key, net, st, R)
        for x in range(a, a + n):
            i = st.lane[x].start
            if i < st.lane[x].end:
                st.lane[x].tail = R[i].pos - net.kinds[R[i].kind, LENGTH]
                st.lane[x].tail_vel = R[i].vel
            else:
                st.lane[x].tail = BIG
                st.lane[x].tail_vel = ZERO
        note_arrivals(k, tick, net, st, R)


@inner
def follow(
    block: int,
    low: int,
    high: int,
    tick: int,
    clock: float,
    dt: np.float32,
    key: np.uint64,
    net: Net,
    st: State,
    R: Records,
) -> None:
    """Move the vehicles of links `low` to `high` along their lanes."""
    kinds = net.kinds
    updates = 0
    for k in range(low, high):
        if not net.link[k].busy:
            continue
        a = int(net.link[k].lane0)
        n = int(net.link[k].lanes)
        length = net.link[k].length
        speed = net.link[k].speed
        stops = net.link[k].stops != 0
        slow = int(net.link[k].slow)
        driven = 0.0
        count = 0
        for x in range(a, a + n):
            if st.lane[x].start == st.lane[x].end:
                st.lane[x].rear = BIG
                continue
            if st.lane[x].start - st.lane[x].low < FRONT_FREE and not make_room(st.lane, x, R):
                net.link[k].tight = 1
            start = int(st.lane[x].start)
            head = int(st.lane[x].end) - 1
            count += head + 1 - start
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
                        net.link[k].ending = 1
                begin = stop
            if R[head].kind != OBSTACLE:
                x_new = R[head].pos + v * dt
                t = int(R[head].turn)
                if t < 0:
                    if x_new >= st.vehicle[R[head].slot].end:
                        net.link[k].ending = 1
                elif x_new >= length:
                    if may_cross(R, head, v, length, net):
                        net.link[k].crossing = 1
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
        updates += count
    st.tally[block, UPDATES] += updates


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
    """Return whether the light lasts until record `i`, moving at `v`, is past the line."""
    g = int(net.turn[R[i].turn].group)
    if g < 0 or R[i].marks & SIREN:
        return True
    left = seconds_left(net, R, i)
    return bool(left > ZERO and length - R[i].pos <= v * left)


@inner
def pass_nodes(
    block: int,
    low: int,
    high: int,
    tick: int,
    net: Net,
    st: State,
    R: Records,
) -> None:
    """Pass vehicles on at nodes `low` to `high`."""
    for node in range(low, high):
        pass_junction(node, tick, block, net, st, R)


@inner
def mark_sirens(net: Net, st: State, R: Records) -> None:
    """Mark the links that units under siren are on, and the junctions that they are close to.

    A unit that stands in a queue is not about to come: nobody holds for it yet.
    """
    for u in range(len(st.unit)):
        k = st.unit[u].seen
        if k >= 0:
            net.link[k].siren = 0
            net.node[net.link[k].node].siren = 0
            net.link[k].siren_dist = BIG
            st.unit[u].seen = -1
    for u in range(len(st.unit)):
        if st.unit[u].state == DRIVING and st.unit[u].siren:
            k = st.unit[u].link
            x, i = find_record(k, st.unit[u].slot, net, st, R)
            dist = net.link[k].length - R[i].pos
            band = st.unit[u].band
            queued = R[i].vel < STANDING and band < 0 and i + 1 < st.lane[x].end
            net.link[k].siren = max(int(net.link[k].siren), 2 if band >= 0 else 1)
            if dist < HOLD_M and not queued:
                net.link[k].siren_dist = min(net.link[k].siren_dist, dist)
                net.node[net.link[k].node].siren += 1
            st.unit[u].seen = k


@inner
def tidy(t_end: float, net: Net, st: State, R: Records) -> None:
    """End trips and help the lost, in order of links."""
    for k in range(len(net.link)):
        if net.link[k].pulls_in:
            net.link[k].pulls_in = 0
            pull_in(k, net, st, R)
        if net.link[k].ending:
            net.link[k].ending = 0
            finish(k, t_end, net, st, R)
        if net.link[k].lost:
            net.link[k].lost = 0
            help_lost(k, t_end, net, st, R)


@inner
def fresh_layout(net: Net, st: State, old: Records, new: Records) -> int:
    """Lay the lanes out afresh when one is tight; return 1 if done, -1 if `new` is too small."""
    tight = 0
    for k in range(len(net.link)):
        tight |= net.link[k].tight
    if tight == 0:
        return 0
    if space_needed(st.lane) > len(new):
        return -1
    lay_out(st.lane, old, new)
    for k in range(len(net.link)):
        net.link[k].tight = 0
    return 1


def _advance(
    n: int,
    tick: int,
    start_s: float,
    dt: np.float32,
    every: int,
    key: np.uint64,
    current: int,
    net: Net,
    st: State,
    sg: Signals,
    first: Records,
    second: Records,
) -> tuple[int, int]:
    """Advance traffic by `n` ticks; return the ticks done and the buffer that is current.

    Fewer are done when the buffers are too small for the vehicles: enlarge them and go on.
    """
    links = len(net.link)
    nodes = len(net.node)
    controllers = len(sg.control)
    for step in range(n):
        now = tick + step
        t = start_s + now * np.float64(dt)
        if len(st.route) - st.counts[ROUTE_USED] < ROUTE_MARGIN:
            return step, current
        state = fresh_layout(
            net, st, first if current == 0 else second, second if current == 0 else first
        )
        if state < 0:
            return step, current
        current ^= state
        R = first if current == 0 else second
        set_signals(t, net)
        if controllers > 0:
            hear_sirens(t, net, st, R, sg)
            for block in prange(N_BLOCKS):
                low = block * controllers // N_BLOCKS
                high = (block + 1) * controllers // N_BLOCKS
                run_controllers(low, high, t, net, st, R, sg)
        pass_queues(now, t, dt, net, st, R)
        mark_sirens(net, st, R)
        place_units(t, net, st, R)
        if st.counts[IN_BAY] > 0:
            pull_out(t, net, st, R)
        for block in prange(N_BLOCKS):
            low = block * links // N_BLOCKS
            high = (block + 1) * links // N_BLOCKS
            decide(block, low, high, now, t, key, net, st, R)
        for block in prange(N_BLOCKS):
            low = block * links // N_BLOCKS
            high = (block + 1) * links // N_BLOCKS
            follow(block, low, high, now, t, dt, key, net, st, R)
        for block in prange(N_BLOCKS):
            low = block * nodes // N_BLOCKS
            high = (block + 1) * nodes // N_BLOCKS
            pass_nodes(block, low, high, now, net, st, R)
        tidy(t + np.float64(dt), net, st, R)
        if (now + 1) % every == 0:
            update_travel_times(net, st)
            update_turn_times(net, st, R)
    return n, current


advance, advance_parallel = njit_both(_advance)
