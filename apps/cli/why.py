"""`twin why`: why the units of a call were sent, and why a unit waits where it does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich.table import Table

from apps.cli.common import AsJson, answers, end_with_json, load
from apps.rows import rows_of
from apps.stations import station_labels
from apps.web.texts import LANGUAGES, words
from apps.why import Decision, Words, losses, measure_of, told
from apps.why_moves import ToldMove, moves_told
from twin.agents.roster import roster
from twin.city.library import is_unbuilt
from twin.core.clock import format_clock
from twin.core.errors import InputError, did_you_mean
from twin.recording.comparison_folder import FILE
from twin.recording.reader import RunReader
from twin.scenarios.policy import named_rules

MOST = 5
"""So many of those that were weighed are printed without `--all`, the best first."""


_FORMS = {
    "seconds": ".1f", "metres": ".1f", "place": ".0f", "cover": ".2%",
    "beat": ".0f", "cover_lost": ".2%", "gain_s": ".1f",
}  # fmt: skip
"""How scores and what rules weigh are written; the others to four digits."""

CALL_COLUMNS = [
    *("call_id", "t_call", "kind", "priority", "district"),
    *("unit_id", "response_s"),
]


def why(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    call: Annotated[
        str | None,
        typer.Argument(
            metavar="CALL",
            help="The `call_id` of a call, or the `unit_id` of a unit moved up; "
            "the calls are listed if left out.",
        ),
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help=f"Show all who were weighed, not the best {MOST}.")
    ] = False,
    lang: Annotated[
        str, typer.Option("--lang", help=f"Language: {' or '.join(LANGUAGES)}.")
    ] = "en",
    as_json: AsJson = False,
) -> None:
    """List the calls of a run; of a call, say who could have gone, what the rule thought, who went.

    Of a unit, say where it was sent to wait, which stations were weighed, and why.
    """
    if lang not in LANGUAGES:
        raise InputError(
            f"{lang!r} is not spoken", field="--lang", hint=f"known: {', '.join(LANGUAGES)}"
        )
    if (run / FILE).is_file():
        raise InputError(
            "holds a comparison, which has many runs",
            file=run,
            hint=f"name one: {run / 'base-000'}, {run / 'whatif-000'}, ...",
        )
    reader = RunReader(run)
    say = words(lang)
    if call is None:
        _list_calls(reader.table("calls", CALL_COLUMNS), run, say, as_json=as_json)
        return
    decisions = reader.table("decisions")
    found = told(decisions, call, say, reader.scenario)
    if not found:
        moves = reader.table("moves")
        if call not in set(moves["unit_id"]):
            _tell_unmoved(reader, call, say, as_json=as_json)
            return
        labels, _ = _stations(reader, lang)
        _tell_moves(
            moves_told(moves, call, say, labels), call, say, labels, every=every, as_json=as_json
        )
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
    labels, homes = _stations(reader, lang)
    bases = {unit: labels.get(home, home) for unit, home in homes.items()}
    console = answers()
    for row in rows_of(reader.table("calls", CALL_COLUMNS).query("call_id == @call")):
        console.print(_head(row, say))
    for each in found:
        console.print(f"{format_clock(each.t)} {each.sentence}")
        _show(_table(each, say, bases, every=every), len(each.rows), say)
    for t, sentence in lost:
        console.print(f"{format_clock(t)} {sentence}")


def _stations(reader: RunReader, lang: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what stations are called and where units are based; nothing without the city."""
    scenario = reader.scenario
    if is_unbuilt(scenario.city):
        return {}, {}
    try:
        city = load(scenario.city, renew=False)
        units = roster(city, scenario.changes)
    except InputError:
        return {}, {}  # the run is told of though its city is not there or has been changed
    homes = dict(zip(units["unit_id"], units["station_id"], strict=True))
    return station_labels(city, scenario.changes, lang), homes


def _list_calls(calls: pd.DataFrame, run: Path, say: Words, *, as_json: bool) -> None:
    calls = calls.sort_values(["t_call", "call_id"])
    if as_json:
        end_with_json({"calls": _known(calls)})
        return
    heads = ("call", "time", "kind", "priority", "unit", "response")
    table = Table(*(say["why_table"][head] for head in heads))
    for row in rows_of(calls):
        clock, kind = format_clock(row.t_call), say["kind"].get(row.kind, row.kind)
        unit = _text(row.unit_id)
        table.add_row(row.call_id, clock, kind, str(row.priority), unit, _response(row, say))
    answers().print(table, say["why_table"]["pick"].format(run=run), sep="\n")


