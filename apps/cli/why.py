"""`twin why`: why the units of a call were sent, and why a unit waits where it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich.table import Table

from apps.cli.common import AsJson, answers, end_with_json
from apps.rows import rows_of
from apps.web.texts import LANGUAGES, words
from apps.why import Decision, losses, told
from apps.why_moves import ToldMove, moves_told
from twin.core.clock import format_clock
from twin.core.errors import InputError, did_you_mean
from twin.recording.reader import RunReader

MOST_STATIONS = 5
"""So many of the stations that were weighed are printed, the best first."""


def why(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    call: Annotated[
        str,
        typer.Argument(
            metavar="CALL", help="The `call_id` of a call, or the `unit_id` of a unit moved up."
        ),
    ],
    *,
    lang: Annotated[
        str, typer.Option("--lang", help=f"Language: {' or '.join(LANGUAGES)}.")
    ] = "en",
    as_json: AsJson = False,
) -> None:
    """Say of each decision on a call who could have gone, what the rule thought, and who went.

    Of a unit, say where it was sent to wait, which stations were weighed, and why.
    """
    if lang not in LANGUAGES:
        raise InputError(
            f"{lang!r} is not spoken", field="--lang", hint=f"known: {', '.join(LANGUAGES)}"
        )
    reader = RunReader(run)
    decisions = reader.table("decisions")
    say = words(lang)
    found = told(decisions, call, say)
    if not found:
        moves = moves_told(reader.table("moves"), call, say)
        if not moves:
            raise _nothing(reader, call)
        _tell_moves(moves, call, as_json=as_json)
        return
    lost = losses(decisions, call, say)
    if as_json:
        end_with_json(
            {
                "call_id": call,
                "decisions": [_plain(each) for each in found],
                "lost": [{"t": t, "sentence": sentence} for t, sentence in lost],
            }
        )
        return
    console = answers()
    for each in found:
        console.print(f"{format_clock(each.t)} {each.sentence}", _table(each), sep="\n")
    for t, sentence in lost:
        console.print(f"{format_clock(t)} {sentence}")


def _tell_moves(moves: list[ToldMove], unit: str, *, as_json: bool) -> None:
    if as_json:
        told = [
            {"t": each.t, "made": each.made, "sentence": each.sentence,
             "stations": _known(each.rows.drop(columns=["t", "unit_id"]))}
            for each in moves
        ]  # fmt: skip
        end_with_json({"unit_id": unit, "moves": told})
        return
    console = answers()
    for each in moves:
        table = Table("station", "drive, s", "score", "")
        for row in rows_of(each.rows.head(MOST_STATIONS)):
            cells = ("-" if np.isinf(x) else f"{x:.6g}" for x in (row.eta_s, row.score))
            table.add_row(row.station_id, *cells, "chosen" if row.chosen else "")
        console.print(f"{format_clock(each.t)} {each.sentence}", table, sep="\n")


def _nothing(reader: RunReader, call: str) -> InputError:
    if not reader.scenario.record.decisions:
        return InputError(
            "the run kept no decisions",
            file=reader.folder,
            hint="run it with --set record.decisions=true",
        )
    calls = reader.table("calls", ["call_id"])["call_id"].tolist()
    if call in calls:
        return InputError(f"no unit was sought for call {call!r}", file=reader.folder)
    return InputError(
        f"the run has no call {call!r}",
        file=reader.folder,
        hint=did_you_mean(call, calls) or f"it has {len(calls)}; `calls.parquet` lists them",
    )


def _plain(decision: Decision) -> dict[str, Any]:
    rows = decision.rows.drop(columns=["t", "call_id", "role"])
    return {
        "t": decision.t,
        "role": decision.role,
        "sent": decision.sent,
        "sentence": decision.sentence,
        "candidates": _known(rows),
    }


def _known(rows: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return rows for JSON, which has no number that is none or infinite."""
    rows = rows.replace([np.inf, -np.inf], np.nan).astype(object)
    return rows.where(rows.notna(), None).to_dict("records")


def _table(decision: Decision) -> Table:
    term = next((row.term for row in rows_of(decision.rows) if isinstance(row.term, str)), "")
    terms = [term] * bool(term)
    table = Table("unit", "doing", "on call", "sets out in, s", "drive, s", "score", *terms, "")
    for row in rows_of(decision.rows):
        cells = (row.wait_s, row.eta_s, row.score)
        table.add_row(
            row.unit_id,
            _text(row.doing),
            _text(row.on_call),
            *("" if np.isnan(x) else "-" if np.isinf(x) else f"{x:.6g}" for x in cells),
            *("" if np.isnan(row.value) else f"{row.value:.4g}" for _ in terms),
            "sent" if row.chosen else _text(row.why),
        )
    return table


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
