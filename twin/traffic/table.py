"""`table` mobility: units drive at the network's times of the hour; no other traffic moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import simpy
from numpy.typing import NDArray

from twin.city.model import City
from twin.core.clock import HOUR_S
from twin.core.timeline import succeed_now
from twin.network.conditions import Conditions
from twin.network.graph import F32, F64, I32, I64, U8, Place
from twin.scenarios.signals import SignalSettings
from twin.scenarios.spec import Scenario
from twin.traffic.buses import Buses
from twin.traffic.kernels.drives import concerned, fill_timetable, places_of, write_drive
from twin.traffic.mobility import UnreachableError
from twin.traffic.table_times import TableTimes
from twin.traffic.trip_routes import RouteBook
from twin.traffic.unit_router import UnitRouter

_ROOM = 64
"""Units, and links of a route, for which there is room at first."""


@dataclass(slots=True)
class _Drive:
    """A drive under way."""

    event: simpy.Event
    destination: Place
    siren: bool
    since: float
    """When the unit left its place; until then it stands, though it has been told to drive."""
    stop: Place
    """Where it then stands."""
    plan: int = 0
    """Number of the present timetable; a timer of an older one means nothing."""


def _hour_end(t: float) -> float:
    return (t // HOUR_S + 1) * HOUR_S


class TableMobility:
    """Mobility by looked-up link times; see `twin.traffic.mobility.Mobility` for the calls.

    Link times are those of the hour in which a link is entered. A unit is at its true place on
    the road at every moment and can be sent elsewhere from there. When roads close or open, lanes
    are blocked or given back, or the demand is scaled, units under way go on by the fastest way at
    the new times; an obstacle concerns those only whose way leads past it, or may now do so.

    Parameters
    ----------
    env
        The clock of the agents.
    city
        Network and hourly profile.
    scenario
        `period.day` and `traffic`.
    hourly_link_speed
        (24, L) measured speeds in m/s; without them the delay curves of
        `twin.traffic.congestion` follow the hourly profile.
    """

    book: RouteBook | None = None
    buses: Buses | None = None

    def __init__(
        self,
        env: simpy.Environment,
        city: City,
        scenario: Scenario,
        *,
        hourly_link_speed: F32 | None = None,
    ) -> None:
        self._env = env
        self._network = city.network
        # Nothing moves between events, so the clock need stop for pictures only.
        self.tick_s = max(60.0, scenario.record.frame_every_s)
        self._times = TableTimes(city, scenario, hourly_link_speed)
        network = city.network
        self._corners: F64 = np.stack(
            [
                axis[ends].astype(np.float64)
                for ends in (network.link_from, network.link_to)
                for axis in (network.node_x, network.node_y)
            ]
        )
        self._drives: dict[int, _Drive] = {}
        # Where each unit stands or set out from, also as columns.
        self._stands: list[Place] = []
        self._link: I32 = np.zeros(_ROOM, np.int32)
        self._pos: F64 = np.zeros(_ROOM)
        # Its drive: links of its route (none if it stands), when each is entered and the end
        # reached, metres on the first and the last link.
        self._count: I32 = np.zeros(_ROOM, np.int32)
        self._way: I32 = np.zeros((_ROOM, _ROOM), np.int32)
        self._at: F64 = np.zeros((_ROOM, _ROOM + 1))
        self._start: F64 = np.zeros(_ROOM)
        self._since: F64 = np.zeros(_ROOM)
        self._end: F64 = np.zeros(_ROOM)
        self._siren: U8 = np.zeros(_ROOM, np.uint8)

    # Units

    def add_unit(self, unit_id: str, kind: str, place: Place) -> int:  # noqa: ARG002
        """Put a parked unit on the map and return its handle."""
        unit = len(self._stands)
        self._stands.append(place)
        if unit == len(self._link):
            for name in (
                "_link",
                "_pos",
                "_count",
                "_way",
                "_at",
                "_start",
                "_end",
                "_siren",
                "_since",
            ):
                column = getattr(self, name)
                setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
        self._stand(unit, place)
        return unit

    def remove_unit(self, unit: int) -> None:
        """Take a unit off the map."""
        self.stop(unit)

    def drive(self, unit: int, destination: Place, *, siren: bool) -> simpy.Event:
        """Start a drive; see `Mobility.drive`."""
        now, before = self._env.now, self._drives.get(unit)
        since = now if before is None else min(before.since, now)
        event = self._env.event()
        drive = self._drives[unit] = _Drive(event, destination, siren, since, destination)
        self._plan(unit, drive)
        return event

    def stop(self, unit: int) -> Place:
        """Let a unit halt where it is and return the place."""
        place = self.place_of(unit)
        self._drives.pop(unit, None)
        self._stand(unit, place)
        return place

    def place_of(self, unit: int) -> Place:
        """Return the unit's true position on the road."""
        if not self.moving(unit):
            return self._stands[unit]
        link, pos, _ = self._places(np.array([unit]))
        return Place(int(link[0]), float(pos[0]))

    def moving(self, unit: int) -> bool:
        """Return whether a unit is on the move."""
        drive = self._drives.get(unit)
        return drive is not None and self._env.now > drive.since

    def _places(self, units: I64) -> tuple[I32, F64, NDArray[np.bool_]]:
        """Return the links and the metres at which units are, and whether they are on the move."""
        link, pos = self._link[units], self._pos[units]
        moving = np.empty(len(units), np.bool_)
        places_of(
            units,
            self._env.now,
            self._count,
            self._since,
            self._way,
            self._at,
            self._start,
            self._end,
            self._network.link_length,
            link,
            pos,
            moving,
        )
        return link, pos, moving

    # Predictions

    def etas(
        self,
        units: Sequence[int],
        destination: Place,
        *,
        siren: bool,
        beside: F64 | None = None,
        within_s: float | None = None,
    ) -> F64:
        """(U,) predicted seconds of driving to `destination`; see `Mobility.etas`."""
        if not len(units):
            return np.empty(0)
        link, pos, moving = self._places(np.asarray(units, np.int64))
        router = self._times.router(self._env.now, siren=siren)
        return router.etas_from(link, pos, destination, beside, within_s, moving)

    def travel_times(
        self,
        origin: Place,
        destinations: Sequence[Place],
        *,
        siren: bool,
        beside: F64 | None = None,
        moving: bool = False,
    ) -> F64:
        """(D,) predicted seconds of driving from `origin`; see `Mobility.travel_times`."""
        if not destinations:
            return np.empty(0)
        router = self._times.router(self._env.now, siren=siren)
        return router.travel_times(origin, destinations, beside, moving=moving)

    def least_times(
        self,
        origins: Sequence[Place],
        destinations: Sequence[Place],
        moving: NDArray[np.bool_],
        *,
        siren: bool,
    ) -> F64 | None:
        """(U, D) seconds that drives take at least; see `Bounded.least_times`."""
        router = self._times.router(self._env.now, siren=siren)
        return router.least_times(origins, destinations, moving)

    # Time

    def move(self, t_to: float) -> None:
        """Do nothing: units are where their timetable says, and arrive at the exact second."""

    def arrive(self) -> None:
        """Do nothing: arrivals are events of the clock itself."""

    # Changes

    def block(self, place: Place, lanes: int, *, opposite: bool = False) -> int:
        """Take `lanes` lanes at `place` out of use; links take longer by the capacity lost."""
        token, links = self._times.block(place, lanes, opposite=opposite)
        self._replan(self._concerned(links, fell=False))
        return token

    def unblock(self, token: int) -> None:
        """Give the lanes of `block` back."""
        links = self._times.unblock(token)
        self._replan(self._concerned(links, fell=True))

    def close_links(self, links: Sequence[int], lanes: int | None) -> None:
        """Close links (`lanes` None) or that many of their lanes, until `open_links`."""
        self._times.close(links, lanes)
        self._replan(self._drives)

    def open_links(self, links: Sequence[int]) -> None:
        """Open every lane of the links that `close_links` closed."""
        self._times.open(links)
        self._replan(self._drives)

    def set_tolls(self, seconds: F32) -> None:
        """Do nothing: units pay no tolls, and nobody else drives."""

    def ban_turns(self, turns: I32) -> None:
        """Let nobody make these turns, and allow all others."""
        self._times.costs.ban_turns(turns)
        self._replan(self._drives)

    def set_bus_lanes(self, lanes: Mapping[int, Sequence[int]]) -> None:
        """Do nothing: scenarios that change bus lanes are refused in this fidelity."""

    def set_signals(self, settings: SignalSettings) -> None:
        """Do nothing: scenarios that run signals are refused in this fidelity."""

    def set_conditions(self, conditions: Conditions) -> None:
        """Let weather and work zones be these from now on."""
        self._times.set_conditions(conditions)
        self._replan(self._drives)

    def scale_demand(self, factor: float) -> None:
        """Let the volumes of the delay curves be `factor` times the scenario's."""
        self._times.scale_demand(factor)
        self._replan(self._drives)

    # Timetables

    def _stand(self, unit: int, place: Place) -> None:
        self._stands[unit] = place
        self._link[unit], self._pos[unit] = place
        self._count[unit] = 0

    def _concerned(self, links: I64, *, fell: bool) -> list[int]:
        """Return the units that a change of the times of links concerns."""
        routers = [self._times.router(self._env.now, siren=siren) for siren in (False, True)]
        out = np.empty(len(self._count), np.uint8)
        concerned(
            self._env.now,
            self._count,
            self._way,
            self._at,
            self._siren,
            links,
            fell,
            np.array([router.times[links] for router in routers]),
            np.array([router.max_speed for router in routers]),
            self._corners,
            routers[0].across,
            out,
        )
        return np.flatnonzero(out).tolist()

    def _replan(self, units: Iterable[int]) -> None:
        """Let units under way go on from their places at the present times."""
        for unit in sorted(units):
            self._plan(unit, self._drives[unit])

    def _plan(self, unit: int, drive: _Drive) -> None:
        """Let a unit go on from where it is by the fastest way at the present times."""
        moving = self.moving(unit)
        if moving:
            self._stand(unit, self.place_of(unit))
        start = self._stands[unit]
        router = self._times.router(self._env.now, siren=drive.siren)
        links, begin_m, end_m, drive.stop = router.way(start, drive.destination, moving=moving)
        if not len(links):
            del self._drives[unit]
            self._count[unit] = 0
            drive.event.fail(
                UnreachableError(
                    f"no open road leads from link {start.link} to link {drive.destination.link}"
                )
            )
            return
        drive.plan += 1
        t_end = self._write(unit, drive, router, links, begin_m, end_m)
        timer = self._env.timeout(t_end - self._env.now)
        timer.callbacks.append(partial(self._reached, unit, drive, drive.plan, t_end))

    def _write(
        self, unit: int, drive: _Drive, router: UnitRouter, links: I32, start_m: float, end_m: float
    ) -> float:
        """Write when each link of a drive is entered, and the end reached; return that."""
        n = len(links)
        while n > self._way.shape[1]:
            self._way = np.concatenate([self._way, np.zeros_like(self._way)], axis=1)
            self._at = np.concatenate([self._at, np.zeros_like(self._at)], axis=1)
        t, graph, length = self._env.now, router.graph, self._network.link_length
        seconds = self._times.at(t).of(siren=drive.siren)
        i = write_drive(
            unit, links, start_m, end_m, drive.siren, drive.since, t,
            graph.turn_ptr, graph.turn_to, graph.turn_cost, length, seconds, _hour_end(t),
            self._count, self._since, self._way, self._at, self._start, self._end, self._siren,
        )  # fmt: skip
        while i < n:
            # Links entered after the full hour have its times.
            t = float(self._at[unit, i])
            seconds = self._times.at(t).of(siren=drive.siren)
            i = fill_timetable(
                graph.turn_ptr, graph.turn_to, graph.turn_cost, links, length, seconds, start_m,
                end_m, i, _hour_end(t), self._at[unit],
            )  # fmt: skip
        return float(self._at[unit, n])

    def _reached(self, unit: int, drive: _Drive, plan: int, t_end: float, _: simpy.Event) -> None:
        if self._drives.get(unit) is drive and drive.plan == plan:
            del self._drives[unit]
            self._stand(unit, drive.stop)
            succeed_now(drive.event, t_end)
