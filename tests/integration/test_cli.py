"""The command line as people use it: answers on stdout, notes on stderr, the same bits again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import apps.cli.common
from apps.cli.main import VERBS
from twin import experiment as twin_experiment
from twin.recording.reader import RunReader
from twin.recording.tables import RUN_TABLES
from twin.scenarios.load import load_scenario

ROOT = Path(__file__).parents[2]


def tables(folder):
    return {name: (folder / f"{name}.parquet").read_bytes() for name in RUN_TABLES}


def test_help_names_every_verb_and_imports_none():
    code = (
        "import sys\nfrom apps.cli.main import main\nmain(['--help'])\n"
        "heavy = {'numba', 'pandas', 'numpy', 'mesa', 'duckdb', 'distributed'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(f"\n  {verb} " in done.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(twin, verb):
    status, out, _ = twin(verb, "--help")
    assert status == 0
    assert "Usage" in out


def test_run_ends_with_one_json_object(place, answer, tmp_path):
    got = answer("run", place / "plain.toml", "--out", tmp_path / "r", "--seed", "5")
    assert got["scenario"] == "plain"
    assert got["seed"] == 5
    assert got["calls"] == got["closed"] + got["open"] + got["cancelled"] > 20
    assert got["response"]["n"] == sum(r["n"] for r in got["response"]["by_priority"].values())
    assert 0.0 <= got["share_within_480_s"] <= 1.0
    assert got["intervals"]["response"]["observed"] is None
    counted = {"inserted", "finished", "running", "waiting", "removed", "detoured", "cleared_red"}
    assert counted | {"turned_on_red", "without_route"} == got["vehicles"].keys()
    assert 0 <= got["not_reached"] <= got["open"]
    assert {"real_time_factor", "wall_s", "peak_rss_mb", "phases"} <= got.keys()
    reader = RunReader(tmp_path / "r")
    # The crew of a free unit turns out in 30 s; one that is on the road needs none.
    calls = reader.table("calls")
    turnout = (calls["t_enroute"] - calls["t_dispatch"]).dropna()
    assert set(turnout.round(6)) == {0.0, 30.0}
    assert got["intervals"]["turnout"]["simulated"]["mean"] == pytest.approx(turnout.mean())
    meta = reader.meta
    assert meta["summary"]["response"] == got["response"]
    assert meta["command"][0] == "twin"


def test_run_without_json_prints_tables(place, twin, tmp_path):
    status, out, err = twin("run", place / "plain.toml", "--out", tmp_path / "r")
    assert status == 0
    assert "priority 1" in out
    assert "dispatch to en route" in out
    assert str(tmp_path / "r") in err


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(place, twin, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert twin("run", place / "plain.toml", "--seed", seed, "--out", tmp_path / name)[0] == 0
    assert tables(tmp_path / "a") == tables(tmp_path / "b")
    assert tables(tmp_path / "a")["calls"] != tables(tmp_path / "c")["calls"]


def test_one_thread_and_two_give_the_same_bytes_in_traffic(place, twin, tmp_path):
    for threads in (1, 2):
        status, _, err = twin(
            "run", place / "plain.toml", "--set", "traffic.fidelity=micro",
            "--set", "period.end=08:20", "--set", f"traffic.threads={threads}",
            "--out", tmp_path / str(threads),
        )  # fmt: skip
        assert status == 0, err
    assert tables(tmp_path / "1") == tables(tmp_path / "2")
    assert len(RunReader(tmp_path / "1").table("trips"))


def test_more_units_leave_the_calls_untouched(place, twin, tmp_path):
    for name in ("plain", "more"):
        assert twin("run", place / f"{name}.toml", "--out", tmp_path / name)[0] == 0
    asked = ["call_id", "kind", "priority", "lon", "lat", "district", "t_call"]
    one, two = (RunReader(tmp_path / n).table("calls", asked) for n in ("plain", "more"))
    pd.testing.assert_frame_equal(one, two)


def test_compare_pairs_resumes_and_does_not_depend_on_workers(place, answer, tmp_path):
    words = ("compare", place / "plain.toml", place / "more.toml", "--out", tmp_path / "one")
    got = answer(*words, "--replications", 2, "--workers", 1)
    assert got["replications"] == 2
    overall = got["overall"]
    assert overall["statistic"] == "mean"
    assert overall["low"] <= overall["difference"] <= overall["high"]
    assert overall["difference"] < 0.0  # five ambulances for three, in a town that is short
    assert {row["group"] for row in got["rows"]} >= {"overall", "priority", "kind"}
    marks = {f: f.stat().st_mtime_ns for f in (tmp_path / "one").glob("*/run.json")}
    assert len(marks) == 4
    again = answer(*words, "--replications", 3, "--workers", 1)
    assert again["replications"] == 3
    assert all(f.stat().st_mtime_ns == mark for f, mark in marks.items())
    assert len(list((tmp_path / "one").glob("*/run.json"))) == 6
    assert Path(again["report"]).is_file()

    two = answer(
        "compare", place / "plain.toml", place / "more.toml", "--out", tmp_path / "two",
        "--replications", 2, "--workers", 2,
    )  # fmt: skip
    assert two["rows"] == got["rows"]
    for run in ("base-000", "whatif-001"):
        assert tables(tmp_path / "one" / run) == tables(tmp_path / "two" / run)


def test_compare_never_mixes_runs_of_two_what_ifs(place, twin, tmp_path):
    short = ("--workers", 1, "--set", "period.end=08:30")
    out = ("--out", tmp_path / "c")
    sides = (place / "plain.toml", place / "more.toml")
    assert twin("compare", *sides, *out, *short, "--replications", 2)[0] == 0
    before = {run: tables(tmp_path / "c" / run) for run in ("whatif-000", "whatif-001")}
    own = tmp_path / "own.toml"
    text = (place / "more.toml").read_text("utf-8").replace('"plain', f'"{place}/plain')
    own.write_text(text.replace('name = "more"', 'name = "own"'), "utf-8")
    status, _, err = twin("compare", sides[0], own, *out, *short, "--replications", 1)
    assert status == 2
    assert "whatif-000: is a run of more, not of own; choose another --out" in err
    # The same names with another seed: the first pair would be new, the second stay as it was.
    status, _, err = twin("compare", *sides, *out, *short, "--seed", 7, "--replications", 1)
    assert status == 2
    assert "base-001: is a run of an earlier plain and would stand beside new ones" in err
    assert {run: tables(tmp_path / "c" / run) for run in before} == before
    assert twin("compare", *sides, *out, *short, "--seed", 7, "--replications", 2)[0] == 0


def test_compare_takes_its_city_once(place, twin, tmp_path, monkeypatch):
    taken = []
    get_city = apps.cli.common.get_city
    monkeypatch.setattr(
        apps.cli.common, "get_city", lambda *a, **k: taken.append(a) or get_city(*a, **k)
    )
    words = ("compare", place / "plain.toml", place / "more.toml", "--out", tmp_path / "c")
    status, _, err = twin(*words, "--replications", 1, "--workers", 1, "--set", "period.end=08:30")
    assert status == 0, err
    assert len(taken) == 1


def test_compare_prints_what_it_means(place, twin, tmp_path):
    words = ("compare", place / "plain.toml", place / "more.toml", "--workers", 1)
    status, out, err = twin(*words, "--out", tmp_path / "c", "--replications", 1)
    assert status == 0
    assert "for an interval: only one replication" in out
    assert ": 2 of 2 done after" in err  # no terminal, so no bar: a line for each run
    assert "Note: one pair of runs gives no interval" in err
    assert err.index("one pair of runs") < err.index("0 of 2 done")
    assert "wrong way round" not in err
    assert "Set on the command line" not in out
    assert "One replication cannot tell a real difference" in out
    assert "only in the base" in out
    assert "use only the calls reached in both runs" in out
    status, out, err = twin("report", tmp_path / "c", "--out", tmp_path / "again.html")
    assert status == 0, err
    made = (tmp_path / "again.html").read_text("utf-8")
    assert "<script" not in made
    assert "More &lt;script&gt;" in made


def test_compare_refuses_two_sides_that_run_alike(place, twin, tmp_path):
    out = ("--workers", 1, "--out", tmp_path / "c")
    plain = place / "plain.toml"
    status, _, err = twin("compare", plain, plain, "--set", "traffic.speed_factor=0.8", *out)
    assert status == 2
    assert "both sides run alike (plain), so no call could change" in err
    assert "--set holds on both sides: put the field into the what-if's file" in err
    # What the what-if changes is set on the command line, and so on both sides.
    slow = tmp_path / "slow.toml"
    text = f'name = "slow"\nbase = "{plain}"\n[traffic]\nspeed_factor = 0.8\n'
    slow.write_text(text, "utf-8")
    status, _, err = twin("compare", plain, slow, "--set", "traffic.speed_factor=0.9", *out)
    assert status == 2
    assert "both sides run alike (plain and slow)" in err
    status, _, err = twin("compare", plain, plain, *out)
    assert status == 2
    assert "make a what-if: a file with base = 'plain' and what it changes" in err
    assert not (tmp_path / "c").exists()


def test_compare_begins_with_what_was_set_and_says_that_the_sides_are_swapped(
    place, twin, tmp_path, monkeypatch
):
    monkeypatch.setattr(apps.cli.common, "LINE_EVERY_S", 0.0)
    words = ("compare", place / "more.toml", place / "plain.toml", "--workers", 1)
    words += ("--set", "period.end=08:30", "--replications", 1, "--out", tmp_path / "c")
    status, out, err = twin(*words)
    assert status == 0
    assert out.startswith("Set on the command line: period.end = 08:30.\n")
    assert err.startswith("Note: The sides may be the wrong way round: more is itself a what-if")
    assert "plain against more: base-000 at 08:01:00 (3%)" in err


def test_run_begins_with_what_was_set(place, twin, tmp_path):
    words = ("run", place / "plain.toml", "--set", "period.end=08:30", "--out", tmp_path / "r")
    status, out, _ = twin(*words)
    assert (status, out.split("\n")[0]) == (0, "Set on the command line: period.end = 08:30.")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_comparison_tells_how_far_each_run_has_come(place, tmp_path, workers):
    told = {}
    twin_experiment.compare(
        *(load_scenario(place / f"{n}.toml", ["period.end=08:30"]) for n in ("plain", "more")),
        tmp_path / "c",
        replications=1,
        workers=workers,
        watch=lambda run, t, share: told.setdefault(run, []).append((t, share)),
        watch_every_s=0.0,
    )
    assert set(told) == {"base-000", "whatif-000"}
    for said in told.values():
        assert said == sorted(said)
        assert said[0] == (8 * 3600 + 60.0, pytest.approx(1 / 30))
        assert said[-1] == (8.5 * 3600, 1.0)


def test_report_of_a_run(place, twin, tmp_path):
    assert twin("run", place / "plain.toml", "--out", tmp_path / "r")[0] == 0
    status, out, err = twin("report", tmp_path / "r")
    assert (status, out.strip()) == (0, str(tmp_path / "r" / "report.html")), err
    assert "What was assumed" in (tmp_path / "r" / "report.html").read_text("utf-8")


def test_scenarios_are_listed_and_shown(answer, place):
    listed = answer("scenario", "list")["scenarios"]
    assert "seoul-bridge-closed" in {s["name"] for s in listed}
    shown = answer("scenario", "show", place / "more.toml", "--set", "seed=8")
    assert shown["seed"] == 8
    assert shown["changes"][0]["count"] == 2
    assert shown["traffic"]["fidelity"] == "table"


@pytest.mark.parametrize("more", [(), ("--all",)])
def test_a_scenario_is_shown_as_toml_that_gives_it(place, twin, tmp_path, more):
    setting = ("--set", "record.trips=false", "--set", "traffic.siren.reach_m=90")
    setting += ("--set", "traffic.fidelity=micro")
    status, out, err = twin("scenario", "show", place / "more.toml", *setting, *more)
    assert status == 0, err
    assert "trips = false\n" in out
    assert '[[changes]]\nkind = "add-units"\n' in out
    assert ("demand_scale" in out) == bool(more)
    (tmp_path / "again.toml").write_text(out)
    wanted = load_scenario(place / "more.toml", setting[1::2])
    again = load_scenario(tmp_path / "again.toml")
    assert again == wanted.model_copy(update={"base": None})


def test_both_count_the_same_streets(answer, place):
    rows = answer("city", "show", place / "city")["quality"]
    count = next(row["value"] for row in rows if row["item"] == "streets with a name")
    assert count == len(answer("city", "places", place / "city")["streets"])


def test_cities_are_listed_and_shown(answer, twin, place, tmp_path):
    assert {"seoul", "seoul-core", "san-francisco"} <= {
        c["name"] for c in answer("city", "list")["cities"]
    }
    shown = answer("city", "show", place / "city", "--picture", tmp_path / "p.png")
    assert shown["tables"]["units"] == 5
    assert (tmp_path / "p.png").stat().st_size > 1000
    status, out, _ = twin("city", "show", place / "city", "--picture", tmp_path / "p.png")
    assert status == 0
    assert "dead ends" in out
