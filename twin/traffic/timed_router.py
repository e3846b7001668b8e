"""Fastest ways at link times by time of day, as every driver perceives them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from twin.network.graph import F32, F64, I32, I64, Network
from twin.traffic.kernels.routing import RoadGraph
from twin.traffic.kernels.timed import Perception, Timed, fastest_of_trips, times_of_trips
from twin.traffic.road_graph import MIN_COST_S, new_tree, road_graph

MOST_SPREAD = 0.25
"""Largest standard deviation of an error of perception: factors stay above an eighth."""
_LARGEST_ERROR = 2.0 * np.sqrt(3.0)
_TRIPS_PER_PART = 512


class TimedRouter:
    """Searches, one for each trip, at the times that hold when the driver gets there.

    Parameters
    ----------
    network
        The streets.
    seconds
        (S, L) time of every link at the middle of each slice.
    begin_s, span_s
        Begin of the first slice and length of each, seconds.
    key, spread
        Of the drivers' errors of perception: a driver takes a link to need `1 + spread z` times its
        true time, z of mean 0 and variance 1, the same at every search. 0: everybody knows.
    graph
        The turns; those of another router to share them with it, bans and all.
    threads
        Threads of `routes`; the result does not depend on it.
    """

    def __init__(
        self,
        network: Network,
        seconds: F32,
        begin_s: float,
        span_s: float,
        *,
        key: np.uint64,
        spread: float = 0.0,
        graph: RoadGraph | None = None,
        threads: int = 1,
    ) -> None:
        self.graph = road_graph(network) if graph is None else graph
        least = np.maximum(seconds, np.float32(MIN_COST_S)).astype(np.float32)
        none = np.zeros(network.n_links, np.float32)
        self._timed = Timed(least, begin_s, span_s, none)
        self._perception = Perception(np.uint64(key), float(spread))
        self._x = network.node_x[network.link_from].astype(np.float32)
        self._y = network.node_y[network.link_from].astype(np.float32)
        straight = np.hypot(
            network.node_x[network.link_to] - network.node_x[network.link_from],
            network.node_y[network.link_to] - network.node_y[network.link_from],
        )
        fastest = (straight / least.min(axis=0)).max(initial=0.1)
        self._max_speed = np.float32(fastest / (1.0 - _LARGEST_ERROR * spread))
        self._threads = threads

    def set_extra(self, seconds: F32) -> None:
        """Set (L,) what entering a link is worth beside its time (tolls); infinite: closed."""
        self._timed = self._timed._replace(extra=seconds.astype(np.float32))

    def routes(self, number: I64, origin: I32, destination: I32, depart_s: F64) -> tuple[I32, I32]:
        """Return the ways of N trips as compressed rows; an empty row where there is none."""
        edges = np.arange(0, len(number) + _TRIPS_PER_PART, _TRIPS_PER_PART)

        def work(begin: int) -> tuple[I32, I32]:
            part = slice(begin, begin + _TRIPS_PER_PART)
            tree = new_tree(self.graph)
            with np.errstate(over="ignore"):  # hashes wrap; this is for the plain-Python form
                return fastest_of_trips(
                    self.graph, self._timed, self._perception, self._x, self._y, self._max_speed,
                    number[part], origin[part], destination[part], depart_s[part], tree,
                    np.empty_like(tree.label),
                )  # fmt: skip

        if self._threads == 1:
            parts = [work(int(begin)) for begin in edges[:-1]]
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                parts = list(pool.map(work, edges[:-1].tolist()))
        ptr = np.zeros(len(number) + 1, np.int32)
        if parts:
            np.cumsum(np.concatenate([length for length, _ in parts]), out=ptr[1:])
        links = [links for _, links in parts]
        return ptr, np.concatenate(links) if links else np.empty(0, np.int32)

    def costs(self, number: I64, depart_s: F64, ptr: I32, links: I32) -> tuple[F64, F64]:
        """Return (N,) seconds of routes, and seconds' worth of them to their drivers.

        Both hold the first and the last link in full; the second is infinite where a link or a
        turn is barred.
        """
        seconds, perceived = np.empty(len(number)), np.empty(len(number))
        with np.errstate(over="ignore"):
            times_of_trips(
                self.graph, self._timed, self._perception, number, depart_s, ptr, links,
                seconds, perceived,
            )  # fmt: skip
        return seconds, perceived
