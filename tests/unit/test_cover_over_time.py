"""Cover over time: what a run writes, what is made of it, and that it costs nothing unasked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from apps.report.service import cover_line, cover_section, kilometres_line, moves_line
from tests.support.emergency import FixedModel, inject, plan, run, sure, town
from tests.support.html import is_self_contained
from twin.experiment import run_scenario
from twin.metrics.units import coverage, move_ups
from twin.recording.reader import RunReader


def quiet(**fields):
    return plan(calls={"source": "none", "collisions": False}, **fields)


def test_cover_of_a_run_by_hand() -> None:
    # Two ambulances at one station that reaches everywhere. One call from 06:20 on: 60 s to handle,
    # 30 s of turnout, 120 s of drive, 600 s of care; then it is free, on its way home.
    city = town(ambulances=2, engines=0, service=sure(0.0))
    scenario = quiet(
        record={"coverage_every_s": 300.0}, changes=[inject(city, "06:20")], coverage={"busy": 0.4}
    )
    _, recorder = run(FixedModel, city, scenario)
    looks = recorder.frame("coverage")
    assert looks["t"].tolist() == [21_600.0 + 300.0 * k for k in range(72)]
    assert set(looks["kind"]) == {"ambulance"}
    free = looks.set_index("t")["free"]
    assert free[21_600.0 + 1200.0] == 2
    assert free[21_600.0 + 1500.0] == 1
    assert free[21_600.0 + 1800.0] == 1
    assert free[21_600.0 + 2100.0] == 2
    assert (looks["share"] == 1.0).all()
    assert looks["twice"].tolist() == (looks["free"] > 1).astype(float).tolist()
    assert looks["expected"].to_numpy() == pytest.approx(1.0 - 0.4 ** looks["free"].to_numpy())
    points = recorder.frame("coverage_points")
    assert points["weight"].sum() == pytest.approx(1.0)
    assert (points["share"] == 1.0).all()
    assert coverage(looks)["ambulance"]["mean_twice"] == pytest.approx(70 / 72)


def test_points_out_of_reach_are_not_covered() -> None:
    city = town(ambulances=1, engines=1)
    scenario = quiet(record={"coverage_every_s": 600.0}, coverage={"within_s": 42.0})
    _, recorder = run(FixedModel, city, scenario)
    points, looks = recorder.frame("coverage_points"), recorder.frame("coverage")
    assert set(looks["kind"]) == {"ambulance", "engine"}
    mine = points[points["kind"] == "engine"]
    near = mine["share"] == 1.0
    # The four points are 10, 41, 43 and 58 s away.
    assert near.sum() == 2
    known = float(mine.loc[near, "weight"].sum())
    assert looks.loc[looks["kind"] == "engine", "share"].to_numpy() == pytest.approx(known)


def test_nothing_is_written_unasked_and_asking_changes_nothing_else() -> None:
    city = town()
    _, without = run(FixedModel, city, plan())
    _, with_cover = run(FixedModel, city, plan(record={"coverage_every_s": 60.0}))
    assert without.frame("coverage").empty
    assert without.frame("coverage_points").empty
    for table in ("calls", "unit_events", "decisions"):
        pd.testing.assert_frame_equal(without.frame(table), with_cover.frame(table))


def test_what_is_no_time_between_looks() -> None:
    for wrong in (0.0, -60.0, 1e9, "often"):
        with pytest.raises(ValidationError, match="coverage_every_s"):
            plan(record={"coverage_every_s": wrong})


def test_figures_of_known_looks() -> None:
    looks = pd.DataFrame(
        {
            "t": [0.0, 60.0, 120.0],
            "kind": "ambulance",
            "free": [2, 0, 1],
            "share": [0.9, 0.0, 0.6],
            "twice": [0.3, 0.0, 0.0],
            "expected": [0.6, 0.0, 0.3],
        }
    )
    got = coverage(looks)["ambulance"]
    assert got == pytest.approx({
        "mean_share": 0.5, "least_share": 0.0, "least_at_s": 60.0, "mean_twice": 0.1,
        "mean_expected": 0.3, "mean_free": 1.0,
    })  # fmt: skip
    assert "50.0% on average, least 0.0% at 00:01:00" in cover_line({"ambulance": got})
    assert coverage(looks.iloc[:0]) == {}


def test_moves_that_were_made() -> None:
    moves = pd.DataFrame({"unit_id": ["a", "b", "a", "a"], "made": [True, True, False, True]})
    got = move_ups(moves)
    assert got == {"made": 3, "by_unit": {"a": 2, "b": 1}}
    assert "3 times, 2 units; most often a (2 times)" in moves_line(got)
    assert moves_line(move_ups(moves.iloc[:0])) == ""
    once = moves_line(move_ups(moves.iloc[1:2]))
    assert "Moved up to other stations: 1 time, 1 unit; most often b (1 time)." in once


def test_a_short_drive_of_each_unit_is_not_told_as_none() -> None:
    assert "Driven: 22 km, 0.2 a unit" in kilometres_line(
        {"a": 22.0} | dict.fromkeys(range(99), 0.0), 10.0
    )


def test_a_report_shows_it(tmp_path) -> None:
    city = town()
    got = run_scenario(quiet(record={"coverage_every_s": 300.0}), tmp_path / "r", city=city)
    assert got["coverage"]["ambulance"]["mean_share"] == 1.0
    assert got["move_ups"]["made"] == 0
    page = cover_section(RunReader(tmp_path / "r"), city)
    assert page is not None
    text = is_self_contained(f"<html><body>{page}</body></html>")
    assert "By ambulances: 100.0% on average" in text
    assert "Map of cover by engines" in page
    # All is covered alike: one colour stands below each map, and what it says differs.
    assert text.count("99.9% to 100.0%") == page.count("Map of cover by") == 2
    assert "100.0% to 100.0%" not in text
    plain = run_scenario(quiet(), tmp_path / "s", city=city)
    assert plain["coverage"] == {}
    assert cover_section(RunReader(tmp_path / "s"), city) is None
    assert np.isfinite(got["unit_hours"]["ambulance"]["staffed_h"])
