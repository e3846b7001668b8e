"""What every trip planned to drive and what it drove, for who asks.

The routes that vehicles have before them are looked at every few seconds; what lies between two
looks is the route as it was, up to the link of the second. A vehicle that left its route in between
is taken to have come by the way with the fewest links.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from twin.network.graph import I32, I64
from twin.traffic.figures import Finished
from twin.traffic.interface import Traffic

_FARTHEST = 500
"""Links looked at to fill the way between two looks."""


class TripRoutes(NamedTuple):
    """Routes of finished trips: rows in the order of `vehicle`.

    Attributes
    ----------
    vehicle
        (N,) numbers.
    planned, driven
        N arrays of links, first to last.
    """

    vehicle: I64
    planned: list[I32]
    driven: list[I32]


class RouteBook:
    """Follows every vehicle of a traffic along its links.

    Parameters
    ----------
    traffic
        The vehicles.
    """

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._planned: dict[int, I32] = {}
        self._driven: dict[int, list[int]] = {}
        self._ahead: dict[int, I32] = {}

    def plan(self, vehicles: I64, ptr: I32, links: I32) -> None:
        """Note the routes with which vehicles were added."""
        for row, vehicle in enumerate(vehicles.tolist()):
            self._planned[vehicle] = links[ptr[row] : ptr[row + 1]].copy()

    def look(self) -> None:
        """See where everybody is; to be called every few seconds and before routes are changed."""
        running = self._traffic.running_routes()
        ptr, links = self._traffic.ways_ahead(running.vehicle)
        seen: dict[int, I32] = {}
        for row, vehicle in enumerate(running.vehicle.tolist()):
            ahead = links[ptr[row] : ptr[row + 1]]
            before = self._ahead.get(vehicle)
            if before is None or before[0] != ahead[0]:
                self._follow(vehicle, int(ahead[0]))
            seen[vehicle] = ahead
        # Who is not seen has arrived, and is asked for by `take`.
        self._ahead.update(seen)

    def take(self, done: Finished) -> TripRoutes:
        """Return the routes of the trips that reached their goals, and forget all that ended."""
        planned, driven = [], []
        for vehicle, goal, reached in zip(
            done.vehicle.tolist(), done.destination.tolist(), done.reached.tolist(), strict=True
        ):
            if reached:
                self._follow(vehicle, goal)
                planned.append(self._planned[vehicle])
                driven.append(np.array(self._driven[vehicle], np.int32))
            for book in (self._planned, self._driven, self._ahead):
                book.pop(vehicle, None)
        return TripRoutes(done.vehicle[done.reached], planned, driven)

    def _follow(self, vehicle: int, link: int) -> None:
        """Add the links up to `link`."""
        path = self._driven.setdefault(vehicle, [])
        before = self._ahead.get(vehicle)
        if before is None:
            before = self._planned[vehicle]
            path.append(int(before[0]))
        at = np.flatnonzero(before == link)
        if len(at):
            path.extend(before[1 : int(at[0]) + 1].tolist())
        else:
            path.extend(self._between(path[-1], link))

    def _between(self, start: int, end: int) -> list[int]:
        """Return the links after `start` up to `end` on the way with the fewest of them."""
        network = self._traffic.network
        came_from = {start: start}
        waiting = deque([start])
        while waiting and end not in came_from and len(came_from) < _FARTHEST:
            link = waiting.popleft()
            for t in range(network.turn_ptr[link], network.turn_ptr[link + 1]):
                to = int(network.turn_to[t])
                if to not in came_from:
                    came_from[to] = link
                    waiting.append(to)
        if end not in came_from:
            return [end]
        way = [end]
        while came_from[way[-1]] != start:
            way.append(came_from[way[-1]])
        return way[::-1]
