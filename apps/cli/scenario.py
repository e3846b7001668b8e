"""`twin scenario`: what there is to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
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
    read_scenario,
)
from apps.cli.scenario_city import faults_in, placed
from twin.agents.policies import known as rules_of
from twin.agents.policies import policy_faults, rule_groups
from twin.city.library import is_unbuilt
from twin.city.toml_text import dump_toml
from twin.core.errors import InputError, did_you_mean, together
from twin.recording.meanings import MEANINGS, unit_of
from twin.recording.tables import RUN_TABLES
from twin.scenarios.declared import Group, groups
from twin.scenarios.load import load_scenario
from twin.scenarios.policy import ROLES
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
    every: Annotated[bool, typer.Option("--all", help="Show the defaults too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a scenario as TOML, its base filled in, and what of it cannot happen.

    City, period and what is not as by default; `--all` and `--json` show every field. Where
    something cannot happen, that alone is told; `--json` tells both.
    """
    wanted = read_scenario(scenario, settings, seed)
    wrong = [placed(fault, scenario, settings) for fault in _faults(wanted)]
    if as_json:
        content = wanted.model_dump(mode="json")
        end_with_json({**content, "faults": [str(fault) for fault in wrong]})
    if wrong:
        raise together(wrong)
    if not as_json:
        print(_as_toml(wanted, every=every), end="")


@app.command()
def fields(
    only: Annotated[
        str | None,
        typer.Argument(help="A table (traffic, chain, ...), a field, a rule or a kind of change."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List every field, rule and kind of change, with unit, range, default and meaning."""
    known = [_with_rules(group) for group in (*groups(), *rule_groups())]
    found = known if only is None else _matching(known, only)
    if not found:
        words = {w for g in known for w in (g.list, *g.keys, *(line.name for line in g.lines))}
        words |= {key.removeprefix("policy.parameters.") for g in known for key in g.keys}
        raise InputError(
            f"no table, field or kind of change is called {only!r}",
            hint=did_you_mean(only or "", sorted(words)) or "leave it out to list all",
        )
    if as_json:
        end_with_json({"groups": [{"heading": g.heading, **asdict(g)} for g in found]})
        return
    console = answers()
    for group in found:
        console.print(f"{group.heading}: {' '.join(group.meaning.split())}")
        table = Table("field", "type", "unit", "range", "default", "meaning")
        for line in group.lines:
            kind = line.type.replace("`", "")
            table.add_row(line.name, kind, line.unit, line.range, line.default, line.meaning)
        if group.lines:
            console.print(table)


@app.command()
def tables(
    only: Annotated[
        str | None, typer.Argument(help="A table of a run, as calls; all if left out.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the tables of a run, with columns, types, units and meanings."""
    if only is not None and only not in RUN_TABLES:
        raise InputError(
            f"a run has no table {only!r}",
            hint=did_you_mean(only, RUN_TABLES) or f"tables are {', '.join(RUN_TABLES)}",
        )
    wanted = RUN_TABLES if only is None else {only: RUN_TABLES[only]}
    said = {
        name: [
            {
                "column": column,
                "type": kind,
                "unit": unit_of(column),
                "meaning": MEANINGS[name][column],
            }
            for column, kind in columns.items()
        ]
        for name, columns in wanted.items()
    }
    if as_json:
        end_with_json({"tables": said})
        return
    console = answers()
    for name, rows in said.items():
        table = Table("column", "type", "unit", "meaning")
        for row in rows:
            table.add_row(*row.values())
        console.print(f"{name}:", table, sep="\n")
    console.print("Times are seconds since city midnight of the first day.")


def _with_rules(group: Group) -> Group:
    """Return the table `policy` with the names that are legal in each of its fields."""
    if group.list or group.keys != ("policy",):
        return group
    roles = ROLES
    lines = (
        replace(line, range=", ".join(rules_of(line.name))) if line.name in roles else line
        for line in group.lines
    )
    return replace(group, lines=tuple(lines))


def _matching(known: Sequence[Group], only: str) -> list[Group]:
    """Return the groups of a name; else those that have such a field, with this field alone."""
    named = [
        group
        for group in known
        if only == group.list
        or any(key == only or (not group.list and key.startswith(f"{only}.")) for key in group.keys)
        or f"policy.parameters.{only}" in group.keys
    ]
    table, _, field = only.rpartition(".")
    return named or [
        replace(group, lines=tuple(line for line in group.lines if line.name == field))
        for group in known
        if any(line.name == field for line in group.lines) and (not table or table in group.keys)
    ]


def _faults(scenario: Scenario) -> list[InputError]:
    """Return what a run of the scenario would be refused for, as far as its city is there."""
    wrong = list(policy_faults(scenario))
    if is_unbuilt(scenario.city):
        notes.print(
            f"The city {scenario.city} has not been built yet, so the places that the changes name "
            f"were not checked; `twin city build {scenario.city}` builds it."
        )
        return wrong
    city = load(scenario.city, renew=False)
    return [*wrong, *faults_in(scenario, city)]


def _as_toml(scenario: Scenario, *, every: bool) -> str:
    """Return the TOML that gives the scenario, without a base: whose fields are in it."""
    content = scenario.model_dump(mode="json", exclude_defaults=not every, exclude={"base"})
    city, period = scenario.city, scenario.period.model_dump(mode="json")
    # In the order of the declarations, however little is shown.
    fields = {**content, "city": city, "period": period}
    shown = {name: fields[name] for name in Scenario.model_fields if name in fields}
    unset: list[str] = []
    text = dump_toml(_without_none(shown, "", unset))
    if scenario.base is not None:
        text = f"# A what-if of {scenario.base}, whose fields and changes are in it.\n{text}"
    if unset:
        text += f"\n# Left out: {', '.join(unset)}.\n"
    if not every:
        text += "\n# All else is as by default; --all shows it, `twin scenario fields` says more.\n"
    return text


def _without_none(table: dict[str, Any], path: str, unset: list[str]) -> dict[str, Any]:
    """Return a table without what is `None`, which TOML does not have; those go into `unset`."""
    kept: dict[str, Any] = {}
    for name, value in table.items():
        if value is None:
            unset.append(f"{path}{name}")
        elif isinstance(value, dict):
            kept[name] = _without_none(value, f"{path}{name}.", unset)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            kept[name] = [{k: v for k, v in each.items() if v is not None} for each in value]
        else:
            kept[name] = value
    return kept
