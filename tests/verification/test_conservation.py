"""Of any traffic: Little's law, no overlap in any city, an edit undone leaves no trace."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.random_roads import build
from tests.support.roads import random_trips
from tests.support.traffic_checks import check_now, digest
from twin.network.generate import grid
from twin.traffic.micro import MicroTraffic

pytestmark = pytest.mark.verify


@pytest.mark.parametrize("signals", [False, True])
def test_littles_law(signals):
    # L = lambda W (Little 1961) over a run that begins and ends empty, however full in between.
    network = grid(5, 5, 150.0, 2, 13.9, signals)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(random_trips(network, 1500, 900.0, 3))
    present = 0
    ticks = 0
    while traffic.counters.finished + traffic.counters.removed < 1500:
        traffic.advance(10)
        ticks += 10
        present += 10 * traffic.counters.running
        assert ticks < 10_000
    done = traffic.finished()
    in_system = float((done.t_arrive - done.t_depart).sum())
    assert traffic.link_stats().vehicle_seconds.sum() == pytest.approx(in_system, rel=0.005)
    mean_number, rate, mean_time = present / ticks, 1500 / ticks, in_system / 1500
    assert mean_number == pytest.approx(rate * mean_time, rel=0.01)


def test_a_grid_that_gridlocks_clears_and_nobody_is_removed():
    # Twice the load: left turns that fill one another's lanes slow all to 1 m/s, rings of full
    # lanes turn or their members go another way. Measured: the last arrives after 3,809 s.
    network = grid(5, 5, 200.0, 2, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(random_trips(network, 6000, 1800.0, 3))
    traffic.advance(5400)
    count = traffic.counters
    assert (count.finished, count.removed) == (6000, 0)
    assert 0 < count.strayed < 300


@pytest.mark.parametrize("first", range(0, 100, 20))
def test_nobody_overlaps_or_passes_red_in_a_hundred_random_cities(first):
    cities = 0
    for seed in range(first, first + 20):
        network = build(seed)
        if network is None:
            continue
        cities += 1
        traffic = MicroTraffic(network, seed=np.uint64(seed))
        traffic.add_trips(random_trips(network, 200, 60.0, seed))
        for _ in range(60):
            traffic.advance(5)
            check_now(traffic)
    assert cities >= 18


def test_a_road_closed_and_opened_before_anybody_comes_leaves_no_trace():
    network = grid(4, 4, 150.0, 2, 13.9, True)
    trips = random_trips(network, 400, 200.0, 5)
    used = np.zeros(network.n_links, np.bool_)
    used[trips.route_link] = True
    digests = []
    for edit in ("none", "undone", "kept"):
        traffic = MicroTraffic(network, seed=np.uint64(1))
        traffic.add_trips(trips)
        link = int(np.bincount(trips.route_link).argmax())
        if edit != "none":
            traffic.close_lanes(link)
        if edit == "undone":
            traffic.open_lanes(link)
        traffic.advance(300)
        digests.append(digest(traffic))
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]
