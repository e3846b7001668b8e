"""Signal groups held against their plan, by a hook or a controller, one mark per group.

A held group never jumps from green to red: yellow lies between. Nor does it turn green until every
other held group of its signal has been red for `ALL_RED_S`.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.carfollowing import ZERO
from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import BIG, Net

GREEN = 0
YELLOW = 1
RED = 2
"""`state` of a signal group."""
YELLOW_S = 3.0
ALL_RED_S = 2.0
"""As `twin.network.signals` has it, which kernels do not see."""
PLAN, HOLD_GREEN, HOLD_RED, RELEASE = range(4)
"""`held` of a signal group; `RELEASE` leads it back to its plan."""


@inner
def clears(g: int, t: float, net: Net) -> bool:
    """Return whether a held group of the signal of `g` that must turn red is not red yet."""
    for way in range(-1, 2, 2):
        h = g + way
        while 0 <= h < len(net.group) and net.group[h].signal == net.group[g].signal:
            waits = net.group[h].state == RED and t >= net.group[h].until + ALL_RED_S
            if net.group[h].held >= HOLD_RED and not waits:
                return True
            h += way
    return False


@inner
def hold_group(g: int, since: float, green: float, t: float, net: Net) -> None:
    """Write the state of held group `g` at time `t`.

    By plan a green of `green` seconds began `since` seconds ago.

    A group that is led back keeps to its plan as soon as it shows what the plan does and the others
    of its signal have cleared the junction.
    """
    held = net.group[g].held
    planned = since < green
    if held == HOLD_GREEN or (held == RELEASE and planned):
        late = t < net.group[g].until + ALL_RED_S or clears(g, t, net)
        if net.group[g].state == GREEN or not late:
            net.group[g].state = GREEN
            net.group[g].left = BIG
            if held == RELEASE:
                net.group[g].held = PLAN
            return
    elif net.group[g].state == GREEN:
        net.group[g].until = t + YELLOW_S
    left = np.float32(net.group[g].until - t)
    net.group[g].left = left
    net.group[g].state = YELLOW if left > ZERO else RED
    dark = t >= net.group[g].until + ALL_RED_S and since >= green + YELLOW_S
    if held == RELEASE and dark and not clears(g, t, net):
        net.group[g].held = PLAN
