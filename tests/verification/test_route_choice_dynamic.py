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
from twin.traffic.meso import Parameters

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


SHORT_S, LONG_S, BRIDGE_S = 70.0, 220.0, 20.0
"""Times of Braess's roads at free flow: those that queue, those that do not, the new one."""


def braess(*, bridge: bool) -> Network:
    """Return two ways of a short road and a long one each, in opposite orders, and maybe a bridge.

    A short road has two lanes, in which its queue stands, and then one. The bridge leads from the
    end of the first short road to the start of the other.
    """
    v = 20.0
    links = [
        Link(0, 1, 400.0, 4),
        Link(1, 2, SHORT_S * v - 200.0, 2),
        Link(2, 3, 200.0, 1),
        Link(3, 5, LONG_S * v, 2),
        Link(1, 4, LONG_S * v, 2),
        Link(4, 6, SHORT_S * v - 200.0, 2),
        Link(6, 5, 200.0, 1),
        Link(5, 7, 400.0, 4),
        Link(3, 4, BRIDGE_S * v, 2),
    ]
    turns = [
        Turn(0, 1, hi=1),
        Turn(0, 4, lo=2, hi=3),
        Turn(1, 2, hi=1),
        Turn(2, 3),
        Turn(2, 8),
        Turn(3, 7, hi=1),
        Turn(4, 5, hi=1),
        Turn(5, 6, hi=1),
        Turn(6, 7),
        Turn(8, 5, hi=1),
    ]
    if not bridge:
        links, turns = links[:8], [t for t in turns if 8 not in (t.start, t.end)]
    return make_network(links, turns)


def learned(
    network: Network,
    per_hour: float,
    fidelity: str,
    *,
    goal: int = 5,
    until: str = "08:25",
    **how: float,
) -> Assignment:
    """Return the assignment of a steady demand from the first link to the goal."""
    city = two_zone_city(network, 0, goal, per_hour)
    scenario = Scenario(
        name="t",
        city="two-zones",
        period={"start": "08:00", "end": until, "warm_up_min": 0.0},
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


def test_braess_a_new_road_makes_everybody_later() -> None:
    """Braess 1968 with queues that stand at narrow places (point queues of Vickrey 1969).

    Without the bridge each way has half the trips and nobody queues. With it both narrow places
    are wanted by all, until at each the queue costs d = long - short - bridge and makes the long
    road as good: a trip then takes d more. A queue that c is let out of grows by (q - c) / c
    seconds a second; while the two grow, one after the other, what is gained while the first does
    is lost while the second does.
    """
    how = {"iterations": 30, "gap": 0.0, "span_s": 150.0, "spread": 0.0}
    per_hour, span_s = 2600.0, 3000.0
    without, with_it = (
        learned(braess(bridge=bridge), per_hour, "meso", goal=7, until="08:50", **how).iterations[
            -1
        ]
        for bridge in (False, True)
    )
    assert without.gap < 0.02
    later = LONG_S - SHORT_S - BRIDGE_S
    parameters = Parameters()
    let_out = 3600.0 / (parameters.tau_s + parameters.spacing_m * parameters.pace / 20.0)
    grows_s = 2.0 * later * let_out / (per_hour - let_out)
    known = without.mean_s + later * (1.0 - grows_s / span_s)
    assert known == pytest.approx(1.32 * without.mean_s, rel=0.02)
    # From day to day queues go on swinging (the gap stays near 0.12): the mean is within 10%.
    assert with_it.mean_s == pytest.approx(known, rel=0.1)
    assert with_it.mean_s > 1.15 * without.mean_s
    assert (without.lost, with_it.lost, with_it.removed) == (0, 0, 0)


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
