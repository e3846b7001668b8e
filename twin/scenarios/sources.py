"""The files of a scenario: the catalogue, a file and the chain of its bases, one over the other."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.core.errors import InputError, NotFoundError, did_you_mean
from twin.scenarios.places import REPLACED, dotted
from twin.scenarios.toml_lines import Location, bare_value, key_at, line_of

CATALOGUE = Path(__file__).parent / "catalogue"
_OWN = ("name", "base", "title", "question")
_CURLY = "\u201c\u201d\u201e\u2018\u2019\u201a\u300c\u300d"
"""Quotation marks that word processors put in the place of plain ones."""
LARGEST_BYTES = 1_000_000
"""A scenario is a page of text; a larger file is something else."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a chain of bases."""

    file: Path
    text: str
    fields: dict[str, Any]


def catalogue() -> dict[str, Path]:
    """Return the file of every scenario that comes with Twin, by name."""
    return {file.stem: file for file in sorted(CATALOGUE.glob("*.toml"))}


def chain_of(name_or_path: str | Path, unread: list[InputError] | None = None) -> list[Source]:
    """Read a scenario and its bases; the first has no base.

    A base that is not there ends the chain and is added to `unread`, or raised without it.
    """
    chain: list[Source] = []
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
        try:
            file = _resolve(base, source)
        except NotFoundError as error:
            if unread is None:
                raise
            unread.append(error)
            return chain[::-1]


def _resolve(name_or_path: str | Path, asked_by: Source | None) -> Path:
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
    if text.strip() and path.is_dir():
        hint = "name a scenario of the catalogue, or a TOML file"
        if (path / "run.json").is_file():
            hint = f"it holds a run: `twin report {text}` writes its report"
        raise NotFoundError(f"{text!r} is a folder, not a scenario", hint=hint, **where)
    hint = did_you_mean(text, known) or "`twin scenario list` shows the catalogue"
    if asked_by is not None and Path(name_or_path).is_file():
        hint = f"a path in a file begins at that file's folder, {asked_by.file.parent}"
    raise NotFoundError(
        f"there is no scenario {text!r}, neither in the catalogue nor as a file",
        hint=hint,
        **where,
    )


def _read(file: Path) -> Source:
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
        raise _toml_problem(str(error), text, file) from error
    except RecursionError as error:
        raise InputError("is nested too deeply", file=file) from error
    return Source(file, text, fields)


def _toml_problem(message: str, text: str, file: Path) -> InputError:
    """Return the mistake of which a message tells that ends `... (at line 3, column 7)`."""
    complaint, _, place = message.rpartition(" (at ")
    numbers = re.findall(r"\d+", place)
    row = int(numbers[0]) if numbers else text.count("\n") + 1
    bare = bare_value(text.splitlines()[row - 1], int(numbers[1])) if len(numbers) == 2 else None
    if bare is not None and (told := _as_meant(*bare)):
        field = dotted(key_at(text, row)) or None
        return InputError(told[0], file=file, row=row, field=field, hint=told[1])
    complaint = complaint or message
    if complaint == "Illegal character '\\n'":
        complaint = "a quotation mark is missing on this line"
    return InputError(f"is not TOML: {complaint[:1].lower() + complaint[1:]}", file=file, row=row)


def _as_meant(value: str, key: str) -> tuple[str, str] | None:
    """Return what is wrong with a value that is not TOML, and what to write; None if unknown."""
    if value.lower() in {"true", "false"}:
        return f"{value} is not TOML", f"write {key}{value.lower()}"
    if re.fullmatch(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", value):
        return f"{value} is not TOML", f"write {key}YYYY-MM-DD"
    if re.fullmatch(r"\d{1,2}:\d{1,2}", value):
        return f"{value} is a time without quotation marks", f'write {key}"{value}"'
    if value[0] in _CURLY:
        return f"{value} has quotation marks of another kind", f'write {key}"{value.strip(_CURLY)}"'
    if value[0].isalpha():
        return f"{value} is a text without quotation marks", f'write {key}"{value}"'
    return None


def merge(chain: Sequence[Source]) -> dict[str, Any]:
    """Return the fields of a chain laid one over the other; their changes add up.

    What says which scenario it is (`_OWN`) is never the base's: a what-if without a title is
    called by its name.
    """
    merged: dict[str, Any] = {}
    for source in chain:
        for field in _OWN:
            merged.pop(field, None)
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
        out[key] = _over(below, value) if both_tables and key not in REPLACED else value  # type: ignore[arg-type]
    return out


def find(chain: Sequence[Source], where: Location) -> tuple[Path, int | None]:
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
