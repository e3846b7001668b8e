"""Reference pages written from the declarations themselves, so that they cannot disagree."""

from __future__ import annotations

import types
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as at
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from twin.recording.tables import MEANINGS, RUN_TABLES
from twin.scenarios import spec
from twin.scenarios.chain import Chain
from twin.scenarios.change_kinds import Change
from twin.scenarios.detectors import Detector
from twin.scenarios.transit import Transit

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_WORDS = {at.Ge: ">= {ge}", at.Gt: "> {gt}", at.Le: "<= {le}", at.Lt: "< {lt}"}


def _type(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type(get_args(annotation)[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (types.UnionType, Union):
        return " or ".join(_type(a) for a in get_args(annotation) if a is not type(None))
    if origin is list:
        return f"list of {_type(get_args(annotation)[0])}"
    if origin is tuple:
        return f"pair of {_type(get_args(annotation)[0])}"
    if origin is dict:
        return "table of text"
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true/false"}.get(
        getattr(annotation, "__name__", str(annotation)), getattr(annotation, "__name__", "")
    )


def _range(field: FieldInfo) -> str:
    parts = []
    for item in field.metadata:
        for kind, words in _WORDS.items():
            if isinstance(item, kind):
                parts.append(words.format(**{k: getattr(item, k) for k in item.__slots__}))
    return ", ".join(parts)


def _rows(model: type[BaseModel]) -> list[str]:
    rows = ["| field | type | range | default | meaning |", "|---|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if name == "kind":
            continue
        default = "required" if field.is_required() else f"`{field.default}`"
        if isinstance(field.default, BaseModel):
            default = "see below"
        meaning = (field.description or "").replace("|", "\\|")
        rows.append(
            f"| `{name}` | {_type(field.annotation)} | {_range(field)} | {default} | {meaning} |"
        )
    return rows


def _inner_tables(key: str, model: type[BaseModel]) -> list[str]:
    """Return the sections of the tables within one; those with the same fields share a section."""
    by_model: dict[type[BaseModel], list[str]] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            by_model.setdefault(type(field.default), []).append(f"{key}.{name}")
    lines = []
    for inner, keys in by_model.items():
        title = ", ".join(f"`[{each}]`" for each in keys)
        lines += ["", f"### {title}", "", cleandoc(inner.__doc__ or ""), "", *_rows(inner)]
        lines += _inner_tables(keys[0], inner)
    return lines


def scenario_page() -> str:
    """Return the reference of the scenario file in Markdown."""
    lines = [
        "# Scenario file",
        "",
        "A TOML file; every field, with its unit, range and default.",
        "",
    ]
    lines += ["## Top level", "", *_rows(spec.Scenario)]
    for model in (
        *(spec.Period, spec.Traffic, spec.Calls, Chain, spec.Policy, Transit, spec.Record),
    ):
        key = model.__name__.lower()
        lines += ["", f"## `[{key}]`", "", model.__doc__ or "", "", *_rows(model)]
        lines += _inner_tables(key, model)
    lines += ["", "## `[[record.detectors]]`", "", "Each detector has a `kind`.", ""]
    for model in get_args(get_args(Detector)[0]):
        kind = get_args(model.model_fields["kind"].annotation)[0]
        lines += [f"### `{kind}`", "", cleandoc(model.__doc__ or ""), "", *_rows(model), ""]
    lines += ["", "## `[[changes]]`", "", "Each change has a `kind`.", ""]
    for model in get_args(get_args(Change)[0]):
        kind = get_args(model.model_fields["kind"].annotation)[0]
        lines += [f"### `{kind}`", "", cleandoc(model.__doc__ or ""), "", *_rows(model), ""]
    return "\n".join(lines) + "\n"


def tables_page() -> str:
    """Return the reference of a run's tables in Markdown."""
    lines = [
        "# Tables of a run",
        "",
        "Parquet files in the run's folder. Times are seconds since city midnight of day one.",
    ]
    for table, columns in RUN_TABLES.items():
        if (said := MEANINGS.get(table)) is None:
            lines += ["", f"## `{table}`", "", "| column | type |", "|---|---|"]
            lines += [f"| `{name}` | {kind} |" for name, kind in columns.items()]
            continue
        lines += ["", f"## `{table}`", "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{name}` | {kind} | {said.get(name, '')} |" for name, kind in columns.items()]
    return "\n".join(lines) + "\n"


def _write(app: Sphinx) -> None:
    folder = Path(app.srcdir) / "reference" / "declared"
    folder.mkdir(exist_ok=True)
    for name, text in (("scenario", scenario_page()), ("tables", tables_page())):
        page = folder / f"{name}.md"
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True}
