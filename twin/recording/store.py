"""The run folder: written as the run goes, read by metrics, reports and the page.

    run.json                      what was asked, of what it was made, how it went
    parts/<table>-00001.parquet   while the run goes; each part appears whole, by a rename
    <table>.parquet               when it has finished

The merged tables have their rows in a fixed order and row groups of a fixed size, and hold no
time of writing, so equal runs give equal bytes however they were cut into parts.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from twin.city.model import City
from twin.core.clock import Calendar
from twin.core.errors import InputError
from twin.network.graph import Network
from twin.recording.memory import Buffer, schema
from twin.recording.provenance import city_checksum, scenario_checksum, versions
from twin.recording.reader import SCHEMA_VERSION, RunReader, part_files
from twin.recording.tables import RUN_TABLES
from twin.scenarios.spec import Scenario

__all__ = ["ROW_GROUP", "RunReader", "RunWriter", "frame_box"]

ROW_GROUP = 131_072
"""Rows in a row group of a merged table."""

_STREAMED = {
    "frames": ["vehicle"],
    "unit_frames": ["unit_id"],
    "links": ["link"],
    "link_names": ["link"],
    "detectors": ["link"],
    "probes": ["vehicle"],
    "emissions": ["link"],
}
"""Tables too large to sort whole; they come in order of time, and each batch is put in order."""
_ORDER = ("t", "t_call", "t_arrive", "call_id", "unit_id", "hospital_id", "vehicle")
"""Every other table is in the order of those of these columns that it has."""
_EVENTS = {"unit_events", "incident_events"}
"""Tables of what befell somebody: what came at one instant stays in the order it came in."""


def frame_box(network: Network) -> dict[str, float]:
    """Return the square that recorded positions are scaled to: `x0`, `y0` and `side_m`, metres."""
    x0, y0 = float(np.min(network.node_x)), float(np.min(network.node_y))
    side = max(float(np.max(network.node_x)) - x0, float(np.max(network.node_y)) - y0, 1.0)
    return {"x0": x0, "y0": y0, "side_m": side, "lon0": network.lon0, "lat0": network.lat0}


class RunWriter:
    """Writes a run folder; a `Recorder`.

    A finished run that stands in `folder` stays there, whole, until the new one has finished:
    meanwhile the new one is written to `<folder>.new` (see `path`).

    Parameters
    ----------
    folder
        Where the run goes; made if it is not there.
    scenario, city
        What is run.
    replication
        Number of the replication.
    city_sha
        Checksum of the city if it is known already (see `city_checksum`).
    command
        The command line that asked for the run, for the report.
    rows_per_part
        A table is written to a part when so many rows wait.
    seconds_per_part
        All tables are written to parts every so many simulated seconds...
    pause_s
        ... but not within so many seconds by the clock of the last time: a year that passes in
        minutes is not cut into parts that nobody has time to read.

    Raises
    ------
    InputError
        If `folder` holds something that is not a run, or another process is writing to it.
    """

    def __init__(
        self,
        folder: Path | str,
        scenario: Scenario,
        city: City,
        *,
        replication: int = 0,
        city_sha: str | None = None,
        command: Sequence[str] = (),
        rows_per_part: int = 200_000,
        seconds_per_part: float = 120.0,
        pause_s: float = 3.0,
    ) -> None:
        self._rows_per_part = rows_per_part
        self._seconds_per_part = seconds_per_part
        self._pause_s = pause_s
        self._flushed = -math.inf
        self._buffers: dict[str, Buffer] = {}
        self._parts = dict.fromkeys(RUN_TABLES, 0)
        self._next_flush: float | None = None
        calendar = Calendar(scenario.period.day, city.meta.timezone)
        self.meta: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "status": "running",
            "scenario": scenario.model_dump(mode="json"),
            "seed": scenario.seed,
            "replication": replication,
            "city": city.meta.model_dump(mode="json"),
            "inputs": {
                "city": city_sha or city_checksum(city),
                "scenario": scenario_checksum(scenario),
            },
            "midnight_utc": calendar.midnight_utc.isoformat(),
            "box": frame_box(city.network),
            "versions": versions(),
            "notices": [city.meta.notice] if city.meta.notice else [],
            "command": list(command),
            "started_utc": _now(),
        }
        # Last, so that a run that cannot begin leaves nothing behind.
        self.folder = Path(folder).absolute()
        self.path = _claim(self.folder)
        self._lock = _lock(self.path)
        for old in self.path.iterdir():
            if old.name != _LOCK:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        self._write_meta()
        (self.path / "parts").mkdir()

    def row(self, table: str, **columns: Any) -> None:
        """Add one row; a column left out, `None` or `nan` is null."""
        self._at(columns.get("t"))
        buffer = self._buffer(table)
        buffer.row(columns)
        if len(buffer) >= self._rows_per_part:
            self._write_part(table)

    def columns(self, table: str, **arrays: Any) -> None:
        """Add rows given as arrays of one length; a scalar stands for a whole column."""
        t = arrays.get("t")
        self._at(t if t is None or np.ndim(t) == 0 else (t[0] if len(t) else None))
        buffer = self._buffer(table)
        if keys := _STREAMED.get(table):
            order = np.argsort(np.asarray(arrays[keys[0]]), kind="stable")
            arrays = {k: v if np.ndim(v) == 0 else np.asarray(v)[order] for k, v in arrays.items()}
        buffer.columns(arrays)
        if len(buffer) >= self._rows_per_part:
            self._write_part(table)

    def flush(self) -> None:
        """Write all rows that wait to parts, so that a reader sees them."""
        for table in self._buffers:
            self._write_part(table)

    def note(self, **fields: Any) -> None:
        """Put fields into `run.json` at once (progress, warm-up, notices)."""
        self.meta.update(fields)
        self._write_meta()

    def finish(self, summary: Mapping[str, Any], timings: Mapping[str, float]) -> Path:
        """Merge the parts, mark the run finished, and put it in the place of an older one.

        Returns
        -------
        Path
            The run folder.
        """
        self.flush()
        tables = {}
        for table in RUN_TABLES:
            target = self.path / f"{table}.parquet"
            rows = self._merge(table, target)
            tables[table] = {"rows": rows, "sha256": _sha256(target)}
        self.meta |= {
            "status": "finished",
            "summary": dict(summary),
            "timings": dict(timings),
            "tables": tables,
            "finished_utc": _now(),
        }
        self._write_meta()
        # A rename first: a reader finds all the parts or none.
        done = (self.path / "parts").rename(self.path / "parts.merged")
        shutil.rmtree(done)
        self._release()
        if self.path != self.folder:
            aside = self.folder.with_name(f"{self.folder.name}.old-{os.getpid()}")
            self.folder.rename(aside)
            self.path.rename(self.folder)
            shutil.rmtree(aside)
            self.path = self.folder
        return self.folder

    def fail(self, reason: str) -> None:
        """Keep what was recorded and mark the run as failed."""
        self.flush()
        self.meta |= {"status": "failed", "error": reason, "finished_utc": _now()}
        self._write_meta()
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.meta["status"] == "running":
            self.fail(str(error) or kind.__name__ if kind else "ended without a summary")

    def _buffer(self, table: str) -> Buffer:
        if table not in self._buffers:
            self._buffers[table] = Buffer(table)
        return self._buffers[table]

    def _at(self, t: float | None) -> None:
        if t is None:
            return
        if self._next_flush is None:
            self._next_flush = float(t) + self._seconds_per_part
        elif t >= self._next_flush and (now := monotonic()) - self._flushed >= self._pause_s:
            self.flush()
            self._flushed = now
            self._next_flush = float(t) + self._seconds_per_part

    def _write_part(self, table: str) -> None:
        buffer = self._buffers[table]
        if not len(buffer):
            return
        self._parts[table] += 1
        target = self.path / "parts" / f"{table}-{self._parts[table]:05d}.parquet"
        hidden = target.with_suffix(".tmp")
        pq.write_table(buffer.take(), hidden, compression="zstd")
        hidden.rename(target)

    def _merge(self, table: str, target: Path) -> int:
        parts = part_files(self.path, table)
        hidden = target.with_suffix(".tmp")
        rows = 0
        with pq.ParquetWriter(hidden, schema(table), compression="zstd") as out:
            for chunk in self._ordered(table, parts):
                out.write_table(chunk, row_group_size=ROW_GROUP)
                rows += len(chunk)
        hidden.rename(target)
        return rows

    @classmethod
    def _ordered(cls, table: str, parts: list[Path]) -> Iterator[pa.Table]:
        """Yield the rows of `parts` in their final order, in chunks of `ROW_GROUP` rows."""
        if table not in _STREAMED:
            yield from cls._sorted(table, parts)
            return
        waiting = schema(table).empty_table()
        for part in parts:
            waiting = pa.concat_tables([waiting, pq.read_table(part)])
            while len(waiting) >= ROW_GROUP:
                yield waiting.slice(0, ROW_GROUP).combine_chunks()
                waiting = waiting.slice(ROW_GROUP)
        if len(waiting):
            yield waiting.combine_chunks()

    @staticmethod
    def _sorted(table: str, parts: list[Path]) -> Iterator[pa.Table]:
        """Yield sorted rows: a chunk as soon as no later part holds a row that comes before it."""
        # Rows with equal keys keep the order they came in, by a column that counts them.
        order = ("t", "_") if table in _EVENTS else (*_ORDER, "_")
        keys = [key for key in order if key == "_" or key in schema(table).names]
        first = keys[0]
        lows = [_least(part, first) for part in parts]
        waiting = schema(table).append(pa.field("_", pa.int64())).empty_table()
        came = 0
        for number, part in enumerate(parts, start=1):
            rows = pq.read_table(part)
            counted = rows.append_column("_", pa.array(np.arange(came, came + len(rows))))
            came += len(rows)
            waiting = pa.concat_tables([waiting, counted])
            ready = len(waiting)
            if number < len(parts):
                later = [low for low in lows[number:] if low is not None]
                before = (
                    pc.less(waiting[first], min(later)) if later else pc.is_valid(waiting[first])
                )
                ready = pc.sum(before).as_py() or 0
                ready -= ready % ROW_GROUP
            if not ready:
                continue
            waiting = waiting.sort_by([(key, "ascending") for key in keys])
            for start in range(0, ready, ROW_GROUP):
                chunk = waiting.slice(start, min(ROW_GROUP, ready - start))
                yield chunk.drop_columns(["_"]).combine_chunks()
            waiting = waiting.slice(ready)

    def _write_meta(self) -> None:
        hidden = self.path / "run.json.tmp"
        text = json.dumps(self.meta, indent=1, ensure_ascii=False, default=_plain)
        hidden.write_text(text + "\n", "utf-8")
        hidden.rename(self.path / "run.json")

    def _release(self) -> None:
        (self.path / _LOCK).unlink(missing_ok=True)
        os.close(self._lock)


_LOCK = "lock"


def _claim(folder: Path) -> Path:
    """Return the folder to write to so that nothing that stands in `folder` is lost."""
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder for a run", file=folder)
    if not folder.exists() or not any(folder.iterdir()):
        return folder
    beside = folder.with_name(f"{folder.name}.new")
    for place in (folder, beside):
        if place.exists() and (strange := _strangers(place)):
            raise InputError(
                f"holds files that are not a run's ({', '.join(strange[:3])})",
                file=place,
                hint="choose another --out",
            )
    return beside


def _strangers(folder: Path) -> list[str]:
    """Return the names in a folder that no run wrote; all of them if it is not a run's."""
    names = sorted(entry.name for entry in folder.iterdir())
    ours = {_LOCK, "run.json", "run.json.tmp", "report.html", "parts", "parts.merged"}
    ours |= {f"{table}{end}" for table in RUN_TABLES for end in (".parquet", ".tmp")}
    if strange := [name for name in names if name not in ours]:
        return strange
    if names == [_LOCK] and not (folder / _LOCK).stat().st_size:
        return []  # a run that was killed as it began
    try:
        meta = json.loads((folder / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        return names
    known = isinstance(meta, dict) and {"schema_version", "status", "scenario"} <= set(meta)
    return [] if known else ["run.json"]


def _lock(path: Path) -> int:
    """Hold the folder for this process; the system lets go of it when the process ends."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        handle = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(f"cannot be written to ({error.strerror})", file=path) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise InputError("another run is being written here", file=path) from error
    return handle


def _least(part: Path, column: str) -> Any:
    """Return the least value of a column of a part; None if it has none."""
    return pc.min(pq.read_table(part, columns=[column])[column]).as_py()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot stand in run.json")
