"""What a checkpoint of 100,000 vehicles costs: `python -m benchmarks.checkpoint`.

A grid is filled to about 100,000 vehicles on the road, in lanes and in queues; the state is copied
out and put into a fresh traffic, which must go on with the same bits.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from benchmarks.grid_demand import grid_trips
from twin.network.generate import grid
from twin.traffic.meso import MesoTraffic
from twin.traffic.micro import MicroTraffic

SIDE, SPACING_M, TRIPS, HORIZON_S = 50, 300.0, 110_000, 100.0
FILLED_S, ON_S, ROUNDS = 200, 20, 9


def main() -> None:
    """Print the median time and the size of checkpoints in lanes and in queues."""
    network = grid(SIDE, SIDE, SPACING_M, 2, 13.89)
    trips = grid_trips(network, SIDE, TRIPS, HORIZON_S)
    for kind, options in ((MicroTraffic, {"seed": np.uint64(1)}), (MesoTraffic, {})):
        traffic = kind(network, **options)
        traffic.add_trips(trips)
        traffic.advance(FILLED_S)
        saved, back = [], []
        parts = traffic.checkpoint()
        other = kind(network, **options)
        for _ in range(ROUNDS):
            start = time.perf_counter()
            parts = traffic.checkpoint()
            saved.append(time.perf_counter() - start)
            start = time.perf_counter()
            other.restore(parts)
            back.append(time.perf_counter() - start)
        for each in (traffic, other):
            each.advance(ON_S)
        same = np.array_equal(traffic.link_travel_time(), other.link_travel_time())
        size = sum(part.nbytes for part in parts.values()) / 1e6
        print(
            f"checkpoint, {kind.__name__}: {traffic.counters.running:,} vehicles on the road, "
            f"{size:.0f} MB: median {1e3 * statistics.median(saved):.0f} ms to save, "
            f"{1e3 * statistics.median(back):.0f} ms to restore, of {ROUNDS}; "
            f"goes on with the same bits: {same}"
        )


if __name__ == "__main__":
    main()
