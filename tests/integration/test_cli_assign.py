"""`twin assign`, and runs that begin with what drivers learned."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.support.cities import grid_city
from twin.city.bundle import save_city
from twin.city.model import TABLES

PEAK = """\
name = "peak"
city = "{city}"

[period]
start = "08:00"
end = "08:10"
warm_up_min = 5

[calls]
source = "none"
"""


@pytest.fixture(scope="module")
def peak(tmp_path_factory):
    """Return the scenario file of a small city with traffic."""
    folder = tmp_path_factory.mktemp("grid")
    city = grid_city(4, 4, trips_per_day=20_000.0)
    for name, columns in TABLES.items():
        if not len(city.tables[name]):
            city.tables[name] = pd.DataFrame(
                {
                    column: pd.Series(dtype="datetime64[us, UTC]" if kind == "timestamp" else kind)
                    for column, kind in columns.items()
                }
            )
    save_city(city, folder / "city")
    (folder / "peak.toml").write_text(PEAK.format(city=folder / "city"))
    return folder / "peak.toml"


def test_drivers_learn_and_runs_begin_with_it(peak, answer, tmp_path):
    said = answer("assign", peak, "--iterations", 3, "--gap", 0, "--slice", 5, "--out", "learned")
    assert [row["number"] for row in said["iterations"]] == [1, 2, 3]
    assert said["iterations"][-1]["gap"] < said["iterations"][0]["gap"]
    assert not said["reached"]
    assert said["trips"] > 100
    learned = ["--set", "traffic.routes=learned", "--set", "record.routes=true"]
    answer("run", peak, *learned, "--out", "with")
    answer("run", peak, "--out", "without")
    routes = pd.read_parquet(tmp_path / "with" / "trip_routes.parquet")
    trips = pd.read_parquet(tmp_path / "with" / "trips.parquet")
    assert routes["vehicle"].tolist() == trips["vehicle"].tolist()
    for trip, planned, driven in zip(
        trips.itertuples(), routes["planned"], routes["driven"], strict=True
    ):
        assert planned[0] == driven[0] == trip.origin
        assert planned[-1] == driven[-1] == trip.destination
    inputs = [json.loads((tmp_path / f / "run.json").read_text()) for f in ("with", "without")]
    assert inputs[0]["inputs"]["scenario"] != inputs[1]["inputs"]["scenario"]


def test_the_table_has_a_row_an_iteration(peak, twin):
    status, out, err = twin("assign", peak, "--iterations", 2, "--gap", 0, "--out", "learned")
    assert status == 0
    assert "relative gap" in out
    assert len([line for line in out.splitlines() if line.strip()[:1].isdigit()]) == 2
    assert "traffic.routes=learned" in err
    assert "still above" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--iterations", "0"], "--iterations:"),
        (["--gap", "-1"], "--gap:"),
        (["--gap", "nan"], "gap"),
        (["--spread", "0.9"], "--spread:"),
        (["--slice", "x"], "--slice:"),
        (["--set", "traffic.fidelity=table"], "no traffic moves"),
        (["--set", "traffic.demand_scale=0"], "no trips"),
        (["--out", "taken"], "not an assignment's (mine.txt)"),
    ],
)
def test_rubbish_is_answered_in_one_sentence(peak, twin, tmp_path, words, said):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").touch()
    status, out, err = twin("assign", peak, *words)
    assert status == 2
    assert said in err
    assert "Traceback" not in err
    assert out == ""


def test_a_run_names_routes_that_are_not_there(peak, twin, tmp_path):
    status, _, err = twin("run", peak, "--set", "traffic.routes=nowhere", "--out", "r")
    assert status == 2
    assert "traffic.routes" in err
    assert "twin assign" in err
    assert not (tmp_path / "r").exists()
