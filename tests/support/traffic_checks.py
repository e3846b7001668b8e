"""What must hold in traffic at every tick."""

from __future__ import annotations

import hashlib
from itertools import pairwise, product

import numpy as np

from twin.network.graph import Network, Place
from twin.network.sides import across
from twin.traffic.kernels.layout import AMBULANCE, DRIVING, IN_BAY, LENGTH, OBSTACLE
from twin.traffic.micro import MicroTraffic


def smallest_gap(traffic: MicroTraffic) -> float:
    """Return the least distance between bumpers in any lane; checks the order as well."""
    lane, record, least = traffic._state.lane, traffic._records, np.inf
    lengths = traffic._net.kinds[:, LENGTH].astype(np.float64)
    for x in range(len(lane) - 1):  # the last one is no lane
        part = record[lane["start"][x] : lane["end"][x]]
        if len(part) > 1:
            rear = part["pos"].astype(np.float64) - lengths[part["kind"]]
            least = min(least, float((rear[1:] - part["pos"][:-1]).min()))
    return least


def check_bands(traffic: MicroTraffic) -> None:
    """Check units that drive beside the lanes: each in one band, on its link, none overlapping."""
    state, network = traffic._state, traffic.network
    beside = state.lane[-1]
    unit = state.unit[(state.unit["band"] >= 0) & (state.unit["state"] == DRIVING)]
    assert sorted(traffic._records["slot"][beside.start : beside.end]) == sorted(unit["slot"])
    where = [(int(u.link), int(u.band), float(u.pos)) for u in unit]
    for link, band, pos in where:
        lanes = int(network.link_lanes[link])
        assert 0.0 <= pos <= network.link_length[link]
        # Between two lanes, or in the middle of a road of one lane each way.
        assert band + 1 < lanes or (lanes == 1 and traffic._net.opposite[link] >= 0)
    where.sort()
    length = float(traffic._net.kinds[AMBULANCE, LENGTH])
    for (link, band, pos), after in pairwise(where):
        if after[:2] == (link, band):
            assert after[2] - length >= pos


def check_now(traffic: MicroTraffic) -> None:
    """Check overlap, conservation, lanes, links' bounds and red lights at this instant."""
    assert smallest_gap(traffic) >= -1e-4
    check_bands(traffic)
    count = traffic.counters
    view = traffic.vehicles
    trips = view.id < view.UNIT_ID
    assert count.inserted == count.finished + count.running + count.removed
    # Who stands in a bay is beside the road, and still on its way.
    assert int(trips.sum()) + traffic._state.counts[IN_BAY] == count.running
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


def driven(network: Network, before: Place, place: Place, moving: tuple[bool, bool]) -> float:
    """Return the metres of the shortest drive between places one turn apart at most.

    Who is not on the move, `before` or then, stands on either side of its street.
    """
    back, length = across(network), network.link_length.astype(np.float64)

    def sides(at: Place, *, moves: bool) -> list[Place]:
        other = int(back[at.link])
        if moves or other < 0:
            return [at]
        return [at, Place(other, float(length[other]) - at.pos_m)]

    found = []
    for a, b in product(sides(before, moves=moving[0]), sides(place, moves=moving[1])):
        if a.link == b.link:
            found.append(b.pos_m - a.pos_m)
        elif b.link in network.turn_to[slice(*network.turn_ptr[a.link : a.link + 2])]:
            found.append(float(length[a.link]) - a.pos_m + b.pos_m)
    return min((metres for metres in found if metres >= -0.01), default=np.inf)
