"""Readers of tables and polygons that refuse what cannot be."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from twin.core.errors import InputError


def read_table(path: Path, columns: dict[str, str]) -> pd.DataFrame:
    """Return the named columns of a CSV with the types given.

    Raises
    ------
    InputError
        If the file is damaged, or a column is missing or holds something else.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise InputError("the file is cut short or damaged", file=path) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"not a CSV table: {error}", file=path) from error
    for name, kind in columns.items():
        if name not in table:
            raise InputError("the column is missing", file=path, row=1, field=name)
        if kind == "str":
            continue
        number = pd.to_numeric(table[name], errors="coerce")
        if number.isna().any():
            row = int(number.isna().to_numpy().argmax())
            raise InputError(
                f"{table[name].iloc[row]!r} is no number", file=path, row=row + 2, field=name
            )
        table[name] = number.to_numpy(np.dtype(kind))
    return table[list(columns)]


def read_polygons(path: Path, name: str) -> dict[Any, shapely.Geometry]:
    """Return the valid polygons of a GeoJSON file by the property `name`.

    Raises
    ------
    InputError
        If the file is damaged or a feature has no such property or no polygon.
    """
    try:
        with gzip.open(path) as stream:
            features = json.load(stream)["features"]
    except (EOFError, gzip.BadGzipFile, zlib.error, ValueError, KeyError, TypeError) as error:
        raise InputError("not a whole GeoJSON file", file=path) from error
    polygons = {}
    for row, feature in enumerate(features, start=1):
        try:
            key = feature["properties"][name]
            shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        except (KeyError, TypeError, shapely.errors.GEOSException) as error:
            raise InputError(
                "a feature lacks its name or shape", file=path, row=row, field=name
            ) from error
        polygons[key] = shapely.make_valid(shape)
    return polygons
