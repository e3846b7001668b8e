"""`twin scenario`: what there is to run."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Column, Table

from apps.cli.common import AsJson, Seed, Setting, answers, end_with_json, read_scenario
from twin.scenarios.load import catalogue, load_scenario

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_scenarios(*, as_json: AsJson = False) -> None:
    """List the scenarios that come with Twin."""
    found = {name: load_scenario(name) for name in catalogue()}
    if as_json:
        shown = {"name", "base", "city", "title", "question"}
        end_with_json(
            {"scenarios": [s.model_dump(mode="json", include=shown) for s in found.values()]}
        )
        return
    table = Table(Column("scenario", no_wrap=True), "city", "what-if of", "what it asks")
    for name, scenario in found.items():
        table.add_row(name, scenario.city, scenario.base or "", scenario.question.get("en", ""))
    answers().print(table)


@app.command()
def show(
    scenario: Annotated[str, typer.Argument(help="A name in the catalogue, or a TOML file.")],
    *,
    settings: Setting = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Show every field of a scenario, its base and defaults filled in."""
    wanted = read_scenario(scenario, settings, seed)
    content = wanted.model_dump(mode="json")
    if as_json:
        end_with_json(content)
        return
    table = Table("field", "value")
    for field, value in content.items():
        if isinstance(value, dict):
            for name, inner in value.items():
                table.add_row(f"{field}.{name}", str(inner))
        elif field == "changes":
            for number, change in enumerate(value, start=1):
                said = ", ".join(f"{k} = {v}" for k, v in change.items() if v not in (None, []))
                table.add_row(f"changes.{number}", said)
        else:
            table.add_row(field, "" if value is None else str(value))
    answers().print(table)
