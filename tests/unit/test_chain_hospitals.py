"""Where patients are taken: hospitals that close, divert, suit nobody, or are out of reach."""

from __future__ import annotations

import numpy as np
import pytest

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
from twin.agents.hospitals.hospital import HospitalStatus
from twin.recording.memory import MemoryRecorder
from twin.traffic.mobility import UnreachableError


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


@pytest.mark.parametrize("door", ["take", "turn-away"])
def test_when_all_divert_by_order_none_does(door) -> None:
    city = town(service=sure(1.0))
    rooms = {"at_door": door}
    usual = plan(calls=QUIET, hospitals=rooms, changes=[inject(city, "07:00")])
    _, recorder = run(FixedModel, city, usual)
    call = recorder.frame("calls").iloc[0]
    orders = [{"kind": "close-hospital", "hospital": h, "mode": "divert"} for h in ("H0", "H1")]
    both = plan(calls=QUIET, hospitals=rooms, changes=[*orders, inject(city, "07:00")])
    _, recorder = run(FixedModel, city, both)
    columns = ["hospital_id", "t_leave", "t_hospital", "t_clear", "fate"]
    assert recorder.frame("calls").iloc[0][columns].tolist() == call[columns].tolist()
    # One that has closed stays closed.
    orders[0]["mode"] = "close"
    shut = plan(calls=QUIET, hospitals=rooms, changes=[*orders, inject(city, "07:00")])
    _, recorder = run(FixedModel, city, shut)
    assert recorder.frame("calls")["hospital_id"].tolist() == ["H1"]


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
