"""Types of vehicles in flow: trucks at a light, and Krauss beside SUMO on the same road."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree.ElementTree import iterparse

import numpy as np
import pytest

from tests.support.roads import Group, Link, Turn, make_network, make_trips
from twin.demand.trips import VehicleKind
from twin.traffic.micro import Kind, Kinds, MicroTraffic

pytestmark = pytest.mark.verify

QUEUE = 300
RED_S = 1500.0
TRUCK_EQUIVALENT = 2.0
"""Cars for a truck on level ground (Highway Capacity Manual, TRB 2000, exhibit 16-7 and 21-8)."""


def _saturation_flow(share: float, seed: int, kinds: Kinds | None = None) -> float:
    """Return veh/h of a queue of cars and a share of trucks, from the fifth to the 150th."""
    network = make_network(
        [Link(0, 1, 3500.0, 1, 15.0), Link(1, 2, 900.0, 1, 15.0)],
        [Turn(0, 1, group=0)],
        (Group(4000.0, RED_S, 3900.0),),
    )
    truck = np.random.default_rng(seed).random(QUEUE) < share
    kind = np.where(truck, VehicleKind.TRUCK, VehicleKind.CAR).tolist()
    departs = [4.0 * i for i in range(QUEUE)]
    traffic = MicroTraffic(network, seed=np.uint64(seed), dt_s=0.5, kinds=kinds)
    traffic.add_trips(make_trips(departs, [[0, 1]] * QUEUE, [800.0] * QUEUE, kind))
    traffic.advance(round(RED_S / 0.5))
    traffic.link_stats()
    seconds: list[float] = []
    while len(seconds) < 150:
        traffic.advance(1)
        seconds += [traffic.t] * int(traffic.link_stats().left[0])
    return 3600.0 * 145.0 / (seconds[149] - seconds[4])


@pytest.mark.parametrize("share", [0.1, 0.2, 0.4])
def test_trucks_lower_the_saturation_flow_as_the_manual_says(share):
    # f_HV = 1 / (1 + P (E - 1)); measured 3% to 6% above it, that is E of 1.6 to 1.8.
    seeds = range(4)
    base = np.mean([_saturation_flow(0.0, seed) for seed in seeds])
    factor = np.mean([_saturation_flow(share, seed) for seed in seeds]) / base
    assert factor == pytest.approx(1.0 / (1.0 + share * (TRUCK_EQUIVALENT - 1.0)), rel=0.08)


SUMO_CAR = Kind(5.0, 2.6, 4.5, 1.0, 2.5, 1.0, 0.0, model="krauss")


def _sumo_passages(folder: Path, sigma: float, count: int) -> np.ndarray:
    """Return when cars behind one that drives 12 m/s pass 4 km in SUMO."""
    sumo = pytest.importorskip("sumo")
    binary = Path(sumo.SUMO_HOME) / "bin"
    (folder / "n.nod.xml").write_text(
        '<nodes><node id="a" x="0" y="0"/><node id="b" x="4000" y="0"/>'
        '<node id="c" x="6000" y="0"/></nodes>'
    )
    (folder / "n.edg.xml").write_text(
        '<edges><edge id="e" from="a" to="b" numLanes="1" speed="30"/>'
        '<edge id="f" from="b" to="c" numLanes="1" speed="30"/></edges>'
    )
    same = (
        'length="5" minGap="2.5" accel="2.6" decel="4.5" tau="1" speedDev="0" speedFactor="1" '
        f'sigma="{sigma}"'
    )
    cars = "".join(
        f'<vehicle id="{k}" type="{"car" if k else "slow"}" route="r" depart="{3 * k}" '
        'departSpeed="10"/>'
        for k in range(count)
    )
    (folder / "r.rou.xml").write_text(
        f'<routes><vType id="slow" {same} maxSpeed="12"/><vType id="car" {same}/>'
        f'<route id="r" edges="e f"/>{cars}</routes>'
    )
    for words in (
        ["netconvert", "-n", "n.nod.xml", "-e", "n.edg.xml", "-o", "n.net.xml"],
        ["sumo", "-n", "n.net.xml", "-r", "r.rou.xml", "--vehroute-output", "t.xml",
         "--vehroute-output.exit-times", "true", "--no-step-log", "true", "--no-warnings", "true"],
    ):  # fmt: skip
        command = [str(binary / words[0]), *words[1:]]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    rows = [row for _, row in iterparse(folder / "t.xml") if row.tag == "route"]
    return np.sort([float(row.attrib["exitTimes"].split()[0]) for row in rows])


def _our_passages(sigma: float, count: int) -> np.ndarray:
    network = make_network([Link(0, 1, 4000.0, 1, 30.0), Link(1, 2, 2000.0, 1, 30.0)], [Turn(0, 1)])
    car = SUMO_CAR._replace(imperfection=sigma)
    kinds = Kinds(car=car, truck=car._replace(top_mps=12.0))
    kind = [int(VehicleKind.TRUCK), *[0] * (count - 1)]
    departs = [3.0 * k for k in range(count)]
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=kinds)
    traffic.add_trips(make_trips(departs, [[0, 1]] * count, [1990.0] * count, kind))
    seconds: list[float] = []
    for _ in range(1500):
        traffic.advance(1)
        seconds += [traffic.t] * int(traffic.link_stats().left[0])
    return np.array(seconds)


@pytest.mark.parametrize(("sigma", "tolerance"), [(0.0, 0.015), (0.5, 0.03)])
def test_krauss_platoons_are_as_dense_as_in_sumo(tmp_path, sigma, tolerance):
    # Both see passages to the second, so 80 headways are known to 1.5%.
    count = 100
    ours, theirs = _our_passages(sigma, count), _sumo_passages(tmp_path, sigma, count)
    assert len(ours) == len(theirs) == count
    headway, known = np.diff(ours[20:]).mean(), np.diff(theirs[20:]).mean()
    assert headway == pytest.approx(known, rel=tolerance)
    if sigma == 0.0:
        assert headway == pytest.approx(7.5 / 12.0 + 1.0, rel=tolerance)
