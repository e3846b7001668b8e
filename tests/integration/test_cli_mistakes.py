"""Every mistake is one sentence and exit status 2, and nothing stored is lost."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run"], "Missing argument"),
        (["fly"], "fly"),
        (["run", "nothing"], "there is no scenario 'nothing'"),
        (["run", "{place}/plain.toml", "--seed", "x"], "valid int"),
        (["run", "{place}/plain.toml", "--seed", "-1"], "greater than or equal to 0"),
        (["run", "{place}/plain.toml", "--set", "city=atlantis"], "no city 'atlantis'"),
        (["run", "{place}/plain.toml", "--set", "policy.dispatch=nearest"], "nearest"),
        (["run", "{place}/plain.toml", "--set", "calls.source=recorded", "--set",
          "period.day=2020-01-01"], "no recorded calls"),
        (["run", "{place}/plain.toml", "--out", "{place}"], "holds files that are not a run"),
        (["compare", "{place}/plain.toml", "{place}/plain.toml", "-n", "0"], "or equal to 1"),
        (["compare", "{place}/plain.toml", "{place}/more.toml", "--out", "{place}"],
         "no part of a comparison"),
        (["report", "{place}"], "not a run folder"),
        (["report", "{place}/nowhere"], "no such run folder"),
        (["city", "build", "atlantis"], "no recipe for a city 'atlantis'"),
        (["city", "show", "atlantis"], "no city 'atlantis'"),
        (["city", "import", "osm", "{place}/plain.toml", "--name", "x"], "plain.toml"),
        (["city", "import", "osm", "{place}/no.osm", "--name", "x"], "no such file"),
        (["replay", "{place}/city", "--day", "yesterday"], "'yesterday' is not a day"),
        (["replay", "{place}/city", "--calls", "{place}/no.csv"], "no such file"),
        (["replay", "{place}/city", "--from", "25"], "'25' is not a clock time"),
        (["serve", "--port", "0"], "greater than or equal to 1"),
    ],
)  # fmt: skip
def test_every_mistake_is_one_sentence_and_status_two(twin, place, words, message):
    status, out, err = twin(*(word.format(place=place) for word in words))
    assert status == 2, err
    assert out == ""
    last = err.strip().splitlines()[-1]
    assert last.startswith("twin: ")
    assert message in last
    assert "Traceback" not in err


def test_a_change_that_cannot_happen_is_named_by_file_and_line(twin, place, tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        f'name = "wrong"\nbase = "{place}/plain.toml"\n\n[[changes]]\n'
        'kind = "close-links"\nlinks = [987654]\n'
    )
    status, _, err = twin("run", wrong, "--out", tmp_path / "r")
    assert status == 2
    assert f"{wrong}, row 6, field 'changes.1.links': the city has no link 987654" in err


def test_what_should_not_happen_is_kept_in_a_file(twin, place, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("apps.cli.run.run_scenario", broken)
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    status, out, err = twin("run", place / "plain.toml", "--out", tmp_path / "r")
    assert (status, out) == (1, "")
    assert err.count("\n") == 1 or "Traceback" not in err
    (kept,) = (tmp_path / "cache" / "logs").iterdir()
    assert str(kept) in err
    assert "ZeroDivisionError: inside" in kept.read_text()
