"""Searches that end as soon as the least of a few candidates is known, and single fastest ways.

They cost what they reach, not the size of the city: labels are infinite between searches, and each
search wipes only those that it wrote.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.jit import inner, njit
from twin.traffic.kernels.routing import INF, LINK_BITS, RoadGraph, drop_first, entry_of, push

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

SLACK_S = 1e-2
"""Labels are single precision: a search goes so much further than it seems to have to."""


class Search(NamedTuple):
    """Scratch space of searches, clean between them; L links, T turns.

    Attributes
    ----------
    label
        (L,) seconds, infinite between searches.
    step
        (L,) turn by which a link is entered, -1 between searches.
    first
        (L,) one more than the first candidate on a link, 0 between searches.
    heap
        (T + L + 1,) scratch: every arc is pushed at most once.
    touched
        (L,) links that the search wrote.
    """

    label: F32
    step: I32
    first: I32
    heap: I64
    touched: I32


@inner
def wipe(search: Search, n: int) -> None:
    """Forget the first `n` links that a search wrote."""
    for i in range(n):
        k = search.touched[i]
        search.label[k] = INF
        search.step[k] = -1


@inner
def _line_up(first: I32, following: I32, links: I32, extra: F64) -> float:
    """Chain the candidates on each link; return the least of their extra seconds."""
    least = np.inf
    for i in range(len(links) - 1, -1, -1):
        k = links[i]
        following[i] = first[k]
        first[k] = i + 1
        least = min(least, extra[i])
    return least


@inner
def _settle(
    first: I32, following: I32, link: int, reach: float, extra: F64, least: float, out: F64
) -> float:
    """Give the candidates on a link their label and return the least sum so far."""
    i = first[link]
    while i > 0:
        out[i - 1] = reach
        least = min(least, reach + extra[i - 1])
        i = following[i - 1]
    return least


@inner
def least_towards(
    graph: RoadGraph,
    cost: F32,
    root: int,
    links: I32,
    extra: F64,
    least: float,
    search: Search,
    following: I32,
    out: F64,
) -> None:
    """Fill (C,) seconds from the end of the candidates' links to the start of `root`.

    Those stay infinite of which it is certain that with their (C,) `extra` seconds they are more
    than another's, or than `least`. Labels are those of `routing.tree_towards`.
    """
    label, _, first, heap, touched = search
    back_ptr, back_from, back_cost = graph.back_ptr, graph.back_from, graph.back_cost
    out[:] = np.inf
    if cost[root] == INF or len(links) == 0:
        return
    spare = _line_up(first, following, links, extra)
    n = 0
    written = 0
    k = root
    start = np.float32(0.0)
    while True:
        for e in range(back_ptr[k], back_ptr[k + 1]):
            j = back_from[e]
            d = start + back_cost[e]
            if d < label[j]:
                if label[j] == INF:
                    touched[written] = j
                    written += 1
                label[j] = d
                push(heap, n, entry_of(d, j))
                n += 1
        found = False
        while n > 0:
            k = heap[0] & LINK_BITS
            here = np.int32(heap[0] >> 32).view(np.float32)
            n -= 1
            if n > 0:
                drop_first(heap, n)
            if here > label[k]:
                continue
            if here + spare > least + SLACK_S:
                break
            if first[k] != 0:
                least = _settle(first, following, k, float(here), extra, least, out)
            if cost[k] == INF:
                continue
            start = here + cost[k]
            found = True
            break
        if not found:
            break
    for k in links:
        first[k] = 0
    wipe(search, written)


@inner
def least_from(
    graph: RoadGraph,
    cost: F32,
    origin: int,
    links: I32,
    extra: F64,
    least: float,
    search: Search,
    following: I32,
    out: F64,
) -> int:
    """Fill (C,) seconds from the end of `origin` to the start of the candidates' links.

    Otherwise as `least_towards`; labels are those of `routing.tree_from`. The search is left as it
    is, for `way_in`, and must be wiped: returns how many links it wrote.
    """
    label, step, first, heap, touched = search
    turn_ptr, turn_to, turn_cost = graph.turn_ptr, graph.turn_to, graph.turn_cost
    out[:] = np.inf
    if len(links) == 0:
        return 0
    spare = _line_up(first, following, links, extra)
    n = 0
    written = 0
    k = origin
    leave = np.float32(0.0)
    while True:
        for t in range(turn_ptr[k], turn_ptr[k + 1]):
            j = turn_to[t]
            d = leave + turn_cost[t]
            if d <= label[j] and cost[j] < INF:
                if d < label[j]:
                    if label[j] == INF:
                        touched[written] = j
                        written += 1
                    label[j] = d
                    step[j] = t
                    push(heap, n, entry_of(d, j))
                    n += 1
                elif t < step[j]:
                    step[j] = t
        found = False
        while n > 0:
            k = heap[0] & LINK_BITS
            here = np.int32(heap[0] >> 32).view(np.float32)
            n -= 1
            if n > 0:
                drop_first(heap, n)
            if here > label[k]:
                continue
            if here + spare > least + SLACK_S:
                break
            if first[k] != 0:
                least = _settle(first, following, k, float(here), extra, least, out)
            leave = here + cost[k]
            found = True
            break
        if not found:
            break
    for k in links:
        first[k] = 0
    return written


@inner
def _astar(
    graph: RoadGraph,
    cost: F32,
    x: F32,
    y: F32,
    max_speed: np.float32,
    origin: int,
    destination: int,
    search: Search,
) -> int:
    """Search from the end of `origin` to the start of `destination`; fills `step`.

    A link's bound is the straight line from its start (`x`, `y`) to the destination's at
    `max_speed`, which no link may exceed (Hart, Nilsson & Raphael 1968). Returns how many links it
    wrote.
    """
    label, step, _, heap, touched = search
    turn_ptr, turn_to, turn_cost = graph.turn_ptr, graph.turn_to, graph.turn_cost
    # Rounding must not make the bound too high by a hair.
    pace = np.float32(0.99999) / max_speed
    x_end, y_end = x[destination], y[destination]
    n = 0
    written = 0
    k = origin
    leave = np.float32(0.0)
    while True:
        for t in range(turn_ptr[k], turn_ptr[k + 1]):
            j = turn_to[t]
            d = leave + turn_cost[t]
            if d < label[j] and cost[j] < INF:
                if label[j] == INF:
                    touched[written] = j
                    written += 1
                label[j] = d
                step[j] = t
                bound = np.float32(np.sqrt((x[j] - x_end) ** 2 + (y[j] - y_end) ** 2) * pace)
                # A label that improves is pushed anew; scratch is bounded by one push an arc only
                # for consistent bounds, which rounding can break, so the last entry is kept free.
                if n < len(heap) - 1:
                    push(heap, n, entry_of(d + bound, j))
                    n += 1
        if n == 0:
            return written
        k = heap[0] & LINK_BITS
        n -= 1
        if n > 0:
            drop_first(heap, n)
        if k == destination:
            return written
        leave = label[k] + cost[k]


@njit
def fastest_way(
    graph: RoadGraph,
    cost: F32,
    x: F32,
    y: F32,
    max_speed: np.float32,
    origin: int,
    destination: int,
    search: Search,
) -> I32:
    """Return the links of the fastest way, both ends included; empty if there is none."""
    written = _astar(graph, cost, x, y, max_speed, origin, destination, search)
    out = way_in(graph, origin, destination, search.step)
    wipe(search, written)
    return out


@njit
def way_in(graph: RoadGraph, origin: int, destination: int, step: I32) -> I32:
    """Return the way to a link by the steps of a search from `origin`; empty if it found none."""
    n = 1
    k = destination
    while step[k] >= 0:
        n += 1
        k = graph.turn_from[step[k]]
        if k == origin:
            break
    if n == 1:
        return np.empty(0, np.int32)
    out = np.empty(n, np.int32)
    out[0] = origin
    k = destination
    for i in range(n - 1, 0, -1):
        out[i] = k
        k = graph.turn_from[step[k]]
    return out
