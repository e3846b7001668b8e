"""Whatever beds, refusals, crews and failures: the books of hospitals and crews balance."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.emergency import DAY, plan, run, sure, town
from twin.agents.policies import known
from twin.agents.states import PAUSED, UNIT_NEXT, UnitState
from twin.simulation import CityModel

shares = st.sampled_from([0.0, 0.3, 1.0])
START, END = 21_600.0, 32_400.0


@st.composite
def rooms(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "beds": draw(st.integers(1, 6)),
        "stay_min": draw(st.sampled_from([20.0, 90.0])),
        "stay_cv": draw(st.sampled_from([0.0, 0.5, 1.0])),
        "walk_ins_per_bed": draw(st.sampled_from([0.0, 5.0, 30.0])),
        "teams": draw(st.sampled_from([None, 1, 3])),
        "prealert": draw(st.booleans()),
        "release_after_min": draw(st.sampled_from([None, 0.0, 15.0])),
        "divert_at": draw(st.sampled_from([None, 1.0, 1.5])),
        "turn_back": draw(st.booleans()),
        "at_door": draw(st.sampled_from(["take", "turn-away"])),
        "refusal": draw(shares),
        "refusal_when_full": draw(st.sampled_from([None, 0.8])),
        "enquiry_s": draw(st.sampled_from([0.0, 45.0])),
        "most_refusals": draw(st.sampled_from([0, 3])),
        "report_every_min": draw(st.sampled_from([0.0, 7.0, 60.0])),
        "needs": {"medical": {"pci": draw(st.sampled_from([0.0, 0.5]))}},
    }


@st.composite
def crews(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "changes": draw(st.sampled_from([[], ["07:00"], ["06:30", "07:10", "08:00"]])),
        "break_min": draw(st.sampled_from([0.0, 10.0])),
        "break_after_h": draw(st.sampled_from([0.0, 0.3])),
        "break_spread_h": draw(st.sampled_from([0.0, 0.2])),
        "restock_min": draw(st.sampled_from([0.0, 6.0])),
        "restock_every": draw(st.integers(1, 2)),
        "failures_every_h": draw(st.sampled_from([None, 0.5, 5.0])),
        "repair_h": draw(st.sampled_from([0.1, 1.0])),
    }


@given(
    rooms(),
    crews(),
    st.sampled_from(known("hospital")),
    st.sampled_from(["none", "dmexclp"]),
    st.sampled_from(known("reassign")),
    st.integers(0, 3),
    st.booleans(),
)
@settings(max_examples=10, deadline=None, derandomize=True)
def test_the_books_balance(
    hospitals: dict[str, Any],
    crew: dict[str, Any],
    rule: str,
    moveup: str,
    reassign: str,
    seed: int,
    off_road: bool,
) -> None:
    city = town(ambulances=6, engines=1, medical_per_day=350.0, service=sure(0.8))
    city.tables["hospitals"] = city["hospitals"].assign(
        capabilities=["emergency", "emergency pci"], level=["local", "regional"]
    )
    more = [
        {"kind": "add-station", "station_id": "S2", "lon": float(city.network.node_lon[0]),
         "lat": float(city.network.node_lat[0])},
        {"kind": "close-hospital", "hospital": "H0", "at": "06:40", "until": "07:20"},
    ]  # fmt: skip
    if off_road:
        more.append({"kind": "off-road", "units": ["A0", "A1"], "at": "06:20", "until": "07:15"})
    scenario = plan(
        period={"day": DAY, "start": "06:00", "end": "09:00"},
        hospitals=hospitals,
        crews=crew,
        changes=more,
        policy={"hospital": rule, "moveup": moveup, "reassign": reassign},
        seed=seed,
    )
    model, recorder = run(CityModel, city, scenario)

    status = recorder.frame("hospital_status")
    assert (status["occupied"] <= status["beds"]).all()
    assert not ((status["waiting"] > 0) & (status["occupied"] < status["beds"])).any()
    assert (status[["occupied", "waiting", "present"]] >= 0).all().all()

    patients = recorder.frame("hospital_patients")
    stamps = patients[["t_door", "t_bed", "t_treatment"]].to_numpy()
    assert not (np.diff(stamps, axis=1) < -1e-9).any()
    assert not (patients["t_alert"] > patients["t_door"] + 1e-9).any()
    assert not (patients["t_released"] < patients["t_door"] - 1e-9).any()
    if (cap := hospitals["release_after_min"]) is not None:
        kept = (patients["t_released"] - patients["t_door"]).dropna()
        assert (kept <= 60.0 * cap + 1e-6).all()
    assert not patients.duplicated(["call_id", "role"]).any()
    calls = recorder.frame("calls").set_index("call_id")
    there = [u.task for u in model.units if u.state is UnitState.AT_HOSPITAL]
    arrived = calls["t_hospital"].notna().sum()
    assert len(patients) >= arrived - len(there)
    assert set(patients["call_id"]) <= set(calls.index)

    # Nobody is refused once the most are.
    most = hospitals["most_refusals"]
    asked = recorder.frame("hospital_enquiries")
    assert asked.groupby("call_id")["refused"].sum().max() <= max(most, 0) * 4 or asked.empty

    shifts = recorder.frame("crew_shifts")
    events = recorder.frame("unit_events")
    for unit, mine in events.groupby("unit_id"):
        states = [UnitState(s) for s in mine["state"]]
        assert all(after in UNIT_NEXT[before] for before, after in pairwise(states))
        assert mine["t"].is_monotonic_increasing
        paused = mine[mine["state"].isin([str(s) for s in PAUSED])]
        assert paused["call_id"].isna().all()
        own = shifts[shifts["unit_id"] == unit].sort_values("t_on")
        on, off = own["t_on"].to_numpy(), own["t_off"].fillna(END).to_numpy()
        assert (off >= on).all()
        assert (on[1:] >= off[:-1]).all()
        assert on[0] == START
    assert (shifts["overtime_s"] >= 0.0).all()
    for unit in model.units:
        if unit.upkeep is not None and unit.upkeep.keeps_off:
            assert not unit.available
