"""Stages of a controller: asking for one, seeing that it is up, giving back to the plan."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import Net
from twin.traffic.kernels.signals.holding import (
    ALL_RED_S,
    GREEN,
    HOLD_GREEN,
    HOLD_RED,
    PLAN,
    RED,
    YELLOW_S,
)
from twin.traffic.kernels.signals.layout import Signals

CLEARANCE_S = YELLOW_S + ALL_RED_S
"""From the end of one green to the begin of another of the same signal, seconds."""
MOMENT_S = 1e-6


@inner
def is_hooked(c: int, net: Net, sg: Signals) -> bool:
    """Return whether a hook holds groups of controller `c`, which so has no say."""
    if sg.control[c].stage >= 0:
        return False
    for m in range(sg.control[c].member0, sg.control[c].member1):
        if net.group[sg.member[m]].held != PLAN:
            return True
    return False


@inner
def ask_for(c: int, stage: int, t: float, net: Net, sg: Signals) -> None:
    """Hold the groups of a stage of controller `c` green and its others red from the next tick."""
    control = sg.control
    before = int(control[c].stage)
    if before >= 0:
        sg.stage[control[c].stage0 + before].served_at = t
    control[c].stage = stage
    control[c].up_at = -1.0
    control[c].call_at = -1.0
    mask = sg.stage[control[c].stage0 + stage].mask
    for n in range(control[c].member1 - control[c].member0):
        g = sg.member[control[c].member0 + n]
        if net.group[g].held == PLAN:
            # Yellow or all-red of the plan goes on to its end.
            net.group[g].until = t + np.float64(net.group[g].left)
        if (mask >> n) & 1:
            net.group[g].held = HOLD_GREEN
        else:
            net.group[g].held = HOLD_RED
    sg.tally[c, 0] += 1


@inner
def give_back(c: int, net: Net, sg: Signals) -> None:
    """Let the plan of controller `c` rule, which shows the stage that is up."""
    control = sg.control
    for m in range(control[c].member0, control[c].member1):
        net.group[sg.member[m]].held = PLAN
    control[c].stage = -1
    control[c].up_at = -1.0
    control[c].back = 0


@inner
def is_up(c: int, t: float, net: Net, sg: Signals) -> bool:
    """Return whether the stage that was asked for shows: its groups are green, or all are red."""
    control = sg.control
    mask = sg.stage[control[c].stage0 + control[c].stage].mask
    for n in range(control[c].member1 - control[c].member0):
        g = sg.member[control[c].member0 + n]
        if (mask >> n) & 1:
            if net.group[g].state != GREEN:
                return False
        elif mask == 0 and (net.group[g].state != RED or t < net.group[g].until + ALL_RED_S):
            return False
    return True
