"""CPU time per vehicle and tick as cities grow: `python -m benchmarks.cost_by_load`.

Grids of the same density with 10,000 to 300,000 vehicles on the road, one thread. The same ticks of
each city are run many times over from a checkpoint, the cities in turns, and of each the cheapest
counts: what others take of caches and memory meanwhile only adds to it, and least to a city that
fills neither. The median is printed beside it.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.grid_demand import grid_trips
from twin.network.generate import grid
from twin.traffic.micro import MicroTraffic

SIDES = (16, 28, 50, 83)
"""So that a trip for every 42 m of lane makes some 10,500, 33,000, 107,000 and 305,000 vehicles."""
SPACING_M, LANES, SPEED = 300.0, 2, 13.89
TRIPS_PER_LINK = 11.2
FILL_S, SETTLE_S, STRETCH_S, ROUNDS = 150, 2, 10, 40


def main() -> None:
    """Print the nanoseconds of each size and how they compare with the first."""
    cities = [filled(side) for side in SIDES]
    states = [city.checkpoint() for city in cities]
    costs: list[list[float]] = [[] for _ in SIDES]
    for _ in range(ROUNDS):
        for city, state, spent in zip(cities, states, costs, strict=True):
            city.restore(state)
            city.advance(SETTLE_S)
            before, cpu = city.counters.updates, time.process_time()
            city.advance(STRETCH_S)
            cpu = time.process_time() - cpu
            spent.append(1e9 * cpu / (city.counters.updates - before))
    first = min(costs[0])
    for side, city, spent in zip(SIDES, cities, costs, strict=True):
        print(
            f"cost by load: {side}x{side}, {city.counters.running:,} vehicles on the road: "
            f"{min(spent):.1f} ns of CPU a vehicle and tick (median {np.median(spent):.1f}), "
            f"{min(spent) / first:.2f} times the first"
        )


def filled(side: int) -> MicroTraffic:
    """Return a grid of `side` by `side` junctions with its vehicles on the road."""
    network = grid(side, side, SPACING_M, LANES, SPEED)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(grid_trips(network, side, round(TRIPS_PER_LINK * network.n_links), 100.0))
    traffic.advance(FILL_S)
    return traffic


if __name__ == "__main__":
    main()
