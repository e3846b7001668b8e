"""Traffic whose signals are more than fixed: actuated, by pressure, held for units under siren."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from twin.core.errors import InputError, did_you_mean
from twin.network.graph import I32, I64
from twin.traffic import signals as control
from twin.traffic.engine import Engine
from twin.traffic.kernels.signals.layout import DETECTION_M, DETECTION_S, ENABLED, FIXED, LONGEST_S
from twin.traffic.signals import MODES, Timing


class SignalCounts(NamedTuple):
    """What controllers did since they were first run by more than their plan.

    Attributes
    ----------
    stages
        (S,) stages begun, other than by plan.
    gaps
        (S,) greens that ended because nobody came any more.
    preemptions
        (S,) times that a unit under siren held the signal.
    """

    stages: I64
    gaps: I64
    preemptions: I64


class SignalledTraffic(Engine):
    """Lane-level traffic with signal controllers (parameters as for `Engine`).

    Until one of these methods is called, signals follow their plans and cost nothing more.
    """

    _timing = Timing()

    def control_signals(
        self, mode: str, signals: ArrayLike | None = None, *, timing: Timing | None = None
    ) -> None:
        """Let signals be run by plan or by what stands before them, from the next tick on.

        Parameters
        ----------
        mode
            `fixed`, `actuated` (ends a green when nobody comes any more, skips who is not there),
            `coordinated` (the same, but the main stage keeps its green of the plan) or
            `max-pressure` (serves where most wait compared with the links behind).
        signals
            Indices; all if left out. A signal that has no choice of stages keeps its plan.
        timing
            Of all signals; what holds now if left out.

        Raises
        ------
        InputError
            If there is no such mode or signal.
        """
        if mode not in MODES:
            raise InputError(
                f"no signals are run {mode!r}",
                field="signals",
                hint=did_you_mean(mode, list(MODES)) or f"known are {', '.join(MODES)}",
            )
        index = self._signal_index(signals)
        if timing is not None and timing != self._timing:
            self._timing = timing
            self._rebuild_signals()
        if MODES[mode] == FIXED and not len(self._signals.control):
            return
        self._need_signals()
        control.set_mode(self._signals, index, MODES[mode], self.t)

    def preempt_signals(
        self,
        signals: ArrayLike | None = None,
        *,
        detection_m: float = 400.0,
        detection_s: float = 0.0,
        longest_s: float = 120.0,
    ) -> None:
        """Let units under siren ask signals ahead of them for green.

        Parameters
        ----------
        signals
            Indices of those that listen, beside those that do already; all if left out.
        detection_m, detection_s
            A unit asks when it is nearer than this along its route, or this time at free flow;
            of all signals.
        longest_s
            A unit that has not passed after so long has to let go.

        Raises
        ------
        InputError
            If there is no such signal or a value is out of range.
        """
        index = self._signal_index(signals)
        for name, value in (("detection_m", detection_m), ("detection_s", detection_s)):
            if not 0.0 <= value <= 5_000.0:
                raise InputError(f"{value} is not in 0..5000", field=name)
        if not 0.0 < longest_s <= 3_600.0:
            raise InputError(f"{longest_s} is not in 0..3600", field="longest_s")
        self._need_signals()
        self._signals.control["takes"][index] = control.controlled(self._signals)[index]
        settings = self._signals.settings
        settings[ENABLED] = 1.0
        settings[DETECTION_M], settings[DETECTION_S] = detection_m, detection_s
        settings[LONGEST_S] = longest_s

    def end_preemption(self, signals: ArrayLike | None = None) -> None:
        """Let signals not listen to units any more; those held are led back."""
        index = self._signal_index(signals)
        if len(self._signals.control):
            self._signals.control["takes"][index] = 0
            self._signals.settings[ENABLED] = float(self._signals.control["takes"].any())

    def set_plan(
        self,
        signal: int,
        *,
        cycle_s: float,
        offset_s: float,
        green_from: ArrayLike,
        green_to: ArrayLike,
        groups: ArrayLike | None = None,
    ) -> None:
        """Give a signal another plan from the next tick on; yellow comes before every red.

        Parameters
        ----------
        signal
            Index of the signal.
        cycle_s, offset_s
            Seconds.
        green_from, green_to
            Of every green, second of the cycle, whose end it may pass; yellow follows. No other
            green remains.
        groups
            The group of every green, ascending, each group of the signal at least once; if left
            out, there is one green to each of the signal's groups in order.

        Raises
        ------
        InputError
            If the plan does not fit the signal or its own cycle.
        """
        index = np.flatnonzero(self.network.group_signal == signal)
        owner = index if groups is None else np.asarray(groups, np.int64)
        begin, end = np.asarray(green_from, np.float64), np.asarray(green_to, np.float64)
        if not len(index):
            raise InputError(f"there is no signal {signal}", field="signal")
        if not begin.shape == end.shape == owner.shape:
            raise InputError(f"signal {signal} has {len(index)} groups", field="green_from")
        if (np.diff(owner) < 0).any() or not np.array_equal(np.unique(owner), index):
            raise InputError(f"signal {signal} has groups {index.tolist()}", field="groups")
        if not (0.0 < cycle_s < 1e5 and np.isfinite(offset_s)):
            raise InputError(f"a cycle of {cycle_s} s", field="cycle_s")
        inside = (begin >= 0) & (begin < cycle_s) & (begin < end) & (end <= begin + cycle_s)
        if not inside.all():
            text = "greens must begin within the cycle, and last no longer than it"
            raise InputError(text, field="green_to")
        if len(self._signals.control):
            control.leave(self._signals, self._net, np.array([signal]))
        group = self._net.group
        control.release_from_plan(self._net, index, self.t - self.dt_s)
        group["cycle"][index], group["offset"][index] = cycle_s, offset_s
        self._net = control.with_greens(self._net, index, owner, begin, end)
        if len(self._signals.control):
            self._rebuild_signals()

    def free_signals(self, signals: I64) -> None:
        """Take signals from their controllers, for who holds them next; their plans rule."""
        if len(self._signals.control):
            control.leave(self._signals, self._net, signals)
            self._signals.control["mode"][signals] = FIXED

    @property
    def signal_counts(self) -> SignalCounts:
        """What controllers did."""
        tally = np.zeros((self.network.n_signals, 3), np.int64)
        if len(self._signals.control):
            tally = self._signals.tally
        return SignalCounts(tally[:, 0].copy(), tally[:, 1].copy(), tally[:, 2].copy())

    @property
    def turn_counts(self) -> I32:
        """(T,) vehicles that made each turn since the start."""
        count: I32 = self._net.turn["passed"].copy()
        return count

    def _signal_index(self, signals: ArrayLike | None) -> I64:
        n = self.network.n_signals
        if signals is None:
            return np.arange(n)
        index = np.atleast_1d(np.asarray(signals, np.int64))
        if ((index < 0) | (index >= n)).any():
            raise InputError(f"there are signals 0 to {n - 1}", field="signals")
        return index

    def _need_signals(self) -> None:
        if not len(self._signals.control):
            self._signals = control.new_signals(self.network, self._net, self._timing)

    def _rebuild_signals(self) -> None:
        """Take the stages from the plans afresh; controllers start over from their plans."""
        old = self._signals
        if not len(old.control):
            return
        control.leave(old, self._net, np.arange(len(old.control)))
        new = control.new_signals(self.network, self._net, self._timing)
        can = control.controlled(new)
        new.control["mode"] = old.control["mode"] * can
        new.control["takes"] = old.control["takes"] * can
        new.settings[ENABLED:] = old.settings[ENABLED:]
        self._signals = new._replace(tally=old.tally)
