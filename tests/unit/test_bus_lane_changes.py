"""Bus lanes of a city and of a scenario: which lanes, from when to when, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from tests.support.cities import two_zone_city
from tests.support.roads import road
from tests.support.transit import streets
from twin.city.columns import network_columns, network_of
from twin.core.errors import InputError
from twin.scenarios.changes import check
from twin.scenarios.roads import bus_lanes
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel
from twin.traffic.micro import MicroTraffic


@pytest.fixture(scope="module")
def city():
    return two_zone_city(streets(), 20, 3, 60.0)


def scenario(*changes, **traffic) -> Scenario:
    return Scenario(
        name="t",
        city="two-zones",
        period={"start": "08:00", "end": "08:05", "warm_up_min": 0.0},
        calls={"source": "none"},
        traffic=traffic,
        changes=list(changes),
    )


def lane_of(city, place: int, **fields) -> dict[str, object]:
    return {"kind": "bus-lane", "links": [int(city.network.link_id[place])], **fields}


@pytest.mark.parametrize("fidelity", ["micro", "meso"])
def test_a_lane_is_kept_while_the_change_holds(city, fidelity):
    changes = lane_of(city, 4, lane="median", at="08:01", until="08:03"), lane_of(city, 6)
    chosen = scenario(*changes, fidelity=fidelity)
    model = CityModel(city, chosen)
    seen = []
    while model.running:
        model.step()
        if model.t % 60 == 30:
            assert model.traffic is not None
            seen.append(model.traffic.bus_lanes)
    held = {4: (1,), 6: (0,)}
    assert seen == [{6: (0,)}, held, held, {6: (0,)}, {6: (0,)}]


def test_lanes_of_a_city_stay_beside_those_of_changes(city):
    network = replace(
        city.network, bus_link=np.array([4, 8], np.int32), bus_lane=np.array([0, 1], np.int32)
    )
    changes = scenario(lane_of(city, 4, lane="median")).changes
    assert bus_lanes(changes, network) == {4: (0, 1), 8: (1,)}
    assert MicroTraffic(network, seed=np.uint64(1)).bus_lanes == {4: (0,), 8: (1,)}
    tables = network_columns(network)
    again = network_of({"lon0": 0.0, "lat0": 0.0}, tables)
    assert again.bus_link.tolist() == [4, 8]
    del tables["bus_lanes"]  # as earlier versions stored cities
    assert len(network_of({"lon0": 0.0, "lat0": 0.0}, tables).bus_link) == 0


def test_what_cannot_be_is_refused(city):
    with pytest.raises(InputError, match="no link 999") as caught:
        check(scenario({"kind": "bus-lane", "links": [999]}), city)
    assert caught.value.field == "changes.1.links"
    narrow = two_zone_city(road([300.0, 300.0]), 0, 1, 10.0)
    with pytest.raises(InputError, match="has one lane, which cars need"):
        check(scenario({"kind": "bus-lane", "links": [0]}), narrow)
    with pytest.raises(InputError, match="only in fidelity") as caught:
        check(scenario(lane_of(city, 4), fidelity="table"), city)
    assert caught.value.field == "changes.1.kind"
    for wrong in ({"kind": "bus-lane"}, {"kind": "bus-lane", "links": [1], "lane": "left"}):
        with pytest.raises(ValidationError):
            scenario(wrong)
