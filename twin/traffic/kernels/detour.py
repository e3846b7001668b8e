"""The search from a link back to a route, by fewest links: its notes, and the way written down.

Lanes and queues search alike, but each says for itself which turns are open.
"""

from __future__ import annotations

from twin.traffic.kernels.jit import inlined, inner
from twin.traffic.kernels.layout import I32, Records

VISITED, CAME_BY, PARENT, ORDER, ON_ROUTE, ROUTE_AT = range(6)
"""Rows of `State.search`."""
MOST_LINKS = 3000
"""Links looked at before a vehicle gives up for now."""
NO_PARENT = -1


@inner
def mark_route(at: int, mark: int, turn: Records, route: I32, search: I32) -> None:
    """Note where the route whose next turn stands at `at` enters its links."""
    while route[at] >= 0:
        link = turn[route[at]].to
        search[ON_ROUTE, link] = mark
        search[ROUTE_AT, link] = at
        at += 1


@inlined
def visit(link: int, by: int, parent: int, mark: int, count: int, search: I32) -> int:
    """Queue a link that turn `by` leads to from `parent`; return how many are queued."""
    search[VISITED, link] = mark
    search[CAME_BY, link] = by
    search[PARENT, link] = parent
    search[ORDER, count] = link
    return count + 1


@inner
def write_way(met: int, used: int, route: I32, search: I32) -> int:
    """Write the way found to link `met`, then the route from there, at `used` of the store.

    Returns
    -------
    int
        The length used of the store afterwards; -1 when there is no room.
    """
    steps = 1
    link = met
    while search[PARENT, link] != NO_PARENT:
        steps += 1
        link = search[PARENT, link]
    rest = int(search[ROUTE_AT, met]) + 1
    tail = 0
    while route[rest + tail] >= 0:
        tail += 1
    if used + steps + tail + 1 > len(route):
        return -1
    link = met
    for step in range(steps - 1, -1, -1):
        route[used + step] = search[CAME_BY, link]
        link = search[PARENT, link]
    for step in range(tail + 1):
        route[used + steps + step] = route[rest + step]
    return used + steps + tail + 1
