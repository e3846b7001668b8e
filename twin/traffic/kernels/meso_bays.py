"""Buses in bays beside queues: they leave their link for the time, and come back into a lane.

Buses that queue before their stop, in their lane or on the way to a bay, are looked after here too.
This is done between ticks, before any junction: a bus comes back in the middle of a link, where
its junctions would otherwise have to know of each other within the tick.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import SERVED, SERVING
from twin.traffic.kernels.meso_lanes import (
    FULL,
    can_squeeze,
    crossing,
    pick_lane,
    put_in_lane,
    put_on_calendar,
    room_at,
)
from twin.traffic.kernels.meso_layout import (
    DRIVING_LAST,
    DRIVING_PLACE,
    FAR,
    HELD_UP,
    N_BLOCKS,
    TICK,
    WITH_CALLS,
    Net,
    State,
)
from twin.traffic.kernels.meso_stops import QUEUES, ride


@inner
def serve_bays(now: int, net: Net, st: State) -> None:
    """Let buses come to stops behind queues and to bays, and leave these, in a tick."""
    for block in range(N_BLOCKS):
        slot = int(st.bay[block])
        st.bay[block] = -1
        while slot >= 0:
            after = int(st.vehicle[slot].next)
            if not has_left(slot, block, now, net, st):
                st.vehicle[slot].next = st.bay[block]
                st.bay[block] = slot
            slot = after


@inner
def has_left(slot: int, block: int, now: int, net: Net, st: State) -> bool:
    """Let the vehicle of `slot` do what is due; return whether it is back on the road."""
    end = now + TICK
    if st.vehicle[slot].due < 0:
        come = comes_to_stop(slot, now, net, st)
        if come == QUEUES or st.vehicle[slot].state == DRIVING_PLACE:
            return come != QUEUES
    if st.vehicle[slot].due >= end:
        return False
    at = int(st.vehicle[slot].call)
    k = int(st.call[at].link)
    if st.call[at].state != SERVING:
        # While it stands it is not on the link: its time there would look like a queue.
        st.call[at].state = SERVING
        net.link[k].n_in -= 1
        net.link[k].sum_in -= int(st.vehicle[slot].due)
        st.vehicle[slot].due = int(st.call[at].depart * 1000.0)
        if st.vehicle[slot].due >= end:
            return False
    rpos = int(st.vehicle[slot].rpos)
    turn = int(st.route[rpos])
    kind = int(st.vehicle[slot].kind) + WITH_CALLS
    planned = int(st.call[at].depart * 1000.0)
    moment = max(planned, now)
    x = -1
    if turn >= 0:
        x = pick_lane(k, int(net.turn[turn].lo), int(net.turn[turn].hi), slot, kind, now, net, st)
        free = room_at(x, now, net, st)
        if free == FULL and end - planned > net.stuck and can_squeeze(x, now, net, st):
            free = moment
        if free == FULL or free >= end:
            st.vehicle[slot].due = end
            return False
        moment = max(moment, free)
    st.call[at].depart = moment / 1000.0
    st.call[at].state = SERVED
    pos = st.call[at].pos
    cross = crossing(k, kind, net)
    st.vehicle[slot].call = at + 1
    net.link[k].n_in += 1
    net.link[k].sum_in += moment
    off = moment + int(net.link[k].speed * net.kind_stop[kind, 1])
    place = -1 if x < 0 else int(st.lane[x].place0) + int(st.lane[x].tail)
    when = ride(slot, k, kind, rpos, pos, off, cross, x, place, False, now, net, st)
    entered = moment - int(np.float32(cross) * pos / net.link[k].length)
    if when == QUEUES and st.call[st.vehicle[slot].call].bay == 0:
        st.vehicle[slot].state = DRIVING_PLACE
        put_in_lane(x, slot, rpos, turn, entered, FAR, kind, st.vehicle[slot].distance, st)
        return False
    if when < 0:
        st.vehicle[slot].entered = entered
        return False
    if turn < 0:
        st.vehicle[slot].entered = entered
        st.vehicle[slot].due = when
        st.vehicle[slot].state = DRIVING_LAST
        put_on_calendar(slot, block, st)
        return True
    st.vehicle[slot].state = DRIVING_PLACE
    order = int(net.link[k].order)
    st.due[order] = min(st.due[order], when)
    put_in_lane(x, slot, rpos, turn, entered, when, kind, st.vehicle[slot].distance, st)
    return True


@inner
def comes_to_stop(slot: int, now: int, net: Net, st: State) -> int:
    """Try again whether a bus comes to the stop before which it queues; return what `ride` does."""
    at = int(st.vehicle[slot].call)
    k = int(st.call[at].link)
    place = -1 - int(st.vehicle[slot].due)
    x = int(net.link[k].lane0)
    while place >= int(st.lane[x].place0) + int(st.lane[x].ring):
        x += 1
    inside = st.vehicle[slot].state == DRIVING_PLACE
    rpos = int(st.place[place].rpos) if inside else int(st.vehicle[slot].rpos)
    kind = int(st.vehicle[slot].kind) + WITH_CALLS
    braking = int(net.link[k].speed * net.kind_stop[kind, 0])
    moment = int(np.round(st.call[at].arrive * 1000.0)) - braking
    cross = crossing(k, kind, net)
    when = ride(slot, k, kind, rpos, st.call[at].pos, moment, cross, x, place, inside, now, net, st)
    if inside and when != QUEUES:
        st.place[place].when = when
        st.lane[x].held_up = when
        net.link[k].lane_marks |= HELD_UP
        order = int(net.link[k].order)
        st.due[order] = min(st.due[order], when)
    return when
