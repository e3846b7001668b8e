"""CPU time per vehicle and tick as cities grow: `python -m benchmarks.cost_by_load`.

Grids of the same density with 10,000 to 300,000 vehicles on the road, one thread. Of several
stretches of time the cheapest counts: what others take of caches and memory meanwhile only adds to
it, and least to a city that fills neither. The dearest is printed beside it.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.grid_demand import grid_trips
from twin.network.generate import grid
from twin.traffic.micro import MicroTraffic

SIDES = (16, 28, 50, 86)
"""So that a trip for every 42 m of lane makes some 11,000, 33,000, 106,000 and 300,000 vehicles."""
SPACING_M, LANES, SPEED = 300.0, 2, 13.89
TRIPS_PER_LINK = 11.2
FILL_S, STRETCH_S, STRETCHES = 150, 10, 6


def main() -> None:
    """Print the nanoseconds of each size and how they compare with the first."""
    first = 0.0
    for side in SIDES:
        network = grid(side, side, SPACING_M, LANES, SPEED)
        trips = grid_trips(network, side, round(TRIPS_PER_LINK * network.n_links), 100.0)
        traffic = MicroTraffic(network, seed=np.uint64(1))
        traffic.add_trips(trips)
        traffic.advance(FILL_S)
        costs = []
        for _ in range(STRETCHES):
            before, cpu = traffic.counters.updates, time.process_time()
            traffic.advance(STRETCH_S)
            cpu = time.process_time() - cpu
            costs.append(1e9 * cpu / (traffic.counters.updates - before))
        cost = min(costs)
        first = first or cost
        print(
            f"cost by load: {side}x{side}, {traffic.counters.running:,} vehicles on the road: "
            f"{cost:.1f} ns of CPU a vehicle and tick (at worst {max(costs):.1f}), "
            f"{cost / first:.2f} times the first"
        )


if __name__ == "__main__":
    main()
