"""Expected survivors and the cost of fires against answers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from apps.report.care import outcome_difference
from apps.report.comparison import comparison_page
from tests.support.emergency import QUIET, inject, plan, town
from twin.city.bundle import empty_table, save_city
from twin.experiment import compare, run_scenario
from twin.metrics.comparison import read_comparison
from twin.metrics.fires import fire_figures
from twin.metrics.survivors import survivors
from twin.recording.reader import RunReader
from twin.scenarios.care import Care


def test_expected_survivors_are_the_sum_of_known_chances():
    patients = pd.DataFrame(
        {
            "condition": ["arrest", "arrest", "minor", "immediate"],
            "survival": [0.1, np.nan, np.nan, 0.35],
        }
    )
    got = survivors(patients)
    assert got is not None
    assert (got["patients"], got["judged"]) == (4, 2)
    assert got["expected"] == pytest.approx(0.45)
    assert got["by_condition"]["arrest"] == {"patients": 2, "judged": 1, "expected": 0.1}
    assert survivors(patients.iloc[:0]) is None


def test_a_run_tells_them_in_its_summary(tmp_path):
    city = town()
    scenario = plan(
        period={"start": "06:00", "end": "09:00"},
        calls=QUIET,
        changes=[inject(city, "06:30", patients=6)],
        care={"mass": {"from_patients": 5}},
    )
    summary = run_scenario(scenario, tmp_path / "run", city=city)
    assert summary["survivors"]["patients"] == 6
    assert 0.0 < summary["survivors"]["expected"] <= 6.0
    plain = run_scenario(plan(period={"start": "06:00", "end": "06:30"}), tmp_path / "b", city=city)
    assert plain["survivors"] is None
    assert plain["fires"] is None


def test_a_comparison_tells_what_a_rule_is_worth(tmp_path):
    city = town(ambulances=2, engines=3)
    city.tables["history"] = empty_table("history")
    save_city(city, tmp_path / "city")
    changes = [inject(city, "06:30", patients=6), inject(city, "06:40", incident="fire")]
    sides = [
        plan(
            name=name,
            city=str(tmp_path / "city"),
            period={"start": "06:00", "end": "12:00"},
            calls=QUIET,
            changes=changes,
            care={"mass": {"from_patients": 5, "order": order}, "fire": {"enabled": True}},
        )
        for name, order in (("colour", "start"), ("found", "first-come"))
    ]
    found = compare(*sides, tmp_path / "both", replications=3, workers=1)
    people, fires = found.outcomes
    assert (people.measure, fires.measure) == ("survivors", "burnt_m2")
    assert (people.replications, people.base_n, people.whatif_n) == (3, 18, 18)
    means = []
    for side in ("base", "whatif"):
        runs = [survivors(RunReader(run).table("patients")) for run in found.runs(side)]
        means.append(np.mean([got["expected"] for got in runs]))
    assert (people.base, people.whatif) == pytest.approx(tuple(means))
    assert people.difference == pytest.approx(means[1] - means[0])
    assert (people.low + people.high) / 2.0 == pytest.approx(people.difference)
    assert people.low < people.high
    assert fires.difference == 0.0
    assert not fires.shown
    barely = replace(fires, difference=0.1, low=0.004, high=0.2)
    assert not barely.shown
    assert replace(barely, low=0.006).shown
    assert read_comparison(tmp_path / "both").outcomes == found.outcomes
    assert "Differences for patients" in str(comparison_page(found, city))
    assert outcome_difference(people).startswith("Expected survivors in a run: ")
    plain = [side.model_copy(update={"care": Care(), "changes": []}) for side in sides]
    assert compare(*plain, tmp_path / "none", replications=1, workers=1).outcomes == []


def test_what_fires_have_cost():
    fires = pd.DataFrame({"alarm": [1, 2, 3], "burnt_m2": [10.0, 50.0, np.nan]})
    assert fire_figures(fires) == {
        "fires": 3,
        "held": 2,
        "burnt_m2": 60.0,
        "mean_burnt_m2": 30.0,
        "later_alarms": 2,
    }
    assert fire_figures(fires.iloc[:0]) is None
