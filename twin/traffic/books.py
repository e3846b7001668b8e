"""The books of simulated traffic, the same for lanes and queues: trips, slots, routes, sums."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError
from twin.demand.trips import Trips
from twin.network.graph import F32, F64, I32, I64, U8, Network
from twin.traffic.closures import Closures
from twin.traffic.figures import Finished, LinkStats
from twin.traffic.kernels import layout
from twin.traffic.kernels.layout import FREE, WAITING, Records
from twin.traffic.kernels.route_store import append_routes
from twin.traffic.large_pages import zeros
from twin.traffic.storage import Checkpoint, layout_mark
from twin.traffic.types import Fleet

END_M = 0.02
"""A trip ends at least this far before the end of its last link, so that it does not cross."""


class Books(ABC):
    """Slots are reused; routes are packed when their store is full.

    Attributes
    ----------
    network
        The network that routes run over.
    start_s, dt_s
        Simulated second at tick 0, length of a tick.
    tick
        Ticks so far.
    fleet
        The types of vehicles.
    """

    network: Network
    start_s: float
    dt_s: float
    tick: int
    fleet: Fleet
    _layout: ClassVar[ModuleType]
    _route_used: ClassVar[int]
    _net: Any
    _state: Any
    _free: I32
    _n_free: int
    _next_id: int
    _next_token: int
    _closures: Closures
    _stats_base: tuple[F64, F64, I64]

    @property
    def t(self) -> float:
        """Simulated second now."""
        return self.start_s + self.tick * self.dt_s

    # Trips

    def add_trips(self, trips: Trips) -> I64:
        """Queue trips at their first links; return their vehicle numbers.

        Trips whose departure has passed enter as soon as there is space.

        Raises
        ------
        InputError
            If a route holds a link that does not exist or two links not joined by a turn.
        """
        n = len(trips)
        ids = np.arange(self._next_id, self._next_id + n, dtype=np.int64)
        if not n:
            return ids
        links = np.ascontiguousarray(trips.route_link, np.int32)
        ptr = np.ascontiguousarray(trips.route_ptr, np.int32)
        start = self._append_routes(ptr, links)
        slots = self._take_slots(n)
        goal = links[ptr[1:] - 1]
        row = self._state.vehicle[slots]
        row["t_plan"] = trips.depart_s
        row["t_depart"] = row["t_arrive"] = np.nan
        row["distance"] = 0.0
        row["id"] = ids
        row["end"] = np.minimum(trips.end_pos_m, self.network.link_length[goal] - END_M)
        row["origin"], row["goal"] = links[ptr[:-1]], goal
        number = ids if trips.number is None else trips.number
        row["kind"] = self._rows_of(trips.kind, number)
        row["rpos"], row["state"] = start, WAITING
        self._fill_rows(row, number)
        self._state.vehicle[slots] = row
        self._next_id += n
        self._queue_trips(slots)
        return ids

    def _rows_of(self, kind: U8, number: I64) -> U8:  # noqa: ARG002
        """Return the rows of the fleet that drivers have; `number` is what each is drawn by."""
        return self.fleet.rows(kind, np.zeros(len(kind)))

    @abstractmethod
    def _fill_rows(self, row: Records, number: I64) -> None:
        """Write what only one fidelity knows of new trips; drivers are drawn by `number`."""

    @abstractmethod
    def _queue_trips(self, slots: I32) -> None:
        """Let new trips wait at their first links."""

    def _end(self, slots: I32, reached: int, speed_factor: F32) -> Finished:
        """Give back the slots of trips that ended; return the trips."""
        row = self._state.vehicle[slots]
        self._give_slots(slots)
        return Finished(
            np.array(row["id"]),
            self.fleet.kind[row["kind"]],
            np.array(row["t_plan"]),
            np.array(row["t_depart"]),
            np.array(row["t_arrive"]),
            np.array(row["origin"]),
            np.array(row["goal"]),
            np.array(row["distance"]),
            np.asarray(row["state"] == reached),
            speed_factor,
        )

    # Routes

    @abstractmethod
    def _live_length(self) -> int:
        """Return the entries of the store that are still to be driven."""

    @abstractmethod
    def _compact_routes(self, store: I32) -> None:
        """Copy what is still to be driven into `store`."""

    @abstractmethod
    def _grow_vehicles(self, rows: int) -> Any:
        """Return the state with at least `rows` slots."""

    def _append_routes(self, ptr: I32, links: I32) -> I32:
        if len(ptr) > 1:
            inside = ptr[0] >= 0 and ptr[-1] <= len(links)
            if not inside or int(np.diff(ptr).min()) < 1:
                raise InputError("a route holds no link, or links that are not given")
        if len(links) and (links.min() < 0 or links.max() >= self.network.n_links):
            raise InputError(f"a route holds a link outside 0..{self.network.n_links - 1}")
        self._make_route_room(len(links))
        start = np.empty(len(ptr) - 1, np.int32)
        used = int(self._state.counts[self._route_used])
        bad = append_routes(
            ptr,
            links,
            start,
            self._net.link,
            self._net.turn,
            self._state.route,
            self._state.counts,
            self._route_used,
        )
        if bad >= 0:
            self._state.counts[self._route_used] = used
            raise InputError("its route holds two links that no turn joins", row=f"trip {bad}")
        return start

    def _make_route_room(self, extra: int) -> None:
        state = self._state
        if len(state.route) - state.counts[self._route_used] >= extra + layout.ROUTE_MARGIN:
            return
        size = max(len(state.route), 2 * (self._live_length() + extra) + 2 * layout.ROUTE_MARGIN)
        store = zeros(size, np.dtype(np.int32))
        self._compact_routes(store)
        self._state = state._replace(route=store)

    def _set_routes(
        self, slots: I64, ids: I64, route_ptr: I32, route_link: I32
    ) -> tuple[I32, I32, I32, I32]:
        """Store new routes of those vehicles of `ids` that are in `slots`.

        Returns
        -------
        batch
            By slot, the row of the others, or -1.
        start, first, goal
            Where each route begins in the store, its first and last link.
        """
        links = np.ascontiguousarray(route_link, np.int32)
        ptr = np.ascontiguousarray(route_ptr, np.int32)
        start = self._append_routes(ptr, links)
        numbers = self._state.vehicle["id"]
        by_id = slots[np.argsort(numbers[slots])]
        numbers = numbers[by_id]
        at = np.minimum(np.searchsorted(numbers, ids), max(len(numbers) - 1, 0))
        known = np.flatnonzero(numbers[at] == ids) if len(numbers) else np.empty(0, np.int64)
        batch = np.full(len(self._state.vehicle), -1, np.int32)
        batch[by_id[at[known]]] = np.arange(len(known))
        return batch, start[known], links[ptr[:-1][known]], links[ptr[1:][known] - 1]

    # Slots

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

    # Sums

    @abstractmethod
    def _sums(self) -> tuple[F64, F64, I64]:
        """Return the columns of `LinkStats` since the start."""

    def link_stats(self, *, reset: bool = True) -> LinkStats:
        """Return what happened on every link since the last reset."""
        now, base = self._sums(), self._stats_base
        if reset:
            self._stats_base = now
        return LinkStats(now[0] - base[0], now[1] - base[1], now[2] - base[2])

    # Checkpoints

    def _save_books(self, parts: Checkpoint) -> None:
        parts["layout"] = layout_mark(self._layout)
        parts["free"] = self._free[: self._n_free].copy()
        parts["kinds"] = self.fleet.table.copy()
        parts["on_red"] = self._net.turn["on_red"] > 0
        parts["numbers"] = np.array([self.tick, self._next_id, self._next_token], np.int64)
        parts["closure"] = np.array(self._closures.last, np.int64)
        for name, value in zip(LinkStats._fields, self._stats_base, strict=True):
            parts[f"base_{name}"] = value.copy()

    def _restore_books(self, parts: Checkpoint) -> None:
        """Take the books of a checkpoint whose state has been taken already."""
        self._n_free = len(parts["free"])
        self._free = np.zeros(len(self._state.vehicle), np.int32)
        self._free[: self._n_free] = parts["free"]
        self.tick, self._next_id, self._next_token = (int(v) for v in parts["numbers"])
        self._closures = Closures(*parts["closure"].tolist())
        base = [np.array(parts[f"base_{name}"]) for name in LinkStats._fields]
        self._stats_base = (base[0], base[1], base[2])

    def _check_network(self, parts: Checkpoint) -> None:
        known = {"closure", "on_red"} <= parts.keys()
        known = known and parts["link"].dtype == self._net.link.dtype
        # Columns that have moved, as those of tallies, show in no type.
        if not known or not np.array_equal(parts.get("layout", ()), layout_mark(self._layout)):
            why = "the checkpoint was made by another version of Twin, or by another fidelity"
            raise InputError(why)
        if len(parts["link"]) != self.network.n_links:
            raise InputError("the checkpoint is of another network")
        if not np.array_equal(parts["kinds"], self.fleet.table):
            raise InputError("the checkpoint is of traffic with other types of vehicles")
        if not np.array_equal(parts["on_red"], self._net.turn["on_red"] > 0):
            raise InputError("the checkpoint is of traffic with other right turns on red")


def same_drivers(ids: I64, share: float) -> NDArray[np.bool_]:
    """Return which vehicles are among a share: always the same ones, and 10% are among 20%."""
    # Knuth's multiplicative hash of the public number.
    return (ids * 2_654_435_761 % (1 << 32)) < share * (1 << 32)
