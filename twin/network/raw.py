"""Roads as a reader found them, before the clean-up that traffic needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.core.errors import InputError
from twin.network.graph import RoadClass

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]

MAX_LANES = 12
MAX_SPEED_MPS = 60.0
MAX_LENGTH_M = 200_000.0


@dataclass(frozen=True, slots=True)
class RawRoads:
    """Nodes and directed links as column tables; N nodes, L links, R restrictions.

    Attributes
    ----------
    node_id, node_lon, node_lat, node_signal
        (N,) unique external number; WGS84 degrees; whether traffic signals stand there.
    link_id, link_from, link_to
        (L,) external number; `node_id` of both ends. A two-way road is two links.
    link_length, link_speed, link_lanes, link_class
        (L,) metres (nan: take it from the geometry); free-flow speed in m/s (nan: unknown); lanes
        of this direction (0: unknown); `RoadClass`.
    link_ramp, link_roundabout
        (L,) whether the link is a slip road; whether it circulates round an island.
    link_name
        (L,) index into `names`, -1 for none.
    link_bus
        (L,) bits of the lanes that only buses may use, the lowest for lane 0 at the kerb.
    geom_ptr, geom_lon, geom_lat
        (L + 1,), (V,), (V,) vertices of each link, both ends included; an empty row is a straight
        line.
    restriction_from, restriction_to, restriction_only
        (R,) link *indices* of a turn that is banned, or, where `only`, is the only one allowed.
    names
        Street names.
    source
        File that the roads were read from, for messages.
    left_out
        Counts of what the reader left out, by reason.
    """

    node_id: I64
    node_lon: F64
    node_lat: F64
    node_signal: Flags
    link_id: I64
    link_from: I64
    link_to: I64
    link_length: F64
    link_speed: F64
    link_lanes: U8
    link_class: U8
    link_ramp: Flags
    link_roundabout: Flags
    link_name: I32
    link_bus: I32
    geom_ptr: I64
    geom_lon: F64
    geom_lat: F64
    restriction_from: I64
    restriction_to: I64
    restriction_only: Flags
    names: tuple[str, ...] = ()
    source: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)


def raw_roads(
    *,
    node_id: ArrayLike,
    node_lon: ArrayLike,
    node_lat: ArrayLike,
    link_from: ArrayLike,
    link_to: ArrayLike,
    node_signal: ArrayLike | None = None,
    link_id: ArrayLike | None = None,
    link_length: ArrayLike | None = None,
    link_speed: ArrayLike | None = None,
    link_lanes: ArrayLike | None = None,
    link_class: ArrayLike | None = None,
    link_ramp: ArrayLike | None = None,
    link_roundabout: ArrayLike | None = None,
    link_name: ArrayLike | None = None,
    link_bus: ArrayLike | None = None,
    geometry: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    restrictions: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    names: Sequence[str] = (),
    source: str = "",
    left_out: Mapping[str, int] | None = None,
) -> RawRoads:
    """Make `RawRoads` from what is known; see there for the columns. The rest is unknown.

    Parameters
    ----------
    geometry
        `(ptr, lon, lat)`, or None for straight links.
    restrictions
        `(from link, to link, only)`, or None.

    Raises
    ------
    InputError
        If a value is absurd; the message names the column and the record.
    """
    nodes = np.asarray(node_id, np.int64)
    start = np.asarray(link_from, np.int64)
    count = len(start)
    ptr, lon, lat = (np.zeros(count + 1), (), ()) if geometry is None else geometry
    ban_from, ban_to, ban_only = ((), (), ()) if restrictions is None else restrictions

    def column(value: ArrayLike | None, default: float, kind: type[np.generic]) -> NDArray:  # type: ignore[type-arg]
        return np.full(count, default, kind) if value is None else np.asarray(value, kind)

    raw = RawRoads(
        node_id=nodes,
        node_lon=np.asarray(node_lon, np.float64),
        node_lat=np.asarray(node_lat, np.float64),
        node_signal=np.zeros(len(nodes), np.bool_)
        if node_signal is None
        else np.asarray(node_signal, np.bool_),
        link_id=np.arange(1, count + 1, dtype=np.int64)
        if link_id is None
        else np.asarray(link_id, np.int64),
        link_from=start,
        link_to=np.asarray(link_to, np.int64),
        link_length=column(link_length, np.nan, np.float64),
        link_speed=column(link_speed, np.nan, np.float64),
        link_lanes=column(link_lanes, 0, np.uint8),
        link_class=column(link_class, RoadClass.RESIDENTIAL, np.uint8),
        link_ramp=column(link_ramp, 0, np.bool_),
        link_roundabout=column(link_roundabout, 0, np.bool_),
        link_name=column(link_name, -1, np.int32),
        link_bus=column(link_bus, 0, np.int32),
        geom_ptr=np.asarray(ptr, np.int64),
        geom_lon=np.asarray(lon, np.float64),
        geom_lat=np.asarray(lat, np.float64),
        restriction_from=np.asarray(ban_from, np.int64),
        restriction_to=np.asarray(ban_to, np.int64),
        restriction_only=np.asarray(ban_only, np.bool_),
        names=tuple(names),
        source=source,
        left_out=dict(left_out or {}),
    )
    check_roads(raw)
    return raw


def check_roads(raw: RawRoads) -> None:
    """Refuse roads that cannot be.

    Raises
    ------
    InputError
        Naming the file, the record and the column of the first fault of each column.
    """
    if not len(raw.node_id) or not len(raw.link_id):
        raise InputError("there are no roads in it", file=raw.source or None)

    def refuse(bad: Flags, ids: I64, what: str, field: str, why: str) -> None:
        if bad.any():
            k = int(np.argmax(bad))
            raise InputError(why, file=raw.source or None, row=f"{what} {ids[k]}", field=field)

    def unique(ids: I64, what: str) -> None:
        order = np.argsort(ids, kind="stable")
        twice = np.zeros(len(ids), np.bool_)
        twice[order[1:]] = ids[order[1:]] == ids[order[:-1]]
        refuse(twice, ids, what, "id", f"the {what} number occurs twice")

    node, link = raw.node_id, raw.link_id
    unique(node, "node")
    unique(link, "link")
    lon_ok = np.abs(raw.node_lon) <= 180.0
    lat_ok = np.abs(raw.node_lat) <= 85.0
    refuse(~lon_ok, node, "node", "lon", "the longitude is not a number from -180 to 180")
    refuse(~lat_ok, node, "node", "lat", "the latitude is not a number from -85 to 85")
    for side, ends in (("from", raw.link_from), ("to", raw.link_to)):
        refuse(~np.isin(ends, node), link, "link", side, "the link ends at an unknown node")
    length, speed = raw.link_length, raw.link_speed
    length_bad = (length < 0.0) | (length > MAX_LENGTH_M)
    speed_bad = (speed <= 0.0) | (speed > MAX_SPEED_MPS)
    why = f"the length is not from 0 to {MAX_LENGTH_M:.0f} m"
    refuse(length_bad, link, "link", "length", why)
    refuse(speed_bad, link, "link", "speed", f"the speed is not from 0 to {MAX_SPEED_MPS:.0f} m/s")
    refuse(
        raw.link_lanes > MAX_LANES, link, "link", "lanes", f"there are more than {MAX_LANES} lanes"
    )
    refuse(raw.link_class > max(RoadClass), link, "link", "class", "the road class does not exist")
    vertex_bad = ~((np.abs(raw.geom_lon) <= 180.0) & (np.abs(raw.geom_lat) <= 85.0))
    per_link = np.zeros(len(link), np.bool_)
    owner = np.repeat(np.arange(len(link)), np.diff(raw.geom_ptr))
    per_link[owner[vertex_bad]] = True
    refuse(per_link, link, "link", "geometry", "a vertex is not on the globe")
