"""CSV files with millions of rows, held by column; each fault named by row and field."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from twin.core.errors import InputError, Mistakes, did_you_mean
from twin.network.files import read_bytes

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

FIRST_ROW = 2
"""Row number of the first row below the header."""


class Sheet:
    """A CSV file as columns of text without surrounding blanks, compact in memory.

    Parameters
    ----------
    path
        The file, UTF-8; gzip is unpacked.

    Raises
    ------
    InputError
        If it cannot be read as a table with a header and at least one row.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        content = read_bytes(self.path).removeprefix(b"\xef\xbb\xbf")
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise InputError("is not UTF-8 text", file=self.path, row=line) from error
        first = content.split(b"\n", 1)[0].decode().rstrip("\r")
        try:
            self.header = [name.strip() for name in next(csv.reader([first]), [])]
        except csv.Error as error:
            raise InputError(f"it is not CSV ({error})", file=self.path, row=1) from error
        if not self.header:
            raise InputError("the header is missing", file=self.path, row=1)
        if len(self.header) == 1 and {";", "\t"} & set(first):
            raise InputError("its columns are not separated by commas", file=self.path, row=1)
        for field in self.header:
            if self.header.count(field) > 1:
                raise InputError("the column occurs twice", file=self.path, row=1, field=field)
        self._columns = self._read(content)
        self.count = len(next(iter(self._columns.values())))
        if not self.count:
            raise InputError("there are no rows below the header", file=self.path)

    def _read(self, content: bytes) -> dict[str, pa.Array]:
        ragged: list[tuple[int, int]] = []

        def refuse(row: Any) -> str:
            if row.text.strip():
                ragged.append((row.number or 0, row.actual_columns))
            return "skip"

        try:
            table = pacsv.read_csv(
                io.BytesIO(content),
                read_options=pacsv.ReadOptions(
                    use_threads=False, skip_rows=1, column_names=self.header
                ),
                parse_options=pacsv.ParseOptions(invalid_row_handler=refuse),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(self.header, pa.string()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error) or b"\n" not in content:
                raise InputError("there are no rows below the header", file=self.path) from error
            text = str(error).splitlines()[0]
            raise InputError(f"it is not CSV ({text})", file=self.path) from error
        if ragged:
            row, cells = ragged[0]
            raise InputError(
                f"has {cells} cells, the header has {len(self.header)}", file=self.path, row=row
            )
        return {
            name: pc.utf8_trim_whitespace(table.column(name).combine_chunks())
            for name in self.header
        }

    def __contains__(self, field: str) -> bool:
        return field in self._columns

    def need(self, *fields: str) -> None:
        """Refuse the file if a column is missing.

        Raises
        ------
        InputError
            Naming the column.
        """
        for field in fields:
            if field not in self._columns:
                raise self.wrong(
                    "the column is missing",
                    field=field,
                    hint=did_you_mean(field, self.header) or f"found: {', '.join(self.header)}",
                )

    def wrong(
        self, message: str, *, at: int | None = None, field: str, hint: str | None = None
    ) -> InputError:
        """Return an error about a cell, `at` counting from 0 below the header."""
        row = 1 if at is None else self._row(at)
        return InputError(message, file=self.path, row=row, field=field, hint=hint)

    def _row(self, at: int) -> int:
        """Return where in the file a row stands: empty lines, which are passed over, count."""
        lines = read_bytes(self.path).split(b"\n")
        filled = [number for number, line in enumerate(lines, start=1) if line.strip()]
        return filled[at + 1] if at + 1 < len(filled) else at + FIRST_ROW

    def text(self, field: str) -> list[str]:
        """Return a column as text."""
        self.need(field)
        found: list[str] = self._columns[field].to_pylist()
        return found

    def ids(self, field: str) -> list[str]:
        """Return a column of identifiers, none of them empty, each once.

        Raises
        ------
        InputError
            Naming the first that are not so.
        """
        first: dict[str, int] = {}
        wrong = Mistakes()
        values = self.text(field)
        for k, value in enumerate(values):
            if not value:
                more = wrong.add(self.wrong("the value is missing", at=k, field=field))
            elif value in first:
                said = f"{value!r} stands in row {self._row(first[value])} already"
                more = wrong.add(self.wrong(said, at=k, field=field))
            else:
                first[value] = k
                continue
            if not more:
                break
        wrong.refuse()
        return values

    def codes(self, field: str, known: Mapping[str, int], what: str, *, blank: bool = False) -> I64:
        """Return (R,) the numbers of the names in a column; -1 for an empty cell if `blank`.

        Parameters
        ----------
        field
            The column.
        known
            Number of each name.
        what
            What a name is the name of, for the error.

        Raises
        ------
        InputError
            Naming the first names that are not known.
        """
        self.need(field)
        encoded = self._columns[field].dictionary_encode()
        names: list[str] = encoded.dictionary.to_pylist()
        missing = -1 if blank else -2
        number = np.array([known.get(n, -2) if n else missing for n in names], np.int64)
        found: I64 = number[encoded.indices.to_numpy()]
        wrong = Mistakes()
        for k in np.flatnonzero(found == -2).tolist():
            name = str(self._columns[field][k])
            said = f"there is no {what} {name!r}" if name else "the value is missing"
            hint = did_you_mean(name, known) if name else None
            if not wrong.add(self.wrong(said, at=k, field=field, hint=hint)):
                break
        wrong.refuse()
        return found

    def numbers(
        self, field: str, low: float, high: float = math.inf, *, blank: float | None = None
    ) -> F64:
        """Return (R,) a column of finite numbers from `low` to `high`.

        An empty cell is `blank`, or an error if that is left out.

        Raises
        ------
        InputError
            Naming the first values that are not.
        """
        self.need(field)
        column = self._columns[field]
        empty = np.asarray(pc.equal(column, ""))
        filled = pc.if_else(pc.equal(column, ""), "0", column) if empty.any() else column
        try:
            values = np.array(pc.cast(filled, pa.float64()), np.float64)
        except pa.ArrowInvalid:
            values = np.array([_number(text) for text in filled.to_pylist()], np.float64)
        bad = ~empty & ~(np.isfinite(values) & (values >= low) & (values <= high))
        if blank is None:
            bad |= empty
        wrong = Mistakes()
        for k in np.flatnonzero(bad).tolist():
            text = str(column[k])
            span = (
                f"is not from {low:g} to {high:g}" if math.isfinite(high) else f"is below {low:g}"
            )
            if math.isnan(_number(text)):
                span = "is not a number"
            elif not math.isfinite(_number(text)):
                span = "is not finite"
            said = f"{text[:60]!r} {span}" if text else "the value is missing"
            if not wrong.add(self.wrong(said, at=k, field=field)):
                break
        wrong.refuse()
        values[empty] = np.nan if blank is None else blank
        return values


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
