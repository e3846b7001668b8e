"""Errors that a user can act on: one sentence that says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class TwinError(Exception):
    """Root of every error that Twin raises on purpose; its text is one clear sentence."""


class InputError(TwinError):
    """Something a user supplied cannot be used.

    Parameters
    ----------
    message
        What is wrong, without a final full stop.
    file
        The file that holds it.
    row
        1-based line or row of `file` (the header counts as row 1), or the key of a record.
    field
        The column, key or option.
    hint
        What to do about it.
    """

    def __init__(
        self,
        message: str,
        *,
        file: Path | str | None = None,
        row: int | str | None = None,
        field: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.message = message
        self.file = None if file is None else str(file)
        self.row = row
        self.field = field
        self.hint = hint
        where = []
        if file is not None:
            where.append(str(file))
        if row is not None:
            where.append(f"row {row}" if isinstance(row, int) else row)
        if field is not None:
            where.append(f"field '{field}'")
        text = f"{', '.join(where)}: {message}" if where else message
        if hint:
            text = f"{text}; {hint}"
        super().__init__(text)


class NotFoundError(InputError):
    """A city, scenario, run or file was named that is not there."""


def did_you_mean(wrong: str, known: Iterable[str], *, alike: float = 0.5) -> str | None:
    """Return a hint with the nearest of some names, or `None` when none is near.

    `alike` is the least likeness of what counts as near, 0 to 1 (`difflib`).
    """
    near = get_close_matches(wrong, list(known), n=1, cutoff=alike)
    return f"did you mean '{near[0]}'?" if near else None
