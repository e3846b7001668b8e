"""Shortest paths between zones over the main roads, all at once, for the synthesis of demand.

Trees are kept as arrays (origins x nodes). Sums along paths are taken by pointer doubling: every
round, each node adds what its predecessor has gathered and jumps on to the predecessor's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Graph:
    """A small directed graph; E edges.

    Attributes
    ----------
    n
        Number of nodes.
    start, stop
        (E,) node indices, unique pairs.
    seconds, metres
        (E,) travel time and length.
    """

    n: int
    start: I64
    stop: I64
    seconds: F64
    metres: F64


@dataclass(frozen=True, slots=True)
class Trees:
    """Shortest-time trees; O origins.

    Attributes
    ----------
    seconds
        (O, n) time from the origin; inf where it cannot be reached.
    before
        (O, n) flat index (origin * n + node) of the predecessor; itself at the root.
    edge
        (O, n) edge by which the node is reached, or -1.
    """

    seconds: F64
    before: I64
    edge: I64


def unique_edges(n: int, start: I64, stop: I64, seconds: F64, metres: F64) -> tuple[Graph, I64]:
    """Return the graph with the fastest edge of each pair, and the rows kept."""
    order = np.lexsort((seconds, stop, start))
    a, b = start[order], stop[order]
    first = np.ones(len(a), np.bool_)
    first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    kept = order[first & (a != b)]
    return Graph(n, start[kept], stop[kept], seconds[kept], metres[kept]), kept


def hangs_together(graph: Graph) -> NDArray[np.bool_]:
    """Return (n,) whether a node is in the largest strongly connected part."""
    links = csr_array((np.ones(len(graph.start)), (graph.start, graph.stop)), shape=(graph.n,) * 2)
    _, part = connected_components(links, directed=True, connection="strong")
    return np.asarray(part == np.bincount(part).argmax())


def grow(graph: Graph, roots: I64) -> Trees:
    """Return the shortest-time trees from the roots."""
    weight = csr_array((graph.seconds, (graph.start, graph.stop)), shape=(graph.n, graph.n))
    seconds, before = dijkstra(weight, indices=roots, return_predecessors=True)
    row = np.arange(len(roots), dtype=np.int64)[:, None]
    node = np.arange(graph.n, dtype=np.int64)[None, :]
    own = row * graph.n + node
    has = before >= 0
    code = graph.start * graph.n + graph.stop
    order = np.argsort(code)
    wanted = np.where(has, before, 0).astype(np.int64) * graph.n + node
    place = np.minimum(np.searchsorted(code[order], wanted), len(code) - 1)
    edge = np.where(has, order[place], -1)
    return Trees(seconds, np.where(has, row * graph.n + before, own).astype(np.int64), edge)


def sums(trees: Trees, value: F64) -> F64:
    """Return (O, n) the sum of an edge value along the path from the origin."""
    total = np.where(trees.edge >= 0, value[trees.edge], 0.0).ravel()
    jump = trees.before.ravel().copy()
    while True:
        step = total[jump]
        if not step.any():
            return total.reshape(trees.edge.shape)
        total = total + step
        jump = jump[jump]


def marked(trees: Trees, mark: I64, *, first: bool) -> I64:
    """Return (O, n) the first (or last) mark, 0 or more, on the path from the origin; else -1."""
    found = np.where(trees.edge >= 0, mark[trees.edge], -1).ravel()
    jump = trees.before.ravel().copy()
    for _ in range(int(np.ceil(np.log2(trees.edge.shape[1]))) + 1):
        earlier = found[jump]
        found = (
            np.where(earlier >= 0, earlier, found)
            if first
            else np.where(found >= 0, found, earlier)
        )
        jump = jump[jump]
    return found.reshape(trees.edge.shape)


def load(trees: Trees, demand: F64, n_edges: int) -> F64:
    """Return (E,) the flow when demand (O, n) goes from each origin to the nodes on its tree."""
    depth = np.rint(sums(trees, np.ones(n_edges))).astype(np.int64).ravel()
    flow = demand.ravel().copy()
    before, edge = trees.before.ravel(), trees.edge.ravel()
    order = np.argsort(depth, kind="stable")
    bounds = np.searchsorted(depth[order], np.arange(depth.max() + 2))
    for level in range(int(depth.max()), 0, -1):
        at = order[bounds[level] : bounds[level + 1]]
        np.add.at(flow, before[at], flow[at])
    used = edge >= 0
    return np.bincount(edge[used], weights=flow[used], minlength=n_edges).astype(np.float64)
