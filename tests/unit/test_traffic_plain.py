"""The kernels' plain-Python form, run by `NUMBA_DISABLE_JIT=1 pytest -m pyfunc`."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import random_trips
from tests.support.traffic_checks import check_now
from twin.network.generate import grid
from twin.network.graph import Place
from twin.traffic.micro import MicroTraffic


def small_run() -> MicroTraffic:
    """Return traffic that has met every kernel: signals, gaps, changes, units, blocks, detours."""
    network = grid(3, 3, 80.0, 2, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(4))
    trips = random_trips(network, 60, 20.0, 2, most_links=6)
    traffic.add_trips(trips)
    path = trips.route_link[trips.route_ptr[0] : trips.route_ptr[1]]
    traffic.insert_unit(0, Place(int(path[0]), 30.0), path, 79.0, speed_factor=1.3, siren=True)
    token = traffic.block(Place(int(path[-1]), 50.0), 1)
    for tick in range(45):
        if tick == 25:
            traffic.unblock(token)
            traffic.close_lanes(int(path[-1]))
        traffic.advance(1)
        check_now(traffic)
    return traffic


@pytest.mark.pyfunc
def test_small_run_in_plain_python():
    traffic = small_run()
    count = traffic.counters
    assert count.inserted == 60
    assert count.updates > 1000
    # Counts of the compiled run; `test_traffic_bits` compares every bit of both.
    assert (count.finished, count.removed, count.lane_changes) == (25, 0, 17)
