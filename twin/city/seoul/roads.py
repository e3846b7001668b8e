"""From drawn streets and routes to raw roads: nodes, links, lanes, signals, banned turns."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twin.city.seoul.geography import Land
from twin.city.seoul.ramps import Event, Junctions
from twin.city.seoul.routes import Route
from twin.city.seoul.streets import Kind, Streets
from twin.core.random import Streams
from twin.core.units import KMH
from twin.network.build import RawRoads, raw_roads
from twin.network.graph import RoadClass

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Banned = tuple[list[int], list[int]]
"""Turns that may not be made: from links, to links."""

CARRIAGEWAY_M = 14.0
"""Distance of a carriageway's middle from the route's centre line, metres."""
RAMP_KMH = 50.0
NOSE_M, NOSE_SIDE_M = 40.0, 8.0
"""A ramp first goes so far ahead and to the right: one leaves without turning, metres."""
LEFT_TURN_RAD = np.radians(35.0)

STREET = {
    # kind: class, lanes a direction, km/h
    Kind.MAJOR: (RoadClass.PRIMARY, 6, 50.0),
    Kind.PRIMARY: (RoadClass.PRIMARY, 5, 50.0),
    Kind.SECONDARY: (RoadClass.SECONDARY, 3, 50.0),
    Kind.SHORE: (RoadClass.TERTIARY, 1, 40.0),
    Kind.COLLECTOR: (RoadClass.TERTIARY, 1, 30.0),
    Kind.ALLEY: (RoadClass.RESIDENTIAL, 1, 20.0),
}
SIGNAL_SHARE = {Kind.PRIMARY: 0.45, Kind.SECONDARY: 0.40}
"""Share of the collectors' mouths on an arterial that have signals, by the arterial's kind."""


@dataclass(slots=True)
class Roads:
    """Columns under construction; local metres.

    `kept` holds the numbers of the links in the whole city, where these roads are a part of it.
    """

    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    signal: list[bool] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    stop: list[int] = field(default_factory=list)
    lanes: list[int] = field(default_factory=list)
    kmh: list[float] = field(default_factory=list)
    rank: list[int] = field(default_factory=list)
    ramp: list[bool] = field(default_factory=list)
    name: list[int] = field(default_factory=list)
    shape: list[F64 | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    gate: list[bool] = field(default_factory=list)
    kept: list[int] | None = None

    def node(self, x: float, y: float, *, gate: bool = False) -> int:
        """Add a node."""
        self.x.append(x)
        self.y.append(y)
        self.signal.append(False)
        self.gate.append(gate)
        return len(self.x) - 1

    def link(
        self,
        start: int,
        stop: int,
        *,
        lanes: int,
        kmh: float,
        rank: RoadClass,
        name: str = "",
        ramp: bool = False,
        shape: F64 | None = None,
    ) -> None:
        """Add a directed link."""
        self.start.append(start)
        self.stop.append(stop)
        self.lanes.append(lanes)
        self.kmh.append(kmh)
        self.rank.append(int(rank))
        self.ramp.append(ramp)
        self.shape.append(shape)
        if name and name not in self.names:
            self.names.append(name)
        self.name.append(self.names.index(name) if name else -1)

    def raw(self, land: Land, banned: Banned) -> RawRoads:
        """Return the raw roads; node and link numbers count from 1."""
        lon, lat = land.projection.inverse(np.array(self.x), np.array(self.y))
        parts = [np.zeros((0, 2)) if s is None else s for s in self.shape]
        points = np.concatenate(parts)
        glon, glat = land.projection.inverse(points[:, 0], points[:, 1])
        ptr = np.concatenate([[0], np.cumsum([len(p) for p in parts])])
        return raw_roads(
            node_id=np.arange(1, len(self.x) + 1),
            node_lon=lon,
            node_lat=lat,
            node_signal=self.signal,
            link_from=np.array(self.start) + 1,
            link_to=np.array(self.stop) + 1,
            link_id=None if self.kept is None else np.array(self.kept) + 1,
            link_speed=np.array(self.kmh) * KMH,
            link_lanes=self.lanes,
            link_class=self.rank,
            link_ramp=self.ramp,
            link_name=self.name,
            geometry=(ptr, glon, glat),
            restrictions=(banned[0], banned[1], np.zeros(len(banned[0]), np.bool_)),
            names=self.names,
            source="Seoul, synthesised",
        )


def make_roads(
    streets: Streets, routes: list[Route], junctions: Junctions, streams: Streams
) -> tuple[Roads, Banned]:
    """Return the roads of the whole city and the banned turns (from links, to links)."""
    roads = Roads()
    for x, y, gate in zip(streets.x, streets.y, streets.gate, strict=True):
        roads.node(float(x), float(y), gate=bool(gate))
    for a, b, kind in zip(streets.a, streets.b, streets.rank, strict=True):
        rank, lanes, kmh = STREET[Kind(int(kind))]
        for start, stop in ((int(a), int(b)), (int(b), int(a))):
            roads.link(start, stop, lanes=lanes, kmh=kmh, rank=rank)
    n_street_links = len(roads.start)
    ports = _carriageways(roads, routes, junctions)
    _ramps(roads, routes, junctions, ports)
    _signals(roads, streets, junctions, streams)
    return roads, _banned(roads, streets, n_street_links)


@dataclass(slots=True)
class _Ports:
    """Nodes at which ramps leave and join, by (route, event, direction).

    `nose` is the point, by node, through which a ramp leaves at a small angle.
    """

    leave: dict[tuple[int, int, int], int] = field(default_factory=dict)
    join: dict[tuple[int, int, int], int] = field(default_factory=dict)
    nose: dict[int, tuple[float, float]] = field(default_factory=dict)


def _carriageways(roads: Roads, routes: list[Route], junctions: Junctions) -> _Ports:
    ports = _Ports()
    street_end = {(k, which): node for k, which, node in junctions.ends}
    for k, route in enumerate(routes):
        tips: list[int | None] = []
        for which in (0, 1):
            if route.ends[which] == "gate":
                x, y = route.line.coords[0 if which == 0 else -1]
                tips.append(roads.node(x, y, gate=True))
            else:
                tips.append(street_end.get((k, which)))
        for direction in (0, 1):
            _carriageway(roads, route, (k, direction), junctions.events[k], tips, ports)
    return ports


def _carriageway(
    roads: Roads,
    route: Route,
    which: tuple[int, int],
    events: list[Event],
    tips: list[int | None],
    ports: _Ports,
) -> None:
    """Add one carriageway: nodes where ramps leave and join, and the links between them."""
    k, direction = which
    length = route.line.length
    # Along the driving direction: place, node, lanes that join there.
    stops: list[tuple[float, int, int]] = []
    order = range(len(events)) if direction == 0 else reversed(range(len(events)))
    if (tip := tips[direction]) is not None:
        stops.append((0.0, tip, 0))
    for e in order:
        event = events[e]
        along = event.s if direction == 0 else length - event.s
        starts_here = event.where == ("start", "end")[direction]
        ends_here = event.where == ("end", "start")[direction]
        if not starts_here:
            node = roads.node(*_beside(route, direction, along - event.window))
            ports.leave[k, e, direction] = node
            if not ends_here:
                nose = _beside(route, direction, along - event.window + NOSE_M, NOSE_SIDE_M)
                ports.nose[node] = nose
            stops.append((along - event.window, node, 0))
        if not ends_here:
            node = roads.node(*_beside(route, direction, along + event.window))
            ports.join[k, e, direction] = node
            stops.append((along + event.window, node, event.lanes))
    if (tip := tips[1 - direction]) is not None:
        stops.append((length, tip, 0))
    for (low, start, joined), (high, stop, _) in pairwise(stops):
        middle = 0.5 * (low + high)
        roads.link(
            start,
            stop,
            lanes=route.lanes + joined,
            kmh=route.speed_kmh,
            rank=route.rank,
            name=route.name_at(middle if direction == 0 else length - middle),
            shape=_shape(roads, route, direction, (low, high), (start, stop)),
        )


def _beside(
    route: Route, direction: int, along: float, right_m: float = 0.0
) -> tuple[float, float]:
    """Return the point `along` metres from a carriageway's own start, and to the right of it."""
    sign = 1.0 if direction == 0 else -1.0
    length = route.line.length
    # A negative place would count from the other end.
    s = min(max(along if direction == 0 else length - along, 0.0), length)
    point = route.line.interpolate(s)
    back = route.line.interpolate(max(s - 15.0, 0.0))
    ahead = route.line.interpolate(min(s + 15.0, length))
    hx, hy = ahead.x - back.x, ahead.y - back.y
    norm = max(float(np.hypot(hx, hy)), 1e-9)
    return (
        point.x + sign * (CARRIAGEWAY_M + right_m) * hy / norm,
        point.y - sign * (CARRIAGEWAY_M + right_m) * hx / norm,
    )


