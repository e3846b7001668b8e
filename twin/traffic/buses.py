"""Buses of lines in traffic: they set out by timetable, and what comes of them is told.

A bus enters at the start of its first stop's link, so early that it stands there before it is due,
and never leaves that stop early. Those under way when the traffic begins start at their next stop.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from twin.core.random import Streams
from twin.demand.stops import Calls
from twin.demand.transit import Course, Run, Service, dwells_of, runs_between
from twin.demand.trips import Trips, VehicleKind
from twin.network.graph import F64, I32
from twin.traffic.stopping import SLACK_M, StoppingBooks
from twin.traffic.trip_routes import RouteBook

FEED_S = 60.0
"""Buses are handed over for so long at a time, seconds."""
LEAD_S = 15.0
"""Seconds that a bus has for its way to the first stop beside free flow and its dwell there."""
EARLY_S, LATE_S = 60.0, 300.0
"""A bus is punctual that leaves a timed stop not earlier and not later than this: a minute early
to five minutes late (Transit Capacity and Quality of Service Manual, TCRP Report 165, ch. 5)."""
END_M = 1.0
"""Metres behind its last stop at which a bus leaves the streets."""


class Buses:
    """The buses of a run.

    Parameters
    ----------
    traffic
        The vehicles.
    service
        Lines on its streets.
    streams
        Of the run; every bus draws its dwell times from its own.
    span
        Seconds in which buses drive.
    hold
        Whether buses wait at timing points until they are due.
    book
        Told the routes of buses.
    """

    def __init__(
        self,
        traffic: StoppingBooks,
        service: Service,
        streams: Streams,
        span: tuple[float, float],
        *,
        hold: bool,
        book: RouteBook | None = None,
    ) -> None:
        self.service = service
        self._traffic = traffic
        self._streams = streams
        self._hold = hold
        self._book = book
        self._span = span
        self._speed = traffic.network.link_speed
        self._length = traffic.network.link_length
        kept = [run for run in runs_between(service.plan.runs, *span) if self._is_ahead(run)]
        starts = [self._enters(run, self._course(run)) for run in kept]
        order = np.argsort(starts, kind="stable")
        self._runs = [kept[n] for n in order]
        self._starts = np.array(starts, np.float64)[order]
        self._fed = 0
        self._fed_to = -math.inf
        self._under_way: dict[int, Run] = {}
        self._tally = _Tally()

    def feed(self, t: float) -> float:
        """Hand over the buses that are due; return when to come again."""
        if t >= self._fed_to:
            self._fed_to = (math.floor(t / FEED_S) + 1) * FEED_S
            end = int(np.searchsorted(self._starts, self._fed_to))
            self._send(self._fed, end, t)
            self._fed = end
        return self._fed_to

    def _course(self, run: Run) -> Course:
        return self.service.courses[run.pattern]

    def _is_ahead(self, run: Run) -> bool:
        """Return whether a run has not left the streets yet when the traffic begins."""
        last = run.depart_s[self._course(run).call[-1]]
        return bool(np.isnan(last) or last >= self._span[0])

    def _first(self, run: Run, course: Course) -> int:
        """Return the first stop that a run serves when the traffic begins at the span's start."""
        due = run.depart_s[course.call]
        ahead = np.flatnonzero(due >= self._span[0])
        return int(ahead[0]) if len(ahead) and due[0] < self._span[0] else 0

    def _enters(self, run: Run, course: Course) -> float:
        """Return when a bus enters the streets."""
        first = self._first(run, course)
        dwell = dwells_of(self.service.plan.patterns[run.pattern], run, self._streams)
        way = course.pos_m[first] / float(self._speed[course.link[first]])
        due = run.depart_s[course.call[first]]
        due = run.depart_s[0] if np.isnan(due) else due
        return float(max(due - dwell[course.call[first]] - way - LEAD_S, self._span[0]))

    def _send(self, begin: int, end: int, t: float) -> None:
        if begin == end:
            return
        plan, streams = self.service.plan, self._streams
        ptr, route_ptr, routes, ends = [0], [0], [], []
        columns: list[tuple[I32, F64, I32, Any, F64, F64, I32]] = []
        for run in self._runs[begin:end]:
            pattern, course = plan.patterns[run.pattern], self._course(run)
            first = self._first(run, course)
            call = course.call[first:]
            stops = [plan.stops[pattern.stops[n]] for n in call]
            due = np.where(np.array(pattern.timing)[call] & self._hold, run.depart_s[call], -np.inf)
            # Nobody leaves the first stop early.
            due[0] = run.depart_s[call[0]]
            columns.append(
                (
                    course.link[first:],
                    course.pos_m[first:],
                    np.array([stop.lane for stop in stops], np.int32),
                    np.array([stop.bay for stop in stops]),
                    dwells_of(pattern, run, streams)[call],
                    np.where(np.isnan(due), -np.inf, due),
                    np.arange(first, len(course.call), dtype=np.int32),
                )
            )
            ptr.append(ptr[-1] + len(call))
            way = course.route[course.step[first] :]
            routes.append(way)
            route_ptr.append(route_ptr[-1] + len(way))
            last = float(self._length[way[-1]])
            ends.append(min(float(course.pos_m[-1]) + END_M, last - SLACK_M + END_M))
        depart = np.maximum(self._starts[begin:end], t)
        trips = Trips(
            depart,
            np.full(len(depart), VehicleKind.BUS, np.uint8),
            np.array(route_ptr, np.int32),
            np.concatenate(routes),
            np.array(ends, np.float32),
        )
        vehicles = self._traffic.add_trips(trips)
        if self._book is not None:
            self._book.plan(vehicles, trips.route_ptr, trips.route_link)
        link, pos, lane, bay, dwell, due_s, tag = (
            np.concatenate([row[n] for row in columns]) for n in range(7)
        )
        calls = Calls(
            np.array(ptr, np.int32), link, pos.astype(np.float32), lane, bay, dwell, due_s, tag
        )
        self._traffic.add_calls(vehicles, calls)
        for vehicle, run in zip(vehicles.tolist(), self._runs[begin:end], strict=True):
            self._under_way[vehicle] = run

    def begin(self) -> None:
        """Forget what was counted while the traffic warmed up."""
        self.rows()
        self._tally = _Tally()

    def rows(self) -> dict[str, Any]:
        """Return the stops served or missed since the last call, as columns of `bus_stops`."""
        visits = self._traffic.visits()
        plan = self.service.plan
        runs = [self._under_way[vehicle] for vehicle in visits.vehicle.tolist()]
        courses = [self._course(run) for run in runs]
        tags = visits.tag.tolist()
        calls = [int(course.call[tag]) for course, tag in zip(courses, tags, strict=True)]
        patterns = [plan.patterns[run.pattern] for run in runs]
        stops = [
            plan.stops[pattern.stops[call]] for pattern, call in zip(patterns, calls, strict=True)
        ]
        due = np.array([run.depart_s[call] for run, call in zip(runs, calls, strict=True)])
        along = np.array([course.along_m[tag] for course, tag in zip(courses, tags, strict=True)])
        last = np.array([tag == len(c.call) - 1 for c, tag in zip(courses, tags, strict=True)])
        self._tally.add(visits.vehicle, along, due, visits.t_arrive, visits.t_depart, last)
        rows = {
            "line": [pattern.line for pattern in patterns],
            "run": [run.name for run in runs],
            "stop": [stop.id for stop in stops],
            "stop_name": [stop.name for stop in stops],
            "order": np.array(calls, np.int32),
            "vehicle": visits.vehicle,
            "link": visits.link,
            "t_due": np.array([r.arrive_s[c] for r, c in zip(runs, calls, strict=True)]),
            "t_due_depart": due,
            "t_arrive": visits.t_arrive,
            "t_depart": visits.t_depart,
        }
        for vehicle, over in zip(visits.vehicle.tolist(), last.tolist(), strict=True):
            if over:
                del self._under_way[vehicle]
        return rows

    def summary(self) -> dict[str, Any]:
        """Return what came of the buses since `begin`: counts, punctuality, speed."""
        return {
            **self._tally.figures(),
            "left_out": dict(sorted(self.service.plan.left_out.items())),
        }


