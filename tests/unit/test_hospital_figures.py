"""Figures of emergency rooms, worked out by hand, in the summary and the report of a run."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from apps.report.run import write_run_report
from tests.support.emergency import QUIET, inject, plan, sure, town
from twin.experiment import run_scenario
from twin.metrics.hospitals import all_hospitals, hospital_figures

PATIENTS = pd.DataFrame(
    {
        "hospital_id": ["A", "A", "A", "B"],
        "t_door": [100.0, 200.0, 3000.0, 50.0],
        "t_released": [1000.0, 2300.0, None, 60.0],
        "door_to_treatment_s": [0.0, 600.0, None, 0.0],
        "able": [True, True, True, False],
    }
)
STATUS = pd.DataFrame(
    [
        (0.0, "A", "open", 2, 0, 0),
        (1000.0, "A", "open", 2, 1, 0),
        (2000.0, "A", "divert", 2, 2, 1),
        (4000.0, "A", "open", 2, 2, 0),
        (0.0, "B", "open", None, None, None),
        (0.0, "C", "open", None, None, None),
    ],
    columns=["t", "hospital_id", "status", "beds", "occupied", "waiting"],
)
ASKED = pd.DataFrame({"t": [10.0, 20.0], "hospital_id": ["B", "B"], "refused": [True, False]})


def test_figures_of_each_and_of_all() -> None:
    found = hospital_figures(PATIENTS, STATUS, ASKED, 0.0, 5000.0)
    assert list(found) == ["A", "B"]  # nobody has asked C, and it has no beds
    assert found["A"] == {
        "beds": 2, "brought": 3, "released": 2, "offload_mean_s": 1500.0,
        "offload_p90_s": pytest.approx(1980.0), "lost_h": pytest.approx((1200.0 + 1100.0) / 3600.0),
        "treated": 2, "treatment_mean_s": 300.0, "treatment_p90_s": pytest.approx(540.0),
        "unable": 0, "occupied": pytest.approx(1.4), "waiting": pytest.approx(0.4),
        "diverted_h": pytest.approx(2000.0 / 3600.0), "asked": 0, "refused": 0,
    }  # fmt: skip
    assert found["B"]["beds"] is None
    assert found["B"]["occupied"] is None
    assert (found["B"]["asked"], found["B"]["refused"], found["B"]["unable"]) == (2, 1, 1)
    total = all_hospitals(PATIENTS, found, 0.0, 5000.0)
    assert (total["beds"], total["brought"], total["refused"]) == (2, 4, 1)
    assert total["offload_mean_s"] == pytest.approx((900.0 + 2100.0 + 10.0) / 3.0)
    later = hospital_figures(PATIENTS, STATUS, ASKED, 1000.0, 5000.0)
    assert (later["A"]["brought"], later["A"]["occupied"]) == (1, pytest.approx(1.75))


def test_the_summary_and_the_report_of_a_run_have_them(tmp_path) -> None:
    city = town(service=sure(1.0))
    hospitals = {"beds": 1, "refusal": 0.5, "enquiry_s": 30.0, "stay_min": 60, "stay_cv": 0}
    calls = [inject(city, t) for t in ("07:00", "07:10", "07:20")]
    for rooms in ({}, hospitals):
        scenario = plan(
            period={"start": "06:00", "end": "09:00"}, calls=QUIET, hospitals=rooms, changes=calls
        )
        folder = tmp_path / f"run{len(rooms)}"
        summary = run_scenario(scenario, folder, city=city)
        page = write_run_report(folder, tmp_path / "report.html", city=city).read_text("utf-8")
        if not rooms:
            assert summary["hospitals"] is None
            assert "Emergency rooms" not in page
            continue
        found = summary["hospitals"]
        assert json.loads(json.dumps(found)) == found
        assert found["all"]["brought"] == 3
        assert found["all"]["asked"] >= 3
        assert found["all"]["beds"] == 2
        assert "Emergency rooms" in page
        assert "Hospital 0" in page
