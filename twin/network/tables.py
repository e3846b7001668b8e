"""Roads from a node table and a link table: GMNS column names, or others through a mapping file.

GMNS is the General Modeling Network Specification (github.com/zephyr-data-specs/GMNS).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twin.core.errors import InputError
from twin.core.units import KMH, MILE_M, MPH
from twin.network.csv_columns import HEADER_ROW, CsvColumns
from twin.network.files import read_text
from twin.network.geometry import pointer
from twin.network.graph import RoadClass
from twin.network.raw import MAX_LANES, MAX_LENGTH_M, MAX_SPEED_MPS, RawRoads, raw_roads
from twin.network.tags import road_class
from twin.network.wkt import line_of

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

_LENGTH = {"m": 1.0, "km": 1000.0, "mi": MILE_M, "ft": 0.3048}
_SPEED = {"km/h": KMH, "mph": MPH, "m/s": 1.0}
_TRUE = {"1", "true", "yes", "t", "y"}
_FALSE = {"0", "false", "no", "f", "n", ""}


class NodeColumns(BaseModel):
    """Where a node table keeps what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = "node_id"
    lon: str = "x_coord"
    lat: str = "y_coord"
    signal: str | None = Field(default="ctrl_type", description="Kind of traffic control.")
    signal_values: tuple[str, ...] = Field(
        default=("signal", "traffic_signals"), description="Values that mean signals."
    )


class LinkColumns(BaseModel):
    """Where a link table keeps what, and in which units."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: str | None = "link_id"
    start: str = Field(default="from_node_id", alias="from")
    end: str = Field(default="to_node_id", alias="to")
    directed: str | None = Field(
        default="directed", description="False where a row stands for both directions."
    )
    length: str | None = "length"
    length_unit: Literal["m", "km", "mi", "ft"] = "m"
    speed: str | None = "free_speed"
    speed_unit: Literal["km/h", "mph", "m/s"] = "km/h"
    lanes: str | None = Field(default="lanes", description="Lanes of one direction; 0: unknown.")
    road_class: str | None = Field(default="facility_type", alias="class")
    class_values: dict[str, str] = Field(
        default={}, description="OSM highway value for each value of `class`."
    )
    default_class: str = Field(default="residential", description="OSM highway value.")
    name: str | None = "name"
    geometry: str | None = Field(default="geometry", description="WKT LINESTRING in degrees.")


class Mapping(BaseModel):
    """How two tables are to be read (see `NodeColumns` and `LinkColumns`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    nodes: NodeColumns = NodeColumns()
    links: LinkColumns = LinkColumns()


def read_mapping(path: Path | str) -> Mapping:
    """Return the mapping of a TOML file.

    Raises
    ------
    InputError
        If it is not a mapping.
    """
    try:
        return Mapping.model_validate(tomllib.loads(read_text(path)))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"it is not TOML ({error})", file=path) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(first["msg"], file=path, field=field) from error


def read_tables(
    nodes: Path | str, links: Path | str, mapping: Mapping | Path | str | None = None
) -> RawRoads:
    """Return the roads of a node table and a link table (CSV, UTF-8, gzip or not).

    Parameters
    ----------
    nodes, links
        The tables.
    mapping
        Column names and units, or a TOML file of them; GMNS names, metres and km/h if left out.
        A column named here must be there; GMNS's optional columns may miss when nothing is named.

    Raises
    ------
    InputError
        Naming the file, the row and the column of the first fault.
    """
    if mapping is None:
        columns = Mapping()
    else:
        columns = mapping if isinstance(mapping, Mapping) else read_mapping(mapping)
    node_table = CsvColumns(nodes, columns.delimiter)
    link_table = CsvColumns(links, columns.delimiter)
    here = columns.nodes
    node_id = node_table.unique_keys(here.id)
    lon = node_table.numbers(here.lon, -180.0, 180.0)
    lat = node_table.numbers(here.lat, -85.0, 85.0)
    signal = np.zeros(len(node_id), np.bool_)
    if field := _optional(node_table, here, "signal"):
        signal = np.isin(node_table.text(field), here.signal_values)
    return _links(link_table, columns.links, node_id, (lon, lat, signal))


def _optional(table: CsvColumns, columns: NodeColumns | LinkColumns, what: str) -> str | None:
    """Return the column of an optional attribute, or None where there is none."""
    field: str | None = getattr(columns, what)
    if field is not None and what not in columns.model_fields_set and field not in table.header:
        return None
    return field


