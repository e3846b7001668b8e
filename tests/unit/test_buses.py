"""Buses of a scenario: by timetable, held where they wait, written down and summed up."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from tests.support.cities import two_zone_city
from tests.support.transit import feed, route_of, streets, tables, write, write_zip
from twin.core.errors import InputError
from twin.recording.memory import MemoryRecorder
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel

EIGHT = 8 * 3600.0


@pytest.fixture(scope="module")
def city():
    network = streets()
    return two_zone_city(network, 20, 3, 120.0)


def scenario(*, start: str = "08:00", end: str = "08:40", warm_up: float = 10.0, **fields):
    return Scenario(
        name="t",
        city="two-zones",
        period={"start": start, "end": end, "warm_up_min": warm_up},
        calls={"source": "none"},
        **fields,
    )


def run(city, chosen: Scenario):
    recorder = MemoryRecorder()
    model = CityModel(city, chosen, recorder=recorder)
    return model.run(), recorder.frame("bus_stops")


def test_buses_drive_by_their_table(city, tmp_path):
    folder = write(tmp_path, tables(city.network))
    summary, rows = run(city, scenario(transit={"tables": str(folder), "dwell_s": 10.0}))
    assert summary.buses is not None
    assert summary.buses["stops_served"] == len(rows) == 25
    assert summary.buses["stops_missed"] == 0
    assert summary.buses["runs_ended"] == 5
    first = rows[rows["order"] == 0]
    assert first["t_depart"].tolist() == first["t_due_depart"].tolist()
    assert (np.diff(first["t_depart"]) == [300.0, 300.0, 300.0, 900.0]).all()
    # 200 m at 12 m/s, 10 s of dwell, and what stopping costs: faster than the 60 s of the table.
    timed = rows[rows["order"] == 2]
    assert (timed["t_depart"] == timed["t_due_depart"]).all()
    free = rows[rows["order"] == 3]
    assert (free["t_depart"] < free["t_due_depart"]).all()
    assert (rows["t_depart"] - rows["t_arrive"] >= 10.0).all()
    assert rows["link"].tolist()[:5] == route_of(city.network)
    assert set(rows["line"]) == {"7"}
    assert summary.buses["mean_speed_mps"] == pytest.approx(200.0 / 60.0, rel=0.2)


def test_who_does_not_hold_runs_ahead_of_the_table(city, tmp_path):
    folder = write(tmp_path, tables(city.network))
    transit = {"tables": str(folder), "dwell_s": 10.0, "hold": False}
    summary, rows = run(city, scenario(transit=transit))
    timed = rows[rows["order"] == 2]
    assert (timed["t_depart"] < timed["t_due_depart"]).all()
    assert summary.buses["mean_late_s"] < 0.0


def test_a_bus_under_way_at_the_beginning_starts_at_its_next_stop(city, tmp_path):
    folder = write(tmp_path, tables(city.network))
    late = scenario(start="08:07", end="08:12", warm_up=0.0, transit={"tables": str(folder)})
    _, rows = run(city, late)
    # The bus of 08:05 is due at its third stop at 08:07.
    assert rows["order"].tolist()[:3] == [2, 3, 4]
    assert rows["t_depart"][0] >= EIGHT + 7 * 60


def test_a_bus_that_has_left_the_streets_before_the_beginning_does_not_drive(city, tmp_path):
    """Lines that lead out of a city: their last stops have no road here."""
    files = feed(city.network)
    files["stops.txt"] += "F,Far away,80.0,0.0,0\n"
    files["stop_times.txt"] += "A,9,F,09:00:00,09:00:00\n"
    del files["frequencies.txt"]
    path = write(tmp_path, files)
    _, rows = run(city, scenario(start="08:20", warm_up=0.0, transit={"gtfs": str(path)}))
    assert len(rows) == 0
    _, rows = run(city, scenario(start="08:00", warm_up=0.0, transit={"gtfs": str(path)}))
    assert len(rows) == 5


def test_buses_of_a_feed_have_the_same_bits_twice_and_other_dwells_by_seed(city, tmp_path):
    path = write_zip(tmp_path / "feed.zip", feed(city.network))
    chosen = scenario(
        end="09:40", warm_up=0.0, transit={"gtfs": str(path), "dwell_s": 15.0, "dwell_sd_s": 6.0}
    )
    one, rows = run(city, chosen)
    _, again = run(city, chosen)
    assert rows.equals(again)
    _, other = run(city, chosen.model_copy(update={"seed": 2}))
    assert not (rows["t_depart"] - rows["t_arrive"]).equals(other["t_depart"] - other["t_arrive"])
    assert one.buses["runs_ended"] == 4
    assert one.buses["left_out"] == {"routes that are not buses": 1, "trips of other days": 1}


def test_routes_of_buses_are_recorded_with_those_of_others(city, tmp_path):
    folder = write(tmp_path, tables(city.network))
    recorder = MemoryRecorder()
    chosen = scenario(transit={"tables": str(folder)}, record={"routes": True})
    CityModel(city, chosen, recorder=recorder).run()
    trips, routes = recorder.frame("trips"), recorder.frame("trip_routes")
    buses = routes[routes["vehicle"].isin(trips["vehicle"][trips["kind"] == 3])]
    assert len(buses) == 5
    assert all(list(way) == route_of(city.network) for way in buses["driven"])


def test_without_lines_there_is_nothing(city):
    summary, rows = run(city, scenario(end="08:01", warm_up=0.0))
    assert summary.buses is None
    assert len(rows) == 0


def test_buses_drive_in_queues_by_the_same_table(city, tmp_path):
    folder = write(tmp_path, tables(city.network))
    chosen = scenario(
        transit={"tables": str(folder), "dwell_s": 10.0}, traffic={"fidelity": "meso"}
    )
    summary, rows = run(city, chosen)
    assert summary.buses is not None
    assert (summary.buses["stops_served"], summary.buses["stops_missed"]) == (25, 0)
    assert summary.buses["runs_ended"] == 5
    for order, holds in ((0, True), (2, True), (3, False)):
        served = rows[rows["order"] == order]
        late = served["t_depart"] - served["t_due_depart"]
        assert (np.abs(late) < 0.01).all() if holds else (late < 0.0).all()
    assert (rows["t_depart"] - rows["t_arrive"] >= 9.99).all()


def test_buses_need_traffic():
    with pytest.raises(ValidationError, match=r"need traffic\.fidelity"):
        scenario(transit={"gtfs": "feed.zip"}, traffic={"fidelity": "table"})


def test_one_source_that_exists(city):
    with pytest.raises(ValidationError, match="either `gtfs` or `tables`"):
        scenario(transit={"gtfs": "a", "tables": "b"})
    with pytest.raises(InputError, match="no such"):
        CityModel(city, scenario(transit={"gtfs": "nowhere.zip"}))
    with pytest.raises(InputError, match="no such folder"):
        CityModel(city, scenario(transit={"tables": "nowhere"}))
