"""Who is sent: the nearest unit, by priority, by shift; and calls that no road leads to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import (
    QUIET,
    FixedModel,
    FixedStreets,
    InstantModel,
    at,
    inject,
    plan,
    run,
    sure,
    town,
)
from twin.agents.states import UnitState
from twin.network.graph import Place
from twin.recording.memory import MemoryRecorder
from twin.simulation import CityModel
from twin.traffic.mobility import UnreachableError


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
