"""Finds the line of a TOML file on which a key stands; `tomllib` gives values without places."""

from __future__ import annotations

import re

Location = tuple[str | int, ...]
_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_BARE = re.compile(r"""(?:([\w.-]+)\s*=|[\[,])\s*([^\s"'\[\]{}#=,][^"'\[\]{}#=,]*)""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def key_lines(text: str) -> dict[Location, int]:
    """Return the 1-based line of every table, array element and key at the start of a line.

    Keys inside inline tables and multi-line values are not listed; look their parent up instead
    (see `line_of`).
    """
    lines: dict[Location, int] = {}
    counts: dict[Location, int] = {}
    table: Location = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            path = _resolve(_parts(header[2]), counts)
            if header[1] == "[[":
                index = counts.get(path, 0)
                counts[path] = index + 1
                lines.setdefault(path, number)
                path = (*path, index)
            table = path
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            path = table
            for part in _parts(key[1]):
                path = (*path, part)
                lines.setdefault(path, number)
    return lines


def line_of(text: str, where: Location) -> int | None:
    """Return the line of `where`, or of the nearest thing that holds it."""
    lines = key_lines(text)
    for end in range(len(where), 0, -1):
        if where[:end] in lines:
            return lines[where[:end]]
    return None


def key_at(text: str, row: int) -> Location:
    """Return the key or table that begins on a 1-based line; empty where none does."""
    here = (where for where, line in key_lines(text).items() if line == row)
    return max(here, key=len, default=())


def bare_value(line: str, column: int) -> tuple[str, str] | None:
    """Return what stands without quotation marks at a 1-based column of a line, and before it.

    The second is `key = `, empty for an element of a list.
    """
    for found in _BARE.finditer(line if _KEY.match(line) else ""):
        if found.start(2) <= column - 1 <= found.end(2) + 1:
            return found[2].strip(), f"{found[1]} = " if found[1] else ""
    return None


def _parts(dotted: str) -> Location:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _resolve(path: Location, counts: dict[Location, int]) -> Location:
    """Put the index of the newest element after each array of tables on the way."""
    out: Location = ()
    for part in path[:-1]:
        out = (*out, part)
        if out in counts:
            out = (*out, counts[out] - 1)
    return (*out, path[-1])
