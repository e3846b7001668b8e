"""What the reports and `twin score` say of standards, of units' hours and of fairness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from apps.report.charts import over_time
from apps.report.html import Raw, section, table, tag
from apps.report.map import SEQUENTIAL, Drawing, graded, legend
from apps.report.words import FEW_MARK, NO_RANGE, OUTSIDE, clock, count, counted, percent
from twin.city.model import City
from twin.core.clock import HOUR_S, format_clock
from twin.metrics.crews import crew_figures
from twin.metrics.standards import Score, Scorecard
from twin.metrics.summary import IN_TIME
from twin.metrics.units import coverage, kilometres, lost_at_hospital, move_ups, unit_hours
from twin.recording.reader import RunReader

STANDARD_COLUMNS = ("", "calls", "value", "asked for", "met")
_STATISTICS = {"mean": "mean", "p50": "median", "p90": "90th percentile", "p95": "95th percentile"}
OPEN_ENDED = (
    "An interval that had not ended when the run did counts as it stood then if it was over the "
    "limit, and not at all if it was under it."
)
SCORE_RANGE = (
    "In brackets the 95% interval over the replications; met is unclear where it holds values on "
    f"both sides of what is asked for. {NO_RANGE} in brackets: only one replication has such "
    "calls, or all have the same value."
)
"""What the brackets of a scorecard of several replications are."""


def standard_cells(score: Score) -> list[str]:
    """Return the cells of a line of a scorecard, in the order of `STANDARD_COLUMNS`."""
    met = "unclear" if score.unclear else {None: "-", True: "yes", False: "no"}[score.met]
    if score.few and met != "-":
        met = "too few calls"
    if score.statistic == "share":
        asked = "no share asked for" if score.share is None else f"at least {100 * score.share:g}%"
        value = percent(score.value)
        ends = None if score.low is None else (percent(score.low), percent(score.high))
    else:
        asked = f"{_STATISTICS[score.statistic]} {clock(score.seconds)} or less"
        value = clock(score.value)
        ends = None if score.low is None else (clock(score.low), clock(score.high))
    if ends is not None:
        value += f" ({ends[0]} to {ends[1]})"
    elif score.replications > 1 and score.n:
        value += f" ({NO_RANGE})"
    calls = f"{score.n:,}{f' {FEW_MARK}' if score.few else ''}" if score.n else "0"
    return [score.title["en"], calls, value, asked, met]


def standards_section(cards: Sequence[Scorecard]) -> Raw:
    """Return the scorecards of a run."""
    content: list[Raw] = []
    for card in cards:
        content += [
            tag("h3", card.title["en"]),
            table(STANDARD_COLUMNS, [standard_cells(score) for score in card.lines]),
            tag("p", f"{card.note['en']} " if card.note else "", card.source, ".", class_="note"),
        ]
    return section("By response standards", *content, tag("p", OPEN_ENDED, class_="note"))


def hours_section(by_hour: dict[str, dict[str, Any]], target_min: str) -> Raw | None:
    """Return response times by hour of the day; None where all calls came in one hour."""
    if len(by_hour) < 2:
        return None
    rows = [
        [f"{int(hour):02d}:00", count(int(row["n"])), clock(row["mean"]), clock(row["p50"]),
         clock(row["p90"]), percent(row[IN_TIME])]
        for hour, row in by_hour.items()
    ]  # fmt: skip
    columns = ["hour of the call", "reached", "mean, min:s", "median, min:s",
               "90th percentile, min:s", f"within {target_min} min"]  # fmt: skip
    return section("By hour of the day", table(columns, rows))


def hours_line(hours: dict[str, dict[str, Any]], lost: dict[str, Any]) -> str:
    """Return sentences on the hours of units and those lost at hospitals."""
    said = []
    for kind, row in hours.items():
        line = (
            f"{kind.capitalize()}s: {row['committed_h']:.1f} of {row['staffed_h']:.1f} staffed "
            f"hours on calls (unit-hour utilisation {percent(row['utilisation'])})"
        )
        if row["transports"]:
            line += (
                f", {row['transports']:,} patients taken to hospital "
                f"({row['transports_per_staffed_h'] or 0.0:.2f} a staffed hour)"
            )
        said.append(f"{line}.")
    if lost["stays"]:
        said.append(
            f"Lost at hospitals beyond {lost['standard_s'] / 60:g} min: {lost['hours']:.1f} h, in "
            f"{lost['over']:,} of {lost['stays']:,} stays."
        )
    return " ".join(said)


def crews_line(crews: dict[str, Any]) -> str:
    """Return sentences on overtime, meals and pauses; empty where there was none of it."""
    said = []
    if crews["with_overtime"]:
        said.append(
            f"Overtime: {crews['overtime_h']:.1f} h, of {crews['with_overtime']:,} of "
            f"{crews['crews']:,} crews."
        )
    if crews["breaks"] or crews["breaks_missed"]:
        said.append(f"Meal breaks: {crews['breaks']:,} had, {crews['breaks_missed']:,} missed.")
    paused = {
        "on breaks": crews["on_break_h"],
        "restocking": crews["restocking_h"],
        "off the road": crews["off_road_h"],
    }
    if any(paused.values()):
        hours = ", ".join(f"{hours:.1f} h {what}" for what, hours in paused.items() if hours)
        said.append(f"On duty and kept from calls: {hours}.")
    return " ".join(said)


def fairness_line(fairness: dict[str, Any]) -> str:
    """Return how alike the districts are served, in one sentence; empty where it is not known."""
    mean, share = fairness["mean_response"], fairness[IN_TIME]
    if mean["gini"] is None:
        return ""
    return (
        f"Mean response by district, of {fairness['districts']} with calls enough: from "
        f"{clock(mean['best']['s'])} ({mean['best']['district'] or OUTSIDE}) to "
        f"{clock(mean['worst']['s'])} ({mean['worst']['district'] or OUTSIDE}), "
        f"{mean['ratio']:.2f} times; Gini coefficient {mean['gini']:.3f} (0: all alike). In time: "
        f"from {percent(share['worst']['share'])} ({share['worst']['district']}) to "
        f"{percent(share['best']['share'])} ({share['best']['district']})."
    )


def kilometres_line(km: dict[str, float], every_s: float) -> str:
    """Return how far units drove, in one sentence; empty where none did."""
    total = sum(km.values())
    if total <= 0.0:
        return ""
    most = max(km, key=km.__getitem__)
    mean = total / len(km)
    a_unit = f"{mean:,.0f}" if mean >= 10.0 else f"{mean:.1f}"
    return (
        f"Driven: {total:,.0f} km, {a_unit} a unit; most by {most} ({km[most]:,.0f} km). By "
        f"straight lines between positions {every_s:g} s apart, so a little less than in "
        "truth."
    )


def moves_line(moves: dict[str, Any]) -> str:
    """Return how often free units were moved to other stations; empty where none was."""
    if not moves["made"]:
        return ""
    by = moves["by_unit"]
    most = max(by, key=by.__getitem__)
    return (
        f"Moved up to other stations: {counted(moves['made'], 'time')}, "
        f"{counted(len(by), 'unit')}; most often {most} ({counted(by[most], 'time')})."
    )


def cover_line(found: dict[str, dict[str, float]]) -> str:
    """Return the cover by each kind of unit in sentences; empty where it was not recorded."""
    return " ".join(
        f"Demand within reach of free {kind}s: {percent(row['mean_share'])} on average, least "
        f"{percent(row['least_share'])} at {format_clock(row['least_at_s'])}."
        for kind, row in found.items()
    )


def cover_section(reader: RunReader, city: City) -> Raw | None:
    """Return cover over time and by district; None where the run did not record it."""
    looks = reader.table("coverage")
    if looks.empty:
        return None
    points, found = reader.table("coverage_points"), coverage(looks)
    settings = reader.scenario.coverage
    content: list[Raw] = []
    for kind, group in looks.groupby("kind", sort=True):
        row = found[str(kind)]
        mine = points[points["kind"] == kind]
        hours = group["t"].to_numpy(np.float64) / HOUR_S
        content += [
            tag("h3", f"By {kind}s: {percent(row['mean_share'])} on average"),
            over_time(hours, 100.0 * group["share"].to_numpy(np.float64), "% of demand covered"),
            tag(
                "p",
                f"Least {percent(row['least_share'])}, at {format_clock(row['least_at_s'])}; "
                f"covered twice {percent(row['mean_twice'])}; expected to find a free unit, each "
                f"busy for {100 * settings.busy:g}% of its time, {percent(row['mean_expected'])}.",
                class_="note",
            ),
            *([_cover_map(mine, city, str(kind))] if mine["district"].ne("").any() else []),
        ]
    said = (
        f"Demand is covered by a free unit whose base is within {clock(settings.within_s)} of it "
        "on empty streets. District colour: share of the time in which its demand was covered."
    )
    return section("Cover", *content, tag("p", said, class_="note"))


def _cover_map(points: pd.DataFrame, city: City, kind: str) -> Raw:
    weighted = points.assign(covered=points["weight"] * points["share"]).groupby("district")
    sums = weighted[["covered", "weight"]].sum()
    share = {str(name): float(row["covered"] / row["weight"]) for name, row in sums.iterrows()}
    drawing = Drawing(city)
    # Dark is bad, as on the map of responses.
    late = {name: 1.0 - value for name, value in share.items()}
    low = min(late.values())
    # A class spans a tenth of a percent at least, or two would read the same.
    high = max(*late.values(), low + 0.001 * len(SEQUENTIAL))
    colours = graded(late, SEQUENTIAL, low, high)
    drawing.districts(
        colours,
        lambda name: f"{name}: {percent(share.get(name))} of the time",
    )
    there = drawing.places()
    ends = [max(end, 0.0) for end in np.linspace(1.0 - low, 1.0 - high, len(SEQUENTIAL) + 1)]
    scale = [
        ("box", colour, f"{percent(least)} to {percent(most)}")
        for colour, most, least in zip(SEQUENTIAL, ends, ends[1:], strict=False)
        if colour in colours.values()
    ]
    return tag("div", drawing.svg(f"Map of cover by {kind}s"), legend(there), legend(scale))


def sent_lines(sent: dict[str, Any]) -> list[str]:
    """Return how often a replay sent what was sent then, a sentence for each kind of call."""
    lines = []
    for kind, row in sent.items():
        said = (
            f"{kind.capitalize()}: a unit of the type that was sent then came to "
            f"{percent(row['same_type'])} of {row['calls']:,} calls"
        )
        if row["same_station"] is not None:
            said += (
                f", and to {percent(row['same_station'])} of {row['based']:,} from the same "
                f"station (by chance {percent(row['by_chance'])}); it was the very unit in "
                f"{percent(row['same_unit'])}"
            )
        if row["drive_s"] is not None:
            said += (
                f", and there that unit drove {clock(row['drive_then_s'])} then and "
                f"{clock(row['drive_s'])} here (median)"
            )
        lines.append(f"{said}.")
    return lines


def unit_notes(reader: RunReader, units: pd.DataFrame, period: tuple[float, float]) -> list[str]:
    """Return sentences on the hours, the hours lost and the kilometres of all units."""
    events = reader.table("unit_events", ["t", "unit_id", "kind", "state", "call_id"])
    frames = reader.table("unit_frames", ["t", "unit_id", "x", "y"])
    km = kilometres(frames, float(reader.meta["box"]["side_m"]))
    said = [
        hours_line(unit_hours(units), lost_at_hospital(events, *period)),
        crews_line(crew_figures(reader.table("crew_shifts"), events, *period)),
        kilometres_line(km, reader.scenario.record.frame_every_s),
        moves_line(move_ups(reader.table("moves", ["unit_id", "made"]))),
    ]
    return [line for line in said if line]
