"""Another rule, unit or hospital from a moment on, with the same calls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from apps.cli.tables import run_tables
from apps.report.changes import change_sentences
from apps.report.run import write_run_report
from apps.web.changes import change_list
from apps.web.texts import LANGUAGES, words
from tests.support.emergency import plan, run, town
from tests.support.table_city import region, replay_of
from twin.core.errors import InputError
from twin.experiment import run_scenario
from twin.metrics.cautions import cautions_of_runs
from twin.recording.memory import MemoryRecorder
from twin.simulation import CityModel

HEAD = "id,t,place,priority,dispatch_delay_s,scene_s,transport,hospital,handover_s\n"
TIMES = [[0.0, 250.0, 100.0], [250.0, 0.0, 300.0], [100.0, 300.0, 0.0]]


def branched(tmp_path, rows: str, *changes: dict) -> MemoryRecorder:
    city, scenario = replay_of(
        region(tmp_path, TIMES, [0, 1], [0, 1]), tmp_path, HEAD + rows,
        changes=list(changes), policy={"hospital": "nearest-suitable"},
    )  # fmt: skip
    recorder = MemoryRecorder()
    CityModel(city, scenario, recorder=recorder).run()
    return recorder


def test_another_unit_for_one_call(tmp_path) -> None:
    rows = "1,0,p2,1,10,600,no,,\n2,9000,p2,1,10,600,no,,\n3,19000,p2,1,10,600,no,,\n"
    order = {"kind": "choose-unit", "call": "2", "unit": "u1"}
    base = branched(tmp_path, rows).frame("calls").set_index("call_id")
    other = branched(tmp_path, rows, order)
    calls = other.frame("calls").set_index("call_id")
    assert base["response_s"].to_dict() == {"1": 110.0, "2": 110.0, "3": 110.0}
    assert calls["response_s"].to_dict() == {"1": 110.0, "2": 310.0, "3": 110.0}
    why = other.frame("decisions").query("chosen").set_index("call_id")["why"]
    assert why.to_dict() == {"1": "first", "2": "ordered", "3": "first"}
    pd.testing.assert_frame_equal(base.loc[["1"]], calls.loc[["1"]], check_exact=True)


def test_another_hospital_for_one_patient(tmp_path) -> None:
    rows = "1,0,p0,1,10,600,yes,,60\n2,9000,p0,1,10,600,yes,,60\n"
    order = {"kind": "choose-hospital", "call": "2", "hospital": "h1"}
    calls = branched(tmp_path, rows, order).frame("calls")
    assert calls["hospital_id"].tolist() == ["h0", "h1"]
    assert (calls["t_hospital"] - calls["t_leave"]).tolist() == [0.0, 250.0]


def test_an_order_that_nobody_asks_for_is_told(tmp_path) -> None:
    rows = "1,0,p2,1,10,600,no,,\n2,9000,p2,1,10,600,no,,\n"
    orders = [
        {"kind": "choose-hospital", "call": "1", "hospital": "h1"},
        {"kind": "choose-unit", "call": "2", "unit": "u1"},
        {"kind": "choose-unit", "call": "2", "unit": "u0", "role": "ambulance-2"},
    ]
    city, scenario = replay_of(
        region(tmp_path, TIMES, [0, 1], [0, 1]), tmp_path, HEAD + rows, changes=orders
    )
    summary = run_scenario(scenario, tmp_path / "run", city=city)
    # One is not taken to a hospital, and the other gets one ambulance: the second order holds.
    assert summary["unasked_orders"] == [
        {"change": 1, "call": "1", "hospital": "h1"},
        {"change": 3, "call": "2", "unit": "u0"},
    ]
    said = [
        "Change 1 had no effect: no patient of call 1 was to be taken to a hospital (h1).",
        "Change 3 had no effect: no unit was sought for call 2 as it orders (u0).",
    ]
    assert [line for line in run_tables(summary) if line in said] == said
    report = write_run_report(tmp_path / "run", tmp_path / "r.html", city=city).read_text("utf-8")
    assert all(line in report for line in said)
    notes = cautions_of_runs([(scenario, [summary, {}])])
    assert [note.numbers["n"] + note.numbers["of"] for note in notes] == ["12", "12"]
    assert notes[1].text.startswith("In 1 of 2 runs of")
    for lang in LANGUAGES:
        assert "u0" in words(lang)["compared"]["order-unasked"].format(**notes[1].numbers)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "choose-unit", "call": "2", "unit": "u0"}, "'u0' cannot go to call 2 at 00:01"),
        ({"kind": "choose-unit", "call": "7", "unit": "u0"}, r"changes\.1\.call.*no call '7'"),
        ({"kind": "choose-unit", "call": "1", "unit": "u9"}, r"changes\.1\.unit.*no unit 'u9'"),
        ({"kind": "choose-hospital", "call": "1", "hospital": "h9"}, r"changes\.1\.hospital"),
    ],
)
def test_orders_that_cannot_be_carried_out_are_refused(tmp_path, change, said: str) -> None:
    rows = "1,0,p2,1,10,600,no,,\n2,60,p2,1,10,600,no,,\n"
    with pytest.raises(InputError, match=said):
        branched(tmp_path, rows, change)


def test_a_hospital_that_does_not_accept_is_an_error(tmp_path) -> None:
    order = {"kind": "choose-hospital", "call": "1", "hospital": "h1"}
    closed = {"kind": "close-hospital", "hospital": "h1"}
    with pytest.raises(InputError, match="'h1' does not accept the patient of call 1"):
        branched(tmp_path, "1,0,p0,1,10,600,yes,,60\n", order, closed)


def test_an_order_cannot_come_while_the_run_goes_on() -> None:
    model = CityModel(town(), plan())
    change = plan(changes=[{"kind": "choose-unit", "call": "I-1", "unit": "A0"}]).changes[0]
    with pytest.raises(InputError, match="put it into the scenario"):
        model.submit(change)


BRANCH_S = 8 * 3600.0
"""The rule of the branch holds from 08:00 on."""


@pytest.mark.parametrize(
    "branch",
    [
        {"dispatch": "closest-straight-line", "queue": "first-come"},
        {"hospital": "by-class"},
        {"reassign": "by-priority"},
    ],
)
def test_before_its_moment_a_branch_is_the_day_itself(branch: dict) -> None:
    def day(changes):
        city = town(ambulances=4, medical_per_day=400.0, rows=8)
        city.tables["hospitals"].loc[1, "level"] = "regional"
        return run(
            CityModel, city, plan(changes=changes, period={"start": "06:00", "end": "10:00"})
        )

    whole, one = day([])
    changed, other = day([{"kind": "set-policy", "at": "08:00"} | branch])
    assert whole.calls.equals(changed.calls)
    for table in ("unit_events", "incident_events", "decisions", "hospital_choices"):
        mine, theirs = one.frame(table), other.frame(table)
        before = [frame[frame["t"] < BRANCH_S].reset_index(drop=True) for frame in (mine, theirs)]
        assert len(before[0]) > 20
        pd.testing.assert_frame_equal(*before, check_exact=True)
    rest = [r.frame("decisions").query("t >= @BRANCH_S") for r in (one, other)]
    hospitals = [r.frame("hospital_choices").query("t >= @BRANCH_S") for r in (one, other)]
    assert not rest[0].equals(rest[1]) or not hospitals[0].equals(hospitals[1])


def test_orders_branch_at_their_call_and_shift_no_draw() -> None:
    def day(changes):
        return run(CityModel, town(medical_per_day=200.0), plan(changes=changes))

    _, one = day([])
    sent = one.frame("decisions")
    several = sent.groupby("call_id")["unit_id"].transform("size") > 1
    row = sent[several & ~sent["chosen"] & (sent["wait_s"] + sent["eta_s"] < np.inf)].iloc[5]
    order = {"kind": "choose-unit", "call": row["call_id"], "unit": row["unit_id"]}
    model, other = day([order])
    t = float(row["t"])
    for table in ("unit_events", "incident_events", "decisions", "hospital_choices"):
        mine, theirs = one.frame(table), other.frame(table)
        pd.testing.assert_frame_equal(mine[mine["t"] < t], theirs[theirs["t"] < t])
    calls = [recorder.frame("calls").set_index("call_id") for recorder in (one, other)]
    assert calls[1].loc[row["call_id"], "unit_id"] == row["unit_id"]
    same = calls[0].index.intersection(calls[1].index)
    both = [c.loc[same] for c in calls]
    scene = [(c["t_leave"] - c["t_onscene"]).round(6) for c in both]
    pd.testing.assert_series_equal(scene[0].dropna(), scene[1].loc[scene[0].dropna().index])
    assert model.orders.units == {}


def test_orders_are_told_in_words() -> None:
    city = town()
    orders = [
        {"kind": "choose-unit", "call": "I-1", "unit": "A0", "role": "ambulance-2"},
        {"kind": "choose-hospital", "call": "I-1", "hospital": "H1"},
    ]
    scenario = plan(changes=orders)
    assert change_sentences(scenario, city) == [
        "Unit A0 goes to call I-1 as ambulance-2.",
        "The patient of call I-1 is taken to Hospital 1 (H1).",
    ]
    marks = change_list(scenario, city)
    assert [mark["words"]["en"] for mark in marks] == [
        "A0 goes to call I-1", "The patient of call I-1 is taken to Hospital 1",
    ]  # fmt: skip
    assert marks[1]["target"] == "hospital:H1"
    assert all("I-1" in mark["words"]["ko"] for mark in marks)
