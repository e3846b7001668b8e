"""Fastest ways of emergency units, which may set out and arrive on either side of a street."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.core.random import Streams
from twin.network.graph import F64, I32, U8, Network, Place
from twin.network.sides import across, both_sides
from twin.traffic.kernels.anchored import NOTHING, Anchored
from twin.traffic.kernels.both_sides import (
    etas_to,
    least_to_anchors,
    on_side,
    times_from,
    times_to_anchors,
    way_between_sides,
)
from twin.traffic.kernels.routing import RoadGraph
from twin.traffic.router import Router

if TYPE_CHECKING:
    from twin.traffic.anchors import Anchors

FEW = 60
"""A tree of the whole city costs more than ways to so many anchors."""


class Way(NamedTuple):
    """A unit's way to a goal.

    Attributes
    ----------
    links
        What it drives on, from the side of its street on which it sets out to the one on which it
        arrives; empty if no road leads there.
    begin_m, end_m
        Metres on the first link and on the last.
    stop
        Where it then stands: at the goal, or where it stood if that was `HERE_M` past it at most.
    """

    links: I32
    begin_m: float
    end_m: float
    stop: Place


class UnitRouter(Router):
    """A router that also knows the drives of units; parameters are those of `Router`."""

    def __init__(
        self,
        network: Network,
        *,
        threads: int = 1,
        graph: RoadGraph | None = None,
        streams: Streams | None = None,
    ) -> None:
        super().__init__(network, threads=threads, graph=graph, streams=streams)
        self.keeps_way = False
        """Whether the way of what `etas` or `travel_times` finds to be the first is kept."""
        self._found: dict[tuple[Place, Place, bool], I32] = {}
        self._found_at = self.version
        self.near: Anchors | None = None
        """Where drives often begin."""
        self.far: Anchors | None = None
        """Where drives often end, one of which is the first."""
        self.home: Anchors | None = None
        """Where drives often end."""

    @cached_property
    def across(self) -> I32:
        """(L,) the link on the other side of each link's street, or -1."""
        return across(self.network)

    def way(self, start: Place, goal: Place, *, moving: bool = False) -> Way:
        """Return the fastest way of a unit that stands at `start`, or is on the move there."""
        links = self._kept().get((start, goal, moving))
        if links is None:
            links = self._search(start, goal, moving=moving)
        if not len(links):
            return Way(links, start.pos_m, goal.pos_m, goal)
        begin_m, end_m = self._on(int(links[0]), start), self._on(int(links[-1]), goal)
        if len(links) == 1 and end_m < begin_m:
            return Way(links, begin_m, begin_m, start)
        return Way(links, begin_m, end_m, goal)

    def _search(self, start: Place, goal: Place, *, moving: bool) -> I32:
        """Return the links of a drive, found in the direction in which the most is known of it.

        Of ways that take equally long but for rounding each direction may find another one. The
        direction follows from the goal alone, so that `etas` finds the way that is then driven.
        """
        if self._begins_known(goal):
            one = np.full(1, moving, np.uint8)
            _, links, _ = etas_to(
                self._rows, self.times, self.network.link_length, self.across, *columns([start]),
                one, *goal, np.zeros(1), True, np.inf, self._known(self.near),
            )  # fmt: skip
            return links
        return way_between_sides(
            self._rows, self.times, self.network.link_length, self.across, self._max_speed,
            *start, moving, *goal, self._known(self.home),
        )  # fmt: skip

    def _begins_known(self, goal: Place) -> bool:
        """Return whether more is known of where drives to a goal begin than of the goal."""
        if self.near is None:
            return False
        home, far = self.home, self.far
        if home is not None and home.holds_one(goal.link):
            return False
        return far is None or not far.holds_one(goal.link)

    def _kept(self) -> dict[tuple[Place, Place, bool], I32]:
        """Return the ways that searches for the first found since costs last changed."""
        if self._found_at != self.version:
            self._found.clear()
            self._found_at = self.version
        return self._found

    def _known(self, of: Anchors | None) -> Anchored:
        return NOTHING if of is None else of.known(self._rows.row_of)

    def _to_anchors(self, goals: I32) -> Anchored | None:
        """Return what is known of few goals if all are anchors, on either side, else None."""
        return self._homes(goals) if len(goals) <= FEW else None

    def _homes(self, goals: I32) -> Anchored | None:
        """Return what is known of goals if all are anchors, on either side, else None."""
        if self.home is None or not self.home.holds(both_sides(goals, self.across)):
            return None
        return self.home.known(self._rows.row_of, at_once=True)

    def _on(self, side: int, place: Place) -> float:
        if side == place.link:
            return float(place.pos_m)
        return float(on_side(place.link, place.pos_m, side, self.network.link_length))

    def etas(
        self,
        places: Sequence[Place],
        goal: Place,
        beside: F64 | None = None,
        within_s: float | None = None,
        moving: NDArray[np.bool_] | None = None,
    ) -> F64:
        """Return (U,) seconds of units from places to `goal`, by one search; inf: no way.

        Units stand, but those that are (U,) `moving`. With (U,) seconds `beside` the drives,
        infinite also for those whose sum of both is not the least; so are those that take more
        than `within_s`.
        """
        return self.etas_from(*columns(places), goal, beside, within_s, moving)

    def etas_from(
        self,
        link: I32,
        pos: F64,
        goal: Place,
        beside: F64 | None = None,
        within_s: float | None = None,
        moving: NDArray[np.bool_] | None = None,
    ) -> F64:
        """Return what `etas` does of places given as (U,) links and metres."""
        first = beside is not None
        limit = np.inf if within_s is None else within_s
        none = np.zeros(len(link)) if beside is None else beside
        kept: U8 = np.zeros(len(link), np.uint8) if moving is None else moving.view(np.uint8)
        if not first and within_s is None:
            anchored = self._to_anchors(np.array([goal.link], np.int32))
            if anchored is not None:
                found: F64 = times_to_anchors(
                    self._rows, self.times, self.network.link_length, self.across, link, pos, kept,
                    *columns([goal]), anchored,
                )  # fmt: skip
                return found[:, 0]
        out, way, which = etas_to(
            self._rows, self.times, self.network.link_length, self.across, link, pos, kept, *goal,
            none, first, limit, self._known(self.near) if first else NOTHING,
        )  # fmt: skip
        # A way is kept only if it is the one that `way` would find.
        if self.keeps_way and first and which >= 0 and self._begins_known(goal):
            place = Place(int(link[which]), float(pos[which]))
            self._kept()[place, goal, bool(kept[which])] = way
        return out

    def travel_times(
        self,
        origin: Place,
        goals: Sequence[Place],
        beside: F64 | None = None,
        *,
        moving: bool = False,
    ) -> F64:
        """Return (D,) seconds of a unit from `origin` to each goal, by one search; inf: no way.

        With (D,) seconds `beside`, as in `etas`.
        """
        link, pos = columns(goals)
        anchored = self._to_anchors(link) if beside is None else None
        if anchored is not None:
            # Ways to anchors one by one are not kept.
            found: F64 = times_to_anchors(
                self._rows, self.times, self.network.link_length, self.across, *columns([origin]),
                np.array([moving], np.uint8), link, pos, anchored,
            )  # fmt: skip
            return found[0, :]
        first = beside is not None
        none = np.zeros(len(goals)) if beside is None else beside
        out, way, which = times_from(
            self._rows, self.times, self.network.link_length, self.across, *origin, moving, link,
            pos, none, first, self._known(self.far) if first else NOTHING,
        )  # fmt: skip
        if self.keeps_way and which >= 0:
            self._kept()[origin, goals[which], moving] = way
        return out

    def least_times(
        self, origins: Sequence[Place], goals: Sequence[Place], moving: NDArray[np.bool_]
    ) -> F64 | None:
        """Return (U, D) seconds that `travel_times` never undercuts; None if not all are known."""
        link, pos = columns(goals)
        anchored = self._homes(link)
        if anchored is None:
            return None
        least: F64 = least_to_anchors(
            self._rows, self.times, self.network.link_length, self.across, *columns(origins),
            moving.view(np.uint8), link, pos, anchored,
        )  # fmt: skip
        return least


def columns(places: Sequence[Place]) -> tuple[I32, F64]:
    """Return the links and the metres of places."""
    link = np.array([place.link for place in places], np.int32)
    return link, np.array([place.pos_m for place in places], np.float64)
