"""The command line as people use it: answers on stdout, one sentence for every mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from apps.cli.main import VERBS, main
from tests.support.emergency import SERVICE, town
from twin.city.bundle import load_city, save_city
from twin.city.model import TABLES
from twin.recording.reader import RunReader
from twin.recording.tables import RUN_TABLES

ROOT = Path(__file__).parents[2]

BASE = """\
name = "plain"
city = "{city}"

[period]
start = "08:00"
end = "10:00"
warm_up_min = 0

[traffic]
fidelity = "table"
"""
WHATIF = """\
name = "more"
base = "plain.toml"

[title]
en = "More <script>alert(1)</script> units"

[[changes]]
kind = "add-units"
station = "S1"
count = 2
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with a city, `plain.toml` and `more.toml`."""
    folder = tmp_path_factory.mktemp("place")
    city = town(medical_per_day=600, service=SERVICE)
    at = pd.Timestamp("2025-03-05T08:10:00+00:00") - pd.Timedelta(hours=9)
    node = city.network.link_from[[3, 9]]
    known = {
        "call_id": ["h1", "h2"],
        "kind": "medical",
        "priority": 1,
        "lon": city.network.node_lon[node],
        "lat": city.network.node_lat[node],
        "t_call": [at, at + pd.Timedelta(minutes=3)],
        "t_onscene": [at + pd.Timedelta(minutes=6), None],
        "transported": False,
    }
    empty = {c: pd.NaT if kind == "timestamp" else "" for c, kind in TABLES["history"].items()}
    history = pd.DataFrame({**empty, **known})
    for name in (c for c in history if c.startswith("t_")):
        history[name] = pd.to_datetime(history[name], utc=True)
    city.tables["history"] = history
    city.service["2025-03-05"] = SERVICE
    city.meta = city.meta.model_copy(update={"timezone": "Asia/Seoul"})
    save_city(city, folder / "city")
    (folder / "plain.toml").write_text(BASE.format(city=folder / "city"))
    (folder / "more.toml").write_text(WHATIF)
    return folder


@pytest.fixture
def twin(capsys):
    """Run the command in this process; return (status, stdout, stderr)."""

    def run(*words):
        status = main([str(word) for word in words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def answer(twin):
    """Run the command with --json and return its object."""

    def run(*words):
        status, out, err = twin(*words, "--json")
        assert status == 0, err
        return json.loads(out)

    return run


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
    # The crew of a free unit turns out in 30 s; one that is on the road needs none.
    assert got["intervals"]["turnout"]["simulated"]["p90"] == pytest.approx(30.0)
    assert {"inserted", "finished", "running", "waiting", "removed"} == got["vehicles"].keys()
    assert {"real_time_factor", "wall_s", "peak_rss_mb", "phases"} <= got.keys()
    meta = RunReader(tmp_path / "r").meta
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


def test_compare_prints_what_it_means(place, twin, tmp_path):
    words = ("compare", place / "plain.toml", place / "more.toml", "--workers", 1)
    status, out, _ = twin(*words, "--out", tmp_path / "c", "--replications", 1)
    assert status == 0
    assert "n/a" in out
    assert "One replication gives no interval" in out
    status, out, err = twin("report", tmp_path / "c", "--out", tmp_path / "again.html")
    assert status == 0, err
    made = (tmp_path / "again.html").read_text("utf-8")
    assert "<script" not in made
    assert "More &lt;script&gt;" in made


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


NODES = "node_id,x_coord,y_coord\n1,127.00,37.50\n2,127.01,37.50\n3,127.01,37.51\n4,127.00,37.51\n"
LINKS = "link_id,from_node_id,to_node_id,directed,facility_type,lanes\n" + "".join(
    f"{k},{a},{b},true,primary,2\n"
    for k, (a, b) in enumerate(
        [(1, 2), (2, 3), (3, 4), (4, 1), (2, 1), (3, 2), (4, 3), (1, 4)], start=1
    )
)


@pytest.fixture
def bring(tmp_path, twin):
    """Import a square of streets with tables given as text; return what the command said."""

    def run(**texts):
        (tmp_path / "nodes.csv").write_text(NODES)
        (tmp_path / "links.csv").write_text(LINKS)
        more = []
        for table, text in texts.items():
            (tmp_path / f"{table}.csv").write_bytes(
                text if isinstance(text, bytes) else text.encode()
            )
            more += ["--table", f"{table}={tmp_path / f'{table}.csv'}"]
        return twin(
            "city", "import", "gmns", "--nodes", tmp_path / "nodes.csv",
            "--links", tmp_path / "links.csv", "--name", "square", "--out", tmp_path / "square",
            "--timezone", "Asia/Seoul", *more,
        )  # fmt: skip

    return run


STATIONS = "station_id,lon,lat\ns1,127.001,37.5\n"
UNITS = "unit_id,station_id\na1,s1\n"
HOSPITALS = "hospital_id,name,lon,lat\nh1,General,127.01,37.505\n"


def test_a_city_of_ones_own_runs(bring, answer, tmp_path):
    status, out, err = bring(stations=STATIONS, units=UNITS, hospitals=HOSPITALS)
    assert status == 0, err
    assert "imputed" in out
    (tmp_path / "calls.csv").write_text(
        "call_id,t_call,lon,lat,priority\n"
        "c1,2025-03-05T08:00:00,127.009,37.501,1\nc2,30600,127.0,37.505,2\n"
    )
    got = answer(
        "replay", tmp_path / "square", "--day", "2025-03-05", "--calls", tmp_path / "calls.csv",
        "--set", "traffic.fidelity=table", "--to", "12:00", "--out", tmp_path / "r",
    )  # fmt: skip
    assert (got["calls"], got["closed"]) == (2, 2)
    calls = RunReader(tmp_path / "r").table("calls")
    assert calls["t_call"].tolist() == [28_800.0, 30_600.0]
    assert np.all(calls["response_s"] > 0)


def test_replay_of_the_citys_own_records(place, answer, tmp_path):
    got = answer(
        "replay", place / "city", "--day", "2025-03-05", "--from", "08:00", "--to", "10:00",
        "--set", "traffic.fidelity=table", "--policy", "closest-idle", "--out", tmp_path / "r",
    )  # fmt: skip
    assert got["calls"] == 2
    assert got["intervals"]["response"]["observed"] == {"p50": 360.0, "p90": 360.0, "n": 1}
    assert got["intervals"]["response"]["simulated"]["n"] == 2


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"stations": "station_id,lon\ns1,127\n"}, "stations.csv, row 1, field 'lat'"),
        ({"stations": "station_id,lon,latt\ns1,127,3\n"}, "did you mean 'latt'"),
        ({"stations": STATIONS + "s1,127,37.5\n"}, "row 3, field 'station_id': 's1' stands in row"),
        ({"stations": "station_id,lon,lat\ns1,east,37.5\n"}, "row 2, field 'lon': 'east' is not"),
        ({"stations": "station_id,lon,lat\ns1,nan,37.5\n"}, "field 'lon': 'nan' is not between"),
        ({"stations": "station_id,lon,lat\n,127,37.5\n"}, "field 'station_id': '' is no ident"),
        ({"stations": "station_id,lon,lat\ns1,100,37.5\n"}, "km from the nearest street"),
        ({"stations": "station_id,lon,lat\ns1,127\n"}, "row 2: has 2 cells, the header has 3"),
        ({"stations": "station_id,lon,lat\ns1,127,37,5\n"}, "row 2: has 4 cells"),
        ({"stations": ""}, "stations.csv: holds no rows"),
        ({"stations": b"station_id,lon,lat\n\xff,1,2\n"}, "stations.csv: is not UTF-8"),
        ({"stations": 'station_id,lon,lat\n"s1,127,37.5\n'}, "stations.csv: is not CSV"),
        ({"units": "unit_id,station_id,on_s\na,s1,-5\n"}, "field 'on_s': '-5' is not between"),
        ({"units": "unit_id,station_id,kind\na,s1,ambulanc\n"}, "did you mean 'ambulance'"),
        ({"hospitals": "hospital_id,lon,lat,open\nh,127,37.5,maybe\n"}, "neither true nor false"),
        ({"districts": "district\nx\n"}, "cannot be read from a file of rows"),
        ({"stationz": STATIONS}, "did you mean 'stations'"),
    ],
)
def test_rubbish_tables_are_told_by_row_and_field(bring, tmp_path, tables, message):
    status, out, err = bring(**tables)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "square").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("call_id,lon,lat\nc,127,37.5\n", "row 1, field 't_call': the column is missing"),
        ("call_id,t_call,lon,lat\nc,noon,127.0,37.5\n", "row 2, field 't_call': 'noon' is not a"),
        ("call_id,t_call,lon,lat\nc,-1,127.0,37.5\n", "'-1' is not a second of the day"),
        ("call_id,t_call,lon,lat\nc,,127.0,37.5\n", "'' is no time"),
        ("call_id,t_call,lon,lat\nc,5,127.0,57.5\n", "km from the nearest street"),
        ("call_id,t_call,lon,lat,priority\nc,5,127.0,37.5,9\n", "field 'priority': '9' is not"),
        ("call_id,t_call,lon,lat,priority\nc,5,127.0,37.5,1.5\n", "is not a whole number"),
        ("call_id,t_call,lon,lat,kind\nc,5,127.0,37.5,medicl\n", "did you mean 'medical'"),
        ("call_id,t_call,lon,lat\nc,5,127.0,37.5\nc,6,127.0,37.5\n", "'c' stands in row 2"),
        ("call_id,t_call,lon,lat,t_onscene\nc,50,127.0,37.5,20\n",
         "row 2, field 't_onscene': the time is before one"),
    ],
)  # fmt: skip
def test_rubbish_calls_are_told_by_row_and_field(bring, twin, tmp_path, text, message):
    assert bring(stations=STATIONS, units=UNITS, hospitals=HOSPITALS)[0] == 0
    (tmp_path / "calls.csv").write_text(text)
    status, _, err = twin(
        "replay", tmp_path / "square", "--day", "2025-03-05", "--calls", tmp_path / "calls.csv",
        "--out", tmp_path / "r",
    )  # fmt: skip
    assert status == 2
    assert message in err
    assert "calls.csv" in err
    assert not (tmp_path / "r").exists()


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


def test_places_are_what_a_scenario_can_name(place, answer):
    got = answer("city", "places", place / "city")
    city = load_city(place / "city")
    assert {row["station_id"] for row in got["stations"]} == set(city["stations"]["station_id"])
    ambulances = (city["units"]["kind"] == "ambulance").sum()
    assert sum(row["ambulances"] for row in got["stations"]) == ambulances > 0
    assert len(got["hospitals"]) == len(city["hospitals"]) > 0
