"""Equilibria of simulated traffic: equal ways, a longer one, one that fills up, none at all."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.cities import two_zone_city
from tests.support.roads import Link, Turn, make_network
from twin.network.graph import Network
from twin.scenarios.spec import Scenario
from twin.traffic.assignment_files import Assignment
from twin.traffic.assignment_runs import assign

pytestmark = pytest.mark.verify


def fork(second_m: float = 1000.0) -> Network:
    """Return a road that forks into two ways and becomes one again.

    Each way has a link of two lanes and then one of one lane, so that it queues by itself.
    """
    links = [
        Link(0, 1, 400.0, 4),
        Link(1, 2, 1000.0, 2),
        Link(1, 3, second_m, 2),
        Link(2, 4, 1000.0, 1),
        Link(3, 4, second_m, 1),
        Link(4, 5, 400.0, 2),
    ]
    turns = [
        Turn(0, 1, hi=1),
        Turn(0, 2, lo=2, hi=3),
        Turn(1, 3, hi=1),
        Turn(2, 4, hi=1),
        Turn(3, 5),
        Turn(4, 5),
    ]
    return make_network(links, turns)


def learned(network: Network, per_hour: float, fidelity: str, **how: float) -> Assignment:
    """Return the assignment of 25 minutes of a steady demand from the first to the last link."""
    city = two_zone_city(network, 0, 5, per_hour)
    scenario = Scenario(
        name="t",
        city="two-zones",
        period={"start": "08:00", "end": "08:25", "warm_up_min": 0.0},
        traffic={"fidelity": fidelity},
    )
    return assign(city, scenario, **how)


def volumes(found: Assignment) -> tuple[int, int]:
    """Return the trips on the first and on the second way."""
    return int((found.route_link == 1).sum()), int((found.route_link == 2).sum())


@pytest.mark.parametrize("fidelity", ["micro", "meso"])
def test_equal_ways_share_the_trips(fidelity: str) -> None:
    # Case A10: the same volume on both; drivers err by 10%, so the split is binomial.
    found = learned(fork(), 1440.0, fidelity, iterations=10, gap=0.0, span_s=300.0)
    first, second = volumes(found)
    assert first + second == len(found.trips)
    assert abs(first - second) < 0.1 * len(found.trips)
    seconds = found.seconds[1]
    assert seconds[1] + seconds[3] == pytest.approx(seconds[2] + seconds[4], rel=0.05)
    assert found.iterations[-1].gap < 0.01


@pytest.mark.parametrize("fidelity", ["micro", "meso"])
def test_a_way_twice_as_long_stays_empty(fidelity: str) -> None:
    # Case A11: everybody on the short one, up to 100 of 1,200 trips.
    found = learned(fork(2000.0), 1200.0, fidelity, iterations=5, gap=0.0, span_s=300.0)
    first, second = volumes(found)
    assert second <= 0.08 * len(found.trips)
    assert first + second == len(found.trips)


def test_a_shorter_way_that_is_full_shares_with_a_longer_one_until_times_are_alike() -> None:
    # 2,600 veh/h are more than one lane carries, so the way of 100 s cannot have them all.
    found = learned(fork(1150.0), 2600.0, "meso", iterations=25, gap=0.0, span_s=300.0, spread=0.0)
    first, second = volumes(found)
    assert first > second > 0.2 * len(found.trips)
    gaps = [iteration.gap for iteration in found.iterations]
    assert gaps[-1] < 0.05
    assert gaps[-1] < 0.5 * gaps[0]
    late = found.seconds[3]
    assert late[1] + late[3] == pytest.approx(late[2] + late[4], rel=0.15)


def test_trips_without_a_way_are_counted_and_none_arrives() -> None:
    # Case A14: an origin and a goal that no road joins.
    network = make_network([Link(0, 1, 400.0), Link(1, 2, 400.0), Link(3, 4, 400.0)], [Turn(0, 1)])
    city = two_zone_city(network, 0, 2, 50.0)
    scenario = Scenario(name="t", city="x", period={"start": "08:00", "end": "08:25"})
    found = assign(city, scenario, iterations=3, gap=0.0)
    last = found.iterations[-1]
    assert last.lost == len(found.trips) > 10
    assert (last.finished, last.running, last.waiting, last.removed) == (0, 0, 0, 0)
    assert last.gap == 0.0
    assert len(found.route_link) == 0
    assert len(found.iterations) == 1


def test_the_same_seed_learns_the_same_routes_on_any_threads() -> None:
    city = two_zone_city(fork(1100.0), 0, 5, 1800.0)

    def run(threads: int, seed: int) -> Assignment:
        scenario = Scenario(
            name="t",
            city="x",
            seed=seed,
            period={"start": "08:00", "end": "08:10", "warm_up_min": 0.0},
            traffic={"threads": threads},
        )
        return assign(city, scenario, iterations=4, gap=0.0, span_s=120.0)

    one, two, other = run(1, 1), run(2, 1), run(1, 2)
    assert np.array_equal(one.route_link, two.route_link)
    assert np.array_equal(one.seconds, two.seconds)
    assert not np.array_equal(one.trips, other.trips)