class _Tally:
    """Sums behind the summary."""

    def __init__(self) -> None:
        self.served = self.missed = self.ended = self.timed = self.punctual = 0
        self.late_s = self.metres = self.seconds = 0.0
        self._last: dict[int, tuple[float, float]] = {}

    def add(self, vehicle: Any, along: F64, due: F64, arrive: F64, depart: F64, last: Any) -> None:
        """Take visits in, those of a bus in their order."""
        came = np.isfinite(arrive)
        self.served += int(came.sum())
        self.missed += int((~came).sum())
        timed = came & np.isfinite(due)
        late = (depart - due)[timed]
        self.timed += len(late)
        self.punctual += int(((late >= -EARLY_S) & (late <= LATE_S)).sum())
        self.late_s += float(late.sum())
        for n, bus in enumerate(vehicle.tolist()):
            if came[n]:
                before = self._last.get(bus)
                if before is not None:
                    # Commercial speed: with the time at the stops between.
                    self.metres += float(along[n]) - before[0]
                    self.seconds += float(arrive[n]) - before[1]
                self._last[bus] = (float(along[n]), float(arrive[n]))
            if last[n]:
                self.ended += 1
                self._last.pop(bus, None)

    def figures(self) -> dict[str, Any]:
        """Return the figures; None where there is nothing to take a mean of."""
        return {
            "runs_ended": self.ended,
            "stops_served": self.served,
            "stops_missed": self.missed,
            "punctual_share": self.punctual / self.timed if self.timed else None,
            "mean_late_s": self.late_s / self.timed if self.timed else None,
            "mean_speed_mps": self.metres / self.seconds if self.seconds > 0 else None,
        }
