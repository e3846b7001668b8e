"""A unit on a street that is closed drives on along its way out of it."""

from __future__ import annotations

import numpy as np
import pytest
import simpy

from tests.support.cities import two_zone_city
from tests.support.roads import road
from twin.core.random import Streams
from twin.network.graph import Place
from twin.scenarios.spec import Scenario
from twin.traffic.meso_mobility import MesoMobility
from twin.traffic.micro_mobility import MicroMobility

EIGHT = 8 * 3600.0


@pytest.mark.parametrize("kind", [MicroMobility, MesoMobility])
def test_a_unit_leaves_a_bridge_that_closes_under_it(kind):
    fidelity = "micro" if kind is MicroMobility else "meso"
    scenario = Scenario(
        name="bridge",
        city="grid",
        period={"start": "08:00", "end": "10:00", "warm_up_min": 0.0},
        traffic={"fidelity": fidelity},
    )
    env = simpy.Environment(initial_time=EIGHT)
    city = two_zone_city(road([400.0] * 6), 0, 5, 400.0)
    mobility = kind(env, city, scenario, Streams(np.uint64(1)))

    def until(t: float) -> None:
        while env.now < t:
            env.run(until=env.now + 1.0)
            mobility.move(env.now)
            mobility.arrive()

    until(EIGHT + 60.0)
    unit = mobility.add_unit("A1", "ambulance", Place(0, 20.0))
    event = mobility.drive(unit, Place(5, 300.0), siren=True)
    while mobility.place_of(unit).link < 2:
        until(env.now + 1.0)
    mobility.close_links([2, 3, 4], None)
    until(env.now + 400.0)
    assert event.triggered
    assert event.ok
    assert mobility.place_of(unit).link == 5
