"""Every mistake is one sentence and exit status 2, and nothing stored is lost."""

from __future__ import annotations

import errno
import json
import shutil

import pytest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run"], "Missing argument"),
        (["fly"], "`twin` has no command 'fly'; `twin --help`"),
        (["sreve"], "did you mean 'serve'?"),
        (["city", "lst"], "`twin city` has no command 'lst'; did you mean 'list'?"),
        (["run", "--foo"], "`twin run --help` shows"),
        (["run", "nothing"], "there is no scenario 'nothing'"),
        (["run", "{place}/plain.toml", "--seed", "x"],
         "--seed: 'x' is not a whole number in digits, as in `--seed 1`; `twin run --help`"),
        (["compare", "a", "b", "--replications", "eight"],
         "--replications: 'eight' is not a whole number in digits, as in `--replications 8`; "),
        (["compare", "a", "b", "--replications", "0"], "0 is too small, it should be 1 or more"),
        (["replay", "a", "--target", "soon"], "'soon' is not a number in digits, as in `--target"),
        (["serve", "--port", "99999"], "--port: 99999 is too large, it should be 65535 or less"),
        (["run", "{place}/plain.toml", "--seed", "-1"], "--seed: -1 is not allowed: it sh"),
        (["run", "{place}/plain.toml", "--seed", "9" * 21], "twin: --seed: 99999"),
        (["run", "{place}/plain.toml", "--replication", "9" * 25], "--replication"),
        (["run", "{place}/plain.toml", "--set", "seed=-1"], "--set seed=-1, field 'seed'"),
        (["run", "{place}/plain.toml", "--set", "period.day=0001-01-01"], "1900-01-01"),
        (["run", "{place}/plain.toml", "--set", "traffic.demand_scale=nan"], "a finite number"),
        (["run", "{place}"], "' is a folder, not a scenario; name a scenario of the catalogue"),
        (["city", "places", "seol-core"], "no city 'seol-core'; did you mean 'seoul-core'?"),
        (["run", "seoul-evening-peak", "--set", "period.end=17:00"],
         "twin: --set period.end=17:00, field 'period.end': end 17:00 is not after start 18:00"),
        (["run", "seoul-evening-peak", "--set", "period.end=17:00", "--set", "period.start=17:30"],
         "twin: --set period.end=17:00 --set period.start=17:30, field 'period': end 17:00 is"),
        (["run", "{place}/empty"], "field 'city': the field is missing"),
        (["run", "{place}/binary"], "row 1: is not UTF-8 text"),
        (["run", "{place}/plain.toml", "--out", "{place}/empty"], "is a file, not a folder"),
        (["run", "{place}/plain.toml", "--out", "{place}/empty/x"],
         "empty, field '--out': is a file, not a folder"),
        (["run", "{place}/plain.toml", "--out", "/"], "/, field '--out': is the root of the file"),
        (["run", "{place}/plain.toml", "--out", "/../"], "is the root of the file system"),
        (["run", "{place}/plain.toml", "--out", ""], "field '--out': names no folder"),
        (["replay", "{place}/city", "--out", ""], "field '--out': names no folder"),
        (["replay", "{place}/city", "--out", "/"], "is the root of the file system"),
        (["compare", "{place}/plain.toml", "{place}/more.toml", "--out", " "], "names no folder"),
        (["compare", "{place}/plain.toml", "{place}/more.toml", "--out", "//"], "is the root"),
        (["city", "import", "osm", "{place}/no.osm", "--name", "x", "--out", ""],
         "names no folder"),
        (["city", "import", "osm", "{place}/no.osm", "--name", "x", "--out", "/"], "is the root"),
        (["report", "{place}/plain.toml", "--out", ""], "is a folder; name a file"),
        (["demo", "--out", ""], "names no folder"),
        (["demo", "--out", "{place}/empty"], "is a file, not a folder"),
        (["demo", "--out", "{place}/empty/x"], "is a file, not a folder"),
        (["run", "{place}/plain.toml", "--out", "x" * 300], "File name too long"),
        (["run", "{place}/plain.toml", "--set", "city=atlantis"],
         "--set city=atlantis, field 'city': there is no city 'atlantis'; known cities"),
        (["run", "{place}/plain.toml", "--set", "policy.dispatch=nearest"],
         "known: beats, closest-free-flow, closest-idle"),
        (["run", "{place}/plain.toml", "--set", "policy.queue=nearest"],
         "--set policy.queue=nearest, field 'policy.queue': there is no queue policy 'nearest'"),
        (["run", "{place}/plain.toml", "--set", "calls.source=recorded", "--set",
          "period.day=2020-01-01"], "no recorded calls"),
        (["run", "{place}/plain.toml", "--out", "{place}"], "holds files that are not a run"),
        (["compare", "{place}/plain.toml", "{place}/plain.toml", "-n", "0"],
         "0 is too small, it should be 1 or more"),
        (["compare", "{place}/plain.toml", "{place}/more.toml", "--out", "{place}"],
         "no part of a comparison"),
        (["report", "{place}"], "not a run folder"),
        (["report", "{place}/empty"], "no such run folder"),
        (["report", "{place}/plain.toml", "--out", "{place}"], "is a folder; name a file"),
        (["report", "{place}/nowhere"], "no such run folder"),
        (["city", "build", "atlantis"], "no recipe for a city 'atlantis'"),
        (["city", "build", "seoul-downtown", "--data", "{place}"], "the recipe needs this file"),
        (["city", "show", "atlantis"], "no city 'atlantis'"),
        (["city", "show", "{place}/city", "--picture", "{place}/plain.toml"], "name of a PNG file"),
        (["city", "show", "{place}/city", "--picture", "{place}/empty/x.png"], "cannot be written"),
        (["city", "places", "{place}/empty"], "there is no city"),
        (["city", "import", "osm", "{place}/plain.toml", "--name", "x"], "plain.toml"),
        (["city", "import", "osm", "{place}/no.osm", "--name", "x"], "no such file"),
        (["city", "import", "osm", "{place}", "--name", "x"], "is a folder, not a file"),
        (["city", "import", "osm", "{place}/empty", "--name", "x"], "the file is empty"),
        (["city", "import", "graphml", "{place}/binary", "--name", "x"], "not well-formed XML"),
        (["city", "import", "osm", "{place}/no.osm", "--name", "seoul"], "field '--name'"),
        (["city", "import", "osm", "{place}/no.osm", "--name", "san-francisco"], "field '--name'"),
        (["city", "import", "osm", "{place}/no.osm", "--name", "X"], "'X' is not a name"),
        (["city", "import", "osm", "{place}/no.osm", "--name", "x", "--out", "{place}"],
         "which Twin did not write"),
        (["replay", "{place}/city", "--day", "yesterday"], "'yesterday' is not a day"),
        (["replay", "{place}/city", "--calls", "{place}/no.csv"], "no such file"),
        (["replay", "{place}/city", "--from", "25"], "--from: '25' is not a clock time"),
        (["replay", "{place}/city", "--to", "-1:00"], "--to: '-1:00' is not a clock time"),
        (["replay", "{place}/city", "--seed", "9" * 21], "twin: --seed: 99999"),
        (["replay", "{place}/city", "--policy", "nearest"],
         "field '--policy': there is no dispatch policy 'nearest'"),
        (["replay", "{place}/city", "--day", "2030-01-01"], "no recorded calls on 2030-01-01"),
        (["replay", "{place}/city", "--calls", "{place}"], "is a folder, not a file"),
        (["scenario", "show", "nothing"], "there is no scenario 'nothing'"),
        (["serve", "--runs", "{place}/empty"], "is a file, not a folder of runs"),
        (["serve", "--run", "{place}"], "is not a run folder"),
        (["serve", "--port", "0"], "is too small, it should be 1 or more"),
    ],
)  # fmt: skip
def test_every_mistake_is_one_sentence_and_status_two(twin, place, words, message):
    before = {file: file.read_bytes() for file in place.rglob("*") if file.is_file()}
    status, out, err = twin(*(word.format(place=place) for word in words))
    assert status == 2, err
    assert out == ""
    assert {file: file.read_bytes() for file in place.rglob("*") if file.is_file()} == before
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


