"""Searches at 60,000 links beside SciPy's: `python -m benchmarks.routing`.

CPU seconds of this process, so that other load on the machine counts little. SciPy searches the
same graph (a vertex for every link, an arc for every turn that carries the time of the link it
enters) from the same roots and keeps the predecessors, as our trees do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from twin.core.random import Streams
from twin.network.generate import grid
from twin.network.graph import Network, Place
from twin.traffic.router import Router

SIDE = 123
ROUNDS = 3
TREES = 20
UNITS = 150
TRIPS = 40_000
ZONES_A_SIDE = 20
LINKS_A_ZONE = 6


class Times(NamedTuple):
    """Least CPU seconds over the rounds, and wall-clock seconds of that round."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Figures:
    """What was measured; milliseconds for one search, seconds for the slice of trips."""

    links: int
    turns: int
    tree_ms: float
    scipy_tree_ms: float
    nearest_unit_ms: float
    astar_ms: float
    slice_s: Times
    slice_two_threads_s: Times
    links_a_trip: float
    worst_error: float


def least(work: Callable[[], object]) -> Times:
    """Run `work` a few times and return the least time."""
    rounds = []
    for _ in range(ROUNDS):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        rounds.append(Times(time.process_time() - cpu, time.perf_counter() - wall))
    return min(rounds)


def as_matrix(router: Router) -> csr_matrix:
    """Return the reversed search graph for SciPy."""
    graph, n = router.graph, router.network.n_links
    weight = graph.turn_cost + router.costs[graph.turn_to]
    return csr_matrix((weight.astype(np.float64), (graph.turn_to, graph.turn_from)), shape=(n, n))


def city_trips(network: Network, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return links of origins and destinations and the zone of the latter, for one slice."""
    x, y = network.node_x[network.link_to], network.node_y[network.link_to]
    side = (np.ptp(x) + 1.0) / ZONES_A_SIDE
    zone = (((y - y.min()) // side) * ZONES_A_SIDE + (x - x.min()) // side).astype(np.int32)
    ends = np.concatenate(
        [rng.choice(np.flatnonzero(zone == z), LINKS_A_ZONE) for z in range(ZONES_A_SIDE**2)]
    )
    goal = rng.choice(ends, TRIPS)
    return rng.integers(0, network.n_links, TRIPS), goal, zone[goal]


def measure() -> Figures:
    """Run every case once for compilation, then for time."""
    rng = np.random.default_rng(1)
    network = grid(SIDE, SIDE, 150.0)
    router = Router(network, streams=Streams(1))
    router.set_costs((network.free_flow_s * rng.uniform(1, 3, network.n_links)).astype(np.float32))
    roots = rng.integers(0, network.n_links, TREES)
    router.tree_to(int(roots[0]))
    tree = least(lambda: [router.tree_to(int(k)) for k in roots])
    matrix = as_matrix(router)
    truth = least(lambda: dijkstra(matrix, indices=roots, return_predecessors=True))

    label, _ = router.tree_to(int(roots[0]))
    exact = dijkstra(matrix, indices=int(roots[0]))
    # SciPy's includes the time of the root itself, which the way there enters last.
    exact -= router.costs[roots[0]]
    others = np.arange(network.n_links) != roots[0]
    worst = np.abs(label[others] - exact[others]).max() / exact[others].max()

    units = [Place(int(k), 10.0) for k in rng.integers(0, network.n_links, UNITS)]
    goals = [Place(int(k), 10.0) for k in roots]
    router.etas(units, goals[0])
    nearest = least(lambda: [int(np.argmin(router.etas(units, goal))) for goal in goals])
    router.route(0, 1)
    pairs = rng.integers(0, network.n_links, (200, 2)).tolist()
    astar = least(lambda: [router.route(a, b) for a, b in pairs])

    origin, goal, zone = city_trips(network, rng)
    router.routes(origin[:9], goal[:9], areas=zone[:9])
    one = least(lambda: router.routes(origin, goal, areas=zone))
    ptr, _ = router.routes(origin, goal, areas=zone)
    both = Router(network, threads=2, graph=router.graph, streams=Streams(1))
    both.set_costs(router.times)
    two = least(lambda: both.routes(origin, goal, areas=zone))
    return Figures(
        network.n_links,
        network.n_turns,
        1e3 * tree.cpu / TREES,
        1e3 * truth.cpu / TREES,
        1e3 * nearest.cpu / TREES,
        1e3 * astar.cpu / len(pairs),
        one,
        two,
        float(np.diff(ptr).mean()),
        float(worst),
    )


def main() -> None:
    """Print the figures."""
    f = measure()
    print(f"routing on {f.links:,} links, {f.turns:,} turns (CPU time, least of {ROUNDS} rounds)")
    print(f"  full tree                {f.tree_ms:8.2f} ms = {1e3 / f.tree_ms:,.0f} trees/s")
    print(f"  the same by SciPy        {f.scipy_tree_ms:8.2f} ms = {1e3 / f.scipy_tree_ms:,.0f}")
    print(f"  nearest of {UNITS} units     {f.nearest_unit_ms:8.2f} ms a decision")
    print(f"  one route by A*          {f.astar_ms:8.2f} ms")
    print(
        f"  {TRIPS:,} trips of a slice {f.slice_s.cpu:7.2f} s on one thread"
        f" ({f.links_a_trip:.0f} links each), {f.slice_two_threads_s.wall:.2f} s of wall on two"
    )
    print(f"  largest difference from SciPy, relative to the longest way: {f.worst_error:.1e}")


if __name__ == "__main__":
    main()
