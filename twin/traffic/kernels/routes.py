"""The routes of vehicles on lanes: compacted now and then, replaced, and looked ahead along."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner, njit, outer
from twin.traffic.kernels.junctions import set_wishes
from twin.traffic.kernels.layout import (
    I32,
    I64,
    IN_BAY,
    ROUTE_USED,
    U8,
    WAITING,
    Net,
    Records,
    State,
)
from twin.traffic.kernels.route_store import (
    assign_waiting,
    comes_to,
    copy_route,
    makes_one_of,
    run_length,
)


@outer
def live_length(st: State, R: Records) -> int:
    """Return the entries of the store that vehicles still need."""
    total = 0
    for x in range(len(st.lane)):
        for i in range(st.lane[x].start, st.lane[x].end):
            if R[i].slot >= 0:
                total += run_length(st.route, int(R[i].rpos))
    for slot in range(len(st.vehicle)):
        if st.vehicle[slot].state == WAITING:
            total += run_length(st.route, int(st.vehicle[slot].rpos))
    return total


@outer
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
def assign_route(
    i: int, k: int, batch: I32, start: I32, first: I32, goal: I32, net: Net, st: State, R: Records
) -> int:
    """Give record `i`, on link `k`, its new route if there is one; return how many that is."""
    slot = R[i].slot
    if slot < 0 or batch[slot] < 0:
        return 0
    b = batch[slot]
    if first[b] != k:
        return 0
    R[i].rpos = start[b]
    R[i].turn = st.route[start[b]]
    R[i].wait = 0
    set_wishes(net, st, R, i, k)
    st.vehicle[slot].goal = goal[b]
    return 1


@outer
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
                taken += assign_route(i, k, batch, start, first, goal, net, st, R)
    beside = st.lane[len(st.lane) - 1]
    for i in range(beside.start, beside.end):
        k = st.unit[st.vehicle[R[i].slot].unit].link
        taken += assign_route(i, k, batch, start, first, goal, net, st, R)
    # Who stands in a bay waits too, but not on its first link.
    for b in range(st.counts[IN_BAY]):
        batch[st.bay[b]] = -1
    return taken + assign_waiting(batch, start, first, goal, st.vehicle)


@outer
def refresh_wishes(k: int, net: Net, st: State, R: Records) -> None:
    """Set the lane wishes of everybody on link `k` again, after lanes were closed or opened."""
    for x in range(net.link[k].lane0, net.link[k].lane0 + net.link[k].lanes):
        for i in range(st.lane[x].start, st.lane[x].end):
            if R[i].slot >= 0:
                set_wishes(net, st, R, i, k)


@outer
def find_users(link: int, ids: I64, net: Net, st: State, R: Records) -> int:
    """Write the numbers of vehicles that still have to enter `link`; return how many."""
    count = 0
    for x in range(len(st.lane)):
        for i in range(st.lane[x].start, st.lane[x].end):
            slot = int(R[i].slot)
            driver = slot >= 0 and st.vehicle[slot].unit < 0
            if driver and comes_to(link, int(R[i].rpos), net.turn, st.route):
                ids[count] = st.vehicle[slot].id
                count += 1
    for slot in range(len(st.vehicle)):
        waits = st.vehicle[slot].state == WAITING and st.vehicle[slot].unit < 0
        if waits and comes_to(link, int(st.vehicle[slot].rpos), net.turn, st.route):
            ids[count] = st.vehicle[slot].id
            count += 1
    return count


@outer
def find_turning(marked: U8, ids: I64, st: State, R: Records) -> int:
    """Write the numbers of vehicles that still have to make a marked turn; return how many."""
    count = 0
    for x in range(len(st.lane)):
        for i in range(st.lane[x].start, st.lane[x].end):
            slot = int(R[i].slot)
            driver = slot >= 0 and st.vehicle[slot].unit < 0
            if driver and makes_one_of(marked, int(R[i].rpos), st.route):
                ids[count] = st.vehicle[slot].id
                count += 1
    for slot in range(len(st.vehicle)):
        waits = st.vehicle[slot].state == WAITING and st.vehicle[slot].unit < 0
        if waits and makes_one_of(marked, int(st.vehicle[slot].rpos), st.route):
            ids[count] = st.vehicle[slot].id
            count += 1
    return count


@njit
def ways_ahead(link: I32, rpos: I32, store: I32, turn_to: I32) -> tuple[I32, I32]:
    """Return the links of vehicles from the one they are on, as compressed rows.

    Parameters
    ----------
    link, rpos
        (N,) link of each, or -1 for an empty row; where its next turn stands in `store`, or -1
        where none is left.
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
            while rpos[i] >= 0 and store[rpos[i] + count - 1] >= 0:
                count += 1
        ptr[i + 1] = ptr[i] + count
    links = np.empty(ptr[len(link)], np.int32)
    for i in range(len(link)):
        if link[i] >= 0:
            links[ptr[i]] = link[i]
        for n in range(1, ptr[i + 1] - ptr[i]):
            links[ptr[i] + n] = turn_to[store[rpos[i] + n - 1]]
    return ptr, links


@outer
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
    beside = st.lane[len(st.lane) - 1]
    for i in range(beside.start, beside.end):
        u = st.vehicle[R[i].slot].unit
        index[count] = i
        link[count] = st.unit[u].link
        lane[count] = st.unit[u].band
        count += 1
    return count
