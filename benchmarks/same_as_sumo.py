"""The same trips on the same network in SUMO and here: `python -m benchmarks.same_as_sumo`.

SUMO's network file is read as users' files are, its routes too; both drive the same vehicles on the
same routes from the same departures. SUMO runs its default model with teleports off. Two networks:
a grid with signals that `netgenerate` makes, and the piece of Berlin that ships with `sumo-data`.
Light traffic must give the same trips and times; in heavy traffic ours may not finish fewer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import iterparse

import sumo

from benchmarks.sumo_files import tool
from twin.core.random import Streams
from twin.demand.sumo_routes import read_routes
from twin.network.sumo import SumoNetwork, read_sumo
from twin.recording.sumo_output import EdgeNames
from twin.recording.trip_run import Totals, drive
from twin.scenarios.vehicle_types import Model
from twin.traffic.file_types import driven
from twin.traffic.micro import MicroTraffic
from twin.traffic.router import Router

HOME = Path(sumo.SUMO_HOME)
OSM = HOME / "tools" / "game" / "DRT" / "osm.net.xml"


@dataclass(frozen=True)
class Case:
    """A demand: trips between random edges, one every `period_s` for `span_s`, until `end_s`."""

    name: str
    net: str
    period_s: float
    span_s: int = 1_800
    end_s: int = 3_600
    saturated: bool = False


CASES = (
    Case("grid, light", "grid", 1.0),
    Case("grid, saturated", "grid", 0.15, saturated=True),
    Case("Berlin, light", "osm", 3.0),
    Case("Berlin, saturated", "osm", 0.8, saturated=True),
)


class Outcome(NamedTuple):
    """Trips that finished and their mean duration, seconds."""

    trips: int
    finished: int
    duration_s: float


class Result(NamedTuple):
    """What both made of a case."""

    ours: Outcome
    sumo: Outcome

    @property
    def finished(self) -> float:
        """Our finished trips as a share of SUMO's."""
        return self.ours.finished / max(self.sumo.finished, 1)

    @property
    def duration(self) -> float:
        """Our mean duration as a share of SUMO's."""
        return self.ours.duration_s / self.sumo.duration_s


def _run(*words: str, folder: Path) -> None:
    subprocess.run(
        list(words),
        check=True,
        capture_output=True,
        cwd=folder,
        env={**os.environ, "SUMO_HOME": str(HOME)},
    )


def network_file(name: str, folder: Path) -> Path:
    """Return the file of a network: `grid` (10 x 10, two lanes, signals) or `osm`."""
    if name == "osm":
        return OSM
    net = folder / "grid.net.xml"
    _run(
        tool("netgenerate"), "--grid", "--grid.number", "10", "--grid.length", "200", "-L", "2",
        "--default-junction-type", "traffic_light", "--no-turnarounds", "true", "-o", str(net),
        folder=folder,
    )  # fmt: skip
    return net


def routes_file(net: Path, case: Case, folder: Path) -> Path:
    """Return the file of random trips with their fastest routes, made by SUMO's own tools."""
    routes = folder / "random.rou.xml"
    _run(
        sys.executable, str(HOME / "tools" / "randomTrips.py"), "-n", str(net), "-r", str(routes),
        "-o", str(folder / "random.trips.xml"), "-e", str(case.span_s), "-p", str(case.period_s),
        "--fringe-factor", "5", "--min-distance", "600", "--vehicle-class", "passenger",
        "--seed", "1", "--validate", folder=folder,
    )  # fmt: skip
    return routes


def run_sumo(net: Path, routes: Path, end_s: int, folder: Path) -> tuple[int, float]:
    """Return the finished trips and their mean duration in SUMO."""
    trips = folder / "tripinfo.xml"
    _run(
        tool("sumo"), "-n", str(net), "-r", str(routes), "--end", str(end_s),
        "--time-to-teleport", "-1", "--tripinfo-output", str(trips), "--no-step-log", "true",
        "--no-warnings", "true", "--seed", "1", folder=folder,
    )  # fmt: skip
    durations = [
        float(element.attrib["duration"])
        for _, element in iterparse(trips)
        if element.tag == "tripinfo"
    ]
    return len(durations), sum(durations) / max(len(durations), 1)


def run_ours(
    made: SumoNetwork, routes: Path, end_s: int, seed: int = 1, model: Model = "idm"
) -> tuple[int, Totals]:
    """Return the number of trips and what became of them here, by a car-following model."""
    network, edges = made.network, made.edges
    links = {edge: link for link, edge in enumerate(edges.edge)}
    demand = read_routes(
        [routes], network, links, Router(network).routes,
        seed=seed, end_s=end_s, entry_m=edges.entry_m,
    )  # fmt: skip
    by_type = driven(demand, model)
    demand = demand._replace(trips=by_type.trips)
    key = Streams(seed).kernel_key("traffic")
    traffic = MicroTraffic(network, seed=key, file_types=by_type.types)
    if len(made.actuated):
        traffic.control_signals("actuated", made.actuated)
    names = EdgeNames.of(edges.edge, edges.entry_m, edges.lanes, plane=True)
    return len(demand.ids), drive(traffic, demand, names, end_s=end_s)


def compare(case: Case) -> Result:
    """Return what both make of a case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net = network_file(case.net, folder)
        routes = routes_file(net, case, folder)
        finished, duration = run_sumo(net, routes, case.end_s, folder)
        count, ours = run_ours(read_sumo(net), routes, case.end_s)
    return Result(
        Outcome(count, ours.finished, ours.mean_duration_s), Outcome(count, finished, duration)
    )


def main() -> None:
    """Run every case."""
    print(f"{'case':20} {'trips':>7} {'finished':>16} {'mean duration, s':>18} {'ratios':>14}")
    for case in CASES:
        result = compare(case)
        print(
            f"{case.name:20} {result.ours.trips:7,} "
            f"{result.ours.finished:7,} / {result.sumo.finished:6,} "
            f"{result.ours.duration_s:8.1f} / {result.sumo.duration_s:7.1f} "
            f"{result.finished:6.3f}, {result.duration:5.3f}"
        )


if __name__ == "__main__":
    main()
