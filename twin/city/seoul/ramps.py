"""Where routes meet each other and where they can be left for the streets."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Point

from twin.city.seoul.routes import JOIN_M, Route
from twin.city.seoul.streets import Kind, Streets

F64 = NDArray[np.float64]

CROSS_GAP_M = 420.0
"""Least distance between two interchanges along a route, metres."""
EXIT_GAP_M = 1_000.0
"""Aimed distance between exits to the streets along an expressway, metres."""
EXIT_CLEAR_M = 400.0
"""Least distance of an exit from an interchange or an end, metres."""
EXIT_OFFSET_M = 90.0
"""An exit's ramps meet the street so far to either side of the expressway, metres."""
EXIT_REACH_M = 700.0
"""Where no street crosses, ramps lead to streets at most so far away, metres."""
RAMP_LANES = 2
BRIDGE_JOIN_M = 230.0
"""An expressway joins a bridge so far from the bridge's end, metres."""
WINDOW_M = 150.0
"""Ramps leave so far before an event and join so far after it, metres."""


@dataclass(slots=True)
class Event:
    """A point of a route at which ramps leave before and join after.

    Attributes
    ----------
    s
        Metres along the route.
    where
        `"pass"`, or `"start"` or `"end"` when the route itself begins or stops there.
    window
        Ramps leave and join at this distance from `s`, metres.
    lanes
        Lanes of each ramp that joins; the route has as many more up to where the next one leaves.
    """

    s: float
    where: str = "pass"
    window: float = WINDOW_M
    lanes: int = RAMP_LANES


@dataclass(slots=True)
class Junctions:
    """The events of every route and what they connect.

    Attributes
    ----------
    events
        Of each route, in order along it.
    crossings
        `(route, event, other route, its event)`.
    exits
        `(route, event, street node of the right side, street node of the left side)`.
    ends
        `(route, which end, street node)` for ends on a street.
    """

    events: list[list[Event]]
    crossings: list[tuple[int, Event, int, Event]] = field(default_factory=list)
    exits: list[tuple[int, Event, int, int]] = field(default_factory=list)
    ends: list[tuple[int, int, int]] = field(default_factory=list)


def place_junctions(routes: list[Route], streets: Streets) -> Junctions:
    """Decide where routes meet and where their exits are; splits street pieces at the exits."""
    found = Junctions(events=[[] for _ in routes])
    _join_ends(routes, found)
    _cross(routes, found)
    for k, route in enumerate(routes):
        if route.kind == "expressway":
            _exits(k, route, streets, found)
    for k, route in enumerate(routes):
        for which in (0, 1):
            if route.ends[which] == "street":
                tip = route.line.coords[0 if which == 0 else -1]
                found.ends.append((k, which, _end_node(route, tip, streets, found, k)))
    for k, route in enumerate(routes):
        _windows(found.events[k], route.line.length)
    return found


def _is_free(events: list[Event], s: float, gap: float) -> bool:
    return all(abs(event.s - s) >= gap for event in events)


def _join_ends(routes: list[Route], found: Junctions) -> None:
    """Let expressways that end in the city join the nearest route, or else a street."""
    for k, route in enumerate(routes):
        for which in (0, 1):
            if route.ends[which] != "junction":
                continue
            tip = Point(route.line.coords[0 if which == 0 else -1])
            near = sorted(
                (other.kind != "bridge", other.line.distance(tip), j)
                for j, other in enumerate(routes)
                if j != k and other.kind != "tunnel" and other.line.distance(tip) < JOIN_M
            )
            for _, _, j in near:
                s = routes[j].line.project(tip)
                if routes[j].kind == "bridge":
                    # Beside the riverside's ramps, on the landward side of them.
                    s = (
                        BRIDGE_JOIN_M
                        if s < routes[j].line.length / 2
                        else routes[j].line.length - BRIDGE_JOIN_M
                    )
                if 100.0 < s < routes[j].line.length - 100.0 and _is_free(
                    found.events[j], s, 200.0
                ):
                    mine = Event(0.0 if which == 0 else route.line.length, ("start", "end")[which])
                    theirs = Event(s)
                    found.events[k].append(mine)
                    found.events[j].append(theirs)
                    found.crossings.append((k, mine, j, theirs))
                    break
            else:
                route.ends[which] = "street"


def _cross(routes: list[Route], found: Junctions) -> None:
    pairs = []
    for i, one in enumerate(routes):
        for j in range(i + 1, len(routes)):
            two = routes[j]
            if "tunnel" in {one.kind, two.kind} or not one.line.intersects(two.line):
                continue
            for point in shapely.get_parts(one.line.intersection(two.line)):
                at = point.representative_point()
                weight = -(one.kind == "expressway") - (two.kind == "expressway")
                pairs.append((weight, -one.lanes - two.lanes, i, j, at))
    for _, _, i, j, at in sorted(pairs, key=lambda p: p[:4]):
        s, t = routes[i].line.project(at), routes[j].line.project(at)
        ok = True
        for k, here in ((i, s), (j, t)):
            gap = 200.0 if routes[k].kind == "bridge" else CROSS_GAP_M
            ok &= _is_free(found.events[k], here, gap)
            ok &= 150.0 < here < routes[k].line.length - 150.0
        if ok:
            first, second = Event(s), Event(t)
            found.events[i].append(first)
            found.events[j].append(second)
            found.crossings.append((i, first, j, second))


