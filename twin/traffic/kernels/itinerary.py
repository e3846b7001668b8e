"""Which stops a vehicle has yet to serve, what it wants of its lane for them, which it misses."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import BIG, MISSED, Net, Records, State


@inner
def metres_to_stop(st: State, R: Records, i: int, k: int) -> np.float32:
    """Return how far record `i`, which has stops to serve, is from the next one on link `k`."""
    slot = R[i].slot
    at = st.vehicle[slot].call
    if at < st.vehicle[slot].calls_end and st.call[at].link == k:
        metres: np.float32 = max(st.call[at].pos - R[i].pos, np.float32(0.0))
        return metres
    return BIG


@inner
def wish_stop(net: Net, st: State, R: Records, i: int, k: int) -> None:
    """Let record `i` want the lane of its next stop on link `k`, and of one on the next link."""
    slot = R[i].slot
    at = int(st.vehicle[slot].call)
    end = int(st.vehicle[slot].calls_end)
    if at < end and st.call[at].link == k:
        last = int(net.link[k].lanes) - 1
        lane = min(max(int(st.call[at].lane), int(net.link[k].first_open)), last)
        R[i].lo = lane
        R[i].hi = lane
        while at < end and st.call[at].link == k:
            at += 1
    t = int(R[i].turn)
    if at < end and t >= 0 and st.call[at].link == net.turn[t].to:
        lane = min(int(st.call[at].lane), int(net.turn[t].lanes) - 1)
        R[i].nlo = lane
        R[i].nhi = lane


@inner
def miss_call(st: State, R: Records, i: int, k: int) -> None:
    """Note that record `i` has left link `k`: a stop there that it did not serve is missed."""
    slot = R[i].slot
    at = int(st.vehicle[slot].call)
    while at < st.vehicle[slot].calls_end and st.call[at].link == k:
        st.call[at].state = MISSED
        at += 1
    st.vehicle[slot].call = at


@inner
def miss_calls(st: State, slot: int) -> None:
    """Note that a vehicle that leaves the road misses the stops that it has not served."""
    for at in range(st.vehicle[slot].call, st.vehicle[slot].calls_end):
        st.call[at].state = MISSED
    st.vehicle[slot].call = st.vehicle[slot].calls_end


@inner
def miss_left_out(net: Net, st: State, R: Records, i: int, k: int) -> None:
    """Note the next stops that record `i`, on link `k`, misses on the new way that it was given."""
    slot = R[i].slot
    at = int(st.vehicle[slot].call)
    while at < st.vehicle[slot].calls_end and st.call[at].link != k:
        link = int(st.call[at].link)
        step = int(R[i].rpos)
        while st.route[step] >= 0 and net.turn[st.route[step]].to != link:
            step += 1
        if st.route[step] >= 0:
            break
        st.call[at].state = MISSED
        at += 1
    st.vehicle[slot].call = at
