"""A signal controller: at every junction the signal group with the longest queue is green."""

from __future__ import annotations

import numpy as np

from twin.network.graph import Network
from twin.traffic.hook import View

LEAST_GREEN_S = 12.0


class LongestQueue:
    """A hook for `MicroTraffic.every`."""

    def __init__(self, network: Network) -> None:
        signalled = network.turn_group >= 0
        pairs = np.stack([network.turn_group[signalled], network.turn_from[signalled]])
        self.group, self.link = np.unique(pairs, axis=1)  # a group and a link that it releases
        self.signal = network.group_signal
        self.every = np.arange(len(self.signal))
        self.shown = self.longest(np.zeros(len(self.signal)))
        self.since = np.zeros(len(self.shown))

    def longest(self, queue: np.ndarray) -> np.ndarray:
        """Return for each signal its group with the longest queue."""
        order = np.lexsort((queue, self.signal))
        return order[np.flatnonzero(np.diff(self.signal[order], append=-1))]

    def __call__(self, view: View) -> None:
        """Let signals that were green long enough turn to their longest queue."""
        queue = np.bincount(self.group, view.link_queues[self.link], len(self.signal))
        best = self.longest(queue)
        turns = (view.t - self.since >= LEAST_GREEN_S) & (queue[best] > queue[self.shown])
        self.shown[turns] = best[turns]
        self.since[turns] = view.t
        view.hold(self.every, green=np.isin(self.every, self.shown))
