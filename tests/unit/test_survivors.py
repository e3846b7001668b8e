"""Expected survivors and the cost of fires against answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import QUIET, inject, plan, town
from twin.experiment import run_scenario
from twin.metrics.fires import fire_figures
from twin.metrics.survivors import survivors


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
