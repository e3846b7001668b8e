"""The report of a what-if beside its base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from apps.report.charts import ecdf, forest
from apps.report.html import Raw, key_figures, page, section, table, tag, write_page
from apps.report.map import DIVERGING, Drawing, graded, legend
from apps.report.parts import again, assumed, changes, head
from apps.report.run import closed_links
from apps.report.words import amount, clock, describe, range_text, reading
from twin.city.model import City
from twin.experiment import Comparison
from twin.metrics.compare import Difference, pair_calls
from twin.metrics.summary import TARGET_S
from twin.recording.reader import RunReader

LEAST_SCALE_S = 30.0
"""Differences are coloured on a scale of at least this many seconds, so that none looks large."""


def write_comparison_report(
    found: Comparison, city: City, target: Path, command: Sequence[str]
) -> Path:
    """Write the report of a comparison and return its file.

    Raises
    ------
    InputError
        If a run is damaged or the file cannot be written.
    """
    return write_page(target, comparison_page(found, city, command))


def comparison_page(found: Comparison, city: City, command: Sequence[str]) -> str:
    """Return the report of a comparison as one HTML document."""
    base, whatif = found.base, found.whatif
    title = whatif.title.get("en", whatif.name)
    facts = [f"against {base.title.get('en', base.name)}", f"{found.replications} replications"]
    pairs = [
        pair_calls(RunReader(one).table("calls"), RunReader(two).table("calls"))
        for one, two in zip(found.runs("base"), found.runs("whatif"), strict=True)
    ]
    first = RunReader(found.runs("whatif")[0])
    return page(
        title,
        head(title, whatif, city, facts),
        *_answer(found.rows),
        section("What changes", changes(whatif) or tag("p", "Nothing but settings.")),
        _table(found.rows),
        _map(found, city, pairs),
        section(
            "Response times, all replications together",
            ecdf(
                [
                    (name, np.concatenate([p[column].to_numpy(np.float64) for p in pairs]))
                    for name, column in (("base", "base_s"), ("what-if", "whatif_s"))
                ],
                TARGET_S,
            ),
        ),
        _runs(found, pairs),
        assumed(whatif, city),
        again(first.meta, command),
    )


def _answer(rows: Sequence[Difference]) -> list[Raw]:
    if not rows:
        return [tag("p", "No call was answered in both runs of a replication.", class_="reading")]
    overall = rows[0]
    return [
        tag("p", reading(overall), class_="reading"),
        key_figures(
            [
                (clock(overall.base), "mean response, base"),
                (clock(overall.whatif), "mean response, what-if"),
                (amount(overall, overall.difference, sign=True), "mean difference"),
                (range_text(overall), "95% interval"),
                (f"{overall.calls:,}", "pairs of the same call"),
            ]
        ),
    ]


def _table(rows: Sequence[Difference]) -> Raw:
    lines = [
        [
            describe(row), amount(row, row.base), amount(row, row.whatif),
            amount(row, row.difference, sign=True), range_text(row),
            "yes" if row.shown else "no", f"{row.calls:,}", str(row.replications),
            "n/a" if row.correlation is None else f"{row.correlation:.3f}",
            "n/a" if row.variance_reduction is None else f"{row.variance_reduction:.1f} times",
        ]
        for row in rows
    ]  # fmt: skip
    return section(
        "Differences in response time",
        forest(rows) if rows else None,
        table(
            ["", "base", "what-if", "difference", "95% interval", "shown", "calls",
             "pairs", "correlation", "pairing gains"],
            lines,
        ),
        tag(
            "p",
            "Each replication runs both scenarios with the same calls, durations and trips; its "
            "difference is taken over the calls that a unit reached in both. Intervals are "
            "Student's t over the replications. A difference is shown when its interval leaves "
            "zero out; of twenty groups without any difference, one will seem to have one. "
            "“Pairing gains”: how many times more replications would be needed without pairing.",
            class_="note",
        ),
    )  # fmt: skip


def _map(found: Comparison, city: City, pairs: Sequence[pd.DataFrame]) -> Raw:
    drawing = Drawing(city)
    rows = {row.value: row for row in found.rows if row.group == "district"}
    most = max([LEAST_SCALE_S, *(abs(row.difference) for row in rows.values())])
    drawing.districts(
        graded({name: row.difference for name, row in rows.items()}, DIVERGING, -most, most),
        lambda name: f"{name}: {_said(rows[name])}" if name in rows else name,
        [name for name, row in rows.items() if row.shown],
    )
    every = pd.concat(list(pairs), ignore_index=True)
    moved = every[(every["whatif_s"] - every["base_s"]).abs() >= 30.0]
    apart = moved["whatif_s"] - moved["base_s"]
    for chosen, colour in ((apart < 0, DIVERGING[0]), (apart > 0, DIVERGING[-1])):
        calls = moved[chosen]
        titles = [
            f"{row.call_id}: {clock(row.base_s)} in the base, {clock(row.whatif_s)} in the what-if"
            for row in calls.itertuples()
        ]
        drawing.calls(
            calls["lon"].to_numpy(), calls["lat"].to_numpy(), titles, colour=colour, radius=2.6
        )
    drawing.places()
    drawing.links(closed_links(found.whatif, city), "closed in the what-if")
    step = 2 * most / len(DIVERGING)
    return section(
        "Where it changes",
        drawing.svg("Map of the change in mean response by district"),
        legend(
            [
                (colour, f"{-most + k * step:+.0f} to {-most + (k + 1) * step:+.0f} s")
                for k, colour in enumerate(DIVERGING)
            ]
        ),
        tag(
            "p",
            "District colour: difference of the mean response; a dark edge where its interval "
            "leaves zero out. Dots: calls reached at least 30 s sooner (blue) or later (red).",
            class_="note",
        ),
    )


def _said(row: Difference) -> str:
    return f"{amount(row, row.difference, sign=True)} ({range_text(row)})"


def _runs(found: Comparison, pairs: Sequence[pd.DataFrame]) -> Raw:
    lines = []
    for number, pair in enumerate(pairs):
        if not len(pair):
            lines.append([f"replication {number}", "0", "-", "-", "-"])
            continue
        base, whatif = float(pair["base_s"].mean()), float(pair["whatif_s"].mean())
        lines.append(
            [
                f"replication {number}", f"{len(pair):,}", f"{base:.1f} s", f"{whatif:.1f} s",
                f"{whatif - base:+.1f} s",
            ]
        )  # fmt: skip
    return section(
        "Each replication",
        table(["", "calls in both", "mean, base", "mean, what-if", "difference"], lines),
        tag("p", f"The runs are in {found.folder}.", class_="note"),
    )
