"""`table` mobility in a city without streets: drives take the seconds of the city's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import simpy

from twin.city.model import City
from twin.network.conditions import Conditions
from twin.network.graph import F32, F64, I32, I64, Place
from twin.scenarios.signals import SignalSettings
from twin.scenarios.spec import Scenario
from twin.traffic.buses import Buses
from twin.traffic.trip_routes import RouteBook


class MatrixMobility:
    """Mobility by a table of seconds between places; see `twin.traffic.mobility.Mobility`.

    A drive from place a to place b takes exactly `t(a, b)` seconds under siren, and
    `t(a, b) / speed_without_siren` else; arrivals are events of their own. After the share f of its
    time a unit is between a and b. From there, by `traffic.on_the_way`:

    - `blend`: the drive to place c takes `(1 - f) t(a, c) + f t(b, c)`. A unit that turns to
      another goal again on that drive is between three places, and so on by the same rule.
    - `nearest-place`: it is at the place nearest to the point that divides the straight line
      from a to b in that share (Dieleman and Jagtenberg 2024), and the drive takes the time from
      there.

    `place_of` is the place nearest to that point under both.

    Parameters
    ----------
    env
        The clock of the agents.
    city
        A city with `travel_times`; link k of its network is place k.
    scenario
        `traffic`.
    """

    book: RouteBook | None = None
    buses: Buses | None = None

    def __init__(self, env: simpy.Environment, city: City, scenario: Scenario) -> None:
        self._env = env
        self._seconds = city.travel_times
        places = city["places"]
        self._x = places["x"].to_numpy(np.float64)
        self._y = places["y"].to_numpy(np.float64)
        self._slower = 1.0 / scenario.traffic.speed_without_siren
        self._blends = scenario.traffic.on_the_way == "blend"
        # Nothing moves between events, so the clock need stop for pictures only.
        self.tick_s = scenario.record.frame_every_s
        self._units = 0
        self._tokens = 0
        # Of each unit's last drive: from where to where and when. A unit that stands has arrived.
        self._origin: I64 = np.zeros(16, np.int64)
        self._goal: I64 = np.zeros(16, np.int64)
        self._began: F64 = np.zeros(16)
        self._ends: F64 = np.zeros(16)
        # Where a drive began between places: seconds from there to each place, and the point.
        self._between: dict[int, tuple[F64, float, float]] = {}
        self._events: dict[int, simpy.Event] = {}

    # Units

    def add_unit(self, unit_id: str, kind: str, place: Place) -> int:  # noqa: ARG002
        """Put a parked unit on the map and return its handle."""
        unit = self._units
        self._units += 1
        if unit == len(self._origin):
            self._origin, self._goal, self._began, self._ends = (
                np.concatenate([column, np.zeros_like(column)])
                for column in (self._origin, self._goal, self._began, self._ends)
            )
        self._origin[unit] = self._goal[unit] = place.link
        self._began[unit] = self._ends[unit] = self._env.now
        return unit

    def remove_unit(self, unit: int) -> None:
        """Take a unit off the map."""
        self._events.pop(unit, None)
        self._between.pop(unit, None)

    def drive(self, unit: int, destination: Place, *, siren: bool) -> simpy.Event:
        """Start a drive; see `Mobility.drive`."""
        self._set_out(unit)
        now, goal = self._env.now, destination.link
        between = self._between.get(unit)
        seconds = (
            float(self._seconds[self._origin[unit], goal])
            if between is None
            else float(between[0][goal])
        )
        if not siren:
            seconds *= self._slower
        self._goal[unit] = goal
        self._began[unit], self._ends[unit] = now, now + seconds
        event = self._events[unit] = self._env.event()
        timer = self._env.timeout(seconds)
        timer.callbacks.append(partial(self._reached, unit, event, now + seconds))
        return event

    def stop(self, unit: int) -> Place:
        """Let a unit halt where it is and return the place."""
        place = self.place_of(unit)
        self._events.pop(unit, None)
        self._set_out(unit)
        if unit in self._between:
            # It stands at the beginning of a drive that never ends.
            self._began[unit], self._ends[unit] = self._env.now, np.inf
        else:
            self._goal[unit] = self._origin[unit]
            self._began[unit] = self._ends[unit] = self._env.now
        return place

    def place_of(self, unit: int) -> Place:
        """Return the place nearest to where the unit is."""
        share = self._share(unit)
        if share == 1.0:
            return Place(int(self._goal[unit]), 0.0)
        return Place(self._nearest(*self._point(unit, share)), 0.0)

    def moving(self, unit: int) -> bool:
        """Return whether a unit is on the move."""
        return self._share(unit) < 1.0

    # Predictions

    def etas(
        self,
        units: Sequence[int],
        destination: Place,
        *,
        siren: bool,
        beside: F64 | None = None,  # noqa: ARG002  # all are at hand
        within_s: float | None = None,  # noqa: ARG002
    ) -> F64:
        """(U,) seconds of driving to `destination`, from where each unit truly is."""
        which = np.asarray(units, np.int64)
        column = self._seconds[:, destination.link]
        began, ends = self._began[which], self._ends[which]
        now = self._env.now
        found: F64 = column[self._goal[which]]
        for k in np.flatnonzero(ends > now):
            unit = int(which[k])
            share = float((now - began[k]) / (ends[k] - began[k]))
            if self._blends:
                between = self._between.get(unit)
                start = (
                    column[self._origin[unit]] if between is None else between[0][destination.link]
                )
                found[k] = (1.0 - share) * start + share * found[k]
            else:
                found[k] = column[self._nearest(*self._point(unit, share))]
        return found if siren else found * self._slower

    def travel_times(
        self,
        origin: Place,
        destinations: Sequence[Place],
        *,
        siren: bool,
        beside: F64 | None = None,  # noqa: ARG002  # all are at hand
        moving: bool = False,  # noqa: ARG002  # there are no streets
    ) -> F64:
        """(D,) seconds of driving from the place `origin`."""
        goals = np.array([place.link for place in destinations], np.int64)
        found: F64 = self._seconds[origin.link, goals]
        return found if siren else found * self._slower

    # Time

    def move(self, t_to: float) -> None:
        """Do nothing: units arrive at the exact second."""

    def arrive(self) -> None:
        """Do nothing: arrivals are events of the clock itself."""

    # There are no streets: `twin.scenarios.changes` refuses what would change them.

    def block(
        self,
        place: Place,  # noqa: ARG002
        lanes: int,  # noqa: ARG002
        *,
        opposite: bool = False,  # noqa: ARG002
    ) -> int:
        """Return a token; a collision takes no lane where there is none."""
        self._tokens += 1
        return self._tokens

    def unblock(self, token: int) -> None:
        """Do nothing."""

    def close_links(self, links: Sequence[int], lanes: int | None) -> None:
        """Do nothing."""

    def open_links(self, links: Sequence[int]) -> None:
        """Do nothing."""

    def set_tolls(self, seconds: F32) -> None:
        """Do nothing."""

    def ban_turns(self, turns: I32) -> None:
        """Do nothing."""

    def set_bus_lanes(self, lanes: Mapping[int, Sequence[int]]) -> None:
        """Do nothing."""

    def set_signals(self, settings: SignalSettings) -> None:
        """Do nothing."""

    def set_conditions(self, conditions: Conditions) -> None:
        """Do nothing."""

    def scale_demand(self, factor: float) -> None:
        """Do nothing: the table holds whatever the traffic is."""

    # Where units are

    def _share(self, unit: int) -> float:
        """Return the share of its drive that a unit has behind it; 1 for one that stands."""
        began, ends, now = self._began[unit], self._ends[unit], self._env.now
        return 1.0 if now >= ends else float((now - began) / (ends - began))

    def _point(self, unit: int, share: float) -> tuple[float, float]:
        origin, goal = self._origin[unit], self._goal[unit]
        between = self._between.get(unit)
        x, y = (self._x[origin], self._y[origin]) if between is None else between[1:]
        return (
            float((1.0 - share) * x + share * self._x[goal]),
            float((1.0 - share) * y + share * self._y[goal]),
        )

    def _nearest(self, x: float, y: float) -> int:
        return int(np.argmin((self._x - x) ** 2 + (self._y - y) ** 2))

    def _set_out(self, unit: int) -> None:
        """Let the next drive of a unit begin where it is."""
        share = self._share(unit)
        if share == 1.0:
            self._origin[unit] = self._goal[unit]
            self._between.pop(unit, None)
            return
        x, y = self._point(unit, share)
        if not self._blends:
            self._origin[unit] = self._nearest(x, y)
            self._between.pop(unit, None)
            return
        between = self._between.get(unit)
        start = self._seconds[self._origin[unit]] if between is None else between[0]
        row: F64 = (1.0 - share) * start + share * self._seconds[self._goal[unit]]
        self._between[unit] = row, x, y

    def _reached(self, unit: int, event: simpy.Event, t: float, _: simpy.Event) -> None:
        if self._events.get(unit) is event:
            del self._events[unit]
            event.succeed(t)
