"""Searches for the first of a few candidates that know from anchors how far each is at least.

Anchors are places whose fastest ways over undisturbed streets are known, such as stations. No link
is ever driven faster than undisturbed, so those times bound present ones from below; where a
candidate is no anchor, the triangle inequality bounds its way by the anchors' (Goldberg & Harrelson
2005, "Computing the shortest path: A* search meets graph theory"). Candidates are searched for one
by one, from the one that seems nearest on, until the next cannot be the first; anchors first, since
most is known of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.jit import inner, njit
from twin.traffic.kernels.link_rows import (
    AHEAD,
    AHEADS,
    BACK,
    BACKS,
    COST,
    LABEL,
    SLACK_S,
    Rows,
    improve,
    way_between,
    wipe,
)
from twin.traffic.kernels.routing import (
    INF,
    RoadGraph,
    Tree,
    entry_of,
    push,
    take_first,
    tree_from,
    tree_towards,
)

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

ROUNDING_S = 0.1
"""Bounds are lowered by so much: they are sums in single precision."""
_NO_TARGETS = np.empty(0, np.int32)


class Anchored(NamedTuple):
    """What is known of A anchors; all arrays are empty where nothing is.

    Attributes
    ----------
    bounds
        (L, A) what `fill_bounds` fills, the anchors of a link side by side.
    anchor_of
        (L,) number of the anchor on a link, -1 where there is none.
    seconds
        (L,) least times of links.
    """

    bounds: F32
    anchor_of: I32
    seconds: F32


NOTHING = Anchored(np.empty((0, 0), np.float32), np.empty(0, np.int32), np.empty(0, np.float32))
"""What is known where there are no anchors."""


@njit
def fill_bounds(
    graph: RoadGraph, seconds: F32, row_of: I32, anchors: I32, towards: bool, tree: Tree, out: F32
) -> None:
    """Fill (A, L) seconds between anchors and links, which stand in rows.

    Those from the end of the anchor to the end of the link; `towards` the anchors, those from the
    start of the link to the start of the anchor. `seconds` are (L,) least times of links.
    """
    root = np.empty(1, np.int32)
    for a in range(len(anchors)):
        if towards:
            root[0] = anchors[a]
            tree_towards(graph, seconds, root, _NO_TARGETS, False, tree)
        else:
            tree_from(graph, seconds, anchors[a], _NO_TARGETS, False, tree)
        for k in range(len(row_of)):
            out[a, row_of[k]] = tree.label[k] + seconds[k]
        out[a, row_of[anchors[a]]] = 0.0


@njit
def anchors_on(known: Anchored, links: I32) -> I32:
    """Return the numbers of the anchors on links, -1 where there is none."""
    out = np.full(len(links), -1, np.int32)
    if known.bounds.size:
        for i in range(len(links)):
            out[i] = known.anchor_of[links[i]]
    return out


@njit
def on_anchors(n: int) -> F32:
    """Return how much nearer than their anchors so many goals may be that are on them."""
    return np.full(n, np.float32(ROUNDING_S), np.float32)


@inner
def _bound(
    rows: Rows,
    bounds: F32,
    k: int,
    anchors: I32,
    nearer: F32,
    goals: I32,
    beyond: F32,
    pace: np.float32,
) -> np.float32:
    """Return the least seconds between the row `k` and any goal.

    Where no anchor tells of a goal (its number is -1) they are those of the straight line between
    their starts.
    """
    least = INF
    for g in range(len(goals)):
        a = anchors[g]
        if a >= 0:
            away = max(bounds[k, a] - nearer[g], np.float32(0.0))
        else:
            xy, goal = rows.xy, rows.row_of[goals[g]]
            straight = np.sqrt((xy[k, 0] - xy[goal, 0]) ** 2 + (xy[k, 1] - xy[goal, 1]) ** 2)
            away = np.float32(straight * pace)
        least = min(least, away + beyond[g])
    return least


@inner
def search(
    rows: Rows,
    roots: I32,
    begin: F32,
    goals: I32,
    anchors: I32,
    nearer: F32,
    beyond: F32,
    back: bool,
    bounds: F32,
    pace: np.float32,
    limit: float,
) -> tuple[int, int]:
    """Search between links, from the nearest root `back` to a goal or ahead.

    Labels and ways are those of `nearest`. What is longer than `limit` may not be found. Returns
    how many rows were written, and which goal is the first; -1 if none is below the limit.

    Parameters
    ----------
    rows
        The streets.
    roots, begin
        (R,) links, and seconds before the search begins there.
    goals, anchors, nearer, beyond
        (G,) links, the numbers of the anchors that tell how far they are (-1 for none), how many
        seconds nearer than those they may be, and seconds from there on.
    back
        Whether the search goes against the traffic.
    bounds
        What is known of anchors.
    pace
        Seconds for a metre as the crow flies that no link undercuts; used where an anchor is -1.
    limit
        Seconds.
    """
    whole, real, heap = rows.whole, rows.real, rows.heap
    arc, arc_real = (rows.back, rows.back_real) if back else (rows.ahead, rows.ahead_real)
    first, many = (BACK, BACKS) if back else (AHEAD, AHEADS)
    written = 0
    n = 0
    best = -1
    least = limit
    root = 0
    while True:
        if root < len(roots):
            k = rows.row_of[roots[root]]
            start = begin[root]
            root += 1
            if back and real[k, COST] == INF:
                continue
        else:
            going = False
            while n > 0 and not going:
                k, key = take_first(heap, n)
                n -= 1
                if key > least + SLACK_S:
                    return written, best
                # Entries of labels that have improved since are stale.
                away = _bound(rows, bounds, k, anchors, nearer, goals, beyond, pace)
                going = key <= real[k, LABEL] + away and real[k, COST] < INF
            if not going:
                return written, best
            start = real[k, LABEL] + real[k, COST]
        for e in range(whole[k, first], whole[k, first] + whole[k, many]):
            j = arc[e, 0]
            d = start + arc_real[e, 1]
            better, written = improve(rows, k, j, d, back, written)
            if not better:
                continue
            for g in range(len(goals)):
                if j == rows.row_of[goals[g]] and d + beyond[g] < least:
                    least = float(d + beyond[g])
                    best = g
            key = d + _bound(rows, bounds, j, anchors, nearer, goals, beyond, pace)
            # An entry more for each arc is all that a consistent bound asks for, but for rounding.
            if key <= least + SLACK_S and n < len(heap) - 1:
                push(heap, n, entry_of(key, j))
                n += 1


@inner
def _least_away(
    rows: Rows, roots: I32, begin: F32, known: Anchored, anchor: int, nearer: float
) -> float:
    """Return the least seconds between a root and what is so much `nearer` than an anchor."""
    least = np.inf
    for r in range(len(roots)):
        bound = float(known.bounds[rows.row_of[roots[r]], anchor])
        away = max(bound - nearer - float(known.seconds[roots[r]]), 0.0)
        least = min(least, away + begin[r])
    return least


@inner
def _telling(rows: Rows, roots: I32, begin: F32, k: int, known: Anchored) -> tuple[int, float]:
    """Return the anchor that tells the most of how far row `k` is from the roots; those seconds.

    It is -1 where no anchor tells anything.
    """
    telling, most = -1, -np.inf
    for b in range(known.bounds.shape[1]):
        if known.bounds[k, b] < INF:
            nearer = ROUNDING_S + float(known.bounds[k, b])
            away = _least_away(rows, roots, begin, known, b, nearer)
            if away > most:
                telling, most = b, away
    return telling, max(most, 0.0)


@njit
def first_of(
    rows: Rows,
    roots: I32,
    begin: F32,
    links: I32,
    extra: F64,
    least: float,
    back: bool,
    known: Anchored,
    label: F64,
) -> tuple[I32, int]:
    """Search for the first of the candidates, one by one; return its way and which it is.

    Those that are no anchors come last: less is known of how far they are. Parameters and results
    are those of `nearest.reach`, whose labels are infinite here wherever one is not the least.
    """
    n = len(links)
    anchors = anchors_on(known, links)
    nearer = on_anchors(n)
    others = anchors < 0
    at_least = np.full(n, np.inf)
    label[:] = np.inf
    for i in range(n):
        if not others[i]:
            away = _least_away(rows, roots, begin, known, anchors[i], ROUNDING_S)
            at_least[i] = extra[i] + away
    way, best = np.empty(0, np.int32), -1
    here = np.zeros(1, np.float32)
    while True:
        i = int(np.argmin(at_least))
        if at_least[i] == np.inf or at_least[i] > least + SLACK_S:
            if not others.any():
                return way, best
            at_least[:] = np.inf
            for c in range(n):
                if others[c]:
                    k = rows.row_of[links[c]]
                    anchors[c], away = _telling(rows, roots, begin, k, known)
                    if anchors[c] >= 0:
                        nearer[c] += known.bounds[k, anchors[c]]
                    at_least[c] = extra[c] + away
            others[:] = False
            continue
        limit = least - extra[i]
        written, _ = search(
            rows, roots, begin, links[i : i + 1], anchors[i : i + 1], nearer[i : i + 1], here,
            back, known.bounds, np.float32(0.0), limit,
        )  # fmt: skip
        found = float(rows.real[rows.row_of[links[i]], LABEL])
        if found > limit + SLACK_S:
            found = np.inf
        for other in range(n):
            if links[other] == links[i]:
                label[other] = found
                at_least[other] = np.inf
        if found + extra[i] < least:
            least, best = found + extra[i], i
            way = way_between(rows, roots, links[i], back)
        wipe(rows, written)
