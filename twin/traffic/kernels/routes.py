"""The route store: runs of turns, one for each vehicle, appended and now and then compacted."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner, njit
from twin.traffic.kernels.junctions import set_wishes
from twin.traffic.kernels.layout import (
    I32,
    I64,
    ROUTE_USED,
    U8,
    WAITING,
    Net,
    Records,
    State,
)


@inner
def append_routes(ptr: I32, links: I32, start: I32, net: Net, st: State) -> int:
    """Append routes given as links; write where each starts; return -1, or the first bad trip.

    The store must have room for `len(links)` entries. A trip is bad when two successive links are
    not joined by a turn.
    """
    used = st.counts[ROUTE_USED]
    for trip in range(len(ptr) - 1):
        start[trip] = used
        for m in range(ptr[trip], ptr[trip + 1] - 1):
            found = -1
            for t in range(net.link[links[m]].turn0, net.link[links[m]].turn1):
                if net.turn[t].to == links[m + 1]:
                    found = t
                    break
            if found < 0:
                return trip
            st.route[used] = found
            used += 1
        st.route[used] = -1
        used += 1
    st.counts[ROUTE_USED] = used
    return -1


@inner
def copy_route(old: I32, at: int, new: I32, used: int) -> int:
    """Copy one run, sentinel included; return the length used of `new`."""
    while True:
        turn = old[at]
        new[used] = turn
        used += 1
        at += 1
        if turn < 0:
            return used


@inner
def live_length(st: State, R: Records) -> int:
    """Return the entries of the store that vehicles still need."""
    total = 0
    for x in range(len(st.lane)):
        for i in range(st.lane[x].start, st.lane[x].end):
            if R[i].slot >= 0:
                at = R[i].rpos
                while st.route[at] >= 0:
                    at += 1
                total += at - R[i].rpos + 1
    for slot in range(len(st.vehicle)):
        if st.vehicle[slot].state == WAITING:
            at = st.vehicle[slot].rpos
            while st.route[at] >= 0:
                at += 1
            total += at - st.vehicle[slot].rpos + 1
    return total


@inner
def compact_routes(st: State, R: Records, new: I32) -> None:
    """Copy what vehicles still need into `new`, those on the road in order of lanes."""
    used = 0
    for x in range(len(st.lane)):
        for i in range(st.lane[x].start, st.lane[x].end):
            if R[i].slot >= 0:
                at = used
                used = copy_route(st.route, R[i].rpos, new, used)
                R[i].rpos = at
    for slot in range(len(st.vehicle)):
        if st.vehicle[slot].state == WAITING:
            at = used
            used = copy_route(st.route, st.vehicle[slot].rpos, new, used)
            st.vehicle[slot].rpos = at
    st.counts[ROUTE_USED] = used


@inner
def assign_routes(
    batch: I32, start: I32, first: I32, goal: I32, net: Net, st: State, R: Records
) -> int:
    """Give vehicles new routes that start on the link they are on; return how many took theirs.

    Parameters
    ----------
    batch
        By slot, the row of `start`, `first` (first link) and `goal` (last link), or -1.
    """
    taken = 0
    for k in range(len(net.link)):
        for x in range(net.link[k].lane0, net.link[k].lane0 + net.link[k].lanes):
            for i in range(st.lane[x].start, st.lane[x].end):
                slot = R[i].slot
                if slot < 0 or batch[slot] < 0:
                    continue
                b = batch[slot]
                if first[b] != k:
                    continue
                R[i].rpos = start[b]
                R[i].turn = st.route[start[b]]
                R[i].wait = 0
                set_wishes(net, st, R, i, k)
                st.vehicle[slot].goal = goal[b]
                taken += 1
    for slot in range(len(st.vehicle)):
        b = batch[slot]
        if b >= 0 and st.vehicle[slot].state == WAITING and st.vehicle[slot].origin == first[b]:
            st.vehicle[slot].rpos = start[b]
            st.vehicle[slot].goal = goal[b]
            taken += 1
    return taken


@inner
def refresh_wishes(k: int, net: Net, st: State, R: Records) -> None:
    """Set the lane wishes of everybody on link `k` again, after lanes were closed or opened."""
    for x in range(net.link[k].lane0, net.link[k].lane0 + net.link[k].lanes):
        for i in range(st.lane[x].start, st.lane[x].end):
            if R[i].slot >= 0:
                set_wishes(net, st, R, i, k)


@inner
def find_users(link: int, ids: I64, net: Net, st: State, R: Records) -> int:
    """Write the numbers of vehicles that still have to enter `link`; return how many."""
    count = 0
    for x in range(len(st.lane)):
        for i in range(st.lane[x].start, st.lane[x].end):
            if R[i].slot >= 0 and st.vehicle[R[i].slot].unit < 0:
                at = R[i].rpos
                while st.route[at] >= 0:
                    if net.turn[st.route[at]].to == link:
                        ids[count] = st.vehicle[R[i].slot].id
                        count += 1
                        break
                    at += 1
    for slot in range(len(st.vehicle)):
        if st.vehicle[slot].state == WAITING and st.vehicle[slot].unit < 0:
            at = st.vehicle[slot].rpos
            while st.route[at] >= 0:
                if net.turn[st.route[at]].to == link:
                    ids[count] = st.vehicle[slot].id
                    count += 1
                    break
                at += 1
    return count


@inner
def find_turning(marked: U8, ids: I64, st: State, R: Records) -> int:
    """Write the numbers of vehicles that still have to make a marked turn; return how many."""
    count = 0
    for x in range(len(st.lane)):
        for i in range(st.lane[x].start, st.lane[x].end):
            if R[i].slot >= 0 and st.vehicle[R[i].slot].unit < 0:
                at = R[i].rpos
                while st.route[at] >= 0 and marked[st.route[at]] == 0:
                    at += 1
                if st.route[at] >= 0:
                    ids[count] = st.vehicle[R[i].slot].id
                    count += 1
    for slot in range(len(st.vehicle)):
        if st.vehicle[slot].state == WAITING and st.vehicle[slot].unit < 0:
            at = st.vehicle[slot].rpos
            while st.route[at] >= 0 and marked[st.route[at]] == 0:
                at += 1
            if st.route[at] >= 0:
                ids[count] = st.vehicle[slot].id
                count += 1
    return count


@njit
def ways_ahead(link: I32, rpos: I32, store: I32, turn_to: I32) -> tuple[I32, I32]:
    """Return the links of vehicles from the one they are on, as compressed rows.

    Parameters
    ----------
    link, rpos
        (N,) link of each, or -1 for an empty row; where its next turn stands in `store`.
    store
        The route store.
    turn_to
        (T,) link that a turn leads to.
    """
    ptr = np.zeros(len(link) + 1, np.int32)
    for i in range(len(link)):
        count = 0
        if link[i] >= 0:
            count = 1
            while store[rpos[i] + count - 1] >= 0:
                count += 1
        ptr[i + 1] = ptr[i] + count
    links = np.empty(ptr[len(link)], np.int32)
    for i in range(len(link)):
        if link[i] >= 0:
            links[ptr[i]] = link[i]
        for n in range(1, ptr[i + 1] - ptr[i]):
            links[ptr[i] + n] = turn_to[store[rpos[i] + n - 1]]
    return ptr, links


@inner
def list_running(net: Net, st: State, R: Records, index: I32, link: I32, lane: U8) -> int:
    """Write record, link and lane of every vehicle on the road, by lane; return how many."""
    count = 0
    for k in range(len(net.link)):
        a = net.link[k].lane0
        for x in range(a, a + net.link[k].lanes):
            for i in range(st.lane[x].start, st.lane[x].end):
                if R[i].slot >= 0:
                    index[count] = i
                    link[count] = k
                    lane[count] = x - a
                    count += 1
    return count
