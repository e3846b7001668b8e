"""Who is within reach of whom, and what one unit more or less changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import DAY, plan, town
from tests.support.table_city import region
from twin.agents.deployment.cover import Cover, drive_seconds, make_cover
from twin.core.errors import InputError
from twin.demand.call_file import read_calls
from twin.demand.points import demand_points
from twin.network.graph import Place
from twin.simulation import CityModel

TOY = Cover(
    ["b0", "b1", "b2"],
    np.array([[60.0, 120.0, 900.0], [900.0, 300.0, 30.0], [480.0, 900.0, np.inf]]),
    np.array([5.0, 3.0, 2.0]),
    within_s=480.0,
    busy=0.3,
)
"""Base 0 reaches points 0 and 1; base 1 points 1 and 2; base 2 point 0, just."""


def test_the_gain_of_one_more_unit_by_hand() -> None:
    one_at_b0 = np.array([1, 0, 0])
    assert TOY.covering(one_at_b0).tolist() == [1, 1, 0]
    # (5 + 3) .7 .3 = 1.68; 3 .7 .3 + 2 .7 = 2.03; 5 .7 .3 = 1.05.
    assert TOY.gain(one_at_b0) == pytest.approx([1.68, 2.03, 1.05], rel=1e-12)
    assert TOY.gain(np.zeros(3, int)) == pytest.approx([5.6, 3.5, 3.5], rel=1e-12)


def test_the_loss_of_a_unit_is_the_gain_of_sending_it_back() -> None:
    counts = np.array([2, 1, 0])
    loss = TOY.loss(counts)
    for base in (0, 1):
        one_fewer = counts - np.eye(3, dtype=int)[base]
        assert loss[base] == pytest.approx(TOY.gain(one_fewer)[base], rel=1e-12)
        gone = TOY.expected(counts) - TOY.expected(one_fewer)
        assert loss[base] == pytest.approx(gone, rel=1e-12)
    assert loss[2] == np.inf


def test_shares_of_the_demand() -> None:
    assert TOY.share(np.array([1, 0, 0])) == 0.8
    assert TOY.share(np.array([1, 1, 0])) == 1.0
    assert TOY.share(np.array([1, 1, 0]), least=2) == 0.3
    assert TOY.share(np.array([0, 0, 0])) == 0.0


def test_points_of_a_city_with_rates_are_its_zones() -> None:
    city = town(medical_per_day=100.0)
    city["call_rates"]["per_day"] *= np.where(city["call_rates"]["zone_id"] == 10, 0.0, 1.0)
    points = demand_points(city)
    assert points.names == ("b", "c", "d")
    assert points.districts == ("east", "west", "east")
    assert points.weight == pytest.approx([1 / 3] * 3)
    links = city["zone_links"].set_index("link")["zone_id"]
    assert [int(links[place.link]) for place in points.places] == [11, 20, 21]
    assert demand_points(city, "flood").weight == pytest.approx([1 / 3] * 3)


def test_points_of_a_table_are_the_places_of_recorded_calls(tmp_path) -> None:
    city = region(tmp_path, [[0.0, 300.0], [360.0, 0.0]], [0], [1])
    with pytest.raises(InputError, match="does not say where calls come from"):
        demand_points(city)
    file = tmp_path / "calls.csv"
    file.write_text("id,t,place\n1,0,p1\n2,50,p0\n3,90,p1\n4,95,p1\n")
    city.tables["history"] = read_calls(file, city, DAY)
    points = demand_points(city)
    assert points.places == (Place(0, 0.0), Place(1, 0.0))
    assert points.names == ("p0", "p1")
    assert points.weight.tolist() == [0.25, 0.75]
    scenario = plan(coverage={"within_s": 330.0, "busy": 0.5, "slower": 1.2})
    cover = make_cover(city, scenario, ["p0", "p1"], points.places, points)
    assert cover.seconds.tolist() == [[0.0, 360.0], [432.0, 0.0]]
    assert cover.reach.tolist() == [[True, False], [False, True]]
    assert cover.gain(np.array([0, 1])).tolist() == [0.125, 0.1875]


def test_points_of_a_city_with_streets_and_no_rates_are_squares_of_recorded_calls() -> None:
    city = town(rows=8)
    city["call_rates"]["per_day"] = 0.0
    network = city.network
    lon = network.node_lon[network.link_from[[0, 0, 0, network.n_links - 1]]]
    lat = network.node_lat[network.link_from[[0, 0, 0, network.n_links - 1]]]
    city.tables["history"] = pd.DataFrame(
        {"kind": "medical", "lon": lon, "lat": lat, "district": list("aaab")}
    )
    points = demand_points(city)
    assert sorted(points.weight.tolist()) == [0.25, 0.75]
    assert points.districts[int(np.argmax(points.weight))] == "a"


def test_a_drive_takes_what_the_streets_take_when_they_are_empty() -> None:
    city = town()
    scenario = plan()
    model = CityModel(city, scenario)
    goals = [Place(3, 20.0), Place(40, 5.0)]
    seconds = drive_seconds(city, scenario, [Place(0, 10.0)], goals)
    empty = plan(traffic={"fidelity": "table", "demand_scale": 0.0})
    streets = CityModel(city, empty).mobility
    expected = streets.travel_times(Place(0, 10.0), goals, siren=True)
    assert seconds[0] == pytest.approx(expected)
    assert model.cover("ambulance") is model.cover("ambulance")
    assert model.cover("ambulance").bases == ("S1",)


def test_busy_units_are_not_counted() -> None:
    city = town(ambulances=3, engines=1, medical_per_day=2000.0)
    model = CityModel(city, plan())
    cover = model.cover("ambulance")
    seen = set()
    while model.t < model.begin_s + 3600.0:
        model.step()
        units = [u for u in model.units if u.kind == "ambulance"]
        free = [u for u in units if u.available]
        assert cover.counts(units).tolist() == [len(free)]
        seen.add(len(free))
    assert len(seen) > 1


def test_drives_on_empty_streets_are_kept_for_the_next_run() -> None:
    city, goals = town(), [Place(3, 20.0), Place(40, 5.0)]
    first = drive_seconds(city, plan(), [Place(0, 10.0)], goals)
    assert drive_seconds(city, plan(), [Place(0, 10.0)], list(goals)) is first
    faster = drive_seconds(
        city, plan(traffic={"fidelity": "table", "speed_factor": 2.0}), [Place(0, 10.0)], goals
    )
    assert (faster < first).all()
    other = drive_seconds(town(), plan(), [Place(0, 10.0)], goals)
    assert other is not first
    assert other.tolist() == first.tolist()
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1.0
