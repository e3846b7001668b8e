"""Figures against answers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tests.support.runs import calls_rows
from twin.metrics.compare import compare, interval
from twin.metrics.pairing import pair_calls, reach
from twin.metrics.summary import (
    few_calls,
    figures,
    queueing,
    share_within,
    summarise,
    unsure_p90,
)
from twin.metrics.units import utilisation

END_S = 72_000.0


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
    return [(calls_rows(s), calls_rows(s, faster_s=-d)) for s, d in enumerate(shifts)]


def one(rows, group="overall", value="", statistic="mean"):
    (row,) = [r for r in rows if (r.group, r.value, r.statistic) == (group, value, statistic)]
    return row


def test_a_constant_shift_is_found_exactly():
    rows = compare(made([12.0] * 5), END_S)
    overall = rows[0]
    assert (overall.group, overall.statistic, overall.replications) == ("overall", "mean", 5)
    assert (overall.difference, overall.low, overall.high) == pytest.approx((12.0, 12.0, 12.0))
    assert (overall.calls, overall.changed, overall.basis) == (200, 200, "pairs")
    assert overall.correlation == pytest.approx(1.0)
    assert overall.shown
    # A difference that is the same in every replication says nothing of what pairing gains.
    assert overall.variance_reduction is None
    assert [r.value for r in rows if r.group == "district"] == ["east", "west"]
    assert [r.value for r in rows if r.group == "priority"] == ["1", "2", "3"]
    # Medical calls, which the first ambulance answers, have every statistic; others the mean.
    assert [(r.value, r.statistic) for r in rows if r.group == "kind"] == [
        ("medical", "mean"),
        ("medical", "p50"),
        ("medical", "p90"),
        ("medical", "share_within_target"),
        ("fire", "mean"),
    ]


def test_differences_that_vary_have_the_interval_of_their_means():
    overall = compare(made([0.0, 1.0, 2.0, 3.0, 4.0]), END_S)[0]
    half = 2.7764451 * math.sqrt(10 / 4) / math.sqrt(5)
    assert (overall.difference, overall.low, overall.high) == pytest.approx(
        (2.0, 2 - half, 2 + half), abs=1e-6
    )
    base = np.array([calls_rows(s)["response_s"].mean() for s in range(5)])
    whatif = base + np.arange(5)
    expected = (base.var(ddof=1) + whatif.var(ddof=1)) / 2.5
    assert overall.variance_reduction == pytest.approx(expected)


def test_nothing_changed_shows_nothing():
    rows = compare(made([0.0] * 4), END_S)
    assert {(r.difference, r.low, r.high, r.changed) for r in rows} == {(0.0, 0.0, 0.0, 0)}
    assert not any(r.shown for r in rows)
    assert {r.variance_reduction for r in rows} == {None}


def test_two_replications_say_nothing_of_pairing():
    two, three = (compare(made([0.0, 1.0, 5.0][:n]), END_S)[0] for n in (2, 3))
    assert two.low is not None
    assert two.correlation is two.variance_reduction is None
    assert three.correlation is not None
    assert three.variance_reduction is not None


def test_one_replication_has_no_interval():
    overall = compare(made([5.0]), END_S)[0]
    assert overall.difference == pytest.approx(5.0)
    assert overall.low is overall.high is overall.correlation is None
    assert not overall.shown


def test_only_calls_answered_in_both_count():
    base, whatif = calls_rows(1), calls_rows(1, faster_s=10.0)
    whatif.loc[0, "response_s"] = np.nan
    base.loc[1, "response_s"] = np.nan
    whatif.loc[2, "call_id"] = "only-here"
    whatif.loc[3, "t_call"] += 1.0
    assert len(pair_calls(base, whatif)) == 36
    overall = compare([(base, whatif)], END_S)[0]
    assert overall.difference == pytest.approx(-10.0)
    assert overall.calls == 36
    # All 36 are sooner; one was reached only in the what-if, one only in the base, and two of each
    # side have no counterpart.
    assert overall.changed == 36 + 1 + 1 + 4


def test_a_change_that_makes_calls_unreachable_fools_nobody():
    # The what-if leaves the five slowest calls of every replication without anybody: over the
    # pairs nothing changes at all.
    runs = []
    for seed in range(4):
        base, whatif = calls_rows(seed), calls_rows(seed)
        lost = base["response_s"].nlargest(5).index
        whatif.loc[lost, ["response_s", "t_onscene", "fate"]] = [np.nan, np.nan, "open"]
        runs.append((base, whatif))
    rows = compare(runs, END_S)
    mean, share = one(rows), one(rows, statistic="share_within_target")
    assert (mean.difference, mean.low, mean.high) == (0.0, 0.0, 0.0)
    assert (mean.calls, mean.changed) == (140, 20)
    assert share.basis == "sides"
    within = [float((base["response_s"] <= 480.0).mean()) for base, _ in runs]
    late = [
        float(((whatif["response_s"] <= 480.0) & whatif["response_s"].notna()).mean())
        for _, whatif in runs
    ]
    assert share.base == pytest.approx(np.mean(within))
    assert share.whatif == pytest.approx(np.mean(late))
    counted = reach(runs, END_S)
    overall = counted[0]
    assert (overall.base_calls, overall.whatif_calls) == (160, 160)
    assert (overall.base_reached, overall.whatif_reached) == (160, 140)
    assert (overall.both, overall.only_base, overall.only_whatif) == (140, 20, 0)
    assert overall.base_within == pytest.approx(np.mean(within))
    assert overall.whatif_within == pytest.approx(np.mean(late))


def test_reach_is_counted_by_group_and_calls_outside_districts_come_last():
    base, whatif = calls_rows(3), calls_rows(3)
    base.loc[:1, "district"] = whatif.loc[:1, "district"] = ""
    whatif.loc[0, "response_s"] = np.nan
    # A collision is an outcome of the traffic: another one on each side.
    for side, t in ((base, 100.0), (whatif, 200.0)):
        side.loc[39, ["call_id", "kind", "t_call"]] = ["X-1", "collision", t]
    lines = {(line.group, line.value): line for line in reach([(base, whatif)], END_S)}
    keys = list(lines)
    assert keys[0] == ("overall", "")
    assert keys[-3:] == [("district", "east"), ("district", "west"), ("district", "")]
    nowhere = lines["district", ""]
    assert (nowhere.base_calls, nowhere.both, nowhere.only_base, nowhere.only_whatif) == (
        2,
        1,
        1,
        0,
    )
    collision = lines["kind", "collision"]
    assert (collision.base_calls, collision.whatif_calls, collision.both) == (1, 1, 0)
    assert (collision.only_base, collision.only_whatif, collision.one_sided) == (1, 1, 2)
    for column in ("kind", "priority", "district"):
        mine = [line for (group, _), line in lines.items() if group == column]
        for name in ("base_calls", "whatif_calls", "both", "only_base", "only_whatif"):
            assert sum(getattr(line, name) for line in mine) == getattr(lines["overall", ""], name)


def test_a_group_without_calls_in_a_replication_counts_fewer_replications():
    runs = made([1.0, 1.0, 1.0])
    runs[0] = tuple(side[side["priority"] != 3] for side in runs[0])
    by = {r.value: r.replications for r in compare(runs, END_S) if r.group == "priority"}
    assert by == {"1": 3, "2": 3, "3": 2}
    assert compare([tuple(side.iloc[:0] for side in runs[0])], END_S) == []


def test_small_numbers_are_known_as_such():
    assert few_calls(19)
    assert not few_calls(20)
    # Of 99 calls nine lie beyond the 90th percentile, of 100 ten.
    assert unsure_p90(99)
    assert not unsure_p90(100)
