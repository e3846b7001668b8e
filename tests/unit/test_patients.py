"""What becomes of patients: cardiac arrests, call types, called-off calls and false alarms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from tests.support.emergency import (
    QUIET,
    FixedModel,
    at,
    inject,
    plan,
    run,
    sure,
    town,
)
from twin.agents.incidents.call_types import CallTypes
from twin.core.errors import InputError
from twin.core.random import Streams
from twin.core.survival import Arrest, of_arrest
from twin.scenarios.care import Care
from twin.scenarios.load import load_scenario
from twin.simulation import CityModel

ALL_ARRESTS = {"kind": "medical", "name": "arrest", "share": 1.0, "arrest": True}
NOBODY = {"p_bystander_cpr": 0.0, "p_public_aed": 0.0}


def care(*types: dict[str, Any], **fields: Any) -> dict[str, Any]:
    patients = {"record": True} | fields.pop("patients", {})
    return {"types": list(types), "patients": patients} | fields


def one_call(settings: dict[str, Any], **fields: Any) -> tuple[pd.Series, pd.DataFrame]:
    """Return the call and the patients of one incident at 07:00; drives take 120 s."""
    changes = [inject(city := town(service=sure(1.0)), "07:00", **fields)]
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=changes, care=settings))
    return recorder.frame("calls").iloc[0], recorder.frame("patients")


@pytest.mark.parametrize("curve", ["de-maio", "larsen", "valenzuela", "waalewijn"])
def test_an_arrest_on_each_curve(curve) -> None:
    """Handling 60, turnout 30 and drive 120 s: a crew after 210 s, 270 s after the collapse."""
    _, patients = one_call(care(ALL_ARRESTS, patients=NOBODY | {"curve": curve}))
    patient = patients.iloc[0]
    assert patient["condition"] == "arrest"
    stop = 210.0 / 60.0
    hands = (60.0 + 210.0 + 60.0) / 60.0
    crew = 1.0 + stop if curve == "de-maio" else hands
    assert patient["survival"] == pytest.approx(
        of_arrest(curve, Arrest(1.0, crew, crew, crew, crew))
    )
    if curve == "de-maio":
        assert patient["survival"] == pytest.approx(1 / (1 + np.exp(0.679 + 0.262 * 3.5)))
    assert patient["t_onset"] == at(7) - 60.0
    assert patient["t_defib"] == at(7) + 210.0 + 60.0
    assert patient["chance_call"] > patient["chance_onscene"] == patient["survival"]


def test_bystanders_press_and_shock_before_the_crew() -> None:
    sure_help = {"p_bystander_cpr": 1.0, "p_public_aed": 1.0, "cpr_after_s": 30.0,
                 "aed_after_s": 90.0, "curve": "larsen"}  # fmt: skip
    _, patients = one_call(care(ALL_ARRESTS, patients=sure_help))
    patient = patients.iloc[0]
    assert patient["t_cpr"] == at(7) + 30.0
    assert patient["t_defib"] == at(7) + 90.0
    minutes = np.array([90.0, 150.0, 330.0]) / 60.0
    assert patient["survival"] == pytest.approx(
        0.67 - 0.023 * minutes[0] - 0.011 * minutes[1] - 0.021 * minutes[2]
    )


def test_an_engine_with_a_defibrillator_raises_the_chance() -> None:
    """The ambulance is busy: the engine that is sent with it comes 720 s earlier."""
    city = town(ambulances=1, engines=1, service=sure(0.0))
    changes = [inject(city, "06:59"), inject(city, "07:00", priority=1)]
    survival = []
    for send in (["ambulance per patient"], ["ambulance per patient", "engine"]):
        with_plan = care(
            ALL_ARRESTS,
            patients=NOBODY,
            plans=[{"kind": "medical", "type": "arrest", "send": send}],
        )
        _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=changes, care=with_plan))
        mine = recorder.frame("patients").query("call_id == 'I-2'")
        survival.append(mine["survival"].iloc[0])
    assert survival[0] < survival[1]


def test_types_take_their_share_and_policies_shift_nothing() -> None:
    types = [
        ALL_ARRESTS | {"share": 0.25, "priority": 1},
        {"kind": "medical", "name": "fall", "share": 0.5, "priority": 3, "more_patients": 1.0},
    ]
    found = []
    for ambulances in (2, 9):
        city = town(ambulances=ambulances, medical_per_day=1500, fire_per_day=0)
        scenario = plan(care=care(*types), record={"decisions": False})
        _, recorder = run(CityModel, city, scenario)
        calls = recorder.frame("calls").set_index("call_id").sort_index()
        patients = recorder.frame("patients").sort_values(["call_id", "patient"])
        found.append((calls, patients))
    (calls, patients), (more, others) = found
    assert calls["type"].equals(more["type"])
    assert calls["priority"].equals(more["priority"])
    columns = ["call_id", "patient", "condition"]
    assert patients[columns].reset_index(drop=True).equals(others[columns].reset_index(drop=True))
    error = 3 * np.sqrt(0.25 / len(calls))
    assert (calls["type"] == "arrest").mean() == pytest.approx(0.25, abs=error)
    assert (calls["type"] == "fall").mean() == pytest.approx(0.5, abs=error)
    assert set(calls.loc[calls["type"] == "fall", "priority"]) == {3}
    counts = patients.groupby("call_id").size()
    falls = counts[calls.index[calls["type"] == "fall"]]
    assert falls.mean() == pytest.approx(2.0, abs=3 / np.sqrt(len(falls)))
    assert (counts[calls.index[calls["type"] != "fall"]] == 1).all()


@pytest.mark.parametrize(("upgraded", "after"), [(1.0, 1), (0.0, 3)])
def test_triage_on_scene_changes_the_way_to_hospital(upgraded, after) -> None:
    kind = {"kind": "medical", "name": "any", "share": 1.0, "priority": 2,
            "p_upgraded": upgraded, "p_downgraded": 1.0 - upgraded}  # fmt: skip
    sirens = []

    class Listening(FixedModel):
        @classmethod
        def streets(cls, env, city, scenario, streams):
            mobility, none = super().streets(env, city, scenario, streams)
            drive = mobility.drive

            def heard(unit, destination, *, siren):
                sirens.append(siren)
                return drive(unit, destination, siren=siren)

            mobility.drive = heard
            return mobility, none

    city = town(service=sure(1.0))
    scenario = plan(calls=QUIET, changes=[inject(city, "07:00")], care=care(kind))
    _, recorder = run(Listening, city, scenario)
    call = recorder.frame("calls").iloc[0]
    assert (call["priority"], call["priority_after"]) == (2, after)
    # To the scene, to hospital, home.
    assert sirens == [True, after == 1, False]


@pytest.mark.parametrize(("worse_after_s", "first"), [(None, "I-2"), (1e-3, "I-3")])
def test_who_waits_gets_worse_and_goes_first(worse_after_s, first) -> None:
    """The only ambulance is busy until 810 s; of two that wait the later one is of the type."""
    kind = {"kind": "medical", "name": "bleeding", "share": 0.0, "worse_after_s": worse_after_s}
    city = town(ambulances=1, service=sure(0.0))
    changes = [
        inject(city, "07:00"),
        inject(city, "07:01", priority=2),
        inject(city, "07:02", priority=2, type="bleeding"),
    ]
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=changes, care=care(kind)))
    calls = recorder.frame("calls").set_index("call_id")
    assert calls.drop("I-1")["t_onscene"].idxmin() == first
    patients = recorder.frame("patients").set_index("call_id")
    mine = patients.loc["I-3"]
    worse = worse_after_s is not None
    assert (mine["condition"], mine["condition_onscene"]) == (
        ("delayed", "immediate") if worse else ("delayed", "delayed")
    )
    assert (calls.loc["I-3", "priority"], calls.loc["I-3", "priority_after"]) == (2, 2 - worse)


@pytest.mark.parametrize(("worse_s", "after"), [(150.0, 2), (400.0, 3)])
def test_nobody_gets_worse_once_help_is_there(worse_s, after) -> None:
    """The crew comes after 210 s and stays for another 600 s."""
    kind = {"kind": "medical", "name": "slow", "share": 1.0, "worse_after_s": 1.0}
    types = Care.model_validate({"types": [kind]}).types
    drawn = CallTypes(types, Streams(1)).of("medical", "I-1").worse_s
    call, patients = one_call(care(kind | {"worse_after_s": worse_s / drawn}), priority=3)
    assert call["priority_after"] == after
    assert patients.iloc[0]["condition_onscene"] == ("delayed" if after == 2 else "minor")


def test_a_call_that_is_called_off_ends_and_frees_its_units() -> None:
    gone = {"kind": "medical", "name": "gone", "share": 1.0, "p_cancelled": 1.0,
            "cancelled_after_s": 1e-3}  # fmt: skip
    call, patients = one_call(care(gone))
    assert call["fate"] == "cancelled"
    assert pd.isna(call["t_dispatch"])
    assert patients["survival"].isna().all()


@pytest.mark.parametrize("incident", ["medical", "fire", "collision"])
@pytest.mark.parametrize("mean_s", [80.0, 150.0, 5000.0])
def test_calls_are_called_off_only_before_somebody_is_there(incident, mean_s) -> None:
    kind = {"kind": incident, "name": "gone", "share": 1.0, "p_cancelled": 1.0,
            "cancelled_after_s": mean_s}  # fmt: skip
    city = town(service=sure(1.0), ambulances=4)
    changes = [inject(city, f"{h:02}:00", incident=incident, patients=2) for h in range(7, 11)]
    scenario = plan(
        calls=QUIET, changes=changes, care=care(kind), period={"start": "06:00", "end": "14:00"}
    )
    model, recorder = run(FixedModel, city, scenario)
    calls = recorder.frame("calls")
    off = calls["fate"] == "cancelled"
    assert calls.loc[off, "t_onscene"].isna().all()
    assert calls.loc[~off, "t_onscene"].notna().all()
    assert set(calls.loc[~off, "fate"]) <= {"closed"}
    assert not any(unit.busy for unit in model.units)
    assert not model.dispatcher.waiting
    if mean_s == 80.0:
        assert off.any()
    if mean_s == 5000.0:
        assert not off.all()


@pytest.mark.parametrize("incident", ["medical", "fire", "collision"])
def test_a_false_alarm_takes_as_long_as_the_check(incident) -> None:
    nothing = {"kind": incident, "name": "nothing", "share": 1.0, "p_false": 1.0, "check_s": 100.0}
    call, patients = one_call(care(nothing), incident=incident, patients=1)
    assert call["false_alarm"]
    assert call["fate"] == "closed"
    assert call["t_onscene"] == at(7) + 210.0
    assert call["t_clear"] == at(7) + 310.0
    assert not call["transported"]
    assert patients.empty


def test_a_type_says_what_the_hospital_must_be_able_to_treat() -> None:
    city = town(service=sure(1.0))
    city["hospitals"].loc[1, "capabilities"] = "emergency stroke"
    hurried = {"kind": "medical", "name": "stroke", "share": 1.0, "need": "stroke"}
    chosen = []
    for types in ([], [hurried]):
        scenario = plan(calls=QUIET, changes=[inject(city, "07:00")], care=care(*types))
        _, recorder = run(FixedModel, city, scenario)
        chosen.append(recorder.frame("calls").iloc[0]["hospital_id"])
    assert chosen == ["H0", "H1"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": 1.5},
        {"need": "magic"},
        {"worse_after_s": 0.0},
        {"share": -0.1},
        {"name": "Cardiac Arrest"},
        {"p_upgraded": 0.7, "p_downgraded": 0.7},
        {"cancelled_after_s": 0.0},
        {"priority": 0},
        {"arrest": "maybe"},
        {"more_patients": float("nan")},
    ],
)
def test_types_that_cannot_be(wrong) -> None:
    with pytest.raises(ValidationError):
        Care.model_validate({"types": [ALL_ARRESTS | wrong]})


def test_an_incident_may_be_injected_with_its_type() -> None:
    city = town(service=sure(1.0))
    rare = ALL_ARRESTS | {"share": 0.0}
    changes = [inject(city, "07:00", type="arrest", priority=2), inject(city, "08:00")]
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=changes, care=care(rare)))
    calls = recorder.frame("calls").sort_values("t_call")
    assert calls["type"].tolist()[0] == "arrest"
    assert pd.isna(calls["type"].iloc[1])
    conditions = recorder.frame("patients").sort_values("t_onset")["condition"]
    assert conditions.tolist() == ["arrest", "immediate"]


@pytest.mark.parametrize(("incident", "name"), [("medical", "arest"), ("fire", "arrest")])
def test_an_injected_type_must_be_there(incident, name) -> None:
    city = town()
    changes = [inject(city, "07:00", incident=incident, type=name)]
    scenario = plan(calls=QUIET, changes=changes, care=care(ALL_ARRESTS))
    with pytest.raises(InputError, match=f"no {incident} type") as caught:
        FixedModel(city, scenario)
    assert "changes.1.type" in str(caught.value)


def test_types_that_do_not_go_together() -> None:
    for types in ([ALL_ARRESTS, ALL_ARRESTS | {"name": "b"}], [ALL_ARRESTS | {"share": 0.1}] * 2):
        with pytest.raises(ValidationError):
            Care.model_validate({"types": types})
    lost = {
        "plans": [{"kind": "fire", "type": "arrest", "send": ["engine"]}],
        "types": [ALL_ARRESTS],
    }
    with pytest.raises(ValidationError, match="of a fire type 'arrest'"):
        Care.model_validate(lost)
    with pytest.raises(InputError, match="share"):
        load_scenario("seoul-evening-peak", ['care.types=[{kind="fire", name="a", share=2}]'])


def test_floors_come_between_the_stop_and_the_care() -> None:
    """Medians of Morrison et al. (2005): 164 s from the third floor on, 97 s of all."""
    chain = {"to_patient_s": 75.0, "floor_s": 22.0}
    city = town(service=sure(0.0), ambulances=20, medical_per_day=3000.0, fire_per_day=50.0)
    _, recorder = run(FixedModel, city, plan(chain=chain))
    calls = recorder.frame("calls").query("fate == 'closed'")
    medical = calls[calls["kind"] == "medical"]
    way = medical["t_patient"] - medical["t_onscene"]
    floor = (way - 75.0) / 22.0
    assert np.allclose(floor, floor.round())
    n = len(floor)
    assert n > 400
    assert floor.mean() == pytest.approx(1.46, abs=3 * np.sqrt(1.46 * 2.46 / n))
    assert (floor > 2.5).mean() == pytest.approx(0.209, abs=3 * np.sqrt(0.209 * 0.791 / n))
    assert [way[floor > 2.5].median(), way.median()] == pytest.approx([163.0, 97.0])
    assert np.allclose(medical["t_clear"] - medical["t_patient"], 600.0)
    fires = calls[(calls["kind"] == "fire") & calls["t_patient"].notna()]
    assert (fires["t_patient"] == fires["t_onscene"]).all()
    _, plainly = run(FixedModel, city, plan())
    alike = plainly.frame("calls").set_index("call_id")
    assert alike.loc[medical["call_id"], "t_call"].tolist() == medical["t_call"].tolist()
    there = alike["t_patient"].dropna()
    assert (there == alike["t_onscene"][there.index]).all()


def test_an_arrest_waits_for_the_stairs() -> None:
    changes = [inject(city := town(service=sure(1.0)), "07:00")]
    settings = care(ALL_ARRESTS, patients=NOBODY | {"curve": "larsen"})
    scenario = plan(calls=QUIET, changes=changes, care=settings, chain={"to_patient_s": 200.0})
    _, recorder = run(FixedModel, city, scenario)
    patient = recorder.frame("patients").iloc[0]
    assert patient["t_defib"] == at(7) + 210.0 + 200.0
    crew = (60.0 + 210.0 + 200.0) / 60.0
    assert patient["survival"] == pytest.approx(
        of_arrest("larsen", Arrest(1.0, crew, crew, crew, crew))
    )
    call = recorder.frame("calls").iloc[0]
    assert call["t_patient"] == call["t_onscene"] + 200.0
    assert call["t_leave"] == call["t_patient"] + 300.0
    assert call["response_s"] == 210.0


@pytest.mark.parametrize(
    "wrong", [{"floor_s": -1}, {"floors": float("nan")}, {"to_patient_s": 1e9}]
)
def test_a_way_to_the_patient_that_cannot_be_is_refused(wrong) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        plan(chain=wrong)
