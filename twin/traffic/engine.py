"""The engine of lane-level traffic: memory, trips in, ticks, finished trips out.

Python never walks over vehicles; it appends trips slice by slice, advances n ticks in one call, and
reads columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import ClassVar

import numpy as np

from twin.core.errors import InputError
from twin.network.conditions import Conditions
from twin.network.graph import F32, I32, I64, U8, Network
from twin.traffic import noise, storage
from twin.traffic.books import Books
from twin.traffic.closures import Closures
from twin.traffic.conditions import Slowing
from twin.traffic.control import LEAST_GAP, kernel_network
from twin.traffic.figures import Counters, Finished
from twin.traffic.kernels import lane_space, layout, rng, routes, step
from twin.traffic.kernels.jit import outer, use_threads
from twin.traffic.kernels.layout import (
    HEADWAY,
    N_DONE,
    SPEED_MEAN,
    SPEED_SD,
    Records,
)
from twin.traffic.kernels.times import PERIOD_S
from twin.traffic.precompile import helped
from twin.traffic.signals import no_signals
from twin.traffic.sirens import Sirens
from twin.traffic.types import FileType, Fleet, Kinds
from twin.traffic.vehicles import Geometry

SQRT6 = np.float32(np.sqrt(6.0))
LEAST_FACTOR = np.float32(0.2)
"""Nobody wants to drive slower than at this share of the free-flow speed: where SUMO, too, cuts the
distribution off."""
PIECES = 8
"""Pieces of work for each of several threads."""


@outer
def _draw_factors(key: np.uint64, number: I64, kind: I32, kinds: F32, out: F32) -> None:
    for i in range(len(out)):
        a = rng.uniform(key, number[i], 0, rng.SPEED_A)
        b = rng.uniform(key, number[i], 0, rng.SPEED_B)
        spread = kinds[kind[i], SPEED_SD] * SQRT6 * (a + b - np.float32(1.0))
        out[i] = max(kinds[kind[i], SPEED_MEAN] + spread, LEAST_FACTOR)


class Engine(Books):
    """Lane-level traffic of trips; `MicroTraffic` adds units, closures and what others read.

    Parameters
    ----------
    network
        The roads.
    seed
        Key of all randomness of the drivers (`Streams.kernel_key`).
    dt_s
        Length of a tick, seconds.
    threads
        Threads of the kernels; the result has the same bits whatever their number.
    start_s
        Simulated second at tick 0.
    speed_factor
        Factor on every free-flow speed.
    kinds
        Parameters of the types of vehicles and their drivers.
    file_types
        Types beside those.
    least_gap
        Share of the critical gap that drivers take after a long wait; 1 for patient ones.
    sirens
        What drivers do for a siren.
    right_on_red
        Whether drivers turn on red where the network allows it.

    Raises
    ------
    InputError
        If the tick or the factor is out of range.
    """

    _layout: ClassVar[ModuleType] = layout
    _route_used = layout.ROUTE_USED

    def __init__(
        self,
        network: Network,
        *,
        seed: np.uint64,
        dt_s: float = 1.0,
        threads: int = 1,
        start_s: float = 0.0,
        speed_factor: float = 1.0,
        kinds: Kinds | None = None,
        file_types: Sequence[FileType] = (),
        least_gap: float = LEAST_GAP,
        sirens: Sirens | None = None,
        right_on_red: bool = True,
    ) -> None:
        if not 0.1 <= dt_s <= 1.0:
            raise InputError(f"a tick of {dt_s} s is not in 0.1..1 s", field="dt_s")
        if speed_factor <= 0:
            raise InputError(f"speed factor {speed_factor} is not positive", field="speed_factor")
        self.network = network
        self.dt_s = dt_s
        self.start_s = start_s
        self.tick = 0
        self._key = np.uint64(seed)
        self.fleet = Fleet(kinds, file_types)
        self._net = kernel_network(
            network,
            self.fleet.table,
            speed_factor=speed_factor,
            least_gap=least_gap,
            sirens=sirens,
            right_on_red=right_on_red,
        )
        self._dry = (self._net.link["speed"].copy(), self._net.kinds[:, HEADWAY].copy())
        self._conditions = Conditions.clear(network.n_links)
        self._slowings: dict[int, Slowing] = {}
        self._state = storage.new_state(self._net)
        self._signals = no_signals()
        self._buffers = storage.new_buffers(0)
        self._current = 0
        self._make_buffer_room()
        self._next_id = 0
        self._free = np.arange(storage.FIRST_VEHICLES, dtype=np.int32)[::-1].copy()
        self._n_free = storage.FIRST_VEHICLES
        self._geometry = Geometry.of(network)
        self._next_token = 0
        self._closures = Closures()
        self._blocks: dict[int, int] = {}
        self._stats_base = (
            np.zeros(network.n_links),
            np.zeros(network.n_links),
            np.zeros(network.n_links, np.int64),
        )
        self._every = max(1, round(PERIOD_S / dt_s))
        self._hooks: list[tuple[int, Callable[[], None]]] = []
        self._threads = use_threads(threads) if threads > 1 else 1

    @property
    def _records(self) -> Records:
        return self._buffers[self._current]

    # Trips

    def _rows_of(self, kind: U8, number: I64) -> U8:
        return self.fleet.rows(kind, noise.uniform(self._key, number, 0, int(rng.DRIVER)))

    def _fill_rows(self, row: Records, number: I64) -> None:
        kind = row["kind"].astype(np.int32)
        factor = np.empty(len(kind), np.float32)
        with np.errstate(over="ignore"):  # hashes wrap; this is for the plain-Python form
            _draw_factors(self._key, number, kind, self._net.kinds, factor)
        row["fac"], row["unit"] = factor, -1
        row["call"] = row["calls_end"] = 0

    def _queue_trips(self, slots: I32) -> None:
        new = self._state.vehicle[slots]
        self._state = storage.merged_queue(
            self._net, self._state, slots, new["origin"], new["t_plan"]
        )

    def _live_length(self) -> int:
        return int(routes.live_length(self._state, self._records))

    def _compact_routes(self, store: I32) -> None:
        routes.compact_routes(self._state, self._records, store)

    def _grow_vehicles(self, rows: int) -> layout.State:
        return storage.grow_vehicles(self._state, rows)

    def advance(self, n_ticks: int) -> None:
        """Advance by `n_ticks` ticks, in compiled code and without the interpreter's lock.

        Hooks are called between ticks, in the order in which they came; see `MicroTraffic.every`.
        """
        if not self._hooks:
            self._advance(n_ticks)
            return
        end = self.tick + n_ticks
        while self.tick < end:
            due = min((self.tick // every + 1) * every for every, _ in self._hooks)
            self._advance(min(due, end) - self.tick)
            for every, call in tuple(self._hooks):
                if self.tick % every == 0:
                    call()

    def _advance(self, n_ticks: int) -> None:
        run = step.advance_parallel if self._threads > 1 else step.advance
        if self._threads > 1:
            use_threads(self._threads)
        left = n_ticks
        while left > 0:
            sirens = self._net.sirens if len(self._state.unit) else None
            calls = self._state.call if len(self._state.call) else None
            # Hashes wrap, in the plain-Python form.
            with np.errstate(over="ignore"), helped(run, sirens, calls):
                done, self._current = run(
                    PIECES * self._threads if self._threads > 1 else 1,
                    left,
                    self.tick,
                    self.start_s,
                    np.float32(self.dt_s),
                    self._every,
                    self._key,
                    self._current,
                    self._net,
                    self._state,
                    self._signals if len(self._signals.control) else None,
                    sirens,
                    calls,
                    *self._buffers,
                )
            self.tick += done
            left -= done
            if left > 0:
                self._make_route_room(layout.ROUTE_MARGIN)
                self._make_buffer_room()

    def _make_buffer_room(self) -> None:
        needed = lane_space.space_needed(self._net, self._state, self._records)
        if needed > len(self._records):
            old = self._records
            self._buffers = storage.new_buffers(2 * needed)
            self._buffers[0][: len(old)] = old
            self._current = 0

    def finished(self) -> Finished:
        """Return the trips that ended since the last call, in order of their end."""
        count = int(self._state.counts[N_DONE])
        slots = self._state.done[:count].copy()
        self._state.counts[N_DONE] = 0
        return self._end(slots, layout.FINISHED, self._state.vehicle["fac"][slots])

    @property
    def counters(self) -> Counters:
        """Totals since the start."""
        total = self._state.tally.sum(axis=0)
        inserted, done, gone = (int(total[c]) for c in (layout.INSERTED, layout.DONE, layout.GONE))
        return Counters(
            inserted,
            done,
            inserted - done - gone,
            int((self._net.link["queue_end"] - self._net.link["queue_at"]).sum()),
            gone,
            int(total[layout.STRAYED]),
            int(total[layout.RED_RUN]),
            int(total[layout.CLEARED]),
            int(total[layout.ON_RED]),
            int(total[layout.CHANGES]),
            int(total[layout.UPDATES]),
        )
