"""`twin score`: how a run, or both sides of a comparison, do by response standards."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.table import Table

from apps.cli.common import AsJson, answers, end_with_json
from apps.cli.tables import standard_differences
from apps.report.service import (
    OPEN_ENDED,
    SCORE_RANGE,
    STANDARD_COLUMNS,
    cover_line,
    fairness_line,
    hours_line,
    kilometres_line,
    moves_line,
    standard_cells,
)
from apps.report.words import (
    CHANGED_INTERVALS,
    CLEAR,
    NO_INTERVAL,
    OUTSIDE,
    SMALL_NUMBERS,
    SMALL_NUMBERS_OF_SEVERAL,
    clock,
    count,
    percent,
)
from twin.core.clock import format_clock
from twin.core.errors import InputError, did_you_mean
from twin.metrics.comparison import read_comparison
from twin.metrics.intervals import GroupFigures, intervals_by
from twin.metrics.standards import NAMES, Scorecard, differences, load_standard, scorecard
from twin.metrics.summary import GROUPS, TARGET_S, fairness
from twin.metrics.survivors import survivors
from twin.metrics.units import (
    coverage,
    kilometres,
    lost_at_hospital,
    move_ups,
    unit_hours,
    utilisation,
)
from twin.metrics.warm_up import settled_from
from twin.recording.comparison_folder import FILE
from twin.recording.reader import RunReader

MSER5 = "mser-5"


def score(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run or comparison folder.")],
    *,
    standard: Annotated[
        list[str] | None,
        typer.Option(
            "--standard",
            help=f"One of {', '.join(NAMES)}, or a TOML file; may be given again. All if left out.",
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            help=f"Also every interval by {', '.join(GROUPS)} of a run; may be given again.",
        ),
    ] = None,
    target: Annotated[
        float,
        typer.Option("--target", min=0.0, help="Seconds of a response in time, for --by."),
    ] = TARGET_S,
    warm_up: Annotated[
        str,
        typer.Option(
            "--warm-up",
            help="Minutes to leave out at the beginning, or mser-5: what that rule (White 1997) "
            "finds in the response times.",
        ),
    ] = "0",
    as_json: AsJson = False,
) -> None:
    """Print how the calls of a run do by standards, and how its units spent their time."""
    asked = [load_standard(name) for name in standard or NAMES]
    if wrong := [name for name in by or [] if name not in GROUPS]:
        hint = did_you_mean(wrong[0], GROUPS) or f"choose of {', '.join(GROUPS)}"
        raise InputError(f"calls are not told apart by '{wrong[0]}'", field="--by", hint=hint)
    if (folder / FILE).is_file():
        if by:
            raise InputError("is for one run, not a comparison", field="--by", hint="name a run")
        found = read_comparison(folder)
        sides = {side: [RunReader(run) for run in found.runs(side)] for side in ("base", "whatif")}
    else:
        sides = {"run": [_finished(RunReader(folder))]}
    content: dict[str, Any] = {"folder": str(folder), "warm_up": warm_up}
    console = answers()
    period = next(iter(sides.values()))[0].scenario.period
    start_s, end_s = period.start_s, period.end_s
    tables_of = {side: [one.table("calls") for one in readers] for side, readers in sides.items()}
    from_s = max(
        _first_counted(warm_up, calls, start_s, end_s)
        for runs in tables_of.values()
        for calls in runs
    )
    for side, readers in sides.items():
        runs = tables_of[side]
        cards = [scorecard(one, runs, end_s, from_s=from_s) for one in asked]
        figures: dict[str, Any] = {
            "scenario": readers[0].scenario.name,
            "replications": len(readers),
            "calls": sum(int((calls["t_call"] >= from_s).sum()) for calls in runs),
            "from_s": from_s,
            "end_s": end_s,
            "standards": [card.as_dict() for card in cards],
        }
        lines: list[str] = []
        tables = [_table(card) for card in cards]
        if len(readers) == 1:
            counted = runs[0][runs[0]["t_call"] >= from_s]
            walks = readers[0].scenario.chain.walks
            groups = {
                name: intervals_by(counted, GROUPS[name], end_s, target, walks=walks)
                for name in by or []
            }
            if groups:
                figures["by"] = groups
                figures["target_s"] = target
                tables += [_group_table(name, rows, target) for name, rows in groups.items()]
            figures |= _of_one_run(readers[0], runs[0], from_s, end_s)
            every_s = readers[0].scenario.record.frame_every_s
            lines = [
                hours_line(figures["unit_hours"], figures["lost_at_hospital"]),
                fairness_line(figures["fairness"]),
                kilometres_line(figures["km"], every_s),
                cover_line(figures["coverage"]),
                moves_line(figures["move_ups"]),
            ]
        if len(sides) == 1:
            content |= figures
        else:
            content[side] = figures
        if not as_json:
            console.print(_heading(figures), *tables, *filter(None, lines), sep="\n")
    pairs = list(zip(*tables_of.values(), strict=True)) if len(sides) > 1 else []
    apart = {one.name: differences(one, pairs, end_s, from_s=from_s) for one in asked if pairs}
    if as_json:
        if pairs:
            content["differences"] = {n: [row.as_dict() for row in r] for n, r in apart.items()}
        end_with_json(content)
        return
    for one in asked:
        if rows := apart.get(one.name):
            console.print(standard_differences(rows, f"{one.title.en}: what-if minus base"))
    notes = [OPEN_ENDED, SMALL_NUMBERS]
    if pairs:
        notes = [SCORE_RANGE, CLEAR, NO_INTERVAL, OPEN_ENDED]
        notes += [SMALL_NUMBERS_OF_SEVERAL, CHANGED_INTERVALS]
    console.print(*notes, sep="\n")


def _finished(reader: RunReader) -> RunReader:
    if reader.status != "finished":
        raise InputError(f"the run has not finished: it is {reader.status}", file=reader.folder)
    return reader


def _first_counted(warm_up: str, calls: pd.DataFrame, start_s: float, end_s: float) -> float:
    """Return the second from which on calls count."""
    if warm_up == MSER5:
        found = settled_from(calls, start_s)
        if found is None:
            raise InputError(
                "the run is too short for the rule to tell where its beginning ends",
                field="--warm-up",
                hint="name minutes",
            )
        return found
    try:
        minutes = float(warm_up)
    except ValueError:
        minutes = math.nan
    if not 0.0 <= 60.0 * minutes < end_s - start_s:
        raise InputError(
            f"{warm_up!r} is no such time",
            field="--warm-up",
            hint=f"write {MSER5}, or minutes of the run, which has {(end_s - start_s) / 60:g}",
        )
    return start_s + 60.0 * minutes


def _of_one_run(
    reader: RunReader, calls: pd.DataFrame, from_s: float, end_s: float
) -> dict[str, Any]:
    """Return what is counted of the units and districts of one run."""
    events = reader.table("unit_events", ["t", "unit_id", "kind", "state", "call_id"])
    frames, looks = (
        reader.table("unit_frames", ["t", "unit_id", "x", "y"]),
        reader.table("coverage"),
    )
    return {
        "unit_hours": unit_hours(utilisation(events, from_s, end_s)),
        "lost_at_hospital": lost_at_hospital(events, from_s, end_s),
        "fairness": fairness(calls[calls["t_call"] >= from_s], end_s),
        "coverage": coverage(looks[looks["t"] >= from_s]),
        "survivors": survivors(reader.table("patients", ["condition", "survival"])),
        "move_ups": move_ups(reader.table("moves", ["unit_id", "made"])),
        "km": kilometres(frames[frames["t"] >= from_s], float(reader.meta["box"]["side_m"])),
    }


def _heading(figures: dict[str, Any]) -> str:
    n = figures["replications"]
    return (
        f"{figures['scenario']}: {figures['calls']:,} calls from {format_clock(figures['from_s'])} "
        f"to {format_clock(figures['end_s'])}{f', {n} replications' if n > 1 else ''}."
    )


def _table(card: Scorecard) -> Table:
    found = Table(*STANDARD_COLUMNS, title=card.title["en"])
    for line in card.lines:
        found.add_row(*standard_cells(line))
    found.caption = None if card.note is None else card.note["en"]
    return found


def _group_table(name: str, rows: dict[str, GroupFigures], target_s: float) -> Table:
    """Return the response times by a group; `--json` has the other intervals."""
    found = Table(
        name, "calls", "mean", "median", "90th percentile", "95th percentile",
        f"within {clock(target_s)}", title=f"Response by {name}, min:s",
    )  # fmt: skip
    for value, row in rows.items():
        response = row["intervals"]["response"]
        found.add_row(
            value or OUTSIDE,
            count(row["calls"]),
            *[clock(response[what]) for what in ("mean", "p50", "p90", "p95")],
            percent(row["share_within_target"]),
        )
    return found
