"""What a run writes to, and the two recorders that keep nothing on disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from twin.recording.tables import RUN_TABLES

_ARROW = {
    "string": pa.string(),
    "float64": pa.float64(),
    "float32": pa.float32(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "int8": pa.int8(),
    "uint16": pa.uint16(),
    "uint8": pa.uint8(),
    "bool": pa.bool_(),
    "list of int32": pa.list_(pa.int32()),
}
_SCHEMAS = {
    table: pa.schema([(name, _ARROW[kind]) for name, kind in columns.items()])
    for table, columns in RUN_TABLES.items()
}


def schema(table: str) -> pa.Schema:
    """Return the Arrow schema of a run table.

    Raises
    ------
    ValueError
        If there is no such table.
    """
    if table not in _SCHEMAS:
        raise ValueError(f"a run has no table {table!r}")
    return _SCHEMAS[table]


PACK_ROWS = 8192
"""Single rows become columns when so many wait: that is a tenth of the memory."""


class Recorder(Protocol):
    """Where a run puts its tables; names and types of the columns are `RUN_TABLES`."""

    def row(self, table: str, **columns: Any) -> None:
        """Add one row; a column left out, `None` or `nan` is null."""

    def columns(self, table: str, **arrays: Any) -> None:
        """Add rows given as arrays of one length; a scalar stands for a whole column."""


class NullRecorder:
    """Forgets everything."""

    def row(self, table: str, **columns: Any) -> None:
        """Do nothing."""

    def columns(self, table: str, **arrays: Any) -> None:
        """Do nothing."""


class Buffer:
    """Rows of one table that wait to be written, in the order in which they came.

    Parameters
    ----------
    table
        A name in `RUN_TABLES`.
    """

    def __init__(self, table: str) -> None:
        self.schema = schema(table)
        self.table = table
        self._names = frozenset(self.schema.names)
        self._rows: list[Mapping[str, Any]] = []
        self._batches: list[pa.RecordBatch] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def row(self, columns: Mapping[str, Any]) -> None:
        """Add one row.

        Raises
        ------
        ValueError
            If the table has no such column.
        """
        self._check(columns)
        self._rows.append(columns)
        self._count += 1
        if len(self._rows) >= PACK_ROWS:
            self._pack()

    def columns(self, arrays: Mapping[str, Any]) -> None:
        """Add rows column by column; scalars are repeated.

        Raises
        ------
        ValueError
            If the table has no such column, or the columns differ in length.
        """
        self._check(arrays)
        lengths = {len(a) for a in arrays.values() if not _is_scalar(a)}
        if len(lengths) > 1:
            raise ValueError(f"columns of {self.table!r} differ in length: {sorted(lengths)}")
        n = lengths.pop() if lengths else 1
        if n == 0:
            return
        self._pack()
        self._batches.append(
            pa.RecordBatch.from_arrays(
                [_array(arrays.get(f.name), f.type, n) for f in self.schema], schema=self.schema
            )
        )
        self._count += n

    def take(self) -> pa.Table:
        """Return everything that was added since the last call and forget it."""
        self._pack()
        out = pa.Table.from_batches(self._batches, self.schema)
        self._batches = []
        self._count = 0
        return out

    def _check(self, columns: Mapping[str, Any]) -> None:
        if not columns.keys() <= self._names:
            unknown = columns.keys() - self._names
            raise ValueError(f"table {self.table!r} has no column {min(unknown)!r}")

    def _pack(self) -> None:
        if not self._rows:
            return
        arrays = [
            pa.array([row.get(f.name) for row in self._rows], type=f.type, from_pandas=True)
            for f in self.schema
        ]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self.schema))
        self._rows = []


class MemoryRecorder:
    """Keeps the tables in memory, for tests and notebooks."""

    def __init__(self) -> None:
        self._tables: dict[str, list[pa.Table]] = {}
        self._buffers: dict[str, Buffer] = {}

    def row(self, table: str, **columns: Any) -> None:
        """Add one row; a column left out, `None` or `nan` is null."""
        self._buffer(table).row(columns)

    def columns(self, table: str, **arrays: Any) -> None:
        """Add rows given as arrays of one length; a scalar stands for a whole column."""
        self._buffer(table).columns(arrays)

    def frame(self, table: str) -> pd.DataFrame:
        """Return everything recorded in a table so far, in the order in which it came."""
        parts = self._tables.setdefault(table, [])
        parts.append(self._buffer(table).take())
        return to_frame(pa.concat_tables(parts))

    def _buffer(self, table: str) -> Buffer:
        if table not in self._buffers:
            self._buffers[table] = Buffer(table)
        return self._buffers[table]


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as a frame: nulls are `nan`."""
    return pd.DataFrame(table.to_pandas())


def _is_scalar(value: Any) -> bool:
    if isinstance(value, pa.Array):
        return False
    return value is None or isinstance(value, str) or np.ndim(value) == 0


def _array(value: Any, kind: pa.DataType, n: int) -> pa.Array:
    if value is None:
        return pa.nulls(n, kind)
    if isinstance(value, pa.Array):
        return value.cast(kind)
    if _is_scalar(value):
        plain = value.item() if isinstance(value, np.generic) else value
        return pa.array([plain] * n, type=kind, from_pandas=True)
    if isinstance(value, np.ndarray) and value.dtype.kind in "iufb":
        target = kind.to_pandas_dtype()
        value = value.astype(target, copy=False)
    return pa.array(value, type=kind, from_pandas=True)
