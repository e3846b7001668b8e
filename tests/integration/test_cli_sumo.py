"""From SUMO's files to SUMO's files on the command line, and GMNS out and in again."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from apps.cli.traffic import _LABELS
from tests.support.gmns import check_same
from tests.support.sumo_files import NET, ROUTES
from twin.city.bundle import load_city
from twin.core.paths import city_home
from twin.network.gmns_signals import SIGNAL_FILES
from twin.network.tables import read_tables

FIGURES = [
    "inserted", "finished", "running_max", "running_mean", "waiting_to_insert", "removed",
    "mean_duration_s", "mean_time_loss_s", "mean_speed_mps", "updates", "cpu_s",
    "updates_per_cpu_s", "wall_s", "peak_rss_mb",
]  # fmt: skip
# Attributes that SUMO's tripinfo_file.xsd requires.
TRIPINFO = {
    "id", "depart", "departLane", "departPos", "departSpeed", "departDelay", "arrival",
    "arrivalLane", "arrivalPos", "arrivalSpeed", "duration", "routeLength", "waitingTime",
    "waitingCount", "stopTime", "timeLoss", "rerouteNo", "devices", "vType", "speedFactor",
    "vaporized",
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sumo")
    (folder / "made.net.xml").write_text(NET)
    (folder / "made.rou.xml").write_text(ROUTES)
    return folder


@pytest.fixture
def city(files, answer):
    folder = files / "city"
    if not folder.exists():
        answer("city", "import", "sumo", files / "made.net.xml", "--out", folder)
    return folder


def test_import_keeps_names_and_says_what_it_left_out(city) -> None:
    stored = load_city(city)
    assert stored.meta.name == "made"
    assert stored.tables["edges"]["edge"].tolist() == ["in", "out", "back", "home", "up", "down"]
    assert stored.tables["edges"]["lanes"].iloc[0] == "1 2"
    assert stored.build is not None
    assert stored.build.counts["left out: crossings"] == 1


def test_traffic_ends_with_the_figures_and_writes_what_sumo_writes(files, city, answer) -> None:
    out = {name: files / f"{name}.xml" for name in ("tripinfo", "edgedata", "fcd")}
    options = [word for name, path in out.items() for word in (f"--{name}", path)]
    figures = answer(
        "traffic", city, "--routes", files / "made.rou.xml", "--end", 400, "--seed", 3, *options
    )
    assert list(figures) == FIGURES
    assert figures["finished"] == figures["inserted"] > 20
    trips = ET.parse(out["tripinfo"]).getroot()
    assert trips.tag == "tripinfos"
    assert len(trips) == figures["finished"]
    assert all(set(trip.attrib) == TRIPINFO for trip in trips)
    mean = np.mean([float(trip.get("duration")) for trip in trips])
    assert mean == pytest.approx(figures["mean_duration_s"], abs=0.01)
    first = next(trip for trip in trips if trip.get("id") == "first")
    assert first.get("departLane") in {"in_1", "in_2"}
    assert first.get("arrivalLane") in {"out_0", "out_1"}
    assert float(first.get("arrivalPos")) == pytest.approx(190, abs=0.1)
    assert first.get("vType") == "small"
    loss = [float(trip.get("timeLoss")) for trip in trips]
    assert np.mean(loss) == pytest.approx(figures["mean_time_loss_s"], abs=0.01)
    steps = ET.parse(out["fcd"]).getroot()
    assert steps.tag == "fcd-export"
    assert len(steps) == 400
    moved = [v for step in steps for v in step if v.get("id") == "first"]
    assert float(moved[-1].get("x")) > float(moved[0].get("x")) + 300
    assert {v.get("angle") for v in moved} == {"90"}
    assert sum(len(step) for step in steps) == pytest.approx(figures["updates"], rel=0.05)
    (interval,) = ET.parse(out["edgedata"]).getroot()
    edges = {edge.get("id"): edge.attrib for edge in interval}
    assert sum(int(edge["departed"]) for edge in edges.values()) == figures["inserted"]
    assert sum(int(edge["arrived"]) for edge in edges.values()) == figures["finished"]
    seconds = sum(float(edge["sampledSeconds"]) for edge in edges.values())
    assert seconds == pytest.approx(figures["updates"], rel=0.01)
    assert int(edges["in"]["left"]) == int(edges["in"]["departed"])
    assert int(edges["out"]["entered"]) + int(edges["up"]["entered"]) == int(edges["in"]["left"])


def test_intervals_of_edgedata(files, city, answer) -> None:
    file = files / "parts.xml"
    words = ["traffic", city, "--routes", files / "made.rou.xml", "--end", 250]
    figures = answer(*words, "--edgedata", file, "--interval", 100)
    intervals = ET.parse(file).getroot()
    assert [(i.get("begin"), i.get("end")) for i in intervals] == [
        ("0.00", "100.00"), ("100.00", "200.00"), ("200.00", "250.00"),
    ]  # fmt: skip
    departed = sum(int(edge.get("departed")) for interval in intervals for edge in interval)
    assert departed == figures["inserted"]
    # Every edge stands in every interval, whether anybody was there or not.
    named = {edge.get("id") for edge in intervals[0]}
    assert len(named) == len(intervals[0]) == load_city(city).network.n_links
    assert all({edge.get("id") for edge in interval} == named for interval in intervals)
    empty = [e for i in intervals for e in i if float(e.get("sampledSeconds")) == 0.0]
    assert empty
    assert all(edge.get("entered") == "0" for edge in empty)


def test_no_plans_are_designed_from_no_traffic(city, twin, tmp_path, monkeypatch) -> None:
    words = ["city", "signals", city, "--design", "webster", "--out", tmp_path / "plans"]
    status, _, said = twin(*words)
    assert status == 2
    assert "the city made has no demand" in said
    assert "--table od=FILE.csv" in said
    # With demand, but in an hour without any.
    stored = load_city(city)
    trip = {"origin": [0], "destination": [0], "trips_per_day": [1.0]}
    stored.tables["od"] = pd.DataFrame(trip)
    nobody = np.zeros(stored.network.n_turns)
    monkeypatch.setattr("apps.cli.signals.load", lambda _: stored)
    monkeypatch.setattr("apps.cli.signals.counted", lambda *_, **__: nobody)
    status, _, said = twin(*words)
    assert status == 2
    assert "nobody passes a junction from 17:30 to 18:30" in said
    assert not (tmp_path / "plans").exists()


def test_gmns_comes_back_as_it_went(city, answer, twin, tmp_path) -> None:
    answer("city", "export", "gmns", city, "--out", tmp_path / "gmns")
    network = load_city(city).network
    raw = read_tables(tmp_path / "gmns" / "node.csv", tmp_path / "gmns" / "link.csv")
    assert raw.node_id.tolist() == network.node_id.tolist()
    assert raw.link_id.tolist() == network.link_id.tolist()
    assert raw.link_from.tolist() == network.node_id[network.link_from].tolist()
    assert raw.link_length.tolist() == pytest.approx(network.link_length.tolist(), abs=1e-3)
    assert raw.link_speed.tolist() == pytest.approx(network.link_speed.tolist(), abs=1e-3)
    assert raw.link_lanes.tolist() == network.link_lanes.tolist()
    assert raw.link_class.tolist() == network.link_class.tolist()
    assert raw.node_signal.tolist() == (network.node_signal >= 0).tolist()
    assert np.diff(raw.geom_ptr).tolist() == np.diff(network.geom_ptr).tolist()
    movements = (tmp_path / "gmns" / "movement.csv").read_text().splitlines()
    assert len(movements) == network.n_turns + 1
    lanes = (tmp_path / "gmns" / "lane.csv").read_text().splitlines()
    assert len(lanes) == int(network.link_lanes.sum()) + 1
    numbers = [line.split(",")[2] for line in lanes[1:]]
    assert numbers == [str(k + 1) for n in network.link_lanes.tolist() for k in range(n)]
    words = ["city", "import", "gmns", "--nodes", tmp_path / "gmns" / "node.csv"]
    words += ["--links", tmp_path / "gmns" / "link.csv", "--name", "back", "--out", "back"]
    status, _, err = twin(*words)
    assert status == 0, err
    assert "Signals: 1 with plans as stated, 0 with designed plans." in err
    check_same(network, load_city(Path("back")).network)
    status, _, err = twin(*words[:-1], "moment", "--plan-at", "noon")
    assert status == 2
    assert "'noon' is no day and time; as in 'wednesday 17:30'" in " ".join(err.split())
    # Plans name movements.
    (tmp_path / "gmns" / "movement.csv").unlink()
    status, _, err = twin(*words[:-1], "never")
    assert status == 2
    assert "signal_phase_mvmt.csv names them" in " ".join(err.split())
    # Without them, lanes of turns and which turns there are follow from the links.
    for name in ("lane.csv", *SIGNAL_FILES):
        (tmp_path / "gmns" / name).unlink()
    status, _, err = twin(*words[:-1], "again")
    assert status == 0, err
    assert "Signals: 0 with plans as stated, 1 with designed plans." in err
    assert load_city(Path("again")).network.n_turns != network.n_turns
    moves = "mvmt_id,node_id,ib_link_id,ob_link_id\n1,1,1,99\n"
    (tmp_path / "gmns" / "movement.csv").write_text(moves)
    status, _, err = twin(*words[:-1], "never")
    assert status == 2
    assert "movement.csv" in err
    assert "ib_link_id" in err
    assert not Path("never").exists()


@pytest.mark.parametrize(
    ("fidelity", "calls", "said"),
    [
        (
            "meso",
            "generated",
            (
                "The city made has no demand, units or calls: no vehicle sets out by itself, "
                "nobody is sent and nobody calls in this run."
            ),
        ),
        ("table", "none", "The city made has no units: nobody is sent in this run."),
    ],
)
def test_a_run_says_what_an_imported_city_lacks(
    city, twin, tmp_path, fidelity, calls, said
) -> None:
    (tmp_path / "empty.toml").write_text(
        f"""name = "empty"
