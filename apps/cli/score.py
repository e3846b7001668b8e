"""`twin score`: how a run, or both sides of a comparison, do by response standards."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.table import Table

from apps.cli.common import AsJson, answers, end_with_json
from apps.report.service import (
    OPEN_ENDED,
    STANDARD_COLUMNS,
    cover_line,
    fairness_line,
    hours_line,
    kilometres_line,
    moves_line,
    standard_cells,
)
from apps.report.words import SMALL_NUMBERS
from twin.core.clock import format_clock
from twin.core.errors import InputError
from twin.metrics.comparison import FILE, read_comparison
from twin.metrics.standards import NAMES, Scorecard, load_standard, scorecard
from twin.metrics.summary import fairness
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
    if (folder / FILE).is_file():
        found = read_comparison(folder)
        sides = {side: [RunReader(run) for run in found.runs(side)] for side in ("base", "whatif")}
    else:
        sides = {"run": [_finished(RunReader(folder))]}
    content: dict[str, Any] = {"folder": str(folder), "warm_up": warm_up}
    console = answers()
    for side, readers in sides.items():
        start_s, end_s = readers[0].scenario.period.start_s, readers[0].scenario.period.end_s
        runs = [reader.table("calls") for reader in readers]
        from_s = max(_first_counted(warm_up, calls, start_s, end_s) for calls in runs)
        cards = [scorecard(one, runs, end_s, from_s=from_s) for one in asked]
        figures: dict[str, Any] = {
            "scenario": readers[0].scenario.name,
            "replications": len(readers),
            "calls": sum(int((calls["t_call"] >= from_s).sum()) for calls in runs),
            "from_s": from_s,
            "end_s": end_s,
            "standards": [card.as_dict() for card in cards],
        }
        lines = []
        if len(readers) == 1:
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
            console.print(_heading(figures), *map(_table, cards), *filter(None, lines), sep="\n")
    if as_json:
        end_with_json(content)
    else:
        console.print(OPEN_ENDED, SMALL_NUMBERS, sep="\n")


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
