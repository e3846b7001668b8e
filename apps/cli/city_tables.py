"""Reads a city's tables of places, demand and recorded calls from files that people bring."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.city.model import OPTIONAL as FURTHER
from twin.city.model import TABLES
from twin.core.clock import instant_of
from twin.core.errors import InputError, Mistakes, did_you_mean
from twin.demand.call_file import SWAPPED
from twin.network.files import require_file
from twin.network.geometry import Projection
from twin.network.graph import Network
from twin.network.locate import Locator
from twin.scenarios.care import UNIT_KINDS

MAX_SNAP_M = 2_000.0
"""A place farther than this from every street is a mistake in its position."""

_OPTIONAL: dict[str, dict[str, Any]] = {
    "zones": {"name": "", "district": "", "jobs": 0.0},
    "zone_links": {"weight": 1.0},
    "stations": {"name": "", "kind": "ems"},
    "units": {"kind": "ambulance", "on_s": 0.0, "off_s": 0.0},
    "hospitals": {"name": "", "level": "local", "capabilities": "emergency", "open": True},
    "history": {
        "kind": "medical",
        "priority": 1,
        **{stamp: None for stamp in TABLES["history"] if stamp.startswith("t_")},
        "transported": False,
        "unit_id": "",
        "unit_kind": "",
        "station_id": "",
        "district": "",
    },
}
"""Columns that may be left out, with what stands in; `link`, `pos_m`, `x`, `y` are worked out."""
_BY_ID = "link_id"
"""Column by which rows of `zone_links` name a link: its external number."""
_WORKED_OUT = frozenset({"link", "pos_m", "x", "y"})
_KEYS = ("call_id", "station_id", "unit_id", "hospital_id", "zone_id")
_KEYED = {"history": 0, "stations": 1, "units": 2, "hospitals": 3, "zones": 4}
_WORDS = {
    ("stations", "kind"): ("ems", "fire", "both"),
    ("units", "kind"): UNIT_KINDS,
    ("hospitals", "level"): ("regional", "local", "basic"),
    ("history", "kind"): ("medical", "fire", "collision"),
    ("call_rates", "kind"): ("medical", "fire"),
    ("call_profile", "kind"): ("medical", "fire"),
}
_RANGES = {
    "lon": (-180.0, 180.0),
    "lat": (-85.0, 85.0),
    "priority": (1.0, 4.0),
    "hour": (0.0, 23.0),
    "on_s": (0.0, 86_400.0),
    "off_s": (0.0, 86_400.0),
    "beds": (0.0, 10_000.0),
    _BY_ID: (-(2.0**53), 2.0**53),
    "walk_ins_per_day": (0.0, 1e6),
}
_TRUE, _FALSE = frozenset({"true", "1", "yes", "t"}), frozenset({"false", "0", "no", "f", ""})


def read_city_table(
    table: str,
    file: Path,
    network: Network,
    *,
    timezone: str = "UTC",
    midnight: datetime | None = None,
    mended: Counter[str] | None = None,
) -> pd.DataFrame:
    """Return a table of a city from a CSV or Parquet file, checked row by row.

    Parameters
    ----------
    table
        A name in `twin.city.model.TABLES`.
    file
        The file; further columns are ignored. `zone_links` names links by their external number,
        `link_id`.
    network
        Streets that places are put on.
    timezone
        Zone of times that name none.
    midnight
        Instant from which times that are plain numbers count seconds.
    mended
        Counts time stamps by the rule that mended them (`twin.core.clock.instant_of`).

    Raises
    ------
    InputError
        Naming file, row and column of each of the first faults.
    """
    kinds = dict(TABLES[table])
    if "bytes" in kinds.values():
        raise InputError(f"the table '{table}' cannot be read from a file of rows", file=file)
    rows = _rows(file)
    optional = _OPTIONAL.get(table, {})
    header = list(rows[0]) if rows else []
    if not rows:
        raise InputError("holds no rows", file=file)
    if table in {"hospitals", "units"}:
        kinds |= {name: kind for name, kind in FURTHER[table].items() if name in header}
    if table == "zone_links":
        # The number of a link in our tables is easily taken for its id in a file of roads.
        if "link" in header:
            raise InputError(
                "numbers of links are not read", file=file, row=1, field="link",
                hint=f"give {_BY_ID}: the id in the file of links, -7 for the way back on 7",
            )  # fmt: skip
        kinds = {_BY_ID if name == "link" else name: kind for name, kind in kinds.items()}
    columns: dict[str, list[Any]] = {}
    wrong = Mistakes()
    for name, kind in kinds.items():
        if name in header:
            columns[name] = []
            for number, row in enumerate(rows, start=2):
                cell = (row[name], table, name, kind, file, number, (timezone, midnight, mended))
                columns[name].append(wrong.take(partial(_value, *cell), None))
                if wrong.full:
                    break
        elif name in optional and name != "t_call":
            columns[name] = [optional[name]] * len(rows)
        elif not (name in _WORKED_OUT and {"lon", "lat"} <= set(header)):
            raise InputError(
                "the column is missing", file=file, row=1, field=name,
                hint=did_you_mean(name, header),
            )  # fmt: skip
    wrong.refuse()
    _check_unique(table, columns, file)
    if _BY_ID in columns:
        columns["link"] = _links_of(columns.pop(_BY_ID), network, file)
        kinds = dict(TABLES[table])
    if "x" in kinds and "x" not in columns:
        projection = Projection(network.lon0, network.lat0)
        x, y = projection.forward(columns["lon"], columns["lat"])
        columns["x"], columns["y"] = x.tolist(), y.tolist()
    if "lon" in kinds and table != "zones":
        link, pos = _snap(columns, network, file)
        if "link" in kinds and "link" not in columns:
            columns["link"], columns["pos_m"] = link, pos
    types = {name: _DTYPES.get(kind, kind) for name, kind in kinds.items()}
    return pd.DataFrame(columns)[list(kinds)].astype(types)


def _links_of(ids: Sequence[int], network: Network, file: Path) -> list[int]:
    """Return the links with these external numbers."""
    place = {number: link for link, number in enumerate(network.link_id.tolist())}
    wrong = Mistakes()
    for row, number in enumerate(ids, start=2):
        if number not in place and not wrong.add(
            InputError(
                f"there is no link {number} in the city", file=file, row=row, field=_BY_ID,
                hint="the clean-up joins links and drops some: `twin city export gmns` lists those "
                "of the city",
            )
        ):  # fmt: skip
            break
    wrong.refuse()
    return [place[number] for number in ids]


_DTYPES = {"timestamp": "datetime64[us, UTC]"}


def _rows(file: Path) -> Sequence[Mapping[str, Any]]:
    require_file(file)
    if file.suffix == ".parquet":
        try:
            frame = pd.read_parquet(file)
        except (OSError, ValueError) as error:
            raise InputError("is not a Parquet file", file=file) from error
        rows: Any = frame.astype(object).where(frame.notna(), None).to_dict("records")
        return list(rows)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            found: list[dict[Any, Any]] = []
            for row in reader:
                surplus = row.pop(None, None)
                cells = sum(value is not None for value in row.values()) + len(surplus or ())
                if cells != len(reader.fieldnames or ()):
                    raise InputError(
                        f"has {cells} cells, the header has {len(reader.fieldnames or ())}",
                        file=file,
                        row=len(found) + 2,
                    )
                found.append(row)
            return found
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text", file=file) from error
    except csv.Error as error:
        raise InputError(f"is not CSV: {error}", file=file) from error


def _value(
    value: Any,
    table: str,
    name: str,
    kind: str,
    file: Path,
    row: int,
    zone: tuple[str, datetime | None, Counter[str] | None],
) -> Any:
    def wrong(why: str, hint: str | None = None) -> InputError:
        return InputError(f"{str(value)[:60]!r} {why}", file=file, row=row, field=name, hint=hint)

    text = "" if value is None else str(value).strip()
    if table == "units" and name == "days" and set(text) - set("1234567"):
        raise wrong("are no days of the week", "a digit for each, as 67 for the weekend")
    if kind == "str":
        words = _WORDS.get((table, name))
        if words and text not in words:
            raise wrong(f"is not one of {', '.join(words)}", did_you_mean(text, words))
        if name in _KEYS and not text and name == _KEYS[_KEYED.get(table, 0)]:
            raise wrong("is no identifier")
        return text
    if kind == "bool":
        if text.lower() not in _TRUE | _FALSE:
            raise wrong("is neither true nor false")
        return text.lower() in _TRUE
    if kind == "timestamp":
        if not text:
            if name == "t_call":
                raise wrong("is no time")
            return None
        return _instant(text, wrong, *zone)
    try:
        number = float(text)
    except ValueError:
        raise wrong("is not a number") from None
    low, high = _RANGES.get(name, (0.0, math.inf))
    if not math.isfinite(number) or not low <= number <= high:
        longitude = name == "lat" and high < abs(number) <= _RANGES["lon"][1]
        raise wrong(f"is not between {low:g} and {high:g}", SWAPPED if longitude else None)
    if kind.startswith("int"):
        if number != int(number):
            raise wrong("is not a whole number")
        return int(number)
    return number


def _instant(
    text: str, wrong: Any, timezone: str, midnight: datetime | None, mended: Counter[str] | None
) -> datetime:
    try:
        seconds = float(text)
    except ValueError:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise wrong("is not a time", "write YYYY-MM-DDTHH:MM:SS") from None
        if not 1900 <= found.year <= 2200:
            raise wrong("is not in the years 1900 to 2200") from None
        return instant_of(found, timezone, mended)
    if midnight is None:
        raise wrong("counts seconds of a day that is not given", "add --day") from None
    if not 0.0 <= seconds < 7 * 86_400.0:
        raise wrong("is not a second of the day")
    return midnight + timedelta(seconds=seconds)


def _check_unique(table: str, columns: Mapping[str, Sequence[Any]], file: Path) -> None:
    if table not in _KEYED:
        return
    name = _KEYS[_KEYED[table]]
    first: dict[Any, int] = {}
    wrong = Mistakes()
    for row, key in enumerate(columns[name], start=2):
        at = first.setdefault(key, row)
        if at != row and not wrong.add(
            InputError(f"{key!r} stands in row {at} already", file=file, row=row, field=name)
        ):
            break
    wrong.refuse()


def _snap(columns: Mapping[str, Any], network: Network, file: Path) -> tuple[Any, Any]:
    link, pos, distance = Locator(network).nearest_many(columns["lon"], columns["lat"])
    far = np.flatnonzero(~(distance <= MAX_SNAP_M))
    lon, lat = np.asarray(columns["lon"])[far], np.asarray(columns["lat"])[far]
    high = _RANGES["lat"][1]
    _, _, other = Locator(network).nearest_many(lat, np.clip(lon, -high, high))
    wrong = Mistakes()
    for k, swapped in zip(far.tolist(), other.tolist(), strict=True):
        said = f"the place is {distance[k] / 1000:,.1f} km from the nearest street"
        hint = SWAPPED if swapped <= MAX_SNAP_M else None
        if not wrong.add(InputError(said, file=file, row=k + 2, field="lon", hint=hint)):
            break
    wrong.refuse()
    return link, pos
