"""Whatever is sent, called off, found or triaged: each call ends once and nobody is lost."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.emergency import DAY, inject, plan, run, sure, town
from twin.agents.states import STAGES, UNIT_NEXT, UnitState
from twin.simulation import CityModel

shares = st.sampled_from([0.0, 0.3, 1.0])
sends = st.lists(
    st.sampled_from(["ambulance per patient", "ambulance", "2 engine", "ladder"]),
    min_size=1,
    max_size=3,
)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    types = [
        {
            "kind": kind,
            "name": kind,
            "share": draw(shares),
            "more_patients": draw(st.sampled_from([0.0, 2.0])),
            "p_cancelled": draw(shares),
            "p_false": draw(shares),
            "priority": draw(st.sampled_from([None, 1, 3])),
            "worse_after_s": draw(st.sampled_from([None, 60.0])),
            "p_upgraded": draw(st.sampled_from([0.0, 0.5])),
        }
        for kind in ("medical", "fire", "collision")
    ]
    return {
        "ambulances": draw(st.integers(0, 4)),
        "engines": draw(st.integers(0, 3)),
        "p_transport": draw(shares),
        "patients": draw(st.lists(st.integers(0, 15), min_size=3, max_size=3)),
        "seed": draw(st.integers(0, 5)),
        "policy": {
            "reassign": draw(st.sampled_from(["never", "by-priority"])),
            "dispatch": draw(st.sampled_from(["closest-idle", "soonest"])),
        },
        "crews": {
            "failures_every_h": draw(st.sampled_from([None, 0.5])),
            "repair_h": 0.2,
            "restock_min": draw(st.sampled_from([0.0, 10.0])),
        },
        "care": {
            "types": types,
            "plans": [
                {"kind": kind, "send": draw(sends)}
                for kind in draw(
                    st.lists(st.sampled_from(["medical", "fire", "collision"]), unique=True)
                )
            ],
            "call_takers": draw(st.sampled_from([None, 1, 3])),
            "patients": {"record": True},
            "fire": {
                "enabled": draw(st.booleans()),
                "rate": draw(st.sampled_from(["slow", "medium", "fast", "ultra-fast"])),
                "alarms": draw(st.sampled_from([1, 3])),
            },
            "mass": {
                "from_patients": draw(st.sampled_from([None, 2, 5])),
                "ambulances": draw(st.sampled_from([1, 3, 10])),
                "loading": draw(st.sampled_from([1, 3])),
                "order": draw(st.sampled_from(["start", "first-come"])),
                "p_dead": draw(st.sampled_from([0.0, 0.3, 0.6])),
            },
        },
    }


@given(worlds())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_each_call_ends_once_and_nobody_is_lost(world: dict[str, Any]) -> None:
    city = town(
        ambulances=world["ambulances"],
        engines=world["engines"],
        medical_per_day=200.0,
        fire_per_day=40.0,
        service=sure(world["p_transport"]),
    )
    kinds = ("medical", "fire", "collision")
    scenario = plan(
        period={"day": DAY, "start": "06:00", "end": "08:00"},
        calls={"collisions": True},
        changes=[
            {"kind": "add-units", "station": "S1", "unit": "ladder"},
            *(
                inject(city, f"06:{10 * k + 5:02}", 5 + k, incident=kind, patients=patients)
                for k, (kind, patients) in enumerate(zip(kinds, world["patients"], strict=True))
            ),
        ],
        seed=world["seed"],
        care=world["care"],
        policy=world["policy"],
        crews=world["crews"],
    )
    model, recorder = run(CityModel, city, scenario)
    calls, stages = recorder.frame("calls"), recorder.frame("incident_events")
    assert calls["call_id"].is_unique
    assert sorted(calls["call_id"]) == sorted(stages.loc[stages["stage"] == "received", "call_id"])
    ended = stages.loc[stages["stage"] == "closed", "call_id"]
    assert sorted(calls.loc[calls["fate"] != "open", "call_id"]) == sorted(ended)
    assert calls.loc[calls["fate"] == "cancelled", "t_first"].isna().all()
    for (_, kind), mine in stages.groupby(["call_id", "kind"]):
        order = [str(stage) for stage in STAGES[kind]]
        ranks = [order.index(s) for s in mine["stage"] if s != "road_cleared"]
        assert ranks == sorted(set(ranks))
    known = calls.dropna(subset=["t_first"])
    assert (known["t_answer"] <= known["t_first"]).all()
    assert not (known["t_capable"] < known["t_first"]).any()
    assert not (known["t_full"] < known["t_first"]).any()

    fires = recorder.frame("fires")
    grown = calls.loc[(calls["kind"] == "fire") & ~calls["false_alarm"], "call_id"]
    assert sorted(fires["call_id"]) == (sorted(grown) if scenario.care.fire.enabled else [])
    assert not (fires["t_control"] < fires["t_water"]).any()
    assert not (fires["t_out"] < fires["t_control"]).any()
    assert fires["burnt_m2"].dropna().between(0.0, scenario.care.fire.largest_m2).all()

    patients = recorder.frame("patients")
    assert not patients.duplicated(["call_id", "patient"]).any()
    per_call = patients.groupby("call_id")["patient"]
    assert (per_call.max() == per_call.size()).all()
    false = calls.set_index("call_id")["false_alarm"]
    assert not false[patients["call_id"].unique()].any()
    unit_at = patients.dropna(subset=["t_leave"])
    assert not unit_at.duplicated(["unit_id", "t_leave"]).any()
    chances = patients[["chance_call", "chance_onscene", "chance_leave", "survival"]]
    assert ((chances >= 0.0) & (chances <= 1.0) | chances.isna()).to_numpy().all()

    for _, mine in recorder.frame("unit_events").groupby("unit_id"):
        states = [UnitState(s) for s in mine["state"]]
        assert all(b in UNIT_NEXT[a] for a, b in pairwise(states))
    for unit in model.units:
        if unit.task is not None:
            assert unit.task.incident.call_id in model.incidents
    waiting = {task.incident.call_id for task in model.dispatcher.waiting}
    assert waiting <= set(model.incidents)