def _shape(
    roads: Roads, route: Route, direction: int, span: tuple[float, float], ends: tuple[int, int]
) -> F64:
    low, high = span
    count = max(int((high - low) // 80.0), 0)
    inner = np.linspace(low, high, count + 2)[1:-1]
    points = [_beside(route, direction, float(s)) for s in inner]
    first, last = ((roads.x[n], roads.y[n]) for n in ends)
    return np.array([first, *points, last])


def _ramps(roads: Roads, routes: list[Route], junctions: Junctions, ports: _Ports) -> None:
    def place(k: int, event: Event) -> int:
        return next(i for i, other in enumerate(junctions.events[k]) if other is event)

    def ramp(start: int, stop: int, lanes: int, rank: RoadClass) -> None:
        via = [ports.nose[start]] if start in ports.nose else []
        ends = [(roads.x[node], roads.y[node]) for node in (start, stop)]
        shape = np.array([ends[0], *via, ends[1]])
        roads.link(start, stop, lanes=lanes, kmh=RAMP_KMH, rank=rank, ramp=True, shape=shape)

    for i, one, j, two in junctions.crossings:
        e, f = place(i, one), place(j, two)
        rank = RoadClass(max(routes[i].rank, routes[j].rank))
        for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
            for leave, join in (((i, e, a), (j, f, b)), ((j, f, b), (i, e, a))):
                if leave in ports.leave and join in ports.join:
                    ramp(ports.leave[leave], ports.join[join], one.lanes, rank)
    for k, event, right, left in junctions.exits:
        e = place(k, event)
        for direction, node in ((0, right), (1, left)):
            ramp(ports.leave[k, e, direction], node, event.lanes, routes[k].rank)
            ramp(node, ports.join[k, e, direction], event.lanes, routes[k].rank)


def _signals(roads: Roads, streets: Streets, junctions: Junctions, streams: Streams) -> None:
    """Put signals where arterials meet, at some mouths of collectors, and at expressway exits."""
    degree, best = streets.degree(), streets.best()
    arms = np.zeros((len(Kind), len(streets.x)), np.int64)
    for kind in Kind:
        of_kind = streets.rank == kind
        np.add.at(arms[kind], streets.a[of_kind], 1)
        np.add.at(arms[kind], streets.b[of_kind], 1)
    arterial = arms[: Kind.SECONDARY + 1].sum(axis=0)
    collector = arms[Kind.SHORE] + arms[Kind.COLLECTOR]
    chance = streams.stream("seoul.signals").uniform(size=len(streets.x))
    share = np.where(best <= Kind.PRIMARY, SIGNAL_SHARE[Kind.PRIMARY], SIGNAL_SHARE[Kind.SECONDARY])
    crossing = (arterial >= 3) & (degree >= 3)
    mouth = (arterial == 2) & (collector > 0) & (chance < share)
    for node in np.flatnonzero(crossing | mouth).tolist():
        roads.signal[node] = True
    for _, _, right, left in junctions.exits:
        roads.signal[right] = roads.signal[left] = True
    for _, _, node in junctions.ends:
        if degree[node] > 1:
            roads.signal[node] = True


def _banned(roads: Roads, streets: Streets, n_street_links: int) -> Banned:
    """Ban turns that cross the middle of an arterial where no signal stands.

    A yellow line runs along the middle of such streets; one leaves and enters on the right.
    """
    start, stop = np.array(roads.start[:n_street_links]), np.array(roads.stop[:n_street_links])
    x, y = np.array(roads.x), np.array(roads.y)
    heading = np.arctan2(y[stop] - y[start], x[stop] - x[start])
    kind = np.repeat(streets.rank, 2)
    plain = (streets.best() <= Kind.SECONDARY) & ~np.array(roads.signal[: len(streets.x)])
    out: dict[int, list[int]] = {}
    for link, node in enumerate(start.tolist()):
        if plain[node]:
            out.setdefault(node, []).append(link)
    from_link: list[int] = []
    to_link: list[int] = []
    for link, node in enumerate(stop.tolist()):
        for other in out.get(node, []):
            turn = (heading[other] - heading[link] + np.pi) % (2.0 * np.pi) - np.pi
            minor = int(kind[link] > Kind.SECONDARY) + int(kind[other] > Kind.SECONDARY)
            crosses = (minor and turn > LEFT_TURN_RAD) or (minor == 2 and turn > -LEFT_TURN_RAD)
            if crosses and stop[other] != start[link]:
                from_link.append(link)
                to_link.append(other)
    return from_link, to_link


def clip_roads(roads: Roads, banned: Banned, inside: NDArray[np.bool_]) -> tuple[Roads, Banned]:
    """Return the part of the roads that touches the nodes inside.

    A link that crosses the border is kept to its outer end. Where only one direction of a main
    road crosses at a node, a turning link joins it to the nearest that crosses the other way, so
    that the part hangs together; nobody needs to use it. Nodes keep their numbers.
    """
    start, stop, rank = np.array(roads.start), np.array(roads.stop), np.array(roads.rank)
    within = inside[start] & inside[stop]
    across = (inside[start] != inside[stop]) & (rank <= RoadClass.SECONDARY)
    kept = np.flatnonzero(within | across).tolist()
    part = Roads(
        x=roads.x,
        y=roads.y,
        signal=[s and bool(i) for s, i in zip(roads.signal, inside, strict=True)],
        gate=roads.gate,
        names=roads.names,
        kept=list(kept),
    )
    for column in ("start", "stop", "lanes", "kmh", "rank", "ramp", "name", "shape"):
        setattr(part, column, [getattr(roads, column)[k] for k in kept])
    index = {k: n for n, k in enumerate(kept)}
    pairs = [
        (index[a], index[b]) for a, b in zip(*banned, strict=True) if a in index and b in index
    ]
    sink = np.setdiff1d(stop[across & inside[start]], start[across & inside[stop]])
    source = np.setdiff1d(start[across & inside[stop]], stop[across & inside[start]])
    x, y = np.array(roads.x), np.array(roads.y)
    links: set[tuple[int, int]] = set()
    for ends, others, forward in ((sink, source, True), (source, sink, False)):
        for node in ends.tolist():
            other = int(others[np.argmin(np.hypot(x[others] - x[node], y[others] - y[node]))])
            links.add((node, other) if forward else (other, node))
    for n, (a, b) in enumerate(sorted(links)):
        part.link(a, b, lanes=1, kmh=RAMP_KMH, rank=RoadClass.SERVICE, ramp=True)
        part.kept = [*(part.kept or []), len(roads.start) + n]
    return part, ([a for a, _ in pairs], [b for _, b in pairs])


def road_lengths(roads: Roads) -> F64:
    """Return the length of every link, metres."""
    x, y = np.array(roads.x), np.array(roads.y)
    start, stop = np.array(roads.start), np.array(roads.stop)
    length: F64 = np.hypot(x[start] - x[stop], y[start] - y[stop])
    for k, shape in enumerate(roads.shape):
        if shape is not None:
            length[k] = np.hypot(*np.diff(shape, axis=0).T).sum()
    return length
