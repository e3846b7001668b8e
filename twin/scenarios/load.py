"""Reads scenarios: TOML, a base and what changes it, settings from the command line.

Whatever is wrong comes out at once, a sentence each that names the file, the line, the field, and
the nearest legal word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from twin.core.errors import InputError
from twin.scenarios.mistakes import at_most, causes, explain
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
    unread: list[InputError] = []
    chain = chain_of(name_or_path, unread)
    return _validated(deepcopy(merge(chain)), overrides, options, chain, unread)


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
    unread: Sequence[InputError] = (),
) -> Scenario:
    """Return the scenario of merged fields; `unread` are bases whose fields are not among them."""
    alone, unread = bool(unread), list(unread)
    settings: dict[Location, str] = {}
    for option in options:
        place = tuple(option.field.split("."))
        put(merged, place, option.value)
        settings[place] = option.flag
    for setting in overrides:
        try:
            where, value = read_setting(setting, merged)
        except InputError as error:
            unread.append(error)
            continue
        put(merged, where, value)
        settings[where] = f"--set {setting}"
    try:
        scenario = Scenario.model_validate(merged)
    except ValidationError as error:
        # What is missing may be what a setting that cannot be read was to give.
        if unread and all(problem["type"] == "missing" for problem in causes(error)):
            raise at_most(unread) from error
        raise at_most([*unread, *explain(error, merged, chain, settings, alone=alone)]) from error
    if unread:
        raise at_most(unread)
    return scenario


def locate(name_or_path: str | Path, field: str) -> tuple[Path, int | None]:
    """Return the file and line in which a field of a scenario (`changes.2.street`) is set."""
    chain = chain_of(name_or_path)
    inner: Any = merge(chain)
    parts: list[str | int] = []
    for part in field.split("."):
        # A number counts elements of a list; a key may be a number too, as the id of a zone.
        step = int(part) - 1 if isinstance(inner, list) and part.isdigit() else part
        inside = isinstance(inner, dict) and step in inner
        inside |= isinstance(inner, list) and isinstance(step, int) and 0 <= step < len(inner)
        inner = inner[step] if inside else None
        parts.append(step)
    return find(chain, tuple(parts))
