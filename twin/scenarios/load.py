"""Reads scenarios: TOML, a base and what changes it, settings from the command line.

Whatever is wrong comes out as one sentence that names the file, the line, the field, and the
nearest legal word.
"""

from __future__ import annotations

import re
import tomllib
import types
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from twin.core.errors import InputError, NotFoundError, did_you_mean
from twin.scenarios.detectors import Detector
from twin.scenarios.spec import Change, Scenario
from twin.scenarios.toml_lines import Location, line_of

CATALOGUE = Path(__file__).parent / "catalogue"
LARGEST_BYTES = 1_000_000
"""A scenario is a page of text; a larger file is something else."""


def _kinds(union: Any) -> dict[str, type[BaseModel]]:
    members = get_args(get_args(union)[0])
    return {get_args(m.model_fields["kind"].annotation)[0]: m for m in members}


_LISTS: dict[Location, tuple[str, dict[str, type[BaseModel]]]] = {
    ("changes",): ("change", _kinds(Change)),
    ("record", "detectors"): ("detector", _kinds(Detector)),
}
"""Lists of tables that have a `kind`: what one is called, and its kinds."""
_REPLACED = frozenset({"title", "question"})
"""Tables of a what-if that stand in place of its base's, not on top of them."""


class Option(NamedTuple):
    """A field that an option of a command sets, as `--seed` does; `flag` names it in messages."""

    flag: str
    field: str
    value: Any


@dataclass(frozen=True, slots=True)
class _Source:
    """One file of a chain of bases."""

    file: Path
    text: str
    fields: dict[str, Any]


def catalogue() -> dict[str, Path]:
    """Return the file of every scenario that comes with Twin, by name."""
    return {file.stem: file for file in sorted(CATALOGUE.glob("*.toml"))}


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
    chain = _chain(name_or_path)
    return _validated(deepcopy(_merge(chain)), overrides, options, chain)


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
    chain: Sequence[_Source],
) -> Scenario:
    settings: dict[Location, str] = {}
    for option in options:
        place = tuple(option.field.split("."))
        _put(merged, place, option.value)
        settings[place] = option.flag
    for setting in overrides:
        where, value = _read_setting(setting, merged)
        _put(merged, where, value)
        settings[where] = f"--set {setting}"
    try:
        return Scenario.model_validate(merged)
    except ValidationError as error:
        raise _explain(error, merged, chain, settings) from error


def locate(name_or_path: str | Path, field: str) -> tuple[Path, int | None]:
    """Return the file and line in which a field of a scenario (`changes.2.street`) is set."""
    parts = tuple(int(part) - 1 if part.isdigit() else part for part in field.split("."))
    return _find(_chain(name_or_path), parts)


def _chain(name_or_path: str | Path) -> list[_Source]:
    """Read a scenario and its bases; the first has no base."""
    chain: list[_Source] = []
    file = _resolve(name_or_path, None)
    while True:
        if any(file.samefile(source.file) for source in chain):
            loop = " -> ".join(source.file.stem for source in [*chain, chain[0]])
            raise InputError(
                f"a scenario is its own base ({loop})", file=chain[-1].file, field="base"
            )
        source = _read(file)
        chain.append(source)
        base = source.fields.get("base")
        if base is None:
            return chain[::-1]
        if not isinstance(base, str):
            raise InputError(
                f"{base!r} is not the name or file of a scenario",
                file=file,
                row=line_of(source.text, ("base",)),
                field="base",
            )
        file = _resolve(base, source)


def _resolve(name_or_path: str | Path, asked_by: _Source | None) -> Path:
    known = catalogue()
    text = str(name_or_path)
    if text in known:
        return known[text]
    path = Path(name_or_path) if asked_by is None else asked_by.file.parent / name_or_path
    if path.is_file():
        return path
    where: dict[str, Any] = {}
    if asked_by is not None:
        where = {
            "file": asked_by.file,
            "row": line_of(asked_by.text, ("base",)),
            "field": "base",
        }
    raise NotFoundError(
        f"there is no scenario {text!r}, neither in the catalogue nor as a file",
        hint=did_you_mean(text, known) or "`twin scenario list` shows the catalogue",
        **where,
    )