def test_a_comparison_that_cannot_begin_counts_nothing(twin, place, tmp_path):
    other = (place / "plain.toml").read_text().replace("08:00", "09:00")
    (tmp_path / "later.toml").write_text(other.replace("plain", "later"))
    status, _, err = twin("compare", place / "plain.toml", "later.toml", "--out", "c")
    assert status == 2
    assert "differ in it" in err
    assert "None" not in err


def test_scenarios_of_two_cities_are_refused_before_either_is_built(twin, place, monkeypatch):
    def build(*_, **__):
        raise AssertionError("a city was asked for")

    monkeypatch.setattr("apps.cli.scenario_city.load", build)
    status, _, err = twin("compare", place / "plain.toml", "seoul-bridge-closed", "--out", "c")
    assert status == 2
    assert "field 'city'" in err
    assert "differ in it" in err


def test_a_rule_that_does_not_exist_is_found_before_the_run_begins(twin, place, tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        f'name = "wrong"\nbase = "{place}/plain.toml"\n\n[[changes]]\n'
        'kind = "set-policy"\nat = "09:00"\nqueue = "last-come"\n'
    )
    for verb in (["run", wrong], ["compare", place / "plain.toml", wrong]):
        status, _, err = twin(*verb, "--out", tmp_path / "r")
        assert status == 2
        (line,) = err.strip().splitlines()  # no progress before it
        assert f"{wrong}, row 7, field 'changes.1.queue': there is no queue policy" in line
        assert "known: ageing, first-come, priority" in line
        assert not (tmp_path / "r").exists()


