"""Reads scenarios: TOML, a base and what changes it, settings from the command line.

Whatever is wrong comes out as one sentence that names the file, the line, the field, and the
nearest legal word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from twin.scenarios.mistakes import explain
from twin.scenarios.settings import Option, put, read_setting
from twin.scenarios.sources import Source, chain_of, find, merge
from twin.scenarios.spec import Scenario
from twin.scenarios.toml_lines import Location


def load_scenario(
    name_or_path: str | Path, overrides: Sequence[str] = (), options: Sequence[Option] = ()
) -> Scenario:
    """Return a complete scenario.

    Parameters
    ----------
    name_or_path
        A name in the catalogue, or a TOML file.
    overrides
        `FIELD=VALUE` settings on top, as in `traffic.demand_scale=1.2` or `changes.1.at=17:30`
        (changes count from 1).
    options
        Fields set by options of a command; `overrides` stand on top of them.

    Raises
    ------
    NotFoundError
        If there is no such scenario.
    InputError
        If a file, a field or a setting is wrong.
    """
    chain = chain_of(name_or_path)
    return _validated(deepcopy(merge(chain)), overrides, options, chain)


def from_fields(
    fields: Mapping[str, Any], overrides: Sequence[str] = (), options: Sequence[Option] = ()
) -> Scenario:
    """Return the scenario of fields that a command has put together, with settings on top.

    The parameters are those of `load_scenario`.

    Raises
    ------
    InputError
        If a field or a setting is wrong.
    """
    return _validated(deepcopy(dict(fields)), overrides, options, [])


def _validated(
    merged: dict[str, Any],
    overrides: Sequence[str],
    options: Sequence[Option],
    chain: Sequence[Source],
) -> Scenario:
    settings: dict[Location, str] = {}
    for option in options:
        place = tuple(option.field.split("."))
        put(merged, place, option.value)
        settings[place] = option.flag
    for setting in overrides:
        where, value = read_setting(setting, merged)
        put(merged, where, value)
        settings[where] = f"--set {setting}"
    try:
        return Scenario.model_validate(merged)
    except ValidationError as error:
        raise explain(error, merged, chain, settings) from error


def locate(name_or_path: str | Path, field: str) -> tuple[Path, int | None]:
    """Return the file and line in which a field of a scenario (`changes.2.street`) is set."""
    parts = tuple(int(part) - 1 if part.isdigit() else part for part in field.split("."))
    return find(chain_of(name_or_path), parts)
