"""Emergency units in lane-level traffic: vehicles with a handle that come, turn round, arrive."""

from __future__ import annotations

import numpy as np

from twin.core.errors import TwinError
from twin.network.graph import I32, Place
from twin.traffic import storage
from twin.traffic.engine import Engine
from twin.traffic.kernels import insertion, lane_records, layout, routes
from twin.traffic.kernels.layout import AMBULANCE, ARRIVED, DRIVING, IDLE, PENDING, WAITING
from twin.traffic.unit_ways import stop_on, unit_way, way_from
from twin.traffic.vehicles import VehicleView


class UnitTraffic(Engine):
    """Lane-level traffic with emergency units (parameters as for `Engine`)."""

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
        """Let a unit enter the road at `place` as soon as there is a gap, and drive `route`.

        Parameters
        ----------
        unit
            Handle, a small number.
        place
            Where it stands; its link is the first of `route`.
        route
            Links, first to last.
        end_pos_m
            Where on the last link it arrives.
        speed_factor
            Desired speed as a factor on the links' free-flow speed.
        siren
            Whether it may pass red with care and others make way.
        kind
            `AMBULANCE` or `FIRE_ENGINE` of `kernels.layout`.

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
        slot = int(self._take_slots(1)[0])
        if unit >= len(self._state.unit):
            self._state = storage.grow_units(self._state, unit + 1)
        row = self._state.vehicle[slot]
        row.t_plan = self.t
        row.t_depart = row.t_arrive = np.nan
        row.distance = -pos
        row.id = VehicleView.UNIT_ID + unit
        row.fac = speed_factor
        row.end, row.origin, row.goal = end, path[0], path[-1]
        row.rpos, row.kind, row.state, row.unit = start[0], kind, WAITING, unit
        row.call = row.calls_end = 0
        self._state.vehicle[slot] = row
        entry = self._state.unit[unit]
        entry.slot, entry.link, entry.pos, entry.state = slot, place.link, pos, PENDING
        entry.wait, entry.siren, entry.seen, entry.t_arrive = 0, int(siren), -1, np.nan
        entry.band, entry.slow, entry.reach = -1, 0, self._net.sirens[layout.REACH]
        self._state.unit[unit] = entry

    def unit_running(self, unit: int) -> bool:
        """Return whether a unit is on the road or waits to enter it."""
        return unit < len(self._state.unit) and bool(
            self._state.unit["state"][unit] in (PENDING, DRIVING)
        )

    def _find_unit(self, unit: int) -> tuple[int, int]:
        entry = self._state.unit[unit]
        lane, at = insertion.find_record(
            int(entry.link), int(entry.slot), self._net, self._state, self._records
        )
        if at < 0:
            raise TwinError(f"unit {unit} is not on link {int(entry.link)}")
        return lane, at

    def unit_place(self, unit: int) -> Place:
        """Return where a unit is; when it has left the road, where it left it."""
        entry = self._state.unit[unit]
        if entry.state == DRIVING:
            _, at = self._find_unit(unit)
            return Place(int(entry.link), float(self._records["pos"][at]))
        return Place(int(entry.link), float(entry.pos))

    def remove_unit(self, unit: int) -> Place:
        """Take a unit off the road where it is and return the place."""
        place = self.unit_place(unit)
        entry = self._state.unit
        if entry["state"][unit] == DRIVING:
            lane, at = self._find_unit(unit)
            lane_records.close_at(self._state.lane, lane, at, self._records)
        if entry["state"][unit] != IDLE:
            self._give_slots(entry["slot"][unit : unit + 1])
        entry["state"][unit] = IDLE
        entry["band"][unit] = -1
        entry["pos"][unit] = place.pos_m
        return place

    def reroute_unit(self, unit: int, route: I32, end_pos_m: float | None = None) -> None:
        """Give a unit a new route that starts on the link it is on, and maybe another end.

        Raises
        ------
        InputError
            If the route does not start where the unit is.
        """
        entry = self._state.unit[unit]
        path = way_from(unit, int(entry.link), route)
        start = self._append_routes(np.array([0, len(path)], np.int32), path)
        slot = int(entry.slot)
        batch = np.full(len(self._state.vehicle), -1, np.int32)
        batch[slot] = 0
        routes.assign_routes(
            batch, start, path[:1], path[-1:], self._net, self._state, self._records
        )
        if end_pos_m is not None:
            self._state.vehicle["end"][slot] = stop_on(self.network, int(path[-1]), end_pos_m)

    def arrivals(self) -> list[tuple[int, float]]:
        """Return (unit, exact second) of the units that arrived since the last call, by unit."""
        unit = self._state.unit
        found = np.flatnonzero(unit["state"] == ARRIVED)
        self._give_slots(unit["slot"][found])
        unit["state"][found] = IDLE
        return [(int(u), float(unit["t_arrive"][u])) for u in found]
