"""Units in lane-level traffic: parked ones, drives under way, arrivals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import simpy

from twin.network.graph import I32, Place
from twin.traffic.costs import RoadCosts
from twin.traffic.interface import Traffic
from twin.traffic.kernels.layout import AMBULANCE, FIRE_ENGINE
from twin.traffic.mobility import UnreachableError
from twin.traffic.obstacles import Obstacles

THERE_M = 1.0
"""A goal nearer than this is reached without driving."""
WORTH_IT = 0.9
"""A unit under way takes another route when that needs less than this share of the time."""
_HEAVY = frozenset({"engine", "ladder", "rescue", "command"})
"""Kinds of unit that drive as a fire engine does; the others as an ambulance."""


@dataclass(slots=True)
class _Drive:
    event: simpy.Event
    destination: Place
    goal: Place
    """Where it stops; short of the destination if something stands there."""
    stop: Place
    """Where it then stands."""
    siren: bool
    begin: Place
    since: float
    """When it left its place `begin`; until then it stands there, though it was told to drive."""
    links: I32
    end_m: float
    """Where on the last link it arrives."""


class Units:
    """The emergency units of a run, by handle.

    Parameters
    ----------
    env
        The clock of the agents.
    traffic
        The vehicles.
    costs
        Routers for units.
    obstacles
        Before which units stop.
    siren_factor
        Desired speed under siren over free-flow speed.
    """

    def __init__(
        self,
        env: simpy.Environment,
        traffic: Traffic,
        costs: RoadCosts,
        obstacles: Obstacles,
        *,
        siren_factor: float,
    ) -> None:
        self._env = env
        self._traffic = traffic
        self._costs = costs
        self._obstacles = obstacles
        self._siren_factor = siren_factor
        self._parked: dict[int, Place] = {}
        self._drives: dict[int, _Drive] = {}
        self._kind: list[int] = []

    def add(self, place: Place, kind: str) -> int:
        """Park a new unit of a kind (as `ambulance`, `engine`) and return its handle."""
        unit = len(self._kind)
        self._kind.append(FIRE_ENGINE if kind in _HEAVY else AMBULANCE)
        self._parked[unit] = place
        return unit

    def remove(self, unit: int) -> None:
        """Take a unit off the map."""
        self.stop(unit)
        del self._parked[unit]

    def stop(self, unit: int) -> Place:
        """Park a unit where it is."""
        if unit in self._drives:
            place = self.place_of(unit)
            del self._drives[unit]
            self._traffic.remove_unit(unit)
            self._parked[unit] = place
        return self._parked[unit]

    def place_of(self, unit: int) -> Place:
        """Return where a unit is."""
        if self.moving(unit):
            return self._traffic.unit_place(unit)
        return self._drives[unit].begin if unit in self._drives else self._parked[unit]

    def moving(self, unit: int) -> bool:
        """Return whether a unit is on the move."""
        drive = self._drives.get(unit)
        return drive is not None and self._env.now > drive.since

    def drive(self, unit: int, destination: Place, *, siren: bool) -> simpy.Event:
        """Start a drive from where the unit is; an earlier one is forgotten."""
        event = self._env.event()
        moving, place = self.moving(unit), self.place_of(unit)
        since = self._drives[unit].since if moving else self._env.now
        goal = self._obstacles.goal(destination)
        router = self._costs.router(siren=siren)
        links, begin_m, end_m, stop = router.way(place, goal, moving=moving)
        if not len(links):
            self.stop(unit)
            event.fail(_unreachable(place, destination))
            return event
        if len(links) == 1 and end_m - begin_m < THERE_M:
            self.stop(unit)
            event.succeed(self._env.now)
            return event
        before = self._drives.get(unit)
        if before is not None and moving and before.siren == siren:
            self._traffic.reroute_unit(unit, links, end_m)
        else:
            self.stop(unit)
            del self._parked[unit]
            self._traffic.insert_unit(
                unit,
                Place(int(links[0]), begin_m),
                links,
                end_m,
                speed_factor=self._siren_factor if siren else 1.0,
                siren=siren,
                kind=self._kind[unit],
            )
        self._drives[unit] = _Drive(
            event, destination, goal, stop, siren, place, since, links, end_m
        )
        return event

    def reroute(self) -> None:
        """Let units under way take a clearly faster way at present times, or halt without any.

        Who is on a street that was closed drives on along his way out of it.
        """
        for unit, drive in sorted(self._drives.items()):
            place = self._traffic.unit_place(unit)
            last = place.link == drive.links[-1] and place.pos_m <= drive.end_m
            if last or not self._traffic.unit_running(unit):
                continue
            router = self._costs.router(siren=drive.siren)
            links, begin_m, end_m, stop = router.way(place, drive.goal, moving=True)
            found = np.flatnonzero(drive.links == place.link)
            if len(found):
                drive.links = drive.links[found[0] :]
            if not len(links):
                if not (len(found) and self._traffic.leads_out(drive.links)):
                    self.stop(unit)
                    drive.event.fail(_unreachable(place, drive.destination))
                continue
            if len(found):
                now = router.seconds_of(drive.links, begin_m, drive.end_m)
                if router.seconds_of(links, begin_m, end_m) >= WORTH_IT * now:
                    continue
            self._traffic.reroute_unit(unit, links, end_m)
            drive.links, drive.end_m, drive.stop = links, end_m, stop

    def arrive(self) -> None:
        """Succeed the events of the units that reached their goal, in order of handle."""
        for unit, t in self._traffic.arrivals():
            drive = self._drives.pop(unit)
            self._parked[unit] = drive.stop
            drive.event.succeed(t)


def _unreachable(place: Place, destination: Place) -> UnreachableError:
    return UnreachableError(f"no open road leads from link {place.link} to link {destination.link}")