def _exits(k: int, route: Route, streets: Streets, found: Junctions) -> None:
    """Give an expressway exits: diamonds where arterials pass, else ramps to near arterials."""
    length = route.line.length
    taken: list[float] = []
    lines = streets.lines()
    near = np.flatnonzero(shapely.intersects(lines, route.line))
    for least, gap in ((Kind.PRIMARY, EXIT_GAP_M), (Kind.SECONDARY, 1.4 * EXIT_GAP_M)):
        candidates = []
        for edge in near[streets.rank[near] <= least].tolist():
            crossing = lines[edge].intersection(route.line).representative_point()
            candidates.append((route.line.project(crossing), edge, crossing))
        for s, edge, crossing in sorted(candidates, key=lambda c: c[:2]):
            if (
                _is_free(found.events[k], s, EXIT_CLEAR_M)
                and all(abs(s - other) >= gap for other in taken)
                and EXIT_CLEAR_M < s < length - EXIT_CLEAR_M
            ):
                right, left = _sides(route, s, edge, crossing, streets)
                event = Event(s)
                found.events[k].append(event)
                found.exits.append((k, event, right, left))
                taken.append(s)
    kept = streets.best() <= Kind.SECONDARY
    for s in np.arange(EXIT_CLEAR_M, length - EXIT_CLEAR_M, 100.0).tolist():
        if not _is_free(found.events[k], s, 0.9 * EXIT_GAP_M):
            continue
        point = route.line.interpolate(s)
        away = np.hypot(streets.x - point.x, streets.y - point.y)
        close = np.flatnonzero(kept & (away < EXIT_REACH_M) & ~streets.gate & ~streets.anchor)
        if len(close) >= 2:
            first, second = close[np.argsort(away[close], kind="stable")[:2]].tolist()
            event = Event(s)
            found.events[k].append(event)
            found.exits.append((k, event, int(first), int(second)))


def _sides(route: Route, s: float, edge: int, crossing: Point, streets: Streets) -> tuple[int, int]:
    """Return the street nodes on the right and on the left of a route at a crossing street."""
    ahead = np.array(route.line.interpolate(s + 20.0).coords[0])
    heading = ahead - np.array(route.line.interpolate(s - 20.0).coords[0])
    nodes = [int(streets.a[edge]), int(streets.b[edge])]
    at = np.array([crossing.x, crossing.y])

    def on_right(node: int) -> bool:
        to = np.array([streets.x[node], streets.y[node]]) - at
        return bool(heading[0] * to[1] - heading[1] * to[0] < 0.0)

    right, left = nodes if on_right(nodes[0]) else nodes[::-1]
    current, chosen = edge, []
    for far in (right, left):
        to = np.array([streets.x[far], streets.y[far]]) - at
        distance = float(np.hypot(to[0], to[1]))
        if distance < EXIT_OFFSET_M + 70.0:
            chosen.append(far)
            continue
        node, current = _split(streets, current, at + to / distance * EXIT_OFFSET_M, keep=far)
        chosen.append(node)
    return chosen[0], chosen[1]


def _split(streets: Streets, edge: int, at: F64, keep: int) -> tuple[int, int]:
    """Split a street piece at a point; return the new node and the piece away from `keep`."""
    node = len(streets.x)
    streets.x = np.append(streets.x, at[0])
    streets.y = np.append(streets.y, at[1])
    streets.gate = np.append(streets.gate, False)
    streets.anchor = np.append(streets.anchor, False)
    a, b = int(streets.a[edge]), int(streets.b[edge])
    other = b if a == keep else a
    streets.a[edge], streets.b[edge] = other, node
    streets.a = np.append(streets.a, node)
    streets.b = np.append(streets.b, keep)
    streets.rank = np.append(streets.rank, streets.rank[edge])
    return node, edge


def _end_node(
    route: Route, tip: tuple[float, ...], streets: Streets, found: Junctions, k: int
) -> int:
    """Return the street node at which a route's end meets the streets."""
    away = np.hypot(streets.x - tip[0], streets.y - tip[1])
    if route.kind == "bridge":
        anchor = np.flatnonzero(streets.anchor & (away < 60.0))
        if len(anchor):
            return int(anchor[np.argmin(away[anchor])])
    taken = {node for j, _, node in found.ends if j == k}
    ok = np.flatnonzero((streets.best() <= Kind.SECONDARY) & ~streets.gate & ~streets.anchor)
    for node in ok[np.argsort(away[ok], kind="stable")].tolist():
        if node not in taken:
            return int(node)
    raise ValueError("no street is left for the end of a road")


def _windows(events: list[Event], length: float) -> None:
    """Shrink the windows of neighbours so that their ramps do not overlap."""
    events.sort(key=lambda event: event.s)
    for k, event in enumerate(events):
        if event.where != "pass":
            event.window = 0.0
            continue
        before = events[k - 1].s if k else 0.0
        after = events[k + 1].s if k + 1 < len(events) else length
        event.window = min(WINDOW_M, 0.3 * (event.s - before), 0.3 * (after - event.s))
