"""The routes that vehicles in queues still have before them, and new ones for them."""

from __future__ import annotations

import numpy as np

from twin.network.graph import F32, I32, I64, U8
from twin.traffic.books import same_drivers
from twin.traffic.figures import Running
from twin.traffic.kernels import meso_reading, routes
from twin.traffic.kernels.meso_layout import AT_BAY, DRIVING_PLACE, WAITING
from twin.traffic.meso_engine import QueueEngine
from twin.traffic.rows import rows_with


class RoutedQueues(QueueEngine):
    """Queue-level traffic whose routes can be read and changed (as for `QueueEngine`)."""

    def _running(self) -> tuple[I32, I32, U8, F32, F32]:
        n = self.counters.running
        slot, link = np.empty(n, np.int32), np.empty(n, np.int32)
        lane = np.empty(n, np.uint8)
        pos, vel = np.empty(n, np.float32), np.empty(n, np.float32)
        n = meso_reading.list_running(self._now, slot, link, lane, pos, vel, self._net, self._state)
        # Who stands in a bay is on no link. Who is in no queue any more comes by slot, and slots
        # depend on when ends were read: by number instead.
        row = self._state.vehicle[slot[:n]]
        queued = int((row["state"] == DRIVING_PLACE).sum())
        order = np.arange(n)
        order[queued:] = queued + np.argsort(row["id"][queued:])
        return slot[order], link[order], lane[order], pos[order], vel[order]

    def vehicles_with(self, link: int) -> I64:
        """Return the numbers of vehicles, also waiting ones, that have yet to enter `link`."""
        ids = np.empty(len(self._state.vehicle), np.int64)
        return ids[: meso_reading.find_users(link, ids, self._net, self._state)]

    def vehicles_turning(self, turns: I32) -> I64:
        """Return the numbers of vehicles, also waiting ones, that have yet to make such a turn."""
        marked = np.zeros(self.network.n_turns, np.uint8)
        marked[turns] = 1
        ids = np.empty(len(self._state.vehicle), np.int64)
        return ids[: meso_reading.find_turning(marked, ids, self._state)]

    def ways_ahead(self, vehicles: I64) -> tuple[I32, I32]:
        """Return routes from where vehicles are; see `MicroTraffic.ways_ahead`."""
        slot, link, *_ = self._running()
        place = self._state.place
        used = np.flatnonzero(place["when"] >= 0)
        # Who is on its last link is in no place, and what its row says was its route once.
        rpos = np.where(self._state.vehicle["state"] == AT_BAY, self._state.vehicle["rpos"], -1)
        rpos = rpos.astype(np.int32)
        rpos[place["slot"][used]] = place["rpos"][used]
        if not len(slot):
            return np.zeros(len(vehicles) + 1, np.int32), np.empty(0, np.int32)
        row = rows_with(np.array(self._state.vehicle["id"][slot]), vehicles)
        found = np.where(row >= 0, link[row], -1).astype(np.int32)
        return routes.ways_ahead(found, rpos[slot[row]], self._state.route, self.network.turn_to)

    def set_route(self, ids: I64, route_ptr: I32, route_link: I32) -> int:
        """Give vehicles new routes; return how many took theirs; see `MicroTraffic.set_route`.

        Raises
        ------
        InputError
            If a route is broken.
        """
        state = self._state.vehicle["state"]
        live = np.flatnonzero((state == DRIVING_PLACE) | (state == WAITING))
        new = self._set_routes(live, ids, route_ptr, route_link)
        return int(meso_reading.assign_routes(*new, self._state))

    def running_routes(self, *, share: float = 1.0) -> Running:
        """Return the link and the goal of the trips' vehicles on the road that serve no stops.

        Parameters
        ----------
        share
            Of the drivers: always the same ones, and 10% are among 20%.
        """
        slot, link, *_ = self._running()
        row = self._state.vehicle[slot]
        keep = (row["call"] >= row["calls_end"]) & same_drivers(row["id"], share)
        return Running(np.array(row["id"][keep]), link[keep], np.array(row["goal"][keep]))
