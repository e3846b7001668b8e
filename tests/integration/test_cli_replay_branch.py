"""A recorded day replayed by its own units, and branched at a moment."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.support.table_city import region, replayed
from twin.city.bundle import save_city
from twin.core.errors import InputError
from twin.demand.call_file import read_calls
from twin.metrics.branch import rule_agrees
from twin.metrics.comparison import read_comparison

TIMES = [[0.0, 250.0, 100.0], [250.0, 0.0, 300.0], [100.0, 300.0, 0.0]]
CALLS = """\
id,t,place,dispatch_delay_s,turnout_s,response_s,unit,scene_s,transport,hospital,handover_s
a,3600,p2,10,20,400,u1,600,no,,
b,14400,p2,10,20,150,u0,600,yes,h0,60
c,14450,p2,10,20,400,u0,600,no,,
d,28800,p2,10,0,350,u1,600,yes,h0,60
e,43200,p2,10,0,,,600,no,,
"""
# By the rule u0, 100 s away, goes whenever it is free; u1 is 250 s away from p0, 300 s from p2.


@pytest.fixture
def city(tmp_path):
    """Return the folder of a city of two units and two hospitals, with `calls.csv` beside it."""
    save_city(region(tmp_path, TIMES, [0, 1], [0, 1]), tmp_path / "city")
    (tmp_path / "calls.csv").write_text(CALLS)
    return tmp_path / "city"


@pytest.fixture
def branched(city, answer):
    """Replay with a branch; return the `--json`."""

    def run(*options):
        file, out = city.parent / "calls.csv", city.parent / "out"
        return answer("replay", city, "--calls", file, "--out", out, *options)

    return run


def test_the_recorded_unit_goes_if_it_is_free(tmp_path):
    calls, model = replayed(
        region(tmp_path, TIMES, [0, 1], [0, 1]), tmp_path, CALLS,
        policy={"dispatch": "recorded-unit"},
    )  # fmt: skip
    # c: u0 is still with b, so the rule sends u1. e: nobody is recorded.
    assert calls["unit_id"].to_dict() == {"a": "u1", "b": "u0", "c": "u1", "d": "u1", "e": "u0"}
    assert calls["response_s"].to_dict() == {
        "a": 330.0,
        "b": 130.0,
        "c": 330.0,
        "d": 310.0,
        "e": 110.0,
    }
    chosen = model.recorder.frame("decisions").query("chosen").set_index("call_id")["why"]
    assert chosen.to_dict() == {
        "a": "recorded", "b": "recorded", "c": "only", "d": "recorded", "e": "first",
    }  # fmt: skip
    # Both could go to a, b and d; left to itself the rule would have sent u0 each time.
    assert rule_agrees(model.recorder.frame("decisions")) == {
        "decisions": 3, "same": 1, "share": pytest.approx(1 / 3),
    }  # fmt: skip


def test_the_other_rule_is_checked(tmp_path):
    city = region(tmp_path, TIMES, [0, 1], [0, 1])
    for other in ("recorded-unit", "clsest-idle"):
        policy = {
            "dispatch": "recorded-unit",
            "parameters": {"recorded-unit": {"otherwise": other}},
        }
        with pytest.raises(InputError, match=r"recorded-unit\.otherwise.*no dispatch policy"):
            replayed(city, tmp_path, CALLS, policy=policy)
    unnamed = CALLS.replace(",u1,", ",,").replace(",u0,", ",,")
    with pytest.raises(InputError, match="records of city region name no unit"):
        replayed(city, tmp_path, unnamed, policy={"dispatch": "recorded-unit"})


def test_another_unit_and_hospital_for_one_call(branched, city):
    found = branched("--branch-at", "07:00", "--branch-unit", "d=u1", "--branch-hospital", "d=h1")
    made = found["branch"]
    assert found["calls"] == 5
    assert (made["at"], made["follows_record"]) == ("07:00:00", True)
    done = made["reproduced"]
    assert (done["calls"], done["recorded"], done["same"], done["unknown"]) == (3, 3, 2, 0)
    assert done["rule"] == {"decisions": 2, "same": 1, "share": 0.5}
    response = done["intervals"]["response"]
    # 330, 130 and 330 s beside the recorded 400, 150 and 400.
    assert response["n"] == 3
    assert response["difference"] == pytest.approx((-70.0 - 20.0 - 70.0) / 3)
    assert (response["p50_apart"], response["p90_apart"]) == (70.0, 70.0)
    assert done["intervals"]["turnout"]["difference"] == 0.0
    assert made["before"]["equal"]
    assert made["before"]["rows"] > 20
    # d: u1 from p1 (300 s) in the place of u0 (100 s); then h1 (300 s) in the place of h0 (100 s).
    after = made["after"]
    assert (after["calls"], after["both_reached"], after["changed"]) == (2, 2, 1)
    assert (after["sum_s"], after["mean_s"], after["later"], after["sooner"]) == (
        200.0,
        100.0,
        1,
        0,
    )
    assert after["to_hospital_sum_s"] == 400.0
    assert (after["other_unit"], after["other_hospital"]) == (1, 1)
    assert [order["carried_out"] for order in made["orders"]] == [True, True]
    rows = pd.read_csv(city.parent / "out" / "branch.csv").set_index("call_id")
    assert rows.loc["d", ["day_unit_id", "branch_unit_id"]].tolist() == ["u0", "u1"]
    assert rows.loc["d", ["day_response_s", "branch_response_s"]].tolist() == [110.0, 310.0]
    assert rows.loc["e", "response_s"] == 0.0
    kept = json.loads((city.parent / "out" / "branch.json").read_text())
    assert kept["after"] == after
    found = read_comparison(city.parent / "out")
    assert found.replications == 1
    assert found.base.title["ko"].endswith("재현")
    assert found.whatif.title["ko"] == f"{found.base.title['ko']}, {kept['at']}에서 분기"
    assert "Unit u1 goes to call d" in (city.parent / "out" / "report.html").read_text()


def test_another_rule_from_a_moment_on(branched):
    rule = ["--branch-policy", "recorded-unit"]
    after = branched("--branch-at", "08:00", *rule)["branch"]["after"]
    # From 08:00 on the day goes by the rule (u0), the branch by the record (u1).
    assert (after["other_unit"], after["sum_s"], after["later"]) == (1, 200.0, 1)
    day = branched("--branch-at", "00:00", "--branch-policy", "recorded-unit")["branch"]
    # Both a and d take u1; c takes u1 on both sides, for u0 is still with b.
    assert (day["after"]["calls"], day["after"]["sum_s"]) == (5, 400.0)
    assert day["reproduced"]["calls"] == 0
    # A branch by the rule of the day is the day.
    same = branched("--branch-at", "04:00", "--branch-policy", "closest-idle")["branch"]["after"]
    assert (same["changed"], same["sum_s"], same["calls"]) == (0, 0.0, 4)


def test_the_moment_is_that_of_the_first_order(branched):
    made = branched("--branch-unit", "e=u1", "--branch-hospital", "e=h1")["branch"]
    assert made["at"] == "12:00:00"
    assert [order["carried_out"] for order in made["orders"]] == [True, False]
    assert made["after"]["sum_s"] == 200.0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--branch-at", "08:00"], "'--branch-at': nothing differs"),
        (["--branch-policy", "soonest"], "'--branch-policy': needs the moment"),
        (["--branch-at", "8 am", "--branch-policy", "soonest"], "'--branch-at': '8 am' is not a"),
        (["--branch-at", "80:00", "--branch-policy", "soonest"], "80:00:00 is not in the replay"),
        (["--branch-at", "08:00", "--branch-policy", "sonest"], "did you mean 'soonest'"),
        (
            ["--branch-at", "08:00", "--branch-policy", "closest-free-flow"],
            "'--branch-policy': the c",
        ),
        (
            ["--branch-at", "08:00", "--branch-policy", "soonest", "--branch-policy", "beats"],
            "both 'soonest' and 'beats' are of dispatch",
        ),
        (["--branch-unit", "d"], "'--branch-unit': 'd' is not CALL=UNIT"),
        (["--branch-unit", "d=u7"], "'--branch-unit': there is no unit 'u7'; did you mean 'u"),
        (["--branch-unit", "z=u1"], "'--branch-unit': the replay has no call 'z'"),
        (["--branch-unit", "d=u1", "--branch-unit", "d=u0"], "call 'd' is named twice"),
        (["--branch-hospital", "d=h7"], "'--branch-hospital': there is no hospital 'h7'"),
        (["--branch-at", "09:00", "--branch-unit", "d=u1"], "came at 08:00:00, before the branch"),
        (["--branch-unit", "c=u0"], "'--branch-unit': 'u0' cannot go to call c at 04:01:00"),
    ],
)
def test_a_branch_that_cannot_be_is_told_by_its_option(city, twin, options, said):
    status, _, err = twin(
        "replay", city, "--calls", city.parent / "calls.csv", "--out", city.parent / "o", *options
    )
    assert status == 2
    assert said in err.replace("\n", " ")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,0,p0,10,20,25,u0", "row 2.*'response_s'.*shorter than what comes before"),
        ("1,0,p0,10,20,90,u7", "row 2.*'unit'.*no ambulance 'u7'"),
        ("1,0,p0,10,20,soon,u0", "row 2.*'response_s'.*not a number"),
    ],
)
def test_records_of_units_are_checked(tmp_path, row, said):
    file = tmp_path / "calls.csv"
    file.write_text(f"id,t,place,dispatch_delay_s,turnout_s,response_s,unit\n{row}\n")
    made = region(tmp_path, TIMES, [0, 1], [0, 1])
    with pytest.raises(InputError, match=said):
        read_calls(file, made, pd.Timestamp("2025-03-05").date())
