"""Routes of many trips at once: trees are shared by trips to one destination and to one area."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import njit
from twin.traffic.kernels.routing import F32, I32, U8, RoadGraph, Tree, tree_towards


@njit
def routes_of_areas(
    graph: RoadGraph,
    costs: F32,
    cost_row: I32,
    area_ptr: I32,
    origin: I32,
    destination: I32,
    area_from: int,
    area_to: int,
    far: Tree,
    near: Tree,
) -> tuple[I32, I32]:
    """Route the trips of areas `area_from` to `area_to`.

    Parameters
    ----------
    costs
        (P, L) sets of link times; area a uses row `cost_row[a]`.
    area_ptr
        (A + 1,) the trips of area a; they are sorted by area and destination.
    origin, destination
        (N,) links of every trip.
    far, near
        Scratch.

    Returns
    -------
    length, links
        Links of each route (0 where no road leads there) and all routes in one row. An area of
        one destination gets exact fastest ways. Otherwise one tree leads to the area, and a small
        one round each destination takes over where the way enters it: the way is at most the
        time between the area's links longer than the fastest.
    """
    first, last = area_ptr[area_from], area_ptr[area_to]
    length = np.zeros(last - first, np.int32)
    links = np.empty(max(1024, 32 * (last - first)), np.int32)
    filled = 0
    is_root = np.zeros(len(far.label), np.uint8)
    for area in range(area_from, area_to):
        cost = costs[cost_row[area]]
        begin, end = area_ptr[area], area_ptr[area + 1]
        if begin == end:
            continue
        roots = _distinct(destination[begin:end])
        origins = origin[begin:end]
        tree_towards(graph, cost, roots, origins, True, far)
        is_root[roots] = 1
        a = begin
        while a < end:
            goal = destination[a]
            b = a
            while b < end and destination[b] == goal:
                b += 1
            reach = np.float32(-1.0)
            if len(roots) > 1:
                reach = tree_towards(graph, cost, np.array([goal]), roots, True, near)
            for i in range(a, b):
                start = filled
                room = len(links)
                k = origin[i]
                done = k == goal
                lost = False
                home = False
                links[filled] = k
                filled += 1
                while not done and not lost:
                    home = home or (len(roots) > 1 and near.label[k] <= reach)
                    if home:
                        t = near.step[k]
                    elif is_root[k] == 1 and filled - start > 1:
                        t = -1
                    else:
                        t = far.step[k]
                    if t < 0:
                        lost = True
                    else:
                        if filled == room:
                            links = doubled(links)
                            room = len(links)
                        k = graph.turn_to[t]
                        links[filled] = k
                        filled += 1
                        done = k == goal
                if filled == room:
                    links = doubled(links)
                if lost:
                    filled = start
                length[i - first] = filled - start
            a = b
        is_root[roots] = 0
    return length, links[:filled].copy()


@njit
def _distinct(ascending: I32) -> I32:
    out = np.empty(len(ascending), np.int32)
    n = 0
    for i in range(len(ascending)):
        if i == 0 or ascending[i] != ascending[i - 1]:
            out[n] = ascending[i]
            n += 1
    return out[:n].copy()


@njit
def doubled(links: I32) -> I32:
    """Return `links` at the start of twice the space."""
    out = np.empty(2 * len(links), np.int32)
    out[: len(links)] = links
    return out


@njit
def scatter_rows(ptr_in: I32, rows_in: I32, place: I32, ptr_out: I32, rows_out: I32) -> None:
    """Copy row i of a CSR pair to row `place[i]` of another, which has room for it."""
    for i in range(len(place)):
        to = ptr_out[place[i]]
        for j in range(ptr_in[i], ptr_in[i + 1]):
            rows_out[to] = rows_in[j]
            to += 1


@njit
def route_times(graph: RoadGraph, cost: F32, ptr: I32, link: I32, out: F32) -> None:
    """Write the time of every route from the end of its first link to the start of its last."""
    for i in range(len(ptr) - 1):
        total = np.float32(0.0)
        for j in range(ptr[i], ptr[i + 1] - 1):
            if j > ptr[i]:
                total += cost[link[j]]
            pause = np.float32(np.inf)
            for t in range(graph.turn_ptr[link[j]], graph.turn_ptr[link[j] + 1]):
                if graph.turn_to[t] == link[j + 1]:
                    pause = graph.turn_cost[t]
            total += pause
        if ptr[i + 1] - ptr[i] > 1 and cost[link[ptr[i + 1] - 1]] == np.inf:
            total = np.float32(np.inf)
        out[i] = total


@njit
def holds_any(ptr: I32, link: I32, marked: U8, out: U8) -> None:
    """Write 1 for every route that enters a marked link; its first link does not count."""
    for i in range(len(ptr) - 1):
        out[i] = 0
        for j in range(ptr[i] + 1, ptr[i + 1]):
            if marked[link[j]] != 0:
                out[i] = 1
                break
