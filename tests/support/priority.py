"""A priority junction with random streams, and what the Highway Capacity Manual says of it."""

from __future__ import annotations

import math

import numpy as np

from tests.support.junctions import CROSS, PRIMARY, build, node, street
from tests.support.roads import make_trips
from twin.network.build import BuildOptions
from twin.network.graph import Network
from twin.network.signals import SignalOptions
from twin.traffic.meso import MesoTraffic
from twin.traffic.micro import MicroTraffic

SETTLE_S = 300.0
"""Time in which the queue of the minor road forms, not counted."""
FAR = {number: (2 * x, 2 * y) for number, (x, y) in CROSS.items()}


def harders(conflicting: float, critical_s: float, follow_up_s: float) -> float:
    """Return the potential capacity, veh/h (Harders 1968; HCM, TRB 2016, eq. 20-18).

    c = v exp(-v tc / 3600) / (1 - exp(-v tf / 3600)), for a conflicting flow v in veh/h that
    arrives at random and a queue that never ends.
    """
    if conflicting == 0.0:
        return 3600.0 / follow_up_s
    rate = conflicting / 3600.0
    return conflicting * math.exp(-rate * critical_s) / (1.0 - math.exp(-rate * follow_up_s))


def main_road(
    *, lanes: int, opposing: int | None = None, signals: bool = False, right_on_red: bool = False
) -> Network:
    """Return a main road from west (4) to east (2), crossed by a side road of one lane.

    `opposing` lanes come from the east, as many as from the west when left out. A signal has a
    cycle of 90 s and no stage for left turns alone.
    """
    plans = SignalOptions(protected_left=False, cycles_s=(90.0,) * 3)
    back = lanes if opposing is None else opposing
    main = [(4, 0, lanes), (0, 2, lanes), (2, 0, back), (0, 4, back)]
    return build(
        FAR,
        *(street(0, side) for side in (1, 3)),
        *(street(a, b, lanes=n, kind=PRIMARY, oneway=True) for a, b, n in main),
        signals=(0,) if signals else (),
        options=BuildOptions(signals=plans, right_on_red=right_on_red),
    )


def link(network: Network, a: int, b: int) -> int:
    """Return the link from one numbered node to another."""
    start, end = node(network, a), node(network, b)
    return int(np.flatnonzero((network.link_from == start) & (network.link_to == end))[0])


def passages(
    network: Network,
    queued: tuple[int, int],
    streams: list[tuple[tuple[int, int], float]],
    *,
    seed: int,
    hours: float = 1.0,
    least_gap: float = 1.0,
) -> float:
    """Return how many vehicles per hour leave a queue that never ends.

    Parameters
    ----------
    queued
        Where the queue comes from and where it goes, as numbers of nodes around node 0.
    streams
        The same of every other stream, and its flow in veh/h, which arrives at random (a Poisson
        process).
    least_gap
        As for `MicroTraffic`; 1 for drivers whom waiting does not change.
    """
    traffic = settled(network, queued, streams, seed=seed, hours=hours, least_gap=least_gap)
    traffic.advance(round(3600.0 * hours))
    return float(traffic.link_stats().left[link(network, queued[0], 0)]) / hours


def settled(
    network: Network,
    queued: tuple[int, int],
    streams: list[tuple[tuple[int, int], float]],
    *,
    seed: int,
    hours: float,
    least_gap: float = 1.0,
    meso: bool = False,
) -> MicroTraffic | MesoTraffic:
    """Return the traffic of `passages` at `SETTLE_S`, from where its figures are counted.

    With `meso` it moves in queues, whose drivers are those of lane-level traffic as they are.
    """
    rng = np.random.default_rng(seed)
    end = SETTLE_S + 3600.0 * hours
    rows = [(t, queued) for t in np.arange(0.0, end, 2.0).tolist()]
    for way, flow in streams:
        count = int(rng.poisson(flow * end / 3600.0))
        rows += [(t, way) for t in rng.uniform(0.0, end, count).tolist()]
    rows.sort()
    routes = [[link(network, a, 0), link(network, 0, b)] for _, (a, b) in rows]
    ends = [float(network.link_length[route[-1]]) - 5.0 for route in routes]
    traffic = (
        MesoTraffic(network)
        if meso
        else MicroTraffic(network, seed=np.uint64(seed), least_gap=least_gap)
    )
    traffic.add_trips(make_trips([t for t, _ in rows], routes, ends))
    traffic.advance(round(SETTLE_S))
    traffic.link_stats()
    return traffic
