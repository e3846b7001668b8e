"""Lane-level traffic in weather, through work zones and past incidents.

Weather holds everywhere: it changes the links' speeds and the headways of the kinds. A work zone
or a stretch beside an incident makes a link one of pieces, each with a speed and kinds of its own;
links without any cost one test a tick.
"""

from __future__ import annotations

import numpy as np

from twin.network.conditions import Conditions
from twin.traffic import storage
from twin.traffic.conditions import (
    REFERENCE_MPS,
    headway_for,
    lane_capacity,
    load_conditions,
    load_slowings,
)
from twin.traffic.engine import Engine
from twin.traffic.kernels.layout import (
    ACCEL,
    BIG,
    BRAKE,
    HEADWAY,
    LENGTH,
    PIECE,
    STANDSTILL,
)
from twin.traffic.slowable import SlowableTraffic
from twin.traffic.types import Kind


class SlowedTraffic(SlowableTraffic, Engine):
    """Lane-level traffic whose roads are driven in other ways (parameters as for `Engine`)."""

    def set_conditions(self, conditions: Conditions) -> None:
        """Let these conditions hold from the next tick on."""
        self._conditions = conditions
        speed, headway = self._dry
        self._net.link["speed"] = conditions.speeds(speed)
        self._net.kinds[:, HEADWAY] = headway * np.float32(self._weather_headway(conditions))
        self._cut_into_pieces()

    def _slowing_changed(self, link: int) -> None:  # noqa: ARG002
        self._cut_into_pieces()

    def _car(self) -> Kind:
        """Return a car of this traffic on a dry day."""
        row = self._net.kinds[0]
        _, headway = self._dry
        return Kind(
            float(row[LENGTH]),
            float(row[ACCEL]),
            float(row[BRAKE]),
            float(headway[0]),
            float(row[STANDSTILL]),
            1.0,
            0.0,
        )

    def _weather_headway(self, conditions: Conditions) -> float:
        """Return the factor that the weather puts on every headway."""
        if conditions.capacity == 1.0:
            return 1.0
        car = self._car()
        wanted = conditions.capacity * lane_capacity(REFERENCE_MPS, car)
        found = headway_for(wanted, REFERENCE_MPS * conditions.speed, car)
        return float(found) / car.headway_s

    def _zone_headway(self, link: int, conditions: Conditions) -> float:
        """Return the factor that a work zone puts on the headways that hold elsewhere."""
        car = self._car()
        speed, _ = self._dry
        whole = float(lane_capacity(speed[link], car))
        wanted = conditions.capacity * min(whole, float(conditions.lane_veh_h[link]))
        found = float(headway_for(wanted, self._net.link["speed"][link], car))
        return max(1.0, found / car.headway_s / self._weather_headway(conditions))

    def _cut_into_pieces(self) -> None:
        """Write the pieces of all links that have some."""
        conditions = self._conditions
        zones = np.flatnonzero(np.isfinite(conditions.lane_veh_h)).tolist()
        links = sorted({*zones, *(one.link for one in self._slowings.values())})
        self._net.link["slow"] = 0
        rows: list[tuple[float, float]] = [(0.0, 0.0)]
        manners = [self._net.kinds]
        for link in links:
            self._net.link["slow"][link] = len(rows)
            factor = self._zone_headway(link, conditions) if link in zones else 1.0
            here = [one for one in self._slowings.values() if one.link == link]
            ends = sorted({one.begin_m for one in here} | {one.end_m for one in here})
            for begin, end in zip([-np.inf, *ends], [*ends, float(BIG)], strict=True):
                share = min((s.share for s in here if s.begin_m <= begin < s.end_m), default=1.0)
                manner = self._net.kinds.copy()
                manner[:, HEADWAY] *= np.float32(factor / share)
                rows.append((end, float(self._net.link["speed"][link]) * share))
                manners.append(manner)
        self._net = self._net._replace(
            piece=np.array(rows, PIECE).view(np.recarray), manner=np.stack(manners)
        )

    def _restore_slowed(self, parts: storage.Checkpoint) -> None:
        self._slowings = load_slowings(parts)
        self.set_conditions(load_conditions(parts))
