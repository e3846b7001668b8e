"""A place on a two-way street is reached from either side, and left on either."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.cities import grid_city
from tests.support.roads import Link, Turn, make_network
from tests.unit.test_nearest import noisy, places
from twin.city.model import City
from twin.core.random import Streams
from twin.network.generate import grid
from twin.network.graph import Network, Place, RoadClass
from twin.network.sides import MOST_LANES, across
from twin.scenarios.spec import Scenario
from twin.traffic.meso_mobility import MesoMobility
from twin.traffic.micro_mobility import MicroMobility
from twin.traffic.mobility import Mobility
from twin.traffic.table import TableMobility
from twin.traffic.unit_router import UnitRouter

NIGHT = 3 * 3600.0


def block() -> Network:
    """Return a two-way street of 200 m between nodes 0 and 1, and a one-way way round it.

    Links 0 and 1 are the street forth and back; 2 and 3 lead from its far end to its near one.
    """
    links = [Link(0, 1, 200.0), Link(1, 0, 200.0), Link(1, 2, 300.0), Link(2, 0, 300.0)]
    ways = [(0, 2), (2, 3), (3, 0), (1, 0)]
    network = make_network(links, [Turn(a, b) for a, b in sorted(ways)])
    drawn = network.geom_x.copy()
    drawn[:4] = 0.0, 200.0, 200.0, 0.0
    return replace(network, geom_x=drawn)


def one_sided(network: Network) -> UnitRouter:
    router = UnitRouter(network)
    router.across = np.full(network.n_links, -1, np.int32)
    return router


def test_what_lies_across():
    network = block()
    assert across(network).tolist() == [1, 0, -1, -1]
    for kind, found in ((RoadClass.TRUNK, -1), (RoadClass.PRIMARY, 1)):
        classes = network.link_class.copy()
        classes[:2] = kind
        assert across(replace(network, link_class=classes))[0] == found
    lanes = network.link_lanes.copy()
    lanes[1] = MOST_LANES + 1
    assert (across(replace(network, link_lanes=lanes)) == -1).all()
    lengths = network.link_length.copy()
    lengths[1] += 0.5
    assert (across(replace(network, link_length=lengths)) == -1).all()


def test_two_carriageways_between_the_same_junctions_are_no_street():
    network = block()
    x, y = np.insert(network.geom_x, 3, 100.0), np.insert(network.geom_y, 3, 6.0)
    ptr = np.array([0, 2, 5, 7, 9], np.int32)
    assert (across(replace(network, geom_ptr=ptr, geom_x=x, geom_y=y)) == -1).all()


def test_who_stands_drives_straight_to_a_call_on_either_side():
    network = block()
    router, before = UnitRouter(network), one_sided(network)
    pace = float(router.times[0]) / 200.0
    at_station, behind = Place(0, 150.0), Place(0, 50.0)
    over = Place(1, 150.0)  # the same spot as `behind`, on the other side
    for goal in (behind, over):
        assert router.etas([at_station], goal) == pytest.approx([100.0 * pace], abs=0.05)
        assert router.travel_times(at_station, [goal]) == pytest.approx([100.0 * pace], abs=0.05)
        way = router.way(at_station, goal)
        assert way.links.tolist() == [1]
        assert (way.begin_m, way.end_m, way.stop) == (50.0, pytest.approx(150.0), goal)
    round_the_block = float(router.times[[2, 3]].sum()) + 100.0 * pace
    assert before.etas([at_station], behind) == pytest.approx([round_the_block], abs=0.05)


def test_who_is_on_the_move_keeps_its_side():
    network = block()
    router = UnitRouter(network)
    pace = float(router.times[0]) / 200.0
    here, behind = Place(0, 150.0), Place(0, 50.0)
    round_the_block = float(router.times[[2, 3]].sum()) + 100.0 * pace
    moving = np.array([True, False])
    etas = router.etas([here, here], behind, moving=moving)
    assert etas == pytest.approx([round_the_block, 100.0 * pace], abs=0.05)
    assert router.travel_times(here, [behind], moving=True) == pytest.approx(
        [round_the_block], abs=0.05
    )
    assert router.way(here, behind, moving=True).links.tolist() == [0, 2, 3, 0]


def test_nobody_sets_out_on_a_closed_side():
    network = block()
    router = UnitRouter(network)
    closed = np.array([False, True, False, False])
    router.set_closed(closed)
    here, behind = Place(0, 150.0), Place(0, 50.0)
    assert router.way(here, behind).links.tolist() == [0, 2, 3, 0]
    assert router.etas([here], behind)[0] > 30.0
    # Whoever stands on the closed side may leave on the open one, or as it stands.
    assert router.way(Place(1, 50.0), behind).links.tolist() == [1]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_two_sides_are_never_slower_and_every_search_says_the_same(seed):
    network = grid(4, 5, 200.0, 2, 10.0, signals=False)
    rng = np.random.default_rng(seed)
    router, before = noisy(network, seed), noisy(network, seed)
    before.across = np.full(network.n_links, -1, np.int32)
    some = rng.random(network.n_links) < 0.7
    router.across = np.where(some & some[router.across], router.across, -1).astype(np.int32)
    units, goals = places(network, rng, 9), places(network, rng, 4)
    for goal in goals:
        etas = router.etas(units, goal)
        assert (etas <= before.etas(units, goal) * (1 + 1e-6)).all()
        for unit, eta in zip(units, etas, strict=True):
            assert router.travel_times(unit, [goal])[0] == pytest.approx(eta, rel=1e-5, abs=0.04)
            links, begin_m, end_m, stop = router.way(unit, goal)
            if np.isinf(eta):
                assert not len(links)
                continue
            assert router.seconds_of(links, begin_m, end_m) == pytest.approx(
                eta, rel=1e-5, abs=0.04
            )
            assert stop in {unit, goal}


@pytest.fixture(scope="module")
def city() -> City:
    return grid_city(network=grid(4, 4, 200.0, 1, 10.0, signals=False), trips_per_day=1.0)


def streets(city: City, fidelity: str) -> tuple[simpy.Environment, Mobility]:
    period = {"start": "03:00", "end": "04:00", "warm_up_min": 0.0}
    env = simpy.Environment(initial_time=NIGHT)
    scenario = Scenario(name="t", city="grid", period=period, traffic={"fidelity": fidelity})
    if fidelity == "table":
        return env, TableMobility(env, city, scenario)
    kind = {"micro": MicroMobility, "meso": MesoMobility}[fidelity]
    return env, kind(env, city, scenario, Streams(1))


@pytest.mark.parametrize("fidelity", ["table", "micro", "meso"])
def test_units_of_every_fidelity_set_out_and_arrive_on_either_side(city, fidelity):
    env, mobility = streets(city, fidelity)
    unit = mobility.add_unit("A1", "ambulance", Place(0, 170.0))
    took = []
    # Behind it, then beyond the crossing that it came from, on the wrong side.
    for goal in (Place(0, 70.0), Place(int(across(city.network)[0]), 20.0)):
        start = env.now
        (eta,) = mobility.etas([unit], goal, siren=True)
        event = mobility.drive(unit, goal, siren=True)
        assert not mobility.moving(unit) or not event.triggered
        while not event.triggered:
            until = env.now + mobility.tick_s
            env.run(until=until if fidelity != "table" else event)
            mobility.move(env.now)
            mobility.arrive()
        took.append(event.value - start)
        assert took[-1] == pytest.approx(eta, abs=5.0)
        assert mobility.place_of(unit) == (goal.link, pytest.approx(goal.pos_m))
        assert not mobility.moving(unit)
    assert max(took) < 20.0
