"""Drives of free units to stations, asked of the streets as rules of move-up need them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from twin.agents.states import UnitState
from twin.core.clock import HOUR_S
from twin.traffic.mobility import Bounded

if TYPE_CHECKING:
    from twin.agents.station import Station
    from twin.agents.units.unit import Unit
    from twin.agents.world import World

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class StationDrives:
    """Seconds of drives without siren from where free units are to stations.

    Those from a station are asked of the streets once an hour. What is farther than
    `moves.longest_s` is infinitely far, but for the station where the unit is or heads for.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._places = [station.place for station in world.stations.values()]
        self._row = {station: k for k, station in enumerate(world.stations)}
        self._hour = -1
        self._between: F64 = np.empty((0, 0))

    def seconds(self, units: Sequence[Unit], stations: Sequence[Station]) -> F64:
        """Return (U, S) seconds from units to stations."""
        found = np.empty((len(units), len(stations)))
        columns = self.rows(stations)
        driving = []
        for k, unit in enumerate(units):
            if unit.state is UnitState.IDLE:
                found[k] = self._from_station(unit.base)[columns]
            else:
                driving.append(k)
        mobility = self._world.mobility
        if len(stations) < len(driving):
            handles = [units[k].handle for k in driving]
            for column, station in enumerate(stations):
                found[driving, column] = mobility.etas(handles, station.place, siren=False)
        else:
            goals = [station.place for station in stations]
            for k in driving:
                found[k] = mobility.travel_times(
                    units[k].place, goals, siren=False, moving=units[k].moving
                )
        return self.within(found, units, stations)

    def to_learn(self, units: Sequence[Unit], stations: Sequence[Station]) -> Drives:
        """Return (U, S) drives that are asked of the streets one by one."""
        return Drives(self, self._world, units, stations)

    def rows(self, stations: Sequence[Station]) -> I64:
        """Return the numbers of stations in `between`."""
        return np.array([self._row[station.station_id] for station in stations], np.int64)

    def between(self) -> F64:
        """Return (N, N) seconds from station to station as first asked this hour; nan: not yet."""
        hour = int(self._world.env.now // HOUR_S)
        if hour != self._hour:
            self._hour = hour
            self._between = np.full((len(self._places), len(self._places)), np.nan)
            np.fill_diagonal(self._between, 0.0)
        return self._between

    def within(self, seconds: F64, units: Sequence[Unit], stations: Sequence[Station]) -> F64:
        """Make (U, S) drives that may not be infinite, in place; return them."""
        longest = self._world.scenario.moves.longest_s
        if longest is not None:
            for k, unit in enumerate(units):
                elsewhere = np.array([station is not unit.base for station in stations])
                seconds[k, elsewhere & (seconds[k] > longest)] = np.inf
        return seconds

    def _from_station(self, station: Station) -> F64:
        row: F64 = self.between()[self._row[station.station_id]]
        new = np.isnan(row)
        if new.any():
            asked = self._world.mobility.travel_times(station.place, self._places, siren=False)
            row[new] = asked[new]
        return row


class Drives:
    """Drives of units to stations of which only those are asked of the streets that matter.

    Attributes
    ----------
    seconds
        (U, S) what each takes, or takes at least where it is not `known`.
    known
        (U, S) whether it is what the drive takes.
    """

    def __init__(
        self, of: StationDrives, world: World, units: Sequence[Unit], stations: Sequence[Station]
    ) -> None:
        self._of, self._mobility = of, world.mobility
        self._units, self._stations = units, stations
        self._columns = of.rows(stations)
        self._from = [unit.base if unit.state is UnitState.IDLE else None for unit in units]
        self._places = [
            unit.place if base is None else base.place
            for unit, base in zip(units, self._from, strict=True)
        ]
        self._moving = np.array([unit.moving for unit in units], np.bool_)
        self._goals = [station.place for station in stations]
        least = None
        if isinstance(world.mobility, Bounded):
            least = world.mobility.least_times(self._places, self._goals, self._moving, siren=False)
        if least is None:
            self.seconds = of.seconds(units, stations)
            self.known = np.ones(self.seconds.shape, np.bool_)
            return
        self.seconds, self.known = least, np.zeros(least.shape, np.bool_)
        for k, base in enumerate(self._from):
            if base is not None:
                row = of.between()[of.rows([base])[0], self._columns]
                self.known[k] = ~np.isnan(row)
                self.seconds[k, self.known[k]] = row[self.known[k]]
        of.within(self.seconds, units, stations)

    def learn(self, pairs: Iterable[tuple[int, int]]) -> bool:
        """Ask for those drives of (unit, station) that are not known; return whether any was not.

        Those from a station are then known for the hour.
        """
        new: dict[int, list[int]] = {}
        for unit, station in pairs:
            if not self.known[unit, station]:
                new.setdefault(unit, []).append(station)
        for unit, stations in new.items():
            asked = np.array(stations, np.int64)
            seconds = self._ask(unit, asked)
            base = self._from[unit]
            if base is not None:
                self._of.between()[self._of.rows([base])[0], self._columns[asked]] = seconds
        return bool(new)

    def row(self, unit: int, *, whole: bool) -> F64:
        """Return (S,) drives of a unit; what is not known is asked for if `whole`, else nan."""
        known = self.known[unit]
        if whole and not known.all():
            self._ask(unit, np.flatnonzero(~known))
        row: F64 = np.where(known, self.seconds[unit], np.nan)
        return row

    def _ask(self, unit: int, asked: I64) -> F64:
        """Let drives of a unit be known; return what the streets say of them."""
        found = self._mobility.travel_times(
            self._places[unit],
            [self._goals[k] for k in asked],
            siren=False,
            moving=bool(self._moving[unit]),
        )
        self.seconds[unit, asked] = found
        self.known[unit, asked] = True
        self._of.within(self.seconds[unit : unit + 1], [self._units[unit]], self._stations)
        return found
