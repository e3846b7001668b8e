"""What a siren gains on a road with signals: `python -m benchmarks siren_corridor`.

Ambulances drive 3.5 km among 300 to 1,500 vehicles an hour (`siren_road`): as an ordinary car;
under siren with neither corridor nor pre-emption; with one of them; with both. 20 seeds; all modes
of a seed have the same traffic, so gains are paired. Pre-emption's cost is what the streets across
lose. SUMO drives the same vehicles with an ambulance as a car and with its blue-light device.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import iterparse

import numpy as np

from benchmarks.siren_road import SIGNALS, UNITS, Demand, demand, road_network
from benchmarks.sumo_files import tool, write_network, write_trips
from twin.network.graph import F64, Network, Place
from twin.traffic.micro import MicroTraffic
from twin.traffic.sirens import Sirens

FLOWS = (300, 600, 900, 1_200, 1_500)
SEEDS = range(1, 21)
SIREN_SPEED = 1.5
"""Desired speed under siren over free flow, what SUMO's users are told to set by hand."""
END_S = 4_500.0


class Mode(NamedTuple):
    """How the ambulance drives."""

    siren: bool = True
    corridor: bool = False
    preemption: bool = False


MODES = {
    "no siren": Mode(siren=False),
    "siren": Mode(),
    "corridor": Mode(corridor=True),
    "pre-emption": Mode(preemption=True),
    "both": Mode(corridor=True, preemption=True),
}


class Outcome(NamedTuple):
    """Mean seconds of the ambulances of a run; vehicle-seconds of those on the road and across."""

    unit_s: float
    road_s: float
    cross_s: float


def run_ours(network: Network, plan: Demand, mode: Mode, seed: int) -> Outcome:
    """Return what a mode makes of a demand."""
    traffic = MicroTraffic(
        network,
        seed=np.uint64(seed),
        sirens=Sirens(corridor=mode.corridor, oncoming=mode.corridor),
    )
    traffic.add_trips(plan.trips)
    if mode.preemption:
        traffic.preempt_signals()
    path = np.arange(SIGNALS + 1, dtype=np.int32)
    for unit, start in enumerate(plan.units_s):
        traffic.advance(round(start) - traffic.tick)
        traffic.insert_unit(
            unit,
            Place(0, 20.0),
            path,
            float(network.link_length[SIGNALS]) - 1.0,
            speed_factor=SIREN_SPEED if mode.siren else 1.0,
            siren=mode.siren,
        )
    traffic.advance(round(END_S) - traffic.tick)
    took = [t - plan.units_s[unit] for unit, t in traffic.arrivals()]
    done = traffic.finished()
    spent = done.t_arrive - done.t_planned
    across = plan.crosses[done.vehicle]
    if len(took) != UNITS or len(spent) != len(plan.trips):
        raise RuntimeError(f"{len(took)} units and {len(spent)} trips arrived")
    return Outcome(float(np.mean(took)), float(spent[~across].sum()), float(spent[across].sum()))


def write_units(plan: Demand, path: Path, *, siren: bool) -> None:
    """Write the ambulances for SUMO, as ordinary cars or with blue light."""
    kind = '<vType id="ambulance" length="6" minGap="2" maxSpeed="50"/>'
    if siren:
        kind = (
            '<vType id="ambulance" vClass="emergency" length="6" minGap="2" maxSpeed="50" '
            f'speedFactor="{SIREN_SPEED}"><param key="has.bluelight.device" value="true"/></vType>'
        )
    edges = " ".join(f"e{k}" for k in range(SIGNALS + 1))
    rows = [
        f'<vehicle id="unit{u}" type="ambulance" depart="{start:.1f}" departLane="best" '
        f'departSpeed="max"><route edges="{edges}"/></vehicle>'
        for u, start in enumerate(plan.units_s)
    ]
    path.write_text("\n".join(["<routes>", kind, *rows, "</routes>"]))


def run_sumo(net: Path, plan: Demand, seed: int, folder: Path, *, siren: bool) -> float:
    """Return the mean seconds of SUMO's ambulances; its sublane model is on, as blue light needs.

    Waiting to enter the road counts, as it does here.
    """
    cars, units, out = (folder / name for name in ("cars.xml", "units.xml", "out.xml"))
    write_trips(plan.trips, cars)
    write_units(plan, units, siren=siren)
    subprocess.run(
        [
            tool("sumo"), "-n", str(net), "-r", f"{cars},{units}", "--seed", str(seed),
            "--lateral-resolution", "0.8", "--time-to-teleport", "-1", "--end", str(END_S),
            "--tripinfo-output", str(out), "--no-step-log", "true", "--no-warnings", "true",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    took = [
        float(element.attrib["duration"]) + float(element.attrib["departDelay"])
        for _, element in iterparse(out)
        if element.tag == "tripinfo" and element.attrib["id"].startswith("unit")
    ]
    if len(took) != UNITS:
        raise RuntimeError(f"{len(took)} of SUMO's ambulances arrived")
    return float(np.mean(took))


def interval(values: F64) -> tuple[float, float]:
    """Return the mean and half the width of its 95% interval (Student, as many as `SEEDS`)."""
    student = 2.093  # 97.5% point for 19 degrees of freedom
    return float(values.mean()), float(student * values.std(ddof=1) / np.sqrt(len(values)))


def show(label: str, values: F64, base: F64 | None = None) -> str:
    """Return a mean with its interval, and the paired change against `base`."""
    mean, half = interval(values)
    text = f"{label:14} {mean:7.1f} +- {half:4.1f}"
    if base is None:
        return text
    change, spread = interval(values - base)
    return f"{text}   {change:+7.1f} +- {spread:4.1f}  ({100 * change / base.mean():+5.1f}%)"


def study(network: Network, flow: int) -> dict[str, list[Outcome]]:
    """Return the outcomes of all seeds by mode."""
    return {
        name: [run_ours(network, demand(network, flow, seed), mode, seed) for seed in SEEDS]
        for name, mode in MODES.items()
    }


def main() -> None:
    """Run every flow and print its table."""
    network = road_network()
    print("seconds of an ambulance over 3.5 km; paired change against no siren; 20 seeds, 95%")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net = write_network(network, folder)
        for flow in FLOWS:
            found = study(network, flow)
            seconds = {m: np.array([o.unit_s for o in runs]) for m, runs in found.items()}
            print(f"-- {flow:,} veh/h")
            for mode, values in seconds.items():
                print(show(mode, values, None if mode == "no siren" else seconds["no siren"]))
            passages = UNITS * SIGNALS
            for with_it, without in (("pre-emption", "siren"), ("both", "corridor")):
                for what, field in (("across", "cross_s"), ("along the road", "road_s")):
                    cost = np.array(
                        [
                            (getattr(a, field) - getattr(b, field)) / passages
                            for a, b in zip(found[with_it], found[without], strict=True)
                        ]
                    )
                    mean, half = interval(cost)
                    print(f"{with_it} costs those {what} {mean:+.1f} +- {half:.1f} veh-s a passage")
            theirs = {
                siren: np.array(
                    [
                        run_sumo(net, demand(network, flow, seed), seed, folder, siren=siren)
                        for seed in SEEDS
                    ]
                )
                for siren in (False, True)
            }
            print(show("SUMO car", theirs[False]))
            print(show("SUMO bluelight", theirs[True], theirs[False]), flush=True)


if __name__ == "__main__":
    main()
