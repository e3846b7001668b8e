"""Reads the run folder for metrics, reports and the page; see `twin.recording.store`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from twin.core.clock import Calendar
from twin.core.errors import InputError, NotFoundError
from twin.recording.memory import schema, to_frame
from twin.recording.tables import RUN_TABLES
from twin.scenarios.load import from_fields
from twin.scenarios.spec import Scenario

SCHEMA_VERSION = 5
"""Version of the layout of a run folder."""


class RunReader:
    """Reads a run folder, finished or still being written.

    Parameters
    ----------
    folder
        A folder that `RunWriter` wrote.

    Raises
    ------
    NotFoundError
        If it is not there.
    InputError
        If it is not a run, or `run.json` is damaged.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._meta = _read_meta(self.folder)

    @property
    def meta(self) -> dict[str, Any]:
        """What `run.json` says; read again as long as the run goes on."""
        if self._meta["status"] == "running":
            self._meta = _read_meta(self.folder)
        return self._meta

    @property
    def status(self) -> str:
        """`running`, `finished` or `failed`."""
        return str(self.meta["status"])

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run, complete; an `InputError` names the field that is damaged."""
        file = self.folder / "run.json"
        fields = self.meta["scenario"]
        if not isinstance(fields, dict):
            raise InputError("is damaged: it is not a scenario", file=file, field="scenario")
        try:
            return from_fields(fields)
        except InputError as error:
            raise InputError(
                f"is damaged: {error.message}", file=file, field=f"scenario.{error.field}"
            ) from error

    @property
    def calendar(self) -> Calendar:
        """Turns the run's seconds into instants and city time."""
        return Calendar(self.scenario.period.day, str(self.meta["city"]["timezone"]))

    def files(self, table: str) -> list[Path]:
        """Return the files that hold a table now; none if nothing has been written yet.

        Raises
        ------
        InputError
            If the run has finished and the file is missing.
        """
        schema(table)
        if self.status != "finished":
            found = part_files(self.folder, table)
            # The run may have finished, and its parts been merged, since its status was read.
            if found or self.status != "finished":
                return found
        if table not in self.meta.get("tables", RUN_TABLES):
            return []  # an earlier version of Twin, which had no such table, wrote the run
        whole = self.folder / f"{table}.parquet"
        if not whole.is_file():
            raise InputError("the table of a finished run is missing", file=whole)
        return [whole]

    def table(self, table: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return a table, or some columns of it, typed as `RUN_TABLES` says.

        Raises
        ------
        InputError
            If a file is missing or damaged.
        """
        wanted = schema(table)
        if columns is not None:
            wanted = pa.schema([wanted.field(name) for name in columns])
        files = self.files(table)
        try:
            pieces = [_read_parquet(file, table, wanted) for file in files]
        except InputError:
            if all(file.exists() for file in files) or self.files(table) == files:
                raise
            pieces = [_read_parquet(file, table, wanted) for file in self.files(table)]
        return to_frame(pa.concat_tables([wanted.empty_table(), *pieces]))

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """Return the answer of a DuckDB query in which every run table is a view.

        Raises
        ------
        InputError
            If a file is missing or damaged, or the query is wrong.
        """
        files = {table: self.files(table) for table in RUN_TABLES}
        try:
            return self._answer(sql, parameters, files)
        except InputError:
            # The run may have finished, and its parts been merged, since it was asked for them.
            if all(file.exists() for each in files.values() for file in each):
                raise
        return self._answer(sql, parameters, {table: self.files(table) for table in RUN_TABLES})

    def _answer(
        self, sql: str, parameters: Sequence[Any], files: Mapping[str, list[Path]]
    ) -> pd.DataFrame:
        with duckdb.connect() as link:
            for table, parts in files.items():
                if not parts:
                    link.register(table, schema(table).empty_table())
                    continue
                names = ", ".join("'" + str(f).replace("'", "''") + "'" for f in parts)
                try:
                    link.execute(f'CREATE VIEW "{table}" AS FROM read_parquet([{names}])')
                except duckdb.Error as error:
                    raise InputError(
                        f"cannot be read as a Parquet table ({_first_line(error)})",
                        file=parts[0],
                    ) from error
            try:
                return link.execute(sql, list(parameters)).df()
            except duckdb.Error as error:
                raise InputError(
                    f"the query failed: {_first_line(error)}", file=self.folder
                ) from error


def part_files(folder: Path, table: str) -> list[Path]:
    """Return the parts of a table that have been written, in order."""
    return sorted((folder / "parts").glob(f"{table}-[0-9]*.parquet"))


def _read_meta(folder: Path) -> dict[str, Any]:
    file = folder / "run.json"
    if not folder.is_dir():
        raise NotFoundError("there is no such run folder", file=folder)
    try:
        meta = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError("is not a run folder: it has no run.json", file=folder) from error
    except (OSError, ValueError) as error:
        raise InputError("is damaged: it is not the JSON that a run writes", file=file) from error
    if not isinstance(meta, dict) or meta.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"was not written by this version of Twin (run schema {SCHEMA_VERSION})", file=file
        )
    for key in ("status", "scenario", "city", "midnight_utc", "box"):
        if key not in meta:
            raise InputError("is missing, so the file is damaged", file=file, field=key)
    return meta


def _read_parquet(file: Path, table: str, wanted: pa.Schema) -> pa.Table:
    try:
        with pq.ParquetFile(file) as stored:
            for name in wanted.names:
                if name not in stored.schema_arrow.names:
                    raise InputError(
                        f"the table '{table}' has no such column", file=file, field=name
                    )
            found = stored.read(columns=wanted.names)
    except FileNotFoundError as error:
        raise InputError("the file is missing", file=file) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"cannot be read as a Parquet table ({_first_line(error)})", file=file
        ) from error
    if found.schema.equals(wanted):
        return found
    try:
        return found.cast(wanted)
    except (pa.ArrowException, ValueError) as error:
        raise InputError(f"has a column of a wrong type ({_first_line(error)})", file=file) from (
            error
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
