"""What `twin replay` prints of a branch: how the day was reproduced, and what went otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table

from apps.cli.common import answers, notes
from apps.report.words import INTERVAL_NAMES
from twin.core.clock import format_clock

MOST_CALLS = 30
"""So many calls are printed, those that differ the most first."""


def show(content: dict[str, Any], pairs: pd.DataFrame) -> None:
    """Print how the day was reproduced, and what the branch changes.

    Parameters
    ----------
    content
        What `branch.json` holds.
    pairs
        The calls of both, side by side (`twin.metrics.branch.paired`).
    """
    console = answers()
    for line in _reproduced_lines(content):
        console.print(line)
    apart = content["reproduced"]["intervals"]
    if any(row["n"] for row in apart.values()):
        console.print(_intervals(apart))
    console.print(*_after_lines(content), sep="\n")
    rows = pairs[_changed(pairs)]
    rows = rows.reindex(rows["response_s"].abs().sort_values(ascending=False, kind="stable").index)
    if len(rows):
        console.print(_calls(rows.head(MOST_CALLS)))
    if len(rows) > MOST_CALLS:
        console.print(f"{len(rows) - MOST_CALLS} more calls differ; branch.csv has all.")
    notes.print(f"The branch is in {content['folder']}: branch.json, branch.csv, report.html.")


def _reproduced_lines(content: dict[str, Any]) -> Iterator[str]:
    done, rule, before = content["reproduced"], content["reproduced"]["rule"], content["before"]
    yield f"Before {content['at']}: {done['calls']} calls to which a unit was sent."
    if done["recorded"]:
        busy = done["recorded"] - done["same"] - done["unknown"]
        yield (
            f"The record names the unit of {done['recorded']}: {done['same']} "
            f"({done['same_unit_share']:.1%}) were reached by that very unit, {busy} by another, "
            f"{done['unknown']} had one that the city does not have."
        )
    if rule["decisions"]:
        yield (
            f"Left to itself, the rule would have sent the recorded unit in {rule['same']} of "
            f"{rule['decisions']} choices ({rule['share']:.1%})."
        )
    same = "the same bits" if before["equal"] else "NOT the same"
    yield f"Up to {content['at']} day and branch are {same} ({before['rows']:,} rows compared)."


def _intervals(apart: dict[str, Any]) -> Table:
    table = Table(
        "Interval", "calls", "recorded, s", "replayed, s", "difference, s", "apart, median",
        "apart, 90th", title="Medical calls before the branch, call by call",
    )  # fmt: skip
    for name, row in apart.items():
        if not row["n"]:
            continue
        cells = (row[k] for k in ("observed", "simulated", "difference", "p50_apart", "p90_apart"))
        table.add_row(
            INTERVAL_NAMES.get(name, name),
            str(row["n"]),
            *("-" if cell is None else f"{cell:.1f}" for cell in cells),
        )
    return table


def _after_lines(content: dict[str, Any]) -> Iterator[str]:
    after = content["after"]
    yield (
        f"From {content['at']} on {after['calls']} calls had no unit on scene yet: "
        f"{after['changed']} went otherwise in the branch ({after['other_unit']} with another "
        f"unit, {after['other_hospital']} to another hospital)."
    )
    if after["both_reached"]:
        yield (
            f"Response, branch less day, over the {after['both_reached']} calls that both reached: "
            f"{after['sum_s']:+.0f} s in sum, {after['mean_s']:+.1f} s a call; {after['sooner']} "
            f"sooner, {after['later']} later. To hospital: {after['to_hospital_sum_s']:+.0f} s in "
            f"sum over {after['to_hospital_n']} patients."
        )
    yield f"Reached in one only: {after['only_day']} day, {after['only_branch']} branch."
    day, other = (after[side]["share_within_target"] for side in ("day", "branch"))
    if day is not None and other is not None:
        yield f"Within {after['target_s']:.0f} s: {day:.1%} in the day, {other:.1%} in the branch."


def _calls(rows: pd.DataFrame) -> Table:
    table = Table(
        "call", "came", "unit, day", "branch", "response, s, day", "branch", "difference",
        "hospital, day", "branch", "to hospital, s", title="Calls that differ",
    )  # fmt: skip
    for row in rows.to_dict("records"):
        table.add_row(
            str(row["call_id"]),
            format_clock(row["t_call"]),
            *(_text(row[f"{side}_unit_id"]) for side in ("day", "branch")),
            *(_seconds(row[f"{side}_response_s"]) for side in ("day", "branch")),
            _seconds(row["response_s"], "+"),
            *(_text(row[f"{side}_hospital_id"]) for side in ("day", "branch")),
            _seconds(row["to_hospital_s"], "+"),
        )
    return table


def _changed(pairs: pd.DataFrame) -> pd.Series[bool]:
    found = pd.Series(data=False, index=pairs.index)
    for name in ("unit_id", "hospital_id"):
        found |= pairs[f"day_{name}"].fillna("") != pairs[f"branch_{name}"].fillna("")
    for name in ("response_s", "to_hospital_s"):
        found |= pairs[name].fillna(0.0) != 0.0
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else "-"


def _seconds(value: float, sign: str = "") -> str:
    return "-" if np.isnan(value) else f"{value:{sign}.0f}"
