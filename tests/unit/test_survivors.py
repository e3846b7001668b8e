"""Expected survivors against answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import QUIET, inject, plan, town
from twin.experiment import run_scenario
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
