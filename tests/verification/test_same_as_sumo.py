"""The same network, routes and departures in SUMO and here.

Light traffic: as many trips finish within 3%, and their mean duration is within 10% of SUMO's
default model. Saturated: no fewer finish than in SUMO without teleports. SUMO comes with
`pip install -r benchmarks/requirements.lock`; its tools make networks and routes from fixed seeds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("sumo", reason="SUMO is not installed: benchmarks/requirements.lock")

from benchmarks.same_as_sumo import (
    CASES,
    HOME,
    compare,
    network_file,
    read_sumo,
    routes_file,
)
from twin.demand.sumo_routes import read_routes
from twin.recording.sumo_output import EdgeNames
from twin.recording.trip_run import Outputs, drive
from twin.traffic.micro import MicroTraffic
from twin.traffic.router import Router

pytestmark = pytest.mark.verify

FINISHED = 0.03
DURATION = 0.10


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_as_many_trips_as_fast(case) -> None:
    result = compare(case)
    if case.saturated:
        assert result.ours.finished >= result.sumo.finished
    else:
        assert result.finished == pytest.approx(1.0, abs=FINISHED)
        assert result.duration == pytest.approx(1.0, abs=DURATION)


def test_sumos_own_tools_read_what_we_write(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SUMO_HOME", str(HOME))
    monkeypatch.syspath_prepend(str(HOME / "tools"))
    from sumolib.output import parse

    net = network_file("grid", tmp_path)
    routes = routes_file(net, CASES[0], tmp_path)
    made = read_sumo(net)
    links = {edge: link for link, edge in enumerate(made.edges.edge)}
    ways = Router(made.network).routes
    demand = read_routes([routes], made.network, links, ways, seed=1, end_s=300.0)
    names = EdgeNames.of(made.edges.edge, made.edges.entry_m, made.edges.lanes, plane=True)
    files = Outputs(*(tmp_path / f"{name}.xml" for name in ("tripinfo", "edgedata", "fcd")))
    traffic = MicroTraffic(made.network, seed=1)
    totals = drive(traffic, demand, names, end_s=300.0, outputs=files)
    trips = list(parse(str(files.tripinfo), "tripinfo"))
    assert len(trips) == totals.finished
    assert sum(float(trip.duration) for trip in trips) / len(trips) == pytest.approx(
        totals.mean_duration_s, abs=0.01
    )
    assert len(list(parse(str(files.fcd), "timestep"))) == 300
    assert len(list(parse(str(files.edgedata), "edge"))) > 100
