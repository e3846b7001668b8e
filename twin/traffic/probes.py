"""Vehicles that report where they are: always the same share of them, with error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.network.geometry import Projection
from twin.network.graph import F64, I64, Network
from twin.traffic.noise import gauss, uniform
from twin.traffic.vehicles import VehicleView

CHOSEN, PLACE_NOISE, SPEED_NOISE = 231, 232, 234
"""Purposes of the draws; each of the noises takes the next number as well."""


class Reports(NamedTuple):
    """What probe vehicles report at one instant, and what is true.

    Attributes
    ----------
    at
        (N,) which of the vehicles asked for report.
    lon, lat, speed_mps
        Reported; degrees, m/s.
    true_lon, true_lat
        Where they are, in their lanes.
    """

    at: I64
    lon: F64
    lat: F64
    speed_mps: F64
    true_lon: F64
    true_lat: F64


class ProbeGroup(NamedTuple):
    """A share of the vehicles, and the standard deviations of what they report."""

    share: float
    position_error_m: float
    speed_error_mps: float

    def report(self, vehicles: VehicleView, network: Network, tick: int, key: np.uint64) -> Reports:
        """Return what the probes among the vehicles of trips report.

        Parameters
        ----------
        vehicles, network
            The vehicles on the road.
        tick
            Ticks since the traffic began; every report has its own error.
        key
            Draws who reports and the errors (`Streams.kernel_key`).
        """
        trips = np.flatnonzero(vehicles.id < VehicleView.UNIT_ID)
        at = trips[uniform(key, vehicles.id[trips], 0, CHOSEN) < self.share]
        ids = vehicles.id[at]
        x, y = vehicles.geometry.locate(vehicles.link[at], vehicles.pos_m[at], vehicles.lane[at])
        east, north = gauss(key, ids, tick, PLACE_NOISE)
        faster, _ = gauss(key, ids, tick, SPEED_NOISE)
        projection = Projection(network.lon0, network.lat0)
        true_lon, true_lat = projection.inverse(x, y)
        lon, lat = projection.inverse(
            x + self.position_error_m * east, y + self.position_error_m * north
        )
        speed = np.maximum(vehicles.speed_mps[at] + self.speed_error_mps * faster, 0.0)
        return Reports(at, lon, lat, speed, true_lon, true_lat)
