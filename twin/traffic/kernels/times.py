"""Current travel time of every link, and of each turn at its end, from what was driven of late.

The mean speed in space over a fading window (Edie 1963: metres driven over seconds spent), with one
vehicle at free flow added, so that an empty link takes its free-flow time and one on which nobody
moves takes as long as its vehicles have stood. The turns of a link are told apart by the turn that
each of its vehicles will make, as seen at every update: a queue to turn left need not hold up the
others.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import F64, OBSTACLE, Net, Records, State
from twin.traffic.kernels.prefetch import AHEAD, ask_for_vehicles, is_large

PERIOD_S = 10.0
"""Seconds between two updates."""
FADE = 0.95
"""Share of the sums kept at an update: a window of 200 s."""
SECONDS, METRES, SECONDS_BEFORE, METRES_BEFORE, TRAVEL_TIME = range(5)
"""Rows of `State.recent`, the first two also of `State.recent_turns`."""


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


@inner
def update_turn_times(net: Net, st: State, R: Records) -> None:
    """Fade the sums of every turn and add what those who will make it drive until the next time."""
    sums = st.recent_turns
    period = np.float64(PERIOD_S)
    for t in range(sums.shape[1]):
        sums[SECONDS, t] *= FADE
        sums[METRES, t] *= FADE
    large = is_large(st)
    for k in range(len(net.link)):
        if large and k + AHEAD < len(net.link):
            ask_for_vehicles(k + AHEAD, net, st, R)
        if net.link[k].busy == 0:
            continue
        for x in range(net.link[k].lane0, net.link[k].lane0 + net.link[k].lanes):
            for i in range(st.lane[x].start, st.lane[x].end):
                t = R[i].turn
                if t >= 0 and R[i].kind != OBSTACLE:
                    sums[SECONDS, t] += period
                    sums[METRES, t] += period * np.float64(R[i].vel)


def turn_delays(length: F64, link_time: F64, sums: F64) -> F64:
    """Return (T,) seconds that a turn's drivers lose on its link beside the mean of all there.

    Parameters
    ----------
    length, link_time
        (T,) metres and mean seconds of the link that each turn leaves.
    sums
        (2, T) vehicle-seconds and vehicle-metres of its drivers; one vehicle at the mean is added.
    """
    own = length * (sums[SECONDS] + link_time) / (sums[METRES] + length)
    late: F64 = np.maximum(own - link_time, 0.0)
    return late
