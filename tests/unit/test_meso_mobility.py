"""`fidelity = "meso"`: the same agents and the same calls, on queues."""

from __future__ import annotations

import numpy as np
import pytest
import simpy

from tests.support.cities import grid_city
from twin.core.random import Streams
from twin.network.graph import Place
from twin.scenarios.spec import Scenario
from twin.traffic.meso import MesoTraffic
from twin.traffic.meso_mobility import MesoMobility

EIGHT = 8 * 3600.0


@pytest.fixture(scope="module")
def city():
    return grid_city(5, 5, trips_per_day=40_000.0)


def _run(city) -> tuple[simpy.Environment, MesoMobility]:
    period = {"start": "08:00", "end": "10:00", "warm_up_min": 0.0}
    traffic = {"fidelity": "meso", "reroute_every_s": 60.0}
    scenario = Scenario(name="t", city="grid", period=period, traffic=traffic)
    env = simpy.Environment(initial_time=EIGHT)
    return env, MesoMobility(env, city, scenario, Streams(1))


def _until(env: simpy.Environment, mobility: MesoMobility, t: float) -> None:
    while env.now < t:
        env.run(until=env.now + 1.0)
        mobility.move(env.now)
        mobility.arrive()


def test_trips_run_and_units_arrive_about_when_they_are_expected(city):
    env, mobility = _run(city)
    assert isinstance(mobility.traffic, MesoTraffic)
    _until(env, mobility, EIGHT + 300.0)
    count = mobility.traffic.counters
    assert count.running > 50
    assert count.inserted == count.finished + count.running + count.removed
    unit = mobility.add_unit("A1", "ambulance", Place(0, 20.0))
    goal = Place(city.network.n_links - 1, 150.0)
    (eta,) = mobility.etas([unit], goal, siren=True)
    event = mobility.drive(unit, goal, siren=True)
    start = env.now
    while not event.triggered:
        assert env.now < start + 900.0
        _until(env, mobility, env.now + 1.0)
    assert event.value - start == pytest.approx(eta, rel=0.35)
    assert mobility.place_of(unit) == goal


def test_who_was_to_use_a_closed_road_is_rerouted(city):
    env, mobility = _run(city)
    _until(env, mobility, EIGHT + 120.0)
    link = int(mobility.traffic.vehicles.link[0])
    mobility.close_links([link], None)
    _until(env, mobility, EIGHT + 200.0)
    # Only those whose goal it is have no other way.
    left = mobility.traffic.vehicles_with(link)
    table = mobility.traffic._state.vehicle
    assert (table["goal"][np.isin(table["id"], left) & (table["state"] > 0)] == link).all()
    token = mobility.block(Place(link, 50.0), 1)
    mobility.open_links([link])
    mobility.unblock(token)
    _until(env, mobility, EIGHT + 400.0)
    assert mobility.traffic.counters.strayed == 0
