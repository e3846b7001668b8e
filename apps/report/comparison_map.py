"""The map of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from apps.report.differences import changes_of_whatif, closed_links
from apps.report.html import Raw, section, tag
from apps.report.map import CLOSED, DIVERGING, FEW, Drawing, graded, legend
from apps.report.words import FEW_MARK, amount, clock, range_text, rests_on
from apps.rows import rows_of
from twin.city.model import City
from twin.metrics.compare import Difference
from twin.metrics.comparison import Comparison
from twin.metrics.pairing import Sides, pair_calls

LEAST_SCALE_S = 30.0
"""Differences are coloured on a scale of at least this many seconds, so that none looks large."""
MOVED_S = 30.0
"""Calls that were reached so much sooner or later are drawn."""
SOONER, LATER = DIVERGING[0], DIVERGING[-1]


def comparison_map(found: Comparison, city: City, runs: Sequence[Sides]) -> Raw:
    """Return the map of a comparison: districts by their difference, and calls that moved."""
    drawing = Drawing(city)
    rows = {row.value: row for row in found.rows if row.group == "district"}
    few = {name for name, row in rows.items() if row.few}
    apart = {name: row.difference for name, row in rows.items() if name not in few}
    most = max([LEAST_SCALE_S, *(abs(value) for value in apart.values())])
    drawing.districts(
        {**graded(apart, DIVERGING, -most, most), **dict.fromkeys(few, FEW)},
        lambda name: f"{name}: {_said(rows[name])}" if name in rows else name,
        [name for name, row in rows.items() if row.shown and name not in few],
    )
    _draw_moved(drawing, pd.concat([pair_calls(*pair) for pair in runs], ignore_index=True))
    _draw_one_sided(drawing, runs)
    there = drawing.places()
    marked = drawing.changed(changes_of_whatif(found.base, found.whatif))
    closed = closed_links(found.whatif, city)
    drawing.links(closed, "closed in the what-if")
    step = 2 * most / len(DIVERGING)
    return section(
        "Where it changes",
        drawing.svg("Map of the change in mean response by district"),
        legend(
            [
                *marked,
                ("dot", SOONER, f"a call reached {MOVED_S:.0f} s sooner or more"),
                ("dot", LATER, f"a call reached {MOVED_S:.0f} s later or more"),
                ("ring", SOONER, "a call reached only in the what-if"),
                ("ring", LATER, "a call reached only in the base"),
                *there,
                *([CLOSED] if len(closed) else []),
            ]
        ),
        legend(
            [
                ("box", colour, f"{-most + k * step:+.0f} to {-most + (k + 1) * step:+.0f} s")
                for k, colour in enumerate(DIVERGING)
            ]
            + [("box", FEW, f"{FEW_MARK} too few calls: see the tables")]
        ),
        tag(
            "p",
            "District colour: difference of the mean response over the calls reached in both runs "
            "(blue: faster than the base, red: slower); a dark edge where it is clear. White: no "
            "such call. Dots are calls of all replications; those that hardly moved are not drawn.",
            class_="note",
        ),
    )


def _draw_moved(drawing: Drawing, pairs: pd.DataFrame) -> None:
    """Draw the calls that were reached much sooner or later."""
    apart = pairs["whatif_s"] - pairs["base_s"]
    for chosen, colour in ((apart <= -MOVED_S, SOONER), (apart >= MOVED_S, LATER)):
        calls = pairs[chosen]
        titles = [
            f"{row.call_id}: {clock(row.base_s)} in the base, {clock(row.whatif_s)} in the what-if"
            for row in rows_of(calls)
        ]
        drawing.calls(
            calls["lon"].to_numpy(), calls["lat"].to_numpy(), titles, colour=colour, radius=4.5
        )


def _draw_one_sided(drawing: Drawing, runs: Sequence[Sides]) -> None:
    """Draw the calls that both sides had and only one reached."""
    key = ["call_id", "t_call"]
    for mine, other, colour, side in ((0, 1, LATER, "base"), (1, 0, SOONER, "what-if")):
        lost = [
            pair[mine].merge(pair[other].loc[pair[other]["response_s"].isna(), key], on=key)
            for pair in runs
        ]
        calls = pd.concat(lost, ignore_index=True).dropna(subset=["response_s"])
        titles = [f"{name}: reached only in the {side}" for name in calls["call_id"]]
        drawing.calls(
            calls["lon"].to_numpy(), calls["lat"].to_numpy(), titles,
            colour=colour, radius=5.0, shape="ring",
        )  # fmt: skip


def _said(row: Difference) -> str:
    if not row.changed:
        return f"no call changed, {rests_on(row)} calls"
    said = f"{amount(row, row.difference)} ({range_text(row)})"
    return f"{said}, {rests_on(row)} calls, {row.changed:,} changed"
