"""Elements of SUMO's XML files, one after the other; attributes, with sentences for faults.

Document types and entities are refused. An element is gone from memory once it has been used, so a
file of millions of vehicles is read in the space of one.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element

import defusedxml.ElementTree as SafeTree

from twin.core.errors import InputError
from twin.network.files import read_bytes
from twin.network.safe_xml import xml_faults

MAX_TIME_S = 1.0e9


def elements(path: Path | str, *roots: str) -> Iterator[Element]:
    """Return the children of the root element of a file, gzip or not, in order.

    Parameters
    ----------
    path
        The file.
    roots
        Names that its root element may have.

    Raises
    ------
    InputError
        If it is not well-formed, declares a document type or entities, or has another root.
    """
    content = read_bytes(path)
    depth = 0
    top: Element | None = None
    with xml_faults(path, content):
        for event, element in SafeTree.iterparse(
            io.BytesIO(content), events=("start", "end"), forbid_dtd=True
        ):
            if event == "start":
                depth += 1
                if depth == 1:
                    top = element
                    if element.tag not in roots:
                        why = f"its root is <{element.tag}>, not <{roots[0]}>"
                        raise InputError(why, file=path, row=1)
                continue
            depth -= 1
            if depth == 1 and top is not None:
                yield element
                top.clear()


class Fields:
    """The attributes of one element; a fault names the file, the element and the attribute.

    Parameters
    ----------
    element
        The element.
    file
        For messages.
    row
        How messages name the element; its tag and `id` if left out.
    """

    __slots__ = ("element", "file", "row")

    def __init__(self, element: Element, file: str, row: str | None = None) -> None:
        self.element = element
        self.file = file
        self.row = f"{element.tag} {element.get('id', '')!r}" if row is None else row

    def refuse(self, field: str | None, why: str, hint: str | None = None) -> NoReturn:
        """Raise the error of an attribute."""
        raise InputError(why, file=self.file, row=self.row, field=field, hint=hint)

    def text(self, field: str) -> str:
        """Return an attribute that must be there and not be empty."""
        value = self.element.get(field, "")
        if not value:
            self.refuse(field, "the value is missing")
        return value

    def number(self, field: str, low: float, high: float, default: float | None = None) -> float:
        """Return a number from `low` to `high`, or the default when the attribute is missing."""
        text = self.element.get(field)
        if text is None and default is not None:
            return default
        try:
            value = float(self.text(field))
        except ValueError:
            self.refuse(field, f"{text!r} is not a number")
        if not low <= value <= high:
            self.refuse(field, f"{text!r} is not from {low:g} to {high:g}")
        return value

    def whole(self, field: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number from `low` to `high`, or the default when it is missing."""
        text = self.element.get(field)
        if text is None and default is not None:
            return default
        try:
            value = int(self.text(field))
        except ValueError:
            self.refuse(field, f"{text!r} is not a whole number")
        if not low <= value <= high:
            self.refuse(field, f"{value} is not from {low} to {high}")
        return value

    def seconds(self, field: str, default: float | None = None) -> float:
        """Return a time written in seconds, as `H:M:S` or as `D:H:M:S`."""
        text = self.element.get(field)
        if text is None and default is not None:
            return default
        value = clock_seconds(self.text(field))
        if value is None:
            self.refuse(field, f"{text!r} is no time", "write seconds or hours:minutes:seconds")
        if abs(value) > MAX_TIME_S:
            self.refuse(field, f"{text!r} is not within {MAX_TIME_S:g} seconds")
        return value

    def points(self, field: str) -> list[tuple[float, float]]:
        """Return a line written as `x,y x,y ...` (a height is left out), empty if missing."""
        line = []
        for part in self.element.get(field, "").split():
            place = part.split(",")
            try:
                x, y = float(place[0]), float(place[1])
            except (ValueError, IndexError):
                self.refuse(field, f"{part!r} is not a point x,y")
            if not (abs(x) < 1e9 and abs(y) < 1e9):
                self.refuse(field, f"{part!r} is not a point on the map")
            line.append((x, y))
        return line


def clock_seconds(text: str) -> float | None:
    """Return the seconds of `12.5`, `H:M:S` or `D:H:M:S`; None when it is none of them."""
    parts = text.split(":")
    if len(parts) not in {1, 3, 4}:
        return None
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    total = 0.0
    for value, unit in zip(reversed(numbers), (1.0, 60.0, 3600.0, 86_400.0), strict=False):
        total += value * unit
    return total if math.isfinite(total) else None
