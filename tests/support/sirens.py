"""A unit on a plain road of two lanes among other traffic."""

from __future__ import annotations

import numpy as np

from tests.support.roads import make_trips, road
from twin.network.graph import Place
from twin.traffic.micro import MicroTraffic


def road_time(flow: float, seed: int, *, siren: bool) -> float:
    """Return the seconds of a unit over 3.2 km on which `flow` veh/h and lane drive 50 km/h.

    The unit wants to drive 1.4 times as fast, with its siren or without it.
    """
    network = road([3000.0, 300.0], lanes=2, speed=13.9)
    rng = np.random.default_rng(seed)
    count = round(2 * flow * 900.0 / 3600.0)
    departs = np.sort(rng.uniform(0.0, 900.0, count)).tolist()
    traffic = MicroTraffic(network, seed=np.uint64(seed))
    traffic.add_trips(make_trips(departs, [[0, 1]] * count, [290.0] * count))
    traffic.advance(400 + 7 * seed)
    start = traffic.t
    path = np.array([0, 1], np.int32)
    traffic.insert_unit(0, Place(0, 20.0), path, 200.0, speed_factor=1.4, siren=siren)
    traffic.advance(500)
    ((_, arrived),) = traffic.arrivals()
    return arrived - start
