"""Crews and vehicles: changes, overtime, meals, stock, failures, planned work, days of the week."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from apps.report.service import crews_line
from tests.support.emergency import QUIET, SERVICE, FixedModel, at, inject, plan, run, sure, town
from twin.agents.units.shifts import Shift, weekdays
from twin.city.model import Service
from twin.core.errors import InputError
from twin.metrics.crews import crew_figures
from twin.recording.memory import MemoryRecorder

HOUR = 3600.0
# In `FixedModel`, a call at 07:00 without transport: turnout 07:01 to 07:01:30, on scene 07:03:30
# to 07:13:30, home at 07:15:30. With transport: left 07:08:30, at hospital 07:10:30 to 07:25:30,
# home at 07:27:30.


def lived(recorder: MemoryRecorder, unit: str = "A0") -> list[tuple[str, float]]:
    events = recorder.frame("unit_events")
    mine = events[events["unit_id"] == unit]
    return list(zip(mine["state"], mine["t"], strict=True))


def quiet(calls: list[str], *, transport: float = 0.0, **fields: Any) -> MemoryRecorder:
    """Run a town with one ambulance and a call at each of these times."""
    city = town(ambulances=1, engines=0, service=fields.pop("service", sure(transport)))
    changes = [*fields.pop("changes", ()), *(inject(city, t) for t in calls)]
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=changes, **fields))
    return recorder


def test_crews_change_in_place_and_a_call_makes_overtime() -> None:
    recorder = quiet(["07:55"], crews={"changes": ["08:00", "10:00"]})
    shifts = recorder.frame("crew_shifts")
    # The call is over at 08:08:30 and the unit home at 08:10:30; the next crew begins then.
    assert shifts["t_on"].tolist() == [at(6), at(8) + 630.0, at(10)]
    assert shifts["t_due"].tolist() == [at(8), at(10), at(32)]
    assert shifts["t_off"].tolist()[:2] == [at(8) + 630.0, at(10)]
    assert np.isnan(shifts["t_off"].iloc[2])
    assert shifts["overtime_s"].tolist() == [630.0, 0.0, 0.0]
    assert [state for state, _ in lived(recorder)][-4:] == ["off_shift", "idle"] * 2


def test_who_is_on_duty_takes_no_call_after_the_change_until_home() -> None:
    recorder = quiet(["07:55", "08:08:00"], crews={"changes": ["08:00"]})
    calls = recorder.frame("calls").sort_values("t_call")
    # Free at 08:08:30, asked for at 08:09, home at 08:10:30: the new crew takes it.
    assert calls["t_dispatch"].tolist()[1] == at(8) + 630.0


def test_a_meal_is_had_at_the_station_when_it_is_due() -> None:
    crews = {"changes": ["06:00"], "break_min": 30, "break_after_h": 1, "break_until_h": 3}
    recorder = quiet(["06:55", "07:20"], crews=crews)
    states = lived(recorder)
    # Due at 07:00, home at 07:10:30; the call of 07:20 waits for the end of the break.
    assert ("on_break", at(7) + 630.0) in states
    calls = recorder.frame("calls").sort_values("t_call")
    assert calls["t_dispatch"].tolist()[1] == at(7) + 630.0 + 1800.0
    shift = recorder.frame("crew_shifts").iloc[0]
    assert shift["t_break"] == at(7) + 630.0
    assert not shift["break_missed"]


def test_a_meal_that_cannot_be_had_in_time_is_missed() -> None:
    crews = {"changes": ["06:00"], "break_min": 30, "break_after_h": 1, "break_until_h": 1.1}
    recorder = quiet(["06:55"], crews=crews)
    assert "on_break" not in dict(lived(recorder))
    shift = recorder.frame("crew_shifts").iloc[0]
    assert shift["break_missed"]
    assert np.isnan(shift["t_break"])


def test_meals_are_spread_over_the_units() -> None:
    crews = {"changes": ["06:00"], "break_min": 10, "break_after_h": 1, "break_spread_h": 2.0}
    _, recorder = run(FixedModel, town(ambulances=50, engines=0), plan(calls=QUIET, crews=crews))
    began = np.sort(recorder.frame("crew_shifts")["t_break"].to_numpy())
    assert began[0] == at(7)
    assert np.diff(began).max() < 2.0 * 7200.0 / 50
    assert np.histogram(began, bins=8, range=(at(7), at(9)))[0].tolist() == pytest.approx(
        [6.25] * 8, abs=2.0
    )


def test_a_meal_that_was_due_before_the_run_is_not_missed() -> None:
    crews = {"changes": ["00:00", "08:00"], "break_min": 30, "break_after_h": 2}
    shifts = quiet([], crews=crews | {"break_until_h": 6.0}).frame("crew_shifts")
    assert shifts["t_break"].fillna(0.0).tolist() == [0.0, at(10)]
    assert not shifts["break_missed"].any()


def test_an_ambulance_restocks_at_home_after_so_many_patients() -> None:
    crews = {"restock_min": 20, "restock_every": 2}
    recorder = quiet(["07:00", "08:00", "09:00"], transport=1.0, crews=crews)
    states = lived(recorder)
    assert [t for state, t in states if state == "restocking"] == [at(8) + 1650.0]
    assert states[states.index(("restocking", at(8) + 1650.0)) + 1] == ("idle", at(8) + 2850.0)
    assert "restocking" not in dict(lived(quiet(["07:00", "08:00"], crews=crews)))


def test_planned_work_keeps_a_unit_at_home_once_it_is_free() -> None:
    off = {"kind": "off-road", "units": ["A0"], "at": "07:05", "until": "09:00"}
    recorder = quiet(["07:00", "07:10"], changes=[off])
    states = lived(recorder)
    # On a call at 07:05; not even the call of 07:10 stops it on its way home.
    assert ("off_road", at(7) + 930.0) in states
    calls = recorder.frame("calls").sort_values("t_call")
    assert calls["t_dispatch"].tolist() == [at(7) + 60.0, at(9)]
    whole = quiet(["07:00"], changes=[{"kind": "off-road", "units": ["A0"]}])
    assert whole.frame("calls")["fate"].tolist() == ["open"]
    assert np.isnan(whole.frame("calls")["t_dispatch"].iloc[0])


def test_two_windows_of_planned_work_hold_until_the_later_ends() -> None:
    off = [
        {"kind": "off-road", "units": ["A0"], "at": "07:00", "until": "09:00"},
        {"kind": "off-road", "units": ["A0"], "at": "08:00", "until": "10:00"},
    ]
    states = lived(quiet([], changes=off))
    assert states == [("idle", at(6)), ("off_road", at(7)), ("idle", at(10))]


def test_planned_work_outlasts_a_shift_and_costs_no_overtime() -> None:
    off = [{"kind": "off-road", "units": ["A0"], "at": "07:00", "until": "09:30"}]
    recorder = quiet(["09:00"], changes=off, crews={"changes": ["08:00"]})
    states = lived(recorder)
    assert states[1:5] == [
        ("off_road", at(7)), ("idle", at(8)), ("off_shift", at(8)), ("idle", at(8)),
    ]  # fmt: skip
    assert states[5] == ("off_road", at(8))
    assert recorder.frame("calls")["t_dispatch"].tolist() == [at(9.5)]
    assert recorder.frame("crew_shifts")["overtime_s"].max() == 0.0


def test_vehicles_fail_and_are_repaired_as_often_and_as_long_as_said() -> None:
    city = town(ambulances=40, engines=0)
    scenario = plan(
        period={"start": "00:00", "end": "240:00"},
        calls=QUIET,
        crews={"failures_every_h": 30.0, "repair_h": 10.0},
        record={"frame_every_s": 600.0},
    )
    _, recorder = run(FixedModel, city, scenario)
    events = recorder.frame("unit_events").sort_values(["unit_id", "t"], kind="stable")
    events["lasts"] = -(events.groupby("unit_id")["t"].diff(-1)) / HOUR
    off, on = (events.loc[events["state"] == s, "lasts"].dropna() for s in ("off_road", "idle"))
    assert len(off) > 150
    # A renewal process: on the road for 30 of 40 hours; exponential times deviate by their mean.
    hours = 240.0 * 40
    share = float(events.loc[events["state"] == "off_road", "lasts"].sum()) / hours
    assert share == pytest.approx(0.25, abs=0.05)
    assert off.mean() == pytest.approx(10.0, abs=3 * 10.0 / np.sqrt(len(off)))
    assert len(on) == pytest.approx(hours / 40.0, abs=3 * np.sqrt(hours / 40.0))


def test_a_vehicle_fails_in_no_call() -> None:
    crews = {"failures_every_h": 0.3, "repair_h": 0.2}
    recorder = quiet(["07:00", "08:00", "09:00", "10:00"], transport=1.0, crews=crews)
    states = [state for state, _ in lived(recorder)]
    before = {a for a, b in pairwise(states) if b == "off_road"}
    assert states.count("off_road") > 3
    assert before == {"idle"}
    assert (recorder.frame("calls")["fate"] == "closed").all()


def test_no_feature_shifts_what_is_drawn_for_calls() -> None:
    crews = {
        "changes": ["07:00", "09:00"], "break_min": 20, "break_after_h": 0.5, "restock_min": 5,
        "failures_every_h": 5.0,
    }  # fmt: skip
    found = []
    for settings in ({}, crews):
        _, recorder = run(FixedModel, town(), plan(crews=settings))
        calls = recorder.frame("calls").sort_values("call_id")
        found.append(calls[["call_id", "t_call", "lon", "lat", "priority"]].reset_index(drop=True))
        assert (recorder.frame("unit_events")["state"] == "on_break").any() == bool(settings)
    assert found[0].equals(found[1])


def test_shifts_begin_on_their_days() -> None:
    # 2025-03-05 is a Wednesday: day 0 is 3.
    weekend = Shift(8 * HOUR, 20 * HOUR, days=frozenset({6, 7}), first_day=3)
    assert weekend.at(0.0) == (3 * 24 * HOUR + 8 * HOUR, 3 * 24 * HOUR + 20 * HOUR)
    assert weekend.at(4 * 24 * HOUR + 9 * HOUR)[0] == 4 * 24 * HOUR + 8 * HOUR
    assert weekend.at(4 * 24 * HOUR + 21 * HOUR)[0] == 10 * 24 * HOUR + 8 * HOUR
    night = Shift(20 * HOUR, 8 * HOUR, days=frozenset({2}), first_day=3)
    assert night.at(3 * HOUR) == (-4 * HOUR, 8 * HOUR)  # it began on Tuesday
    whole = Shift(0.0, 0.0, days=frozenset({3}), first_day=3)
    assert whole.at(5 * HOUR) == (0.0, 24 * HOUR)
    crews = Shift(0.0, 0.0, changes_s=(9 * HOUR, 18 * HOUR))
    assert crews.at(9 * HOUR) == (9 * HOUR, 18 * HOUR)
    assert crews.at(2 * HOUR) == (-6 * HOUR, 9 * HOUR)
    assert crews.at(20 * HOUR) == (18 * HOUR, 33 * HOUR)
    assert weekdays("76") == {6, 7}
    assert weekdays("") == weekdays(None) == weekdays(float("nan")) == frozenset()
    for rubbish in ("8", "Mon", "1,2"):
        with pytest.raises(InputError, match="no days of the week"):
            weekdays(rubbish)


def test_added_units_and_those_of_the_city_have_days() -> None:
    city = town(ambulances=2, engines=0)
    city.tables["units"] = city["units"].assign(days=["6", ""])
    more = {"kind": "add-units", "station": "S1", "days": "3", "on": "07:00", "off": "09:00"}
    scenario = plan(calls=QUIET, changes=[more])
    _, recorder = run(FixedModel, city, scenario)  # on a Wednesday
    shifts = recorder.frame("crew_shifts").set_index("unit_id")
    assert set(shifts.index) == {"A1", "S1-new-ambulance-1"}
    assert shifts.loc["S1-new-ambulance-1", ["t_on", "t_off"]].tolist() == [at(7), at(9)]


def test_turnout_by_hour_and_by_station() -> None:
    by_hour = [1.0] * 24
    by_hour[7] = 2.0
    crews = {"turnout_by_hour": by_hour}
    for settings in ({"crews": crews}, {"service": sure(0.0).model_copy(
        update={"turnout_by_hour": {"both": by_hour, "ems": [9.0] * 24}}
    )}):  # fmt: skip
        calls = quiet(["07:00", "09:00"], **settings).frame("calls").sort_values("t_call")
        assert (calls["t_enroute"] - calls["t_dispatch"]).tolist() == [60.0, 30.0]
        choices = quiet(["07:00", "09:00"], **settings).frame("decisions").sort_values("t")
        assert choices["score"].tolist() == [180.0, 150.0]


@pytest.mark.parametrize(
    ("crews", "said"),
    [
        ({"changes": ["25:00"]}, "before 24:00"),
        ({"changes": ["09:00", "08:00"]}, "not in their order"),
        ({"changes": ["nine"]}, "changes"),
        ({"break_min": -5}, "break_min"),
        ({"break_after_h": 8, "break_until_h": 7}, "break_until_h 7 is before break_after_h 8"),
        ({"turnout_by_hour": [1.0] * 23}, "23 factors"),
        ({"turnout_by_hour": [0.0] * 24}, "turnout_by_hour"),
        ({"failures_every_h": 0}, "failures_every_h"),
        ({"restock_every": 0}, "restock_every"),
        ({"lunch": 1}, "lunch"),
    ],
)
def test_rubbish_is_refused_by_name(crews, said) -> None:
    with pytest.raises(ValueError, match=said):
        plan(crews=crews)
    with pytest.raises(ValueError, match="24 factors"):
        Service(turnout_by_hour={"ems": [1.0]})


def test_off_road_names_units_that_are_there() -> None:
    off = {"kind": "off-road", "units": ["A9"], "at": "07:00"}
    with pytest.raises(InputError, match=r"changes.1.units"):
        FixedModel(town(), plan(changes=[off]))


def test_who_asks_for_nothing_has_one_crew_all_the_time() -> None:
    model, recorder = run(FixedModel, town(service=SERVICE), plan())
    assert all(unit.upkeep is None for unit in model.units)
    shifts = recorder.frame("crew_shifts")
    assert len(shifts) == len(model.units)
    assert shifts["t_due"].isna().all()
    assert isinstance(shifts, pd.DataFrame)
    assert shifts["overtime_s"].sum() == 0.0


def test_figures_of_crews() -> None:
    shifts = pd.DataFrame(
        {
            "t_on": [0.0, 3600.0, 3600.0],
            "t_due": [3600.0, None, 7200.0],
            "t_off": [4500.0, None, 7200.0],
            "t_break": [None, 100.0, 6000.0],
            "break_missed": [True, False, False],
        }
    )
    events = pd.DataFrame(
        [(0.0, "a", "idle"), (3000.0, "a", "off_road"), (6000.0, "a", "on_break")],
        columns=["t", "unit_id", "state"],
    ).assign(kind="ambulance", call_id=None)
    assert crew_figures(shifts, events, 1800.0, 9000.0) == {
        "crews": 3, "staffed_h": (2700.0 + 5400.0 + 3600.0) / 3600.0, "with_overtime": 1,
        "overtime_h": 0.25, "breaks": 1, "breaks_missed": 1, "on_break_h": 3000.0 / 3600.0,
        "restocking_h": 0.0, "off_road_h": 3000.0 / 3600.0,
    }  # fmt: skip
    said = crews_line(crew_figures(shifts, events, 1800.0, 9000.0))
    assert said == (
        "Overtime: 0.2 h, of 1 of 3 crews. Meal breaks: 1 had, 1 missed. On duty and kept from "
        "calls: 0.8 h on breaks, 0.8 h off the road."
    )
    assert crews_line(crew_figures(shifts.iloc[:0], events.iloc[:1], 0.0, 1.0)) == ""
    # A run that kept no events does not know the hours of pauses: they are not nought.
    unknown = crew_figures(shifts, None, 1800.0, 9000.0)
    assert unknown["off_road_h"] is None
    assert unknown["breaks"] == 1
    assert "kept from calls" not in crews_line(unknown)
