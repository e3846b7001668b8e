"""Roads from OpenStreetMap files, `.osm` or `.osm.pbf`.

The file is read three times: ways and turn restrictions, then the nodes of those ways. A way is cut
at nodes that another way uses, at its own crossings with itself, and at signals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import osmium
from numpy.typing import NDArray

from twin.core.errors import InputError
from twin.network.files import require_file
from twin.network.geometry import pointer, ranges
from twin.network.osm_bus_lanes import BusLaneReader
from twin.network.osm_faults import find_fault
from twin.network.raw import RawRoads, raw_roads
from twin.network.tags import WayTags, way_tags

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

Entity = TypeVar("Entity", osmium.osm.Node, osmium.osm.Way, osmium.osm.Relation)
_BITS = {
    osmium.osm.Node: osmium.osm.NODE,
    osmium.osm.Way: osmium.osm.WAY,
    osmium.osm.Relation: osmium.osm.RELATION,
}

PIECES_PER_WAY = 10_000
"""Link numbers are `way * PIECES_PER_WAY + piece`, negative against the way's direction."""

_NO_TURN = {
    "no_left_turn",
    "no_right_turn",
    "no_straight_on",
    "no_u_turn",
    "no_entry",
    "no_exit",
}
_ONLY_TURN = {"only_left_turn", "only_right_turn", "only_straight_on", "only_u_turn"}


@dataclass(slots=True)
class _Ways:
    """Ways that cars may use, with the nodes of all of them in one column.

    `left_out` counts what is left out of them.
    """

    way_id: list[int] = field(default_factory=list)
    tags: list[WayTags] = field(default_factory=list)
    count: list[int] = field(default_factory=list)
    refs: list[int] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Restriction:
    from_ways: tuple[int, ...]
    via: int
    to_ways: tuple[int, ...]
    only: bool


def read_osm(path: Path | str) -> RawRoads:
    """Return the roads for cars of an OpenStreetMap file.

    Ways whose nodes are not in the file, as at the edge of an extract, are cut there. Turn
    restrictions over a way instead of a node cannot be expressed by one turn and are left out.

    Raises
    ------
    InputError
        If the file cannot be read, or holds something that cannot be; the message names the node or
        way and the tag.
    """
    path = Path(path)
    require_file(path)
    if not path.stat().st_size:
        raise InputError("the file is empty", file=path)
    ways = _read_ways(path)
    if not ways.way_id:
        raise InputError("there are no roads for cars in it", file=path)
    restrictions = _read_restrictions(path)
    node_id, lon, lat, signal = _read_nodes(path, np.unique(np.asarray(ways.refs, np.int64)))
    return _cut(path, ways, restrictions, (node_id, lon, lat, signal))


def _objects(path: Path, kind: type[Entity], among: list[int] | None = None) -> Iterator[Entity]:
    """Yield the objects of one kind, turning what the parser says into our errors."""
    objects = osmium.FileProcessor(str(path), _BITS[kind])
    if among is not None:
        objects.with_filter(osmium.filter.IdFilter(among))
    last: str | None = None
    try:
        for thing in objects:
            if isinstance(thing, kind):
                yield thing
                last = f"after {kind.__name__.lower()} {thing.id}"
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        fault = find_fault(path)
        raise InputError(
            f"it is not a readable OpenStreetMap file ({fault.why or error})",
            file=path,
            row=last if fault.row is None else fault.row,
            field=fault.field,
        ) from error


def _read_ways(path: Path) -> _Ways:
    ways = _Ways()
    bus_lanes = BusLaneReader(str(path))
    seen: set[int] = set()
    for way in _objects(path, osmium.osm.Way):
        if "highway" not in way.tags:
            continue
        told, row = dict(way.tags), f"way {way.id}"
        tags = way_tags(told, file=str(path), row=row)
        if tags is None:
            continue
        lanes, bits = bus_lanes.read(told, (tags.forward, tags.backward), tags.lanes, row)
        tags = replace(tags, lanes=lanes, bus=bits)
        if way.id in seen:
            raise InputError("the way occurs twice", file=path, row=row, field="id")
        seen.add(way.id)
        refs = [node.ref for node in way.nodes]
        ways.way_id.append(way.id)
        ways.tags.append(tags)
        ways.count.append(len(refs))
        ways.refs.extend(refs)
    ways.left_out = dict(bus_lanes.left_out)
    return ways


def _read_restrictions(path: Path) -> list[_Restriction]:
    found = []
    for relation in _objects(path, osmium.osm.Relation):
        if relation.tags.get("type") != "restriction":
            continue
        rule = relation.tags.get("restriction:motorcar", relation.tags.get("restriction", ""))
        spared = {part.strip() for part in (relation.tags.get("except") or "").split(";")}
        if rule not in _NO_TURN | _ONLY_TURN or spared & {"motorcar", "motor_vehicle"}:
            continue
        members = [(member.type, member.ref, member.role) for member in relation.members]
        from_ways = tuple(ref for kind, ref, role in members if kind == "w" and role == "from")
        to_ways = tuple(ref for kind, ref, role in members if kind == "w" and role == "to")
        via = [(kind, ref) for kind, ref, role in members if role == "via"]
        if from_ways and to_ways and len(via) == 1 and via[0][0] == "n":
            found.append(_Restriction(from_ways, via[0][1], to_ways, rule in _ONLY_TURN))
    return found


