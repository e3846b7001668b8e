"""Stops of buses in queues: the lane that they take, how long they stand, which they miss.

A bus that comes to a link drives to its stop, stands there for its dwell time and not less long
than until it is due, and drives on; braking for it and setting off cost v / 2b and 0.566 v / a, as
in lane-level traffic (see `stops`). It stands in its lane, and who came in behind it waits; in a
bay it is in no lane and comes back behind all who are on the link by then (`meso_bays`).

It comes to a stop over which a queue stands when as many are before it as have room between the
stop and the line, and the gap of the last that left has travelled back to it (Newell 1993, see
`meso_lanes.room_at`). Until then it `QUEUES`. On the link on which its trip ends no queue holds it
up, as it holds up nobody who ends there.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import MISSED, SERVING
from twin.traffic.kernels.meso_layout import Net, State

STANDS_IN_BAY, QUEUES = -1, -2


@inner
def queue_before(slot: int, at: int, x: int, place: int, now: int, net: Net, st: State) -> int:
    """Return when call `at` can be reached for all who are before its bus, or `QUEUES`.

    Parameters
    ----------
    x, place
        The lane of the queue, and the place in it behind which the bus has nobody to wait for.
    """
    k = int(st.lane[x].link)
    length = net.link[k].length
    beyond = length - st.call[at].pos
    back = int(beyond / net.spacing) + 1
    ring = int(st.lane[x].ring)
    if back >= ring:
        return 0
    base = int(st.lane[x].place0)
    when = int(st.place[base + (place - base - back + ring) % ring].when)
    lag = int(net.link[k].lag)
    left = -1 - when - lag
    # Who left in this very tick is still there for who comes from upstream.
    if when >= 0 or left >= now:
        st.vehicle[slot].call = at
        st.vehicle[slot].due = -1 - place
        return QUEUES
    return left + int(np.float32(lag) * beyond / length)


@inner
def lane_of_stop(slot: int, k: int, lo: int, hi: int, st: State) -> tuple[int, int]:
    """Return the lane of `lo` to `hi` for the stop of a vehicle on link `k`, or all without one."""
    at = int(st.vehicle[slot].call)
    if at < st.vehicle[slot].calls_end and st.call[at].link == k:
        lane = min(max(int(st.call[at].lane), lo), hi)
        return lane, lane
    return lo, hi


@inner
def ride(
    slot: int,
    k: int,
    kind: int,
    rpos: int,
    pos: np.float32,
    moment: int,
    cross: int,
    x: int,
    place: int,
    inside: bool,
    now: int,
    net: Net,
    st: State,
) -> int:
    """Return when a vehicle is at the end of link `k`, or of its trip there.

    Its stops in the lane are served; before a bay it becomes `due` when it comes to it, which is
    told by `STANDS_IN_BAY`. Behind a queue that stands over a stop, `QUEUES` is returned: it is
    tried again with the moment at which it `arrive`s without the queue.

    Parameters
    ----------
    rpos
        Where its turn at the end of the link stands.
    pos, moment
        Where it is and when.
    cross
        Milliseconds in which it drives the whole link.
    x, place
        The lane of the queue and the place that it has in it, or would have; -1 without a queue.
    inside
        Whether it has been put there, where it stays at a bay too.
    now
        When the tick began.
    """
    length = net.link[k].length
    speed = net.link[k].speed
    miss_left_out(slot, k, rpos, net, st)
    at = int(st.vehicle[slot].call)
    while at < st.vehicle[slot].calls_end and st.call[at].link == k:
        metres = max(st.call[at].pos - pos, np.float32(0.0))
        moment += int(np.float32(cross) * metres / length + speed * net.kind_stop[kind, 0])
        pos = max(pos, st.call[at].pos)
        st.call[at].arrive = moment / 1000.0
        if x >= 0:
            free = queue_before(slot, at, x, place, now, net, st)
            if free == QUEUES:
                return QUEUES
            if free > moment:
                moment = free
                st.call[at].arrive = moment / 1000.0
        leaves = max(moment / 1000.0 + np.float64(st.call[at].dwell), st.call[at].due)
        st.call[at].depart = leaves
        if st.call[at].bay and not inside:
            st.vehicle[slot].call = at
            st.vehicle[slot].due = moment
            return STANDS_IN_BAY
        st.call[at].state = SERVING
        at += 1
        moment = int(leaves * 1000.0) + int(speed * net.kind_stop[kind, 1])
    st.vehicle[slot].call = at
    end = length if st.route[rpos] >= 0 else st.vehicle[slot].end
    return moment + int(np.float32(cross) * max(end - pos, np.float32(0.0)) / length)


@inner
def miss_left_out(slot: int, k: int, rpos: int, net: Net, st: State) -> None:
    """Note the next stops that a vehicle on link `k` misses since it takes another way."""
    at = int(st.vehicle[slot].call)
    while at < st.vehicle[slot].calls_end and st.call[at].link != k:
        step = rpos
        while st.route[step] >= 0 and net.turn[st.route[step]].to != st.call[at].link:
            step += 1
        if st.route[step] >= 0:
            break
        st.call[at].state = MISSED
        at += 1
    st.vehicle[slot].call = at
