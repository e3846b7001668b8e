"""Brings what a scenario says of signals to lane-level traffic, as it changes."""

from __future__ import annotations

import numpy as np

from twin.network.stages import plan_at_cycle
from twin.scenarios.signals import SignalSettings
from twin.traffic.micro import MicroTraffic


class SignalRunner:
    """Keeps what holds at the signals, and sets only what becomes different.

    Parameters
    ----------
    traffic
        The vehicles.
    """

    def __init__(self, traffic: MicroTraffic) -> None:
        n = traffic.network.n_signals
        self._traffic = traffic
        self._mode = np.full(n, "fixed", "<U12")
        self._cycle = np.full(n, np.nan)

    def set(self, settings: SignalSettings) -> None:
        """Let `settings` hold from the next tick on."""
        traffic, network = self._traffic, self._traffic.network
        same = (settings.cycle_s == self._cycle) | (
            np.isnan(settings.cycle_s) & np.isnan(self._cycle)
        )
        for signal in np.flatnonzero(~same).tolist():
            cycle = settings.cycle_s[signal]
            if np.isnan(cycle):
                cycle = float(network.signal_cycle[signal])
            groups, begin, end, offset = plan_at_cycle(network, signal, cycle)
            traffic.set_plan(
                signal,
                cycle_s=cycle,
                offset_s=offset,
                green_from=begin,
                green_to=end,
                groups=groups,
            )
        for mode in np.unique(settings.mode[settings.mode != self._mode]):
            traffic.control_signals(
                str(mode), np.flatnonzero((settings.mode != self._mode) & (settings.mode == mode))
            )
        traffic.end_preemption(np.flatnonzero(~settings.listens))
        if settings.listens.any():
            traffic.preempt_signals(
                np.flatnonzero(settings.listens),
                detection_m=settings.detection_m,
                detection_s=settings.detection_s,
                longest_s=settings.longest_s,
            )
        self._mode, self._cycle = settings.mode, settings.cycle_s
