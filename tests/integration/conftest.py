"""A small city, two scenarios, and the command line run in this process."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from apps.cli.main import main
from tests.support.emergency import SERVICE, town
from twin.city.bundle import save_city
from twin.city.model import TABLES
from twin.experiment import run_scenario
from twin.scenarios.load import load_scenario

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
    (folder / "empty").touch()
    (folder / "binary").write_bytes(b"\x80\x00\xff" * 100)
    return folder


@pytest.fixture(scope="module")
def finished(place):
    """Return the folder of a finished run of `plain.toml`."""
    folder = place.parent / f"{place.name}-finished"
    run_scenario(load_scenario(place / "plain.toml"), folder)
    return folder


@pytest.fixture
def twin(capsys, monkeypatch, tmp_path):
    """Run the command in this process, in a folder of its own; return (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

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
