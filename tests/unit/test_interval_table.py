"""Observed and simulated intervals: known answers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from apps.cli.tables import run_tables
from apps.report.run import write_run_report
from apps.report.words import describe
from tests.support.emergency import QUIET, inject, plan, town
from twin.experiment import run_scenario
from twin.metrics.chain import chain_differences
from twin.metrics.intervals import INTERVALS, interval_table, intervals_by, ks_distance

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
    simulated = {"mean": 15.0, "p50": 15.0, "p90": 19.0, "p95": 19.5, "n": 11, "alone": 0}
    assert table["handling"]["simulated"] == simulated
    observed = {"mean": 30.0, "p50": 30.0, "p90": 38.0, "p95": 39.0, "n": 11, "alone": 0}
    assert table["handling"]["observed"] == observed
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
    assert (table["total"]["simulated"]["n"], table["total"]["simulated"]["alone"]) == (9, 1)
    assert (table["total"]["observed"]["n"], table["total"]["observed"]["alone"]) == (9, 0)


def test_both_sides_are_the_same_calls_whoever_lacks_a_stamp() -> None:
    calls = run_calls()
    # The run ended before five patients left the scene; the records lack other buttons.
    calls.loc[:4, ["t_leave", "t_hospital", "t_clear"]] = np.nan
    history = history_of(run_calls())
    history.loc[9, "t_onscene"] = pd.NaT
    history.loc[10, "t_hospital"] = pd.NaT
    table = interval_table(calls, history)

    def counts(name: str) -> list[tuple[int, int]]:
        return [(table[name][s]["n"], table[name][s]["alone"]) for s in ("observed", "simulated")]

    assert counts("handling") == [(11, 0), (11, 0)]
    assert counts("response") == [(10, 0), (10, 1)]
    assert counts("scene") == [(5, 5), (5, 1)]
    assert counts("transport") == [(5, 5), (5, 1)]
    assert counts("handover") == [(5, 5), (5, 1)]
    assert counts("total") == [(5, 5), (5, 1)]
    # The five calls of `scene` are k = 15, 16, 17, 18 and 20, on both sides.
    assert table["scene"]["simulated"]["p50"] == pytest.approx(17.0 * 4)
    assert table["scene"]["observed"]["p50"] == pytest.approx(2 * 17.0 * 4)


def test_one_rule_says_what_a_transport_is() -> None:
    calls, history = run_calls(), history_of(run_calls())
    # By the records another unit took the first patient, an engine alone saw the second, and
    # nobody came to the third.
    history.loc[0, ["t_leave", "t_hospital"]] = pd.NaT
    history["unit_kind"] = ["ambulance", "engine", *["ambulance"] * 9]
    history.loc[2, ["t_onscene", "t_leave", "t_hospital"]] = pd.NaT
    table = interval_table(calls, history)
    for side in ("observed", "simulated"):
        n = {name: row[side]["n"] for name, row in table.items()}
        assert (n["handling"], n["response"], n["scene"], n["handover"]) == (10, 9, 8, 8)
        assert n["total"] == 8


def test_what_another_ambulance_did_is_not_this_ones_interval() -> None:
    calls = run_calls().assign(unit_id="A1", carrier_id="A1")
    calls.loc[:3, "carrier_id"] = "A2"
    calls.loc[4, ["carrier_id", "t_leave", "t_hospital"]] = None
    table = interval_table(calls, None)
    assert [table[name]["simulated"]["n"] for name in INTERVALS] == [11, 11, 11, 11, 6, 6, 6, 11]


def test_zero_seconds_are_no_observation_on_either_side_but_of_a_turnout() -> None:
    calls, history = run_calls(), history_of(run_calls())
    history.loc[1, "t_onscene"] = history.loc[1, "t_enroute"]
    calls.loc[2, "t_onscene"] = calls.loc[2, "t_enroute"]
    history["t_enroute"] = history["t_dispatch"].where(history.index < 3, history["t_enroute"])
    calls.loc[3, "t_dispatch"] = calls.loc[3, "t_call"]
    table = interval_table(calls, history)
    for side in ("observed", "simulated"):
        assert table["travel"][side]["n"] == 10
        assert table["handling"][side]["n"] == 10
        assert table["turnout"][side]["n"] == 11


def test_generated_calls_count_by_the_same_rule_alone() -> None:
    calls = run_calls()
    calls.loc[:4, ["t_leave", "t_hospital"]] = np.nan
    table = interval_table(calls, None)
    assert (table["scene"]["simulated"]["n"], table["scene"]["simulated"]["alone"]) == (6, 0)
    assert table["total"]["simulated"]["n"] == 11


def test_nothing_recorded_and_nothing_simulated_is_null_in_json() -> None:
    table = interval_table(run_calls().iloc[:0], None)
    nothing = {**dict.fromkeys(("mean", "p50", "p90", "p95")), "n": 0, "alone": 0}
    assert table["response"] == {"observed": nothing, "simulated": nothing, "ks": None}
    assert json.loads(json.dumps(table, allow_nan=False)) == table


def test_first_help_is_shown_where_the_records_have_it() -> None:
    history = history_of(run_calls())
    history["t_first_onscene"] = history["t_onscene"] - pd.Timedelta(seconds=10)
    table = interval_table(run_calls(), history)
    assert table["first_on_scene"]["observed"]["p50"] == pytest.approx(170.0)
    assert table["first_on_scene"]["simulated"]["n"] == 0


def test_distance_between_two_samples() -> None:
    # At 3 all of the first lie below and none of the second; twice the seconds, half of them apart.
    assert ks_distance(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0])) == 1.0
    assert ks_distance(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0])) == 0.5
    assert ks_distance(np.array([1.0, 1.0]), np.array([1.0])) == 0.0
    assert ks_distance(np.zeros(0), np.array([1.0])) is None
    table = interval_table(run_calls(), history_of(run_calls()))
    # 10 to 20 beside 20 to 40: at 19 ten of the first eleven lie below, and none of the second.
    assert table["handling"]["ks"] == pytest.approx(10 / 11)
    assert interval_table(run_calls(), None)["handling"]["ks"] is None


def test_the_way_to_the_patient_is_told_where_crews_walk() -> None:
    calls = run_calls()
    # Eleven ways of 0, 10, ... 100 s; the crew of a fire has none, and one call has no patient yet.
    calls["t_patient"] = calls["t_onscene"] + 10.0 * np.arange(11)
    fire = calls.iloc[[0]].assign(call_id="f", kind="fire")
    calls = pd.concat([calls, fire], ignore_index=True)
    plain = interval_table(calls, None)
    assert list(plain) == list(INTERVALS)
    table = interval_table(calls, None, walks=True)
    assert list(table)[3:7] == ["response", "to_patient", "call_to_patient", "scene"]
    assert {name: table[name] for name in INTERVALS} == plain
    way, whole = table["to_patient"]["simulated"], table["call_to_patient"]["simulated"]
    assert (way["n"], way["mean"], way["p90"]) == (11, 50.0, 90.0)
    assert (whole["n"], whole["mean"]) == (11, 6 * 15.0 + 50.0)
    beside = interval_table(calls, history_of(run_calls()), walks=True)
    assert beside["to_patient"]["observed"]["n"] == 0  # no record has it, and all of the run count
    assert beside["to_patient"]["simulated"]["n"] == 11
    calls.loc[10, "t_patient"] = np.nan
    by = intervals_by(calls.assign(fate="closed", response_s=60.0), "kind", 1e4, walks=True)
    assert by["medical"]["intervals"]["to_patient"]["n"] == 10
    assert by["fire"]["intervals"]["to_patient"]["n"] == 0
    calls["district"] = ""
    whatif = calls.assign(t_patient=calls["t_patient"] + 30.0)
    rows = {row.value: row for row in chain_differences([(calls, whatif)], walks=True)}
    assert rows["to_patient"].difference == pytest.approx(30.0)
    assert rows["call_to_patient"].changed == 10
    assert describe(rows["call_to_patient"]) == "call to the patient"


@pytest.mark.parametrize("chain", [{}, {"to_patient_s": 120.0}])
def test_a_run_tells_the_way_only_where_there_is_one(tmp_path, chain) -> None:
    city = town()
    scenario = plan(calls=QUIET, chain=chain, changes=[inject(city, "07:00")])
    summary = run_scenario(scenario, tmp_path / "run", city=city)
    rows = next(table for table in run_tables(summary) if "each interval" in str(table.title))
    page = write_run_report(tmp_path / "run", tmp_path / "r.html", city=city).read_text("utf-8")
    told = ["on scene to the patient", "call to the patient"]
    assert [each in page for each in told] == [bool(chain)] * 2
    assert [each in rows.columns[0]._cells for each in told] == [bool(chain)] * 2
    if chain:
        assert summary["intervals"]["to_patient"]["simulated"]["p50"] == 120.0
    else:
        assert list(summary["intervals"]) == list(INTERVALS)
