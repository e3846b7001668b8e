"""What a what-if changes besides calls: the traffic of a run, and what its move-ups cost.

Each figure is one number a run, so base and what-if are laid side by side replication by
replication, by the same paired interval as response times (`twin.metrics.compare.Paired`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from twin.core.clock import HOUR_S
from twin.core.units import KMH
from twin.metrics.compare import Paired
from twin.metrics.units import kilometres
from twin.recording.reader import RunReader
from twin.scenarios.policy import named_rules
from twin.scenarios.spec import Scenario

Unit = Literal["trips", "vehicle-km", "vehicle-hours", "km/h", "moves", "units", "km"]
TRIPS = {
    "entered": "inserted",
    "finished": "finished",
    "waiting": "waiting",
    "running": "running",
    "removed": "removed",
}
"""Measure of trips, and its key in `vehicles` of a run's summary."""
SPEED, ROADS = "speed", "speed-of-roads"


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
        Of traffic a key of `TRIPS`, `driven`, `on-road`, `speed`, or `speed-of-roads`; of move-up
        `moves`, `movers`, `most-moves` or `driven-by-units`.
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


def traffic_differences(runs: _Pairs) -> list[RunDifference]:
    """Return the differences in traffic; nothing where a side moves none.

    Trips count from the start of the warm-up (`twin.traffic.figures.Counters`). What was driven is
    that of the period, by the `links` table: vehicle-kilometres, vehicle-hours on the roads (a trip
    that waits to enter is not there yet) and, as their quotient, the mean speed. The speed of the
    roads for which the city publishes one is that of the run's summary
    (`twin.metrics.road_speeds`).

    Parameters
    ----------
    runs
        One pair of runs (base, what-if) a replication. What a run of an earlier version does not
        know stands in no line.
    """
    return _differences(runs, _traffic)


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
    sides = [(figures(one), figures(two)) for one, two in runs]
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


def _traffic(reader: RunReader) -> _Figures:
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
    metres, seconds = _driven(
        reader.table("links", ["t", "vehicles", "speed_mps"]),
        reader.scenario.period.start_s,
        reader.scenario.record.links_every_s,
    )
    if seconds > 0.0:
        found["driven", "vehicle-km", None] = metres / 1000.0
        found["on-road", "vehicle-hours", None] = seconds / HOUR_S
        found[SPEED, "km/h", None] = metres / seconds / KMH
    for row in summary.get("speeds", []):
        if row["simulated_kmh"] is not None:
            roads = Roads(row["title_en"], row["title_ko"], row["from_h"], row["to_h"])
            found[ROADS, "km/h", roads] = float(row["simulated_kmh"])
    return found


def _driven(links: pd.DataFrame, start_s: float, every_s: float) -> tuple[float, float]:
    """Return vehicle-metres and vehicle-seconds of a `links` table.

    A row is the mean over the interval that ends at its `t`: `every_s`, or what was left of the
    period for the last one.
    """
    ends, number = np.unique(links["t"].to_numpy(np.float64), return_inverse=True)
    # An interval without vehicles has no rows, so the one after it seems longer than it was.
    lasts = np.minimum(np.diff(ends, prepend=start_s), every_s)
    seconds = links["vehicles"].to_numpy(np.float64) * lasts[number]
    return float(seconds @ links["speed_mps"].to_numpy(np.float64)), float(seconds.sum())


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
