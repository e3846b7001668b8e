"""Queue-level traffic on roads written down by hand."""

from __future__ import annotations

import hashlib

import numpy as np

from tests.support.roads import make_trips
from twin.demand.trips import Trips
from twin.network.graph import Network
from twin.traffic.meso import MesoTraffic, Parameters

TRIANGLE = Parameters(
    tau_s=1.0,
    spacing_m=5.0,
    pace=1.0,
    lost_s=0.0,
    yellow_s=0.0,
    restart_s_per_mps=0.0,
    weave_share=1.0,
    fill_share=1.0,
)
"""At 20 m/s: capacity 0.8 veh/s at 0.04 veh/m, jam at 0.2 veh/m, gaps travel back at 5 m/s."""


def queued(network: Network, trips: Trips, parameters: Parameters = TRIANGLE) -> MesoTraffic:
    """Return traffic with trips that wait to enter."""
    traffic = MesoTraffic(network, parameters=parameters)
    traffic.add_trips(trips)
    return traffic


def stream(
    route: list[int], every_s: float, until_s: float, end: float, from_s: float = 0
) -> Trips:
    """Return trips at equal intervals over one route."""
    departs = np.arange(from_s, until_s - 1e-9, every_s).tolist()
    return make_trips(departs, [route] * len(departs), [end] * len(departs))


def states(traffic: MesoTraffic, link: int, seconds: int) -> tuple[float, float, float]:
    """Advance; return flow (veh/s), density (veh/m) and speed (m/s) on a link meanwhile."""
    traffic.link_stats()
    traffic.advance(seconds)
    found = traffic.link_stats()
    length = float(traffic.network.link_length[link])
    return (
        float(found.metres[link]) / seconds / length,
        float(found.vehicle_seconds[link]) / seconds / length,
        float(found.metres[link] / found.vehicle_seconds[link]),
    )


def digest(traffic: MesoTraffic) -> str:
    """Return a hash of every bit of the state but route and slot numbers."""
    sha = hashlib.sha256()
    view = traffic.vehicles
    for column in (view.id, view.kind, view.link, view.lane, view.pos_m, view.speed_mps):
        sha.update(np.ascontiguousarray(column).tobytes())
    place, lane = traffic._state.place, traffic._state.lane
    for name in ("when", "entered", "turn", "kind", "distance"):
        sha.update(np.ascontiguousarray(place[name]).tobytes())
    for name in ("head", "tail", "free_out", "free_in", "since", "seen", "held"):
        sha.update(np.ascontiguousarray(lane[name]).tobytes())
    sha.update(traffic._state.due.tobytes())
    sha.update(repr(traffic.counters).encode())
    sha.update(traffic.link_travel_time().tobytes())
    return sha.hexdigest()
