"""What must hold in traffic at every tick."""

from __future__ import annotations

import hashlib

import numpy as np

from twin.traffic.kernels.layout import LENGTH, OBSTACLE
from twin.traffic.micro import MicroTraffic


def smallest_gap(traffic: MicroTraffic) -> float:
    """Return the least distance between bumpers in any lane; checks the order as well."""
    lane, record, least = traffic._state.lane, traffic._records, np.inf
    lengths = traffic._net.kinds[:, LENGTH].astype(np.float64)
    for x in range(len(lane)):
        part = record[lane["start"][x] : lane["end"][x]]
        if len(part) > 1:
            rear = part["pos"].astype(np.float64) - lengths[part["kind"]]
            least = min(least, float((rear[1:] - part["pos"][:-1]).min()))
    return least


def check_now(traffic: MicroTraffic) -> None:
    """Check overlap, conservation, lanes, links' bounds and red lights at this instant."""
    assert smallest_gap(traffic) >= -1e-4
    count = traffic.counters
    view = traffic.vehicles
    trips = view.id < view.UNIT_ID
    assert count.inserted == count.finished + count.running + count.removed
    assert int(trips.sum()) == count.running
    assert len(np.unique(view.id)) == len(view)
    assert count.red_run == 0
    assert (view.pos_m >= 0).all()
    assert (view.pos_m <= traffic.network.link_length[view.link]).all()
    assert (view.speed_mps >= 0).all()
    assert (view.lane < traffic.network.link_lanes[view.link]).all()


def digest(traffic: MicroTraffic) -> str:
    """Return a hash of every bit that matters of the vehicles on the road and the counts."""
    lane, record = traffic._state.lane, traffic._records
    sha = hashlib.sha256()
    keep = [n for n in record.dtype.names if n not in ("slot", "rpos")]
    for x in range(len(lane)):
        part = record[lane["start"][x] : lane["end"][x]]
        for name in keep:
            sha.update(np.ascontiguousarray(part[name]).tobytes())
        live = part["kind"] != OBSTACLE
        sha.update(traffic._state.vehicle["id"][part["slot"][live]].tobytes())
    sha.update(repr(traffic.counters).encode())
    sha.update(traffic.link_travel_time().tobytes())
    return sha.hexdigest()
