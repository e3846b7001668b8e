"""What searches read of links, in rows: links that are near each other stand in rows that are near.

Labels are infinite between searches, and each search wipes only those that it wrote: it costs what
it reaches, not the size of the city, and waits for memory most of its time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.jit import inner, njit, outer
from twin.traffic.kernels.routing import INF, RoadGraph

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

SLACK_S = 1e-2
"""Labels are single precision: a search goes so much further than it seems to have to."""
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


@outer
def set_seconds(
    rows: Rows,
    seconds: F32,
    closed: NDArray[np.bool_],
    straight: F32,
    least: np.float32,
    times: F32,
    costs: F32,
) -> np.float32:
    """Fill (L,) times of links and what entering them costs, in the rows too; return the top speed.

    Parameters
    ----------
    seconds, least
        (L,) what links take, and what none takes less than.
    closed
        (L,) links that nobody may enter.
    straight
        (L,) metres as the crow flies; the top speed counts those.
    times, costs
        (L,) what is filled.
    """
    fastest = np.float32(0.1)
    for link in range(len(times)):
        times[link] = max(seconds[link], least)
        costs[link] = INF if closed[link] else times[link]
        fastest = max(fastest, straight[link] / times[link])
    for k in range(len(rows.link_of)):
        rows.real[k, COST] = costs[rows.link_of[k]]
    return fastest


@inner
def improve(
    rows: Rows, k: int, j: int, seconds: np.float32, back: bool, written: int
) -> tuple[bool, int]:
    """Label row `j` if the way by row `k` is shorter; return whether, and the rows written so far.

    Of ways that are equally long the one by the lower link counts.
    """
    whole, real = rows.whole, rows.real
    if seconds > real[j, LABEL] or seconds == INF or not (back or real[j, COST] < INF):
        return False, written
    if seconds == real[j, LABEL]:
        if rows.link_of[k] < rows.link_of[whole[j, BEFORE]]:
            whole[j, BEFORE] = k
        return False, written
    if real[j, LABEL] == INF:
        rows.touched[written] = j
        written += 1
    real[j, LABEL] = seconds
    whole[j, BEFORE] = k
    return True, written


@inner
def wipe(rows: Rows, n: int) -> None:
    """Forget a search that wrote `n` rows."""
    for i in range(n):
        k = rows.touched[i]
        rows.real[k, LABEL] = INF
        rows.whole[k, BEFORE] = -1


@njit
def way_between(rows: Rows, roots: I32, goal: int, back: bool) -> I32:
    """Return the links of the way that a search from `roots` found; empty if there is none.

    It leads from a root to the goal, or from the goal `back` to a root.
    """
    whole = rows.whole
    end = rows.row_of[goal]
    n = 1
    k = end
    while whole[k, BEFORE] >= 0:
        n += 1
        k = whole[k, BEFORE]
        if (roots == rows.link_of[k]).any():
            break
    if n == 1:
        return np.empty(0, np.int32)
    out = np.empty(n, np.int32)
    k = end
    for i in range(n):
        out[i if back else n - 1 - i] = rows.link_of[k]
        k = whole[k, BEFORE]
    return out
