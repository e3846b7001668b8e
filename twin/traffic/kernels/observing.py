"""Counts of the vehicles on every lane, for hooks."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import outer
from twin.traffic.kernels.layout import I32, Records, State


@outer
def count_lanes(slow: np.float32, st: State, R: Records, vehicles: I32, queued: I32) -> None:
    """Write the vehicles of every lane and those of them that are slower than `slow` m/s."""
    for x in range(len(vehicles)):
        every = 0
        standing = 0
        for i in range(st.lane[x].start, st.lane[x].end):
            if R[i].slot >= 0:
                every += 1
                if R[i].vel < slow:
                    standing += 1
        vehicles[x] = every
        queued[x] = standing
