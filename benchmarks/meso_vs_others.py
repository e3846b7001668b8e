"""Queue-level traffic beside SUMO's mesosim and UXsim: `python -m benchmarks.meso_vs_others`.

All drive the same trips (routes and departures) on the same grid with the same lanes, lengths and
signal cycles, one after the other in this run, each on one thread. What is compared is the vehicles
moved by one second per CPU second of the simulation loop, and the CPU seconds of loop and loading.

SUMO runs `--mesosim` with its defaults (which leave junctions uncontrolled, its fastest) and
with `--meso-junction-control`; its rate is its own report of updates per second of its loop, times
wall by CPU time. UXsim runs its C++ engine with one vehicle to a platoon and a step of 1 s, its
route search and logs switched off; it knows no lanes for turns and nobody gives way. Compilation of
ours is excluded.
"""

from __future__ import annotations

import re
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.grid_demand import grid_trips
from benchmarks.sumo_files import tool, write_network, write_trips
from twin.demand.trips import Trips
from twin.network.generate import grid
from twin.network.graph import Network
from twin.traffic.meso import MesoTraffic


@dataclass(frozen=True)
class Case:
    """A grid with its demand, driven for `seconds`."""

    name: str
    side: int
    spacing_m: float
    lanes: int
    trips: int
    horizon_s: float
    seconds: int


CASES = (
    Case("20x20, all trips end", 20, 200.0, 2, 8_000, 1_200.0, 2_400),
    Case("20x20, busy hour", 20, 300.0, 3, 30_000, 3_000.0, 3_600),
)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run_ours(network: Network, trips: Trips, seconds: int) -> float:
    """Print and return our rate."""
    MesoTraffic(network).advance(1)
    whole = _cpu()
    traffic = MesoTraffic(network)
    traffic.add_trips(trips)
    loop = _cpu()
    traffic.advance(seconds)
    end = _cpu()
    done = traffic.finished()
    rate = traffic.counters.updates / (end - loop)
    print(
        f"  twin meso:            {rate / 1e6:8.3f} M vehicle-seconds/CPU s; "
        f"{end - whole:.2f} CPU s in all; finished {len(done.vehicle):,}, mean trip "
        f"{(done.t_arrive - done.t_depart).mean():.0f} s; squeezed {traffic.squeezed}"
    )
    return rate


def run_sumo(network: Network, trips: Trips, seconds: int, *options: str) -> float:
    """Print and return the rate of SUMO's mesosim."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net = write_network(network, folder)
        routes = folder / "grid.rou.xml"
        write_trips(trips, routes)
        command = [tool("sumo"), "-n", str(net), "-r", str(routes), "--end", str(seconds)]
        command += ["--mesosim", "--time-to-teleport", "-1", "--no-step-log", "true", *options]
        command += ["--duration-log.statistics", "true", "--no-warnings", "true", "--seed", "1"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    text = result.stdout
    found = {field: re.findall(rf"{field}: ([\d.]+)", text) for field in ("UPS", "Running")}
    trip = re.findall(r"Duration: ([\d.]+)", text)
    inserted = re.findall(r"Inserted: (\d+)", text)
    rate = float(found["UPS"][0]) * wall / cpu
    name = "with junctions" if options else "defaults"
    ended = int(inserted[0]) - int(float(found["Running"][0]))
    print(
        f"  SUMO, {name:14}: {rate / 1e6:8.3f} M vehicle-seconds/CPU s; {cpu:.2f} CPU s in all; "
        f"finished {ended:,}, mean trip {float(trip[-1]):.0f} s"
    )
    return rate


def run_uxsim(network: Network, trips: Trips, seconds: int) -> float:
    """Print and return the rate of UXsim's C++ engine."""
    from uxsim import World

    whole = _cpu()
    world = World(
        name="",
        deltan=1,
        tmax=seconds,
        duo_update_time=10 * seconds,
        vehicle_logging_timestep_interval=-1,
        print_mode=0,
        save_mode=0,
        show_mode=0,
        random_seed=1,
        cpp=True,
    )
    cycle = float(network.signal_cycle[0])
    for n in range(network.n_nodes):
        signal = [cycle / 2, cycle / 2] if network.node_signal[n] >= 0 else [0]
        world.addNode(f"n{n}", float(network.node_x[n]), float(network.node_y[n]), signal=signal)
    for k in range(network.n_links):
        flat = network.node_y[network.link_from[k]] == network.node_y[network.link_to[k]]
        world.addLink(
            f"e{k}",
            f"n{network.link_from[k]}",
            f"n{network.link_to[k]}",
            float(network.link_length[k]),
            free_flow_speed=float(network.link_speed[k]),
            jam_density_per_lane=1 / 7.0,
            number_of_lanes=int(network.link_lanes[k]),
            signal_group=[0 if flat else 1],
        )
    for i in range(len(trips)):
        links = trips.route_link[trips.route_ptr[i] : trips.route_ptr[i + 1]]
        vehicle = world.addVehicle(
            f"n{network.link_from[links[0]]}",
            f"n{network.link_to[links[-1]]}",
            float(trips.depart_s[i]),
        )
        vehicle.enforce_route([f"e{k}" for k in links])
    world.finalize_scenario()
    loop = _cpu()
    world.exec_simulation()
    end = _cpu()
    took = [v.travel_time for v in world.VEHICLES.values() if v.state == "end"]
    world.analyzer.basic_analysis()
    # Those still on the road count up to the end, as they do with the others.
    spent = sum(took) + sum(
        seconds - v.departure_time_in_second for v in world.VEHICLES.values() if v.state == "run"
    )
    rate = spent / (end - loop)
    print(
        f"  UXsim C++, 1 vehicle: {rate / 1e6:8.3f} M vehicle-seconds/CPU s; "
        f"{end - whole:.2f} CPU s in all; finished {len(took):,}, mean trip {np.mean(took):.0f} s"
    )
    return rate


def main() -> None:
    """Run every case."""
    for case in CASES:
        network = grid(case.side, case.side, case.spacing_m, case.lanes, 13.89)
        trips = grid_trips(network, case.side, case.trips, case.horizon_s)
        print(f"{case.name}: {network.n_links:,} links, {case.trips:,} trips, {case.seconds} s")
        ours = run_ours(network, trips, case.seconds)
        sumo = run_sumo(network, trips, case.seconds)
        run_sumo(network, trips, case.seconds, "--meso-junction-control", "true")
        ratios = f"{ours / sumo:.0f} times SUMO's mesosim"
        if find_spec("uxsim") is not None:
            ratios += (
                f", {ours / run_uxsim(network, trips, case.seconds):.0f} times UXsim's C++ engine"
            )
        print(f"  ours: {ratios}")


if __name__ == "__main__":
    main()
