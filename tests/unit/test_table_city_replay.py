"""Replays of recorded calls in cities of travel times, against hand sums and a plain oracle."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
import pytest

from tests.support.plain_dispatch import simulate
from tests.support.table_city import region, replayed
from twin.core.errors import InputError
from twin.scenarios.chain import Chain

THREE = [[0.0, 300.0, 600.0], [330.0, 0.0, 400.0], [610.0, 420.0, 0.0]]
HEAD = "id,t,place,dispatch_delay_s,scene_s,transport,hospital,handover_s\n"


def test_three_places_two_units_and_a_queue_by_hand(tmp_path):
    city = region(tmp_path, THREE, [0, 1], [2])
    calls, model = replayed(
        city, tmp_path,
        HEAD + "1,100,p0,10,600,yes,,200\n2,200,p0,10,600,no,,\n3,300,p2,0,60,no,,\n",
    )  # fmt: skip
    # 1: u0 is there at once; 10 min on scene; 600 s to the hospital under siren; 200 s there.
    # 2: u1 comes in 330 s and is clear at 1140. 3: waits for u1, who drives 600 s from p0.
    assert calls["unit_id"].tolist() == ["u0", "u1", "u1"]
    assert calls["t_dispatch"].tolist() == [110.0, 210.0, 1140.0]
    assert calls["t_onscene"].tolist() == [110.0, 540.0, 1740.0]
    assert calls["response_s"].tolist() == [10.0, 340.0, 1440.0]
    assert calls.loc["1", ["t_leave", "t_hospital", "t_clear"]].tolist() == [710.0, 1310.0, 1510.0]
    assert calls.loc["1", "t_base"] == pytest.approx(1510.0 + 610.0 / 0.95)
    assert calls.loc["3", "t_base"] == pytest.approx(1800.0 + 420.0 / 0.95)
    assert model.summary().queued == 1
    assert model.summary().assumed == []


def test_a_unit_on_its_way_home_is_sent_from_where_it_is(tmp_path):
    city = region(tmp_path, THREE, [0], [2])
    # Clear at p2 at 660 s, home at 660 + 610 = 1270 s; half way at 965 s.
    rows = HEAD + "1,0,p2,0,60,no,,\n2,965,p1,0,60,no,,\n"
    calls, _ = replayed(city, tmp_path, rows, traffic={"speed_without_siren": 1.0})
    assert calls.loc["2", "response_s"] == pytest.approx(0.5 * 420.0 + 0.5 * 300.0)
    # The points are 0, 100 and 200 m along a line: half way home is at p1.
    snapped, _ = replayed(
        city, tmp_path, rows,
        traffic={"speed_without_siren": 1.0, "on_the_way": "nearest-place"},
    )  # fmt: skip
    assert snapped.loc["2", "response_s"] == 0.0
    slow, _ = replayed(city, tmp_path, rows, traffic={"speed_without_siren": 0.5})
    assert slow.loc["2", "response_s"] == pytest.approx(0.75 * 420.0 + 0.25 * 300.0)


def test_turnout_counts_at_the_base_and_not_on_the_road(tmp_path):
    city = region(tmp_path, THREE, [0, 1], [2])
    rows = HEAD + "1,0,p0,0,60,no,,\n"
    calls, _ = replayed(city, tmp_path, rows, chain={"turnout_s": 90.0})
    assert calls.loc["1", ["t_dispatch", "t_enroute", "t_onscene"]].tolist() == [0.0, 90.0, 90.0]
    # u0, just clear at p0, has no turnout: it is 300 s from p1, u1 at p1 would take 400.
    calls, _ = replayed(
        city, tmp_path, rows + "2,150,p1,0,60,no,,\n", chain={"turnout_s": 400.0},
        traffic={"speed_without_siren": 1.0},
    )  # fmt: skip
    assert calls.loc["2", "unit_id"] == "u1"
    calls, _ = replayed(
        city, tmp_path, rows + "2,460,p1,0,60,no,,\n", chain={"turnout_s": 400.0},
        traffic={"speed_without_siren": 1.0},
    )  # fmt: skip
    assert calls.loc["2", "unit_id"] == "u0"
    assert calls.loc["2", "response_s"] == 300.0


def test_urgent_calls_overtake_and_a_recorded_hospital_is_kept(tmp_path):
    city = region(tmp_path, THREE, [0], [0, 2])
    head = HEAD.replace("\n", ",priority\n")
    rows = head + (
        "1,0,p0,0,100,yes,h1,50,1\n2,10,p0,0,10,no,,,2\n3,20,p0,0,10,no,,,1\n4,9000,p0,0,9,yes,,5,2\n"
    )
    calls, model = replayed(city, tmp_path, rows)
    assert calls.loc["1", ["hospital_id", "t_hospital"]].tolist() == ["h1", 700.0]
    assert calls["t_dispatch"].rank().tolist() == [1.0, 3.0, 2.0, 4.0]
    assert calls.loc["4", "hospital_id"] == "h0"
    assert model.summary().queued == 2
    calls, _ = replayed(city, tmp_path, rows, policy={"queue": "first-come"})
    assert calls["t_dispatch"].rank().tolist() == [1.0, 2.0, 3.0, 4.0]
    nearest, _ = replayed(city, tmp_path, rows, policy={"hospital": "nearest-suitable"})
    assert nearest.loc["1", "hospital_id"] == "h0"


def test_who_drives_under_siren(tmp_path):
    city = region(tmp_path, THREE, [0], [2])
    rows = HEAD.replace("\n", ",priority\n") + "1,0,p1,0,100,yes,,9,2\n"
    for chain, there, back in (
        ({}, 300.0, 800.0),
        ({"siren_to_hospital": 2}, 300.0, 400.0),
        ({"siren_to_hospital": 2, "siren_to_scene": 1}, 600.0, 400.0),
    ):
        calls, _ = replayed(city, tmp_path, rows, chain=chain, traffic={"speed_without_siren": 0.5})
        assert calls.loc["1", "t_onscene"] == there
        assert calls.loc["1", "t_hospital"] - calls.loc["1", "t_leave"] == back


def test_a_unit_off_shift_is_not_sent(tmp_path):
    city = region(tmp_path, THREE, ["0,08:00,20:00", 1], [2])
    calls, _ = replayed(
        city, tmp_path, HEAD + "1,3600,p0,0,60,no,,\n2,30000,p0,0,60,no,,\n3,80000,p0,0,60,no,,\n"
    )
    assert calls["unit_id"].tolist() == ["u1", "u0", "u1"]


def test_what_is_not_recorded_is_drawn_or_set(tmp_path):
    city = region(tmp_path, THREE, [0, 1, 2], [2])
    rows = "id,t,place\n" + "".join(f"{k},{600 * k},p{k % 3}\n" for k in range(200))
    calls, model = replayed(city, tmp_path, rows)
    assert 0.5 < calls["transported"].mean() < 0.76
    assert model.summary().assumed == ["handover", "scene", "scene_transport"]
    again, _ = replayed(city, tmp_path, rows)
    assert calls.equals(again)
    chain = {"p_transport": 0.0, "scene_s": 30.0, "dispatch_delay_s": 5.0, "wrap_up_s": 7.0}
    calls, model = replayed(city, tmp_path, rows, chain=chain)
    assert not calls["transported"].any()
    assert np.allclose(calls["t_clear"] - calls["t_onscene"], 37.0)
    assert np.allclose(calls["t_dispatch"] - calls["t_call"], 5.0)
    assert model.summary().assumed == []


def test_choices_are_not_written_if_nobody_wants_them(tmp_path):
    city = region(tmp_path, THREE, [0, 1], [2])
    rows = HEAD + "1,0,p0,0,60,yes,,9\n"
    for wanted in (True, False):
        calls, model = replayed(city, tmp_path, rows, record={"decisions": wanted})
        assert calls.loc["1", "unit_id"] == "u0"
        found = [len(model.recorder.frame(name)) for name in ("decisions", "hospital_choices")]
        assert found == ([2, 1] if wanted else [0, 0])


def test_calls_of_one_moment_come_in_the_order_of_the_file(tmp_path):
    city = region(tmp_path, THREE, [0], [2])
    rows = HEAD + "".join(f"{k},50,p0,0,10,no,,\n" for k in (10, 9, 2))
    calls, _ = replayed(city, tmp_path, rows)
    assert calls.loc[["10", "9", "2"], "t_dispatch"].tolist() == [50.0, 60.0, 70.0]


def random_case(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 8))
    times = rng.uniform(60.0, 1500.0, (n, n))
    if seed % 2:
        np.fill_diagonal(times, 0.0)
    hospitals = rng.integers(0, n, int(rng.integers(1, 4))).tolist()
    calls = [
        {
            "t": round(float(t), 3),
            "place": int(rng.integers(n)),
            "delay": round(float(rng.uniform(0.0, 200.0)), 3),
            "scene": round(float(rng.exponential(800.0)), 3),
            "transport": bool(rng.random() < 0.6),
            "hospital": int(rng.integers(len(hospitals))) if rng.random() < 0.3 else None,
            "handover": round(float(rng.exponential(600.0)), 3),
            "priority": int(rng.integers(1, 4)),
        }
        for t in np.sort(rng.uniform(0.0, 40_000.0, 120))
    ]
    return {
        "times": times.tolist(),
        "xy": [(float(x), float(y)) for x, y in rng.uniform(-5000.0, 5000.0, (n, 2))],
        "bases": rng.integers(0, n, int(rng.integers(2, 7))).tolist(),
        "hospitals": hospitals,
        "calls": calls,
        "turnout": float(rng.choice([0.0, 75.0])),
        "slow": float(rng.choice([0.95, 0.7, 1.0])),
        "nearest": bool(rng.random() < 0.4),
        "first_come": bool(rng.random() < 0.3),
    }


@pytest.mark.parametrize("seed", range(12))
def test_every_call_as_in_a_plain_simulation(tmp_path, seed):
    case = random_case(seed)
    city = region(tmp_path, case["times"], case["bases"], case["hospitals"], xy=case["xy"])
    rows = HEAD.replace("\n", ",priority\n") + "".join(
        f"{k},{c['t']},p{c['place']},{c['delay']},{c['scene']},{int(c['transport'])},"
        f"{'' if c['hospital'] is None else 'h' + str(c['hospital'])},{c['handover']},"
        f"{c['priority']}\n"
        for k, c in enumerate(case["calls"])
    )
    got, model = replayed(
        city, tmp_path, rows,
        chain={"turnout_s": case["turnout"]},
        traffic={
            "speed_without_siren": case["slow"],
            "on_the_way": "nearest-place" if case["nearest"] else "blend",
        },
        policy={"queue": "first-come" if case["first_come"] else "priority"},
    )  # fmt: skip
    want = simulate(**case)
    assert model.summary().queued == sum(w["queued"] for w in want)
    for k, w in enumerate(want):
        call = got.loc[str(k)]
        assert call["unit_id"] == f"u{w['unit']}", k
        for stamp in ("t_dispatch", "t_onscene", "t_clear"):
            assert call[stamp] == pytest.approx(w[stamp], abs=1e-5), (k, stamp)
        if "hospital" in w:
            assert call["hospital_id"] == f"h{w['hospital']}", k


def test_waits_are_those_of_the_first_free_server(tmp_path):
    # Kiefer and Wolfowitz 1955: with nothing but care, a call waits for the first of c units.
    rng = np.random.default_rng(5)
    arrive = np.round(np.cumsum(rng.exponential(100.0, 400)), 3)
    care = np.round(rng.exponential(270.0, 400), 3)
    pairs = list(zip(arrive.tolist(), care.tolist(), strict=True))
    city = region(tmp_path, [[0.0]], [0, 0, 0], [0])
    rows = HEAD + "".join(f"{k},{a},p0,0,{s},no,,\n" for k, (a, s) in enumerate(pairs))
    calls, _ = replayed(city, tmp_path, rows)
    free = [0.0, 0.0, 0.0]
    for k, (a, s) in enumerate(pairs):
        begins = max(a, heapq.heappop(free))
        heapq.heappush(free, begins + s)
        assert calls.loc[str(k), "response_s"] == pytest.approx(begins - a, abs=1e-5)
    assert (calls["response_s"] > 1.0).mean() > 0.5


def test_what_asks_for_streets_is_refused(tmp_path):
    city = region(tmp_path, THREE, [0], [2])
    rows = HEAD + "1,0,p0,0,60,no,,\n"
    for fields, field in (
        ({"traffic": {"fidelity": "micro"}}, "traffic.fidelity"),
        ({"policy": {"dispatch": "closest-free-flow"}}, "policy.dispatch"),
        ({"changes": [{"kind": "close-links", "links": [0]}]}, r"changes\.1\.kind"),
    ):
        with pytest.raises(InputError, match=f"'{field}'.*no streets"):
            replayed(city, tmp_path, rows, **fields)


def test_stations_units_and_hospitals_change_as_in_any_city(tmp_path):
    city = region(tmp_path, THREE, [0, 1], [2, 0])
    changes = [
        {"kind": "move-units", "units": ["u1"], "to": "p0"},
        {"kind": "close-hospital", "hospital": "h1", "at": "00:00"},
    ]
    calls, _ = replayed(city, tmp_path, HEAD + "1,60,p1,0,60,yes,,10\n", changes=changes)
    assert calls.loc["1", ["unit_id", "response_s", "hospital_id"]].tolist() == ["u0", 300.0, "h0"]


def test_no_duration_is_set_unless_it_is_asked():
    assert Chain() == Chain.model_validate({})
    with pytest.raises(ValueError, match="p_transport"):
        Chain.model_validate({"p_transport": 1.5})
