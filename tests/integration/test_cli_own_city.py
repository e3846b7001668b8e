"""Road files and tables of one's own become a city that runs; rubbish is told by row and field."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from twin.city.bundle import load_city
from twin.core.errors import InputError
from twin.core.random import Streams
from twin.demand.trips import TripPlan
from twin.recording.reader import RunReader

VILLAGE = Path(__file__).parents[2] / "docs" / "how-to" / "files" / "village"
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
    observed = got["intervals"]["response"]["observed"]
    assert {name: observed[name] for name in ("p50", "p90", "n")} == {
        "p50": 360.0,
        "p90": 360.0,
        "n": 1,
    }
    simulated = got["intervals"]["response"]["simulated"]
    assert (simulated["n"], simulated["alone"]) == (1, 1)


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
        ({"stationz": STATIONS}, "a city has no table 'stationz'; did you mean 'stations'"),
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
        ("call_id,t_call,lon,lat\nc,0001-01-01T00:00:00,127.0,37.5\n", "the years 1900 to 2200"),
        ("call_id,t_call,lon,lat\nc,nan,127.0,37.5\n", "'nan' is not a second of the day"),
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


def test_places_are_what_a_scenario_can_name(place, answer, twin):
    got = answer("city", "places", place / "city")
    city = load_city(place / "city")
    assert {row["station_id"] for row in got["stations"]} == set(city["stations"]["station_id"])
    ambulances = (city["units"]["kind"] == "ambulance").sum()
    assert sum(row["ambulances"] for row in got["stations"]) == ambulances > 0
    assert len(got["hospitals"]) == len(city["hospitals"]) > 0
    zones = set(city["zones"]["district"])
    assert {row["district"] for row in got["stations"] + got["hospitals"]} <= zones
    status, out, _ = twin("city", "places", place / "city")
    assert status == 0
    assert out.count("district") == 2
    assert "drawn in" not in out  # no place of this city has a district of record
    assert "No street has a name" in out


def test_a_foreign_folder_is_left_alone(bring, tmp_path):
    square = tmp_path / "square"
    square.mkdir()
    theirs = {"city.toml": '[town]\nname = "mine"\n', "zones-0123456789ab.parquet": "mine"}
    for name, text in theirs.items():
        (square / name).write_text(text)
    status, out, err = bring()
    assert (status, out) == (2, "")
    assert "square: holds 'city.toml', which Twin did not write" in err
    assert {file.name: file.read_text() for file in square.iterdir()} == theirs


def test_an_import_replaces_a_city_that_twin_wrote_and_spares_what_lies_beside(bring, tmp_path):
    assert bring(stations=STATIONS)[0] == 0
    (tmp_path / "square" / "notes.txt").write_text("mine")
    (tmp_path / "square" / "my-0123456789ab.parquet").write_text("mine")
    stored = {file.name: file.read_bytes() for file in (tmp_path / "square").iterdir()}
    assert bring(stations="station_id\n")[0] == 2
    assert {f.name: f.read_bytes() for f in (tmp_path / "square").iterdir()} == stored
    assert bring(stations=STATIONS + "s2,127.005,37.5\n")[0] == 0
    assert len(load_city(tmp_path / "square")["stations"]) == 2
    assert (tmp_path / "square" / "notes.txt").read_text() == "mine"
    assert (tmp_path / "square" / "my-0123456789ab.parquet").read_text() == "mine"


def test_a_table_of_travel_times_is_a_city_that_replays(twin, answer, tmp_path):
    files = {
        "times": "from,to,seconds\na,b,100\nb,a,120\n",
        "places": "id,x,y\na,0,0\nb,500,0\n",
        "units": "id,base\nu1,a\n",
        "hospitals": "id,place\nh1,b\n",
        "calls": "id,t,place,scene_s,transport\n1,10,b,300,no\n2,20,a,60,no\n3,700,a,60,no\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text)
    named = [w for n in list(files)[:4] for w in (f"--{n}", tmp_path / f"{n}.csv")]
    status, out, err = twin("city", "import", "table", *named, "--out", tmp_path / "region")
    assert status == 0, err
    assert "places" in out
    calls = ["--calls", tmp_path / "calls.csv"]
    got = answer("replay", tmp_path / "region", *calls, "--target", "400", "--out", tmp_path / "r")
    # 100 s; then 20 s to 410 s and 120 s; then, at 700 s, home since 590 s: no drive at all.
    assert [got[f"{name}_response_s"] for name in ("mean", "p50", "p90", "p95")] == pytest.approx(
        [610.0 / 3.0, 100.0, 428.0, 469.0]
    )
    assert (got["calls"], got["queued"], got["target_s"]) == (3, 1, 400.0)
    assert got["share_within_target"] == pytest.approx(2.0 / 3.0)
    assert got["choices"]["traffic.speed_without_siren"] == 0.95
    late = answer(
        "replay", tmp_path / "region", *calls, "--from", "2025-03-05T00:10", "--to", "01:00",
        "--set", "chain.turnout_s=30", "--out", tmp_path / "late",
    )  # fmt: skip
    assert (late["calls"], late["mean_response_s"]) == (1, 30.0)
    status, _, err = twin("replay", tmp_path / "region", *calls, "--set", "traffic.fidelity=micro")
    assert status == 2
    assert "the city has travel times and no streets" in err
    status, _, err = twin("report", tmp_path / "r")
    assert status == 0, err


MAPPING = """\
source = "test"
timezone = "Asia/Seoul"
timestamp_format = "%Y-%m-%d %H:%M:%S"
bounds = [126.0, 37.0, 128.0, 38.0]

