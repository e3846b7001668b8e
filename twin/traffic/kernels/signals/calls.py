"""What stands before the line: the groups whose detectors a vehicle occupies."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import Net, Records, State
from twin.traffic.kernels.signals.layout import ZONE_M, Signals


@inner
def is_called(g: int, net: Net, st: State, R: Records, sg: Signals) -> bool:
    """Return whether the first vehicle of a lane, near the line, wants a turn of group `g`."""
    zone = np.float32(sg.settings[ZONE_M])
    for m in range(sg.group_ptr[g], sg.group_ptr[g + 1]):
        t = int(sg.group_turn[m])
        k = int(sg.turn_from[t])
        a = int(net.link[k].lane0)
        for x in range(a, a + int(net.link[k].lanes)):
            i = int(st.lane[x].end) - 1
            if i >= st.lane[x].start and R[i].turn == t and net.link[k].length - R[i].pos < zone:
                return True
    return False


@inner
def calls(c: int, net: Net, st: State, R: Records, sg: Signals) -> np.int64:
    """Return the groups of controller `c` that are asked for, as bits."""
    found = np.int64(0)
    for n in range(sg.control[c].member1 - sg.control[c].member0):
        if is_called(int(sg.member[sg.control[c].member0 + n]), net, st, R, sg):
            found |= np.int64(1) << np.int64(n)
    return found
