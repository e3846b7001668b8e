"""Roads that cross others without a signal: expressways, bridges and tunnels, as centre lines.

A route has two carriageways. Where two routes meet, and where a route has an exit, stands an event:
a point of both at which ramps leave before and join after. `twin.city.seoul.ramps` places the
events and `twin.city.seoul.roads` makes links of it all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from twin.city.seoul.facts import both_names, fact_table, records
from twin.city.seoul.geography import BANK_M, WATER_M, Land
from twin.network.graph import RoadClass

F64 = NDArray[np.float64]
End = Literal["gate", "street", "junction"]

RIVERSIDE_M = 525.0
"""Distance of the two riverside expressways from the middle of the river, metres."""
ANCHOR_M = 1_150.0
"""Distance of a bridge's ends from the middle of the river: its ramps need the room, metres."""
APPROACH_M = 3_200.0
"""A bridge's avenue runs inland up to this distance from the middle of the river, metres."""
JOIN_M = 900.0
"""An expressway that ends so near to another route joins it, metres."""
LEAVE_M = 4_000.0
"""An expressway that ends so near to the outline goes on and leaves the city, metres."""
RIVERSIDE = {"Gangbyeonbuk-ro": 1.0, "Olympic-daero": -1.0}
"""Expressways that follow a bank: left (north) or right (south) of the river going east."""
RIVER_CROSSING = "Dongbu Expressway"
CROSSED_AT = "Cheongdam"
UNDERGROUND = "Sinwol-Yeoui underground"


@dataclass(slots=True)
class Route:
    """A grade-separated road.

    Attributes
    ----------
    name
        Its name, Korean and English.
    kind
        Expressway, bridge or tunnel.
    line
        Centre line, local metres, about 50 m between points.
    lanes
        Lanes of each carriageway.
    rank, speed_kmh
        `RoadClass`; free-flow speed.
    ends
        What happens at the start and at the end of the line.
    parts
        `(from, to, name)` stretches with a name of their own, metres along the line.
    """

    name: str
    kind: Literal["expressway", "bridge", "tunnel"]
    line: LineString
    lanes: int
    rank: RoadClass
    speed_kmh: float
    ends: list[End]
    parts: list[tuple[float, float, str]] = field(default_factory=list)

    def name_at(self, s: float) -> str:
        """Return the name of the road `s` metres along it."""
        for low, high, name in self.parts:
            if low <= s <= high:
                return name
        return self.name


def _dense(line: BaseGeometry) -> LineString:
    if not isinstance(line, LineString):
        raise TypeError("not one line")
    return LineString(shapely.get_coordinates(shapely.segmentize(line, 50.0)))


def draw_bridges(land: Land) -> tuple[list[Route], list[LineString]]:
    """Return the road bridges and the avenues that lead from their ends into the city."""
    table = fact_table("bridges")
    x, y = land.projection.forward(table["lon"].to_numpy(float), table["lat"].to_numpy(float))
    inner = land.city.buffer(-300.0)
    routes: list[Route] = []
    approaches: list[LineString] = []
    for k, row in enumerate(records(table)):
        if str(row["mode"]).startswith("rail") or row["en"] == CROSSED_AT:
            continue
        s = land.river.project(Point(x[k], y[k]))
        before, after = land.river.interpolate(s - 200.0), land.river.interpolate(s + 200.0)
        along = np.array([after.x - before.x, after.y - before.y])
        along /= np.hypot(*along)
        north = np.array([-along[1], along[0]])
        point = land.river.interpolate(s)
        middle = np.array([point.x, point.y])
        tips = [middle - ANCHOR_M * north, middle + ANCHOR_M * north]
        inside = [inner.contains(Point(tip)) for tip in tips]
        if not any(inside):
            continue
        lane = int(row["lanes"]) // 2
        ends: list[End] = ["street" if known else "gate" for known in inside]
        routes.append(
            Route(
                name=both_names(str(row["ko"]), f"{row['en']} Bridge"),
                kind="bridge",
                line=_dense(LineString(tips)),
                lanes=lane,
                rank=RoadClass.PRIMARY,
                speed_kmh=60.0,
                ends=ends,
            )
        )
        for sign, known in ((-1.0, inside[0]), (1.0, inside[1])):
            if known:
                start, stop = middle + sign * ANCHOR_M * north, middle + sign * APPROACH_M * north
                clipped = shapely.intersection(LineString([start, stop]), land.ground)
                near = [p for p in shapely.get_parts(clipped) if p.distance(Point(start)) < 300.0]
                if near:
                    far = max(near[0].coords, key=lambda c: float(np.hypot(*(c - start))))
                    approaches.append(LineString([start, far]))
    return routes, approaches