city = "{city}"
[period]
start = "08:00"
end = "08:01"
warm_up_min = 0
[traffic]
fidelity = "{fidelity}"
[calls]
source = "{calls}"
"""
    )
    status, _, err = twin("run", tmp_path / "empty.toml", "--out", tmp_path / "run")
    assert status == 0, err
    assert said in err
    assert len([line for line in err.splitlines() if "has no" in line]) == 1


def test_the_figures_have_names_and_units(files, city, twin) -> None:
    assert list(_LABELS) == FIGURES
    status, out, err = twin("traffic", city, "--routes", files / "made.rou.xml", "--end", 60)
    assert status == 0, err
    for label in ("entered the road, vehicles", "CPU time, s", "most memory held, MB"):
        assert label in out


def test_sirens_that_are_not_driven_are_told(files, city, twin) -> None:
    (files / "siren.rou.xml").write_text(
        '<routes><vType id="amb" vClass="emergency"/>'
        '<trip id="a" type="amb" from="in" to="out" depart="0"/>'
        '<trip id="b" from="in" to="out" depart="5"/></routes>'
    )
    status, _, err = twin("traffic", city, "--routes", files / "siren.rou.xml", "--end", 60)
    assert status == 0
    told = "sirens of vehicles of class emergency, which drive as ordinary ones: 1"
    assert f"left aside: {told}" in " ".join(err.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--end", "0"], "--end"),
        (["--end", "10", "--fidelity", "macro"], "--fidelity"),
        (["--end", "10", "--car-following", "newell"], "--car-following"),
        (["--end", "10", "--fcd", "."], "cannot be written"),
        (["--end", "10", "--fcd", "{file}/a.xml"], "cannot be written"),
    ],
)
def test_mistakes_are_one_sentence(files, city, twin, words, said) -> None:
    words = [word.format(file=files / "made.net.xml") for word in words]
    status, out, err = twin("traffic", city, "--routes", files / "made.rou.xml", *words)
    assert status == 2
    assert not out
    assert said in err.splitlines()[-1]


@pytest.fixture
def own(city, tmp_path):
    """Return files of one's own that a run must leave as they are, and what is in them."""
    (tmp_path / "own.rou.xml").write_text(ROUTES)
    (tmp_path / "more.rou.xml").write_text("<routes/>")
    os.link(tmp_path / "own.rou.xml", tmp_path / "linked.xml")
    (tmp_path / "soft.xml").symlink_to("own.rou.xml")
    kept = [*tmp_path.glob("*.xml"), *(path for path in city.rglob("*") if path.is_file())]
    return {path: path.read_bytes() for path in kept}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tripinfo", "own.rou.xml"], "own.rou.xml, field '--tripinfo': is a route file"),
        (["--edgedata", "x/../more.rou.xml"], "field '--edgedata': is a route file"),
        (["--fcd", "linked.xml"], "linked.xml, field '--fcd': is a route file"),
        (["--fcd", "soft.xml"], "soft.xml, field '--fcd': is a route file"),
        (["--tripinfo", "a.xml", "--fcd", "./a.xml"], "a.xml, field '--fcd': is what --tripinfo"),
        (["--edgedata", "b/a.xml", "--fcd", "b/../b/a.xml"], "'--fcd': is what --edgedata writes"),
        (["--tripinfo", "{city}/network.npz"], "'--tripinfo': is in the folder of the city"),
        (["--fcd", "{city}/new.xml"], "'--fcd': is in the folder of the city"),
        (["--fcd", "a.xml", "--tripinfo", "."], "'--tripinfo': cannot be written, it is a folder"),
        (["--interval", "10"], "'--interval': without --edgedata"),
        (["--interval", "10", "--fcd", "a.xml"], "'--interval': without --edgedata"),
    ],
)
def test_outputs_overwrite_nothing(own, city, twin, tmp_path, words, said) -> None:
    (tmp_path / "x").mkdir()
    words = [word.format(city=city) for word in words]
    routes = ["--routes", "own.rou.xml", "--routes", "more.rou.xml"]
    status, out, err = twin("traffic", city, *routes, "--end", "10", *words)
    assert status == 2
    assert not out
    assert said in err
    assert len(err.splitlines()) == 1
    assert "give " in err or "leave " in err
    assert {path: path.read_bytes() for path in own} == own
    assert not (tmp_path / "a.xml").exists()
    assert not (tmp_path / "b").exists()


