"""What a what-if changes besides calls: the traffic of a run, and what its move-ups cost.

Each figure is one number a run, so base and what-if are laid side by side replication by
replication, by the same paired interval as response times (`twin.metrics.compare.Paired`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from twin.core.clock import HOUR_S
from twin.core.units import KMH
from twin.metrics.compare import Paired
from twin.metrics.driven import Driven
from twin.metrics.units import kilometres
from twin.recording.reader import RunReader
from twin.scenarios.policy import named_rules
from twin.scenarios.spec import Scenario

Unit = Literal["trips", "s", "vehicle-km", "vehicle-hours", "km/h", "times", "moves", "units", "km"]
TRIPS = {
    "entered": "inserted",
    "finished": "finished",
    "waiting": "waiting",
    "running": "running",
    "removed": "removed",
    "without-route": "without_route",
}
"""Measure of trips, and its key in `vehicles` of a run's summary."""
SPEED, ROADS, PREEMPTIONS = "speed", "speed-of-roads", "preemptions"


@dataclass(frozen=True, slots=True)
class Roads:
    """Roads whose speed a city publishes, and the hours of the day that the run covers of it."""

    title_en: str
    title_ko: str
    from_h: float
    to_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDifference(Paired):
    """The difference of one figure of whole runs.

    Attributes
    ----------
    measure
        Of traffic a key of `TRIPS`, `trip-time`, `entry-wait`, `driven`, `on-road`, `lost`,
        `speed`, `speed-of-roads` or `preemptions`; of move-up `moves`, `movers`, `most-moves` or
        `driven-by-units`.
    unit
        Of the figures.
    roads
        Of `speed-of-roads`, which.
    """

    measure: str
    unit: Unit
    roads: Roads | None


_Figure = tuple[str, Unit, Roads | None]
"""Measure, unit and roads of a figure: what two runs have in common."""
_Figures = dict[_Figure, float]
_Pairs = Sequence[tuple[RunReader, RunReader]]
DrivenPairs = Sequence[tuple[Driven | None, Driven | None]]
"""What was driven in each pair of runs (base, what-if); None of a run without traffic."""


def traffic_differences(runs: _Pairs, driven: DrivenPairs) -> list[RunDifference]:
    """Return the differences in traffic; nothing where a side moves none.

    Trips count from the start of the warm-up (`twin.traffic.figures.Counters`). The mean time of a
    trip, from when it wants to set out to its goal, and what of that it waited to enter, are those
    of the trips that reached their goal in the period, whichever they are. What was driven is
    that of the period, by the `links` table: vehicle-kilometres, vehicle-hours on the roads (a trip
    that waits to enter is not there yet), how much of these is more than the links' free-flow
    speeds would have taken, and the mean speed, their quotient. The speed of the
    roads for which the city publishes one is that of the run's summary
    (`twin.metrics.road_speeds`). Pre-emptions are the times that a unit under siren held a signal;
    they stand in a line if there was one in any run.

    Parameters
    ----------
    runs
        One pair of runs (base, what-if) a replication. What a run of an earlier version does not
        know stands in no line.
    driven
        What was driven in them.
    """
    sides = [
        (_traffic(*base), _traffic(*whatif))
        for base, whatif in (zip(*pair, strict=True) for pair in zip(runs, driven, strict=True))
    ]
    lines = _lines(sides)
    return [row for row in lines if row.measure != PREEMPTIONS or row.base or row.whatif]


def move_up_differences(base: Scenario, whatif: Scenario, runs: _Pairs) -> list[RunDifference]:
    """Return what move-up costs; nothing where neither side names a rule of it.

    The moves made, the units that made one, the most moves of one unit, and the kilometres of all
    units (`twin.metrics.units.kilometres`), all of the period.

    Parameters
    ----------
    base, whatif
        The scenarios.
    runs
        As in `traffic_differences`.
    """
    if not any(
        role == "moveup" and name != "none"
        for scenario in (base, whatif)
        for _, role, name in named_rules(scenario)
    ):
        return []
    return _differences(runs, _moves)


def _differences(runs: _Pairs, figures: Callable[[RunReader], _Figures]) -> list[RunDifference]:
    return _lines([(figures(one), figures(two)) for one, two in runs])


def _lines(sides: Sequence[tuple[_Figures, _Figures]]) -> list[RunDifference]:
    """Return the line of each figure of the base, over the pairs that have it on both sides."""
    lines = []
    for figure in dict.fromkeys(figure for base, _ in sides for figure in base):
        known = [(one[figure], two[figure]) for one, two in sides if figure in one.keys() & two]
        if known:
            base, whatif = np.array(known, np.float64).T
            measure, unit, roads = figure
            lines.append(
                RunDifference.between(base, whatif, measure=measure, unit=unit, roads=roads)
            )
    return lines


def _traffic(reader: RunReader, driven: Driven | None) -> _Figures:
    """Return the figures of a run's traffic, in the order in which they are shown."""
    summary = reader.meta["summary"]
    vehicles = summary.get("vehicles", {})
    if not any(vehicles.values()):
        return {}
    found: _Figures = {
        (measure, "trips", None): float(vehicles[key])
        for measure, key in TRIPS.items()
        if key in vehicles
    }
    found |= _trips(reader)
    if driven is not None and (seconds := float(driven.seconds.sum())) > 0.0:
        metres = float(driven.metres.sum())
        found["driven", "vehicle-km", None] = metres / 1000.0
        found["on-road", "vehicle-hours", None] = seconds / HOUR_S
        free = reader.table("link_names", ["free_mps"])["free_mps"].to_numpy(np.float64)
        if len(free):
            least = driven.metres / free[: len(driven.metres)]
            found["lost", "vehicle-hours", None] = (seconds - float(least.sum())) / HOUR_S
        found[SPEED, "km/h", None] = metres / seconds / KMH
    for row in summary.get("speeds", []):
        if row["simulated_kmh"] is not None:
            roads = Roads(row["title_en"], row["title_ko"], row["from_h"], row["to_h"])
            found[ROADS, "km/h", roads] = float(row["simulated_kmh"])
    if (preemptions := summary.get("preemptions")) is not None:
        found[PREEMPTIONS, "times", None] = float(preemptions["held"])
    return found


def _trips(reader: RunReader) -> _Figures:
    """Return mean times of the trips that reached their goal in the period, seconds."""
    trips = reader.table("trips", ["t_planned", "t_depart", "t_arrive"]).astype(np.float64)
    planned, depart, arrive = trips[trips["t_arrive"] > reader.scenario.period.start_s].to_numpy().T
    if not len(arrive):
        return {}
    return {
        ("trip-time", "s", None): float((arrive - planned).mean()),
        ("entry-wait", "s", None): float((depart - planned).mean()),
    }


def _moves(reader: RunReader) -> _Figures:
    """Return what the move-ups of a run cost, in the order in which they are shown."""
    found: _Figures = {}
    if (moves := reader.meta["summary"].get("move_ups")) is not None:
        by_unit = moves["by_unit"]
        found["moves", "moves", None] = float(moves["made"])
        found["movers", "units", None] = float(len(by_unit))
        found["most-moves", "moves", None] = float(max(by_unit.values(), default=0))
    frames = reader.table("unit_frames", ["t", "unit_id", "x", "y"])
    if len(frames):
        far = kilometres(frames, float(reader.meta["box"]["side_m"]))
        found["driven-by-units", "km", None] = sum(far.values())
    return found
