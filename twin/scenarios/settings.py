"""Settings from the command line: an option of a command, and `--set FIELD=VALUE`."""

from __future__ import annotations

import tomllib
import types
from typing import Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from twin.core.errors import InputError, nearest
from twin.scenarios.parts import RuleParameters
from twin.scenarios.places import LISTS, REPLACED, choices, dotted
from twin.scenarios.spec import Scenario
from twin.scenarios.toml_lines import Location


class Option(NamedTuple):
    """A field that an option of a command sets, as `--seed` does; `flag` names it in messages."""

    flag: str
    field: str
    value: Any


def read_setting(setting: str, merged: dict[str, Any]) -> tuple[Location, Any]:
    """Return where a `FIELD=VALUE` goes and its value, as its type in the schema is written."""
    name, equals, text = setting.partition("=")
    if not equals or not name.strip():
        raise InputError(f"{setting!r} is not FIELD=VALUE", field="--set")
    where: Location = ()
    model: type[BaseModel] | None = Scenario
    kind: Any = Scenario
    parts = name.strip().split(".")
    for number, part in enumerate(parts):
        if kind == RuleParameters:
            # The name of a rule of one's own has dots when its module is in a package.
            place = (*where, ".".join(parts[number:-1]), parts[-1])
            if not place[-2]:
                raise InputError(
                    f"'{name.strip()}' is no parameter of a rule",
                    field="--set",
                    hint=f"write {dotted(where)}.RULE.PARAMETER=VALUE",
                )
            return place, _parameter(text.strip())
        if where in LISTS:
            kind = model = _element_at(part, where, merged, name)
            where = (*where, int(part) - 1)
            continue
        if where and where[0] in REPLACED:
            where, kind, model = (*where, part), str, None
            continue
        if model is None or part not in model.model_fields:
            meant = _meant(model, where, parts[number:])
            raise InputError(
                f"there is no field '{name.strip()}'",
                field="--set",
                hint=f"did you mean '{dotted(meant)}'?"
                if meant
                else choices(model.model_fields if model else ()),
            )
        kind = model.model_fields[part].annotation
        model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        where = (*where, part)
    if model is not None:
        raise InputError(
            f"'{name.strip()}' is a group of fields; set one of them",
            field="--set",
            hint=choices(model.model_fields),
        )
    return where, _typed(text.strip(), kind, setting)


def _meant(model: type[BaseModel] | None, where: Location, parts: list[str]) -> Location:
    """Return the place that was meant by `parts` behind `where`; empty where nothing is near.

    Parts are put right one by one, as far as the schema knows what follows.
    """
    kind: Any = model
    for number, part in enumerate(parts):
        if model is None:
            rest = kind == RuleParameters or where in LISTS or where[0] in REPLACED
            return (*where, *parts[number:]) if rest else where if number else ()
        near = part if part in model.model_fields else nearest(part, model.model_fields)
        if near is None:
            return where if number else ()
        where, kind = (*where, near), model.model_fields[near].annotation
        model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return where


def _element_at(part: str, where: Location, merged: dict[str, Any], name: str) -> type[BaseModel]:
    """Return the model of one table of a list, by its kind."""
    noun, kinds = LISTS[where]
    found: Any = merged
    for key in where:
        found = found.get(key, {}) if isinstance(found, dict) else {}
    if not part.isdigit() or not isinstance(found, list) or not 1 <= int(part) <= len(found):
        raise InputError(
            f"'{name}' names no {noun} of this scenario, which has {len(found)}", field="--set"
        )
    element = found[int(part) - 1]
    kind = element.get("kind") if isinstance(element, dict) else None
    if kind not in kinds:
        raise InputError(f"{noun} {part} has no legal kind", field="--set")
    return kinds[kind]


def _typed(text: str, kind: Any, setting: str) -> Any:
    """Read a value as TOML where the schema wants a list or a table; pydantic reads the rest."""
    members = get_args(kind) if get_origin(kind) in {Union, types.UnionType} else (kind,)
    if str in members or not any(get_origin(m) in {list, dict} for m in members):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"the value of {setting!r} is not a TOML list or table", field="--set"
        ) from error


def _parameter(text: str) -> Any:
    """Read a value of which the rule alone knows the type: as TOML, else as it stands."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def put(fields: dict[str, Any], where: Location, value: Any) -> None:
    """Set the value of a place, making the tables on the way."""
    inner: Any = fields
    for part in where[:-1]:
        inner = inner.setdefault(part, {}) if isinstance(inner, dict) else inner[part]
        if not isinstance(inner, dict | list):
            return  # the file has something else here, which validation will name
    inner[where[-1]] = value
