"""`table` mobility: units drive at the network's times of the hour; no other traffic moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import numpy as np
import simpy

from twin.city.model import City
from twin.core.clock import DAY_S, HOUR_S
from twin.network.conditions import Conditions
from twin.network.graph import F32, F64, I32, Place
from twin.scenarios.signals import SignalSettings
from twin.scenarios.spec import Scenario
from twin.traffic.buses import Buses
from twin.traffic.conditions import capacity_share
from twin.traffic.congestion import SQUEEZE_LANES, HourlyTimes
from twin.traffic.costs import RoadCosts
from twin.traffic.mobility import UnreachableError
from twin.traffic.passers_by import PassersBy
from twin.traffic.trip_routes import RouteBook


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
    are blocked or given back, or the demand is scaled, every unit under way goes on by the fastest
    way at the new times.

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
        traffic = scenario.traffic
        self._costs = RoadCosts(
            city.network,
            speed_factor=traffic.speed_factor,
            siren_factor=traffic.emergency_speed_factor,
        )
        profile = city["trip_profile"].set_index("hour").reindex(range(24)).fillna(0.0)
        weekend = scenario.period.day.weekday() >= 5
        self._hourly = HourlyTimes(
            city.network,
            profile["weekend" if weekend else "weekday"].to_numpy(np.float64),
            float(profile["weekday"].max()),
            self._costs.free_s,
            speed=hourly_link_speed,
        )
        self._demand_scale = traffic.demand_scale
        self._hourly.demand = traffic.demand_scale
        self._blocked: I32 = np.zeros(city.network.n_links, np.int32)
        self._blocks: dict[int, tuple[int, int]] = {}
        self._slowings: dict[int, list[tuple[int, float]]] = {}
        self._passers_by = PassersBy(city.network)
        self._tokens = 0
        self._place: dict[int, Place] = {}
        self._drives: dict[int, _Drive] = {}
        self._units = 0
        self._hour = -1
        self._refresh()

    # Units

    def add_unit(self, unit_id: str, kind: str, place: Place) -> int:  # noqa: ARG002
        """Put a parked unit on the map and return its handle."""
        unit = self._units
        self._units += 1
        self._place[unit] = place
        return unit

    def remove_unit(self, unit: int) -> None:
        """Take a unit off the map."""
        self._drives.pop(unit, None)
        del self._place[unit]

    def drive(self, unit: int, destination: Place, *, siren: bool) -> simpy.Event:
        """Start a drive; see `Mobility.drive`."""
        self._place[unit] = self.place_of(unit)
        drive = _Drive(self._env.event(), destination, siren)
        self._drives[unit] = drive
        self._refresh()
        self._plan(unit, drive)
        return drive.event

    def stop(self, unit: int) -> Place:
        """Let a unit halt where it is and return the place."""
        place = self.place_of(unit)
        self._drives.pop(unit, None)
        self._place[unit] = place
        return place

    def place_of(self, unit: int) -> Place:
        """Return the unit's true position on the road."""
        drive = self._drives.get(unit)
        if drive is None:
            return self._place[unit]
        now = self._env.now
        i = int(np.searchsorted(drive.at, now, side="right")) - 1
        if i >= len(drive.links):
            return drive.end
        link = int(drive.links[i])
        begin = drive.start_m if i == 0 else 0.0
        last = i == len(drive.links) - 1
        end = drive.end.pos_m if last else float(self._network.link_length[link])
        share = (now - drive.at[i]) / (drive.at[i + 1] - drive.at[i])
        return Place(link, begin + float(share) * (end - begin))

    # Predictions

    def etas(self, units: Sequence[int], destination: Place, *, siren: bool) -> F64:
        """(U,) predicted seconds of driving to `destination`; `inf` where no road leads there."""
        self._refresh()
        places = [self.place_of(unit) for unit in units]
        return self._costs.etas(places, destination, siren=siren)

    def travel_times(self, origin: Place, destinations: Sequence[Place], *, siren: bool) -> F64:
        """(D,) predicted seconds of driving from `origin`; `inf` where no road leads there."""
        self._refresh()
        return self._costs.travel_times(origin, destinations, siren=siren)

    # Time

    def move(self, t_to: float) -> None:
        """Do nothing: units are where their timetable says, and arrive at the exact second."""

    def arrive(self) -> None:
        """Do nothing: arrivals are events of the clock itself."""

    # Changes

    def block(self, place: Place, lanes: int, *, opposite: bool = False) -> int:
        """Take `lanes` lanes at `place` out of use; links take longer by the capacity lost."""
        token = self._tokens
        self._tokens += 1
        self._blocks[token] = (place.link, lanes)
        self._blocked[place.link] += lanes
        for slowed, share in self._passers_by.seen(place, lanes, opposite=opposite):
            self._slowings.setdefault(token, []).append((slowed.link, share))
        self._changed()
        return token

    def unblock(self, token: int) -> None:
        """Give the lanes of `block` back."""
        link, lanes = self._blocks.pop(token)
        self._blocked[link] -= lanes
        self._slowings.pop(token, None)
        self._changed()

    def close_links(self, links: Sequence[int], lanes: int | None) -> None:
        """Close links (`lanes` None) or that many of their lanes, until `open_links`."""
        self._costs.close(links, lanes)
        self._changed()

    def open_links(self, links: Sequence[int]) -> None:
        """Open every lane of the links that `close_links` closed."""
        self._costs.open(links)
        self._changed()

    def set_tolls(self, seconds: F32) -> None:
        """Do nothing: units pay no tolls, and nobody else drives."""

    def ban_turns(self, turns: I32) -> None:
        """Let nobody make these turns, and allow all others."""
        self._costs.ban_turns(turns)
        self._changed()

    def set_bus_lanes(self, lanes: Mapping[int, Sequence[int]]) -> None:
        """Do nothing: scenarios that change bus lanes are refused in this fidelity."""

    def set_signals(self, settings: SignalSettings) -> None:
        """Do nothing: scenarios that run signals are refused in this fidelity."""

    def set_conditions(self, conditions: Conditions) -> None:
        """Let weather and work zones be these from now on."""
        dry = self._costs.set_conditions(conditions)
        self._hourly.capacity = capacity_share(conditions, dry)
        self._changed()

    def scale_demand(self, factor: float) -> None:
        """Let the volumes of the delay curves be `factor` times the scenario's."""
        self._hourly.demand = self._demand_scale * factor
        self._changed()

    # Timetables

    def _hour_of(self, t: float) -> int:
        return int(t % DAY_S // HOUR_S)

    def _seconds(self, hour: int, links: I32 | slice = slice(None)) -> F32:
        """Return the times of ordinary traffic in an hour, obstacles included."""
        lanes = self._network.link_lanes[links].astype(np.float32)
        taken = self._blocked[links] + self._costs.closed_lanes[links]
        left = np.maximum(lanes - taken, np.float32(SQUEEZE_LANES)).astype(np.float32)
        times: F32 = np.maximum(
            self._hourly.seconds(hour, links), self._costs.undisturbed_s[links]
        ) * (lanes / left)
        if self._slowings:
            # Where no lane is open nobody drives past: by turns is slow enough.
            times /= np.where(left >= 1.0, self._passed()[links], np.float32(1.0))
        return times

    def _passed(self) -> F32:
        """Return (L,) the share of the flow that passers-by leave."""
        share = np.ones(self._network.n_links, np.float32)
        for link, left in chain.from_iterable(self._slowings.values()):
            share[link] = min(share[link], np.float32(left))
        return share

    def _refresh(self) -> None:
        """Bring the routers to the present hour."""
        hour = self._hour_of(self._env.now)
        if hour != self._hour:
            self._hour = hour
            self._costs.set_times(self._seconds(hour))

    def _changed(self) -> None:
        """Let every unit under way go on from its place at the new times."""
        here = {unit: self.place_of(unit) for unit in self._drives}
        self._hour = -1
        self._refresh()
        for unit, place in sorted(here.items()):
            self._place[unit] = place
            self._plan(unit, self._drives[unit])

    def _plan(self, unit: int, drive: _Drive) -> None:
        start = self._place[unit]
        router = self._costs.router(siren=drive.siren)
        links, drive.end = router.route_between(start, drive.destination)
        if not len(links):
            del self._drives[unit]
            drive.event.fail(
                UnreachableError(
                    f"no open road leads from link {start.link} to link {drive.destination.link}"
                )
            )
            return
        length = self._network.link_length[links].astype(np.float64)
        driven = length.copy()
        driven[0] -= start.pos_m
        driven[-1] -= length[-1] - drive.end.pos_m
        turn_s = np.append(router.turns_of(links), 0.0)
        drive.start_m = start.pos_m
        drive.links = links
        share = np.maximum(driven, 0.0) / length
        drive.at = self._timetable(links, share, turn_s, siren=drive.siren)
        drive.plan += 1
        timer = self._env.timeout(float(drive.at[-1]) - self._env.now)
        timer.callbacks.append(partial(self._reached, unit, drive, drive.plan))

    def _timetable(self, links: I32, share: F64, turn_s: F64, *, siren: bool) -> F64:
        """Return when each link is entered, and the end reached, hour by hour."""
        at = np.empty(len(links) + 1)
        at[0] = self._env.now
        i = 0
        while i < len(links):
            t = float(at[i])
            rest = links[i:]
            times = self._seconds(self._hour_of(t), rest)
            if siren:
                times = self._costs.under_siren(times, rest)
            at[i + 1 :] = t + np.cumsum(times * share[i:] + turn_s[i:])
            hour_end = (t // HOUR_S + 1) * HOUR_S
            # Links entered after the full hour have its times.
            i = max(int(np.searchsorted(at[: len(links)], hour_end)), i + 1)
        return at

    def _reached(self, unit: int, drive: _Drive, plan: int, _: simpy.Event) -> None:
        if self._drives.get(unit) is drive and drive.plan == plan:
            del self._drives[unit]
            self._place[unit] = drive.end
            drive.event.succeed(float(drive.at[-1]))