def test_scenario_show_names_every_place_that_is_not_there(twin, place, tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        f'name = "wrong"\nbase = "{place}/plain.toml"\n\n[[changes]]\n'
        'kind = "add-units"\nstation = "S9"\n\n[[changes]]\n'
        'kind = "close-hospital"\nhospital = "H9"\n'
    )
    status, out, err = twin("scenario", "show", wrong)
    assert status == 2
    assert out == ""  # a page of fields would hide them
    one, two = err.strip().splitlines()
    assert "row 6, field 'changes.1.station': the city has no station 'S9'" in one
    assert "row 10, field 'changes.2.hospital': the city has no hospital 'H9'" in two
    status, _, err = twin("compare", place / "plain.toml", wrong, "--out", tmp_path / "c")
    assert status == 2
    assert [line.partition("field '")[2][:9] for line in err.strip().splitlines()] == [
        "changes.1",
        "changes.2",
    ]
    status, out, _ = twin("scenario", "show", wrong, "--json")
    assert status == 2
    assert len(json.loads(out)["faults"]) == 2
    assert json.loads(out)["changes"][1]["kind"] == "close-hospital"


def test_scenario_show_tells_when_there_is_no_city_to_check_with(twin, tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "nothing"))
    status, out, err = twin("scenario", "show", "sf-hospital-closed")
    assert status == 0
    assert "close-hospital" in out
    assert "has not been built yet" in err


@pytest.mark.parametrize("lost", ["calls.parquet", "pulse.parquet", "run.json"])
@pytest.mark.parametrize("how", ["missing", "cut short", "rubbish"])
def test_a_damaged_run_is_named_by_its_file(twin, finished, tmp_path, lost, how):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    content = (run / lost).read_bytes()
    (run / lost).unlink()
    if how != "missing":
        (run / lost).write_bytes(content[: len(content) // 2] if how == "cut short" else b"\0\xff")
    status, out, err = twin("report", run)
    assert (status, out) == (2, "")
    assert lost in err
    assert not (run / "report.html").exists()


def test_rights_and_space_are_told_in_one_sentence(twin, place, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "calls.parquet")

    monkeypatch.setattr("apps.cli.run.run_scenario", full)
    status, _, err = twin("run", place / "plain.toml", "--out", tmp_path / "r")
    assert status == 2
    assert err.strip().splitlines()[-1] == "twin: calls.parquet: No space left on device"


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
