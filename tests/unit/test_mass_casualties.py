"""Incidents with many patients: order, cap, staging, and nobody lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from tests.support.emergency import QUIET, FixedModel, at, inject, plan, run, sure, town
from twin.core.survival import wounded
from twin.scenarios.care import Care
from twin.simulation import CityModel

THERE = 210.0
"""Seconds from the call to the first crew: handling 60, turnout 30, drive 120."""


def disaster(
    patients: int, fleet: int, seed: int = 1, **mass: Any
) -> tuple[pd.DataFrame, pd.Series, CityModel, pd.DataFrame]:
    """Return patients, call, model and events of a medical incident at 07:00; all are taken."""
    city = town(ambulances=fleet, service=sure(1.0))
    changes = [inject(city, "07:00", patients=patients)]
    scenario = plan(
        period={"start": "06:00", "end": "30:00"},
        calls=QUIET,
        record={"frame_every_s": 600.0},
        changes=changes,
        care={"mass": {"from_patients": 2, "triage_s": 0.0} | mass},
        seed=seed,
    )
    model, recorder = run(FixedModel, city, scenario)
    events = recorder.frame("unit_events")
    return recorder.frame("patients"), recorder.frame("calls").iloc[0], model, events


def test_one_crew_takes_the_patients_by_colour() -> None:
    mix = {"p_immediate": 0.3, "p_delayed": 0.3, "p_dead": 0.2}
    patients, call, _, _ = disaster(20, 1, **mix)
    assert sorted(patients["patient"]) == list(range(1, 21))
    assert (patients["tag"] == patients["condition"]).all()
    dead = patients["tag"] == "dead"
    assert dead.any()
    assert patients.loc[dead, "t_onscene"].isna().all()
    served = patients[~dead].sort_values("t_onscene")
    rank = served["tag"].map({"immediate": 0, "delayed": 1, "minor": 2})
    assert rank.is_monotonic_increasing
    assert set(rank) == {0, 1, 2}
    assert served.groupby("tag")["patient"].apply(lambda p: p.is_monotonic_increasing).all()
    # Scene 300, drive 120, handover 900, drive back 120: 1440 s each.
    first = at(7) + THERE
    assert served["t_onscene"].to_numpy() == pytest.approx(first + 1440.0 * np.arange(len(served)))
    assert call["fate"] == "closed"
    assert call["t_clear"] == pytest.approx(first + 1440.0 * (len(served) - 1) + 1320.0)


def test_first_come_takes_them_as_they_were_found() -> None:
    mix = {"p_immediate": 0.5, "p_delayed": 0.5, "p_dead": 0.0}
    patients, *_ = disaster(8, 1, order="first-come", **mix)
    assert patients.sort_values("t_onscene")["patient"].tolist() == list(range(1, 9))
    by_colour, *_ = disaster(8, 1, **mix)
    red = [p.loc[p["tag"] == "immediate", "survival"].sum() for p in (by_colour, patients)]
    assert red[0] > red[1]


def test_survival_is_by_the_time_at_hospital() -> None:
    patients, *_ = disaster(6, 2, p_immediate=1.0, p_delayed=0.0, p_dead=0.0)
    minutes = (patients["t_hospital"] - at(7)) / 60.0
    assert patients["survival"].to_numpy() == pytest.approx(wounded("immediate", minutes))
    assert (patients["chance_call"] == 0.351).all()
    assert (patients["chance_leave"] >= patients["survival"]).all()


def test_no_more_crews_than_the_cap_are_at_work() -> None:
    patients, call, model, events = disaster(30, 20, ambulances=5, p_dead=0.0)
    assert patients["t_hospital"].notna().all()
    busy: set[str] = set()
    most = 0
    for row in events.sort_values("t", kind="stable").itertuples():
        (busy.add if row.state not in {"idle", "returning", "off_shift"} else busy.discard)(
            row.unit_id
        )
        most = max(most, len(busy))
    assert most == 5
    assert call["fate"] == "closed"
    assert model.dispatcher.queued == 0


def test_crews_wait_in_staging_for_a_place() -> None:
    """Ten crews come at once and two load at a time: the k-th pair begins 300 s after the last."""
    patients, *_ = disaster(10, 10, loading=2, p_immediate=1.0, p_delayed=0.0, p_dead=0.0)
    assert (patients["t_onscene"] == at(7) + THERE).all()
    leave = np.sort(patients["t_leave"]) - at(7) - THERE
    assert leave.tolist() == pytest.approx([300.0 * (k // 2 + 1) for k in range(10)])


def test_triage_takes_its_time_and_the_dead_free_the_crews() -> None:
    patients, call, model, _ = disaster(
        6, 6, triage_s=60.0, p_immediate=0.0, p_delayed=0.0, p_dead=1.0
    )
    assert (patients["t_triage"] - at(7) - THERE).tolist() == [60.0 * k for k in range(1, 7)]
    assert (patients["survival"] == 0.0).all()
    assert call["fate"] == "closed"
    assert call["t_clear"] == pytest.approx(at(7) + THERE + 360.0)
    assert not any(unit.busy for unit in model.units)


@pytest.mark.parametrize("seed", range(6))
def test_a_crew_that_is_let_go_as_a_patient_comes_leaves_no_other_waiting(seed) -> None:
    """All have their tag in one instant, in which a death lets go a crew that gets the next one."""
    mix = {"p_immediate": 0.5, "p_delayed": 0.0, "p_dead": 0.5}
    patients, call, model, _ = disaster(3, 3, seed, **mix)
    alive = patients["tag"] != "dead"
    assert patients.loc[alive, "t_hospital"].notna().all()
    assert call["fate"] == "closed"
    assert not any(unit.busy for unit in model.units)


@pytest.mark.parametrize("incident", ["medical", "fire", "collision"])
@pytest.mark.parametrize(("patients", "ambulances"), [(2, 1), (40, 3), (25, 60)])
def test_every_patient_is_served_once(incident, patients, ambulances) -> None:
    city = town(ambulances=ambulances, service=sure(0.5))
    scenario = plan(
        period={"start": "06:00", "end": "48:00"},
        calls=QUIET,
        record={"frame_every_s": 600.0},
        changes=[inject(city, "07:00", incident=incident, patients=patients)],
        care={"mass": {"from_patients": 2, "loading": 3}},
    )
    model, recorder = run(FixedModel, city, scenario)
    people, call = recorder.frame("patients"), recorder.frame("calls").iloc[0]
    assert sorted(people["patient"]) == list(range(1, patients + 1))
    alive = people["tag"] != "dead"
    assert people.loc[alive, "t_onscene"].notna().all()
    assert people.loc[~alive, "unit_id"].isna().all()
    severe = people["tag"].isin(["immediate", "delayed"])
    assert people.loc[severe, "t_hospital"].notna().all()
    assert people["survival"].notna().all()
    assert call["fate"] == "closed"
    assert not any(unit.busy for unit in model.units)
    assert not model.dispatcher.waiting


def test_red_tags_go_where_they_can_be_treated() -> None:
    city = town(ambulances=4, service=sure(1.0))
    city["hospitals"].loc[1, "capabilities"] = "emergency trauma"
    mix = {"p_immediate": 0.5, "p_delayed": 0.5, "p_dead": 0.0}
    scenario = plan(
        period={"start": "06:00", "end": "20:00"},
        calls=QUIET,
        record={"frame_every_s": 600.0},
        changes=[inject(city, "07:00", patients=10)],
        care={"mass": {"from_patients": 2, "need": "trauma"} | mix},
    )
    _, recorder = run(FixedModel, city, scenario)
    went = recorder.frame("patients").groupby("tag")["hospital_id"].unique()
    assert went["immediate"].tolist() == ["H1"]
    assert went["delayed"].tolist() == ["H0"]


def test_without_the_rule_an_ambulance_is_asked_for_each_at_once() -> None:
    city = town(ambulances=3, service=sure(1.0))
    scenario = plan(calls=QUIET, changes=[inject(city, "07:00", patients=5)])
    model, recorder = run(FixedModel, city, scenario)
    assert recorder.frame("patients").empty
    assert model.dispatcher.queued == 1


@pytest.mark.parametrize(
    "wrong",
    [{"from_patients": 1}, {"ambulances": 0}, {"loading": 0}, {"triage_s": -1.0},
     {"order": "random"}, {"p_dead": 0.9}, {"need": "luck"}],
)  # fmt: skip
def test_rules_that_cannot_be(wrong) -> None:
    with pytest.raises(ValidationError):
        Care.model_validate({"mass": wrong})
