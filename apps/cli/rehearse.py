"""`twin rehearse`: choices of people in the place of rules, and their after-action review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.table import Table

from apps.cli.common import (
    AsJson,
    Seed,
    Setting,
    answers,
    end_with_json,
    notes,
    out_option,
    read_scenario,
)
from apps.cli.scenario_city import city_for
from twin.core.clock import format_clock
from twin.core.errors import InputError
from twin.rehearsal import Choices, Rehearsal
from twin.review import Review


def rehearse(
    scenario: Annotated[str, typer.Argument(help="A name in the catalogue, or a TOML file.")],
    *,
    choices: Annotated[
        Path,
        typer.Option(
            "--choices",
            help="CSV, or JSON list of objects, with seat, call_id, role, chosen; a decision for "
            "which there is none is left to the rule.",
        ),
    ],
    rules: Annotated[
        list[str] | None,
        typer.Option("--rule", help="A rule to be set beside; may be given again. Else all."),
    ] = None,
    runs: Annotated[
        bool, typer.Option("--runs/--no-runs", help="Run the same calls under each rule too.")
    ] = True,
    settings: Setting = None,
    seed: Seed = None,
    out: Annotated[Path | None, out_option("runs/SCENARIO-rehearsal if left out")] = None,
    as_json: AsJson = False,
) -> None:
    """Play a file of choices and write what each rule would have done."""
    wanted = read_scenario(scenario, settings, seed)
    made = Choices(_read(choices), choices)
    city = city_for(scenario, wanted, settings)
    rehearsal = Rehearsal(wanted, made.seats, city=city, rules=rules)
    rehearsal.finish(made.of)
    made.check_all_made()
    review = rehearsal.review(runs=runs)
    folder = out or Path("runs") / f"{wanted.name}-rehearsal"
    content = review.as_dict()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        rehearsal.choices().to_csv(folder / "choices.csv", index=False)
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
        (folder / "review.json").write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"cannot be written to ({error.strerror})", file=folder) from error
    notes.print(f"The review is {folder / 'review.json'}, with all choices in choices.csv.")
    if as_json:
        end_with_json(content)
    else:
        answers().print(_decisions(review), _runs(review), sep="\n")


def _read(file: Path) -> pd.DataFrame:
    try:
        if file.suffix.lower() == ".json":
            rows = json.loads(file.read_text("utf-8"))
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise InputError("is not a list of objects", file=file)
            return pd.DataFrame(rows)
        return pd.read_csv(file, dtype=str, keep_default_na=False)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=file) from error
    except ValueError as error:
        raise InputError(f"is not a table of choices: {error}", file=file) from error


def _decisions(review: Review) -> Table:
    table = Table(
        "time", "seat", "call", "chosen", "by rule", "later, s", "more cover lost", "chosen by",
        title="What was decided",
    )  # fmt: skip
    for each in review.taken:
        decision = each.decision
        table.add_row(
            format_clock(decision.t),
            decision.seat,
            f"{decision.call_id} {decision.role}".strip(),
            each.choice,
            decision.by_rule or "wait",
            "" if each.later_s is None else f"{each.later_s:.0f}",
            "" if each.cover_more is None else f"{each.cover_more:.1%}",
            ", ".join(each.agree) or "no rule",
        )
    return table


def _runs(review: Review) -> Table:
    table = Table(
        "decided by", "calls", "reached", "queued", "mean, s", "median, s", "90th, s",
        title="Response times of the same calls",
    )  # fmt: skip
    for run in review.runs:
        times = (run.mean_s, run.p50_s, run.p90_s)
        counts = (run.calls, run.reached, run.queued)
        cells = ["-" if time is None else f"{time:.0f}" for time in times]
        table.add_row(run.name, *map(str, counts), *cells)
    return table
