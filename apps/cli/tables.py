"""The tables that the verbs print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from apps.report.words import (
    INTERVAL_NAMES,
    amount,
    clock,
    count,
    describe,
    group_name,
    p90_mark,
    range_text,
    verdict,
)
from twin.metrics.compare import Difference


def run_tables(summary: dict[str, Any]) -> list[Table | str]:
    """Return the figures of a run."""
    response = summary["response"]
    head = (
        f"{summary['scenario']} in {summary['city']}"
        f"{' (synthesised city)' if summary['synthesised'] else ''}: {summary['calls']} calls, "
        f"{summary['closed']} closed, {summary['open']} still open at the end."
    )
    by = Table("Response time", "calls", "mean", "median", "90th", title="Call to first on scene")
    by.add_row("all", *_figures(response))
    for group in ("priority", "kind"):
        for value, figures in response[f"by_{group}"].items():
            by.add_row(group_name(group, value), *_figures(figures))
    chain = Table(
        "Interval", "observed median", "90th", "n", "simulated median", "90th", "n",
        title="Medical calls, each interval",
    )  # fmt: skip
    for name, row in summary["intervals"].items():
        cells = []
        for side in ("observed", "simulated"):
            figures = row[side] or {"p50": None, "p90": None, "n": 0}
            cells += [clock(figures["p50"]), clock(figures["p90"]), str(figures["n"])]
        chain.add_row(INTERVAL_NAMES.get(name, name), *cells)
    vehicles = summary["vehicles"]
    foot = (
        f"{vehicles['inserted']:,} vehicles entered, {vehicles['finished']:,} arrived, "
        f"{vehicles['removed']:,} removed; {vehicles['detoured']:,} detours, "
        f"{vehicles['cleared_red']:,} left a junction on red; "
        f"{summary['real_time_factor']:.1f} times real time, {summary['peak_rss_mb']:.0f} MB."
    )
    return [head, by, chain, foot]


def comparison_table(rows: Sequence[Difference], title: str) -> Table:
    """Return the differences with their intervals."""
    table = Table(
        "Response time of", "base", "what-if", "difference", "95% interval", "calls in both",
        "reading", title=title,
    )  # fmt: skip
    for row in rows:
        table.add_row(
            describe(row),
            amount(row, row.base),
            amount(row, row.whatif),
            amount(row, row.difference, sign=True),
            range_text(row),
            count(row.calls) + (p90_mark(row.calls) if row.statistic == "p90" else ""),
            verdict(row),
        )
    return table


def _figures(figures: dict[str, Any]) -> list[str]:
    n = figures["n"]
    p90 = clock(figures["p90"]) + (p90_mark(n) if n else "")
    return [count(n), clock(figures["mean"]), clock(figures["p50"]), p90]
