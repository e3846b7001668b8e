"""The books of simulated traffic: slots of vehicles and the store of routes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError
from twin.network.graph import Network
from twin.traffic.kernels import layout
from twin.traffic.kernels.layout import FREE

I32 = NDArray[np.int32]


class Books:
    """Slots are reused; routes are packed when their store is full.

    Attributes
    ----------
    network
        The network that routes run over.
    """

    network: Network
    _route_used: ClassVar[int]
    _state: Any
    _free: I32
    _n_free: int

    def _write_routes(self, ptr: I32, links: I32, start: I32) -> int:
        """Write routes as turns, and where each starts; return the first bad one, else -1."""
        raise NotImplementedError

    def _live_length(self) -> int:
        """Return the entries of the store that are still to be driven."""
        raise NotImplementedError

    def _compact_routes(self, store: I32) -> None:
        """Copy what is still to be driven into `store`."""
        raise NotImplementedError

    def _grow_vehicles(self, rows: int) -> Any:
        """Return the state with at least `rows` slots."""
        raise NotImplementedError

    def _append_routes(self, ptr: I32, links: I32) -> I32:
        if len(links) and (links.min() < 0 or links.max() >= self.network.n_links):
            raise InputError(f"a route holds a link outside 0..{self.network.n_links - 1}")
        self._make_route_room(len(links))
        start = np.empty(len(ptr) - 1, np.int32)
        used = int(self._state.counts[self._route_used])
        bad = self._write_routes(ptr, links, start)
        if bad >= 0:
            self._state.counts[self._route_used] = used
            raise InputError("its route holds two links that no turn joins", row=f"trip {bad}")
        return start

    def _make_route_room(self, extra: int) -> None:
        state = self._state
        if len(state.route) - state.counts[self._route_used] >= extra + layout.ROUTE_MARGIN:
            return
        size = max(len(state.route), 2 * (self._live_length() + extra) + 2 * layout.ROUTE_MARGIN)
        store = np.zeros(size, np.int32)
        self._compact_routes(store)
        self._state = state._replace(route=store)

    def _take_slots(self, n: int) -> I32:
        while self._n_free < n:
            old = len(self._state.vehicle)
            self._state = self._grow_vehicles(old + n - self._n_free)
            size = len(self._state.vehicle)
            free = np.empty(size, np.int32)
            fresh = np.arange(size - 1, old - 1, -1, dtype=np.int32)
            free[: len(fresh)] = fresh
            free[len(fresh) : len(fresh) + self._n_free] = self._free[: self._n_free]
            self._free = free
            self._n_free += len(fresh)
        self._n_free -= n
        return self._free[self._n_free : self._n_free + n][::-1].copy()

    def _give_slots(self, slots: I32) -> None:
        self._state.vehicle["state"][slots] = FREE
        self._free[self._n_free : self._n_free + len(slots)] = slots
        self._n_free += len(slots)