def _read_nodes(path: Path, wanted: I64) -> tuple[I64, F64, F64, Flags]:
    """Return number, place and signal flag of those of the wanted nodes that are there."""
    number: list[int] = []
    lon: list[float] = []
    lat: list[float] = []
    signal: list[bool] = []
    for node in _objects(path, osmium.osm.Node, wanted.tolist()):
        if not node.location.valid():
            raise InputError(
                "the place is not on the globe", file=path, row=f"node {node.id}", field="lat"
            )
        number.append(node.id)
        lon.append(node.location.lon)
        lat.append(node.location.lat)
        signal.append(node.tags.get("highway") == "traffic_signals")
    ids = np.asarray(number, np.int64)
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    twice = np.flatnonzero(ids[1:] == ids[:-1])
    if len(twice):
        row = f"node {ids[twice[0]]}"
        raise InputError("the node occurs twice", file=path, row=row, field="id")
    return ids, np.asarray(lon)[order], np.asarray(lat)[order], np.asarray(signal, np.bool_)[order]


def _cut(
    path: Path,
    ways: _Ways,
    restrictions: list[_Restriction],
    nodes: tuple[I64, F64, F64, Flags],
) -> RawRoads:
    """Return the pieces of the ways between junctions, a link for each direction."""
    node_id, lon, lat, signal = nodes
    refs = np.asarray(ways.refs, np.int64)
    owner = np.repeat(np.arange(len(ways.count)), ways.count)
    place = np.searchsorted(node_id, refs)
    there = place < len(node_id)
    there[there] = node_id[place[there]] == refs[there]
    # A vertex said twice in a row would be a piece without length.
    again = np.zeros(len(refs), np.bool_)
    again[1:] = (refs[1:] == refs[:-1]) & (owner[1:] == owner[:-1])
    runs = np.cumsum(~there)
    kept = there & ~again
    node, owner, runs = place[kept], owner[kept], runs[kept]
    if not len(node):
        raise InputError("the nodes of its ways are not in it", file=path)
    start_of_run = np.ones(len(node), np.bool_)
    start_of_run[1:] = (owner[1:] != owner[:-1]) | (runs[1:] != runs[:-1])
    end_of_run = np.append(start_of_run[1:], True)
    used = np.bincount(node, minlength=len(node_id))
    stop = (used[node] > 1) | signal[node] | start_of_run | end_of_run
    first = np.flatnonzero(stop & ~end_of_run)
    stops = np.flatnonzero(stop)
    if not len(first):
        raise InputError("there are no roads for cars in it", file=path)
    last = stops[np.searchsorted(stops, first, side="right")]
    way = owner[first]
    piece = np.arange(len(first)) - np.searchsorted(way, way, side="left")
    tags = ways.tags
    forward = np.asarray([tags[w].forward for w in way.tolist()], np.bool_)
    backward = np.asarray([tags[w].backward for w in way.tolist()], np.bool_)
    row = np.concatenate([np.flatnonzero(forward), np.flatnonzero(backward)])
    against = np.arange(len(row)) >= int(forward.sum())
    count = (last - first + 1)[row]
    line = ranges(first[row], count)
    ptr = pointer(count)
    # The other direction reads its piece from the end.
    turned = np.repeat(against, count)
    within = np.arange(len(line)) - np.repeat(ptr[:-1], count)
    line = np.where(turned, np.repeat(last[row], count) - within, line)
    number = np.asarray(ways.way_id, np.int64)[way[row]] * PIECES_PER_WAY + piece[row]
    names: dict[str, int] = {}
    of = [tags[w] for w in way[row].tolist()]
    side = against.astype(int).tolist()
    name = [names.setdefault(t.name, len(names)) if t.name else -1 for t in of]
    link_from = node_id[node[np.where(against, last[row], first[row])]]
    link_to = node_id[node[np.where(against, first[row], last[row])]]
    ends = np.unique(np.concatenate([node[first], node[last]]))
    return raw_roads(
        node_id=node_id[ends],
        node_lon=lon[ends],
        node_lat=lat[ends],
        node_signal=signal[ends],
        link_id=np.where(against, -number, number),
        link_from=link_from,
        link_to=link_to,
        link_speed=[t.speed[s] for t, s in zip(of, side, strict=True)],
        link_lanes=[t.lanes[s] for t, s in zip(of, side, strict=True)],
        link_class=[int(t.road_class) for t in of],
        link_ramp=[t.ramp for t in of],
        link_roundabout=[t.roundabout for t in of],
        link_name=name,
        link_bus=[t.bus[s] for t, s in zip(of, side, strict=True)],
        geometry=(ptr, lon[node[line]], lat[node[line]]),
        restrictions=_turns(
            restrictions, np.asarray(ways.way_id, np.int64)[way[row]], link_from, link_to
        ),
        names=tuple(names),
        source=str(path),
        left_out=ways.left_out,
    )


def _turns(
    restrictions: list[_Restriction], way: I64, link_from: I64, link_to: I64
) -> tuple[list[int], list[int], list[bool]]:
    """Return restrictions between ways as restrictions between links."""
    into: dict[tuple[int, int], list[int]] = {}
    out_of: dict[tuple[int, int], list[int]] = {}
    for k, (w, a, b) in enumerate(
        zip(way.tolist(), link_from.tolist(), link_to.tolist(), strict=True)
    ):
        into.setdefault((w, b), []).append(k)
        out_of.setdefault((w, a), []).append(k)
    ban_from, ban_to, only = [], [], []
    for rule in restrictions:
        for w in rule.from_ways:
            for a in into.get((w, rule.via), []):
                for v in rule.to_ways:
                    for b in out_of.get((v, rule.via), []):
                        # On one and the same way, only turning round can be meant.
                        if w != v or link_to[b] == link_from[a]:
                            ban_from.append(a)
                            ban_to.append(b)
                            only.append(rule.only)
    return ban_from, ban_to, only
