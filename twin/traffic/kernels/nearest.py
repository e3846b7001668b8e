"""Searches that end as soon as the least of a few candidates is known, and single fastest ways.

They cost what they reach, not the size of the city; see `link_rows` and `anchored`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.anchored import Anchored, first_of, search
from twin.traffic.kernels.jit import inner, njit
from twin.traffic.kernels.link_rows import (
    AHEAD,
    AHEADS,
    BACK,
    BACKS,
    BEFORE,
    COST,
    FIRST,
    LABEL,
    SLACK_S,
    Rows,
    way_between,
    wipe,
)
from twin.traffic.kernels.routing import INF, LINK_BITS, drop_first, entry_of, push

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

HERE_M = 15.0
"""A goal at most so far behind counts as reached: the crew walks instead of circling the block."""


@inner
def _line_up(rows: Rows, following: I32, links: I32, extra: F64) -> float:
    """Chain the candidates on each link; return the least of their extra seconds."""
    least = np.inf
    for i in range(len(links) - 1, -1, -1):
        k = rows.row_of[links[i]]
        following[i] = rows.whole[k, FIRST]
        rows.whole[k, FIRST] = i + 1
        least = min(least, extra[i])
    return least


@inner
def _settle(first: int, following: I32, reach: float, extra: F64, least: float, out: F64) -> float:
    """Give the candidates on a link their label and return the least sum so far."""
    i = first
    while i > 0:
        out[i - 1] = reach
        least = min(least, reach + extra[i - 1])
        i = following[i - 1]
    return least


@inner
def _least_towards(
    rows: Rows,
    root: int,
    links: I32,
    extra: F64,
    least: float,
    following: I32,
    out: F64,
    every: bool,
) -> int:
    """Fill (C,) seconds from the end of the candidates' links to the start of `root`.

    Those stay infinite of which it is certain that with their (C,) `extra` seconds they are more
    than another's (unless `every`), or than `least`. Labels are those of `routing.tree_towards`.
    The rows are left as they are, and must be wiped: returns how many the search wrote.
    """
    whole, real, arc, arc_real = rows.whole, rows.real, rows.back, rows.back_real
    heap = rows.heap
    spare = _line_up(rows, following, links, extra)
    n = 0
    written = 0
    k = rows.row_of[root]
    start = np.float32(0.0)
    going = real[k, COST] < INF
    while going:
        for e in range(whole[k, BACK], whole[k, BACK] + whole[k, BACKS]):
            j = arc[e, 0]
            d = start + arc_real[e, 1]
            if d <= real[j, LABEL] and d < INF:
                if d < real[j, LABEL]:
                    if real[j, LABEL] == INF:
                        rows.touched[written] = j
                        written += 1
                    real[j, LABEL] = d
                    whole[j, BEFORE] = k
                    push(heap, n, entry_of(d, j))
                    n += 1
                elif rows.link_of[k] < rows.link_of[whole[j, BEFORE]]:
                    whole[j, BEFORE] = k
        going = False
        while n > 0:
            k = heap[0] & LINK_BITS
            here = np.int32(heap[0] >> 32).view(np.float32)
            n -= 1
            if n > 0:
                drop_first(heap, n)
            if here > real[k, LABEL]:
                continue
            if here + spare > least + SLACK_S:
                break
            if whole[k, FIRST] != 0:
                reached = _settle(whole[k, FIRST], following, float(here), extra, least, out)
                if not every:
                    least = reached
            if real[k, COST] == INF:
                continue
            start = here + real[k, COST]
            going = True
            break
    for link in links:
        whole[rows.row_of[link], FIRST] = 0
    return written


@inner
def _least_from(
    rows: Rows, origin: int, links: I32, extra: F64, least: float, following: I32, out: F64
) -> int:
    """Fill (C,) seconds from the end of `origin` to the start of the candidates' links.

    Otherwise as `_least_towards`; labels and ways are those of `routing.tree_from`.
    """
    whole, real, arc, arc_real = rows.whole, rows.real, rows.ahead, rows.ahead_real
    heap = rows.heap
    spare = _line_up(rows, following, links, extra)
    n = 0
    written = 0
    k = rows.row_of[origin]
    leave = np.float32(0.0)
    going = True
    while going:
        for e in range(whole[k, AHEAD], whole[k, AHEAD] + whole[k, AHEADS]):
            j = arc[e, 0]
            d = leave + arc_real[e, 1]
            if d <= real[j, LABEL] and real[j, COST] < INF and d < INF:
                if d < real[j, LABEL]:
                    if real[j, LABEL] == INF:
                        rows.touched[written] = j
                        written += 1
                    real[j, LABEL] = d
                    whole[j, BEFORE] = k
                    push(heap, n, entry_of(d, j))
                    n += 1
                elif rows.link_of[k] < rows.link_of[whole[j, BEFORE]]:
                    whole[j, BEFORE] = k
        going = False
        while n > 0:
            k = heap[0] & LINK_BITS
            here = np.int32(heap[0] >> 32).view(np.float32)
            n -= 1
            if n > 0:
                drop_first(heap, n)
            if here > real[k, LABEL]:
                continue
            if here + spare > least + SLACK_S:
                break
            if whole[k, FIRST] != 0:
                least = _settle(whole[k, FIRST], following, float(here), extra, least, out)
            leave = here + real[k, COST]
            going = True
            break
    for link in links:
        whole[rows.row_of[link], FIRST] = 0
    return written


@njit
def _first(
    rows: Rows,
    root: int,
    link: I32,
    extra: F64,
    least: float,
    back: bool,
    known: Anchored,
    label: F64,
) -> I32:
    """Fill (C,) labels of candidates and return the way of the first; empty if none is reached."""
    way = np.empty(0, np.int32)
    left = np.arange(len(link))
    if known.bounds.size:
        least, way, left = first_of(rows, root, link, extra, least, back, known, label)
    if len(left) == 0:
        return way
    some, more = link[left], extra[left]
    following, found = np.empty(len(left), np.int32), np.full(len(left), np.inf)
    if back:
        written = _least_towards(rows, root, some, more, least, following, found, False)
    else:
        written = _least_from(rows, root, some, more, least, following, found)
    best = -1
    for i in range(len(left)):
        label[left[i]] = found[i]
        if found[i] + more[i] < least:
            least, best = found[i] + more[i], i
    if best >= 0:
        way = way_between(rows, root, some[best], back)
    wipe(rows, written)
    return way


@inner
def _astar(rows: Rows, max_speed: np.float32, origin: int, destination: int) -> int:
    """Search from the end of `origin` to the start of `destination`.

    A link's bound is the straight line from its start to the destination's at `max_speed`, which
    no link may exceed (Hart, Nilsson & Raphael 1968). Returns how many rows it wrote.
    """
    whole, real, arc, arc_real = rows.whole, rows.real, rows.ahead, rows.ahead_real
    heap, xy = rows.heap, rows.xy
    # Rounding must not make the bound too high by a hair.
    pace = np.float32(0.99999) / max_speed
    goal = rows.row_of[destination]
    x_end, y_end = xy[goal, 0], xy[goal, 1]
    n = 0
    written = 0
    k = rows.row_of[origin]
    leave = np.float32(0.0)
    while True:
        for e in range(whole[k, AHEAD], whole[k, AHEAD] + whole[k, AHEADS]):
            j = arc[e, 0]
            d = leave + arc_real[e, 1]
            if d < real[j, LABEL] and real[j, COST] < INF:
                if real[j, LABEL] == INF:
                    rows.touched[written] = j
                    written += 1
                real[j, LABEL] = d
                whole[j, BEFORE] = k
                bound = np.float32(
                    np.sqrt((xy[j, 0] - x_end) ** 2 + (xy[j, 1] - y_end) ** 2) * pace
                )
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
        if k == goal:
            return written
        leave = real[k, LABEL] + real[k, COST]


@njit
def only_way(
    rows: Rows, max_speed: np.float32, origin: int, destination: int, known: Anchored
) -> I32:
    """Return what `fastest_way` does; of equal ways the one that other searches here find, too."""
    a = known.anchor_of[destination] if known.bounds.size else -1
    start, end = rows.row_of[origin], rows.row_of[destination]
    # Rounding must not make the bound too high by a hair.
    pace = np.float32(0.99999) / max_speed
    written = search(rows, start, end, False, known.bounds, a, pace, np.inf)
    out = way_between(rows, origin, destination, False)
    wipe(rows, written)
    return out


@njit
def seconds_within(rows: Rows, root: int, links: I32, limit: float) -> F64:
    """Return (C,) seconds from the end of links to the start of `root`; infinite over a limit."""
    n = len(links)
    out = np.full(n, np.inf)
    following = np.empty(n, np.int32)
    written = _least_towards(rows, root, links, np.zeros(n), limit, following, out, True)
    wipe(rows, written)
    return out


@njit
def seconds_to_anchors(rows: Rows, origins: I32, goals: I32, known: Anchored) -> F32:
    """Return (O, G) seconds from the end of each origin to the start of each goal, an anchor."""
    out = np.empty((len(origins), len(goals)), np.float32)
    for i in range(len(origins)):
        for k in range(len(goals)):
            goal, a = rows.row_of[goals[k]], known.anchor_of[goals[k]]
            start, pace = rows.row_of[origins[i]], np.float32(0.0)
            written = search(rows, start, goal, False, known.bounds, a, pace, np.inf)
            out[i, k] = rows.real[goal, LABEL]
            wipe(rows, written)
    return out


@njit
def fastest_way(rows: Rows, max_speed: np.float32, origin: int, destination: int) -> I32:
    """Return the links of the fastest way, both ends included; empty if there is none."""
    written = _astar(rows, max_speed, origin, destination)
    out = way_between(rows, origin, destination, False)
    wipe(rows, written)
    return out


@njit
def etas_of_first(
    rows: Rows,
    times: F32,
    length: F32,
    link: I32,
    pos: F64,
    end_link: int,
    end_pos: float,
    beside: F64,
    known: Anchored,
) -> F64:
    """Return (C,) seconds from places to an end.

    Seconds are infinite where another's sum is surely less.

    Parameters
    ----------
    rows
        The streets.
    times, length
        (L,) seconds and metres of every link.
    link, pos
        (C,) places.
    end_link, end_pos
        The end.
    beside
        (C,) what is added to each for the sum.
    known
        What is known of anchors, if anything: the search is shorter then, its result the same.
    """
    n = len(link)
    label, extra = np.empty(n), np.empty(n)
    out, here = np.empty(n), np.empty(n)
    to_end = float(times[end_link] / length[end_link] * np.float32(end_pos))
    least = np.inf
    for i in range(n):
        k = link[i]
        pace = float(times[k] / length[k])
        here[i] = np.inf
        if k == end_link and end_pos >= pos[i] - HERE_M:
            here[i] = max(end_pos - pos[i], 0.0) * pace
            least = min(least, here[i] + beside[i])
        out[i] = max(float(length[k]) - pos[i], 0.0) * pace
        extra[i] = out[i] + to_end + beside[i]
    _first(rows, end_link, link, extra, least, True, known, label)
    for i in range(n):
        out[i] = here[i] if here[i] < np.inf else out[i] + label[i] + to_end
    return out


@njit
def times_to_first(
    rows: Rows,
    times: F32,
    length: F32,
    start_link: int,
    start_pos: float,
    link: I32,
    pos: F64,
    beside: F64,
    known: Anchored,
) -> tuple[F64, I32]:
    """Return (C,) seconds from a start to places, and the way to the first; as `etas_of_first`."""
    n = len(link)
    label, extra = np.empty(n), np.empty(n)
    out, here = np.empty(n), np.empty(n)
    whole = length[start_link]
    left = max(whole - np.float32(start_pos), np.float32(0.0))
    rest = float(left * times[start_link] / whole)
    least = np.inf
    for i in range(n):
        k = link[i]
        pace = float(times[k] / length[k])
        here[i] = np.inf
        if k == start_link and pos[i] >= start_pos - HERE_M:
            here[i] = max(pos[i] - start_pos, 0.0) * pace
            least = min(least, here[i] + beside[i])
        out[i] = pos[i] * pace
        extra[i] = rest + out[i] + beside[i]
    way = _first(rows, start_link, link, extra, least, False, known, label)
    for i in range(n):
        out[i] = here[i] if here[i] < np.inf else rest + label[i] + out[i]
    return out, way