def _links(
    table: CsvColumns, here: LinkColumns, node_id: I64, nodes: tuple[F64, F64, Flags]
) -> RawRoads:
    count = table.count
    ends = []
    for column in (here.start, here.end):
        end = table.keys(column)
        table.refuse(~np.isin(end, node_id), column, "there is no node {} in the node table")
        ends.append(end)
    ids = np.arange(1, count + 1, dtype=np.int64)
    if field := _optional(table, here, "id"):
        ids = table.unique_keys(field)
    length = np.full(count, np.nan)
    if field := _optional(table, here, "length"):
        unit = _LENGTH[here.length_unit]
        length = table.numbers(field, 0.0, MAX_LENGTH_M / unit, required=False) * unit
    speed = np.full(count, np.nan)
    if field := _optional(table, here, "speed"):
        unit = _SPEED[here.speed_unit]
        speed = table.numbers(field, 0.0, MAX_SPEED_MPS / unit, required=False) * unit
        table.refuse(speed == 0.0, field, "a free-flow speed of {} leads nowhere")
    lanes = np.zeros(count)
    if field := _optional(table, here, "lanes"):
        lanes = np.nan_to_num(table.numbers(field, 0.0, MAX_LANES, required=False))
        table.refuse(lanes != np.floor(lanes), field, "{} is not a whole number of lanes")
    kind, ramp = _classes(table, here)
    names: dict[str, int] = {}
    name = np.full(count, -1, np.int32)
    if field := _optional(table, here, "name"):
        name[:] = [names.setdefault(t, len(names)) if t else -1 for t in table.text(field)]
    geometry = _geometry(table, here)
    both = np.zeros(count, np.bool_)
    if field := _optional(table, here, "directed"):
        text = [value.lower() for value in table.text(field)]
        unclear = np.asarray([value not in _TRUE | _FALSE for value in text])
        table.refuse(unclear, field, "{} is neither true nor false")
        both = np.asarray([value in _FALSE for value in text])
    forth, back = np.arange(count), np.flatnonzero(both)
    order = np.concatenate([forth, back])
    # The other direction of a row gets the negative of its number.
    link_id = np.concatenate([ids, -ids[back]])
    lines = [geometry[k] for k in forth] + [geometry[k][::-1] for k in back]
    shape = np.concatenate(lines) if lines else np.zeros((0, 2))
    return raw_roads(
        node_id=node_id,
        node_lon=nodes[0],
        node_lat=nodes[1],
        node_signal=nodes[2],
        link_id=link_id,
        link_from=np.concatenate([ends[0], ends[1][back]]),
        link_to=np.concatenate([ends[1], ends[0][back]]),
        link_length=length[order],
        link_speed=speed[order],
        link_lanes=lanes[order],
        link_class=kind[order],
        link_ramp=ramp[order],
        link_name=name[order],
        geometry=(pointer(np.asarray([len(line) for line in lines])), shape[:, 0], shape[:, 1]),
        names=tuple(names),
        source=str(table.path),
    )


def _classes(table: CsvColumns, here: LinkColumns) -> tuple[NDArray[np.uint8], Flags]:
    fallback = road_class(here.default_class)
    if fallback is None:
        text = f"{here.default_class!r} is not an OSM highway value of a road for cars"
        raise InputError(text, field="links.default_class")
    kind = np.full(table.count, int(fallback[0]), np.uint8)
    ramp = np.full(table.count, fallback[1], np.bool_)
    field = _optional(table, here, "road_class")
    if field is None:
        return kind, ramp
    known: dict[str, tuple[RoadClass, bool] | None] = {"": fallback}
    for value, highway in here.class_values.items():
        known[value] = road_class(highway)
    for k, value in enumerate(table.text(field)):
        if value not in known:
            known[value] = road_class(value.lower().replace(" ", "_"))
        found = known[value]
        if found is None:
            raise InputError(
                f"{value!r} is not a road class",
                file=table.path,
                row=k + HEADER_ROW + 1,
                field=field,
                hint="give its OSM highway value under `class_values` of the mapping",
            )
        kind[k], ramp[k] = found
    return kind, ramp


def _geometry(table: CsvColumns, here: LinkColumns) -> list[F64]:
    """Return (V, 2) longitude and latitude of each row; no vertices where there is no line."""
    field = _optional(table, here, "geometry")
    if field is None:
        return [np.zeros((0, 2))] * table.count
    return [
        line_of(text, file=table.path, row=k + HEADER_ROW + 1, field=field)
        for k, text in enumerate(table.text(field))
    ]
