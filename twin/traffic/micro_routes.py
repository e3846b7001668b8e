"""The routes that vehicles in lane-level traffic still have before them, and new ones for them."""

from __future__ import annotations

import numpy as np

from twin.network.graph import I32, I64
from twin.traffic.books import same_drivers
from twin.traffic.engine import Engine
from twin.traffic.figures import Running
from twin.traffic.kernels import layout, routes
from twin.traffic.kernels.layout import FREE
from twin.traffic.rows import rows_with


class RoutedTraffic(Engine):
    """Lane-level traffic whose routes can be read and changed (parameters as for `Engine`)."""

    def _list_running(self) -> tuple[I32, I32, layout.U8]:
        lane = self._state.lane
        count = int((lane["end"] - lane["start"]).sum())
        index = np.empty(count, np.int32)
        link = np.empty(count, np.int32)
        own = np.empty(count, np.uint8)
        count = routes.list_running(self._net, self._state, self._records, index, link, own)
        return index[:count], link[:count], own[:count]

    def vehicles_with(self, link: int) -> I64:
        """Return the numbers of vehicles, also waiting ones, that have yet to enter `link`."""
        ids = np.empty(len(self._state.vehicle), np.int64)
        count = routes.find_users(link, ids, self._net, self._state, self._records)
        return ids[:count]

    def vehicles_turning(self, turns: I32) -> I64:
        """Return the numbers of vehicles, also waiting ones, that have yet to make one of `turns`.

        Emergency units are left out.
        """
        marked = np.zeros(self.network.n_turns, np.uint8)
        marked[turns] = 1
        ids = np.empty(len(self._state.vehicle), np.int64)
        count = routes.find_turning(marked, ids, self._state, self._records)
        return ids[:count]

    def ways_ahead(self, vehicles: I64) -> tuple[I32, I32]:
        """Return the routes of vehicles from the links they are on, as compressed rows.

        A vehicle that is not on the road has an empty row.
        """
        index, link, _ = self._list_running()
        if not len(index):
            return np.zeros(len(vehicles) + 1, np.int32), np.empty(0, np.int32)
        row = rows_with(self._state.vehicle["id"][self._records["slot"][index]], vehicles)
        found = np.where(row >= 0, link[row], -1).astype(np.int32)
        rpos = self._records["rpos"][index][row].astype(np.int32)
        return routes.ways_ahead(found, rpos, self._state.route, self.network.turn_to)

    def set_route(self, ids: I64, route_ptr: I32, route_link: I32) -> int:
        """Give vehicles new routes; return how many took theirs.

        A route starts on the link its vehicle is on, or on its first link while it waits; vehicles
        that have left that link meanwhile, or the road, keep what they have.

        Raises
        ------
        InputError
            If a route is broken.
        """
        live = np.flatnonzero(self._state.vehicle["state"] != FREE)
        new = self._set_routes(live, ids, route_ptr, route_link)
        return int(routes.assign_routes(*new, self._net, self._state, self._records))

    def running_routes(self, *, share: float = 1.0) -> Running:
        """Return the link and the goal of the trips' vehicles on the road that serve no stops.

        Parameters
        ----------
        share
            Of the drivers: always the same ones, and 10% are among 20%.
        """
        index, link, _ = self._list_running()
        row = self._state.vehicle[self._records["slot"][index]]
        keep = (row["unit"] < 0) & (row["call"] >= row["calls_end"])
        keep &= same_drivers(row["id"], share)
        return Running(np.array(row["id"][keep]), link[keep], np.array(row["goal"][keep]))
