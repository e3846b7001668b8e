"""`twin site`: where ambulances should stand, and a scenario that can be run."""

from __future__ import annotations

import pytest

from twin.city.library import get_city
from twin.scenarios.load import load_scenario


def test_a_siting_is_told_and_can_be_compared(twin, answer, place, tmp_path):
    status, out, err = twin("site", place / "city", "--target", "50", "--out", tmp_path / "s")
    assert status == 0, err
    assert "3 ambulances in grid by mexclp" in out
    assert "By mexclp no siting is better (HiGHS, proved)." in out
    assert "Target: a drive of 50 s under siren on empty streets; each is busy for 0.3" in out
    assert "it knows neither traffic nor queues of calls" in out
    assert "Warning" not in out
    base, whatif = tmp_path / "s" / "today.toml", tmp_path / "s" / "sited.toml"
    assert f"Compare: twin compare {base} {whatif} --set traffic.fidelity=table" in err
    assert load_scenario(whatif).coverage.within_s == 50.0
    assert load_scenario(whatif).name == "sited-3-mexclp-50s"
    assert load_scenario(whatif).title["en"] == "3 ambulances sited by mexclp, drives of 50 s"
    assert load_scenario(whatif).title.keys() == load_scenario(whatif).question.keys()
    limited = answer(
        "site", place / "city", "--more", 1, "--district", "west", "--out", tmp_path / "d"
    )
    assert [(row["today"], row["sited"]) for row in limited["stations"]] == [(3, 4)]
    found = answer(
        "site", place / "city", "--ambulances", 4, "--anywhere", "--target", "45", "--model",
        "mclp", "--out", tmp_path / "t",
    )  # fmt: skip
    assert found["sited"]["within_reach"] >= found["today"]["within_reach"]
    assert found["ambulances"] == sum(row["sited"] for row in found["stations"]) == 4
    assert found["exact"]
    assert found["gap"] == 0.0
    compared = answer(
        "compare", found["base"], found["scenario"], "-n", 1, "--workers", 1,
        "--set", "period.start=08:00", "--set", "period.end=08:20", "--out", tmp_path / "c",
        "--set", "traffic.fidelity=table",
    )  # fmt: skip
    assert compared["replications"] == 1


def test_so_many_more_are_counted_from_what_there_is(answer, place, tmp_path):
    found = answer(
        "site", place / "city", "--more", 2, "--target", "60", "--base", place / "plain.toml",
        "--out", tmp_path / "s",
    )  # fmt: skip
    assert (found["ambulances_today"], found["ambulances"]) == (3, 5)
    # A base by table needs no setting to be quick.
    assert found["compare"] == ["twin", "compare", found["base"], found["scenario"]]


def test_a_target_that_nearly_all_meet_today_is_warned_of(twin, answer, place, tmp_path):
    words = ("site", place / "city", "--more", 1, "--out", tmp_path / "s")
    status, out, err = twin(*words)
    assert status == 0, err
    found = answer(*words)
    assert found["target_s"] == 480.0
    assert found["nearly_complete"]["within_reach"] == 1.0
    shorter = found["nearly_complete"]["target_s"]
    assert "reach 100.00% of the demand within 480 s. Of such a target" in out
    assert f"ask for more with --target {shorter:g}." in out
    assert shorter % 30 == 0
    assert 0 < shorter < 480
    assert answer(*words, "--target", "20")["nearly_complete"] is None


def test_a_nested_siting_is_a_table_that_moves_units_up(answer, place, tmp_path):
    found = answer(
        "site", place / "city", "--model", "nested", "--anywhere", "--base", place / "plain.toml",
        "--busy", "0.5", "--out", tmp_path / "s",
    )  # fmt: skip
    assert found["base"] == str(place / "plain.toml")
    assert len(found["order"]) == 3
    whatif = load_scenario(found["scenario"])
    assert whatif.policy.moveup == "compliance-table"
    assert whatif.coverage.busy == 0.5
    ran = answer("run", found["scenario"], "--out", tmp_path / "r")
    assert ran["move_ups"]["made"] == sum(ran["move_ups"]["by_unit"].values())


def test_demand_may_be_that_of_a_file(answer, place, tmp_path):
    city = place / "city"
    node = get_city(city)["hospitals"].iloc[0]
    (tmp_path / "calls.csv").write_text(f"id,t,lon,lat\n1,0,{node['lon']},{node['lat']}\n")
    found = answer(
        "site", city, "--anywhere", "--ambulances", 1, "--calls", tmp_path / "calls.csv",
        "--target", 5, "--out", tmp_path / "s",
    )  # fmt: skip
    assert [row["new"] for row in found["stations"] if row["sited"]] == [True]
    assert found["sited"]["within_reach"] == 1.0
    assert found["today"]["within_reach"] == 0.0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "mexcl"), "--model"),
        (("--method", "quick"), "none of auto, exact, heuristic"),
        (("--model", "p-median"), "3 ambulances are more than 1 stations take at 1 each"),
        (("--ambulances", "9", "--most", "2"), "9 ambulances are more than 1 stations"),
        (("--busy", "1.5"), "--busy"),
        (("--more", "0"), "--more"),
        (("--district", "wset"), "did you mean 'west'?"),
        (("--district", "east", "--more", "1"), "others do not fit at 0 stations of the district"),
        (("--more", "2", "--ambulances", "5"), "how many in all or how many more, not both"),
        (("--calls", "nowhere.csv"), "nowhere.csv"),
        (("--base", "seoul-evening-peak"), "is of the city 'seoul'"),
    ],
)
def test_what_cannot_be_is_one_sentence(twin, place, words, said):
    status, out, err = twin("site", place / "city", *words)
    assert status == 2
    assert out == ""
    assert said in err
    assert "Traceback" not in err
