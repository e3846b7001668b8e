"""The folder of an assignment: routes that drivers learned and the link times that they met.

    assignment.json   of which city, period and trips; what every iteration showed
    routes.parquet    one row a trip: `trip`, and its `links` from first to last
    times.parquet     one row a slice and link: `slice`, `link`, `seconds`

Links are indices. A folder appears whole, by a rename.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from twin.core.errors import InputError, NotFoundError
from twin.network.graph import F32, I32, I64, Network
from twin.traffic.timed_router import MOST_SPREAD

HEAD, ROUTES, TIMES = "assignment.json", "routes.parquet", "times.parquet"
_VERSION = 1
_ROUTES = pa.schema([("trip", pa.int64()), ("links", pa.list_(pa.int32()))])
_TIMES = pa.schema([("slice", pa.int32()), ("link", pa.int32()), ("seconds", pa.float32())])
_HINT = "make it with `twin assign`"


class Iteration(NamedTuple):
    """What one iteration showed.

    Attributes
    ----------
    number
        Counts from 1.
    gap
        Relative gap, see `twin.traffic.assignment_runs`.
    changed
        Trips that took another route after it.
    mean_s
        Time from planned departure to arrival, or to the end for who has not arrived, mean.
    finished, running, waiting, removed, lost
        Trips at the end, by what became of them; for the last no road leads to their goal.
    wall_s
        Seconds of computing.
    """

    number: int
    gap: float
    changed: int
    mean_s: float
    finished: int
    running: int
    waiting: int
    removed: int
    lost: int
    wall_s: float


@dataclass(frozen=True)
class Assignment:
    """Routes of all trips of a period, and the link times that they met on them.

    Attributes
    ----------
    trips
        (N,) number of the trip (`Wishes.number`), ascending.
    route_ptr, route_link
        Their routes as compressed rows; empty where no road leads.
    seconds
        (S, L) time of every link in every slice.
    begin_s, span_s
        Begin of the first slice and length of each.
    spread
        Of the drivers' errors of perception.
    seed, replication, day
        Whose trips they are.
    iterations
        What every iteration showed.
    """

    trips: I64
    route_ptr: I32
    route_link: I32
    seconds: F32
    begin_s: float
    span_s: float
    spread: float
    seed: int
    replication: int
    day: str
    iterations: tuple[Iteration, ...]


def network_checksum(network: Network) -> str:
    """Return the SHA-256 of the links and turns that a route is made of."""
    digest = hashlib.sha256()
    for column in (
        network.link_from, network.link_to, network.link_length, network.turn_ptr, network.turn_to,
    ):  # fmt: skip
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()


def refuse_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but an older assignment.

    Raises
    ------
    InputError
        If it does, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder for an assignment", file=folder)
    if folder.exists():
        strange = sorted({entry.name for entry in folder.iterdir()} - {HEAD, ROUTES, TIMES})
        if strange:
            raise InputError(
                f"holds files that are not an assignment's ({', '.join(strange[:3])})",
                file=folder,
                hint="choose another --out",
            )


def save_assignment(assignment: Assignment, folder: Path, network: Network, city: str) -> Path:
    """Write an assignment, in place of an older one, and return its folder.

    Raises
    ------
    InputError
        See `refuse_folder`.
    """
    folder = folder.absolute()
    refuse_folder(folder)
    beside = folder.with_name(f"{folder.name}.new-{os.getpid()}")
    beside.mkdir(parents=True)
    links = pa.ListArray.from_arrays(
        pa.array(assignment.route_ptr, pa.int32()), pa.array(assignment.route_link, pa.int32())
    )
    routes = pa.table([pa.array(assignment.trips, pa.int64()), links], schema=_ROUTES)
    pq.write_table(routes, beside / ROUTES, compression="zstd")
    spans, n_links = assignment.seconds.shape
    times = pa.table(
        [
            pa.array(np.repeat(np.arange(spans, dtype=np.int32), n_links)),
            pa.array(np.tile(np.arange(n_links, dtype=np.int32), spans)),
            pa.array(assignment.seconds.ravel()),
        ],
        schema=_TIMES,
    )
    pq.write_table(times, beside / TIMES, compression="zstd")
    head = {
        "schema_version": _VERSION,
        "city": city,
        "network_sha256": network_checksum(network),
        "seed": assignment.seed,
        "replication": assignment.replication,
        "day": assignment.day,
        "begin_s": assignment.begin_s,
        "slice_s": assignment.span_s,
        "slices": spans,
        "spread": assignment.spread,
        "trips": len(assignment.trips),
        "iterations": [iteration._asdict() for iteration in assignment.iterations],
    }
    (beside / HEAD).write_text(json.dumps(head, indent=1) + "\n", "utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    beside.rename(folder)
    return folder


def check_assignment(folder: Path, network: Network) -> dict[str, Any]:
    """Return the head of the assignment of a folder; its tables are not read.

    Raises
    ------
    NotFoundError
        If there is none.
    InputError
        If the head is damaged, or of another network.
    """
    if not (folder / HEAD).is_file():
        raise NotFoundError(
            f"{str(folder)!r} is no folder of an assignment", field="traffic.routes", hint=_HINT
        )
    head = _head(folder / HEAD)
    if head["network_sha256"] != network_checksum(network):
        raise InputError(
            f"is of the city '{head['city']}' with other roads than this one's",
            file=folder / HEAD,
            field="network_sha256",
            hint=_HINT,
        )
    return head


def assignment_checksum(folder: Path) -> str:
    """Return the SHA-256 of the folder of an assignment; of a missing file, that of none."""
    digest = hashlib.sha256()
    for name in (HEAD, ROUTES, TIMES):
        file = folder / name
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def load_assignment(folder: Path, network: Network) -> Assignment:
    """Return the assignment of a folder.

    Raises
    ------
    NotFoundError
        If there is none.
    InputError
        If it is damaged, or of another network.
    """
    head = check_assignment(folder, network)
    trips, ptr, links = _routes(folder / ROUTES, network)
    return Assignment(
        trips,
        ptr,
        links,
        _times(folder / TIMES, int(head["slices"]), network),
        float(head["begin_s"]),
        float(head["slice_s"]),
        float(head["spread"]),
        int(head["seed"]),
        int(head["replication"]),
        str(head["day"]),
        tuple(Iteration(**row) for row in head["iterations"]),
    )


_FIELDS = {
    "city": str, "network_sha256": str, "seed": int, "replication": int, "day": str,
    "begin_s": float, "slice_s": float, "slices": int, "spread": float, "iterations": list,
}  # fmt: skip
_POSITIVE = ("slice_s", "slices")
_MOST = 1e6


def _head(file: Path) -> dict[str, Any]:
    try:
        head = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError("is not JSON", file=file, hint=_HINT) from error
    if not isinstance(head, dict) or head.get("schema_version") != _VERSION:
        raise InputError(
            f"is not an assignment of version {_VERSION}", file=file, field="schema_version"
        )
    for name, kind in _FIELDS.items():
        value: Any = head.get(name)
        right = isinstance(value, (int, float) if kind is float else kind)
        if not right or isinstance(value, bool) or (kind is float and not np.isfinite(value)):
            raise InputError("the field is missing or wrong", file=file, field=name, hint=_HINT)
        if name in _POSITIVE and not 0 < value < _MOST:
            raise InputError(f"{value} is not a positive number", file=file, field=name)
    if not 0.0 <= head["spread"] <= MOST_SPREAD:
        raise InputError(f"{head['spread']} is not in 0..{MOST_SPREAD}", file=file, field="spread")
    for row in head["iterations"]:
        if not isinstance(row, dict) or set(row) != set(Iteration._fields):
            raise InputError("an iteration is damaged", file=file, field="iterations", hint=_HINT)
    return head


def _read(file: Path, schema: pa.Schema) -> pa.Table:
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise InputError("is missing or damaged", file=file, hint=_HINT) from error
    for field in schema:
        if field.name not in table.schema.names:
            raise InputError("has no such column", file=file, field=field.name, hint=_HINT)
        column = table[field.name]
        if not column.type.equals(field.type) or column.null_count:
            raise InputError(
                f"is not a column of {field.type} without gaps", file=file, field=field.name
            )
    return table.select(schema.names).combine_chunks()


def _routes(file: Path, network: Network) -> tuple[I64, I32, I32]:
    table = _read(file, _ROUTES)
    trips = table["trip"].to_numpy().astype(np.int64)
    if (np.diff(trips) <= 0).any():
        raise InputError("trips are not in ascending order", file=file, field="trip", hint=_HINT)
    rows = table["links"].combine_chunks()
    if isinstance(rows, pa.ChunkedArray):
        rows = pa.concat_arrays(rows.chunks) if rows.num_chunks else pa.array([], _ROUTES[1].type)
    ptr = np.zeros(len(trips) + 1, np.int32)
    if len(trips):
        ptr[:] = rows.offsets.to_numpy()
    links = rows.values.to_numpy(zero_copy_only=False).astype(np.int32)[ptr[0] : ptr[-1]]
    ptr = ptr - ptr[0]
    if len(links) and (links.min() < 0 or links.max() >= network.n_links):
        raise InputError("a route holds a link that is not there", file=file, field="links")
    return trips, ptr, links


def _times(file: Path, spans: int, network: Network) -> F32:
    table = _read(file, _TIMES)
    number = table["slice"].to_numpy().astype(np.int64) * network.n_links
    number += table["link"].to_numpy()
    seconds: F32 = table["seconds"].to_numpy().astype(np.float32)
    if not np.array_equal(number, np.arange(spans * network.n_links)):
        raise InputError("does not hold every link of every slice in order", file=file, hint=_HINT)
    if not (np.isfinite(seconds).all() and (seconds >= 0).all()):
        raise InputError("a time is negative or not finite", file=file, field="seconds")
    return seconds.reshape(spans, network.n_links)
