"""The emergency chain: what happens to calls, units and hospitals, case by case."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import (
    SERVICE,
    FixedModel,
    FixedStreets,
    InstantModel,
    inject,
    plan,
    run,
    sure,
    town,
)
from twin.agents.hospital import HospitalStatus
from twin.agents.states import STAGES, UNIT_NEXT, UnitState
from twin.network.graph import Place
from twin.recording.memory import MemoryRecorder
from twin.simulation import CityModel
from twin.traffic.mobility import UnreachableError

QUIET = {"source": "none", "collisions": False}
START = 6 * 3600.0
ORDER = ["t_call", "t_dispatch", "t_enroute", "t_onscene", "t_leave", "t_hospital", "t_clear"]


def at(hours: float) -> float:
    return hours * 3600.0


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


def test_a_returning_unit_is_sent_on_from_where_it_is() -> None:
    city = town(ambulances=1, service=sure(0.0), rows=8)
    changes = [inject(city, "07:00", 0), inject(city, "07:13", city.network.n_links - 1)]
    _, recorder = run(CityModel, city, plan(calls=QUIET, changes=changes))
    first, second = recorder.frame("calls").itertuples(index=False)
    # The second call has been handled while the unit drives home from the first.
    assert first.t_clear < second.t_call + 60.0 < first.t_clear + 90.0
    assert second.t_enroute == second.t_dispatch
    assert np.isnan(first.t_base)
    events = recorder.frame("unit_events")
    turn = events[(events["state"] == "to_scene") & (events["call_id"] == second.call_id)].iloc[0]
    home = events.iloc[0]
    scene = events[events["state"] == "on_scene"].iloc[0]
    for place in (home, scene):
        assert abs(turn["lon"] - place["lon"]) + abs(turn["lat"] - place["lat"]) > 1e-4


def test_an_idle_unit_turns_out_and_the_nearer_one_goes() -> None:
    city = town(ambulances=2, rows=8)
    stations = city["stations"]
    far = stations.assign(station_id="S2", link=0, pos_m=5.0)
    city.tables["stations"] = pd.concat([stations, far], ignore_index=True)
    city["units"].loc[0, "station_id"] = "S2"
    near = int(stations["link"].iloc[0])
    _, recorder = run(CityModel, city, plan(calls=QUIET, changes=[inject(city, "07:00", near)]))
    call = recorder.frame("calls").iloc[0]
    assert call["unit_id"] == "A1"
    assert call["t_enroute"] - call["t_dispatch"] == pytest.approx(30.0)
    decisions = recorder.frame("decisions").set_index("unit_id")
    assert decisions["chosen"].to_dict() == {"A0": False, "A1": True}
    assert decisions.loc["A0", "eta_s"] > decisions.loc["A1", "eta_s"]
    assert (decisions["score"] - decisions["eta_s"]).tolist() == pytest.approx([30.0, 30.0])


def test_a_hospital_that_closes_turns_the_ambulance_to_another() -> None:
    city = town(service=sure(1.0))
    base = plan(calls=QUIET, changes=[inject(city, "07:00")])
    _, before = run(FixedModel, city, base)
    usual = before.frame("calls").iloc[0]
    # On the road from 07:08:30 to 07:10:30.
    for mode in ("close", "divert"):
        closing = {
            "kind": "close-hospital",
            "hospital": usual["hospital_id"],
            "mode": mode,
            "at": "07:09:30",
        }
        changed = base.model_validate(base.model_dump() | {"changes": [*base.changes, closing]})
        _, after = run(FixedModel, city, changed)
        call = after.frame("calls").iloc[0]
        assert call["hospital_id"] != usual["hospital_id"]
        assert call["t_hospital"] == pytest.approx(at(7) + 570.0 + 120.0)
        assert call["t_leave"] == usual["t_leave"]
        choices = after.frame("hospital_choices")
        assert choices[choices["chosen"]]["hospital_id"].tolist() == [
            usual["hospital_id"],
            call["hospital_id"],
        ]
        status = after.frame("hospital_status")
        mine = status[status["hospital_id"] == usual["hospital_id"]]["status"].tolist()
        assert mine == ["open", {"close": "closed", "divert": "divert"}[mode]]


def test_a_patient_waits_until_some_hospital_opens() -> None:
    city = town(service=sure(1.0))
    closed = [
        {"kind": "close-hospital", "hospital": h, "until": until}
        for h, until in (("H0", "08:00"), ("H1", None))
    ]
    scenario = plan(calls=QUIET, changes=[*closed, inject(city, "07:00")])
    _, recorder = run(FixedModel, city, scenario)
    call = recorder.frame("calls").iloc[0]
    assert call["hospital_id"] == "H0"
    assert at(8) <= call["t_leave"] <= at(8) + 60.0
    city.tables["hospitals"] = city["hospitals"].assign(capabilities="burns")
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=[inject(city, "07:00")]))
    call = recorder.frame("calls").iloc[0]
    assert call["fate"] == "open"
    assert np.isnan(call["t_leave"])
    assert call["t_onscene"] > 0


def test_a_hospital_out_of_reach_is_passed_over() -> None:
    city = town(service=sure(1.0))
    recorder = MemoryRecorder()
    scenario = plan(calls=QUIET, changes=[inject(city, "07:00")])
    model = FixedModel(city, scenario, recorder=recorder)
    model.mobility.cut = {int(city["hospitals"]["link"].iloc[0])}
    model.run()
    assert recorder.frame("calls")["hospital_id"].tolist() == ["H1"]


def test_a_hospital_and_the_road_to_it_may_close_in_one_instant() -> None:
    city = town(service=sure(1.0))
    recorder = MemoryRecorder()
    scenario = plan(calls=QUIET, changes=[inject(city, "07:00")])
    model = FixedModel(city, scenario, recorder=recorder)
    drives = []
    drive = model.mobility.drive

    def kept(unit, destination, *, siren):  # type: ignore[no-untyped-def]
        drives.append(drive(unit, destination, siren=siren))
        return drives[-1]

    model.mobility.drive = kept  # type: ignore[method-assign]
    while model.t < at(7) + 540.0:
        model.step()
    model.hospitals["H0"].set_status(HospitalStatus.CLOSED)
    model.mobility.stop(model.units[0].handle)
    drives[-1].fail(UnreachableError("no road"))
    model.run()
    assert recorder.frame("calls")["hospital_id"].tolist() == ["H1"]


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


def test_a_fire_closes_without_the_engine_that_never_came() -> None:
    city = town(engines=1)
    fire = inject(city, "07:00", incident="fire", patients=0)
    model, recorder = run(FixedModel, city, plan(calls=QUIET, changes=[fire]))
    assert recorder.frame("calls")["fate"].tolist() == ["closed"]
    assert not model.dispatcher.waiting


def test_an_engine_under_way_turns_back_when_the_fire_is_closed() -> None:
    city = town(engines=2, rows=8)
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


def test_a_call_that_no_road_leads_to_waits_and_is_served_when_one_does() -> None:
    city = town()
    scenario = plan(calls=QUIET, changes=[inject(city, "07:00")])
    recorder = MemoryRecorder()
    model = FixedModel(city, scenario, recorder=recorder)
    model.mobility.cut = set(range(city.network.n_links)) - {int(city["stations"]["link"].iloc[0])}
    while model.t < at(8):
        model.step()
    assert len(model.dispatcher.waiting) == 1
    model.mobility.cut = set()
    model.run()
    call = recorder.frame("calls").iloc[0]
    assert at(8) <= call["t_dispatch"] <= at(8) + 120.0
    assert call["fate"] == "closed"


class _Misled(FixedStreets):
    """Promises ways that unit 0 does not find."""

    def drive(self, unit: int, destination: Place, *, siren: bool):  # type: ignore[no-untyped-def]
        event = super().drive(unit, destination, siren=siren)
        if unit == 0 and siren:
            self._drive[unit] += 1
            event.fail(UnreachableError("no road after all"))
        return event


def test_a_unit_without_a_way_gives_the_call_to_another() -> None:
    class Model(FixedModel):
        @classmethod
        def streets(cls, env, city, scenario, streams):  # type: ignore[no-untyped-def]  # noqa: ARG003
            return _Misled(env, 120.0), None

    city = town(ambulances=2, service=sure(0.0))
    _, recorder = run(Model, city, plan(calls=QUIET, changes=[inject(city, "07:00")]))
    call = recorder.frame("calls").iloc[0]
    assert (call["unit_id"], call["fate"]) == ("A1", "closed")
    states = recorder.frame("unit_events")
    mine = states[states["unit_id"] == "A0"]["state"].tolist()
    assert mine == ["idle", "turnout", "to_scene", "returning", "idle"]
    alone = town(ambulances=1)
    _, recorder = run(Model, alone, plan(calls=QUIET, changes=[inject(alone, "07:00")]))
    assert recorder.frame("calls")["fate"].tolist() == ["open"]


def test_calls_wait_when_nobody_is_on_shift() -> None:
    city = town(ambulances=0)
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=[inject(city, "07:00")]))
    call = recorder.frame("calls").iloc[0]
    assert call["fate"] == "open"
    assert pd.isna(call["unit_id"])
    assert np.isnan(call["t_dispatch"])


def test_a_shift_that_ends_during_a_call_ends_at_the_station() -> None:
    city = town(ambulances=2, service=sure(0.0))
    units = city["units"]
    units.loc[units["unit_id"] == "A0", ["on_s", "off_s"]] = (at(5), at(7) + 300.0)
    units.loc[units["unit_id"] == "A1", ["on_s", "off_s"]] = (at(8), at(20))
    # The second call has been handled at 07:14, when A0 is on its way home after its shift.
    changes = [inject(city, "07:00"), inject(city, "07:13")]
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=changes))
    first, second = recorder.frame("calls").itertuples(index=False)
    assert (first.unit_id, second.unit_id) == ("A0", "A1")
    assert second.t_dispatch == at(8)
    events = recorder.frame("unit_events")
    mine = events[events["unit_id"] == "A0"]
    assert mine["state"].tolist()[-2:] == ["returning", "off_shift"]
    assert mine["t"].iloc[-1] == pytest.approx(at(7) + 210.0 + 600.0 + 120.0)


def test_the_most_urgent_waiting_call_goes_first_by_priority_and_the_first_by_arrival() -> None:
    city = town(ambulances=1, service=sure(0.0))
    changes = [
        inject(city, "07:00", priority=2),
        inject(city, "07:01", priority=3),
        inject(city, "07:02", priority=1),
    ]
    for queue, expected in (("priority", ["I-1", "I-3", "I-2"]), ("first-come", None)):
        scenario = plan(calls=QUIET, changes=changes, policy={"queue": queue})
        _, recorder = run(InstantModel, city, scenario)
        served = recorder.frame("calls").sort_values("t_dispatch")["call_id"].tolist()
        assert served == (expected or ["I-1", "I-2", "I-3"])


def test_a_unit_that_is_busy_cannot_be_given_a_call() -> None:
    city = town(ambulances=1)
    model = FixedModel(city, plan(calls=QUIET, changes=[inject(city, "07:00")]))
    while model.t <= at(7) + 120.0:
        model.step()
    unit = model.units[0]
    assert unit.busy
    with pytest.raises(RuntimeError, match="cannot take a call"):
        unit.assign(unit.task)
    with pytest.raises(RuntimeError, match="cannot pass from"):
        unit.enter(UnitState.OFF_SHIFT)


def test_less_urgent_calls_are_answered_without_siren() -> None:
    service = sure(1.0).model_copy(update={"siren_to_priority": 2})
    city = town(rows=8, service=service)
    for priority, scene, hospital in ((1, True, True), (2, True, False), (3, False, False)):
        scenario = plan(calls=QUIET, changes=[inject(city, "07:00", priority=priority)])
        model = FixedModel(city, scenario)
        drive, sirens = model.mobility.drive, []

        def heard(unit, destination, *, siren, sirens=sirens, drive=drive):  # type: ignore[no-untyped-def]
            sirens.append(siren)
            return drive(unit, destination, siren=siren)

        model.mobility.drive = heard  # type: ignore[method-assign]
        model.run()
        assert sirens == [scene, hospital, False]
