"""Columns of a CSV file, each value checked, each fault named by row and field."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError
from twin.network.files import read_text

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

HEADER_ROW = 1


class CsvColumns:
    """A CSV file held by column.

    Parameters
    ----------
    path
        The file; gzip is unpacked.
    delimiter
        What stands between values.
    may_be_empty
        Whether a header without rows is a table, too.

    Raises
    ------
    InputError
        If it cannot be read as a table.
    """

    def __init__(
        self, path: Path | str, delimiter: str = ",", *, may_be_empty: bool = False
    ) -> None:
        self.path = Path(path)
        reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter)
        try:
            rows = [row for row in reader if row]
        except csv.Error as error:
            raise InputError(f"it is not CSV ({error})", file=path, row=reader.line_num) from error
        self.header = [name.strip() for name in rows[0]]
        body = rows[1:]
        for field in self.header:
            if self.header.count(field) > 1:
                raise InputError("the column occurs twice", file=path, row=1, field=field)
        width = len(self.header)
        for k, row in enumerate(body):
            if len(row) != width:
                text = f"the row has {len(row)} values, the header {width}"
                raise InputError(text, file=path, row=k + HEADER_ROW + 1)
        if not body and not may_be_empty:
            raise InputError("there are no rows below the header", file=path)
        self.count = len(body)
        self._columns = {name: [row[k] for row in body] for k, name in enumerate(self.header)}

    def refuse(self, bad: Flags, field: str, why: str, hint: str | None = None) -> None:
        """Raise an `InputError` at the first row where `bad` holds, if any; `{}` is its value."""
        if bad.any():
            raise self.fault(int(np.argmax(bad)), field, why, hint)

    def fault(self, index: int, field: str, why: str, hint: str | None = None) -> InputError:
        """Return the error of a row, counted from 0; `{}` is its value in a column, if it has it.

        Parameters
        ----------
        index
            Row below the header.
        field, why, hint
            The column, what is wrong there, and what to do about it.
        """
        value = self._columns[field][index].strip() if field in self._columns else ""
        row = index + HEADER_ROW + 1
        return InputError(why.format(repr(value)), file=self.path, row=row, field=field, hint=hint)

    def text(self, field: str) -> list[str]:
        """Return a column as text without surrounding blanks.

        Raises
        ------
        InputError
            If there is no such column.
        """
        if field not in self._columns:
            known = ", ".join(self.header)
            raise InputError(
                "the column is missing", file=self.path, row=1, field=field, hint=f"found: {known}"
            )
        return [value.strip() for value in self._columns[field]]

    def optional_text(self, field: str) -> list[str]:
        """Return a column as `text` does, or blanks where there is no such column."""
        return self.text(field) if field in self._columns else [""] * self.count

    def optional_numbers(self, field: str, low: float, high: float) -> F64:
        """Return a column as `numbers` does; nan at blanks and where there is no such column."""
        if field not in self._columns:
            return np.full(self.count, np.nan)
        return self.numbers(field, low, high, required=False)

    def unique_names(self, field: str) -> list[str]:
        """Return a column of different texts that are all present.

        Raises
        ------
        InputError
            At the first that is missing, or that stood there before.
        """
        names = self.text(field)
        self.refuse(np.array([not name for name in names]), field, "the value is missing")
        again = np.ones(self.count, np.bool_)
        again[np.unique(names, return_index=True)[1]] = False
        self.refuse(again, field, "{} occurs twice", hint="give each row a name of its own")
        return names

    def _parse(self, field: str, kind: Callable[[str], Any], blank: Any, what: str) -> list[Any]:
        values = []
        for k, value in enumerate(self.text(field)):
            try:
                values.append(kind(value) if value else blank)
            except ValueError as error:
                raise InputError(
                    f"{value!r} is not {what}",
                    file=self.path,
                    row=k + HEADER_ROW + 1,
                    field=field,
                ) from error
        return values

    def numbers(self, field: str, low: float, high: float, *, required: bool = True) -> F64:
        """Return a column of finite numbers from `low` to `high`; blanks are nan if not required.

        Raises
        ------
        InputError
            At the first value that is not one.
        """
        values = np.asarray(self._parse(field, float, np.nan, "a number"), np.float64)
        blank = np.asarray([not value for value in self.text(field)], np.bool_)
        if required:
            self.refuse(blank, field, "the value is missing")
        bad = ~blank & ~((values >= low) & (values <= high))
        self.refuse(bad, field, f"{{}} is not from {low:g} to {high:g}")
        return values

    def keys(self, field: str) -> I64:
        """Return a column of whole numbers that are all present.

        Raises
        ------
        InputError
            At the first value that is not one.
        """
        values = self._parse(field, int, None, "a whole number")
        self.refuse(np.asarray([v is None for v in values]), field, "the value is missing")
        self.refuse(np.asarray([abs(v) >= 1 << 62 for v in values]), field, "{} is too large")
        return np.asarray(values, np.int64)

    def optional_keys(self, field: str) -> list[int | None]:
        """Return a column of whole numbers; None at blanks and where there is no such column.

        Raises
        ------
        InputError
            At the first value that is not one.
        """
        if field not in self._columns:
            return [None] * self.count
        return self._parse(field, int, None, "a whole number")

    def unique_keys(self, field: str) -> I64:
        """Return a column of different whole numbers.

        Raises
        ------
        InputError
            At the first value that is not one, or that stood there before.
        """
        values = self.keys(field)
        _, first = np.unique(values, return_index=True)
        again = np.ones(len(values), np.bool_)
        again[first] = False
        self.refuse(again, field, "the number {} occurs twice")
        return values
