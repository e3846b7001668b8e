"""Shortest paths over links: a link is a vertex and an allowed turn an arc, so restrictions hold.

The label of link k in a tree *towards* a destination is the time from the end of k to the start of
the destination; in a tree *from* an origin it is the time from the end of the origin to the start
of k. A vehicle's fractions of the first and last link are added outside. Entering a link of
infinite cost is impossible, leaving it is not: whoever stands on a closed road may drive off.

Searches are Dijkstra's with a lazy 4-ary heap (Johnson 1975, "Priority queues with update and
finding minimum spanning trees"); equal labels keep the lower turn index, so that a tree depends on
the numbers only, never on the order of the search.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.jit import inner, njit, outer

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

INF = np.float32(np.inf)
_LINK_BITS = 0xFFFF_FFFF


class RoadGraph(NamedTuple):
    """Arcs in both directions; L links, T turns.

    Attributes
    ----------
    turn_ptr, turn_from, turn_to, turn_cost
        (L + 1,), (T,), (T,), (T,) turns by from-link; seconds that a turn costs beside its links.
    back_ptr, back_turn, back_from, back_cost
        (L + 1,), (T,), (T,), (T,) the same turns by to-link.
    """

    turn_ptr: I32
    turn_from: I32
    turn_to: I32
    turn_cost: F32
    back_ptr: I32
    back_turn: I32
    back_from: I32
    back_cost: F32


class Tree(NamedTuple):
    """A search's result and its scratch space, reused from search to search.

    Attributes
    ----------
    label
        (L,) seconds; final for links that the search has settled.
    step
        (L,) turn to take out of the link (towards) or by which it is entered (from); -1 for none.
    wanted
        (L,) scratch, all 0 between searches.
    heap
        (T + L + 1,) scratch: every arc is pushed at most once.
    """

    label: F32
    step: I32
    wanted: U8
    heap: I64


@inner
def entry_of(key: np.float32, link: int) -> int:
    """Pack a label and a link: the bits of floats from 0 up are ordered as the floats are."""
    return int((np.int64(np.float32(key).view(np.int32)) << 32) | link)


@inner
def push(heap: I64, n: int, entry: int) -> None:
    """Add an entry to a heap of n."""
    i = n
    while i > 0:
        parent = (i - 1) >> 2
        if heap[parent] <= entry:
            break
        heap[i] = heap[parent]
        i = parent
    heap[i] = entry


@inner
def _drop_first(heap: I64, n: int) -> None:
    """Move the last of n + 1 entries to the top and sift it down."""
    entry = heap[n]
    i = 0
    while True:
        first = 4 * i + 1
        if first >= n:
            break
        best = first
        least = heap[first]
        for child in range(first + 1, min(first + 4, n)):
            if heap[child] < least:
                best = child
                least = heap[child]
        if least >= entry:
            break
        heap[i] = least
        i = best
    heap[i] = entry


@inner
def take_first(heap: I64, n: int) -> tuple[int, np.float32]:
    """Take the least of n entries out of a heap; return its link and its label."""
    first = heap[0]
    if n > 1:
        _drop_first(heap, n - 1)
    return first & _LINK_BITS, np.int32(first >> 32).view(np.float32)


@inner
def _want(wanted: U8, targets: I32) -> int:
    n = 0
    for k in targets:
        if wanted[k] == 0:
            wanted[k] = 1
            n += 1
    return n


@outer
def tree_towards(
    graph: RoadGraph, cost: F32, roots: I32, targets: I32, stop_early: bool, tree: Tree
) -> np.float32:
    """Grow the tree of fastest ways to the start of the nearest of `roots`.

    With `stop_early` the search ends when all `targets` are settled. Returns the label up to which
    everything is settled: `inf` when the search ran dry.
    """
    label, step, wanted, heap = tree
    back_ptr, back_from = graph.back_ptr, graph.back_from
    back_turn, back_cost = graph.back_turn, graph.back_cost
    label[:] = INF
    step[:] = -1
    missing = _want(wanted, targets)
    reach = np.float32(0.0)
    n = 0
    for root in roots:
        if cost[root] == INF:
            continue
        for e in range(back_ptr[root], back_ptr[root + 1]):
            j = back_from[e]
            d = back_cost[e]
            if d < label[j] or (d == label[j] and back_turn[e] < step[j]):
                if d < label[j]:
                    push(heap, n, entry_of(d, j))
                    n += 1
                label[j] = d
                step[j] = back_turn[e]
    while n > 0:
        k, here = take_first(heap, n)
        n -= 1
        if here > label[k]:
            continue
        reach = here
        if wanted[k] != 0:
            wanted[k] = 0
            missing -= 1
            if stop_early and missing == 0:
                return np.float32(reach)
        if cost[k] == INF:
            continue
        start = here + cost[k]
        for e in range(back_ptr[k], back_ptr[k + 1]):
            j = back_from[e]
            d = start + back_cost[e]
            if d <= label[j]:
                if d < label[j]:
                    label[j] = d
                    step[j] = back_turn[e]
                    push(heap, n, entry_of(d, j))
                    n += 1
                elif back_turn[e] < step[j]:
                    step[j] = back_turn[e]
    for k in targets:
        wanted[k] = 0
    return INF


@inner
def tree_from(
    graph: RoadGraph, cost: F32, origin: int, targets: I32, stop_early: bool, tree: Tree
) -> np.float32:
    """Grow the tree of fastest ways from the end of `origin`; otherwise as `tree_towards`."""
    label, step, wanted, heap = tree
    turn_ptr, turn_to, turn_cost = graph.turn_ptr, graph.turn_to, graph.turn_cost
    label[:] = INF
    step[:] = -1
    missing = _want(wanted, targets)
    n = 0
    k = origin
    leave = np.float32(0.0)
    while True:
        for t in range(turn_ptr[k], turn_ptr[k + 1]):
            j = turn_to[t]
            d = leave + turn_cost[t]
            if d <= label[j] and cost[j] < INF:
                if d < label[j]:
                    label[j] = d
                    step[j] = t
                    push(heap, n, entry_of(d, j))
                    n += 1
                elif t < step[j]:
                    step[j] = t
        while n > 0:
            k, reach = take_first(heap, n)
            n -= 1
            if reach > label[k]:
                continue
            if wanted[k] != 0:
                wanted[k] = 0
                missing -= 1
                if stop_early and missing == 0:
                    return np.float32(reach)
            leave = reach + cost[k]
            break
        else:
            break
    for k in targets:
        wanted[k] = 0
    return INF


@njit
def path_from(graph: RoadGraph, tree: Tree, origin: int, destination: int) -> I32:
    """Return the links from `origin` to `destination` in a tree from `origin`; empty if none."""
    n = 1
    k = destination
    while True:
        t = tree.step[k]
        if t < 0:
            return np.empty(0, np.int32)
        k = graph.turn_from[t]
        n += 1
        if k == origin:
            break
    out = np.empty(n, np.int32)
    out[0] = origin
    k = destination
    for i in range(n - 1, 0, -1):
        out[i] = k
        k = graph.turn_from[tree.step[k]]
    return out
