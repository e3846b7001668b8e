"""Says what is wrong with a scenario, a sentence each, with file, line, field and nearest word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import time
from typing import Any

from pydantic import ValidationError

from twin.core.errors import InputError, did_you_mean, together
from twin.scenarios.places import LISTS, choices, dotted, list_of
from twin.scenarios.sources import Source, find, merge
from twin.scenarios.spec import Scenario
from twin.scenarios.toml_lines import Location

_KINDS_ALIKE = 0.7
"""Kinds share words (add-, close-), so that half alike is not meant."""
_ALL_ALONG = frozenset({"add-station", "add-units", "remove-units", "move-units"})
BY_LANGUAGE = frozenset({"title", "question"})
"""Fields of texts by the code of their language."""
MOST_TOLD = 20
"""Mistakes that are told at once; who has made more has made one of them many times."""


def explain(
    error: ValidationError,
    merged: dict[str, Any],
    chain: Sequence[Source],
    settings: dict[Location, str],
    *,
    alone: bool = False,
) -> list[InputError]:
    """Turn all that pydantic found into sentences, each mistake told once, in order of lines.

    `alone` is for files whose base is not there: what it may hold is not told as missing, nor that
    fields do not agree of which it may set some.
    """
    found: dict[tuple[str | None, int | str | None, str | None], InputError] = {}
    for problem in causes(error):
        if alone and (problem["type"] == "missing" or isinstance(problem["input"], dict)):
            continue
        each = _explain(problem, merged, chain, settings)
        # A value that may be of several types is refused once for each.
        found.setdefault((each.file, each.row, each.field), each)
    return sorted(found.values(), key=_line)


def _line(error: InputError) -> tuple[str, int]:
    return error.file or "", error.row if isinstance(error.row, int) else 0


def causes(error: ValidationError) -> list[Any]:
    """Return what pydantic found, unknown keys first, without what only follows from them.

    A required field that is written wrong is an unknown key, and is missing too.
    """
    problems = sorted(error.errors(), key=lambda p: p["type"] != "extra_forbidden")
    unknown = [p["loc"] for p in problems if p["type"] == "extra_forbidden"]
    return [
        problem
        for problem in problems
        if problem["type"] != "missing"
        or not any(
            loc[:-1] == problem["loc"][:-1]
            and did_you_mean(str(loc[-1]), [str(problem["loc"][-1])])
            for loc in unknown
        )
    ]


def at_most(errors: Iterable[InputError]) -> InputError:
    """Return one error of several, of which `MOST_TOLD` are told."""
    known = list(errors)
    told = known[:MOST_TOLD]
    if len(known) > len(told):
        told.append(InputError(f"{len(known) - len(told)} more mistakes like these are not shown"))
    return together(told)


def _explain(
    problem: Any,
    merged: dict[str, Any],
    chain: Sequence[Source],
    settings: dict[Location, str],
) -> InputError:
    where = _without_tags(problem["loc"])
    message, hint = _sentence(problem, where, merged)
    field = dotted(where) or "scenario"
    said = settings.get(where)
    if said is None and (places := _settings_at_fault(where, chain, settings)):
        said = " ".join(settings[place] for place in places)
        field = dotted(places[0]) if len(places) == 1 else field
    if said is not None:
        # An option says by its name which field it sets; a setting says it once more.
        by_setting = field if said.startswith("--set ") else None
        return InputError(message, file=said, field=by_setting, hint=hint)
    file, row = find(chain, where) if chain else (None, None)
    return InputError(message, file=file, row=row, field=field, hint=hint)


def _settings_at_fault(
    where: Location, chain: Sequence[Source], settings: dict[Location, str]
) -> list[Location]:
    """Return the settings within a group whose fields do not agree, if the files alone do."""
    inside = [place for place in settings if place[: len(where)] == where]
    if not inside or not chain:
        return []
    try:
        Scenario.model_validate(merge(chain))
    except ValidationError:
        return []
    return inside


def _without_tags(loc: Location) -> Location:
    """Drop the kind that pydantic puts after the number of a change or detector."""
    at = list_of(loc)
    if at is not None and len(loc) > len(at) + 1 and loc[len(at) + 1] in LISTS[at][1]:
        return (*loc[: len(at) + 1], *loc[len(at) + 2 :])
    return loc


def _sentence(problem: Any, where: Location, merged: dict[str, Any]) -> tuple[str, str | None]:
    kind, last = problem["type"], where[-1] if where else ""
    if kind == "extra_forbidden":
        names = _fields_at(where[:-1], merged)
        if last in {"at", "until"} and (change := _untimed(where, merged)):
            return f"a `{change}` change has no time, it holds for the whole run", choices(names)
        return f"there is no field '{last}' here", did_you_mean(str(last), names) or choices(names)
    if kind.startswith("union_tag_"):
        noun, kinds = LISTS[list_of(where) or ("changes",)]
        if kind == "union_tag_not_found":
            return f"a {noun} needs a `kind`", choices(kinds)
        wrong = str(problem["ctx"]["tag"])
        hint = did_you_mean(wrong, kinds, alike=_KINDS_ALIKE) or choices(kinds)
        return f"{wrong!r} is not a kind of {noun}", hint
    return wrong_value(problem)


def wrong_value(problem: Any) -> tuple[str, str | None]:
    """Return what is wrong with a value that pydantic refuses, and what would be right."""
    kind, value = problem["type"], problem["input"]
    if kind == "missing":
        return "the field is missing", None
    if kind == "value_error":
        return str(problem["ctx"]["error"]), None
    said = problem["msg"].removeprefix("Input ").removeprefix("String ")
    if isinstance(value, time):
        # TOML has times of its own, which no field of a scenario is.
        return f"{value} is a time without quotation marks", f'write "{value}"'
    shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
    hint = None
    if kind == "literal_error" and isinstance(value, str):
        hint = did_you_mean(value, re.findall(r"'([^']*)'", problem["ctx"]["expected"]))
    if kind == "string_type" and isinstance(value, int | float):
        hint = f'texts and times stand in quotation marks, as "{value}"'
    if kind == "dict_type" and isinstance(value, str) and problem["loc"][-1] in BY_LANGUAGE:
        return f"{shown} does not say its language", 'write { en = "..." }, or ko, or both'
    return f"{shown} is not allowed: it {said[:1].lower()}{said[1:]}", hint


def _untimed(where: Location, merged: dict[str, Any]) -> str | None:
    """Return the kind of the change that holds a place, if such changes hold all along."""
    if len(where) != 3 or where[0] != "changes":
        return None
    kind = str(merged["changes"][where[1]]["kind"])
    return kind if kind in _ALL_ALONG else None


def _fields_at(where: Location, merged: dict[str, Any]) -> list[str]:
    at = list_of(where)
    if at is not None and len(where) == len(at) + 1:
        element: Any = merged
        for part in where:
            element = element[part]
        return list(LISTS[at][1][element["kind"]].model_fields)
    model: Any = Scenario
    for part in where:
        model = model.model_fields[part].annotation
    return list(model.model_fields)
