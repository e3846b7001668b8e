"""Calls before the start occupy units but are counted nowhere."""

from __future__ import annotations

import pandas as pd

from tests.support.emergency import plan, run, town
from twin.simulation import CityModel


def _run(warm_up_min: float) -> tuple[CityModel, pd.DataFrame, pd.DataFrame]:
    city = town(medical_per_day=400, fire_per_day=0, rows=6)
    scenario = plan(period={"start": "08:00", "end": "09:00", "warm_up_min": warm_up_min})
    model, recorder = run(CityModel, city, scenario)
    return model, recorder.frame("calls"), recorder.frame("unit_events")


def test_units_are_out_when_the_scenario_begins() -> None:
    start = 8 * 3600.0
    _, _, cold = _run(0.0)
    _, _, warm = _run(60.0)
    assert cold.loc[cold["t"] < start].empty
    before = warm[warm["t"] <= start].groupby("unit_id")["state"].last()
    assert (before != "idle").any()


def test_only_calls_of_the_period_are_counted_and_they_are_the_same() -> None:
    model, cold, _ = _run(0.0)
    warm_model, warm, _ = _run(60.0)
    assert len(warm_model.calls) > len(model.calls)
    columns = ["call_id", "t_call", "lon", "lat", "priority"]
    order = ["t_call", "call_id"]
    pd.testing.assert_frame_equal(
        cold.sort_values(order)[columns].reset_index(drop=True),
        warm.sort_values(order)[columns].reset_index(drop=True),
    )
    assert warm_model.summary().calls == len(warm) == len(model.calls)
