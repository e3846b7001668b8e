"""Vehicle updates per CPU second beside SUMO: `python -m benchmarks.micro_vs_sumo`.

Both drive the same trips (routes and departures) on the same grid with the same lanes, lengths and
signal programs, one after the other in this run, each on one thread. SUMO's figure is its own
report (updates per second of its simulation loop, without loading) times wall by CPU time, so that
other work on the machine does not count; ours is updates by CPU time of `advance`, the compilation
excluded. SUMO's model is its default (Krauss, LC2013), teleports off.
"""

from __future__ import annotations

import re
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.grid_demand import grid_trips
from benchmarks.sumo_files import tool, write_network, write_trips
from twin.demand.trips import Trips
from twin.network.generate import grid
from twin.network.graph import Network
from twin.traffic.micro import MicroTraffic


@dataclass(frozen=True)
class Case:
    """A grid with its demand; how long each engine runs, seconds of the simulation."""

    name: str
    side: int
    spacing_m: float
    trips: int
    horizon_s: float
    ours_s: int
    sumo_s: int


CASES = (
    Case("20x20, all trips end", 20, 200.0, 8_000, 1_200.0, 2_400, 2_400),
    Case("50x50, 100,000 vehicles", 50, 300.0, 110_000, 100.0, 400, 130),
)


def run_ours(network: Network, trips: Trips, seconds: int, sumo_s: int, threads: int) -> float:
    """Print and return our updates per CPU second."""
    traffic = MicroTraffic(network, seed=np.uint64(1), threads=threads)
    traffic.add_trips(trips)
    traffic.advance(1)
    before = traffic.counters.updates
    cpu, wall = time.process_time(), time.perf_counter()
    traffic.advance(sumo_s - 1)
    at_same_time = traffic.counters
    cpu_same = time.process_time() - cpu
    traffic.advance(seconds - sumo_s)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    count = traffic.counters
    done = traffic.finished()
    rate = (count.updates - before) / cpu
    mean = (done.t_arrive - done.t_depart).mean() if len(done.vehicle) else float("nan")
    print(
        f"  twin, {threads} thread(s): {rate / 1e6:8.2f} M updates/CPU s "
        f"({(count.updates - before) / wall / 1e6:.2f} M/s wall, {seconds / wall:.0f}x real time); "
        f"running {count.running:,} at {seconds} s; finished {count.finished:,}, "
        f"mean trip {mean:.0f} s; strayed {count.strayed}, removed {count.removed}"
    )
    print(
        f"     at {sumo_s} s: running {at_same_time.running:,}, finished "
        f"{at_same_time.finished:,}, {at_same_time.updates / cpu_same / 1e6:.2f} M updates/CPU s"
    )
    return rate


def run_sumo(network: Network, trips: Trips, seconds: int) -> float:
    """Print and return SUMO's updates per CPU second."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net = write_network(network, folder)
        routes = folder / "grid.rou.xml"
        write_trips(trips, routes)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        result = subprocess.run(
            [
                tool("sumo"),
                "-n",
                str(net),
                "-r",
                str(routes),
                "--end",
                str(seconds),
                "--time-to-teleport",
                "-1",
                "--duration-log.statistics",
                "true",
                "--no-step-log",
                "true",
                "--no-warnings",
                "true",
                "--seed",
                "1",
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = result.stdout
    report = {
        field: re.search(rf"{field}: ([\d.]+)", text)
        for field in ("UPS", "Inserted", "Running", "Duration")
    }
    figure = {field: float(found[1]) if found else 0.0 for field, found in report.items()}
    trip = re.findall(r"Duration: ([\d.]+)", text)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rate = figure["UPS"] * wall / cpu
    print(
        f"  SUMO, 1 thread:    {rate / 1e6:8.4f} M updates/CPU s "
        f"(CPU {cpu:.1f} s with loading); inserted {figure['Inserted']:,.0f}, running "
        f"{figure['Running']:,.0f} at {seconds} s, mean trip {trip[-1] if trip else '-'} s"
    )
    return rate


def main() -> None:
    """Run every case."""
    for case in CASES:
        network = grid(case.side, case.side, case.spacing_m, 2, 13.89)
        trips = grid_trips(network, case.side, case.trips, case.horizon_s)
        print(f"{case.name}: {network.n_links:,} links, {case.trips:,} trips")
        ours = run_ours(network, trips, case.ours_s, case.sumo_s, 1)
        if case.trips > 20_000:
            run_ours(network, trips, case.ours_s, case.sumo_s, 2)
        theirs = run_sumo(network, trips, case.sumo_s)
        print(f"  ratio {ours / theirs:.0f} on one thread")


if __name__ == "__main__":
    main()
