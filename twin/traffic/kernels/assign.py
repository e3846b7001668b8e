"""Flows of an OD on the links of a network: all on fastest ways, or spread by logit.

Both work origin by origin on the tree of `kernels.routing`: a link is a vertex, a turn an arc. An
origin and a destination are links as well, connectors without time of their own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.jit import njit
from twin.traffic.kernels.routing import F32, I32, RoadGraph, Tree, tree_from

F64 = NDArray[np.float64]

_LAST = np.float32(1e30)


@njit
def load_fastest(
    graph: RoadGraph,
    cost: F32,
    origin: I32,
    ptr: I32,
    destination: I32,
    volume: F64,
    tree: Tree,
    flow: F64,
) -> float:
    """Add every volume to the links of its fastest way; return the volume that finds none.

    Parameters
    ----------
    cost
        (L,) time of every link.
    origin, ptr
        (O,), (O + 1,) origins, ascending entries of origin o are `ptr[o]:ptr[o + 1]`.
    destination, volume
        (N,) of every entry.
    tree
        Scratch.
    flow
        (L,) sums are added here.
    """
    lost = 0.0
    for o in range(len(origin)):
        begin, end = ptr[o], ptr[o + 1]
        start = origin[o]
        tree_from(graph, cost, start, destination[begin:end], True, tree)
        for e in range(begin, end):
            k = destination[e]
            if tree.step[k] < 0:
                lost += volume[e]
                continue
            while k != start:
                flow[k] += volume[e]
                k = graph.turn_from[tree.step[k]]
    return lost


@njit
def load_logit(
    graph: RoadGraph,
    cost: F64,
    reference: F32,
    theta: float,
    origin: I32,
    ptr: I32,
    destination: I32,
    volume: F64,
    tree: Tree,
    far: F32,
    flow: F64,
) -> float:
    """Spread every volume over the efficient ways by logit; return the volume that finds none.

    A way is efficient when each link begins farther from the origin than the one before, in
    times `reference`, so the set of ways stays the same while `cost` changes (Dial 1971, "A
    probabilistic multipath traffic assignment model which obviates path enumeration"; Sheffi
    1985, section 11.1); the last link may begin farther away than the destination is. Among them a
    way of time c has a share in proportion to exp(-theta c).

    Parameters
    ----------
    cost
        (L,) in double precision; the trees need less, since only differences between ways matter.
    theta
        Per unit of cost.
    far
        (L,) scratch.

    The others are those of `load_fastest`.
    """
    lost = 0.0
    n_links = len(graph.turn_ptr) - 1
    through = np.zeros(n_links, np.float64)
    weight = np.zeros(n_links, np.float64)
    share = np.zeros(len(graph.turn_to), np.float64)
    none = np.empty(0, np.int32)
    rough = cost.astype(np.float32)
    for o in range(len(origin)):
        start = origin[o]
        tree_from(graph, reference, start, none, False, tree)
        far[:] = tree.label
        # The origin comes first, whatever way leads back to it; the destinations come last.
        far[start] = -1.0
        for k in range(n_links):
            if graph.turn_ptr[k] == graph.turn_ptr[k + 1] and far[k] < np.inf:
                far[k] = _LAST
        tree_from(graph, rough, start, none, False, tree)
        near = tree.label
        near[start] = 0.0
        order = np.argsort(far)
        count = 0
        while count < n_links and far[order[count]] < np.inf:
            count += 1
        weight[:] = 0.0
        weight[start] = 1.0
        for n in range(count):
            k = order[n]
            leave = 0.0 if k == start else cost[k]
            for t in range(graph.turn_ptr[k], graph.turn_ptr[k + 1]):
                j = graph.turn_to[t]
                share[t] = 0.0
                if far[j] > far[k] and far[j] < np.inf:
                    spent = leave + np.float64(graph.turn_cost[t])
                    gained = np.float64(near[j]) - np.float64(near[k])
                    share[t] = weight[k] * np.exp(theta * (gained - spent))
                    weight[j] += share[t]
        through[:] = 0.0
        for e in range(ptr[o], ptr[o + 1]):
            if weight[destination[e]] > 0.0:
                through[destination[e]] += volume[e]
            else:
                lost += volume[e]
        for n in range(count - 1, 0, -1):
            j = order[n]
            if through[j] == 0.0:
                continue
            flow[j] += through[j]
            for b in range(graph.back_ptr[j], graph.back_ptr[j + 1]):
                t = graph.back_turn[b]
                if far[j] > far[graph.turn_from[t]]:
                    through[graph.turn_from[t]] += through[j] * share[t] / weight[j]
    return lost