[columns]
call_id = "call"
unit_id = "unit"
nature = "nature"
unit_type = "type"
lon = "lon"
lat = "lat"
t_call = "received"
t_dispatch = "sent"
t_enroute = "rolling"
t_onscene = "there"
t_clear = "clear"

[unit_kinds]
MEDIC = "ambulance"

[kinds]
ill = "medical"
"""
EXPORT = """\
call,unit,nature,type,lon,lat,received,sent,rolling,there,clear
1,a1,ill,MEDIC,127.009,37.501,@08:00:00,@08:01:30,@08:02:10,@08:09:00,@08:19:00
2,a1,ill,MEDIC,127.009,37.501,@09:00:00,@09:00:20,@09:01:20,@09:05:00,@09:30:00
3,a1,ill,MEDIC,127.9,37.9,@09:10:00,@09:11:00,,,
4,a1,cat,MEDIC,127.0,37.5,@09:20:00,@09:21:00,,,
""".replace("@", "2025-03-05 ")


def test_a_dispatch_export_replays_with_its_own_intervals(bring, twin, tmp_path):
    bring(stations=STATIONS, units=UNITS, hospitals=HOSPITALS)
    (tmp_path / "map.toml").write_text(MAPPING)
    (tmp_path / "export.csv").write_text(EXPORT)
    words = [
        "replay", tmp_path / "square", "--calls", tmp_path / "export.csv", "--set",
        "traffic.fidelity=table", "--to", "12:00",
    ]  # fmt: skip
    traced = ["--mapping", tmp_path / "map.toml", "--set", "calls.intervals=recorded"]
    status, _, err = twin(*words, *traced, "--out", tmp_path / "r")
    assert status == 0, err
    assert "4 rows read, 4 kept" in err
    assert "1 calls set aside: of kinds that are not run" in err
    assert "1 calls set aside: away from the city" in err
    calls = RunReader(tmp_path / "r").table("calls").sort_values("call_id")
    assert (calls["t_dispatch"] - calls["t_call"]).tolist() == [90.0, 20.0]
    assert (calls["t_enroute"] - calls["t_dispatch"]).tolist() == [40.0, 60.0]
    assert (calls["t_clear"] - calls["t_onscene"]).tolist() == pytest.approx([600.0, 1500.0])
    for mapping, message in (("none", "no such mapping"), (tmp_path / "export.csv", "no such")):
        status, _, err = twin(*words, "--mapping", mapping)
        assert status == 2
        assert message in err
    status, _, err = twin("replay", tmp_path / "square", "--mapping", "san-francisco")
    assert status == 2
    assert "field '--mapping': needs the export" in err


def test_the_documented_demand_is_what_its_page_says(twin, tmp_path):
    status, _, err = twin(
        "city", "import", "gmns", "--nodes", VILLAGE / "nodes.csv",
        "--links", VILLAGE / "links.csv", "--name", "village", "--out", tmp_path / "village",
        *(word for name in ("zones", "zone_links", "od", "trip_profile")
          for word in ("--table", f"{name}={VILLAGE / f'{name}.csv'}")),
    )  # fmt: skip
    assert status == 0, err
    city = load_city(tmp_path / "village")
    rows = city["zone_links"]
    assert city.network.link_id[rows["link"]].tolist() == [1, -1, 7, -7, 11, -11, 12, -12]
    plan = TripPlan(city, Streams(1), date(2025, 3, 5))
    assert sum(map(plan.per_hour, range(24))) == pytest.approx(2_700.0)
    assert plan.per_hour(17) == pytest.approx(216.0)
    # The Saturday of that week.
    assert sum(map(plan.per_hour, range(72, 96))) == pytest.approx(0.8 * 2_700.0)


DEMAND = {
    "zones": "zone_id,lon,lat,population\n1,127.001,37.5,10\n2,127.009,37.51,10\n",
    "zone_links": "zone_id,link_id\n1,1\n2,3\n",
    "od": "origin,destination,trips_per_day\n1,2,100\n",
    "trip_profile": "hour,weekday,weekend\n8,1,1\n",
}


@pytest.mark.parametrize(
    ("links", "said"),
    [
        ("zone_id,link\n1,1\n", "row 1, field 'link': numbers of links are not read; give link_id"),
        ("zone_id,link_id\n1,1\n1,0\n", "row 3, field 'link_id': there is no link 0 in the city; "),
        ("zone_id,link_id\n1,1.5\n", "row 2, field 'link_id': '1.5' is not a whole number"),
        ("zone_id,weight\n1,1\n", "row 1, field 'link_id': the column is missing"),
    ],
)
def test_links_of_zones_are_named_by_their_ids(bring, links, said):
    status, _, err = bring(**{**DEMAND, "zone_links": links})
    assert status == 2
    assert said in " ".join(err.split())


def test_a_zone_with_trips_needs_links(bring, tmp_path):
    status, _, err = bring(**{**DEMAND, "zone_links": "zone_id,link_id\n1,1\n"})
    assert status == 0, err
    city = load_city(tmp_path / "square")
    with pytest.raises(InputError, match="zone 2 has trips but no links") as caught:
        TripPlan(city, Streams(1), date(2025, 3, 5))
    assert "`zone_links`" in str(caught.value)
