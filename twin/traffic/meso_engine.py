"""The engine of queue-level traffic: memory, trips in, ticks, finished trips out."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import ClassVar

import numpy as np

from twin.core.errors import InputError
from twin.network.conditions import Conditions
from twin.network.graph import F64, I32, I64, Network
from twin.traffic import meso_network
from twin.traffic.books import Books
from twin.traffic.closures import Closures
from twin.traffic.conditions import Slowing
from twin.traffic.figures import Counters, Finished
from twin.traffic.kernels import meso, meso_reading
from twin.traffic.kernels import meso_layout as layout
from twin.traffic.kernels.jit import use_threads
from twin.traffic.kernels.layout import Records
from twin.traffic.kernels.meso_layout import TICK
from twin.traffic.kernels.times import PERIOD_S
from twin.traffic.meso_network import Parameters
from twin.traffic.types import FileType, Fleet, Kinds
from twin.traffic.vehicles import Geometry


class QueueEngine(Books):
    """Queue-level traffic of trips; `MesoTraffic` adds units, closures and what others read.

    Parameters
    ----------
    network
        The roads.
    threads
        Threads of the kernels; the result has the same bits whatever their number.
    start_s
        Simulated second at tick 0.
    speed_factor
        Factor on every free-flow speed.
    kinds, file_types
        The types of vehicles, whose lengths and headways count, and more of them.
    space_share
        What a standing vehicle takes of a lane on average over what a car takes
        (`Fleet.space_share`): a lane has room for so many fewer.
    right_on_red
        Whether drivers turn on red where the network allows it.
    parameters
        Of the queues.

    Raises
    ------
    InputError
        If the factor is out of range.
    """

    dt_s = 1.0

    _layout: ClassVar[ModuleType] = layout
    _route_used = layout.ROUTE_USED

    def __init__(
        self,
        network: Network,
        *,
        threads: int = 1,
        start_s: float = 0.0,
        speed_factor: float = 1.0,
        kinds: Kinds | None = None,
        file_types: Sequence[FileType] = (),
        space_share: float = 1.0,
        right_on_red: bool = True,
        parameters: Parameters | None = None,
    ) -> None:
        if speed_factor <= 0:
            raise InputError(f"speed factor {speed_factor} is not positive", field="speed_factor")
        self.network = network
        self.start_s = start_s
        self.tick = 0
        self.parameters = parameters or Parameters()
        self.fleet = Fleet(kinds, file_types)
        self._net, self._state = meso_network.queue_network(
            network,
            start_s=start_s,
            speed_factor=speed_factor,
            parameters=self.parameters,
            fleet=self.fleet,
            space_share=space_share,
            right_on_red=right_on_red,
        )
        self._next_id = 0
        self._free: I32 = np.empty(0, np.int32)
        self._n_free = 0
        self._geometry = Geometry.of(network)
        self._next_token = 0
        self._closures = Closures()
        self._blocks: dict[int, tuple[int, int]] = {}
        self._conditions = Conditions.clear(network.n_links)
        self._slowings: dict[int, Slowing] = {}
        link = self._net.link
        self._dry = (
            link["speed"].copy(),
            link["cross"].copy(),
            link["restart"].copy(),
            self._state.lane["headway"].copy(),
        )
        self._stats_base = self._sums()
        self._threads = use_threads(threads) if threads > 1 else 1

    @property
    def _now(self) -> int:
        return self.tick * TICK

    def _fill_rows(self, row: Records, number: I64) -> None:  # noqa: ARG002
        """Let them have no stops; in queues drivers differ by type alone."""
        row["call"] = row["calls_end"] = 0

    def _queue_trips(self, slots: I32) -> None:
        meso_reading.queue_trips(slots, self.start_s, self._net, self._state)

    def _live_length(self) -> int:
        return int(meso_reading.live_length(self._state))

    def _compact_routes(self, store: I32) -> None:
        meso_reading.compact_routes(self._state, store)

    def _grow_vehicles(self, rows: int) -> layout.State:
        return meso_network.grow_vehicles(self._state, rows)

    def advance(self, n_ticks: int) -> None:
        """Advance by `n_ticks` ticks, in compiled code and without the interpreter's lock."""
        run = meso.advance_parallel if self._threads > 1 else meso.advance
        if self._threads > 1:
            use_threads(self._threads)
        left = n_ticks
        while left > 0:
            done = run(left, self.tick, self.start_s, int(PERIOD_S), self._net, self._state)
            self.tick += done
            left -= done
            if left > 0:
                self._make_route_room(layout.ROUTE_MARGIN)

    def finished(self) -> Finished:
        """Return the trips that ended since the last call, in order of their end."""
        slots = np.empty(len(self._state.vehicle), np.int32)
        slots = slots[: meso_reading.take_done(slots, self._state)]
        row = self._state.vehicle[slots]
        slots = slots[np.lexsort((row["id"], row["t_arrive"]))]
        return self._end(slots, layout.FINISHED, np.ones(len(slots), np.float32))

    @property
    def counters(self) -> Counters:
        """Totals since the start; there are no lane changes, and nobody runs a red."""
        total = self._state.tally.sum(axis=0)
        inserted, done, gone = (int(total[c]) for c in (layout.INSERTED, layout.DONE, layout.GONE))
        return Counters(
            inserted=inserted,
            finished=done,
            running=inserted - done - gone,
            waiting_to_insert=self._next_id - inserted,
            removed=gone,
            strayed=int(total[layout.STRAYED]),
            red_run=0,
            cleared=0,
            on_red=int(total[layout.ON_RED]),
            lane_changes=0,
            updates=int(self._state.counts[layout.UPDATES]),
        )

    @property
    def squeezed(self) -> int:
        """Times that a vehicle entered a full link since it had been stuck for long."""
        return int(self._state.tally[:, layout.SQUEEZED].sum())

    def _sums(self) -> tuple[F64, F64, I64]:
        seconds, metres = np.zeros(self.network.n_links), np.zeros(self.network.n_links)
        meso_reading.link_sums(self._now, seconds, metres, self._net, self._state)
        left: I64 = self._net.link["n_out"] + self._net.link["n_ended"]
        return seconds, metres, left
