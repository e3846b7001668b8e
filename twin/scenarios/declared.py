"""The fields of a scenario as they are declared, for the reference page and the command line."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from inspect import cleandoc
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as at
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from twin.scenarios import spec
from twin.scenarios.care import CallType, Plan
from twin.scenarios.change_kinds import Change
from twin.scenarios.detectors import Detector
from twin.scenarios.places import LISTS

_WORDS: dict[Any, str] = {at.Ge: ">= {ge}", at.Gt: "> {gt}", at.Le: "<= {le}", at.Lt: "< {lt}"}
_UNITS = {
    "_s": "s",
    "_min": "min",
    "_m": "m",
    "_mps": "m/s",
    "_kmh": "km/h",
    "_veh_h": "cars/h",
    "lon": "degrees",
    "lat": "degrees",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One field: name, type, unit, range, default and meaning in words; empty where none."""

    name: str
    type: str
    unit: str
    range: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand together.

    Attributes
    ----------
    list
        Such as `changes` or `record.detectors` for a kind of these, else empty.
    keys
        Tables that have these fields, as `traffic.siren`; the kind in a list; empty at top level.
    meaning
        What it is.
    lines
        The fields.
    """

    list: str
    keys: tuple[str, ...]
    meaning: str
    lines: tuple[Line, ...]

    @property
    def heading(self) -> str:
        """How the table is written in a file."""
        if self.list:
            return f'[[{self.list}]] kind = "{self.keys[0]}"'
        return ", ".join(f"[{key}]" for key in self.keys) or "top level"


def groups() -> list[Group]:
    """Return every group of fields: the top level, tables, kinds of detector, kinds of change."""
    found = [Group("", (), "What stands before the first table.", lines_of(spec.Scenario))]
    for key, field in spec.Scenario.model_fields.items():
        if isinstance(part := field.default, BaseModel):
            model = type(part)
            found.append(Group("", (key,), cleandoc(model.__doc__ or ""), lines_of(model)))
            found += _inner(key, model)
    for where in reversed(LISTS):
        for kind, listed in LISTS[where][1].items():
            said = cleandoc(listed.__doc__ or "")
            found.append(Group(".".join(map(str, where)), (kind,), said, lines_of(listed)))
    return found


def _inner(key: str, model: type[BaseModel]) -> Iterator[Group]:
    """Yield the tables within one; those with the same fields are one group."""
    by_model: dict[type[BaseModel], list[str]] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            by_model.setdefault(type(field.default), []).append(f"{key}.{name}")
    for inner, keys in by_model.items():
        yield Group("", tuple(keys), cleandoc(inner.__doc__ or ""), lines_of(inner))
        yield from _inner(keys[0], inner)


def lines_of(model: type[BaseModel]) -> tuple[Line, ...]:
    """Return the fields of a table."""
    return tuple(_line(n, f) for n, f in model.model_fields.items() if n != "kind")


def _line(name: str, field: FieldInfo) -> Line:
    unit = next((u for end, u in _UNITS.items() if name.endswith(end)), "")
    default = field.default
    said = "table" if isinstance(default, BaseModel) else str(default)
    if isinstance(default, bool):
        said = str(default).lower()
    return Line(
        name=name,
        type=_type(field.annotation),
        unit=unit,
        range=_range(field),
        default="required" if field.is_required() else "none" if default is None else said,
        meaning=field.description or "",
    )


def _type(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type(get_args(annotation)[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (types.UnionType, Union):
        return " or ".join(_type(a) for a in get_args(annotation) if a is not type(None))
    if origin is list:
        inner = get_args(annotation)[0]
        return (
            "list of tables"
            if inner in (Change, Detector, Plan, CallType)
            else f"list of {_type(inner)}"
        )
    if origin is tuple:
        return f"pair of {_type(get_args(annotation)[0])}"
    if origin is dict:
        value = get_args(annotation)[1]
        inner = {str: "text", list: "lists"}.get(get_origin(value) or value, "tables")
        return f"table of {inner}"
    if annotation is date:
        return "date"
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true/false"}.get(
        getattr(annotation, "__name__", str(annotation)), getattr(annotation, "__name__", "")
    )


def _range(field: FieldInfo) -> str:
    parts = []
    for item in field.metadata:
        for kind, words in _WORDS.items():
            if isinstance(item, kind):
                parts.append(words.format(**{k: getattr(item, k) for k in kind.__slots__}))
    return ", ".join(parts)
