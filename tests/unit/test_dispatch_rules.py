"""Rules of dispatch, queue and reassignment in small cities of travel times, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, lognorm

from tests.support.table_city import region, replayed
from twin.agents.durations import mean_left
from twin.agents.incidents.floors import mean_left_s
from twin.city.model import Distribution
from twin.core.errors import InputError
from twin.scenarios.chain import Chain

THREE = [[0.0, 300.0, 600.0], [330.0, 0.0, 400.0], [610.0, 420.0, 0.0]]
FAR = [[0.0, 1000.0], [1000.0, 0.0]]
HEAD = "id,t,place,priority,dispatch_delay_s,scene_s,transport,hospital,handover_s\n"
NOW: dict[str, Any] = {"traffic": {"speed_without_siren": 1.0}}


def calls(*rows: tuple[float, str, int, float]) -> str:
    """Return a file of calls: time, place, priority and seconds on scene; nobody is transported."""
    return HEAD + "".join(
        f"{k},{t},{place},{priority},0,{scene},no,,\n"
        for k, (t, place, priority, scene) in enumerate(rows, start=1)
    )


def rule(name: str, **parameters: Any) -> dict[str, Any]:
    return {"dispatch": name, "parameters": {name: parameters}}


def turning(**parameters: Any) -> dict[str, Any]:
    return {"reassign": "by-priority", "parameters": {"by-priority": parameters}}


def decided(model: Any, call_id: str) -> pd.DataFrame:
    found = model.recorder.frame("decisions")
    return found[found["call_id"] == call_id]


# Soonest


@pytest.mark.parametrize(
    ("hold_s", "scene_s", "unit", "sent"),
    [
        (600.0, 600.0, "u0", 600.0),  # it is free when it was expected
        (50.0, 600.0, "u1", 560.0),  # nobody waits longer than that: the next look is a minute on
        (600.0, 5000.0, "u1", 1100.0),  # it works on and on
        (0.0, 600.0, "u1", 500.0),
    ],
)
def test_a_call_waits_for_a_unit_that_is_free_soon(tmp_path, hold_s, scene_s, unit, sent) -> None:
    city = region(tmp_path, FAR, [0, 1], [0])
    got, model = replayed(
        city, tmp_path, calls((0, "p0", 2, scene_s), (500, "p0", 2, 60)),
        policy=rule("soonest", hold_s=hold_s), chain={"scene_s": 600.0, "p_transport": 0.0},
    )  # fmt: skip
    # u0 will be free at 600 where the second call is; u1 is 1000 s away.
    assert got.loc["2", ["unit_id", "t_dispatch"]].tolist() == [unit, sent]
    rows = decided(model, "2")
    if hold_s:
        held = rows[rows["why"] == "held"].iloc[0]
        assert held[["unit_id", "doing", "on_call", "wait_s", "eta_s", "chosen"]].tolist() == [
            "u0", "on_scene", "1", 100.0, 0.0, False,
        ]  # fmt: skip
        assert (rows["why"] == "held").sum() == 1
    won = rows[rows["chosen"]].iloc[0]
    assert (won["unit_id"], won["t"]) == (unit, sent)
    assert len(decided(model, "1")) == 2


def test_what_is_left_of_the_way_to_hospital_and_of_the_handover_counts(tmp_path) -> None:
    # Hospital at p2. Call 1 at p0: 100 s on scene, 600 s to p2, 200 s there: free at 900.
    city = region(tmp_path, THREE, [0, 0], [2])
    chain = {"scene_s": 100.0, "handover_s": 200.0, "p_transport": 1.0}
    for t, state, wait in ((50, "on_scene", 850.0), (400, "transporting", 500.0),
                           (850, "at_hospital", 50.0)):  # fmt: skip
        rows = HEAD + f"1,0,p0,1,0,100,yes,,200\n2,{t},p2,1,0,10,no,,\n"
        got, model = replayed(
            city, tmp_path, rows, policy=rule("soonest", least_gain_s=0), chain=chain
        )
        found = decided(model, "2").set_index("unit_id")
        first = found[found["t"] == t]
        # u1 comes from p0 in 600 s.
        assert first.loc["u1", "score"] == 600.0
        if wait < 600.0:
            assert first.loc["u0", ["doing", "wait_s", "eta_s"]].tolist() == [state, wait, 0.0]
            assert got.loc["2", "response_s"] == wait
        else:
            assert np.isinf(first.loc["u0", "score"])
            assert got.loc["2", "unit_id"] == "u1"


def test_the_way_to_the_patient_counts_until_the_crew_is_there(tmp_path) -> None:
    # 120 s to the patient, then 600 s of care: free at 720.
    city = region(tmp_path, FAR, [0, 1], [0])
    chain = {"scene_s": 600.0, "p_transport": 0.0, "to_patient_s": 120.0}
    for t, left in ((50, 670.0), (500, 220.0)):
        got, model = replayed(
            city, tmp_path, calls((0, "p0", 2, 600), (t, "p0", 2, 60)),
            policy=rule("soonest", hold_s=900), chain=chain,
        )  # fmt: skip
        held = decided(model, "2").query("why == 'held'").iloc[0]
        assert held[["unit_id", "wait_s"]].tolist() == ["u0", left]
        assert got.loc["2", "t_dispatch"] == t + left


@pytest.mark.parametrize("gone", [0.0, 20.0, 30.0, 49.0, 50.0, 75.0, 130.0])
def test_what_is_left_of_the_stairs_is_the_mean_of_the_ways_that_are_longer(gone) -> None:
    chain = Chain(to_patient_s=30.0, floor_s=20.0, floors=2.0)
    floors = np.arange(600)
    chance, way = (1 / 3) * (2 / 3) ** floors, 30.0 + 20.0 * floors
    longer = way > gone
    mean = (chance * (way - gone))[longer].sum() / chance[longer].sum()
    assert mean_left_s(chain, gone) == pytest.approx(mean, rel=1e-9)
    flat = Chain(to_patient_s=30.0)
    assert mean_left_s(flat, gone) == max(30.0 - gone, 0.0)


def test_a_unit_is_kept_for_one_call_only(tmp_path) -> None:
    city = region(tmp_path, FAR, [0, 1, 1], [0])
    got, _ = replayed(
        city, tmp_path, calls((0, "p0", 2, 600), (500, "p0", 2, 60), (500, "p0", 2, 60)),
        policy=rule("soonest"), chain={"scene_s": 600.0, "p_transport": 0.0},
    )  # fmt: skip
    assert got["unit_id"].tolist() == ["u0", "u0", "u1"]
    assert got.loc["3", "t_dispatch"] == 500.0


@pytest.mark.parametrize(
    ("distribution", "law"),
    [
        (Distribution(family="lognormal", a=6.0, b=0.7), lognorm(0.7, scale=np.exp(6.0))),
        (Distribution(family="gamma", a=2.5, b=200.0), gamma(2.5, scale=200.0)),
        (Distribution(family="exponential", a=300.0), gamma(1.0, scale=300.0)),
    ],
)
def test_the_mean_of_what_is_left_is_the_integral_of_the_tail(distribution, law) -> None:
    for t in (0.0, 50.0, 400.0, 2000.0):
        tail = quad(law.sf, t, np.inf, limit=200)[0] / law.sf(t)
        assert mean_left(distribution, t) == pytest.approx(tail, rel=1e-6)


def test_what_is_left_of_a_fixed_time_runs_out() -> None:
    fixed = Distribution(family="constant", a=100.0)
    assert [mean_left(fixed, t) for t in (0.0, 30.0, 130.0)] == [100.0, 70.0, 0.0]
    assert mean_left(Distribution(family="lognormal", a=3.0, b=0.01), 9e9) == 0.0


# Reassignment


def test_a_unit_on_its_way_is_turned_to_a_more_urgent_call(tmp_path) -> None:
    city = region(tmp_path, THREE, [0], [2])
    rows = calls((0, "p2", 4, 60), (300, "p1", 1, 50))
    got, model = replayed(city, tmp_path, rows, policy=turning(), **NOW)
    # Half way from p0 to p2: half of 300 s from p0 and half of 420 s from p2.
    assert got.loc["2", "t_onscene"] == pytest.approx(660.0)
    # The first call has its unit again when that is clear, 400 s away.
    assert got.loc["1", ["t_dispatch", "t_onscene"]].tolist() == pytest.approx([710.0, 1110.0])
    why = decided(model, "2").iloc[0]
    assert why[["policy", "why", "doing", "on_call"]].tolist() == [
        "by-priority", "diverted", "to_scene", "1",
    ]  # fmt: skip
    events = model.recorder.frame("unit_events")
    assert events["state"].tolist()[:5] == ["idle", "turnout", "to_scene", "to_scene", "on_scene"]
    assert events["call_id"].tolist()[1:5] == ["1", "1", "2", "2"]
    plain, _ = replayed(city, tmp_path, rows, **NOW)
    assert plain.loc["2", "t_onscene"] == pytest.approx(660.0 + 420.0)


def test_the_call_that_loses_its_unit_is_served_at_once(tmp_path) -> None:
    # u1 stands where the first call is, and is 420 s from the second, 60 s more than u0.
    city = region(tmp_path, THREE, [0, "2,00:04,00:00"], [2])
    rows = calls((0, "p2", 4, 60), (300, "p1", 1, 50))
    for gain, unit, reached in ((30.0, "u0", 300.0), (60.0, "u1", 600.0)):
        got, _ = replayed(city, tmp_path, rows, policy=turning(least_gain_s=gain), **NOW)
        assert got.loc["2", "unit_id"] == unit
        assert got.loc["1", "t_onscene"] == reached


@pytest.mark.parametrize(
    ("parameters", "first", "second", "turned"),
    [
        ({}, (0, "p2", 3, 60), (300, "p1", 1, 50), True),
        ({"pairs": [[3, 2]]}, (0, "p2", 3, 60), (300, "p1", 1, 50), False),
        ({}, (0, "p2", 2, 60), (300, "p1", 2, 50), False),
        ({}, (0, "p2", 1, 60), (300, "p1", 4, 50), False),
        ({}, (0, "p2", 4, 60), (550, "p1", 1, 50), False),  # 50 s before its scene
        ({"nearly_there_s": 40}, (0, "p2", 4, 60), (550, "p1", 1, 50), True),
        ({"most_times": 0}, (0, "p2", 4, 60), (300, "p1", 1, 50), False),
    ],
)
def test_who_is_turned(tmp_path, parameters, first, second, turned) -> None:
    city = region(tmp_path, THREE, [0], [2])
    got, _ = replayed(city, tmp_path, calls(first, second), policy=turning(**parameters), **NOW)
    assert (got.loc["2", "t_onscene"] < got.loc["1", "t_onscene"]) == turned


def test_a_crew_that_turns_out_is_turned_before_it_leaves(tmp_path) -> None:
    city = region(tmp_path, THREE, [0], [2])
    got, model = replayed(
        city, tmp_path, calls((0, "p2", 4, 60), (40, "p1", 1, 50)),
        policy=turning(), chain={"turnout_s": 100.0}, **NOW,
    )  # fmt: skip
    assert got.loc["2", ["t_dispatch", "t_enroute", "t_onscene"]].tolist() == [40.0, 100.0, 400.0]
    states = model.recorder.frame("unit_events")["state"].tolist()
    assert states[:5] == ["idle", "turnout", "turnout", "to_scene", "on_scene"]


def test_turning_to_what_is_less_urgent_is_refused(tmp_path) -> None:
    city = region(tmp_path, THREE, [0], [2])
    with pytest.raises(InputError, match=r"by-priority.pairs.*from priority 1 to 2"):
        replayed(city, tmp_path, calls((0, "p2", 4, 60)), policy=turning(pairs=[[4, 1], [1, 2]]))


# Ageing


def test_nobody_is_overtaken_for_longer_than_the_bound(tmp_path) -> None:
    # One unit, an urgent call a second before it is free each time, a call of priority 3 at 50 s.
    city = region(tmp_path, [[0.0]], [0], [0])
    urgent = [(max(100.0 * k - 1.0, 0.0), "p0", 1, 100.0) for k in range(60)]
    rows = calls(*urgent, (50.0, "p0", 3, 10.0))
    late, _ = replayed(city, tmp_path, rows)
    assert late.loc["61", "t_dispatch"] == 6000.0  # after every other
    for step in (0.0, 400.0, 1000.0):
        policy = {"queue": "ageing", "parameters": {"ageing": {"step_s": step}}}
        got, _ = replayed(city, tmp_path, rows, policy=policy)
        # It is due at 50 + 2 steps on the scale of priority 1: the call of that moment goes first.
        mine = got.loc["61", "t_dispatch"]
        assert mine == 100.0 * (got["t_call"].drop("61") <= 50.0 + 2.0 * step).sum()
        overtook = got[(got["t_call"] > 50.0) & (got["t_dispatch"] < mine)]
        assert (overtook["t_call"] <= 50.0 + 2.0 * step).all()


def test_the_order_of_two_calls_is_that_of_their_due_times(tmp_path) -> None:
    rng = np.random.default_rng(7)
    city = region(tmp_path, [[0.0]], [0], [0])
    t = np.round(np.sort(rng.uniform(0.0, 4000.0, 80)), 3)
    priority = rng.integers(1, 5, 80)
    rows = calls(*((float(a), "p0", int(p), 60.0) for a, p in zip(t, priority, strict=True)))
    step = 500.0
    policy = {"queue": "ageing", "parameters": {"ageing": {"step_s": step}}}
    got, _ = replayed(city, tmp_path, rows, policy=policy)
    due = got["t_call"].to_numpy() + step * got["priority"].to_numpy()
    sent = got["t_dispatch"].to_numpy()
    for k in range(80):
        # Whoever went before a call that was waiting then was due before it.
        waiting = (got["t_call"].to_numpy() < sent[k]) & (sent > sent[k])
        assert (due[waiting] >= due[k]).all()


# Beats


def test_the_first_free_unit_on_the_list_goes(tmp_path) -> None:
    city = region(tmp_path, THREE, [0, 1, 2], [2])
    lists = {"p0": ["u2", "p1"], "p1": ["p1", "u0"]}
    rows = calls((0, "p0", 1, 900), (10, "p0", 1, 900), (20, "p0", 1, 9), (4000, "p2", 1, 9))
    got, model = replayed(city, tmp_path, rows, policy=rule("beats", lists=lists))
    assert got["unit_id"].tolist() == ["u2", "u1", "u0", "u2"]
    first = decided(model, "1").set_index("unit_id")
    assert first["value"].to_dict() == {"u0": 3.0, "u1": 2.0, "u2": 1.0}
    assert first["why"].dropna().to_dict() == {"u2": "beat"}
    assert decided(model, "3")["why"].tolist() == ["only"]


def test_without_a_list_the_stations_stand_by_their_drives(tmp_path) -> None:
    city = region(tmp_path, THREE, [0, 1, 2], [2])
    rows = calls((0, "p2", 1, 900), (10, "p2", 1, 900), (20, "p2", 1, 9))
    got, _ = replayed(city, tmp_path, rows, policy=rule("beats"))
    assert got["unit_id"].tolist() == ["u2", "u1", "u0"]


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ({"p9": ["u0"]}, r"lists.p9'.*no place, zone or district 'p9'"),
        ({"p0": ["u9"]}, r"lists\.p0'.*no unit or station 'u9'"),
    ],
)
def test_lists_of_what_is_not_there_are_refused(tmp_path, lists, said) -> None:
    city = region(tmp_path, THREE, [0, 1, 2], [2])
    with pytest.raises(InputError, match=said):
        replayed(city, tmp_path, calls((0, "p0", 1, 9)), policy=rule("beats", lists=lists))
