"""The streets: a warped arterial lattice, with blocks split inside it.

Arterials are the lines of a lattice, bent by slow waves so that each quarter has its own grain, and
cut where the ground ends. The faces between them are split along their shorter way until the blocks
have the size that the quarter's density asks for; the first cuts are collectors, the later ones
alleys (recursive lot splitting: Parish and Mueller 2001, "Procedural modeling of cities").
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from twin.city.seoul.geography import Land
from twin.core.random import Streams

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class Kind(IntEnum):
    """What a street piece is drawn as, most important first."""

    MAJOR = 0
    PRIMARY = 1
    SECONDARY = 2
    SHORE = 3
    COLLECTOR = 4
    ALLEY = 5


LATTICE_M = 560.0
"""Spacing of the arterial lattice; every second line is a primary one, and every second of those a
major one."""
TURNED_RAD = -0.22
"""The lattice as a whole is turned so that it does not lie north-south."""
WAVES = ((8_500.0, 420.0, 5), (2_900.0, 85.0, 5))
"""Bending of the lattice: wave length, amplitude (metres), number of waves."""
JITTER_M = 32.0
MIN_EDGE_M = 55.0
"""Shorter street pieces are contracted: two signals cannot stand closer."""
MAX_ARMS = 4
MIN_FACE_M2 = 9_000.0
COLLECTOR_M2 = 110_000.0
"""A cut through a face larger than this is a collector street, else an alley."""
GRID_M = 0.5
"""Coordinates of crossings are rounded to this, so that the noding is robust and repeatable."""


@dataclass(slots=True)
class Streets:
    """The plane street graph, two-way, in local metres.

    Attributes
    ----------
    x, y
        (N,) nodes.
    a, b, rank
        (E,) ends; `Kind`.
    gate, anchor
        (N,) whether an arterial leaves the city there; whether a bridge starts there.
    """

    x: F64
    y: F64
    a: I64
    b: I64
    rank: I64
    gate: NDArray[np.bool_]
    anchor: NDArray[np.bool_]

    def best(self) -> I64:
        """Return the most important `Kind` at each node."""
        best = np.full(len(self.x), len(Kind), np.int64)
        np.minimum.at(best, self.a, self.rank)
        np.minimum.at(best, self.b, self.rank)
        return best

    def degree(self) -> I64:
        """Return how many street pieces meet at each node."""
        return np.bincount(np.concatenate([self.a, self.b]), minlength=len(self.x))

    def lines(self) -> NDArray[np.object_]:
        """Return the edges as straight lines."""
        ends = np.stack(
            [
                np.column_stack([self.x[self.a], self.y[self.a]]),
                np.column_stack([self.x[self.b], self.y[self.b]]),
            ],
            axis=1,
        )
        return np.asarray(shapely.linestrings(ends))

    def length(self) -> F64:
        """Return the length of every edge, metres."""
        return np.hypot(self.x[self.a] - self.x[self.b], self.y[self.a] - self.y[self.b])


def draw_streets(
    land: Land, block_m2: F64, approaches: list[LineString], streams: Streams
) -> Streets:
    """Return the streets of the whole city.

    Parameters
    ----------
    block_m2
        (gu,) size of a block in each gu.
    approaches
        Arterials that must exist, from the ends of bridges into the city; they begin at an anchor.
    """
    major, primary, secondary = _lattice(land, streams)
    major = major + approaches
    shores = _shores(land)
    main = shapely.union_all(
        [*major, *primary, *secondary, *shores, shapely.boundary(land.city)], grid_size=GRID_M
    )
    # Near the outline a face may hold part of a hill; blocks are split on the ground only.
    whole = np.array(shapely.get_parts(shapely.polygonize(shapely.get_parts(main))))
    parts = shapely.get_parts(shapely.intersection(whole, land.ground, grid_size=GRID_M))
    faces = [part for part in parts if isinstance(part, Polygon) and part.area > MIN_FACE_M2]
    collectors, alleys = _split_faces(land, faces, block_m2, streams)
    noded = shapely.union_all(
        [*major, *primary, *secondary, *shores, *collectors, *alleys], grid_size=GRID_M
    )
    pieces = _straight(shapely.get_parts(noded))
    rank = _rank(pieces, [major, primary, secondary, shores, collectors])
    streets = _graph(pieces, rank)
    streets.gate[:] = _at_outline(land, streets)
    streets.anchor[:] = _at_anchor(streets, approaches)
    streets = _prune(_contract(streets))
    return _prune(_four_arms(streets))


def _warp(streams: Streams, u: F64, v: F64) -> tuple[F64, F64]:
    rng = streams.stream("seoul.warp")
    cos, sin = np.cos(TURNED_RAD), np.sin(TURNED_RAD)
    x = cos * u - sin * v
    y = sin * u + cos * v
    dx, dy = np.zeros_like(x), np.zeros_like(y)
    for length, amplitude, count in WAVES:
        for _ in range(count):
            angle, phase, heading = rng.uniform(0.0, 2.0 * np.pi, 3)
            stretch = rng.uniform(0.8, 1.3)
            k = 2.0 * np.pi / (length * stretch)
            wave = np.sin(k * (np.cos(angle) * x + np.sin(angle) * y) + phase)
            dx += amplitude * np.cos(heading) * wave / np.sqrt(count / 2.0)
            dy += amplitude * np.sin(heading) * wave / np.sqrt(count / 2.0)
    return x + dx, y + dy


def _lattice(land: Land, streams: Streams) -> tuple[list[BaseGeometry], ...]:
    """Return the pieces of lattice lines that stand on the ground: major, primary, secondary."""
    reach = int(26_000.0 / LATTICE_M)
    index = np.arange(-reach, reach + 1)
    u, v = np.meshgrid(index * LATTICE_M, index * LATTICE_M, indexing="ij")
    x, y = _warp(streams, u, v)
    jitter = streams.stream("seoul.lattice").normal(0.0, JITTER_M, (2, *x.shape))
    x, y = x + jitter[0], y + jitter[1]
    first = np.concatenate(
        [
            np.stack([np.stack([x[:-1], y[:-1]], -1), np.stack([x[1:], y[1:]], -1)], -2).reshape(
                -1, 2, 2
            ),
            np.stack(
                [np.stack([x[:, :-1], y[:, :-1]], -1), np.stack([x[:, 1:], y[:, 1:]], -1)], -2
            ).reshape(-1, 2, 2),
        ]
    )
    along = np.concatenate(
        [
            np.broadcast_to(index[None, :], (len(index) - 1, len(index))).ravel(),
            np.broadcast_to(index[:, None], (len(index), len(index) - 1)).ravel(),
        ]
    )
    pieces = shapely.linestrings(first)
    near = shapely.intersects(pieces, land.ground)
    cut = shapely.intersection(pieces[near], land.ground, grid_size=GRID_M)
    # A short stub at a shore or a hill foot is no street.
    line = along[near]
    return tuple(
        [p for p in shapely.get_parts(cut[chosen]) if p.length > 40.0]
        for chosen in (line % 4 == 0, line % 4 == 2, line % 2 == 1)
    )


def _shores(land: Land) -> list[BaseGeometry]:
    """Return the streets along banks and hill feet; the outline of the city is no street."""
    inside = land.city.buffer(-120.0)
    edge = shapely.intersection(shapely.boundary(land.ground), inside)
    return [p for p in shapely.get_parts(shapely.line_merge(edge)) if p.length > 150.0]


def _split_faces(
    land: Land, faces: list[BaseGeometry], block_m2: F64, streams: Streams
) -> tuple[list[BaseGeometry], list[BaseGeometry]]:
    tree = shapely.STRtree(land.gu)
    home = tree.nearest([face.representative_point() for face in faces])
    rng = streams.stream("seoul.blocks")
    collectors: list[BaseGeometry] = []
    alleys: list[BaseGeometry] = []
    for face, gu in zip(faces, home, strict=True):
        stack = [face]
        while stack:
            part = stack.pop()
            if part.area < block_m2[gu] * rng.uniform(1.1, 2.0):
                continue
            cut, halves = _cut(part, rng)
            if cut is None:
                continue
            (collectors if part.area > COLLECTOR_M2 else alleys).append(cut)
            stack.extend(halves)
    return collectors, alleys


def _cut(part: Polygon, rng: np.random.Generator) -> tuple[BaseGeometry | None, list[Polygon]]:
    """Cut a polygon across its longer way, near the middle, a little askew."""
    box = shapely.get_coordinates(shapely.minimum_rotated_rectangle(part))
    share, skew = rng.uniform(0.40, 0.60), rng.normal(0.0, 0.07)
    if len(box) < 5:
        return None, []
    one, two = box[1] - box[0], box[2] - box[1]
    long, short = (one, two) if np.hypot(*one) >= np.hypot(*two) else (two, one)
    corner = box[0] if long is one else box[1]
    middle = corner + share * long + 0.5 * (short if long is one else -short)
    if long is two:
        middle = box[1] + share * two - 0.5 * one
    across = short / max(float(np.hypot(*short)), 1e-9)
    turn = np.array([[np.cos(skew), -np.sin(skew)], [np.sin(skew), np.cos(skew)]])
    across = turn @ across
    reach = float(np.hypot(*long) + np.hypot(*short))
    knife = LineString([middle - across * reach, middle + across * reach])
    inside = shapely.intersection(knife, part, grid_size=GRID_M)
    pieces = [p for p in shapely.get_parts(inside) if isinstance(p, LineString) and p.length > 1.0]
    if not pieces:
        return None, []
    cut = max(pieces, key=lambda p: (p.length, p.coords[0]))
    # Ends are drawn out by a hand's breadth so that rounding cannot leave a gap at the border.
    ends = np.array(cut.coords)
    step = (ends[-1] - ends[0]) / max(cut.length, 1e-9)
    cut = LineString([ends[0] - step, ends[-1] + step])
    halves = [
        p
        for p in shapely.get_parts(
            shapely.polygonize(shapely.get_parts(shapely.union_all([shapely.boundary(part), cut])))
        )
        if p.area > MIN_FACE_M2
    ]
    return cut, (halves if len(halves) > 1 else [])


def _straight(lines: NDArray[np.object_]) -> F64:
    """Return the straight pieces (P, 2, 2) of lines; a slow curve keeps few of its bends."""
    simple = shapely.simplify(lines, 6.0)
    coords, owner = shapely.get_coordinates(simple, return_index=True)
    inner = owner[1:] == owner[:-1]
    return np.stack([coords[:-1][inner], coords[1:][inner]], axis=1)


def _rank(pieces: F64, kinds: list[list[BaseGeometry]]) -> I64:
    """Return the kind of each piece: the most important kind of line that its middle lies on."""
    middle = shapely.points(pieces.mean(axis=1))
    rank = np.full(len(pieces), Kind.ALLEY, np.int64)
    for value in reversed(range(len(kinds))):
        found = shapely.STRtree(kinds[value]).query(middle, predicate="dwithin", distance=4.0)
        rank[np.unique(found[0])] = value
    return rank


def _graph(pieces: F64, rank: I64) -> Streets:
    ends = np.round(pieces.reshape(-1, 2) / GRID_M).astype(np.int64)
    node, index = np.unique(ends, axis=0, return_inverse=True)
    pair = index.reshape(-1, 2)
    return _tidy(
        Streets(
            x=node[:, 0].astype(np.float64) * GRID_M,
            y=node[:, 1].astype(np.float64) * GRID_M,
            a=pair[:, 0].astype(np.int64),
            b=pair[:, 1].astype(np.int64),
            rank=rank,
            gate=np.zeros(len(node), np.bool_),
            anchor=np.zeros(len(node), np.bool_),
        )
    )


def _tidy(streets: Streets) -> Streets:
    """Drop loops, double edges (the higher class stays) and unused nodes."""
    low, high = np.minimum(streets.a, streets.b), np.maximum(streets.a, streets.b)
    order = np.lexsort((streets.rank, high, low))
    low, high, rank = low[order], high[order], streets.rank[order]
    first = np.ones(len(low), np.bool_)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    keep = first & (low != high)
    used, index = np.unique(np.concatenate([low[keep], high[keep]]), return_inverse=True)
    half = len(index) // 2
    return Streets(
        x=streets.x[used],
        y=streets.y[used],
        a=index[:half].astype(np.int64),
        b=index[half:].astype(np.int64),
        rank=rank[keep],
        gate=streets.gate[used],
        anchor=streets.anchor[used],
    )


def _at_outline(land: Land, streets: Streets) -> NDArray[np.bool_]:
    """Find where primary streets leave the city."""
    main = (streets.degree() == 1) & (streets.best() <= Kind.PRIMARY)
    near = shapely.dwithin(shapely.points(streets.x, streets.y), shapely.boundary(land.city), 60.0)
    return np.asarray(main & near)


def _at_anchor(streets: Streets, approaches: list[LineString]) -> NDArray[np.bool_]:
    """Find the first points of the approaches."""
    found = np.zeros(len(streets.x), np.bool_)
    for line in approaches:
        x, y = line.coords[0]
        found[int(np.argmin(np.hypot(streets.x - x, streets.y - y)))] = True
    return found


def _contract(streets: Streets) -> Streets:
    """Melt the ends of short edges together, shortest first, until none is left."""
    while True:
        length = streets.length()
        short = np.flatnonzero(length < MIN_EDGE_M)
        if not len(short):
            return streets
        best = streets.best()
        goal = np.arange(len(streets.x))
        touched = np.zeros(len(streets.x), np.bool_)
        for k in short[np.argsort(length[short], kind="stable")].tolist():
            a, b = int(streets.a[k]), int(streets.b[k])
            if touched[a] or touched[b]:
                continue
            touched[a] = touched[b] = True
            # The node on the more important street stays where it is.
            keep, drop = (a, b) if (best[a], a) <= (best[b], b) else (b, a)
            goal[drop] = keep
        gate, anchor = streets.gate.copy(), streets.anchor.copy()
        gate[goal[streets.gate]] = True
        anchor[goal[streets.anchor]] = True
        streets = _tidy(
            Streets(
                x=streets.x,
                y=streets.y,
                a=goal[streets.a],
                b=goal[streets.b],
                rank=streets.rank,
                gate=gate,
                anchor=anchor,
            )
        )


def _four_arms(streets: Streets) -> Streets:
    """Take the least important pieces away where more than four meet: signals serve four arms."""
    left = streets.degree()
    drop = np.zeros(len(streets.a), np.bool_)
    length = streets.length()
    for k in np.lexsort((length, -streets.rank)).tolist():
        a, b = streets.a[k], streets.b[k]
        crowded = left[a] > MAX_ARMS or left[b] > MAX_ARMS
        if crowded and left[a] > 2 and left[b] > 2 and not streets.anchor[[a, b]].any():
            drop[k] = True
            left[a] -= 1
            left[b] -= 1
    return _without(streets, drop)


def _without(streets: Streets, drop: NDArray[np.bool_]) -> Streets:
    return _tidy(
        Streets(
            x=streets.x,
            y=streets.y,
            a=streets.a[~drop],
            b=streets.b[~drop],
            rank=streets.rank[~drop],
            gate=streets.gate,
            anchor=streets.anchor,
        )
    )


def _prune(streets: Streets) -> Streets:
    """Take dead ends away, except gates and anchors."""
    while True:
        end = (streets.degree() == 1) & ~streets.gate & ~streets.anchor
        drop = end[streets.a] | end[streets.b]
        if not drop.any():
            return streets
        streets = _without(streets, drop)
