"""Lane-level traffic on a network, whole: its hooks, what others read of it, its checkpoints.

Trips and ticks are in `engine`; routes, units and closures in `micro_*`; signals in `signalled`.

Python never walks over vehicles; it appends trips slice by slice, advances n ticks in one call, and
reads columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple

import numpy as np

from twin.core.errors import InputError
from twin.network.graph import F32, F64, I64
from twin.traffic import signals, storage
from twin.traffic.hook import Command, Hook, View
from twin.traffic.kernels.times import TRAVEL_TIME, turn_delays
from twin.traffic.micro_closures import ClosableTraffic
from twin.traffic.micro_routes import RoutedTraffic
from twin.traffic.micro_units import UnitTraffic
from twin.traffic.signalled import SignalledTraffic
from twin.traffic.slowed import SlowedTraffic
from twin.traffic.stopping import StoppingTraffic
from twin.traffic.types import Kind, Kinds
from twin.traffic.vehicles import VehicleView

__all__ = ["Kind", "Kinds", "MicroTraffic"]


class MicroTraffic(
    RoutedTraffic, StoppingTraffic, UnitTraffic, ClosableTraffic, SlowedTraffic, SignalledTraffic
):
    """Lane-level traffic with emergency units and closures (parameters as for `Engine`).

    Attributes
    ----------
    commands
        What hooks did, in order, for whoever set it to a list and empties it; None: not kept.
    """

    commands: list[Command] | None = None

    # Hooks

    def every(self, n_ticks: int, hook: Hook) -> Callable[[], None]:
        """Call `hook` with a `View` after every `n_ticks` ticks; return what ends that.

        Hooks are called between ticks in the order in which they were given, so a run with the
        same hooks has the same bits. They are not part of a checkpoint.

        Raises
        ------
        InputError
            If `n_ticks` is not at least 1.
        """
        if n_ticks < 1:
            raise InputError(f"a hook cannot be called every {n_ticks} ticks", field="n_ticks")
        entry = (int(n_ticks), lambda: hook(View(self)))
        self._hooks.append(entry)

        def end() -> None:
            if entry in self._hooks:
                self._hooks.remove(entry)

        return end

    # What others read

    @property
    def vehicles(self) -> VehicleView:
        """The vehicles on the road now."""
        index, link, lane = self._list_running()
        row = self._records[index]
        return VehicleView(
            np.array(self._state.vehicle["id"][row["slot"]]),
            self.fleet.kind[row["kind"]],
            link,
            lane,
            np.array(row["pos"]),
            np.array(row["vel"]),
            self._geometry,
        )

    def link_travel_time(self) -> F32:
        """Return (L,) the current travel time of every link, seconds, never below free flow."""
        now: F32 = self._state.recent[TRAVEL_TIME].astype(np.float32)
        return now

    def turn_delay(self) -> F32:
        """Return (T,) seconds that a turn's drivers lose on its link beside the mean of all there.

        No turn is ahead of the mean: those who wait least are taken to lose nothing.
        """
        link = self.network.turn_from
        length = self._net.link["length"][link].astype(np.float64)
        state = self._state
        late = turn_delays(length, state.recent[TRAVEL_TIME][link], state.recent_turns)
        return late.astype(np.float32)

    def _sums(self) -> tuple[F64, F64, I64]:
        link = self._net.link
        return link["seconds"].copy(), link["metres"].copy(), link["left"].astype(np.int64)

    # Checkpoints

    def checkpoint(self) -> storage.Checkpoint:
        """Return the whole state as plain arrays; a run restored from them has the same bits."""
        parts = storage.save(self._net, self._state, self._records)
        parts.update(signals.save(self._signals))
        parts["signal_timing"] = np.array(astuple(self._timing))
        self._save_books(parts)
        tokens = [(token, link) for token, link in self._blocks.items()]
        parts["blocks"] = np.array(tokens, np.int64).reshape(-1, 2)
        parts["key"] = np.array([self._key], np.uint64)
        parts["banned"] = self.banned
        self._save_slowed(parts)
        return parts

    def restore(self, parts: storage.Checkpoint) -> None:
        """Take the state of a checkpoint of the same network, types of vehicles and turns on red.

        Raises
        ------
        InputError
            If it is of others.
        """
        self._check_network(parts)
        self._state, *buffers = storage.load(parts, self._net, self._state)
        self._net = self._net._replace(more=storage.as_records(parts["more"]))
        self._signals = signals.load(self.network, self._net, parts)
        self._timing = signals.Timing(*parts["signal_timing"].tolist())
        self._buffers = (buffers[0], buffers[1])
        self._current = 0
        self._restore_books(parts)
        self._blocks = {int(token): int(link) for token, link in parts["blocks"]}
        self._key = np.uint64(parts["key"][0])
        self.ban_turns(parts["banned"])
        self._restore_slowed(parts)
