"""Every decision can be told in plain words, on the page and by `twin why`."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from apps.cli.main import main
from apps.cli.why import _table
from apps.web.texts import LANGUAGES, words
from apps.why import in_time_s, losses, measure_of, told
from tests.support.emergency import QUIET, inject, plan, sure, town
from tests.support.table_city import region, replayed
from twin.agents.policies.scores import WHY
from twin.city.bundle import empty_table, save_city
from twin.experiment import run_scenario

THREE = [[0.0, 300.0, 600.0], [330.0, 0.0, 400.0], [610.0, 420.0, 0.0]]
HEAD = "id,t,place,priority,dispatch_delay_s,scene_s,transport,hospital,handover_s\n"
COLUMNS = {
    "t": 0.0, "call_id": "c", "policy": "p", "unit_id": "u", "eta_s": 60.0, "score": 60.0,
    "chosen": False, "role": "ambulance-1", "doing": "idle", "on_call": None, "wait_s": 0.0,
    "term": None, "value": np.nan, "why": None,
}  # fmt: skip


PLAN = plan(calls=QUIET)


def rows(*each: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([COLUMNS | one for one in each])


def test_there_is_a_sentence_for_every_reason() -> None:
    for lang in LANGUAGES:
        for why in WHY:
            one = {"why": why, "chosen": why != "held", "term": "beat", "value": 2.0}
            other = {"unit_id": "v", "eta_s": 5.0, "wait_s": 55.0}
            for found in (rows(one), rows(one, other)):
                (decision,) = told(found, "c", words(lang), PLAN)
                assert "u" in decision.sentence
                assert "{" not in decision.sentence
        (nobody,) = told(rows({"eta_s": np.inf, "score": np.inf}), "c", words(lang), PLAN)
        assert nobody.sentence == words(lang)["why"]["none"]


@pytest.mark.parametrize(
    ("each", "said"),
    [
        (
            [{"why": "first", "chosen": True}, {"unit_id": "v", "eta_s": 100.0}],
            (
                "u was expected on scene first, in 1 min 0 s."
                " Next would have been v with 1 min 40 s. Rule “p”; free units: 2."
            ),
        ),
        (
            [
                {"why": "cover", "chosen": True, "term": "cover_lost", "value": 0.0312},
                {"unit_id": "v", "eta_s": 20.0, "doing": "returning"},
                {"unit_id": "w", "eta_s": 10.0, "doing": "on_scene", "wait_s": 500.0},
            ],
            (
                "Of the units in time (there within 8 min 0 s, turnout and drive), the rest of the "
                "city misses u least (3.1% of the demand loses cover); expected in 1 min 0 s. v "
                "would have been there sooner, in 0 min 20 s. Rule “p”; free units: 2."
            ),
        ),
        (
            [{"why": "only", "chosen": True, "wait_s": np.nan}],
            "u was the only unit that could go, expected in 1 min 0 s. Rule “p”; free units: 1.",
        ),
        # A run of an earlier version.
        (
            [{"chosen": True, "doing": None}, {"unit_id": "v", "eta_s": 20.0, "doing": None}],
            (
                "u had the best score under the rule, expected in 1 min 0 s. v would have been "
                "there sooner, in 0 min 20 s. Rule “p”; free units: 2."
            ),
        ),
    ],
)
def test_a_decision_is_told_with_what_would_have_been(each, said) -> None:
    (decision,) = told(rows(*each), "c", words("en"), PLAN)
    assert decision.sentence == said


def test_a_unit_turned_away_is_told_of_both_calls(tmp_path) -> None:
    city = region(tmp_path, THREE, [0], [2])
    text = HEAD + "1,0,p2,4,0,60,no,,\n2,300,p1,1,0,50,no,,\n"
    _, model = replayed(
        city, tmp_path, text, policy={"reassign": "by-priority"},
        traffic={"speed_without_siren": 1.0},
    )  # fmt: skip
    found = model.recorder.frame("decisions")
    (urgent,) = told(found, "2", words("en"), PLAN)
    assert urgent.sentence.startswith(
        "u0 was turned from the less urgent call 1: expected in 6 min"
    )
    assert [t for t, _ in losses(found, "1", words("en"))] == [300.0]
    assert losses(found, "1", words("en"))[0][1] == "u0 was turned to the more urgent call 2."
    assert [each.t for each in told(found, "1", words("en"), PLAN)] == [0.0, 710.0]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory):
    city = town(ambulances=2, service=sure(0.0), rows=6)
    folder = tmp_path_factory.mktemp("why") / "run"
    changes = [inject(city, "07:00"), inject(city, "07:05")]
    run_scenario(plan(calls=QUIET, changes=changes), folder, city=city)
    return folder


def test_the_calls_of_a_run_are_listed(run_folder, capsys) -> None:
    assert main(["why", str(run_folder)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"│ I-1 +│ 07:00:00 │ Medical │ \d +│ A0 +│ \d+:\d\d", out)
    assert f"`twin why {run_folder} CALL`" in out
    assert main(["why", str(run_folder), "--lang", "ko"]) == 0
    assert "대응 시간" in capsys.readouterr().out
    assert main(["why", str(run_folder), "--json"]) == 0
    calls = json.loads(capsys.readouterr().out)["calls"]
    assert [call["call_id"] for call in calls] == ["I-1", "I-2"]


def test_the_best_few_are_shown_with_whoever_went() -> None:
    many = [{"unit_id": f"u{n}", "eta_s": 100.0 + n, "chosen": n == 8} for n in range(9)]
    (decision,) = told(rows(*many), "c", words("en"), PLAN)
    assert _table(decision, words("en"), every=False).row_count == 6
    assert _table(decision, words("en"), every=True).row_count == 9


def test_a_comparison_names_its_runs(tmp_path, capsys) -> None:
    (tmp_path / "compare.json").touch()
    assert main(["why", str(tmp_path), "1"]) == 2
    assert str(tmp_path / "whatif-000") in capsys.readouterr().err


def test_the_command_says_why(run_folder, capsys) -> None:
    def out_of(*more: str) -> str:
        assert main(["why", str(run_folder), *more]) == 0
        return capsys.readouterr().out

    assert main(["why", str(run_folder), "I-1"]) == 0
    out = capsys.readouterr().out
    assert "A0 was expected on scene first" in out
    assert "sent" in out
    assert main(["why", str(run_folder), "I-1", "--lang", "ko"]) == 0
    assert "가장 먼저 도착할" in capsys.readouterr().out
    assert "신고 I-1: 구급, 우선순위" in out_of("I-1", "--lang", "ko")
    assert "차량" in out_of("I-1", "--lang", "ko")
    assert re.search(r"^Call I-1: Medical, priority \d, .*received 07:00.*response \d+:\d\d\.$",
                     out_of("I-1"), re.MULTILINE)  # fmt: skip
    assert re.search(r"│ A0 +│ At station +│ +│ \d+:\d\d +│ \d+:\d\d +│", out_of("I-1"))
    assert main(["why", str(run_folder), "I-2", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [c["unit_id"] for c in said["decisions"][0]["candidates"]] == ["A1"]
    assert said["decisions"][0]["candidates"][0]["why"] == "only"


def test_the_station_of_each_unit_is_named(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    city = town(ambulances=2, service=sure(0.0), rows=6)
    keys = city["stations"]["station_id"].tolist()
    city.tables["stations"]["name"] = [f"센터{key} (One Fire Station)" for key in keys]
    city.tables["history"] = empty_table("history")
    save_city(city, tmp_path / "city")
    wanted = plan(city=str(tmp_path / "city"), calls=QUIET, changes=[inject(city, "07:00")])
    run_scenario(wanted, tmp_path / "run")
    home = city["units"].set_index("unit_id")["station_id"]["A0"]
    for lang, name in (("en", "One Fire Station"), ("ko", f"센터{home}")):
        assert main(["why", str(tmp_path / "run"), "I-1", "--lang", lang]) == 0
        out = capsys.readouterr().out
        assert re.search(rf"│ A0 +│ {re.escape(f'{name} ({home})')} +│", out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["I-9"], "no call 'I-9'; did you mean 'I-2'?"),
        (["A9"], "no call 'A9'; did you mean 'A0'?"),
        (["no-such-thing"], "lists its 2"),
        (["I-1", "--lang", "fr"], "'fr' is not spoken; known: en, ko"),
    ],
)
def test_what_cannot_be_told_is_said(run_folder, capsys, arguments, said) -> None:
    assert main(["why", str(run_folder), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_in_time_is_what_the_rule_or_the_scenario_says_at_the_time() -> None:
    change = {"kind": "set-policy", "at": "07:00", "until": "08:00",
              "parameters": {"least-loss": {"within_s": 200}}}  # fmt: skip
    own = {"parameters": {"least-loss": {"within_s": 400}}}
    scenario = plan(calls=QUIET, policy=own, changes=[change], coverage={"within_s": 300})
    at = [in_time_s(scenario, "least-loss", 3600.0 * hour) for hour in (6.9, 7.0, 8.0)]
    assert at == [400.0, 200.0, 400.0]
    assert in_time_s(scenario, "preparedness", 0.0) == 300.0
    late = rows({"why": "late", "chosen": True, "policy": "preparedness", "eta_s": 400.0})
    (decision,) = told(late, "c", words("en"), scenario)
    assert "in time (within 5 min 0 s, turnout and drive)" in decision.sentence


@pytest.mark.parametrize(
    ("policy", "more", "measure", "shown"),
    [
        ("closest-idle", {"score": 90.0}, "seconds", "90.0"),
        ("p", {"score": 90.0}, "seconds", "90.0"),
        ("p", {"score": 0.25}, "own", "0.25"),
        ("soonest", {"score": 100.0}, "seconds", "100.0"),
        ("closest-straight-line", {"score": 812.0}, "metres", "812.0"),
        ("beats", {"score": 3.0, "term": "beat", "value": 4.0}, "place", "3"),
        ("least-loss", {"score": 0.0312, "term": "cover_lost", "value": 0.0312}, "cover", "3.12"),
        # Nobody is in time, or the call is urgent.
        ("least-loss", {"score": 90.0, "term": "cover_lost", "value": 0.0312}, "seconds", "90.0"),
        ("dmexclp-dispatch", {"score": 0.5, "term": "cover_lost", "value": 0.5}, "cover", "50.00"),
        (
            "preparedness",
            {"score": -0.125, "term": "preparedness", "value": 0.125},
            "preparedness",
            "-0.125",
        ),
    ],
)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_scores_and_what_is_weighed_have_their_unit(lang, policy, more, measure, shown) -> None:
    say = words(lang)
    one = {"chosen": True, "policy": policy, "wait_s": 30.0, **more}
    far = {"unit_id": "v", "policy": policy, "eta_s": np.inf, "score": np.inf}
    (decision,) = told(rows(one, far), "c", say, PLAN)
    assert measure_of(decision.rows) == measure
    table = _table(decision, say, every=True)
    cells = {str(column.header): list(column.cells) for column in table.columns}
    assert cells[say["why_score"][measure]] == [shown, "-"]
    if term := more.get("term"):
        assert term not in cells
        assert cells[say["why_term"][term]][0] in {"4", "3.12", "50.00", "0.125"}


def test_what_two_rules_weigh_stands_apart() -> None:
    cover = {"policy": "least-loss", "term": "cover_lost", "value": 0.02, "score": 0.02}
    turned = {"unit_id": "v", "policy": "by-priority", "term": "gain_s", "value": 45.0,
              "chosen": True, "why": "diverted", "on_call": "d", "score": 60.0}  # fmt: skip
    (decision,) = told(rows(cover, turned), "c", words("en"), PLAN)
    say = words("en")
    table = _table(decision, say, every=True)
    cells = {str(column.header): list(column.cells) for column in table.columns}
    assert cells[say["why_term"]["cover_lost"]] == ["2.00", ""]
    assert cells[say["why_term"]["gain_s"]] == ["", "45.0"]
    assert say["why_score"]["own"] in cells


def test_a_unit_that_was_not_moved_is_told_with_its_calls(run_folder, capsys) -> None:
    assert main(["why", str(run_folder), "A1"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "A1 is a unit of this run. Nobody was moved up in it" in out
    assert "Calls that it was sent to: 1 (I-2)." in out
    assert "CALL` tells of one" in out
    assert main(["why", str(run_folder), "A1", "--lang", "ko"]) == 0
    assert "출동한 신고 1건: I-2." in " ".join(capsys.readouterr().out.split())
    assert main(["why", str(run_folder), "A0", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["unit_id"], said["moves"], said["calls"]) == ("A0", [], ["I-1"])


def test_a_rule_that_never_moved_the_unit_is_named(tmp_path, capsys) -> None:
    city = town(ambulances=1, service=sure(0.0))
    still = plan(calls=QUIET, policy={"moveup": "priority-list"}, record={"events": False})
    run_scenario(still, tmp_path / "run", city=city)
    assert main(["why", str(tmp_path / "run"), "A0"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out == (
        "A0 is a unit of this run. It made no move: the rule “priority-list” never sent it to "
        "wait elsewhere."
    )


def test_a_run_without_decisions_says_so(tmp_path, capsys) -> None:
    city = town(ambulances=1, service=sure(0.0))
    quiet = plan(calls=QUIET, changes=[inject(city, "07:00")], record={"decisions": False})
    run_scenario(quiet, tmp_path / "run", city=city)
    assert main(["why", str(tmp_path / "run"), "I-1"]) == 2
    assert "kept no decisions" in capsys.readouterr().err
