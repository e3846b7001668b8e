"""Whatever roster, shifts, load, rules and closures: the books of the chain balance."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.emergency import DAY, dispatch_rules, inject, plan, run, sure, town
from twin.agents.policies import known
from twin.agents.states import BUSY, UNIT_NEXT, UnitState
from twin.simulation import CityModel

ORDER = ["t_call", "t_dispatch", "t_enroute", "t_onscene", "t_leave", "t_hospital", "t_clear"]
FIRST, CARRIER = [*ORDER[:4], "t_clear"], ["t_call", *ORDER[4:]]
hours = st.sampled_from([0.0, 21_600.0, 23_000.0, 25_000.0, 27_000.0])


@st.composite
def days(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "ambulances": draw(st.integers(0, 4)),
        "engines": draw(st.integers(0, 3)),
        "shifts": draw(st.lists(st.tuples(hours, hours), min_size=7, max_size=7)),
        "per_day": draw(st.sampled_from([0.0, 100.0, 600.0])),
        "p_transport": draw(st.sampled_from([0.0, 0.5, 1.0])),
        "incident": draw(st.sampled_from(["medical", "fire", "collision"])),
        "patients": draw(st.integers(0, 4)),
        "link": draw(st.integers(0, 47)),
        "closed_link": draw(st.integers(0, 47)),
        "hospitals": draw(st.lists(st.sampled_from(["H0", "H1"]), unique=True)),
        "mode": draw(st.sampled_from(["close", "divert"])),
        "seed": draw(st.integers(0, 5)),
        "dispatch": draw(st.sampled_from(dispatch_rules())),
        "queue": draw(st.sampled_from(known("queue"))),
        "reassign": draw(st.sampled_from(known("reassign"))),
    }


@given(days())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_the_books_balance(day: dict[str, Any]) -> None:
    city = town(
        ambulances=day["ambulances"],
        engines=day["engines"],
        medical_per_day=day["per_day"],
        fire_per_day=day["per_day"] / 5.0,
        service=sure(day["p_transport"]),
    )
    units = city["units"]
    for k in range(len(units)):
        units.loc[k, ["on_s", "off_s"]] = day["shifts"][k]
    closed = int(city.network.link_id[day["closed_link"]])
    changes: list[dict[str, Any]] = [
        inject(
            city,
            "06:10",
            day["link"],
            incident=day["incident"],
            patients=day["patients"],
        ),
        {"kind": "close-links", "links": [closed], "at": "06:11", "until": "07:00"},
    ]
    for hospital in day["hospitals"]:
        closing = {"kind": "close-hospital", "hospital": hospital, "mode": day["mode"]}
        changes.append(closing | {"at": "06:20", "until": "07:10"})
    scenario = plan(
        period={"day": DAY, "start": "06:00", "end": "08:00"},
        calls={"collisions": True},
        changes=changes,
        seed=day["seed"],
        policy={
            # Rules that look at the demand need to know it.
            "dispatch": day["dispatch"] if day["per_day"] else "beats",
            "queue": day["queue"],
            "reassign": day["reassign"],
        },
    )
    model, recorder = run(CityModel, city, scenario)
    calls = recorder.frame("calls")
    stages = recorder.frame("incident_events")

    received = stages[stages["stage"] == "received"]["call_id"]
    assert sorted(calls["call_id"]) == sorted(received)
    assert calls["call_id"].is_unique
    finished = set(stages[stages["stage"] == "closed"]["call_id"])
    assert set(calls[calls["fate"] == "closed"]["call_id"]) == finished
    assert len(model.incidents) == len(calls) - len(finished)
    # The stamps of a row are those of two units where another one took the patient.
    one = calls["carrier_id"].isna() | (calls["carrier_id"] == calls["unit_id"])
    for rows, stamps in ((one, ORDER), (~one, FIRST), (~one, CARRIER)):
        for row in calls.loc[rows, stamps].to_numpy(np.float64):
            assert (np.diff(row[~np.isnan(row)]) >= 0.0).all()

    events = recorder.frame("unit_events")
    for _, mine in events.groupby("unit_id"):
        states = [UnitState(s) for s in mine["state"]]
        assert states[0] is UnitState.IDLE
        assert all(b in UNIT_NEXT[a] for a, b in pairwise(states))
        assert mine["t"].is_monotonic_increasing
        # A unit belongs to one call from its assignment until it is clear or turned on its way.
        call = mine["call_id"].tolist()
        for (before, a), (after, b) in pairwise(zip(states, call, strict=True)):
            if before in BUSY and after in BUSY:
                assert (a == b) == (before is not after)
    busy = {u.unit_id for u in model.units if u.busy or u.task is not None}
    waiting = {task.incident.call_id for task in model.dispatcher.waiting}
    for unit in model.units:
        if unit.task is not None:
            assert unit.task.unit is unit
            assert unit.task.incident.call_id in model.incidents
    assert len({u.task for u in model.units if u.task}) == len([u for u in model.units if u.task])
    assert busy <= set(units["unit_id"])
    assert waiting <= set(model.incidents)
    present = recorder.frame("hospital_status").groupby("hospital_id")["present"].last()
    handing_over = [u for u in model.units if u.state is UnitState.AT_HOSPITAL]
    assert present.sum() == len(handing_over)
