"""Stops of buses in queues: the lane that they take, how long they stand, which they miss.

A bus that comes to a link drives to its stop, stands there for its dwell time and not less long
than until it is due, and drives on; braking for it and setting off cost v / 2b and 0.566 v / a, as
in lane-level traffic (see `stops`). It stands in its lane, and who came in behind it waits; in a
bay it is in no lane and comes back behind all who are on the link by then (`meso_bays`).
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import MISSED, SERVING
from twin.traffic.kernels.meso_layout import Net, State

STANDS_IN_BAY = -1


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
    net: Net,
    st: State,
) -> int:
    """Return when a vehicle is at the end of link `k`, or of its trip there; or `STANDS_IN_BAY`.

    Its stops in the lane are served; before a bay it becomes `due` when it comes to it.

    Parameters
    ----------
    rpos
        Where its turn at the end of the link stands.
    pos, moment
        Where it is and when.
    cross
        Milliseconds in which it drives the whole link.
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
        leaves = max(moment / 1000.0 + np.float64(st.call[at].dwell), st.call[at].due)
        st.call[at].depart = leaves
        if st.call[at].bay:
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
