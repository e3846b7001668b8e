"""Fastest ways through the streets at current link times."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.core.random import Streams
from twin.network.graph import F32, F64, I32, I64, Network
from twin.traffic.kernels.anchored import NOTHING
from twin.traffic.kernels.link_rows import COST, Rows, arcs_in_order, new_rows, set_seconds
from twin.traffic.kernels.nearest import fastest_way
from twin.traffic.kernels.route_bulk import holds_any, route_times, routes_of_areas, scatter_rows
from twin.traffic.kernels.routing import RoadGraph, tree_towards
from twin.traffic.large_pages import side_by_side
from twin.traffic.road_graph import MIN_COST_S, new_tree, road_graph, turn_costs

ROUTE_SPREAD = 0.2
"""Standard deviation of the logarithm of a link's time as drivers perceive it (assumption)."""
ROUTE_VARIANTS = 4
"""Sets of perceived link times; trips to one area take turns among them from slice to slice."""
_CHUNKS_PER_THREAD = 4


class Router:
    """Searches at the link times that were set last; closed links may be left but not entered.

    Parameters
    ----------
    network
        The streets.
    threads
        Threads of `routes`; the result does not depend on it.
    graph
        Another router's `graph` of the same network, to share its arcs; the costs are its own.
    streams
        Draws the drivers' perception of link times (`ROUTE_SPREAD`); None: all perceive the truth.
    """

    def __init__(
        self,
        network: Network,
        *,
        threads: int = 1,
        graph: RoadGraph | None = None,
        streams: Streams | None = None,
    ) -> None:
        self.network = network
        plain = road_graph(network) if graph is None else graph
        self.graph = plain._replace(
            turn_cost=plain.turn_cost.copy(), back_cost=plain.back_cost.copy()
        )
        self._plain_turns = turn_costs(network)
        self._banned: I32 = _NONE
        self._delay: F32 = np.zeros(network.n_turns, np.float32)
        self._threads = threads
        self.version = 0
        """Counts the changes of what ways cost."""
        self._x = network.node_x[network.link_from].astype(np.float32)
        self._y = network.node_y[network.link_from].astype(np.float32)
        self._rows = _in_large_pages(new_rows(self.graph, self._x, self._y))
        self._arcs = (
            arcs_in_order(self._rows.link_of, self.graph.turn_ptr),
            arcs_in_order(self._rows.link_of, self.graph.back_ptr),
        )
        self._straight = np.hypot(
            network.node_x[network.link_to] - network.node_x[network.link_from],
            network.node_y[network.link_to] - network.node_y[network.link_from],
        ).astype(np.float32)
        self._perceived: F32 | None = None
        if streams is not None:
            draws = streams.stream("route-choice").standard_normal(
                (ROUTE_VARIANTS, network.n_links), dtype=np.float32
            )
            self._perceived = np.exp(np.float32(ROUTE_SPREAD) * draws).astype(np.float32)
        self.closed = np.zeros(network.n_links, np.bool_)
        self.tolls: F32 = np.zeros(network.n_links, np.float32)
        self.times: F32 = network.free_flow_s
        self.set_costs(network.free_flow_s)

    def set_costs(self, seconds: F32) -> None:
        """Set the time of every link, (L,) finite seconds; closures stay."""
        self.version += 1
        self.times = np.empty(len(seconds), np.float32)
        self.costs: F32 = np.empty(len(seconds), np.float32)
        # No link is driven faster than this as the crow flies: the bound of A*.
        self._max_speed = np.float32(
            set_seconds(
                self._rows, seconds.astype(np.float32, copy=False), self.closed, self._straight,
                np.float32(MIN_COST_S), self.times, self.costs,
            )
        )  # fmt: skip

    def set_costs_of(self, links: I64, seconds: F32) -> None:
        """Set the times of some links; the others keep theirs."""
        times = np.maximum(seconds, np.float32(MIN_COST_S)).astype(np.float32)
        fastest = np.float32((self._straight[links] / times).max(initial=0.1))
        self._max_speed = max(self._max_speed, fastest)
        self.times[links] = times
        self.costs[links] = np.where(self.closed[links], np.float32(np.inf), times)
        self._rows.real[self._rows.row_of[links], COST] = self.costs[links]
        self.version += 1

    def set_closed(self, closed: NDArray[np.bool_]) -> None:
        """Set (L,) which links are closed."""
        self.closed = closed.copy()
        self.set_costs(self.times)

    def set_tolls(self, seconds: F32) -> None:
        """Set (L,) what entering a link is worth to drivers of `routes` beside its time."""
        self.tolls = seconds.astype(np.float32)

    def set_banned(self, turns: I32) -> None:
        """Let these turns, and no others, cost infinitely much."""
        self._banned = turns.copy()
        self._apply_turns()

    def set_turn_delays(self, seconds: F32) -> None:
        """Set (T,) seconds that turns take beside their links and what they always take."""
        self._delay = seconds.astype(np.float32)
        self._apply_turns()

    def _apply_turns(self) -> None:
        cost = self._plain_turns + self._delay
        cost[self._banned] = np.inf
        self.graph.turn_cost[:] = cost
        self.graph.back_cost[:] = cost[self.graph.back_turn]
        ahead, back = self._arcs
        self._rows.ahead_real[:, 1] = self.graph.turn_cost[ahead]
        self._rows.back_real[:, 1] = self.graph.back_cost[back]
        self.version += 1

    @property
    def extra(self) -> F32:
        """(L,) the tolls, infinite where a link is closed."""
        return np.where(self.closed, np.float32(np.inf), self.tolls)

    def tree_to(self, link: int) -> tuple[F32, I32]:
        """Return (L,) seconds from the end of each link to the start of `link`, and (L,) turns.

        The second array holds the turn to take at the end of each link, -1 where none leads there.
        """
        tree = new_tree(self.graph)
        tree_towards(self.graph, self.costs, _one(link), _NONE, False, tree)
        return tree.label, tree.step

    def route(self, origin: int, destination: int) -> I32:
        """Return the links from `origin` to `destination`, both included; empty if there is no way.

        A route from a link to itself leads round and back to its start.
        """
        none = np.zeros(1, np.float32)
        return fastest_way(
            self._rows, self._max_speed, _one(origin), none, _one(destination), none, np.inf,
            NOTHING,
        )  # fmt: skip

    def routes(
        self,
        origins: ArrayLike,
        destinations: ArrayLike,
        *,
        areas: ArrayLike | None = None,
        turn: int = 0,
    ) -> tuple[I32, I32]:
        """Return fastest ways of N trips as compressed rows; an empty row where there is none.

        Parameters
        ----------
        origins, destinations
            (N,) links. A trip from a link to itself is that link.
        areas
            (N,) number of the area that holds the destination: trips to one area share a tree and
            may lose the time between two links of it. None: exact, a tree for every destination.
        turn
            Shifts which perception of link times each area's trips have.
        """
        origin = np.asarray(origins, np.int32)
        destination = np.asarray(destinations, np.int32)
        n = len(origin)
        if n == 0:
            return np.zeros(1, np.int32), _NONE
        area = destination if areas is None else np.asarray(areas, np.int32)
        order = np.lexsort((origin, destination, area)).astype(np.int32)
        first = np.flatnonzero(np.diff(area[order], prepend=area[order[0]] - 1))
        area_ptr = np.append(first, n).astype(np.int32)
        costs = self.costs[None, :] if self._perceived is None else self.costs * self._perceived
        if self.tolls.any():
            costs = costs + self.tolls
        row = ((area[order[first]].astype(np.int64) + turn) % len(costs)).astype(np.int32)
        parts = self._in_chunks(costs, row, area_ptr, origin[order], destination[order])
        length = np.concatenate([part[0] for part in parts])
        rows_in = np.concatenate([part[1] for part in parts])
        ptr = np.zeros(n + 1, np.int32)
        lengths = np.empty(n, np.int32)
        lengths[order] = length
        np.cumsum(lengths, out=ptr[1:])
        rows = np.empty(len(rows_in), np.int32)
        ptr_in = np.zeros(n + 1, np.int32)
        np.cumsum(length, out=ptr_in[1:])
        scatter_rows(ptr_in, rows_in, order, ptr, rows)
        return ptr, rows

    def _in_chunks(
        self, costs: F32, row: I32, area_ptr: I32, origin: I32, destination: I32
    ) -> list[tuple[I32, I32]]:
        n_areas = len(area_ptr) - 1

        def work(begin: int, end: int) -> tuple[I32, I32]:
            far, near = new_tree(self.graph), new_tree(self.graph)
            return routes_of_areas(
                self.graph, costs, row, area_ptr, origin, destination, begin, end, far, near
            )

        if self._threads == 1:
            return [work(0, n_areas)]
        edges = np.linspace(0, n_areas, self._threads * _CHUNKS_PER_THREAD + 1).astype(int)
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(work, edges[:-1], edges[1:]))

    def times_of(self, ptr: I32, links: I32) -> F32:
        """Return (N,) seconds from the end of the first to the start of the last link of routes."""
        out = np.empty(len(ptr) - 1, np.float32)
        route_times(self.graph, self.costs, ptr, links, out)
        return out

    def worth_of(self, ptr: I32, links: I32) -> F32:
        """Return what `times_of` does, with what tolls are worth to drivers on top."""
        out = np.empty(len(ptr) - 1, np.float32)
        route_times(self.graph, self.costs + self.tolls, ptr, links, out)
        return out

    def turns_of(self, route: I32) -> F64:
        """Return (R - 1,) seconds that the turns of one route take beside its links."""
        out = np.empty(len(route) - 1)
        ptr, to = self.graph.turn_ptr, self.graph.turn_to
        for i, (here, there) in enumerate(itertools.pairwise(route.tolist())):
            t = ptr[here] + int(np.flatnonzero(to[ptr[here] : ptr[here + 1]] == there)[0])
            out[i] = self.graph.turn_cost[t]
        return out

    @property
    def max_speed(self) -> float:
        """Speed in m/s as the crow flies that no link exceeds."""
        return float(self._max_speed)

    def through_closed(self, ptr: I32, links: I32) -> NDArray[np.bool_]:
        """Return (N,) whether a route has yet to enter a closed link."""
        out = np.empty(len(ptr) - 1, np.uint8)
        holds_any(ptr, links, self.closed.view(np.uint8), out)
        return out.view(np.bool_)

    def seconds_of(self, links: I32, begin_m: float, end_m: float) -> float:
        """Return the seconds of a drive along links, from metres on the first to on the last."""
        pace = self.times[links] / self.network.link_length[links]
        if len(links) == 1:
            return float(max(end_m - begin_m, 0.0) * pace[0])
        rest = float((self.network.link_length[links[0]] - begin_m) * pace[0])
        between = self.times_of(np.array([0, len(links)], np.int32), links)[0]
        return rest + float(between) + end_m * float(pace[-1])


_NONE = np.empty(0, np.int32)


def _one(link: int) -> I32:
    return np.array([link], np.int32)


def _in_large_pages(rows: Rows) -> Rows:
    """Return rows in few pages of memory, which searches look up all over the city."""
    whole, back, ahead, xy, row_of, link_of, heap, touched = side_by_side(
        rows.whole, rows.back, rows.ahead, rows.xy, rows.row_of, rows.link_of, rows.heap,
        rows.touched,
    )  # fmt: skip
    return Rows(
        whole, whole.view(np.float32), back, back.view(np.float32), ahead, ahead.view(np.float32),
        xy, row_of, link_of, heap, touched,
    )  # fmt: skip
