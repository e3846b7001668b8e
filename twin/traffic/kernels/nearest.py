"""Searches that end as soon as what was asked of a few candidates is known, and single ways.

They cost what they reach, not the size of the city; see `link_rows` and `anchored`. Searches have
roots, each some seconds away: a unit or a goal has a place on either side of its street.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.anchored import Anchored, anchors_on, first_of, on_anchors, search
from twin.traffic.kernels.jit import inner, njit
from twin.traffic.kernels.link_rows import (
    AHEAD,
    AHEADS,
    BACK,
    BACKS,
    COST,
    FIRST,
    LABEL,
    SLACK_S,
    Rows,
    improve,
    way_between,
    wipe,
)
from twin.traffic.kernels.routing import INF, entry_of, push, take_first

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


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
def _settle(
    first: int, following: I32, reach: float, extra: F64, least: float, out: F64
) -> tuple[float, int]:
    """Give the candidates on a link their label; return the least sum so far and how many."""
    i = first
    n = 0
    while i > 0:
        out[i - 1] = reach
        least = min(least, reach + extra[i - 1])
        i = following[i - 1]
        n += 1
    return least, n


@inner
def _spread(
    rows: Rows, k: int, start: np.float32, back: bool, n: int, written: int
) -> tuple[int, int]:
    """Label the links next to row `k`; return entries in the heap and rows written."""
    whole = rows.whole
    arc, arc_real = (rows.back, rows.back_real) if back else (rows.ahead, rows.ahead_real)
    first, many = (BACK, BACKS) if back else (AHEAD, AHEADS)
    for e in range(whole[k, first], whole[k, first] + whole[k, many]):
        j = arc[e, 0]
        d = start + arc_real[e, 1]
        better, written = improve(rows, k, j, d, back, written)
        if better:
            push(rows.heap, n, entry_of(d, j))
            n += 1
    return n, written


@inner
def _reach(
    rows: Rows,
    roots: I32,
    begin: F32,
    links: I32,
    extra: F64,
    least: float,
    back: bool,
    first: bool,
    following: I32,
    out: F64,
) -> int:
    """Fill (C,) seconds between the candidates' links and the nearest of the roots.

    Those stay infinite of which it is certain that with their (C,) `extra` seconds they are more
    than `least`, or, if only the `first` is wanted, than another's. Labels are those of
    `routing.tree_from`, or of `routing.tree_towards` if the search goes `back`. The rows are left
    as they are, and must be wiped: returns how many the search wrote.
    """
    real, heap = rows.real, rows.heap
    spare = _line_up(rows, following, links, extra)
    n = 0
    written = 0
    missing = len(links)
    for r in range(len(roots)):
        k = rows.row_of[roots[r]]
        if real[k, COST] < INF or not back:
            n, written = _spread(rows, k, begin[r], back, n, written)
    while n > 0:
        k, here = take_first(heap, n)
        n -= 1
        if here > real[k, LABEL]:
            continue
        if here + spare > least + SLACK_S:
            break
        candidate = rows.whole[k, FIRST]
        if candidate != 0:
            reached, many = _settle(candidate, following, float(here), extra, least, out)
            if first:
                least = reached
            missing -= many
            if missing == 0 and not first:
                break
        if real[k, COST] < INF:
            n, written = _spread(rows, k, here + real[k, COST], back, n, written)
    for link in links:
        rows.whole[rows.row_of[link], FIRST] = 0
    return written


@njit
def reach(
    rows: Rows,
    roots: I32,
    begin: F32,
    links: I32,
    extra: F64,
    least: float,
    limit: float,
    back: bool,
    first: bool,
    known: Anchored,
    label: F64,
) -> tuple[I32, int]:
    """Fill (C,) labels of candidates; return the way of the first and which candidate that is.

    The way is empty, and the candidate -1, if none has a sum below `least`.

    Parameters
    ----------
    rows
        The streets.
    roots, begin
        (R,) links from whose ends drives begin, or to whose starts they lead where the search goes
        `back`, and (R,) seconds that the drive takes before, or after.
    links, extra
        (C,) links of the candidates, and what is added to each label for its sum.
    least
        A sum that is to be had otherwise.
    limit
        Labels may be infinite of which it is certain that their sum is more than this.
    back
        Whether the drives are towards the roots.
    first
        Whether labels may be infinite of which it is certain that their sum is more than another's
        or than `least`.
    known
        What is known of anchors, if anything: the search for the first is shorter, its result the
        same. It must be nothing if not only the first is wanted.
    label
        (C,) what is filled.
    """
    if first and known.bounds.size:
        return first_of(rows, roots, begin, links, extra, least, back, known, label)
    following = np.empty(len(links), np.int32)
    label[:] = np.inf
    bound = min(least, limit) if first else limit
    written = _reach(rows, roots, begin, links, extra, bound, back, first, following, label)
    way, best = np.empty(0, np.int32), -1
    for i in range(len(links)):
        if label[i] + extra[i] < least:
            least, best = label[i] + extra[i], i
    if best >= 0:
        way = way_between(rows, roots, links[best], back)
    wipe(rows, written)
    return way, best


@njit
def fastest_way(
    rows: Rows,
    max_speed: np.float32,
    origins: I32,
    begin: F32,
    goals: I32,
    beyond: F32,
    least: float,
    known: Anchored,
) -> I32:
    """Return the links of the fastest way from an origin to a goal; empty if there is none.

    Goal g lies (G,) `beyond` seconds past the start of its link; a way that takes `least` seconds
    or more is none. Of equal ways it is the one that other searches here find, too.
    """
    # Rounding must not make the bound too high by a hair.
    pace = np.float32(0.99999) / max_speed
    anchors = anchors_on(known, goals)
    written, found = search(
        rows, origins, begin, goals, anchors, on_anchors(len(goals)), beyond, False, known.bounds,
        pace, least,
    )  # fmt: skip
    out = np.empty(0, np.int32)
    if found >= 0:
        out = way_between(rows, origins, goals[found], False)
    wipe(rows, written)
    return out
