"""`twin rehearse` on a small city."""

from __future__ import annotations

import json

import pytest

from apps.cli.main import main

HEAD = "seat,call_id,role,chosen\n"


@pytest.fixture
def scenario(place, tmp_path):
    """Return a scenario of one call near the station."""
    from tests.support.emergency import inject, town

    at = inject(town(), "08:05")
    file = tmp_path / "one.toml"
    text = (place / "plain.toml").read_text()
    file.write_text(
        f'{text}\n[calls]\nsource = "none"\ncollisions = false\n\n[[changes]]\n'
        f'kind = "inject-incident"\nat = "08:05"\nincident = "medical"\n'
        f"lon = {at['lon']}\nlat = {at['lat']}\n"
    )
    return file


def test_choices_are_played_and_reviewed(scenario, tmp_path, capsys) -> None:
    choices = tmp_path / "choices.csv"
    choices.write_text(HEAD + "dispatcher,I-1,ambulance-1,wait\ndispatcher,I-1,ambulance-1,A1\n")
    out = tmp_path / "out"
    words = ["rehearse", str(scenario), "--choices", str(choices), "--out", str(out)]
    assert main([*words, "--rule", "closest-idle", "--json"]) == 0
    got = json.loads(capsys.readouterr().out)
    assert got == json.loads((out / "review.json").read_text("utf-8"))
    assert [each["chosen"] for each in got["decisions"]] == ["wait", "A1"]
    people, rules = got["runs"]
    assert (people["name"], rules["name"]) == ("people", "rules")
    assert people["mean_s"] == pytest.approx(rules["mean_s"] + 60.0)
    # As JSON, and once more from what was written.
    rows = [
        dict(zip(HEAD.strip().split(","), ["dispatcher", "I-1", "ambulance-1", "A1"], strict=True))
    ]
    (tmp_path / "choices.json").write_text(json.dumps(rows))
    for file in (tmp_path / "choices.json", out / "choices.csv"):
        again = ["rehearse", str(scenario), "--choices", str(file), "--no-runs"]
        assert main([*again, "--out", str(tmp_path / "again")]) == 0
        assert "A1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("c.csv", HEAD + "dispatcher,I-1,ambulance-1,A9\n", "'A9' cannot be chosen"),
        ("c.csv", HEAD + "dispatcher,I-7,ambulance-1,A1\n", "there was no such decision"),
        ("c.csv", "", "is not a table of choices"),
        ("c.json", "{}", "is not a list of objects"),
        ("c.json", "[", "is not a table of choices"),
    ],
)
def test_wrong_choices_are_one_sentence(scenario, tmp_path, capsys, name, text, said) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert main(["rehearse", str(scenario), "--choices", str(file), "--no-runs"]) == 2
    assert said in capsys.readouterr().err
