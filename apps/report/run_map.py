"""The map of a run."""

from __future__ import annotations

import math

import pandas as pd

from apps.report.differences import closed_links
from apps.report.html import Raw, section, tag
from apps.report.map import CLOSED, FEW, SEQUENTIAL, Drawing, graded, legend
from apps.report.words import FEW_MARK, TARGET_MIN, clock, count
from apps.rows import rows_of
from twin.city.model import City
from twin.core.clock import format_clock
from twin.metrics.summary import (
    FEW_CALLS,
    TARGET_S,
    decided,
    few_calls,
    not_reached,
    response_by,
)
from twin.scenarios.spec import Scenario

_LATE, _IN_TIME = "#b2182b", "#3d4754"
_SPARSE = 200
"""So few calls are drawn as larger dots: there is room, and each counts."""
_MOST = 10_000
"""So many calls are drawn at most; of a year's, one in a hundred would hide the next."""


def run_map(calls: pd.DataFrame, scenario: Scenario, city: City) -> Raw:
    """Return the map of a run: districts by their median response, and its calls."""
    drawing = Drawing(city)
    by = response_by(calls, "district", scenario.period.end_s)
    known = {name: row for name, row in by.items() if row["p50"] is not None}
    few = {name for name, row in known.items() if few_calls(int(row["n"] or 0))}
    median = {name: float(row["p50"] or 0.0) for name, row in known.items() if name not in few}
    low = min(median.values(), default=0.0)
    # A class spans a second at least, or two would read the same.
    high = max(max(median.values(), default=0.0), low + len(SEQUENTIAL))
    colours = graded(median, SEQUENTIAL, low, high)
    drawing.districts(
        {**colours, **dict.fromkeys(few, FEW)},
        lambda name: (
            f"{name}: median {clock(known[name]['p50'])} of {count(int(known[name]['n'] or 0))} "
            "calls reached"
            if name in known
            else f"{name}: no call reached"
        ),
    )
    each = math.ceil(len(calls) / _MOST) or 1
    marks = _draw_calls(drawing, calls.iloc[::each], scenario.period.end_s)
    there = drawing.places()
    marked = drawing.changed(scenario.changes)
    closed = closed_links(scenario, city)
    drawing.links(closed, "closed for some time")
    step = (high - low) / len(SEQUENTIAL)
    scale = [
        ("box", colour, f"{clock(low + k * step)} to {clock(low + (k + 1) * step)}")
        for k, colour in enumerate(SEQUENTIAL)
        if colour in colours.values()
    ]
    if few:
        scale.append(("box", FEW, f"{FEW_MARK} fewer than {FEW_CALLS} calls reached: no colour"))
    return section(
        "Where it happened",
        drawing.svg("Map of calls, stations, hospitals and median response by district"),
        legend([*marked, *marks, *there, *([CLOSED] if len(closed) else [])]),
        legend(scale) if scale else None,
        tag(
            "p",
            f"Each dot or ring is one call{f', and one in {each} is drawn' if each > 1 else ''}; "
            "cancelled ones are not drawn. District colour: median "
            "response of the calls reached, min:s. White: none was.",
            class_="note",
        ),
    )


def call_titles(calls: pd.DataFrame) -> list[str]:
    """Return what is shown over each call's mark."""
    return [
        f"{row.call_id}: {row.kind}, priority {row.priority}, {format_clock(row.t_call)}, "
        f"{'not reached' if pd.isna(row.response_s) else f'response {clock(row.response_s)}'}"
        for row in rows_of(calls)
    ]


def _draw_calls(drawing: Drawing, calls: pd.DataFrame, end_s: float) -> list[tuple[str, str, str]]:
    """Draw the calls that were not cancelled; return the entries of the legend."""
    asked = calls["fate"] != "cancelled"
    lost, counts = not_reached(calls), decided(calls, end_s)
    quick = calls["response_s"] <= TARGET_S
    size = 1.6 if asked.sum() < _SPARSE else 1.0
    entries = []
    for chosen, shape, colour, radius, said in (
        (asked & quick, "dot", _IN_TIME, 2.4 * size, f"call reached within {TARGET_MIN} min"),
        (asked & ~quick & ~lost, "dot", _LATE, 3.4 * size, f"call reached after {TARGET_MIN} min"),
        (lost & counts, "ring", _LATE, 4.5, f"still waiting at the end, over {TARGET_MIN} min"),
        (lost & ~counts, "ring", _IN_TIME, 4.5,
         f"still waiting at the end, {TARGET_MIN} min or less"),
    ):  # fmt: skip
        some = calls[chosen]
        drawing.calls(
            some["lon"].to_numpy(), some["lat"].to_numpy(), call_titles(some),
            colour=colour, radius=radius, shape=shape,
        )  # fmt: skip
        if len(some):
            entries.append((shape, colour, said))
    return entries
