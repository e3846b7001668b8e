"""Link times by hour of the day where no traffic is simulated."""

from __future__ import annotations

import numpy as np

from twin.network.graph import F32, F64, I32, I64, Network, RoadClass
from twin.traffic.costs import signal_wait

PEAK_SATURATION = {
    RoadClass.MOTORWAY: 1.0,
    RoadClass.TRUNK: 1.0,
    RoadClass.PRIMARY: 0.95,
    RoadClass.SECONDARY: 0.85,
    RoadClass.TERTIARY: 0.6,
    RoadClass.RESIDENTIAL: 0.3,
    RoadClass.SERVICE: 0.2,
}
"""Volume over capacity in the weekday's busiest hour, by road class (assumption: a city's main
roads run at capacity in the peak and its side streets do not)."""
FREEWAY_CURVE = (0.83, 5.5)
STREET_CURVE = (0.71, 2.1)
"""(a, b) of the delay curve 1 + a (v/c)^b: Horowitz 1991, fitted to the HCM 1985, for freeways of
60 mph and multilane roads of 50 mph; the former for motorways and trunk roads."""
SQUEEZE_LANES = 0.25
"""Lanes that remain where an obstacle takes all: traffic squeezes past by turns (assumption)."""


class HourlyTimes:
    """Time of every link in every hour, by the delay curve of its class or from given speeds.

    Parameters
    ----------
    network
        The streets.
    hourly_share
        (24,) trips of each hour over the weekday's total.
    peak_share
        The largest such share of a weekday, where `PEAK_SATURATION` holds.
    free_s
        (L,) seconds at free flow, read anew each time: measured speeds fall as it grows.
    speed
        (24, L) measured speeds in m/s, which then stand instead of the curve; they include the
        waiting at signals.
    """

    def __init__(
        self,
        network: Network,
        hourly_share: F64,
        peak_share: float,
        free_s: F32,
        *,
        speed: F32 | None = None,
    ) -> None:
        self._free_s = free_s
        self._dry_s = free_s.copy()
        self._class = network.link_class.astype(np.int64)
        self._wait = signal_wait(network)
        self._load = hourly_share / peak_share if peak_share > 0 else np.zeros(24)
        self._measured = None if speed is None else network.link_length / speed
        self.demand = 1.0
        """Factor on the volumes (not on measured speeds)."""
        self.capacity: F64 | None = None
        """(L,) share of the capacity that weather and work zones leave; None for all of it."""

    def factor(self, hour: int) -> F64:
        """Return the delay factor of each road class in an hour of the day, at full capacity."""
        classes = np.arange(len(RoadClass))
        return self._factor(classes, np.ones(len(classes)), hour)

    def _factor(self, road_class: I64, capacity: F64, hour: int) -> F64:
        freeway = road_class <= RoadClass.TRUNK
        a, b = np.where(freeway, *np.array([FREEWAY_CURVE, STREET_CURVE])[:, :, None])
        saturation = np.array([PEAK_SATURATION[each] for each in RoadClass])[road_class]
        out: F64 = 1.0 + a * (saturation * self._load[hour] * self.demand / capacity) ** b
        return out

    def seconds(self, hour: int, links: I32 | slice = slice(None)) -> F32:
        """Return the times of links in an hour of the day (0 to 23), seconds."""
        if self._measured is not None:
            longer = self._free_s[links] / self._dry_s[links]
            measured: F32 = (self._measured[hour, links] * longer).astype(np.float32)
            return measured
        road_class = self._class[links]
        if self.capacity is None:
            factor = self.factor(hour)[road_class].astype(np.float32)
        else:
            factor = self._factor(road_class, self.capacity[links], hour).astype(np.float32)
        out: F32 = self._free_s[links] * factor + self._wait[links]
        return out
