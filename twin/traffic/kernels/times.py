"""Current travel time of every link, from what its vehicles have driven of late.

The mean speed in space over a fading window (Edie 1963: metres driven over seconds spent), with one
vehicle at free flow added, so that an empty link takes its free-flow time and one on which nobody
moves takes as long as its vehicles have stood.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import Net, State

PERIOD_S = 10.0
"""Seconds between two updates."""
FADE = 0.95
"""Share of the sums kept at an update: a window of 200 s."""
SECONDS, METRES, SECONDS_BEFORE, METRES_BEFORE, TRAVEL_TIME = range(5)
"""Rows of `State.recent`."""


@inner
def update_travel_times(net: Net, st: State) -> None:
    """Fade the sums, add what was driven since the last update, and write the travel times."""
    recent = st.recent
    for k in range(len(net.link)):
        length = np.float64(net.link[k].length)
        free = length / np.float64(net.link[k].speed)
        seconds = recent[SECONDS, k] * FADE + (net.link[k].seconds - recent[SECONDS_BEFORE, k])
        metres = recent[METRES, k] * FADE + (net.link[k].metres - recent[METRES_BEFORE, k])
        recent[SECONDS, k] = seconds
        recent[METRES, k] = metres
        recent[SECONDS_BEFORE, k] = net.link[k].seconds
        recent[METRES_BEFORE, k] = net.link[k].metres
        recent[TRAVEL_TIME, k] = max(free, length * (seconds + free) / (metres + length))
