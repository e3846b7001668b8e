"""A network from a SUMO network file: lanes, movements, right of way and signals as it says them.

Nothing that the file states is worked out anew. What is inside a junction in SUMO belongs to the
link behind it here: its length is that of the edge and of the way through the junction that leads
to it, so that vehicles stop at the same line and drive as far.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import Proj
from pyproj.exceptions import ProjError

from twin.core.errors import InputError
from twin.network.build import BuildReport
from twin.network.conflicts import foe_rows
from twin.network.geometry import Projection, pointer
from twin.network.graph import F64, I32, U8, Network, RoadClass, TurnKind, TurnYield
from twin.network.impute import DEFAULTS
from twin.network.sumo_lanes import bus_lanes, own_lanes, turn_lanes
from twin.network.sumo_read import Connection, Edge, SumoFile, read_file
from twin.network.sumo_signals import Groups, signal_groups
from twin.network.sumo_turns import Turns, movements, right_of_way, yields
from twin.network.tags import road_class

_DIRECTION = {
    "s": TurnKind.THROUGH,
    "r": TurnKind.RIGHT,
    "R": TurnKind.RIGHT,
    "l": TurnKind.LEFT,
    "L": TurnKind.LEFT,
    "t": TurnKind.U_TURN,
}
_BENDING = frozenset("rRlL")
FAST_SHARE = 0.75
"""Share of the lower speed limit of both roads from which a bend is driven as straight on."""
_SPEED_CLASS = (
    (24.0, RoadClass.MOTORWAY),
    (16.0, RoadClass.PRIMARY),
    (12.0, RoadClass.SECONDARY),
    (7.0, RoadClass.RESIDENTIAL),
)
_MAX_INSIDE = 8


class SumoEdges(NamedTuple):
    """How links are called in SUMO; L links.

    Attributes
    ----------
    edge
        (L,) id of the edge.
    entry_m
        (L,) metres at the start of the link that lie inside the junction in SUMO.
    lanes
        (L,) numbers of the edge's lanes that are lanes of the link, from the kerb.
    """

    edge: list[str]
    entry_m: F64
    lanes: list[tuple[int, ...]]


class SumoNetwork(NamedTuple):
    """A network that was read.

    Attributes
    ----------
    network
        The network.
    report
        What was done.
    edges
        What its links are called in the file.
    actuated
        Signals that the file runs by what stands before them.
    """

    network: Network
    report: BuildReport
    edges: SumoEdges
    actuated: I32


def read_sumo(path: Path | str) -> SumoNetwork:
    """Return the network of a `.net.xml` file, gzip or not.

    Raises
    ------
    InputError
        Naming the file, the element and the attribute of the first fault.
    """
    file = read_file(path)
    counts: Counter[str] = Counter()
    edges = list(file.edges.values())
    place = {edge.id: k for k, edge in enumerate(edges)}
    turns = movements(file, place)
    inside = np.array([_inside(file, rows) for rows in turns.rows]).reshape(-1, 2)
    entry = _entry(turns, inside[:, 0], len(edges))
    low, high = turn_lanes(file, edges, (turns.start, turns.end), turns.rows, counts)
    rows = [row for group in turns.rows for row in group]
    own_turn, own_lane = own_lanes(file, edges, (turns.start, turns.end), turns.rows, low)
    groups, lamp = signal_groups(file, rows, counts)
    turn_group = _turn_group(turns, dict(zip(rows, lamp, strict=True)), groups, counts)
    yielding, foe = right_of_way(file, turns)
    foe_ptr, foe_turn = foe_rows(yielding, foe, len(turns.rows))
    nodes = {name: k for k, name in enumerate(_used_nodes(edges))}
    lon0, lat0, node_xy, lines = _places(file, edges, nodes)
    lon, lat = Projection(lon0, lat0).inverse(node_xy[:, 0], node_xy[:, 1])
    link_class = np.array([_class(edge) for edge in edges], np.uint8)
    lanes = np.array([len(edge.lanes) for edge in edges], np.uint8)
    speed = np.array([np.mean([lane.speed for lane in edge.car_lanes]) for edge in edges])
    length = np.array([np.mean([lane.length for lane in edge.car_lanes]) for edge in edges])
    counts["edges whose lanes differ in speed"] = sum(
        len({lane.speed for lane in edge.car_lanes}) > 1 for edge in edges
    )
    names = tuple(dict.fromkeys(edge.name for edge in edges if edge.name))
    name_place = {name: k for k, name in enumerate(names)}
    kind = _kinds(file, turns, speed, inside[:, 1])
    node_signal = _node_signals(file, edges, nodes, groups)
    all_stop = np.array([file.junctions[edge.end].kind == "allway_stop" for edge in edges])
    turn_yield = yields(file, turns, np.diff(foe_ptr) > 0, all_stop, counts)
    capacity = np.array([DEFAULTS[RoadClass(c)].capacity for c in link_class]) * lanes
    more = [(g, window) for g, windows in enumerate(groups.greens) for window in windows[1:]]
    buses = bus_lanes(edges)
    f32, i32 = np.float32, np.int32
    network = Network(
        lon0=lon0,
        lat0=lat0,
        node_id=np.arange(1, len(nodes) + 1, dtype=np.int64),
        node_lon=lon,
        node_lat=lat,
        node_x=node_xy[:, 0].copy(),
        node_y=node_xy[:, 1].copy(),
        node_signal=node_signal,
        link_id=np.arange(1, len(edges) + 1, dtype=np.int64),
        link_from=np.array([nodes[edge.start] for edge in edges], i32),
        link_to=np.array([nodes[edge.end] for edge in edges], i32),
        link_length=np.maximum(length + entry, 1.0).astype(f32),
        link_speed=speed.astype(f32),
        link_lanes=lanes,
        link_capacity=capacity.astype(f32),
        link_class=link_class,
        link_name=np.array([name_place.get(edge.name, -1) for edge in edges], i32),
        geom_ptr=pointer(np.array([len(line) for line in lines])).astype(i32),
        geom_x=np.concatenate(lines)[:, 0].astype(f32),
        geom_y=np.concatenate(lines)[:, 1].astype(f32),
        turn_ptr=pointer(np.bincount(turns.start, minlength=len(edges))).astype(i32),
        turn_to=turns.end.astype(i32),
        turn_kind=kind,
        turn_lane_lo=low,
        turn_lane_hi=high,
        turn_group=turn_group,
        turn_yield=turn_yield,
        foe_ptr=foe_ptr.astype(i32),
        foe_turn=foe_turn.astype(i32),
        signal_node=_signal_nodes(node_signal, groups),
        signal_cycle=np.array(groups.cycle, f32),
        signal_offset=np.array(groups.offset, f32),
        group_signal=np.array(groups.group_signal, i32),
        group_green_from=np.array([windows[0][0] for windows in groups.greens], f32),
        group_green_to=np.array([windows[0][1] for windows in groups.greens], f32),
        names=names,
        more_group=np.array([group for group, _ in more], i32),
        more_from=np.array([begin for _, (begin, _) in more], f32),
        more_to=np.array([end for _, (_, end) in more], f32),
        bus_link=np.array([link for link, _ in buses], i32),
        bus_lane=np.array([lane for _, lane in buses], i32),
        own_turn=own_turn.astype(i32),
        own_lane=own_lane.astype(i32),
    )
    report = BuildReport(source=file.path, imputed={"capacity": 1.0})
    report.counts = {
        "edges": len(edges),
        "junctions": len(nodes),
        "movements": len(turns.rows),
        "turns round": int((kind == TurnKind.U_TURN).sum()),
        "roundabouts": file.roundabouts,
        "signals": len(groups.signal_of),
        "bus lanes": len(buses),
        "groups with several greens a cycle": len({group for group, _ in more}),
        "turns after a stop on red": int((turn_yield == TurnYield.ON_RED).sum()),
        **{f"left out: {what}": n for what, n in sorted(file.left_out.items())},
        **{what: int(n) for what, n in sorted(counts.items()) if n},
    }
    own = [tuple(lane.number for lane in edge.lanes) for edge in edges]
    called = SumoEdges([edge.id for edge in edges], entry, own)
    actuated = [
        signal for name, signal in groups.signal_of.items() if file.programs[name].kind != "static"
    ]
    return SumoNetwork(network, report, called, np.array(actuated, i32))


def _used_nodes(edges: list[Edge]) -> dict[str, None]:
    return dict.fromkeys(name for edge in edges for name in (edge.start, edge.end))


def _inside(file: SumoFile, rows: list[int]) -> tuple[float, float]:
    """Return the mean length of the ways of a movement through its junction, and its speed."""
    length, speed = 0.0, np.inf
    for row in rows:
        lane = file.connections[row].via
        for _ in range(_MAX_INSIDE):
            if lane not in file.inner:
                break
            length += file.inner[lane][0]
            speed = min(speed, file.inner[lane][1])
            lane = file.onward.get(lane, "")
    return length / len(rows), speed


def _entry(turns: Turns, inside: F64, n_links: int) -> F64:
    """Return (L,) the mean length of the ways that lead to each link through its junction."""
    count = np.bincount(turns.end, minlength=n_links)
    total = np.bincount(turns.end, weights=inside, minlength=n_links)
    mean: F64 = total / np.maximum(count, 1)
    return mean


def _turn_group(
    turns: Turns, lamp: dict[int, int], groups: Groups, counts: Counter[str]
) -> NDArray[np.int32]:
    """Return (T,) the group of each movement; where lanes differ, that of the longest green."""
    out = np.full(len(turns.rows), -1, np.int32)
    for turn, rows in enumerate(turns.rows):
        shown = {lamp[row] for row in rows}
        counts["movements whose lanes have different lamps"] += len(shown) > 1
        lit = sorted(shown - {-1})
        if lit:
            out[turn] = max(lit, key=groups.green_s)
    return out


def _kinds(file: SumoFile, turns: Turns, speed: F64, inside_speed: F64) -> U8:
    """Return (T,) kinds: what bends so little that nobody slows down for it is straight on."""
    kind = np.zeros(len(turns.rows), np.uint8)
    for turn, rows in enumerate(turns.rows):
        joined: Connection = file.connections[rows[0]]
        limit = min(speed[turns.start[turn]], speed[turns.end[turn]])
        bends = joined.direction in _BENDING
        # Without ways through the junction nothing is known of their speed.
        fast = np.isfinite(inside_speed[turn]) and inside_speed[turn] >= FAST_SHARE * limit
        if not (bends and fast and joined.direction in "RL"):
            kind[turn] = _DIRECTION.get(joined.direction, TurnKind.THROUGH)
    return kind


def _node_signals(
    file: SumoFile, edges: list[Edge], nodes: dict[str, int], groups: Groups
) -> NDArray[np.int32]:
    out = np.full(len(nodes), -1, np.int32)
    end = {edge.id: edge.end for edge in edges}
    for rows in file.order.values():
        for row in rows:
            joined = file.connections[row]
            if row >= 0 and joined.light in groups.signal_of:
                out[nodes[end[joined.start]]] = groups.signal_of[joined.light]
    return out


def _signal_nodes(node_signal: NDArray[np.int32], groups: Groups) -> NDArray[np.int32]:
    """Return (S,) a node of each controller."""
    first = {signal: node for node, signal in reversed(list(enumerate(node_signal.tolist())))}
    return np.array([first.get(signal, 0) for signal in range(len(groups.cycle))], np.int32)


def _class(edge: Edge) -> RoadClass:
    """Return the class by the OSM type of an edge, or by its speed where it has none."""
    for part in edge.kind.split("|"):
        found = road_class(part.removeprefix("highway."))
        if found is not None:
            return found[0]
    speed = max(lane.speed for lane in edge.car_lanes)
    for least, kind in _SPEED_CLASS:
        if speed >= least:
            return kind
    return RoadClass.SERVICE


def _places(
    file: SumoFile, edges: list[Edge], nodes: dict[str, int]
) -> tuple[float, float, F64, list[F64]]:
    """Return the origin, the nodes and the centre lines in metres around it."""
    node = np.array([(file.junctions[name].x, file.junctions[name].y) for name in nodes])
    inner = [np.array(edge.shape[1:-1], np.float64).reshape(-1, 2) for edge in edges]
    ptr = pointer(np.array([len(line) for line in inner]))
    every = np.concatenate([node, *inner])
    if file.projection:
        try:
            lon, lat = Proj(file.projection)(
                every[:, 0] - file.offset[0], every[:, 1] - file.offset[1], inverse=True
            )
        except ProjError as error:
            raise InputError(
                f"the projection is not known ({error})",
                file=file.path,
                row="location",
                field="projParameter",
            ) from error
        if not (np.abs(lon) <= 180.0).all() or not (np.abs(lat) <= 85.0).all():
            raise InputError(
                "the projection puts roads off the globe",
                file=file.path,
                row="location",
                field="projParameter",
            )
        count = len(node)
        lon0 = float((lon[:count].min() + lon[:count].max()) / 2.0)
        lat0 = float((lat[:count].min() + lat[:count].max()) / 2.0)
        x, y = Projection(lon0, lat0).forward(lon, lat)
    else:
        lon0 = lat0 = 0.0
        x, y = every[:, 0], every[:, 1]
    xy = np.stack([x, y], axis=1)
    corner, bend = xy[: len(node)], xy[len(node) :]
    lines = [
        np.concatenate(
            [corner[[nodes[edge.start]]], bend[ptr[k] : ptr[k + 1]], corner[[nodes[edge.end]]]]
        )
        for k, edge in enumerate(edges)
    ]
    return lon0, lat0, corner, lines
