"""The public files that San Francisco is made from, and readers that refuse what cannot be."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from calibration.recipes.recipe import SourceFile
from twin.core.errors import InputError

CALLS = SourceFile(
    "san_francisco/ems/sffd_calls_2016-12-31_2017-01-07.csv.gz",
    "fire department calls for service, 2016-12-31 to 2017-01-07",
    "https://data.sfgov.org/d/nuek-vuh3 (DataSF; filter by call date)",
    "ODC PDDL",
)
NODES = SourceFile(
    "san_francisco/network/bayarea_nodes.csv.gz",
    "junctions of the Bay Area's streets, tertiary and above",
    "https://github.com/Xuan-1998/LPSim (berkeley_2018/new_tertiary/nodes.csv), "
    "made from OpenStreetMap",
    "ODbL, (c) OpenStreetMap contributors",
)
EDGES = SourceFile(
    "san_francisco/network/bayarea_edges.csv.gz",
    "streets of the Bay Area, tertiary and above, with lanes and speeds",
    "https://github.com/Xuan-1998/LPSim (berkeley_2018/new_tertiary/edges.csv), "
    "made from OpenStreetMap",
    "ODbL, (c) OpenStreetMap contributors",
)
STATIONS = SourceFile(
    "san_francisco/facilities/sf_fire_stations.csv",
    "the 45 fire stations",
    "https://data.sfgov.org (DataSF, city facilities: fire stations)",
    "ODC PDDL",
)
HOSPITALS = SourceFile(
    "san_francisco/facilities/sf_health_care_facilities.csv",
    "health care facilities",
    "https://data.sfgov.org/d/dakv-kk95 (DataSF)",
    "ODC PDDL",
)
ZONES = SourceFile(
    "san_francisco/demand/sf_taz981.geojson.gz",
    "the 981 traffic analysis zones",
    "https://github.com/cb-cities/sf_abm (1_OD), from SFCTA TNCs Today",
    "SFCTA public data",
)
DISTRICTS = SourceFile(
    "san_francisco/demand/sf_dist15.geojson.gz",
    "the 15 districts of the origin-destination tables",
    "https://github.com/sfcta/prospector (assets/connectsf), SFCTA ConnectSF",
    "Apache-2.0",
)
PEOPLE = SourceFile(
    "san_francisco/demand/sfcta_taz_pop_jobs_2015_2050.csv.gz",
    "population and jobs by zone, 2015",
    "https://github.com/sfcta/prospector (assets/connectsf/jobpop.zip), SFCTA ConnectSF",
    "Apache-2.0",
)
TRIPS = SourceFile(
    "san_francisco/demand/sfcta_od_15districts_mode_purpose_2015_2050.csv.gz",
    "modelled person trips of a weekday between districts by mode and purpose, 2015",
    "https://github.com/sfcta/prospector (assets/connectsf/trippattern.zip), SFCTA ConnectSF",
    "Apache-2.0",
)
RIDE_HAIL = SourceFile(
    "san_francisco/demand/sfcta_tnc_pickups_dropoffs_taz_dow_hour.csv.gz",
    "ride-hail pick-ups and drop-offs by zone, weekday and hour, late 2016",
    "https://tncstoday.sfcta.org (SFCTA TNCs Today)",
    "SFCTA public data",
)
DETECTORS = SourceFile(
    "san_francisco/traffic/pems_hour_sf_2016_2020.csv.gz",
    "hourly flows of a typical weekday on the freeways",
    "https://github.com/BayAreaMetro/pems-typical-weekday, from Caltrans PeMS "
    "(https://pems.dot.ca.gov)",
    "public data; credit Caltrans PeMS and MTC",
)
FILES = (
    *(CALLS, NODES, EDGES, STATIONS, HOSPITALS, ZONES),
    *(DISTRICTS, PEOPLE, TRIPS, RIDE_HAIL, DETECTORS),
)


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
