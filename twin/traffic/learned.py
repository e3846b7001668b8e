"""Routes with which drivers begin, where an assignment has been made before."""

from __future__ import annotations

from datetime import date

import numpy as np

from twin.core.random import Streams
from twin.demand.trips import Wishes
from twin.network.graph import I32, Network
from twin.traffic.assignment_files import Assignment
from twin.traffic.router import Router
from twin.traffic.rows import replaced, rows_of
from twin.traffic.timed_router import TimedRouter


class LearnedRoutes:
    """Begins trips on the routes of an assignment, or at the link times that came of it.

    The trips of the assignment's own seed, replication and day have their routes. Any other trip
    takes the way that its driver perceives as fastest at the assignment's link times, which is what
    a driver of the same equilibrium would do.

    Parameters
    ----------
    assignment
        What was learned.
    network
        The streets, those of the assignment.
    router
        Of ordinary drivers: knows closures, tolls and bans.
    streams, day
        Of the run.
    threads
        Of the searches.
    """

    def __init__(
        self,
        assignment: Assignment,
        network: Network,
        router: Router,
        streams: Streams,
        day: date,
        *,
        threads: int = 1,
    ) -> None:
        self._kept = assignment
        self._router = router
        same = (assignment.seed, assignment.replication, assignment.day)
        self._same = same == (streams.seed, streams.replication, day.isoformat())
        self._timed = TimedRouter(
            network,
            assignment.seconds,
            assignment.begin_s,
            assignment.span_s,
            key=streams.kernel_key("perception"),
            spread=assignment.spread,
            graph=router.graph,
            threads=threads,
        )

    def routes(self, wishes: Wishes) -> tuple[I32, I32]:
        """Return the routes of trips as compressed rows; an empty row where no road is open."""
        kept = self._kept
        row = np.searchsorted(kept.trips, wishes.number)
        row = np.minimum(row, max(len(kept.trips) - 1, 0))
        found = np.zeros(len(wishes), np.bool_)
        if self._same and len(kept.trips):
            length = kept.route_ptr[row + 1] - kept.route_ptr[row]
            found = (kept.trips[row] == wishes.number) & (length > 0)
            first = kept.route_link[np.where(found, kept.route_ptr[row], 0)]
            last = kept.route_link[np.where(found, kept.route_ptr[row + 1] - 1, 0)]
            found &= (first == wishes.origin) & (last == wishes.destination)
        own = np.flatnonzero(found)
        own_ptr, own_links = rows_of(kept.route_ptr, kept.route_link, row[own])
        open_now = np.isfinite(self._router.times_of(own_ptr, own_links))
        ptr, links = np.zeros(len(wishes) + 1, np.int32), np.empty(0, np.int32)
        at = np.flatnonzero(open_now)
        ptr, links = replaced(ptr, links, own[at], *rows_of(own_ptr, own_links, at))
        rest = np.flatnonzero(np.diff(ptr) == 0)
        self._timed.set_extra(self._router.extra)
        new = self._timed.routes(
            wishes.number[rest],
            wishes.origin[rest],
            wishes.destination[rest],
            wishes.depart_s[rest],
        )
        return replaced(ptr, links, rest, *new)
