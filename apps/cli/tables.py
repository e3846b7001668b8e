"""The tables that the verbs print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from apps.report.buses import bus_sentence
from apps.report.care import outcome_sentences
from apps.report.run_differences import COLUMNS, describe_figure, run_cells
from apps.report.stored import Buses
from apps.report.street_differences import STREET_COLUMNS, street_cells, street_name
from apps.report.words import (
    INTERVAL_NAMES,
    SMALL_NUMBERS,
    amount,
    clock,
    count,
    describe,
    figure,
    group_name,
    no_hospital_sentence,
    p90_mark,
    preemption_sentence,
    range_text,
    rests_on,
    speed_cells,
    unasked_sentence,
    verdict,
    without_unchanged,
)
from twin.metrics.compare import Difference
from twin.metrics.run_differences import RunDifference
from twin.metrics.street_differences import StreetDifferences

STREETS_EACH_WAY = 3
"""Streets that gained and that lost most; the report and the JSON have more."""


def run_tables(summary: dict[str, Any]) -> list[Table | str]:
    """Return the figures of a run."""
    response = summary["response"]
    lost = summary["not_reached"]
    head = (
        f"{summary['scenario']} in {summary['city']}"
        f"{' (synthesised city)' if summary['synthesised'] else ''}: {summary['calls']} calls, "
        f"{summary['closed']} closed, {summary['open'] - lost} not yet closed (crew still busy), "
        f"{lost} not reached by the end."
    )
    by = Table(
        "Response time", "calls", "mean, min:s", "median, min:s", "90th, min:s",
        title="Call to first on scene",
    )  # fmt: skip
    by.add_row("all", *_figures(response))
    for group in ("priority", "kind"):
        for value, figures in response[f"by_{group}"].items():
            by.add_row(group_name(group, value), *_figures(figures))
    observed = any(
        row["observed"] and row["observed"]["n"] for row in summary["intervals"].values()
    )
    sides = ("observed", "simulated") if observed else ("simulated",)
    columns = [
        column
        for side in sides
        for column in (f"{side} median, min:s", f"{side} 90th, min:s", "calls")
    ]
    chain = Table("Interval", *columns, title="Medical calls, each interval")
    for name, row in summary["intervals"].items():
        cells = []
        for side in sides:
            figures = row[side] or {"p50": None, "p90": None, "n": 0}
            n = figures["n"]
            cells += [clock(figures["p50"]), clock(figures["p90"]) + (p90_mark(n) if n else "")]
            cells.append(count(n))
        chain.add_row(INTERVAL_NAMES.get(name, name), *cells)
    vehicles = summary["vehicles"]
    foot = f"{summary['real_time_factor']:.1f} times real time, {summary['peak_rss_mb']:.0f} MB."
    if any(vehicles.values()):
        foot = (
            f"{vehicles['inserted']:,} vehicles entered, {vehicles['finished']:,} arrived, "
            f"{vehicles['removed']:,} removed, {vehicles['without_route']:,} found no open road; "
            f"{vehicles['detoured']:,} detours, "
            f"{vehicles['cleared_red']:,} left a junction on red, "
            f"{vehicles['turned_on_red']:,} turned right on red; {foot}"
        )
    buses = summary.get("buses")
    lines = outcome_sentences(summary)
    lines += [] if buses is None else [bus_sentence(Buses.model_validate(buses))]
    if held := preemption_sentence(summary.get("preemptions")):
        lines.append(held)
    lines += [unasked_sentence(order) for order in summary.get("unasked_orders", [])]
    if stranded := no_hospital_sentence(summary.get("without_hospital", {})):
        lines.append(stranded)
    return [head, by, chain, *_speeds(summary["speeds"]), *lines, foot, SMALL_NUMBERS]


def _speeds(rows: Sequence[dict[str, Any]]) -> list[Table | str]:
    """Return the speeds that the run covers beside the published ones; nothing without any."""
    table = Table(
        "Speed of", "published, km/h", "simulated, km/h", "apart", "hours of the run",
        title="Beside what the city publishes",
    )  # fmt: skip
    for row in rows:
        if row["simulated_kmh"] is not None:
            table.add_row(row["title_en"], *speed_cells(row))
    return [table] if table.row_count else []


def standard_differences(rows: Sequence[Difference], title: str) -> Table:
    """Return the differences on the lines of a standard."""
    table = Table(
        "", "base", "what-if", "difference", "95% interval", "calls", "changed", "result",
        title=title,
    )  # fmt: skip
    for row in rows:
        table.add_row(row.value, *_cells(row))
    return table


def comparison_table(rows: Sequence[Difference], title: str) -> Table:
    """Return the differences with their intervals; districts without any stand in one line."""
    table = Table(
        "Response time of", "base, min:s (s)", "what-if, min:s (s)", "difference", "95% interval",
        "calls", "changed", "result", title=title,
    )  # fmt: skip
    kept, unchanged = without_unchanged(rows)
    for row in kept:
        table.add_row(describe(row), *_cells(row))
    table.caption = unchanged or None
    return table


def chain_table(rows: Sequence[Difference]) -> Table:
    """Return the differences in the other intervals of the chain."""
    table = Table(
        "Mean time from", "base, min:s (s)", "what-if, min:s (s)", "difference", "95% interval",
        "calls", "changed", "result", title="Medical calls, each interval",
    )  # fmt: skip
    for row in rows:
        table.add_row(describe(row), *_cells(row))
    return table


def run_differences_table(rows: Sequence[RunDifference], title: str) -> Table:
    """Return the differences in figures of whole runs."""
    table = Table("In a run", *COLUMNS, title=title)
    for row in rows:
        table.add_row(describe_figure(row), *run_cells(row))
    return table


def streets_table(found: StreetDifferences) -> Table:
    """Return the flow of the streets that gained and lost most, `STREETS_EACH_WAY` of each."""
    table = Table("Street", *STREET_COLUMNS[:5], title="Streets that gain and lose traffic")
    for row in [*found.gained[:STREETS_EACH_WAY], *found.lost[:STREETS_EACH_WAY]]:
        table.add_row(street_name(row), *street_cells(row)[:5])
    return table


def _cells(row: Difference) -> list[str]:
    """Return both sides, what lies between them, on what it rests, and what it says."""
    return [
        figure(row, row.base),
        figure(row, row.whatif),
        amount(row, row.difference),
        range_text(row),
        rests_on(row),
        f"{row.changed:,}",
        verdict(row),
    ]


def _figures(figures: dict[str, Any]) -> list[str]:
    n = figures["n"]
    p90 = clock(figures["p90"]) + (p90_mark(n) if n else "")
    return [count(n), clock(figures["mean"]), clock(figures["p50"]), p90]
