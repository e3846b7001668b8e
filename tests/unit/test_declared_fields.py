"""Every field of a scenario is listed with what it means; the page and the command say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from apps.cli.main import main
from twin.agents.policies import known, rule_groups
from twin.scenarios.declared import groups
from twin.scenarios.places import LISTS
from twin.scenarios.spec import Scenario


def test_every_field_and_kind_is_listed_with_its_meaning():
    found = groups()
    assert {g.keys[0] for g in found if g.list == "changes"} == set(LISTS[("changes",)][1])
    assert {line.name for line in found[0].lines} == set(Scenario.model_fields)
    bare = [
        (g.heading, line.name)
        for g in found
        for line in g.lines
        if not line.meaning and line.default != "table"
    ]
    assert bare == []


UNITS = {
    *("second", "seconds", "s", "minute", "minutes", "min", "hour", "hours", "h", "interval"),
    *("metre", "metres", "m", "kilometre", "kilometres", "km", "kmh", "degrees", "link"),
    *("share", "factor", "per", "cent", "money", "number", "free", "flow"),
    *("a", "an", "of", "the", "in", "at", "each"),
}


def test_no_field_is_described_by_its_unit_alone():
    bare = [
        (group.heading, line.name, line.meaning)
        for group in (*groups(), *rule_groups())
        for line in group.lines
        if line.meaning and set(re.findall(r"[a-z]+", line.meaning.lower())) <= UNITS
    ]
    assert bare == []


def test_the_readme_counts_the_rules_that_there_are():
    number = {4: "four", 5: "five", 8: "eight", 9: "nine", 10: "ten"}
    row = re.search(
        r"^\| Rules by name \| (.*) \|$",
        (Path(__file__).parents[2] / "README.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert row is not None
    for role, words in (
        ("dispatch", "of dispatch"), ("hospital", "of hospital choice"), ("moveup", "of move-up"),
    ):  # fmt: skip
        count = len(set(known(role)) - {"none"})
        assert f"{number[count]} {words}" in row[1]


@pytest.mark.parametrize(
    ("only", "headings", "name"),
    [
        ("weather", ['[[changes]] kind = "weather"'], "sky"),
        ("traffic.siren", ["[traffic.siren]"], "reach_m"),
        ("demand_scale", ["[traffic]"], "demand_scale"),
        ("period.end", ["[period]"], "end"),
    ],
)
def test_one_of_them_is_listed_alone(capsys, only, headings, name):
    assert main(["scenario", "fields", only, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["groups"]
    assert [group["heading"] for group in found] == headings
    assert name in {line["name"] for line in found[0]["lines"]}


def test_the_names_of_rules_stand_with_the_field_that_takes_them(capsys):
    assert main(["scenario", "fields", "policy", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["groups"][0]["lines"]
    legal = {line["name"]: line["range"] for line in lines}
    assert "beats, closest-free-flow, closest-idle" in legal["dispatch"]
    assert "ageing, first-come, priority" in legal["queue"]


def test_units_and_defaults_are_told(capsys):
    assert main(["scenario", "fields", "work-zone"]) == 0
    out = capsys.readouterr().out
    assert "km/h" in out
    assert "1600.0" in out


def test_an_unknown_field_is_answered_with_the_nearest(capsys):
    assert main(["scenario", "fields", "wether"]) == 2
    assert "did you mean 'weather'?" in capsys.readouterr().err


def test_nothing_is_suggested_for_what_is_near_to_nothing(capsys):
    assert main(["scenario", "fields", "nosuchthing"]) == 2
    said = capsys.readouterr().err
    assert "did you mean" not in said
    assert "leave it out to list all" in said