def draw_expressways(land: Land) -> list[Route]:
    """Return the expressways with their ends carried to where they join or leave."""
    table = fact_table("expressways")
    lines: dict[str, tuple[LineString, int, str]] = {}
    for row in records(table):
        points = np.array([p.split() for p in str(row["waypoints"]).split(";")], dtype=float)
        px, py = land.projection.forward(points[:, 1], points[:, 0])
        line: BaseGeometry = LineString(np.column_stack([px, py]))
        if row["en"] in RIVERSIDE:
            line = _riverside(land, RIVERSIDE[str(row["en"])])
        elif row["en"] not in {RIVER_CROSSING, UNDERGROUND}:
            line = shapely.difference(line, land.river.buffer(BANK_M + 60.0))
            line = max(shapely.get_parts(line), key=lambda p: float(p.length))
        name = both_names(str(row["ko"]), str(row["en"]))
        lines[str(row["en"])] = (_smooth(line), int(row["lanes"]) // 2, name)
    routes = []
    for en, (line, lanes, name) in lines.items():
        longer, ends = _carry(land, en, line)
        routes.append(
            Route(
                name=name,
                kind="tunnel" if en == UNDERGROUND else "expressway",
                line=longer,
                lanes=lanes,
                rank=RoadClass.MOTORWAY if en.startswith("Gyeongbu") else RoadClass.TRUNK,
                speed_kmh=80.0,
                ends=ends,
            )
        )
    return _named_parts(land, _chained(routes))


def _smooth(line: BaseGeometry) -> LineString:
    """Round the corners at the way-points (Chaikin 1974, corner cutting), ends kept."""
    points = shapely.get_coordinates(line)
    if len(points) > 40:
        return _dense(LineString(points))
    for _ in range(3):
        quarter = 0.75 * points[:-1] + 0.25 * points[1:]
        three = 0.25 * points[:-1] + 0.75 * points[1:]
        inner = np.stack([quarter, three], axis=1).reshape(-1, 2)
        points = np.vstack([points[:1], inner[1:-1], points[-1:]])
    return _dense(LineString(points))


def _riverside(land: Land, side: float) -> BaseGeometry:
    line = shapely.offset_curve(land.river, side * RIVERSIDE_M, quad_segs=8)
    parts = shapely.get_parts(shapely.intersection(line, land.city))
    longest = max(parts, key=lambda p: float(p.length))
    points = shapely.get_coordinates(longest.simplify(15.0))
    return LineString(points if points[0, 0] < points[-1, 0] else points[::-1])


def _carry(land: Land, en: str, line: LineString) -> tuple[LineString, list[End]]:
    """Carry the ends on to the outline where it is near; the others join a route or a street."""
    points = shapely.get_coordinates(line)
    ends: list[End] = []
    border = shapely.boundary(land.city)
    for which in (0, -1):
        tip, inner = points[which], points[3 if which == 0 else -4]
        heading = (tip - inner) / max(float(np.hypot(*(tip - inner))), 1e-9)
        ray = LineString([tip, tip + LEAVE_M * heading])
        at_border = border.distance(Point(tip)) < 80.0 or not land.city.contains(Point(tip))
        leaves = ray.intersects(border) and ray.intersection(land.water).length < 50.0
        if at_border:
            ends.append("gate")
        elif leaves and en not in {UNDERGROUND, "Naebu Ringway"}:
            crossing = shapely.get_coordinates(ray.intersection(border))[0]
            points = (
                np.vstack([[crossing], points]) if which == 0 else np.vstack([points, crossing])
            )
            ends.append("gate")
        else:
            ends.append("junction" if en != UNDERGROUND else "street")
    return _dense(LineString(points)), ends


def _chained(routes: list[Route]) -> list[Route]:
    """Make one route of two where one begins at the end of the other."""
    done: list[Route] = []
    for route in routes:
        tail = Point(route.line.coords[0])
        before = [
            r for r in done if r.kind == route.kind and tail.distance(Point(r.line.coords[-1])) < 5
        ]
        if not before:
            done.append(route)
            continue
        first = before[0]
        cut = first.line.length
        points = np.vstack(
            [shapely.get_coordinates(first.line), shapely.get_coordinates(route.line)[1:]]
        )
        first.line = LineString(points)
        first.ends = [first.ends[0], route.ends[1]]
        first.parts.append((cut, first.line.length, route.name))
    return done


def _named_parts(land: Land, routes: list[Route]) -> list[Route]:
    table = fact_table("tunnels")
    x, y = land.projection.forward(table["lon"].to_numpy(float), table["lat"].to_numpy(float))
    for k, row in enumerate(records(table)):
        if not np.isnan(float(row["bearing_deg"])):
            continue
        point = Point(x[k], y[k])
        route = min(routes, key=lambda r: (r.line.distance(point), r.name))
        s, half = route.line.project(point), 500.0 * float(row["km"])
        route.parts.insert(
            0, (s - half, s + half, both_names(f"{row['ko']}터널", f"{row['en']} Tunnel"))
        )
    bridges = fact_table("bridges").set_index("en")
    for route in routes:
        if RIVER_CROSSING in route.name:
            over = route.line.intersection(land.river.buffer(WATER_M))
            at = [route.line.project(Point(c)) for c in (over.coords[0], over.coords[-1])]
            name = both_names(str(bridges["ko"][CROSSED_AT]), f"{CROSSED_AT} Bridge")
            route.parts.insert(0, (min(at), max(at), name))
    return routes


def draw_tunnels(land: Land) -> list[Route]:
    """Return the street tunnels; those of expressways are only named stretches of them."""
    table = fact_table("tunnels")
    x, y = land.projection.forward(table["lon"].to_numpy(float), table["lat"].to_numpy(float))
    routes = []
    for k, row in enumerate(records(table)):
        if np.isnan(float(row["bearing_deg"])):
            continue
        bearing = np.radians(float(row["bearing_deg"]))
        half = 500.0 * float(row["km"]) * np.array([np.sin(bearing), np.cos(bearing)])
        middle = np.array([x[k], y[k]])
        routes.append(
            Route(
                name=both_names(f"{row['ko']}터널", f"{row['en']} Tunnel"),
                kind="tunnel",
                line=_dense(LineString([middle - half, middle + half])),
                lanes=2,
                rank=RoadClass.PRIMARY,
                speed_kmh=60.0,
                ends=["street", "street"],
            )
        )
    return routes
