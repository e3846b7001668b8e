"""Errors that a user can act on: one sentence that says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def did_you_mean(wrong: str, known: Iterable[str], *, alike: float = 0.5) -> str | None:
    """Return a hint with the nearest of some names, or `None` when none is near.

    Capitals count for nothing. `alike` is the least likeness of what counts as near, 0 to 1
    (`difflib`).
    """
    names = {name.casefold(): name for name in known}
    near = get_close_matches(wrong.casefold(), list(names), n=1, cutoff=alike)
    return f"did you mean '{names[near[0]]}'?" if near else None
