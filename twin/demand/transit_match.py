"""Lays lines on the streets: which link each stop is on, and the way from stop to stop.

Of the links near a stop that one is taken which makes the whole line shortest in time: the second
that a metre of distance costs (`METRE_S`) weighs against the seconds of the way, so that a stop is
not matched to the other side of the road, from where the bus would have to turn round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import shapely

from twin.demand.transit import Course, Pattern, Plan, Service, Stop
from twin.network.geometry import Polylines, Projection
from twin.network.graph import F64, I32, Network, RoadClass

Routing = Callable[[I32, I32], tuple[I32, I32]]
"""Fastest routes from links to links as compressed rows, empty where there is no way."""

REACH_M = 60.0
"""Farthest that a stop may lie from the middle of its road, metres."""
CANDIDATES = 4
METRE_S = 1.0
"""Seconds of driving that a metre between a stop and its link is worth (assumption)."""
LEFT_M = 25.0
"""Metres that a stop on the left of a link counts as farther away (right-hand traffic)."""
FAST_M = 40.0
"""The same for a stop at a motorway."""
STEP_M = 1.0
"""Two stops of a run on one link are at least so far apart, metres."""


class _Candidate(NamedTuple):
    link: int
    pos_m: float
    cost_s: float


def laid_on_streets(plan: Plan, network: Network, route: Routing) -> Service:
    """Return the lines of a plan on the streets.

    Stops without a road near them and those that no road leads to are counted in
    `plan.left_out`, each once; so are runs of which fewer than two stops are left.

    Parameters
    ----------
    plan
        Lines of a source.
    network
        The roads.
    route
        Fastest ways.
    """
    near = _candidates(plan.stops, network)
    legs = _Legs(plan.patterns, near, network, route)
    courses: dict[int, Course] = {}
    unserved: dict[int, str] = {
        stop: "stops without a road near them"
        for pattern in plan.patterns
        for stop in pattern.stops
        if not near[stop]
    }
    for number, pattern in enumerate(plan.patterns):
        course, cut_off = _course(pattern, near, legs)
        if course is not None:
            courses[number] = course
        for stop in cut_off:
            unserved.setdefault(stop, "stops that no road leads to from the stop before")
    for why in unserved.values():
        plan.left_out[why] += 1
    runs = [run for run in plan.runs if run.pattern in courses]
    if len(runs) < len(plan.runs):
        plan.left_out["runs with fewer than two stops on the streets"] += len(plan.runs) - len(runs)
    return Service(plan._replace(runs=runs), courses)


def _candidates(stops: Sequence[Stop], network: Network) -> list[list[_Candidate]]:
    """Return the links that each stop may be on, the nearest first."""
    lines = Polylines(network.geom_ptr, network.geom_x, network.geom_y)
    segment, owner = lines.segments()
    ends = np.stack(
        [
            np.stack([lines.x[segment], lines.y[segment]], axis=-1),
            np.stack([lines.x[segment + 1], lines.y[segment + 1]], axis=-1),
        ],
        axis=1,
    )
    tree = shapely.STRtree(shapely.linestrings(ends))
    stretch = network.link_length / np.maximum(lines.length, 1e-6)
    projection = Projection(network.lon0, network.lat0)
    found: list[list[_Candidate]] = []
    for stop in stops:
        if stop.link >= 0:
            found.append([_Candidate(stop.link, stop.pos_m, 0.0)])
            continue
        x, y = (float(v) for v in projection.forward(stop.lon, stop.lat))
        hits = np.sort(tree.query(shapely.Point(x, y).buffer(REACH_M)))
        first = segment[hits]
        ax, ay = lines.x[first], lines.y[first]
        dx, dy = lines.x[first + 1] - ax, lines.y[first + 1] - ay
        square = np.maximum(dx * dx + dy * dy, 1e-12)
        share = np.clip(((x - ax) * dx + (y - ay) * dy) / square, 0.0, 1.0)
        away = np.hypot(x - ax - share * dx, y - ay - share * dy)
        link = owner[hits]
        metres = away + LEFT_M * (dx * (y - ay) - dy * (x - ax) > 0.0)
        metres = metres + FAST_M * (network.link_class[link] <= RoadClass.MOTORWAY)
        pos = (lines.along[first] + share * np.sqrt(square)) * stretch[link]
        found.append(_best(link, pos, np.where(away <= REACH_M, metres, np.inf)))
    return found


def _best(link: F64, pos: F64, metres: F64) -> list[_Candidate]:
    """Return the nearest place on each of the nearest links."""
    out: dict[int, _Candidate] = {}
    for at in np.argsort(metres, kind="stable").tolist():
        if np.isfinite(metres[at]) and int(link[at]) not in out and len(out) < CANDIDATES:
            out[int(link[at])] = _Candidate(
                int(link[at]), float(pos[at]), METRE_S * float(metres[at])
            )
    return list(out.values())


class _Legs:
    """Ways between the links of stops that follow each other, each searched for once."""

    def __init__(
        self,
        patterns: Sequence[Pattern],
        near: list[list[_Candidate]],
        network: Network,
        route: Routing,
    ) -> None:
        self._time = (network.link_length / network.link_speed).astype(np.float64)
        self._speed = network.link_speed.astype(np.float64)
        self._length = network.link_length.astype(np.float64)
        pairs = sorted(
            {
                (a.link, b.link)
                for pattern in patterns
                for a, b in _neighbours([near[stop] for stop in pattern.stops])
                if a.link != b.link
            }
        )
        self._ways: dict[tuple[int, int], I32] = {}
        if pairs:
            ends = np.array(pairs, np.int32)
            ptr, links = route(ends[:, 0].copy(), ends[:, 1].copy())
            self._ways = {
                pair: links[ptr[n] : ptr[n + 1]]
                for n, pair in enumerate(pairs)
                if ptr[n + 1] > ptr[n]
            }

    def way(self, a: int, b: int) -> I32:
        """Return the links after `a` up to `b`."""
        return np.empty(0, np.int32) if a == b else self._ways[a, b][1:]

    def along(self, route: list[int]) -> F64:
        """Return the metres from the start of a route to the start of each of its links."""
        return np.cumsum(self._length[route]) - self._length[route]

    def seconds(self, a: _Candidate, b: _Candidate) -> float:
        """Return the free-flow time from one place to another, infinite without a way."""
        if a.link == b.link:
            ahead = b.pos_m - a.pos_m
            return ahead / float(self._speed[a.link]) if ahead >= STEP_M else np.inf
        way = self._ways.get((a.link, b.link))
        if way is None:
            return np.inf
        rest = float(self._length[a.link] - a.pos_m) / float(self._speed[a.link])
        return rest + float(self._time[way[1:-1]].sum()) + b.pos_m / float(self._speed[b.link])


def _neighbours(near: list[list[_Candidate]]) -> list[tuple[_Candidate, _Candidate]]:
    """Return the pairs of candidates of stops between which only stops without any lie."""
    known = [own for own in near if own]
    return [
        (a, b)
        for n, own in enumerate(known)
        for a in own
        # One stop may turn out not to be reached: its neighbours are then joined.
        for after in known[n + 1 : n + 3]
        for b in after
    ]


def _course(
    pattern: Pattern, near: list[list[_Candidate]], legs: _Legs
) -> tuple[Course | None, list[int]]:
    """Return a pattern on the streets, or None, and its stops that no road leads to."""
    calls = [n for n, stop in enumerate(pattern.stops) if near[stop]]
    cut_off: list[int] = []
    chain: list[tuple[int, list[_Candidate], F64, list[int]]] = []
    for n in calls:
        own = near[pattern.stops[n]]
        at = np.array([one.cost_s for one in own])
        if not chain:
            chain.append((n, own, at, [-1] * len(own)))
            continue
        _, before, cost, _ = chain[-1]
        table = np.array([[legs.seconds(a, b) for a in before] for b in own]) + cost
        best = table.argmin(axis=1)
        total = table[np.arange(len(own)), best] + at
        if not np.isfinite(total).any():
            cut_off.append(pattern.stops[n])
            continue
        chain.append((n, own, total, best.tolist()))
    if len(chain) < 2:
        return None, cut_off
    pick = int(np.argmin(chain[-1][2]))
    chosen: list[tuple[int, _Candidate]] = []
    for n, own, _, came in reversed(chain):
        chosen.append((n, own[pick]))
        pick = came[pick]
    chosen.reverse()
    route, step = [chosen[0][1].link], [0]
    for (_, a), (_, b) in pairwise(chosen):
        route += legs.way(a.link, b.link).tolist()
        step.append(len(route) - 1)
    pos = np.array([one.pos_m for _, one in chosen])
    return (
        Course(
            np.array(route, np.int32),
            np.array([n for n, _ in chosen], np.int32),
            np.array([one.link for _, one in chosen], np.int32),
            pos,
            np.array(step, np.int32),
            legs.along(route)[step] + pos,
        ),
        cut_off,
    )
