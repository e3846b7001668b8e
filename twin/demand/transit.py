"""Buses on their lines: where they stop, when they are due there, and how long they stand.

A line has patterns (an order of stops), a pattern has runs (one bus driving it once). Readers
(`transit_tables`, `gtfs`) give a `Plan`; `transit_match` lays it on the streets.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twin.core.random import Streams
from twin.network.graph import F64, I32

BOARD_S = 2.5
"""Seconds in which a passenger boards: smart card, level entry (Transit Capacity and Quality of
Service Manual, TCRP Report 165, exhibit 6-4: 2.75 s without standees)."""
DOORS_S = 4.0
"""Seconds in which doors open and close (the same, chapter 6: 2 to 5 s)."""


class Stop(NamedTuple):
    """A stop; its place is `link` and `pos_m` where the source says so, else found by degrees.

    Attributes
    ----------
    id, name
        Of the source.
    lon, lat
        Degrees; nan where the source gives a link.
    link, pos_m
        Link index (-1: not known) and where the front of a bus stands, metres from its start.
    lane
        Lane, 0 at the kerb.
    bay
        Whether the bus stands beside the lane.
    """

    id: str
    name: str
    lon: float
    lat: float
    link: int = -1
    pos_m: float = np.nan
    lane: int = 0
    bay: bool = False


class Dwell(NamedTuple):
    """How long a bus stands at a stop.

    Attributes
    ----------
    mean_s, sd_s
        Mean and standard deviation of a lognormal time; a deviation of 0 is a fixed time.
    boarding
        Mean of a Poisson number of passengers, who take `doors_s` and `board_s` each in place of
        that time; nan for none.
    """

    mean_s: float
    sd_s: float = 0.0
    boarding: float = np.nan
    board_s: float = BOARD_S
    doors_s: float = DOORS_S

    def draw(self, rng: np.random.Generator) -> float:
        """Return the seconds of one visit; every call draws as many numbers."""
        normal, passengers = rng.standard_normal(), rng.poisson(np.nan_to_num(self.boarding))
        if np.isfinite(self.boarding):
            return self.doors_s + self.board_s * float(passengers)
        if self.sd_s <= 0.0 or self.mean_s <= 0.0:
            return self.mean_s
        spread = np.log1p((self.sd_s / self.mean_s) ** 2)
        return float(self.mean_s * np.exp(np.sqrt(spread) * normal - spread / 2.0))


class Pattern(NamedTuple):
    """An order of stops of a line.

    Attributes
    ----------
    line
        Name that passengers know.
    stops
        Rows of `Plan.stops`.
    dwells, timing
        How long a bus stands at each, and whether it waits there until it is due.
    """

    line: str
    stops: tuple[int, ...]
    dwells: tuple[Dwell, ...]
    timing: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One bus that drives a pattern once.

    Attributes
    ----------
    name
        Of the source, different from that of every other run.
    pattern
        Row of `Plan.patterns`.
    arrive_s, depart_s
        (C,) when it is due at its stops and leaves them, seconds since midnight of the first day;
        nan where the source says nothing. The first departure is known.
    """

    name: str
    pattern: int
    arrive_s: F64
    depart_s: F64


class Plan(NamedTuple):
    """Lines as a source gives them; `left_out` counts what was left aside, by what it is."""

    stops: list[Stop]
    patterns: list[Pattern]
    runs: list[Run]
    left_out: Counter[str]


class Course(NamedTuple):
    """A pattern on the streets.

    Attributes
    ----------
    route
        Links, first to last.
    call
        (C,) places in the pattern of the stops that are served.
    link, pos_m
        (C,) where it stops.
    step
        (C,) places of these links in `route`.
    along_m
        (C,) metres along the route from the start of its first link.
    """

    route: I32
    call: I32
    link: I32
    pos_m: F64
    step: I32
    along_m: F64


class Service(NamedTuple):
    """Lines on the streets: runs of patterns that cannot be driven are left out and counted.

    Attributes
    ----------
    plan
        What the source gives; `runs` by departure.
    courses
        By number of the pattern, of those that can be driven.
    """

    plan: Plan
    courses: dict[int, Course]


def runs_between(runs: list[Run], t_from: float, t_to: float) -> list[Run]:
    """Return the runs that are under way in a span of time, by departure then name."""
    kept = [run for run in runs if run.depart_s[0] < t_to and _last(run) >= t_from]
    return sorted(kept, key=lambda run: (float(run.depart_s[0]), run.name))


def _last(run: Run) -> float:
    known = run.depart_s[np.isfinite(run.depart_s)]
    return float(known[-1]) if len(known) > 1 else float(known[0])


def dwells_of(pattern: Pattern, run: Run, streams: Streams) -> F64:
    """Return (C,) seconds that a run stands at its stops, from a stream of its own."""
    rng = streams.stream("dwell", run.name)
    return np.array([dwell.draw(rng) for dwell in pattern.dwells])
