"""Feeds the traffic with trips and reroutes drivers, both at present travel times."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin.demand.trips import CELL_S, TripPlan, Trips, Wishes
from twin.network.graph import I32
from twin.traffic.figures import Running
from twin.traffic.interface import Traffic
from twin.traffic.learned import LearnedRoutes
from twin.traffic.loading import Loading
from twin.traffic.rows import rows_of
from twin.traffic.trip_routes import RouteBook

WORTH_IT = 0.9
"""An informed driver takes another way when that needs less than this share of the time left."""
FEED_S = 10.0
"""Length of the parts in which trips are handed over; those are not touched by later changes."""


class Feeder:
    """Plans trips for a slice of `CELL_S` at a time and hands them over in small parts.

    Routes are those at the travel times of the slice's beginning and the flow to come. When the
    demand or the open roads change, what is left of the slice is planned anew.

    Parameters
    ----------
    traffic
        The vehicles.
    loading
        Routes ordinary drivers.
    plan
        The trips.
    area
        (L,) number of each link's area, see `Router.routes`.
    informed_share, reroute_every_s
        Share of drivers who follow live travel times, and how often they do.
    learned
        Routes with which trips begin; without them, those of `loading`.
    book
        Told the routes with which trips begin.

    Attributes
    ----------
    without_route
        Trips that were dropped because no open road led to their goal.
    """

    def __init__(
        self,
        traffic: Traffic,
        loading: Loading,
        plan: TripPlan,
        area: I32,
        *,
        informed_share: float,
        reroute_every_s: float,
        learned: LearnedRoutes | None = None,
        book: RouteBook | None = None,
    ) -> None:
        self.without_route = 0
        self._traffic = traffic
        self._loading = loading
        self._router = loading.router
        self._plan = plan
        self._area = area
        self._learned = learned
        self._book = book
        self._informed_share = informed_share
        self._reroute_every_s = reroute_every_s
        self._factor = 1.0
        self._trips = Trips.empty()
        self._lost: NDArray[np.float64] = np.empty(0)
        self._fed = 0
        self._fed_to = traffic.t
        self._slice_end = traffic.t
        self._next_reroute = traffic.t + reroute_every_s
        self._avoid = False
        self._stale = True

    def scale(self, factor: float) -> None:
        """Multiply the trips that depart from now on."""
        self._factor = factor
        self._stale = True

    def roads_changed(self) -> None:
        """Plan the rest of the slice anew, and let everybody avoid the roads that are closed."""
        self._stale = self._avoid = True

    def feed(self, t: float) -> float:
        """Plan and hand over what is due at `t`; return when to come again."""
        if self._book is not None:
            self._book.look()
        if self._stale or t >= self._slice_end or t >= self._next_reroute:
            self._plan_slice(t)
        if t >= self._fed_to:
            self._fed_to = min((math.floor(t / FEED_S) + 1) * FEED_S, self._slice_end)
            end = int(np.searchsorted(self._trips.depart_s, self._fed_to))
            part = self._trips.part(self._fed, end)
            vehicles = self._traffic.add_trips(part)
            if self._book is not None:
                self._book.plan(vehicles, part.route_ptr, part.route_link)
            self._fed = end
            self.without_route += int(np.count_nonzero(self._lost < self._fed_to))
            self._lost = self._lost[self._lost >= self._fed_to]
        return min(self._fed_to, self._next_reroute)

    def _plan_slice(self, t: float) -> None:
        """Route the trips of a new slice and the drivers who are due, with trees in common."""
        number = math.floor(t / CELL_S)
        wishes, span_s = None, 0.0
        if self._stale or t >= self._slice_end:
            self._stale = False
            self._slice_end = (number + 1) * CELL_S
            wishes = self._plan.between(max(t, self._fed_to), self._slice_end, factor=self._factor)
        drivers = self._drivers(t)
        origin, goal = drivers.link, drivers.goal
        if wishes is not None and self._learned is not None:
            self._set_trips(wishes, *self._learned.routes(wishes))
            wishes, span_s = None, 0.0
        if wishes is not None:
            origin = np.concatenate([wishes.origin, origin])
            goal = np.concatenate([wishes.destination, goal])
        first = 0 if wishes is None else len(wishes)
        ptr, links = self._loading.routes(
            origin, goal, self._area[goal], first, span_s, turn=number
        )
        if wishes is not None:
            self._set_trips(wishes, ptr[: first + 1], links)
        self._set_routes(drivers, ptr[first:], links)

    def _set_trips(self, wishes: Wishes, ptr: I32, links: I32) -> None:
        length = np.diff(ptr)
        has_way = length > 0
        kept = np.zeros(int(has_way.sum()) + 1, np.int32)
        np.cumsum(length[has_way], out=kept[1:])
        self._trips = Trips(
            wishes.depart_s[has_way],
            wishes.kind[has_way],
            kept,
            links[: ptr[-1]],
            wishes.end_pos_m[has_way],
            wishes.number[has_way],
        )
        self._lost = wishes.depart_s[~has_way]
        self._fed = 0

    def _drivers(self, t: float) -> Running:
        """Return those who look for a new way: the informed when due, all who must avoid roads."""
        traffic = self._traffic
        chosen = np.empty(0, np.int64)
        if t >= self._next_reroute:
            self._next_reroute = (math.floor(t / self._reroute_every_s) + 1) * self._reroute_every_s
            chosen = traffic.running_routes(share=self._informed_share).vehicle
            # Those who waited to enter when a road closed are on the road by now.
            self._avoid = True
        if self._avoid:
            self._avoid = False
            barred = [traffic.vehicles_with(int(link)) for link in traffic.closed]
            if len(turns := traffic.banned):
                barred.append(traffic.vehicles_turning(turns))
            chosen = np.concatenate([chosen, *barred])
        every = traffic.running_routes()
        keep = np.isin(every.vehicle, chosen) & (every.link != every.goal)
        return Running(every.vehicle[keep], every.link[keep], every.goal[keep])

    def _set_routes(self, drivers: Running, ptr: I32, links: I32) -> None:
        """Give drivers new routes where these are clearly faster, or their own ones are barred.

        Who changed for every second gained would turn back as soon as others had done the same.
        """
        new_ptr, new_links = ptr - ptr[0], links[ptr[0] : ptr[-1]]
        has_way = np.diff(new_ptr) > 0
        before = self._router.worth_of(*self._traffic.ways_ahead(drivers.vehicle))
        after = self._router.worth_of(new_ptr, new_links)
        better = np.flatnonzero(has_way & ~(after >= WORTH_IT * before))
        if len(better):
            better_ptr, better_links = rows_of(new_ptr, new_links, better)
            self._traffic.set_route(drivers.vehicle[better], better_ptr, better_links)
