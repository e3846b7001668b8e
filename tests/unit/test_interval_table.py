"""Observed and simulated intervals: known answers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from twin.metrics.intervals import INTERVALS, interval_table

CHAIN = ("t_call", "t_dispatch", "t_enroute", "t_onscene", "t_leave", "t_hospital", "t_clear")


def run_calls() -> pd.DataFrame:
    """Return eleven medical calls whose steps are k, 2k, ... 6k seconds, k from 10 to 20."""
    k = np.arange(10.0, 21.0)
    table = pd.DataFrame({name: k * (i * (i + 1) / 2) for i, name in enumerate(CHAIN)})
    table["call_id"] = [f"c{int(value)}" for value in k]
    return table.assign(kind="medical")


def history_of(calls: pd.DataFrame) -> pd.DataFrame:
    midnight = pd.Timestamp("2017-01-04 08:00", tz="UTC")
    table = calls.copy()
    for name in CHAIN:
        table[name] = midnight + pd.to_timedelta(2.0 * calls[name], unit="s")
    return table


def test_known_percentiles_of_both_sides() -> None:
    table = interval_table(run_calls(), history_of(run_calls()))
    assert list(table) == list(INTERVALS)
    assert table["handling"]["simulated"] == {"p50": 15.0, "p90": 19.0, "n": 11}
    assert table["handling"]["observed"] == {"p50": 30.0, "p90": 38.0, "n": 11}
    assert table["travel"]["simulated"]["p50"] == pytest.approx(45.0)
    assert table["response"]["simulated"]["p50"] == pytest.approx(90.0)
    assert table["handover"]["observed"]["p90"] == pytest.approx(2 * 19 * 6)
    assert table["total"]["simulated"]["p50"] == pytest.approx(15 * 21)


def test_only_medical_calls_of_the_run_count() -> None:
    calls = run_calls()
    calls.loc[0, "kind"] = "fire"
    history = history_of(run_calls())
    history.loc[10, "call_id"] = "another day"
    table = interval_table(calls, history)
    assert table["total"]["simulated"]["n"] == 10
    assert table["total"]["observed"]["n"] == 9


def test_absent_stamps_and_late_buttons_are_no_observations() -> None:
    calls = run_calls()
    calls.loc[:4, ["t_leave", "t_hospital"]] = np.nan
    history = history_of(run_calls())
    history.loc[0, "t_onscene"] = pd.NaT
    history.loc[1, "t_onscene"] = history.loc[1, "t_enroute"]
    history["t_enroute"] = history["t_dispatch"].where(history.index < 3, history["t_enroute"])
    table = interval_table(calls, history)
    assert table["scene"]["simulated"]["n"] == 6
    assert table["total"]["simulated"]["n"] == 11
    assert table["response"]["observed"]["n"] == 10
    assert table["turnout"]["observed"]["n"] == 11


def test_nothing_recorded_and_nothing_simulated_is_null_in_json() -> None:
    table = interval_table(run_calls().iloc[:0], None)
    assert table["response"] == {
        "observed": {"p50": None, "p90": None, "n": 0},
        "simulated": {"p50": None, "p90": None, "n": 0},
    }
    assert json.loads(json.dumps(table, allow_nan=False)) == table


def test_first_help_is_shown_where_the_records_have_it() -> None:
    history = history_of(run_calls())
    history["t_first_onscene"] = history["t_onscene"] - pd.Timedelta(seconds=10)
    table = interval_table(run_calls(), history)
    assert table["first_on_scene"]["observed"]["p50"] == pytest.approx(170.0)
    assert table["first_on_scene"]["simulated"]["n"] == 0
