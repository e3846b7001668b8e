"""Reader of computer-aided-dispatch exports: a CSV of unit responses to a canonical table.

A mapping file says which column holds what (`calibration.feeds.mapping`). Each row is kept, mended
by one of the rules below or set aside with its reason; nothing is dropped in silence.

Rules that mend
    * an hour that the autumn clock change repeats is read as the first of the two, unless the
      chain then ran backward or dispatch came over an hour after receipt; one that the spring
      change skips is moved to the end of the gap;
    * a stamp that is no time: blanked;
    * a stamp more than a day after the call, or before it, is no part of the response: blanked;
    * two neighbouring stamps in the wrong order: both blanked, for nothing says which is wrong
      (receipt and dispatch stay);
    * "en route" pressed together with "on scene": the en-route stamp is blanked;
    * a row without a usable position takes that of another response to the same call.

Reasons to set aside
    * an exact repeat of an earlier row, or its row id with other contents; another number of fields
      than the header has; no call or unit number; no time of receipt or dispatch; no position
      inside the mapping's bounds in any response to the call.

Where half of a file's rows or more have such a fault of form, it is refused: the mapping is wrong.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from calibration.feeds.mapping import STAMPS, CadMapping
from calibration.feeds.quality import QualityReport
from twin.core.clock import REPEATED, SKIPPED
from twin.core.errors import InputError, NotFoundError

_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_DAY = pd.Timedelta(days=1)
_HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CadFeed:
    """What a reader makes of an export.

    Attributes
    ----------
    responses
        One row a unit response: `row` (1-based line of the file), `call_id`, `unit_id`,
        `unit_kind`, `nature`, `kind` (medical, fire, collision, other), `priority`, `district`,
        `station_area`, `sequence`, `lon`, `lat`, `transported`, and the stamps `t_call` to
        `t_clear` in UTC (`NaT` where there is none).
    quality
        What became of every row.
    """

    responses: pd.DataFrame
    quality: QualityReport


def read_cad(path: str | Path, mapping: CadMapping) -> CadFeed:
    """Read an export (`.csv` or gzip).

    Raises
    ------
    NotFoundError
        If the file is not there.
    InputError
        If the file is empty, cut short, in another encoding, or lacks a mapped column; or if half
        of its rows or more have another length, a stamp that does not follow the mapping's format
        or lies outside 1970-2100, or a row id of an earlier row. Names file, row and field.
    """
    path = Path(path)
    quality = QualityReport(source=path.name)
    table = _read_columns(path, mapping, quality)
    table = _without_repeats(table, path, mapping, quality)
    table = _stamps(table, path, mapping, quality)
    for column, what in (("call_id", "call number"), ("unit_id", "unit number")):
        table = _keep(table, table[column] != "", f"no {what}", quality)
    for column, what in (("t_call", "time of receipt"), ("t_dispatch", "time of dispatch")):
        table = _keep(table, table[column].notna(), f"no {what}", quality)
    table["transported"] = table["t_leave"].notna() | table["t_hospital"].notna()
    _order_stamps(table, quality)
    table = _positions(table, mapping, quality)
    _meanings(table, mapping, quality)
    columns = [
        *("row", "call_id", "unit_id", "unit_kind", "nature", "kind", "priority", "district"),
        *("station_area", "sequence", "lon", "lat", "transported", *STAMPS),
    ]
    return CadFeed(table[columns].reset_index(drop=True), quality)


def _lines(path: Path, encoding: str) -> Generator[str, None, None]:
    if not path.is_file():
        raise NotFoundError("there is no such file", file=path)
    number = 0
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if zipped else path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                text = line.decode(encoding)
                yield text.removeprefix("\ufeff") if number == 1 else text
    except UnicodeDecodeError as error:
        raise InputError(
            f"not {encoding} text", file=path, row=number, hint="set `encoding` in the mapping"
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            "the compressed file is cut short or damaged", file=path, row=number + 1
        ) from error


def _read_columns(path: Path, mapping: CadMapping, quality: QualityReport) -> pd.DataFrame:
    """Return the mapped columns as text, with the line number of every row."""
    # Closed at once, also where a row is refused: an error keeps alive what it was raised in.
    with closing(_lines(path, mapping.encoding)) as lines:
        header, numbers, columns, ragged = _records(lines, path, mapping)
    quality.rows = len(numbers) + len(ragged)
    if not quality.rows:
        raise InputError("there are no rows below the header", file=path)
    if 2 * len(ragged) >= quality.rows:
        row, fields = ragged[0]
        raise InputError(f"{fields} fields where the header has {len(header)}", file=path, row=row)
    quality.put_aside("another number of fields than the header has", len(ragged))
    return pd.DataFrame({"row": np.array(numbers, dtype=np.int64), **columns})


def _records(
    lines: Iterator[str], path: Path, mapping: CadMapping
) -> tuple[list[str], list[int], dict[str, list[str]], list[tuple[int, int]]]:
    """Return the header, line numbers and mapped columns, and the rows of another width."""
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise InputError("the file is empty", file=path, row=1)
        for name in mapping.columns.values():
            if header.count(name) != 1:
                what = "is missing" if name not in header else "stands twice"
                raise InputError(f"the column {what}", file=path, row=1, field=name)
        places = {name: header.index(source) for name, source in mapping.columns.items()}
        numbers: list[int] = []
        columns: dict[str, list[str]] = {name: [] for name in places}
        ragged: list[tuple[int, int]] = []
        for record in reader:
            if not record:
                continue
            if len(record) != len(header):
                ragged.append((reader.line_num, len(record)))
                continue
            numbers.append(reader.line_num)
            for name, place in places.items():
                columns[name].append(record[place].strip())
    except csv.Error as error:
        raise InputError(f"not a CSV table: {error}", file=path, row=reader.line_num) from error
    return header, numbers, columns, ragged


def _keep(
    table: pd.DataFrame, good: pd.Series, reason: str, quality: QualityReport
) -> pd.DataFrame:
    quality.put_aside(reason, int((~good).sum()))
    return table[good]


def _without_repeats(
    table: pd.DataFrame, path: Path, mapping: CadMapping, quality: QualityReport
) -> pd.DataFrame:
    contents = [column for column in table.columns if column != "row"]
    table = _keep(table, ~table.duplicated(contents), "repeats an earlier row exactly", quality)
    key = ["row_id"] if "row_id" in table else ["call_id", "unit_id", "t_dispatch"]
    again = table.duplicated(key) & (table[key[0]] != "")
    if 2 * again.sum() >= len(table) > 0:
        first = table[again].iloc[0]
        raise InputError(
            f"{first[key[0]]!r} stands on two rows that differ",
            file=path,
            row=int(first["row"]),
            field=mapping.columns[key[0]],
            hint="keep one of them, or name another column",
        )
    return _keep(table, ~again, "has the row id of an earlier row and other contents", quality)


def _stamps(
    table: pd.DataFrame, path: Path, mapping: CadMapping, quality: QualityReport
) -> pd.DataFrame:
    """Turn local wall-clock text into UTC instants."""
    table = table.copy()
    repeated = pd.DataFrame(False, index=table.index, columns=list(STAMPS))
    second = pd.DataFrame(index=table.index)
    skipped = np.zeros(len(table), dtype=bool)
    for stamp in STAMPS:
        if stamp not in mapping.columns:
            table[stamp] = second[stamp] = pd.Series(
                pd.NaT, index=table.index, dtype="datetime64[us, UTC]"
            )
            continue
        local = _read_stamps(table, stamp, path, mapping, quality)
        if mapping.zoned:
            table[stamp] = second[stamp] = local
            continue
        # The two readings of a repeated hour differ; a skipped hour comes back another.
        first, later = (
            local.dt.tz_localize(
                mapping.timezone,
                ambiguous=np.full(len(local), summer),
                nonexistent="shift_forward",
            )
            for summer in (True, False)
        )
        repeated[stamp] = (first != later) & local.notna()
        skipped |= ((first.dt.tz_localize(None) != local) & local.notna()).to_numpy()
        table[stamp], second[stamp] = (t.dt.tz_convert("UTC") for t in (first, later))
    _read_second(table, second, repeated, quality)
    quality.mend(SKIPPED, int(skipped.sum()))
    return table


def _read_stamps(
    table: pd.DataFrame, stamp: str, path: Path, mapping: CadMapping, quality: QualityReport
) -> pd.Series:
    """Return a column of stamps, `NaT` where there is none or what is there is no time.

    Where half of the stamps or more are no times, it is the mapping that is wrong.
    """
    text = table[stamp]
    there = text != ""
    if mapping.zoned:
        named = text.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", regex=True)
        found = pd.to_datetime(
            text.where(there & named), format=mapping.timestamp_format, errors="coerce", utc=True
        ).astype("datetime64[us, UTC]")
    else:
        found = pd.to_datetime(
            text.where(there), format=mapping.timestamp_format, errors="coerce"
        ).astype("datetime64[us]")
    wrong = there & ~found.dt.year.between(_FIRST_YEAR, _LAST_YEAR)
    if wrong.any() and 2 * wrong.sum() >= there.sum():
        row = table[wrong].iloc[0]
        raise InputError(
            f"{row[stamp]!r} is no time of {_FIRST_YEAR}-{_LAST_YEAR} written as "
            f"{mapping.sample()!r}",
            file=path,
            row=int(row["row"]),
            field=mapping.columns[stamp],
        )
    quality.mend(f"{stamp} is no time: blanked", int(wrong.sum()))
    return found.mask(wrong)


def _read_second(
    table: pd.DataFrame, second: pd.DataFrame, repeated: pd.DataFrame, quality: QualityReport
) -> None:
    """Read stamps of the hour that the clock change repeats as its second where that fits.

    That is so where the first reading lies before a stamp ahead of it in the chain, and of a
    receipt where dispatch would come more than an hour after it.
    """
    if not repeated.to_numpy().any():
        return
    moved = pd.DataFrame(False, index=table.index, columns=list(STAMPS))
    gap = table["t_dispatch"] - table["t_call"]
    moved["t_call"] = (
        repeated["t_call"]
        & (gap > _HOUR)
        & (table["t_dispatch"] >= second["t_call"])
        & ~repeated["t_dispatch"]
    )
    table["t_call"] = table["t_call"].mask(moved["t_call"], second["t_call"])
    ahead = table["t_call"]
    for stamp in STAMPS[1:]:
        if stamp == "t_entry":
            continue
        moved[stamp] = repeated[stamp] & (table[stamp] < ahead) & (second[stamp] >= ahead)
        table[stamp] = table[stamp].mask(moved[stamp], second[stamp])
        ahead = ahead.where(table[stamp].isna() | (table[stamp] < ahead), table[stamp])
    late = moved.any(axis=1)
    both = repeated.any(axis=1)
    quality.mend(
        "an hour that the clock change repeats, read as its second where the first would run "
        "backward",
        int(late.sum()),
    )
    quality.mend(REPEATED, int((both & ~late).sum()))


def _order_stamps(table: pd.DataFrame, quality: QualityReport) -> None:
    """Blank the stamps that cannot be true (in place)."""
    call = table["t_call"]
    for stamp in STAMPS[1:]:
        alien = (table[stamp] < call) | (table[stamp] > call + _DAY)
        if stamp == "t_dispatch":
            # Without a dispatch there is no response; with a wrong one its length is unknown.
            quality.mend(
                "dispatched before or a day after receipt: set to receipt", int(alien.sum())
            )
            table.loc[alien, stamp] = call[alien]
        else:
            quality.mend(f"{stamp} before or a day after receipt: blanked", int(alien.sum()))
            table.loc[alien, stamp] = pd.NaT
    for at, later in enumerate(STAMPS[2:], start=2):
        for earlier in reversed(STAMPS[:at]):
            if earlier == "t_entry":
                continue
            wrong = table[later] < table[earlier]
            quality.mend(f"{later} before {earlier}: both blanked", int(wrong.sum()))
            table.loc[wrong, later] = pd.NaT
            if earlier not in {"t_call", "t_dispatch"}:
                table.loc[wrong, earlier] = pd.NaT
    together = (table["t_enroute"] == table["t_onscene"]) & table["t_onscene"].notna()
    quality.mend("t_enroute pressed with t_onscene: t_enroute blanked", int(together.sum()))
    table.loc[together, "t_enroute"] = pd.NaT


def _positions(table: pd.DataFrame, mapping: CadMapping, quality: QualityReport) -> pd.DataFrame:
    if mapping.location_pattern is not None and "location" in table:
        found = table["location"].str.extract(mapping.location_pattern)
    else:
        found = table[["lon", "lat"]]
    lon = pd.to_numeric(found["lon"], errors="coerce")
    lat = pd.to_numeric(found["lat"], errors="coerce")
    west, south, east, north = mapping.bounds
    usable = lon.between(west, east) & lat.between(south, north)
    outside = lon.notna() & lat.notna() & ~usable
    quality.note("position outside the bounds", int(outside.sum()))
    table = table.assign(lon=lon.where(usable), lat=lat.where(usable))
    for axis in ("lon", "lat"):
        table[axis] = table[axis].fillna(table.groupby("call_id")[axis].transform("first"))
    quality.mend(
        "position taken from another response to the call",
        int((table["lon"].notna() & ~usable).sum()),
    )
    return _keep(table, table["lon"].notna(), "no position inside the bounds", quality).copy()


def _meanings(table: pd.DataFrame, mapping: CadMapping, quality: QualityReport) -> None:
    """Put canonical words in the place of the agency's codes (in place)."""
    for column in ("priority_code", "determinant", "district", "station_area"):
        if column not in table:
            table[column] = ""
    if "sequence" in table:
        table["sequence"] = pd.to_numeric(table["sequence"], errors="coerce").fillna(99)
    else:
        table["sequence"] = table.groupby("call_id").cumcount() + 1
    table["sequence"] = table["sequence"].astype(np.int32)
    table["kind"] = table["nature"].map(mapping.kinds).fillna(mapping.kind_otherwise)
    table["unit_kind"] = table["unit_type"].map(mapping.unit_kinds).fillna("other")
    quality.note("unit type unknown to the mapping", int((table["unit_kind"] == "other").sum()))
    by_code = table["priority_code"].map(mapping.priorities.code)
    by_triage = table["determinant"].map(mapping.priorities.determinant)
    known = by_triage.fillna(by_code)
    quality.note("priority code unknown to the mapping", int(known.isna().sum()))
    table["priority"] = known.fillna(mapping.priorities.default).astype(np.int32)
