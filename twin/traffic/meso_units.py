"""Emergency units in queue-level traffic, which stand in no queue."""

from __future__ import annotations

import numpy as np

from twin.core.errors import TwinError
from twin.network.graph import I32, Place
from twin.traffic import meso_network
from twin.traffic.kernels import meso_units
from twin.traffic.kernels.layout import AMBULANCE
from twin.traffic.kernels.meso_layout import ARRIVED, DRIVING, IDLE
from twin.traffic.meso_engine import QueueEngine
from twin.traffic.unit_ways import stop_on, unit_way, way_from


class UnitQueues(QueueEngine):
    """Queue-level traffic with emergency units (parameters as for `QueueEngine`)."""

    def insert_unit(
        self,
        unit: int,
        place: Place,
        route: I32,
        end_pos_m: float,
        *,
        speed_factor: float,
        siren: bool,
        kind: int = AMBULANCE,
    ) -> None:
        """Let a unit drive `route` from `place`; see `MicroTraffic.insert_unit`.

        Raises
        ------
        InputError
            If the route does not start at the place, is broken, or ends behind the start.
        TwinError
            If the unit is on the road already.
        """
        path, pos, end = unit_way(self.network, unit, place, route, end_pos_m)
        if self.unit_running(unit):
            raise TwinError(f"unit {unit} is on the road already")
        start = self._append_routes(np.array([0, len(path)], np.int32), path)
        if unit >= len(self._state.unit):
            self._state = meso_network.grow_units(self._state, unit + 1)
        row = self._state.unit[unit]
        row.rpos, row.turn = start[0], self._state.route[start[0]]
        row.link, row.state, row.siren, row.kind = place.link, DRIVING, int(siren), kind
        row.end, row.factor, row.t_arrive = end, speed_factor, np.nan
        self._state.unit[unit] = row
        meso_units.set_course(unit, np.float32(pos), self._now, self._net, self._state)

    def unit_running(self, unit: int) -> bool:
        """Return whether a unit is on the road."""
        return unit < len(self._state.unit) and bool(self._state.unit["state"][unit] == DRIVING)

    def unit_place(self, unit: int) -> Place:
        """Return where a unit is; when it has left the road, where it left it."""
        entry = self._state.unit[unit]
        pos = entry.to_pos
        if entry.state == DRIVING:
            pos = meso_units.unit_position(unit, self._now, self._state)
        return Place(int(entry.link), float(pos))

    def remove_unit(self, unit: int) -> Place:
        """Take a unit off the road where it is and return the place."""
        place = self.unit_place(unit)
        self._state.unit["state"][unit] = IDLE
        self._state.unit["to_pos"][unit] = place.pos_m
        return place

    def reroute_unit(self, unit: int, route: I32, end_pos_m: float | None = None) -> None:
        """Give a unit a new route that starts on the link it is on, and maybe another end.

        Raises
        ------
        InputError
            If the route does not start where the unit is.
        """
        link, pos = self.unit_place(unit)
        path = way_from(unit, link, route)
        start = self._append_routes(np.array([0, len(path)], np.int32), path)
        row = self._state.unit[unit]
        row.rpos, row.turn = start[0], self._state.route[start[0]]
        if end_pos_m is not None:
            row.end = stop_on(self.network, int(path[-1]), end_pos_m)
        self._state.unit[unit] = row
        meso_units.set_course(unit, np.float32(pos), self._now, self._net, self._state)

    def arrivals(self) -> list[tuple[int, float]]:
        """Return (unit, exact second) of the units that arrived since the last call, by unit."""
        unit = self._state.unit
        found = np.flatnonzero(unit["state"] == ARRIVED)
        unit["state"][found] = IDLE
        return [(int(u), float(unit["t_arrive"][u])) for u in found]
