"""Errors that a user can act on: one sentence that says what is wrong, where, and what to do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")


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
    others
        What else is wrong with the same input; their sentences follow in lines of their own.
    """

    def __init__(
        self,
        message: str,
        *,
        file: Path | str | None = None,
        row: int | str | None = None,
        field: str | None = None,
        hint: str | None = None,
        others: Sequence[InputError] = (),
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
        self.sentence = text
        self.others = tuple(others)
        super().__init__("\n".join([text, *(other.sentence for other in self.others)]))

    @property
    def all(self) -> tuple[InputError, ...]:
        """The error alone, then the others that were found with it."""
        return (self.along_with(()), *self.others)

    def along_with(self, others: Sequence[InputError]) -> InputError:
        """Return the same error with others."""
        return InputError(
            self.message,
            file=self.file,
            row=self.row,
            field=self.field,
            hint=self.hint,
            others=others,
        )


class NotFoundError(InputError):
    """A city, scenario, run or file was named that is not there."""


def together(errors: Sequence[InputError]) -> InputError:
    """Return one error that tells of one error and more."""
    first, *others = (each for error in errors for each in error.all)
    return first.along_with(others)


class Mistakes:
    """What is wrong with one input, gathered so that it is told at once.

    Parameters
    ----------
    most
        How many mistakes are told; who has made more has made one of them many times.
    """

    def __init__(self, most: int = 10) -> None:
        self._most = most
        self._found: list[InputError] = []

    def add(self, error: InputError) -> bool:
        """Note a mistake, and all that it came with; return whether more would be told."""
        self._found += error.all
        return not self.full

    @property
    def full(self) -> bool:
        """Whether more have been found than are told."""
        return len(self._found) > self._most

    def take(self, read: Callable[[], _T], otherwise: _T) -> _T:
        """Return what is read, or `otherwise` and note what was wrong with it."""
        try:
            return read()
        except InputError as error:
            self.add(error)
            return otherwise

    def refuse(self) -> None:
        """Raise what was found, in the order of the rows, as one error; nothing if all is well.

        Raises
        ------
        InputError
            Of the first mistake, with the others.
        """
        if not self._found:
            return
        told = sorted(self._found, key=_row)
        if self.full:
            told = [*told[: self._most], InputError("more mistakes like these are not shown")]
        raise together(told)


def _row(error: InputError) -> float:
    return error.row if isinstance(error.row, int) else math.inf


def nearest(wrong: str, known: Iterable[str], *, alike: float = 0.6) -> str | None:
    """Return the nearest of some names, or `None` when none is near.

    Capitals count for nothing. `alike` is the least likeness of what counts as near, 0 to 1
    (`difflib`); so does one letter in the place of another, which is half of an id such as `s1`.
    """
    names, given = {name.casefold(): name for name in known}, wrong.casefold()
    near = get_close_matches(given, list(names), n=1, cutoff=alike)
    near += [name for name in names if len(given) > 1 and _one_letter_apart(given, name)]
    return names[near[0]] if near else None


def _one_letter_apart(one: str, other: str) -> bool:
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


def did_you_mean(wrong: str, known: Iterable[str], *, alike: float = 0.6) -> str | None:
    """Return a hint with the `nearest` of some names, or `None` when none is near."""
    near = nearest(wrong, known, alike=alike)
    return None if near is None else f"did you mean '{near}'?"
