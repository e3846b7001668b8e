"""What share of the others' delay a unit under siren suffers: `python -m benchmarks siren_share`.

Units drive random ways over a grid with signals among ordinary traffic, lane by lane. When one sets
out, the times of the links and turns on its way say what the others lose there; the share is what
its drive takes beyond the free-flow time at its own speed, over that (least squares over drives).
`twin.traffic.costs.SIREN_DELAY_SHARE` is what queues and estimates of arrival use.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from benchmarks.grid_demand import grid_trips
from twin.network.generate import grid
from twin.network.graph import F64, Network, Place
from twin.traffic.costs import SIREN_DELAY_SHARE
from twin.traffic.micro import MicroTraffic
from twin.traffic.router import Router

SIDE, BLOCK_M, SPEED_MPS = 10, 250.0, 13.89
CASES = ((1, (2_500, 5_000, 7_000)), (2, (4_000, 8_000, 12_000)), (3, (6_000, 12_000, 18_000)))
"""Lanes, and trips within `HORIZON_S`: light, busy, crowded."""
HORIZON_S = 2_400.0
SEEDS = (1, 2)
SIREN_SPEED = 1.3
BEGIN_S, LAST_S, END_S, EVERY_S = 900, 2_200, 2_700, 100
PER_START = 2
LEAST_LINKS = 6


def drives(network: Network, trips: int, seed: int) -> F64:
    """Return a row for each drive: free-flow seconds, the others' delay on it, seconds taken."""
    traffic = MicroTraffic(network, seed=np.uint64(seed))
    traffic.add_trips(grid_trips(network, SIDE, trips, HORIZON_S, seed=seed))
    rng = np.random.default_rng(seed)
    router = Router(network)
    free = network.free_flow_s.astype(np.float64)
    ends = zip(network.turn_from.tolist(), network.turn_to.tolist(), strict=True)
    turn_of = {pair: turn for turn, pair in enumerate(ends)}
    begun: list[tuple[float, float, float]] = []
    rows = []
    traffic.advance(BEGIN_S)
    while traffic.tick < END_S:
        late = np.maximum(traffic.link_travel_time() - free, 0.0)
        turning = traffic.turn_delay().astype(np.float64)
        for _ in range(PER_START if traffic.tick < LAST_S else 0):
            way = np.zeros(0, np.int32)
            while len(way) < LEAST_LINKS:
                origin, goal = rng.integers(network.n_links, size=2)
                way = router.routes([origin], [goal])[1]
            links = way.tolist()
            turns = [turn_of[pair] for pair in pairwise(links)]
            delay = late[way[1:]].sum() + turning[turns].sum()
            start = Place(links[0], float(network.link_length[links[0]]) - 5.0)
            end_m = float(network.link_length[links[-1]]) - 1.0
            traffic.insert_unit(len(begun), start, way, end_m, speed_factor=SIREN_SPEED, siren=True)
            begun.append((float(free[way[1:]].sum()), float(delay), float(traffic.tick)))
        traffic.advance(EVERY_S)
        for unit, at in traffic.arrivals():
            seconds, delay, start_s = begun[unit]
            rows.append((seconds, delay, at - start_s))
    return np.array(rows)


def share(rows: F64) -> float:
    """Return the share that fits drives best."""
    free, delay, took = rows.T
    return float(((took - free / SIREN_SPEED) * delay).sum() / (delay * delay).sum())


def main() -> None:
    """Print the share of every case, and how far the share in use is off."""
    every = []
    print("lanes  trips  drives  free s  delay s  taken s  share  estimate by the share in use")
    for lanes, demands in CASES:
        network = grid(SIDE, SIDE, BLOCK_M, lanes, SPEED_MPS)
        for trips in demands:
            rows = np.concatenate([drives(network, trips, seed) for seed in SEEDS])
            free, delay, took = rows.mean(axis=0)
            off = (free / SIREN_SPEED + SIREN_DELAY_SHARE * delay) / took - 1.0
            print(
                f"{lanes:5} {trips:6,} {len(rows):7} {free:7.0f} {delay:8.0f} {took:8.0f} "
                f"{share(rows):6.2f}  {100 * off:+.0f}%",
                flush=True,
            )
            every.append(rows)
    print(f"all: {share(np.concatenate(every)):.2f}; in use: {SIREN_DELAY_SHARE}")


if __name__ == "__main__":
    main()
