"""`table` mobility: units drive at the network's times of the hour; no other traffic moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import simpy

from twin.city.model import City
from twin.core.clock import HOUR_S
from twin.network.conditions import Conditions
from twin.network.graph import F32, F64, I32, I64, Place
from twin.scenarios.signals import SignalSettings
from twin.scenarios.spec import Scenario
from twin.traffic.buses import Buses
from twin.traffic.kernels.nearest import fill_timetable
from twin.traffic.mobility import UnreachableError
from twin.traffic.router import Router
from twin.traffic.table_times import TableTimes
from twin.traffic.trip_routes import RouteBook

_SLACK_S = 1.0
"""A way that seems to be slower by less than this may be the faster one: times are rounded."""


@dataclass(slots=True)
class _Drive:
    """A drive under way: link `links[i]` is driven from `at[i]` to `at[i + 1]` seconds."""

    event: simpy.Event
    destination: Place
    siren: bool
    start_m: float = 0.0
    end: Place = field(default_factory=lambda: Place(0, 0.0))
    links: I32 = field(default_factory=lambda: np.empty(0, np.int32))
    at: F64 = field(default_factory=lambda: np.empty(0))
    plan: int = 0
    """Number of the present timetable; a timer of an older one means nothing."""


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
        # Where each unit stands or set out from.
        self._link: I32 = np.zeros(16, np.int32)
        self._pos: F64 = np.zeros(16)
        self._drives: dict[int, _Drive] = {}
        self._units = 0

    # Units

    def add_unit(self, unit_id: str, kind: str, place: Place) -> int:  # noqa: ARG002
        """Put a parked unit on the map and return its handle."""
        unit = self._units
        self._units += 1
        if unit == len(self._link):
            self._link = np.concatenate([self._link, np.zeros_like(self._link)])
            self._pos = np.concatenate([self._pos, np.zeros_like(self._pos)])
        self._stand(unit, place)
        return unit

    def remove_unit(self, unit: int) -> None:
        """Take a unit off the map."""
        self._drives.pop(unit, None)

    def drive(self, unit: int, destination: Place, *, siren: bool) -> simpy.Event:
        """Start a drive; see `Mobility.drive`."""
        self._stand(unit, self.place_of(unit))
        drive = _Drive(self._env.event(), destination, siren)
        self._drives[unit] = drive
        self._plan(unit, drive)
        return drive.event

    def stop(self, unit: int) -> Place:
        """Let a unit halt where it is and return the place."""
        place = self.place_of(unit)
        self._drives.pop(unit, None)
        self._stand(unit, place)
        return place

    def place_of(self, unit: int) -> Place:
        """Return the unit's true position on the road."""
        drive = self._drives.get(unit)
        if drive is None:
            return Place(int(self._link[unit]), float(self._pos[unit]))
        now = self._env.now
        i = self._at(drive)
        if i >= len(drive.links):
            return drive.end
        link = int(drive.links[i])
        begin = drive.start_m if i == 0 else 0.0
        last = i == len(drive.links) - 1
        end = drive.end.pos_m if last else float(self._network.link_length[link])
        share = (now - drive.at[i]) / (drive.at[i + 1] - drive.at[i])
        return Place(link, begin + float(share) * (end - begin))

    # Predictions

    def etas(
        self,
        units: Sequence[int],
        destination: Place,
        *,
        siren: bool,
        beside: F64 | None = None,
    ) -> F64:
        """(U,) predicted seconds of driving to `destination`; see `Mobility.etas`."""
        if not len(units):
            return np.empty(0)
        which = np.asarray(units, np.int64)
        link, pos = self._link[which], self._pos[which]
        if self._drives:
            for k, unit in enumerate(which.tolist()):
                if unit in self._drives:
                    link[k], pos[k] = self.place_of(unit)
        router = self._times.router(self._env.now, siren=siren)
        return router.etas_from(link, pos, destination, beside)

    def travel_times(
        self,
        origin: Place,
        destinations: Sequence[Place],
        *,
        siren: bool,
        beside: F64 | None = None,
    ) -> F64:
        """(D,) predicted seconds of driving from `origin`; see `Mobility.travel_times`."""
        if not destinations:
            return np.empty(0)
        router = self._times.router(self._env.now, siren=siren)
        return router.travel_times(origin, destinations, beside)

    # Time

    def move(self, t_to: float) -> None:
        """Do nothing: units are where their timetable says, and arrive at the exact second."""

    def arrive(self) -> None:
        """Do nothing: arrivals are events of the clock itself."""

    # Changes

    def block(self, place: Place, lanes: int, *, opposite: bool = False) -> int:
        """Take `lanes` lanes at `place` out of use; links take longer by the capacity lost."""
        token, links = self._times.block(place, lanes, opposite=opposite)
        self._replan(unit for unit in self._drives if self._passes(unit, links))
        return token

    def unblock(self, token: int) -> None:
        """Give the lanes of `block` back."""
        links = self._times.unblock(token)
        self._replan(
            unit
            for unit in self._drives
            if self._passes(unit, links) or self._may_pass(unit, links)
        )

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
        self._link[unit], self._pos[unit] = place

    def _at(self, drive: _Drive) -> int:
        """Return which link of its route a drive is on, or the number of them at its end."""
        return int(np.searchsorted(drive.at, self._env.now, side="right")) - 1

    def _passes(self, unit: int, links: I64) -> bool:
        """Return whether a unit is on one of these links or has yet to enter it."""
        drive = self._drives[unit]
        rest = drive.links[self._at(drive) :]
        return any(bool((rest == link).any()) for link in links.tolist())

    def _may_pass(self, unit: int, links: I64) -> bool:
        """Return whether a way over one of these links could be faster than a unit's own.

        No link is driven faster, as the crow flies, than the router's bound.
        """
        network, drive, now = self._network, self._drives[unit], self._env.now
        router = self._times.router(now, siren=drive.siren)
        x, y = network.node_x, network.node_y
        here = network.link_to[drive.links[min(self._at(drive), len(drive.links) - 1)]]
        goal = network.link_from[drive.destination.link]
        first, last = network.link_from[links], network.link_to[links]
        away = np.hypot(x[first] - x[here], y[first] - y[here])
        on = np.hypot(x[goal] - x[last], y[goal] - y[last])
        least = (away + on) / router.max_speed + router.times[links]
        return bool((least < drive.at[-1] - now + _SLACK_S).any())

    def _replan(self, units: Iterable[int]) -> None:
        """Let units under way go on from their places at the present times."""
        for unit in sorted(units):
            self._stand(unit, self.place_of(unit))
            self._plan(unit, self._drives[unit])

    def _plan(self, unit: int, drive: _Drive) -> None:
        start = Place(int(self._link[unit]), float(self._pos[unit]))
        router = self._times.router(self._env.now, siren=drive.siren)
        links, drive.end = router.route_between(start, drive.destination)
        if not len(links):
            del self._drives[unit]
            drive.event.fail(
                UnreachableError(
                    f"no open road leads from link {start.link} to link {drive.destination.link}"
                )
            )
            return
        drive.start_m = start.pos_m
        drive.links = links
        drive.at = self._timetable(router, links, start.pos_m, drive.end.pos_m, siren=drive.siren)
        drive.plan += 1
        timer = self._env.timeout(float(drive.at[-1]) - self._env.now)
        timer.callbacks.append(partial(self._reached, unit, drive, drive.plan))

    def _timetable(
        self, router: Router, links: I32, start_m: float, end_m: float, *, siren: bool
    ) -> F64:
        """Return when each link is entered, and the end reached, hour by hour."""
        at = np.empty(len(links) + 1)
        at[0] = self._env.now
        i = 0
        while i < len(links):
            t = float(at[i])
            seconds = self._times.at(t).of(siren=siren)
            length = self._network.link_length
            fill_timetable(router.graph, links, length, seconds, start_m, end_m, i, at)
            hour_end = (t // HOUR_S + 1) * HOUR_S
            if at[-1] < hour_end:
                break
            # Links entered after the full hour have its times.
            i = max(int(np.searchsorted(at[: len(links)], hour_end)), i + 1)
        return at

    def _reached(self, unit: int, drive: _Drive, plan: int, _: simpy.Event) -> None:
        if self._drives.get(unit) is drive and drive.plan == plan:
            del self._drives[unit]
            self._stand(unit, drive.end)
            drive.event.succeed(float(drive.at[-1]))
