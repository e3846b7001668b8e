"""`twin scenario`: what there is to run."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Column, Table

from apps.cli.common import (
    AsJson,
    Seed,
    Setting,
    answers,
    end_with_json,
    load,
    notes,
    placed,
    read_scenario,
)
from twin.agents.policies import check_policies
from twin.city.library import BUILT_IN, BY_RECIPE, known_names
from twin.core.errors import InputError
from twin.scenarios.changes import faults
from twin.scenarios.load import load_scenario
from twin.scenarios.sensing import detector_faults
from twin.scenarios.sources import catalogue
from twin.scenarios.spec import Scenario

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
    """Show every field of a scenario, its base and defaults filled in, and what cannot happen."""
    wanted = read_scenario(scenario, settings, seed)
    wrong = [placed(fault, scenario, settings) for fault in _faults(wanted)]
    content = wanted.model_dump(mode="json")
    if as_json:
        end_with_json({**content, "faults": [str(fault) for fault in wrong]})
    else:
        _print(content)
    for fault in wrong[:-1]:
        notes.print(fault)
    if wrong:
        raise wrong[-1]


def _faults(scenario: Scenario) -> list[InputError]:
    """Return what a run of the scenario would be refused for, as far as its city is there."""
    wrong: list[InputError] = []
    try:
        check_policies(scenario)
    except InputError as error:
        wrong.append(error)
    if scenario.city in {*BUILT_IN, *BY_RECIPE} - set(known_names()):
        notes.print(
            f"The city {scenario.city} has not been built yet, so the places that the changes name "
            f"were not checked; `twin city build {scenario.city}` builds it."
        )
        return wrong
    city = load(scenario.city, renew=False)
    return [*wrong, *faults(scenario, city), *detector_faults(scenario, city.network)]


def _print(content: dict[str, Any]) -> None:
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
