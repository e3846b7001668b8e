"""Runs on clock time: nothing depends on the clock's step, or on what is kept of the run."""

from __future__ import annotations

import weakref
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
import simpy

from tests.support.cities import grid_city
from tests.support.emergency import DAY, plan, run, town
from twin.city.model import City
from twin.core.clock import is_weekend
from twin.network.graph import Place
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel
from twin.traffic.road_graph import U_TURN_S, YIELD_S
from twin.traffic.table import TableMobility

TABLES = ("calls", "unit_events", "incident_events", "hospital_status", "changes")


def busy_town() -> City:
    city = town(medical_per_day=400, rows=6)
    city.tables["collision_rates"] = city["collision_rates"].assign(per_mvkm=20_000.0)
    return city


def busy_plan(**record: Any) -> Scenario:
    changes = [
        {"kind": "close-hospital", "hospital": "H0", "at": "07:11:13", "until": "09:03:01"},
        {"kind": "scale-demand", "factor": 1.5, "at": "08:20:17", "until": "10:07:05"},
        {"kind": "set-policy", "dispatch": "closest-straight-line", "at": "11:00:30"},
    ]
    calls = {"collisions": True}
    period = {"day": DAY, "start": "06:00", "end": "13:00"}
    return plan(period=period, calls=calls, changes=changes, record=record)


def test_nothing_depends_on_the_step_of_the_clock() -> None:
    city = busy_town()
    runs = [
        run(CityModel, city, busy_plan(frame_every_s=every))[1] for every in (60.0, 437.0, 7200.0)
    ]
    calls = runs[0].frame("calls")
    assert set(calls["kind"]) == {"medical", "fire", "collision"}
    for other in runs[1:]:
        pd.testing.assert_frame_equal(other.frame("calls"), calls)
    for table in TABLES[1:]:
        one = runs[0].frame(table)
        for other in runs[1:]:
            pd.testing.assert_frame_equal(other.frame(table), one)


def test_runs_in_one_process_leave_no_model_behind() -> None:
    city, last = busy_town(), None
    for _ in range(3):
        model, _ = run(CityModel, city, busy_plan())
        assert last is None or last() is None
        last = weakref.ref(model)
        del model


def test_what_is_kept_changes_nothing() -> None:
    city = busy_town()
    _, whole = run(CityModel, city, busy_plan())
    _, less = run(CityModel, city, busy_plan(decisions=False, events=False))
    assert less.frame("decisions").empty
    assert less.frame("unit_events").empty
    assert less.frame("incident_events").empty
    assert not whole.frame("unit_events").empty
    pd.testing.assert_frame_equal(less.frame("calls"), whole.frame("calls"))


def test_a_date_is_a_weekend_by_its_own_day() -> None:
    friday = date(2025, 3, 7)
    hours = [is_weekend(friday, 3600.0 * h) for h in (0, 23.9, 24, 71.9, 72)]
    assert hours == [False, False, True, True, False]


def test_links_take_the_time_of_the_day_of_the_week() -> None:
    city = grid_city(4, 4)
    profile = city["trip_profile"]
    city.tables["trip_profile"] = profile.assign(weekend=profile["weekday"].mean() / 100.0)
    friday = Scenario.model_validate(
        {
            "name": "t",
            "city": "grid",
            "period": {"day": date(2025, 3, 7)},
            "traffic": {"fidelity": "table"},
        }
    )
    seconds = {}
    for day in range(4):
        env = simpy.Environment(initial_time=(24.0 * day + 8.0) * 3600.0)
        mobility = TableMobility(env, city, friday)
        goal = [Place(20, 150.0)]
        seconds[day] = mobility.travel_times(Place(3, 10.0), goal, siren=False)[0]
    assert seconds[1] == seconds[2] < seconds[0] == seconds[3]


@pytest.mark.parametrize("seed", range(3))
def test_an_obstacle_concerns_every_unit_that_it_should(seed: int) -> None:
    """Whoever is not planned again could not be faster, and meets none of the obstacles anew."""
    city = grid_city(8, 8)
    rng = np.random.default_rng(seed)
    env = simpy.Environment(initial_time=7.1 * 3600.0)
    scenario = Scenario(name="t", city="grid", traffic={"fidelity": "table"})
    mobility = TableMobility(env, city, scenario)
    starts, ends = rng.integers(0, city.network.n_links, (2, 40)).tolist()
    goals = [Place(end, 30.0) for end in ends]
    units = [mobility.add_unit(str(k), "ambulance", Place(k, 9.0)) for k in starts]
    for k, (unit, goal) in enumerate(zip(units, goals, strict=True)):
        mobility.drive(unit, goal, siren=bool(k % 2)).defused = True
    tokens: list[int] = []
    kept = 0
    for _ in range(25):
        env.run(until=env.now + 3.0)
        plans = {unit: drive.plan for unit, drive in mobility._drives.items()}
        if tokens and rng.random() < 0.5:
            mobility.unblock(tokens.pop(int(rng.integers(len(tokens)))))
        else:
            tokens.append(mobility.block(Place(int(rng.integers(224)), 50.0), 1, opposite=True))
        for unit, drive in mobility._drives.items():
            left = mobility._at[unit, mobility._count[unit]] - env.now
            (eta,) = mobility.etas([unit], drive.destination, siren=drive.siren)
            assert left < eta + 0.01
            # From a place in mid-link the turn at its end counts whole.
            assert left > eta - U_TURN_S - YIELD_S - 0.01
            kept += plans[unit] == drive.plan
    assert kept > 300


@pytest.mark.parametrize("shift", [False, True])
def test_who_is_free_is_known_without_asking_everybody(shift: bool) -> None:
    city = busy_town()
    if shift:
        off = np.where(city["units"]["unit_id"] == "A1", 10.0 * 3600.0, 0.0)
        city.tables["units"] = city["units"].assign(off_s=off)
    model = CityModel(city, busy_plan())
    assert model.free.always_on is not shift
    seen = set()
    while model.running:
        model.step()
        for kind in ("ambulance", "engine"):
            asked = [u.unit_id for u in model.units if u.kind == kind and u.available]
            assert [u.unit_id for u in model.free.available(kind)] == asked
            seen.add(len(asked))
    assert seen >= {0, 3}
