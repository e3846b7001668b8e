"""What a comparison says of traffic and of what move-up costs, in tables and in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from apps.report.html import Raw, section, table, tag
from apps.report.words import NO_RANGE, reading, signed, signed_whole, verdict_of
from twin.core.clock import DAY_S, format_clock
from twin.metrics.compare import DECIMALS, Difference
from twin.metrics.run_differences import PREEMPTIONS, ROADS, SPEED, RunDifference
from twin.scenarios.spec import Period

COLUMNS = ("base", "what-if", "difference", "95% interval", "result")
NAMES = {
    "entered": "trips that entered the roads",
    "finished": "trips finished",
    "waiting": "trips waiting to enter at the end",
    "running": "trips on the road at the end",
    "removed": "trips removed, their goal closed",
    "without-route": "trips that found no open road",
    "trip-time": "mean time of a trip, s",
    "entry-wait": "of this, wait to enter, s",
    "driven": "driven, vehicle-km",
    "on-road": "time on the roads, vehicle-hours",
    "lost": "of this, more than at free flow, vehicle-hours",
    SPEED: "mean speed of all roads, km/h",
    PREEMPTIONS: "signals held for units under siren, times",
    "moves": "moves to other stations",
    "movers": "units moved at least once",
    "most-moves": "most moves of one unit",
    "driven-by-units": "driven by all units, km",
}
READ = ("finished", SPEED)
"""Measures of which the sentence tells. No others: of a dozen lines chance alone would often make
one look clear."""
TRAFFIC_NOTE = (
    "Means of the replications, of one run each. Trips and signals held are counted from the start "
    "of the warm-up; "
    "what was driven, the time on the roads and the speeds are those of the period. Trips that "
    "wait to enter are not on the roads: their time is in no speed. Mean time of a trip: from when "
    "it wants to set out to its goal, of the trips that reached their goal in the period; those "
    "that did not are in no mean, so where fewer finish the others may look quicker. More than at "
    "free flow: beyond what the same links take at their free-flow speeds; drivers who like to "
    "drive faster gain there. Mean speed of all roads: "
    "distance over time of all vehicles. Speed of roads for which the city publishes one: their "
    "length over the time that driving each of them once takes, so roads that stand still weigh "
    "much."
)
MOVES_NOTE = (
    "Means of the replications, of one run each, in the period. Driven: by straight lines between "
    "recorded positions, so a little less than in truth."
)
_NO_CALL = "No call was reached in both runs of a replication: nothing to compare of responses."


def describe_figure(row: RunDifference) -> str:
    """Return what a line is about, with its unit."""
    if row.measure != ROADS or row.roads is None:
        return NAMES[row.measure]
    roads = row.roads
    return f"speed of {roads.title_en} (the run: {roads.from_h:g} to {roads.to_h:g} h), km/h"


def run_cells(row: RunDifference) -> list[str]:
    """Return both sides, what lies between them, and what that says; see `COLUMNS`."""
    alone = row.measure not in READ
    result = verdict_of(row.low, same=row.same, clear=row.shown, alone=alone)
    ends = _range(row)
    return [
        f"{row.base:,.{DECIMALS}f}",
        f"{row.whatif:,.{DECIMALS}f}",
        f"{signed(row.difference)} {row.unit}",
        NO_RANGE if ends is None or row.same else f"{ends[0]} to {ends[1]} {row.unit}",
        result,
    ]


def comparison_reading(
    headline: Difference | None, traffic: Sequence[RunDifference], period: Period
) -> str:
    """Return what a comparison shows: of responses, and of traffic where that differs clearly."""
    first = _NO_CALL if headline is None else reading(headline)
    return " ".join(each for each in (first, traffic_reading(traffic, period)) if each)


def counted_since(period: Period) -> str | None:
    """Return the clock time from which trips are counted; None where the period begins then."""
    if not period.warm_up_min:
        return None
    return format_clock(period.begin_s % DAY_S).removesuffix(":00")


def traffic_reading(rows: Sequence[RunDifference], period: Period) -> str:
    """Return one sentence on the traffic (`READ`) that differs clearly; empty where none does."""
    since = counted_since(period)
    said = []
    for row in rows:
        if row.measure not in READ or not row.shown or row.low is None or row.high is None:
            continue
        less = row.difference < 0
        if row.measure == SPEED:
            shown = [signed(value) for value in (row.difference, row.low, row.high)]
        else:
            shown = signed_whole(row.difference, row.low, row.high)
        much, *ends = (value.lstrip("+-") for value in shown)
        low, high = sorted(ends, key=_number)
        if row.measure == SPEED:
            what = f"the mean speed of all roads is {much} km/h {'lower' if less else 'higher'}"
        else:
            what = f"{much} {'fewer' if less else 'more'} trips finish"
            what += "" if since is None else f" since the start of the warm-up at {since}"
        said.append(f"{what} (95% interval {low} to {high})")
    return f"Traffic differs clearly: {', and '.join(said)}." if said else ""


def _range(row: RunDifference) -> tuple[str, str] | None:
    return None if row.low is None or row.high is None else (signed(row.low), signed(row.high))


def _number(shown: str) -> float:
    return float(shown.replace(",", ""))


def traffic_section(rows: Sequence[RunDifference]) -> Raw | None:
    """Return the differences in traffic; None where a side moves none."""
    return _section("Differences in traffic", rows, TRAFFIC_NOTE)


def moves_section(rows: Sequence[RunDifference]) -> Raw | None:
    """Return what move-up costs; None where neither side has a rule of it."""
    return _section("What move-up costs", rows, MOVES_NOTE)


def _section(title: str, rows: Sequence[RunDifference], note: str) -> Raw | None:
    if not rows:
        return None
    return section(
        title,
        table(["in a run", *COLUMNS], [[describe_figure(row), *run_cells(row)] for row in rows]),
        tag("p", note, class_="note"),
    )