def test_outputs_overwrite_nothing_of_a_city_by_name(files, city, twin) -> None:
    home = city_home() / "kept"
    home.parent.mkdir(parents=True, exist_ok=True)
    home.symlink_to(city)
    try:
        words = ["traffic", "kept", "--routes", files / "made.rou.xml", "--end", "10"]
        status, _, err = twin(*words, "--fcd", home / "new.xml")
        assert status == 2
        assert "is in the folder of the city" in err
        status, _, err = twin(*words, "--fcd", "new.xml")
        assert status == 0, err
    finally:
        home.unlink()


def test_outputs_that_are_called_gz_are_gzip(files, city, answer, tmp_path) -> None:
    words = ["traffic", city, "--routes", files / "made.rou.xml", "--end", 60]
    plain, packed = ([f"{name}.xml{end}" for name in "tef"] for end in ("", ".gz"))
    again = [f"again/{name}" for name in packed]
    for names in (plain, packed, again):
        outputs = zip(("--tripinfo", "--edgedata", "--fcd"), names, strict=True)
        answer(*words, *(word for pair in outputs for word in pair))
    for one, other, third in zip(plain, packed, again, strict=True):
        content = (tmp_path / one).read_bytes()
        assert content.startswith(b"<?xml")
        data = (tmp_path / other).read_bytes()
        assert gzip.decompress(data) == content
        assert (tmp_path / third).read_bytes() == data


def test_a_city_of_other_roads_goes_by_link_numbers(twin, tmp_path) -> None:
    trip = '<routes><trip id="a" from="1" to="2" depart="0"/></routes>'
    (tmp_path / "n.csv").write_text("node_id,x_coord,y_coord\n1,0,0\n2,0.01,0\n3,0.02,0\n")
    links = (
        "link_id,from_node_id,to_node_id,directed\n1,1,2,true\n2,2,3,true\n3,3,2,true\n4,2,1,true\n"
    )
    (tmp_path / "l.csv").write_text(links)
    (tmp_path / "a.rou.xml").write_text(trip)
    status, _, err = twin(
        "city", "import", "gmns", "--nodes", "n.csv", "--links", "l.csv", "--name", "line",
        "--out", "line",
    )  # fmt: skip
    assert status == 0, err
    ids = load_city(tmp_path / "line").network.link_id
    text = trip.replace('"1"', f'"{ids[0]}"').replace('"2"', f'"{ids[0]}"')
    (tmp_path / "a.rou.xml").write_text(text)
    status, out, err = twin("traffic", "line", "--routes", "a.rou.xml", "--end", 600, "--json")
    assert status == 0, err
    assert json.loads(out)["finished"] == 1
