"""Searches that end as soon as the least of a few candidates is known, and single fastest ways.

They cost what they reach, not the size of the city: labels are infinite between searches, and each
search wipes only those that it wrote. What a search reads of a link stands in one row, and links
that are near each other stand in rows that are near each other, because such a search waits for
memory most of its time.
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
HERE_M = 15.0
"""A goal at most so far behind counts as reached: the crew walks instead of circling the block."""
ROW = 8
BACK, BACKS, AHEAD, AHEADS, FIRST, BEFORE = 0, 1, 2, 3, 4, 5
"""Whole numbers of a row: first and number of the arcs into the link, and of those out of it; one
more than the first candidate on it (0 between searches); the row before it on the way."""
COST, LABEL = 6, 7
"""Real numbers of a row: seconds of the link; label, infinite between searches."""


class Rows(NamedTuple):
    """Rows of links in an order in which neighbours are near, and their arcs; L links, T turns.

    Attributes
    ----------
    whole, real
        (L, ROW) the same memory as whole and as real numbers.
    back, back_real, ahead, ahead_real
        (T, 2) arcs into links and out of them, the same memory as whole and as real numbers: the
        other link's row; seconds of the turn.
    xy
        (L, 2) start of every link, metres.
    row_of, link_of
        (L,) row of every link; link of every row.
    heap
        (T + L + 1,) scratch: every arc is pushed at most once.
    touched
        (L,) rows that the search wrote.
    """

    whole: I32
    real: F32
    back: I32
    back_real: F32
    ahead: I32
    ahead_real: F32
    xy: F32
    row_of: I32
    link_of: I32
    heap: I64
    touched: I32


def arcs_in_order(link_of: I32, ptr: I32) -> I64:
    """Return (T,) the arcs, which `ptr` counts link by link, in the order of the rows."""
    count = np.diff(ptr)[link_of]
    start = np.cumsum(count) - count
    arcs: I64 = np.repeat(ptr[:-1][link_of] - start, count) + np.arange(int(count.sum()))
    return arcs


def new_rows(graph: RoadGraph, x: F32, y: F32) -> Rows:
    """Return the rows of a graph whose links begin at (L,) `x` and `y`, in Morton's order."""
    n_links = len(x)
    code = np.zeros(n_links, np.int64)
    for shift, axis in enumerate((x, y)):
        span = max(float(np.ptp(axis)), 1.0) if n_links else 1.0
        cell = ((axis - axis.min(initial=np.inf)) / span * 0xFFFF).astype(np.int64)
        for bit in range(16):
            code |= ((cell >> bit) & 1) << (2 * bit + shift)
    link_of = np.argsort(code, kind="stable").astype(np.int32)
    row_of = np.empty(n_links, np.int32)
    row_of[link_of] = np.arange(n_links, dtype=np.int32)
    whole = np.zeros((n_links, ROW), np.int32)
    real = whole.view(np.float32)
    real[:, LABEL] = INF
    whole[:, BEFORE] = -1
    arcs = []
    for ptr, other, cost, first, many in (
        (graph.back_ptr, graph.back_from, graph.back_cost, BACK, BACKS),
        (graph.turn_ptr, graph.turn_to, graph.turn_cost, AHEAD, AHEADS),
    ):
        count = np.diff(ptr)[link_of]
        whole[:, first], whole[:, many] = np.cumsum(count) - count, count
        arc = arcs_in_order(link_of, ptr)
        both = np.empty((len(arc), 2), np.int32)
        both[:, 0] = row_of[other[arc]]
        both.view(np.float32)[:, 1] = cost[arc]
        arcs.append(both)
    back, ahead = arcs
    return Rows(
        whole,
        real,
        back,
        back.view(np.float32),
        ahead,
        ahead.view(np.float32),
        np.ascontiguousarray(np.stack([x, y], axis=1)[link_of], np.float32),
        row_of,
        link_of,
        np.empty(n_links + len(ahead) + 1, np.int64),
        np.empty(n_links, np.int32),
    )


@inner
def _wipe(rows: Rows, n: int) -> None:
    for i in range(n):
        k = rows.touched[i]
        rows.real[k, LABEL] = INF
        rows.whole[k, BEFORE] = -1


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
    rows: Rows, root: int, links: I32, extra: F64, least: float, following: I32, out: F64
) -> None:
    """Fill (C,) seconds from the end of the candidates' links to the start of `root`.

    Those stay infinite of which it is certain that with their (C,) `extra` seconds they are more
    than another's, or than `least`. Labels are those of `routing.tree_towards`.
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
            if d < real[j, LABEL]:
                if real[j, LABEL] == INF:
                    rows.touched[written] = j
                    written += 1
                real[j, LABEL] = d
                push(heap, n, entry_of(d, j))
                n += 1
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
            if real[k, COST] == INF:
                continue
            start = here + real[k, COST]
            going = True
            break
    for link in links:
        whole[rows.row_of[link], FIRST] = 0
    _wipe(rows, written)


@inner
def _least_from(
    rows: Rows, origin: int, links: I32, extra: F64, least: float, following: I32, out: F64
) -> int:
    """Fill (C,) seconds from the end of `origin` to the start of the candidates' links.

    Otherwise as `_least_towards`; labels and ways are those of `routing.tree_from`. The rows are
    left as they are, and must be wiped: returns how many the search wrote.
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
def _way(rows: Rows, origin: int, destination: int) -> I32:
    """Return the links of the way that a search found; empty if it did not."""
    before = rows.whole
    start, end = rows.row_of[origin], rows.row_of[destination]
    n = 1
    k = end
    while before[k, BEFORE] >= 0:
        n += 1
        k = before[k, BEFORE]
        if k == start:
            break
    if n == 1:
        return np.empty(0, np.int32)
    out = np.empty(n, np.int32)
    out[0] = origin
    k = end
    for i in range(n - 1, 0, -1):
        out[i] = rows.link_of[k]
        k = before[k, BEFORE]
    return out


@njit
def fastest_way(rows: Rows, max_speed: np.float32, origin: int, destination: int) -> I32:
    """Return the links of the fastest way, both ends included; empty if there is none."""
    written = _astar(rows, max_speed, origin, destination)
    out = _way(rows, origin, destination)
    _wipe(rows, written)
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
) -> F64:
    """Return (C,) seconds from places to an end, infinite where another's sum is surely less.

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
        label[i] = np.inf
        if k == end_link and end_pos >= pos[i] - HERE_M:
            here[i] = max(end_pos - pos[i], 0.0) * pace
            least = min(least, here[i] + beside[i])
        out[i] = max(float(length[k]) - pos[i], 0.0) * pace
        extra[i] = out[i] + to_end + beside[i]
    _least_towards(rows, end_link, link, extra, least, np.empty(n, np.int32), label)
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
        label[i] = np.inf
        if k == start_link and pos[i] >= start_pos - HERE_M:
            here[i] = max(pos[i] - start_pos, 0.0) * pace
            least = min(least, here[i] + beside[i])
        out[i] = pos[i] * pace
        extra[i] = rest + out[i] + beside[i]
    written = _least_from(rows, start_link, link, extra, least, np.empty(n, np.int32), label)
    best = 0
    for i in range(n):
        out[i] = here[i] if here[i] < np.inf else rest + label[i] + out[i]
        if out[i] + beside[i] < out[best] + beside[best]:
            best = i
    way = _way(rows, start_link, link[best])
    _wipe(rows, written)
    return out, way
