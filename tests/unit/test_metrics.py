"""Figures against answers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tests.support.runs import calls_rows
from twin.metrics.compare import compare, interval, pair_calls
from twin.metrics.summary import figures, queueing, share_within, summarise, utilisation


def test_figures_of_known_durations():
    got = figures(np.array([100.0, 200.0, 300.0, 400.0, np.nan]))
    assert got == pytest.approx({"mean": 250.0, "p50": 250.0, "p90": 370.0, "p95": 385.0, "n": 4})
    assert figures(np.array([])) == {"mean": None, "p50": None, "p90": None, "p95": None, "n": 0}


def test_summary_counts_and_groups():
    calls = calls_rows()
    calls.loc[0, ["response_s", "t_onscene", "fate"]] = [np.nan, np.nan, "open"]
    calls.loc[1, ["response_s", "t_onscene", "fate"]] = [np.nan, np.nan, "cancelled"]
    got = summarise(calls, 72_000.0)
    assert (got["calls"], got["closed"], got["open"], got["cancelled"]) == (40, 38, 1, 1)
    assert got["response"]["n"] == 38
    assert got["response"]["mean"] == pytest.approx(calls["response_s"].mean())
    by = got["response"]["by_priority"]
    assert list(by) == ["1", "2", "3"]
    assert sum(group["n"] for group in by.values()) == 38
    west = calls.loc[calls["district"] == "west", "response_s"].median()
    assert got["response"]["by_district"]["west"]["p50"] == pytest.approx(west)


def test_a_call_that_waits_in_vain_is_late():
    calls = pd.DataFrame({
        "t_call": [0.0, 0.0, 0.0, 900.0, 0.0],
        "response_s": [480.0, 481.0, np.nan, np.nan, np.nan],
        "fate": ["closed", "closed", "open", "open", "cancelled"],
    })  # fmt: skip
    assert share_within(calls, end_s=1000.0) == pytest.approx(1 / 3)
    assert share_within(calls.iloc[3:], end_s=1000.0) is None


def test_utilisation_of_known_lives():
    events = pd.DataFrame(
        [
            (100.0, "a", "turnout", "c1"),
            (150.0, "a", "to_scene", "c1"),
            (400.0, "a", "returning", None),
            (900.0, "a", "turnout", "c2"),
            (0.0, "b", "off_shift", None),
            (500.0, "b", "idle", None),
            (50.0, "c", "on_scene", "c0"),
            (300.0, "c", "idle", None),
        ],
        columns=["t", "unit_id", "state", "call_id"],
    ).assign(kind="ambulance")
    got = utilisation(events, 100.0, 1100.0).set_index("unit_id")
    assert got["busy_s"].to_dict() == {"a": 500.0, "b": 0.0, "c": 200.0}
    assert got["on_shift_s"].to_dict() == {"a": 1000.0, "b": 600.0, "c": 1000.0}
    assert got["share"].to_dict() == {"a": 0.5, "b": 0.0, "c": 0.2}
    assert got["jobs"].to_dict() == {"a": 2, "b": 0, "c": 0}


def test_queueing():
    assert queueing(pd.DataFrame({"calls_waiting": [0, 2, 4]})) == {
        "mean_waiting": 2.0,
        "most_waiting": 4,
    }
    assert queueing(pd.DataFrame({"calls_waiting": []}))["mean_waiting"] is None


def test_t_interval_by_hand():
    # mean 2, s = sqrt(10 / 4), t(0.975; 4) = 2.776445
    low, high = interval(np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
    half = 2.7764451 * math.sqrt(10 / 4) / math.sqrt(5)
    assert (low, high) == pytest.approx((2 - half, 2 + half), abs=1e-6)
    assert interval(np.array([3.0])) == (None, None)


def made(shifts):
    return [pair_calls(calls_rows(s), calls_rows(s, faster_s=-d)) for s, d in enumerate(shifts)]


def test_a_constant_shift_is_found_exactly():
    rows = compare(made([12.0] * 5))
    overall = rows[0]
    assert (overall.group, overall.statistic, overall.replications) == ("overall", "mean", 5)
    assert (overall.difference, overall.low, overall.high) == pytest.approx((12.0, 12.0, 12.0))
    assert overall.calls == 200
    assert overall.correlation == pytest.approx(1.0)
    assert overall.shown
    assert [r.value for r in rows if r.group == "district"] == ["east", "west"]
    assert [r.value for r in rows if r.group == "priority"] == ["1", "2", "3"]


def test_differences_that_vary_have_the_interval_of_their_means():
    overall = compare(made([0.0, 1.0, 2.0, 3.0, 4.0]))[0]
    half = 2.7764451 * math.sqrt(10 / 4) / math.sqrt(5)
    assert (overall.difference, overall.low, overall.high) == pytest.approx(
        (2.0, 2 - half, 2 + half), abs=1e-6
    )
    base = np.array([calls_rows(s)["response_s"].mean() for s in range(5)])
    whatif = base + np.arange(5)
    expected = (base.var(ddof=1) + whatif.var(ddof=1)) / 2.5
    assert overall.variance_reduction == pytest.approx(expected)


def test_nothing_changed_shows_nothing():
    overall = compare(made([0.0] * 4))[0]
    assert (overall.difference, overall.low, overall.high) == (0.0, 0.0, 0.0)
    assert not overall.shown
    assert overall.variance_reduction is None


def test_one_replication_has_no_interval():
    overall = compare(made([5.0]))[0]
    assert overall.difference == pytest.approx(5.0)
    assert overall.low is overall.high is overall.correlation is None
    assert not overall.shown


def test_only_calls_answered_in_both_count():
    base, whatif = calls_rows(1), calls_rows(1, faster_s=10.0)
    whatif.loc[0, "response_s"] = np.nan
    base.loc[1, "response_s"] = np.nan
    whatif.loc[2, "call_id"] = "only-here"
    whatif.loc[3, "t_call"] += 1.0
    pair = pair_calls(base, whatif)
    assert len(pair) == 36
    assert compare([pair])[0].difference == pytest.approx(-10.0)


def test_a_group_without_calls_in_a_replication_counts_fewer_replications():
    pairs = made([1.0, 1.0, 1.0])
    pairs[0] = pairs[0][pairs[0]["priority"] != 3]
    by = {r.value: r.replications for r in compare(pairs) if r.group == "priority"}
    assert by == {"1": 3, "2": 3, "3": 2}
    assert compare([pairs[0].iloc[:0]]) == []