def _head(row: Any, say: Words) -> str:
    return str(
        say["why_table"]["head"].format(
            call=row.call_id,
            kind=say["kind"].get(row.kind, row.kind),
            priority=row.priority,
            district=_text(row.district),
            time=format_clock(row.t_call),
            response=_response(row, say),
        )
    )


def _response(row: Any, say: Words) -> str:
    return say["why_table"]["not_reached"] if np.isnan(row.response_s) else _short(row.response_s)


def _short(seconds: float) -> str:
    """Return seconds as minutes and seconds; a dash where there is no way, nothing if unknown."""
    if np.isnan(seconds):
        return ""
    if np.isinf(seconds):
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _number(value: float, form: str) -> str:
    """Return a score or what a rule weighs; a share in per cent."""
    if np.isnan(value):
        return ""
    return "-" if np.isinf(value) else f"{value:{form}}".removesuffix("%")


def _show(table: Table, n: int, say: Words) -> None:
    answers().print(table)
    if table.row_count < n:
        answers().print(say["why_table"]["shown"].format(shown=table.row_count, n=n))


def _tell_moves(
    moves: list[ToldMove],
    unit: str,
    say: Words,
    labels: Mapping[str, str],
    *,
    every: bool,
    as_json: bool,
) -> None:
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
        head = say["why_table"]
        table = Table(head["station"], head["drive"], say["why_score"]["own"], "")
        for row in rows_of(_best(each.rows, every=every)):
            # What stations are weighed by is a share, a drive, a place or a price, by the rule.
            score = "-" if np.isinf(row.score) else f"{row.score:.4g}"
            chosen = head["chosen"] if row.chosen else ""
            name = labels.get(row.station_id, row.station_id)
            table.add_row(name, _short(row.eta_s), score, chosen)
        console.print(f"{format_clock(each.t)} {each.sentence}")
        _show(table, len(each.rows), say)


def _tell_unmoved(reader: RunReader, unit: str, say: Words, *, as_json: bool) -> None:
    """Tell of a unit that was not moved up; refuse what is neither a unit of the run nor a call."""
    units = set(reader.table("unit_frames", ["unit_id"])["unit_id"])
    if unit not in units:
        raise _nothing(reader, unit, units)
    scenario, said = reader.scenario, say["why_moved"]
    rules = {name for _, role, name in named_rules(scenario) if role == "moveup"} - {"none"}
    form = said["never"] if rules else said["nobody"]
    parts = [form.format(unit=unit, policy=", ".join(sorted(rules)))]
    calls: list[str] | None = None
    if scenario.record.events:
        events = reader.table("unit_events", ["t", "unit_id", "call_id"]).sort_values("t")
        calls = events[events["unit_id"] == unit]["call_id"].dropna().unique().tolist()
        first = ", ".join([*calls[:MOST], *["..."] * (len(calls) > MOST)])
        form = said["calls"] if calls else said["no_calls"]
        parts.append(form.format(n=len(calls), calls=first, run=reader.folder))
    if as_json:
        end_with_json({"unit_id": unit, "moves": [], "calls": calls, "sentence": " ".join(parts)})
        return
    answers().print(" ".join(parts))


def _nothing(reader: RunReader, call: str, units: Collection[str]) -> InputError:
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
        hint=did_you_mean(call, [*calls, *sorted(units)])
        or f"`twin why {reader.folder}` lists its {len(calls)}",
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


def _best(rows: pd.DataFrame, *, every: bool) -> pd.DataFrame:
    """Return the best few, and whoever was chosen."""
    return rows if every else rows[(np.arange(len(rows)) < MOST) | rows["chosen"]]


def _table(
    decision: Decision, say: Words, bases: Mapping[str, str] | None = None, *, every: bool
) -> Table:
    terms = [term for term in decision.rows["term"].unique() if isinstance(term, str)]
    measure = measure_of(decision.rows)
    heads = ("unit", *["station"] * bool(bases), "doing", "on_call", "wait", "drive")
    table = Table(
        *(say["why_table"][head] for head in heads),
        say["why_score"][measure],
        *(say["why_term"].get(term, term) for term in terms),
        "",
    )
    for row in rows_of(_best(decision.rows, every=every)):
        doing = _text(row.doing)
        table.add_row(
            row.unit_id,
            *([bases.get(row.unit_id, "")] if bases else []),
            say["state"].get(doing, doing),
            _text(row.on_call),
            _short(row.wait_s),
            _short(row.eta_s),
            _number(row.score, _FORMS.get(measure, ".4g")),
            *(_number(row.value, _FORMS.get(t, ".4g")) if row.term == t else "" for t in terms),
            say["why_table"]["sent"] if row.chosen else _text(row.why),
        )
    return table


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
