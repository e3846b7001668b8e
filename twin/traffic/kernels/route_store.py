"""The store of routes of lanes and queues alike: runs of turns, each ended by -1.

A vehicle knows where in the store its next turn stands.
"""

from __future__ import annotations

from twin.traffic.kernels.jit import inlined, inner, outer
from twin.traffic.kernels.layout import I32, I64, U8, WAITING, Records


@outer
def append_routes(
    ptr: I32,
    links: I32,
    start: I32,
    link: Records,
    turn: Records,
    route: I32,
    counts: I64,
    length: int,
) -> int:
    """Append routes given as links; write where each starts; return -1, or the first bad trip.

    The store must have room for `len(links)` entries; `counts[length]` says how much of it is used.
    A trip is bad when two successive links are not joined by a turn.
    """
    used = counts[length]
    for trip in range(len(ptr) - 1):
        start[trip] = used
        for m in range(ptr[trip], ptr[trip + 1] - 1):
            found = -1
            for t in range(link[links[m]].turn0, link[links[m]].turn1):
                if turn[t].to == links[m + 1]:
                    found = t
                    break
            if found < 0:
                return trip
            route[used] = found
            used += 1
        route[used] = -1
        used += 1
    counts[length] = used
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
def run_length(route: I32, at: int) -> int:
    """Return the entries of one run, sentinel included."""
    count = 1
    while route[at] >= 0:
        at += 1
        count += 1
    return count


@inlined
def comes_to(link: int, at: int, turn: Records, route: I32) -> bool:
    """Return whether the route from `at` on enters `link`."""
    while route[at] >= 0:
        if turn[route[at]].to == link:
            return True
        at += 1
    return False


@inlined
def makes_one_of(marked: U8, at: int, route: I32) -> bool:
    """Return whether the route from `at` on makes a marked turn."""
    while route[at] >= 0:
        if marked[route[at]]:
            return True
        at += 1
    return False


@inner
def assign_waiting(batch: I32, start: I32, first: I32, goal: I32, vehicle: Records) -> int:
    """Give waiting vehicles new routes from their first link; return how many took theirs."""
    taken = 0
    for slot in range(len(vehicle)):
        b = batch[slot]
        if b >= 0 and vehicle[slot].state == WAITING and vehicle[slot].origin == first[b]:
            vehicle[slot].rpos = start[b]
            vehicle[slot].goal = goal[b]
            taken += 1
    return taken
