"""A city as one folder: `city.toml` and Parquet files, versioned and checksummed.

The name of every Parquet file holds the start of its SHA-256, so a save never writes over a file
that the stored city refers to: new files are added, then `city.toml` is replaced in one step, then
the files of the old city go. A save that is killed at any point leaves the old city whole.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from twin.city.columns import LATER, ROWS, SCALARS, network_columns, network_of
from twin.city.model import OPTIONAL, TABLES, City, Meta, Service
from twin.city.toml_text import dump_toml
from twin.core.errors import InputError, NotFoundError
from twin.network.build import BuildReport

FORMAT = 2
"""What a city is stored in; another number whenever a table is added that is not in `_LATER`."""
_LOOSE_FORMAT = 1
"""What Twin stored cities in before, under one number with fewer tables and with all."""
HEAD = "city.toml"

_KEYS = frozenset({"format", "meta", "network", "files"})
_OURS = re.compile(
    rf"\.?({'|'.join([*(f'network_{name}' for name in ROWS), *TABLES])})-[0-9a-f]{{12}}"
    r"\.parquet(\.\d+)?|\.city\.toml\.\d+"
)
"""Names of the files beside `city.toml`, and of those that a killed save has left."""

_LATER = frozenset(
    {"edges", "signals", "places", "travel_times", *(f"network_{name}" for name in LATER)}
)
"""Tables that cities stored before they were thought of do not list."""

_ARROW: dict[str, pa.DataType] = {
    "int32": pa.int32(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "str": pa.string(),
    "bytes": pa.binary(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
_EMPTY = {
    "int32": "int32",
    "float32": "float32",
    "float64": "float64",
    "str": "str",
    "bytes": "object",
    "bool": "bool",
    "timestamp": "datetime64[us, UTC]",
}


class OtherVersionError(InputError):
    """A stored city is whole, but of an older or newer version of Twin that stored others."""


def empty_table(name: str) -> pd.DataFrame:
    """Return the table `name` of `TABLES` without rows."""
    return pd.DataFrame(
        {column: pd.Series([], dtype=_EMPTY[kind]) for column, kind in TABLES[name].items()}
    )


def save_city(city: City, folder: Path | str) -> None:
    """Store a city; tables that it lacks are stored empty.

    Raises
    ------
    InputError
        If a table lacks a column, holds a wrong type, or names a link that is not there, or
        `folder` is not a place for a city (see `check_target`). Nothing that was stored before is
        lost.
    """
    folder = Path(folder)
    check_target(folder)
    files: dict[str, bytes] = {}
    for name, columns in network_columns(city.network).items():
        files[f"network_{name}"] = _parquet(pa.table(columns))
    for name in TABLES:
        files[name] = _parquet(_arrow(city, name))
    try:
        listing = _put(folder, city, files)
    except OSError as error:
        text = f"the city cannot be written ({error.strerror})"
        raise InputError(text, file=folder) from error
    current = {entry["file"] for entry in listing.values()}
    for old in folder.glob("*.parquet"):
        if _OURS.fullmatch(old.name) and old.name not in current:
            old.unlink(missing_ok=True)


def check_target(folder: Path | str) -> None:
    """Refuse a folder that holds anything else than a city that Twin wrote.

    Raises
    ------
    InputError
        Naming what is there.
    """
    folder = Path(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError("is a file, not a folder for a city", file=folder)
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=folder) from error
    if HEAD in names:
        strange = [] if _ours(folder / HEAD) else [HEAD]
    else:
        strange = [name for name in names if not _OURS.fullmatch(name)]
    if strange:
        raise InputError(
            f"holds {strange[0]!r}, which Twin did not write, so no city is stored there",
            file=folder,
            hint="choose another --out",
        )


def _ours(head: Path) -> bool:
    try:
        content = tomllib.loads(head.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return content.keys() >= _KEYS


def _put(folder: Path, city: City, files: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """Write the files of a city, its head last, and return what the head lists."""
    folder.mkdir(parents=True, exist_ok=True)
    listing: dict[str, dict[str, Any]] = {}
    for name, content in files.items():
        digest = hashlib.sha256(content).hexdigest()
        file = f"{name}-{digest[:12]}.parquet"
        _write(folder / file, content)
        listing[name] = {"file": file, "sha256": digest, "bytes": len(content)}
    head = {
        "format": FORMAT,
        "meta": city.meta.model_dump(mode="json"),
        "network": {name: getattr(city.network, name) for name in SCALARS},
        "build": _build_text(city.build),
        "files": listing,
        "service": {
            day: service.model_dump(mode="json") for day, service in sorted(city.service.items())
        },
    }
    _write(folder / HEAD, dump_toml(head).encode())
    return listing


def load_city(folder: Path | str) -> City:
    """Return the city stored in `folder`.

    Raises
    ------
    NotFoundError
        If there is no city.
    OtherVersionError
        If it was stored by a version of Twin that kept other things.
    InputError
        If a file is missing or was changed.
    """
    folder = Path(folder)
    head = _head(folder)
    stored = head["files"] if isinstance(head["files"], dict) else {}
    every = [*(f"network_{name}" for name in ROWS), *TABLES]
    names = [name for name in every if name not in _LATER or name in stored]
    tables = {name: _read(folder, head, name) for name in names}
    columns = {
        name: {column: table[column].to_numpy() for column in table.column_names}
        for name, table in ((name, tables.get(f"network_{name}")) for name in ROWS)
        if table is not None
    }
    where = folder / HEAD
    try:
        network = network_of({name: float(head["network"][name]) for name in SCALARS}, columns)
        meta = Meta.model_validate(head["meta"])
        service = {day: Service.model_validate(part) for day, part in head["service"].items()}
        build = BuildReport(**head["build"]) if head["build"] else None
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{error} is missing or malformed", file=where) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(first["msg"], file=where, field=field) from error
    frames = {}
    for name, kinds in TABLES.items():
        if name not in tables:
            frames[name] = empty_table(name)
            continue
        table = tables[name]
        missing = [column for column in kinds if column not in table.column_names]
        if missing and head["format"] == _LOOSE_FORMAT:
            raise _older(folder, f"has no column {missing[0]!r} in its table {name!r}")
        if missing:
            raise InputError("the column is missing", file=folder / name, field=missing[0])
        frames[name] = table.to_pandas()
    return City(meta=meta, network=network, tables=frames, service=service, build=build)


def read_meta(folder: Path | str) -> Meta:
    """Return what a stored city says of itself, without loading it."""
    folder = Path(folder)
    try:
        return Meta.model_validate(_head(folder).get("meta", {}))
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise InputError(error.errors()[0]["msg"], file=folder / HEAD, field=field) from error


def _build_text(report: BuildReport | None) -> dict[str, Any]:
    # The folder in which somebody keeps their files is not part of a city.
    return {} if report is None else {**asdict(report), "source": Path(report.source).name}


def _head(folder: Path) -> dict[str, Any]:
    where = folder / HEAD
    if not where.is_file():
        raise NotFoundError("there is no city here", file=where)
    try:
        head = tomllib.loads(where.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"it is not a TOML file ({error})", file=where) from error
    if not head.keys() >= _KEYS:
        raise InputError("it is not the head of a city that Twin wrote", file=where)
    stored = head["format"]
    if type(stored) is int and stored > FORMAT:
        raise OtherVersionError(
            f"the city was built by a newer version of Twin (it is stored in format {stored}, this "
            f"version reads {FORMAT})",
            file=where,
            hint="use that version, or build the city again",
        )
    if type(stored) is not int or stored not in {FORMAT, _LOOSE_FORMAT}:
        raise _older(folder, f"is stored in format {stored!r}, this version reads {FORMAT}")
    return head


def _older(folder: Path, why: str) -> OtherVersionError:
    return OtherVersionError(
        f"the city was built by an older version of Twin (it {why})",
        file=folder / HEAD,
        hint="build the city again",
    )


def _read(folder: Path, head: dict[str, Any], name: str) -> pa.Table:
    files = head.get("files")
    if isinstance(files, dict) and name not in files and head["format"] == _LOOSE_FORMAT:
        raise _older(folder, f"has no table {name!r}")
    entry = files.get(name) if isinstance(files, dict) else None
    if not isinstance(entry, dict) or not {"file", "sha256"} <= entry.keys():
        raise InputError("the file is not listed", file=folder / HEAD, field=f"files.{name}")
    # Only a plain name: a head that somebody sent may not point outside its folder.
    where = folder / Path(str(entry["file"])).name
    try:
        content = where.read_bytes()
    except OSError as error:
        raise InputError("the file of the city is missing", file=where) from error
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise InputError(
            "the file was changed since it was saved (its checksum differs)",
            file=where,
            hint="build the city again",
        )
    try:
        return pq.read_table(pa.BufferReader(content), use_threads=False)
    except pa.ArrowInvalid as error:
        raise InputError(f"it is not a Parquet file ({error})", file=where) from error


def _arrow(city: City, name: str) -> pa.Table:
    frame = city.tables.get(name)
    if frame is None:
        frame = empty_table(name)
    columns = {}
    further = {c: kind for c, kind in OPTIONAL.get(name, {}).items() if c in frame.columns}
    for column, kind in {**TABLES[name], **further}.items():
        if column not in frame.columns:
            raise InputError("the column is missing", file=f"table {name}", field=column)
        try:
            columns[column] = pa.Array.from_pandas(frame[column], type=_ARROW[kind])
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            text = f"it does not hold {kind} values ({error})"
            raise InputError(text, file=f"table {name}", field=column) from error
    if "link" in TABLES[name] and len(frame):
        link = frame["link"].to_numpy()
        bad = (link < 0) | (link >= city.network.n_links)
        if bad.any():
            row = int(np.argmax(bad))
            text = f"link {link[row]} is not in the network"
            raise InputError(text, file=f"table {name}", row=row + 1, field="link")
    return pa.table(columns)


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", use_dictionary=False, write_statistics=False)
    return sink.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Put `content` in place of `path` in one step."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
