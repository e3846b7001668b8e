"""The emergency chain: the books of a day, every interval, fires and collisions."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import (
    QUIET,
    SERVICE,
    FixedModel,
    at,
    inject,
    plan,
    run,
    sure,
    town,
)
from twin.agents.states import STAGES, UNIT_NEXT, UnitState
from twin.recording.store import RunReader, RunWriter
from twin.simulation import CityModel

ORDER = ["t_call", "t_dispatch", "t_enroute", "t_onscene", "t_leave", "t_hospital", "t_clear"]


def test_a_whole_day_of_calls_keeps_its_books() -> None:
    city = town(medical_per_day=150, fire_per_day=30, rows=6)
    model, recorder = run(CityModel, city, plan(calls={"collisions": True}))
    calls = recorder.frame("calls")
    stages = recorder.frame("incident_events")
    received = stages[stages["stage"] == "received"]
    assert sorted(calls["call_id"]) == sorted(received["call_id"])
    assert calls["call_id"].is_unique
    assert set(model.calls["call_id"]) <= set(calls["call_id"])
    assert {"medical", "fire", "collision"} == set(calls["kind"])
    times = calls[ORDER].to_numpy()
    for row in times:
        known = row[~np.isnan(row)]
        assert (np.diff(known) >= 0).all()
    assert (calls["response_s"].dropna() >= 0).all()
    closed = calls[calls["fate"] == "closed"]
    assert len(closed) > 20
    assert closed["t_clear"].notna().all()
    assert calls.loc[calls["fate"] == "open", "t_clear"].isna().all()
    ends = stages[stages["stage"] == "closed"]
    assert sorted(ends["call_id"]) == sorted(closed["call_id"])
    carried = closed[closed["transported"]]
    assert carried["t_hospital"].notna().all()
    assert carried["hospital_id"].isin(["H0", "H1"]).all()
    summary = model.summary()
    assert (summary.calls, summary.closed) == (len(calls), len(closed))
    assert summary.response_p50_s == pytest.approx(calls["response_s"].median())
    assert not summary.assumed


def test_no_unit_is_in_two_states_or_places_at_once() -> None:
    city = town(medical_per_day=300, fire_per_day=30, rows=6)
    _, recorder = run(CityModel, city, plan())
    events = recorder.frame("unit_events")
    fastest = 1.3 * float(city.network.link_speed.max())
    metres = 111_320.0
    for _, mine in events.groupby("unit_id"):
        states = [UnitState(s) for s in mine["state"]]
        assert states[0] is UnitState.IDLE
        assert all(b in UNIT_NEXT[a] for a, b in itertools.pairwise(states))
        t = mine["t"].to_numpy()
        assert (np.diff(t) >= 0).all()
        gone = np.hypot(np.diff(mine["lon"]), np.diff(mine["lat"])) * metres
        assert (gone <= fastest * np.diff(t) + 1.0).all()
    busy = events[~events["state"].isin(["idle", "returning", "off_shift"])]
    assert busy["call_id"].notna().all()


def test_a_stored_run_tells_what_befell_a_unit_in_its_order(tmp_path) -> None:
    city = town(ambulances=1, medical_per_day=300)
    scenario = plan()
    writer = RunWriter(tmp_path / "run", scenario, city)
    CityModel(city, scenario, recorder=writer).run()
    writer.finish({}, {})
    events = RunReader(tmp_path / "run").table("unit_events")
    again = 0
    for _, mine in events.groupby("unit_id"):
        states = [UnitState(s) for s in mine["state"]]
        assert all(b in UNIT_NEXT[a] for a, b in itertools.pairwise(states))
        # Sent to the next call at the instant it was free: the case in which order is all there is.
        t = mine["t"].to_numpy()
        again += int(((np.diff(t) == 0.0) & (mine["state"].to_numpy()[:-1] == "returning")).sum())
    assert again > 10


def test_stages_come_in_their_order_and_once() -> None:
    _, recorder = run(CityModel, town(fire_per_day=60), plan(calls={"collisions": True}))
    for (_, kind), mine in recorder.frame("incident_events").groupby(["call_id", "kind"]):
        stages = [s for s in mine["stage"] if s != "road_cleared"]
        order = [str(s) for s in STAGES[kind]]
        ranks = [order.index(s) for s in stages]
        assert ranks == sorted(set(ranks))
        assert mine["t"].is_monotonic_increasing


def test_every_interval_of_a_transported_patient() -> None:
    city = town(service=sure(1.0))
    scenario = plan(calls=QUIET, changes=[inject(city, "07:00")])
    _, recorder = run(FixedModel, city, scenario)
    call = recorder.frame("calls").iloc[0]
    waits = np.diff([call[name] for name in [*ORDER, "t_base"]])
    assert waits.tolist() == pytest.approx([60, 30, 120, 300, 120, 900, 120])
    assert call["response_s"] == pytest.approx(210)
    states = recorder.frame("unit_events")
    mine = states[states["unit_id"] == call["unit_id"]]["state"].tolist()
    assert mine == [
        "idle",
        "turnout",
        "to_scene",
        "on_scene",
        "transporting",
        "at_hospital",
        "returning",
        "idle",
    ]
    status = recorder.frame("hospital_status")
    there = status[status["hospital_id"] == call["hospital_id"]]
    assert there["present"].tolist() == [0, 1, 0]


def test_a_fire_calls_engines_and_goes_through_its_stages() -> None:
    city = town(service=sure(0.0))
    fire = inject(city, "07:00", incident="fire", patients=1)
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=[fire]))
    stages = recorder.frame("incident_events").set_index("stage")["t"]
    assert stages.index.tolist() == [
        "received",
        "dispatched",
        "en_route",
        "on_scene",
        "activity_start",
        "under_control",
        "out",
        "closed",
    ]
    assert stages["on_scene"] == pytest.approx(at(7) + 210.0)
    assert stages["closed"] == pytest.approx(at(7) + 210.0 + 2400.0)
    events = recorder.frame("unit_events")
    there = events[events["state"] == "on_scene"]["unit_id"].tolist()
    assert sorted(there) == ["A0", "E0", "E1"]
    call = recorder.frame("calls").iloc[0]
    assert call["unit_id"] in {"E0", "E1"}


def test_a_row_says_which_unit_took_the_patient() -> None:
    city = town(service=sure(1.0))
    fire = inject(city, "07:00", incident="fire", patients=1)
    ill = inject(city, "09:00")
    fine = inject(city, "10:30", incident="fire", patients=0)
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=[fire, ill, fine]))
    burnt, medical, empty = (row for _, row in recorder.frame("calls").iterrows())
    events = recorder.frame("unit_events")
    brought = events[events["state"] == "at_hospital"].set_index("call_id")
    # The engine stopped the clock; an ambulance, and no engine, has been to the hospital.
    assert burnt["unit_id"].startswith("E")
    for row in (burnt, medical):
        assert row["carrier_id"] == brought.loc[row["call_id"], "unit_id"]
        assert row["carrier_id"].startswith("A")
        assert row["t_hospital"] == brought.loc[row["call_id"], "t"]
    assert medical["carrier_id"] == medical["unit_id"]
    assert not empty["transported"]
    assert empty[["carrier_id", "hospital_id", "t_leave", "t_hospital"]].isna().all()


def test_a_fire_closes_without_the_engine_that_never_came() -> None:
    city = town(engines=1)
    fire = inject(city, "07:00", incident="fire", patients=0)
    model, recorder = run(FixedModel, city, plan(calls=QUIET, changes=[fire]))
    assert recorder.frame("calls")["fate"].tolist() == ["closed"]
    assert not model.dispatcher.waiting


def test_an_engine_under_way_turns_back_when_the_fire_is_closed() -> None:
    city = town(engines=2, rows=12)
    short = SERVICE.durations | {"fire.scene": SERVICE.durations["handling"]}
    city.service[""] = SERVICE.model_copy(update={"durations": short})
    stations = city["stations"]
    far = stations.assign(station_id="S2", link=0, pos_m=5.0)
    city.tables["stations"] = pd.concat([stations, far], ignore_index=True)
    city["units"].loc[city["units"]["unit_id"] == "E1", "station_id"] = "S2"
    goal = int(stations["link"].iloc[0])
    fire = inject(city, "07:00", goal, incident="fire", patients=0)
    _, recorder = run(CityModel, city, plan(calls=QUIET, changes=[fire]))
    events = recorder.frame("unit_events")
    states = events[events["unit_id"] == "E1"]["state"].tolist()
    assert states == ["idle", "turnout", "to_scene", "returning", "idle"]
    call = recorder.frame("calls").iloc[0]
    assert (call["fate"], call["unit_id"]) == ("closed", "E0")


def test_a_collision_takes_lanes_until_crews_and_tow_truck_are_gone() -> None:
    city = town(service=sure(0.0))
    crash = inject(city, "07:00", incident="collision", priority=1, patients=2)
    model, recorder = run(FixedModel, city, plan(calls=QUIET, changes=[crash]))
    block, unblock = model.mobility.calls
    assert block == ("block", at(7), block[2], 1)
    assert unblock == ("unblock", at(7) + 1500.0, 1)
    events = recorder.frame("unit_events")
    assert sorted(events[events["state"] == "on_scene"]["unit_id"]) == ["A0", "A1", "E0"]
    slow = SERVICE.durations | {"scene": SERVICE.durations["fire.scene"]}
    city.service[""] = sure(0.0).model_copy(update={"durations": slow})
    model, recorder = run(FixedModel, city, plan(calls=QUIET, changes=[crash]))
    assert model.mobility.calls[1][1] == pytest.approx(at(7) + 210.0 + 2400.0)
    stages = recorder.frame("incident_events")
    assert stages["stage"].tolist()[-2:] == ["road_cleared", "closed"]


def test_a_collision_without_patients_needs_only_the_tow_truck() -> None:
    city = town()
    crash = inject(city, "07:00", incident="collision", priority=3, patients=0)
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=[crash]))
    call = recorder.frame("calls").iloc[0]
    assert call["fate"] == "closed"
    assert pd.isna(call["unit_id"])
    assert recorder.frame("incident_events")["t"].max() == at(7) + 1500.0


def test_many_patients_take_turns_with_the_units_there_are() -> None:
    city = town(ambulances=2, service=sure(1.0))
    crash = inject(city, "07:00", incident="medical", patients=5)
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=[crash]))
    events = recorder.frame("unit_events")
    assert (events["state"] == "at_hospital").sum() == 5
    call = recorder.frame("calls").iloc[0]
    assert call["fate"] == "closed"
    assert call["t_clear"] == events[events["state"] == "returning"]["t"].max()