def _read(file: Path) -> _Source:
    try:
        size = file.stat().st_size
        if size > LARGEST_BYTES:
            raise InputError(
                f"has {size:,} bytes, a scenario has at most {LARGEST_BYTES:,}", file=file
            )
        text = file.read_bytes().decode("utf-8")
        fields = tomllib.loads(text)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=file) from error
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        raise InputError("is not UTF-8 text", file=file, row=row) from error
    except tomllib.TOMLDecodeError as error:
        message, row = _toml_problem(str(error), text)
        raise InputError(f"is not TOML: {message}", file=file, row=row) from error
    except RecursionError as error:
        raise InputError("is nested too deeply", file=file) from error
    return _Source(file, text, fields)


def _toml_problem(message: str, text: str) -> tuple[str, int]:
    """Split `"... (at line 3, column 7)"` into the complaint and the line."""
    complaint, _, place = message.rpartition(" (at ")
    digits = place.removeprefix("line ").split(",")[0]
    row = int(digits) if digits.isdigit() else text.count("\n") + 1
    complaint = complaint or message
    return complaint[:1].lower() + complaint[1:], row


def _merge(chain: Sequence[_Source]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for source in chain:
        merged.pop("name", None)
        merged.pop("base", None)
        own = source.fields
        changes = merged.get("changes", [])
        merged = _over(merged, own)
        if isinstance(own.get("changes"), list) and isinstance(changes, list):
            merged["changes"] = [*changes, *own["changes"]]
    return merged


def _over(under: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return `own` laid over `under`, table by table."""
    out = dict(under)
    for key, value in own.items():
        below = out.get(key)
        both_tables = isinstance(value, dict) and isinstance(below, dict)
        out[key] = _over(below, value) if both_tables and key not in _REPLACED else value  # type: ignore[arg-type]
    return out


def _read_setting(setting: str, merged: dict[str, Any]) -> tuple[Location, Any]:
    """Return where a `FIELD=VALUE` goes and its value, as its type in the schema is written."""
    name, equals, text = setting.partition("=")
    if not equals or not name.strip():
        raise InputError(f"{setting!r} is not FIELD=VALUE", field="--set")
    where: Location = ()
    model: type[BaseModel] | None = Scenario
    kind: Any = Scenario
    for part in name.strip().split("."):
        if where in _LISTS:
            kind = model = _element_at(part, where, merged, name)
            where = (*where, int(part) - 1)
            continue
        if where and where[0] in _REPLACED:
            where, kind, model = (*where, part), str, None
            continue
        if model is None or part not in model.model_fields:
            names = model.model_fields if model else ()
            raise InputError(
                f"there is no field '{name.strip()}'",
                field="--set",
                hint=did_you_mean(part, [_dotted((*where, f)) for f in names])
                or did_you_mean(part, names)
                or _choices(names),
            )
        kind = model.model_fields[part].annotation
        model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        where = (*where, part)
    if model is not None:
        raise InputError(
            f"'{name.strip()}' is a group of fields; set one of them",
            field="--set",
            hint=_choices(model.model_fields),
        )
    return where, _typed(text.strip(), kind, setting)


def _element_at(part: str, where: Location, merged: dict[str, Any], name: str) -> type[BaseModel]:
    """Return the model of one table of a list, by its kind."""
    noun, kinds = _LISTS[where]
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


def _list_of(where: Location) -> Location | None:
    """Return the list that a place is in, as `("changes",)`; None when it is in none."""
    return next((at for at in _LISTS if where[: len(at)] == at and len(where) > len(at)), None)


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


def _put(fields: dict[str, Any], where: Location, value: Any) -> None:
    inner: Any = fields
    for part in where[:-1]:
        inner = inner.setdefault(part, {}) if isinstance(inner, dict) else inner[part]
        if not isinstance(inner, dict | list):
            return  # the file has something else here, which validation will name
    inner[where[-1]] = value


def _explain(
    error: ValidationError,
    merged: dict[str, Any],
    chain: Sequence[_Source],
    settings: dict[Location, str],
) -> InputError:
    """Turn the first thing that pydantic found into one sentence."""
    # An unknown key is often the cause of what else is wrong, as a misspelt required field.
    problem = min(error.errors(), key=lambda p: p["type"] != "extra_forbidden")
    where = _without_tags(problem["loc"])
    message, hint = _sentence(problem, where, merged)
    field = _dotted(where) or "scenario"
    if (said := settings.get(where)) is not None:
        # An option says by its name which field it sets; a setting says it once more.
        by_setting = field if said.startswith("--set ") else None
        return InputError(message, file=said, field=by_setting, hint=hint)
    file, row = _find(chain, where) if chain else (None, None)
    return InputError(message, file=file, row=row, field=field, hint=hint)


def _dotted(where: Location) -> str:
    """Write a place as people do, who count changes from 1."""
    return ".".join(str(part + 1 if isinstance(part, int) else part) for part in where)


def _without_tags(loc: Location) -> Location:
    """Drop the kind that pydantic puts after the number of a change or detector."""
    at = _list_of(loc)
    if at is not None and len(loc) > len(at) + 1 and loc[len(at) + 1] in _LISTS[at][1]:
        return (*loc[: len(at) + 1], *loc[len(at) + 2 :])
    return loc


def _sentence(problem: Any, where: Location, merged: dict[str, Any]) -> tuple[str, str | None]:
    kind, value, last = problem["type"], problem["input"], where[-1] if where else ""
    if kind == "extra_forbidden":
        names = _fields_at(where[:-1], merged)
        return f"there is no field '{last}' here", did_you_mean(str(last), names) or _choices(names)
    if kind == "missing":
        return "the field is missing", None
    if kind.startswith("union_tag_"):
        noun, kinds = _LISTS[_list_of(where) or ("changes",)]
        if kind == "union_tag_not_found":
            return f"a {noun} needs a `kind`", _choices(kinds)
        wrong = str(problem["ctx"]["tag"])
        hint = did_you_mean(wrong, kinds) or _choices(kinds)
        return f"{wrong!r} is not a kind of {noun}", hint
    if kind == "value_error":
        return str(problem["ctx"]["error"]), None
    said = problem["msg"].removeprefix("Input ").removeprefix("String ")
    shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
    hint = None
    if kind == "literal_error" and isinstance(value, str):
        hint = did_you_mean(value, re.findall(r"'([^']*)'", problem["ctx"]["expected"]))
    return f"{shown} is not allowed: it {said[:1].lower()}{said[1:]}", hint


def _fields_at(where: Location, merged: dict[str, Any]) -> list[str]:
    at = _list_of(where)
    if at is not None and len(where) == len(at) + 1:
        element: Any = merged
        for part in where:
            element = element[part]
        return list(_LISTS[at][1][element["kind"]].model_fields)
    model: Any = Scenario
    for part in where:
        model = model.model_fields[part].annotation
    return list(model.model_fields)


def _choices(names: Sequence[str] | dict[str, Any]) -> str | None:
    return f"legal are {', '.join(names)}" if names else None


def _find(chain: Sequence[_Source], where: Location) -> tuple[Path, int | None]:
    """Return the file and line that set a place of the merged scenario."""
    if len(where) > 1 and where[0] == "changes" and isinstance(where[1], int):
        index = where[1]
        for source in chain:
            own = source.fields.get("changes", [])
            if not isinstance(own, list):
                break
            if index < len(own):
                return source.file, line_of(source.text, ("changes", index, *where[2:]))
            index -= len(own)
    for source in reversed(chain):
        inner: Any = source.fields
        for part in where:
            in_list = isinstance(inner, list) and isinstance(part, int) and part < len(inner)
            if not in_list and not (isinstance(inner, dict) and part in inner):
                break
            inner = inner[part]
        else:
            return source.file, line_of(source.text, where) if where else None
    last = chain[-1]
    return last.file, line_of(last.text, where)
