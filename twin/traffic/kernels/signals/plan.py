"""Signals by their plan: the state of groups, and the stage that a plan shows."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inlined, inner
from twin.traffic.kernels.layout import BIG, Net
from twin.traffic.kernels.signals.holding import GREEN, RED, YELLOW, YELLOW_S, hold_group
from twin.traffic.kernels.signals.layout import Signals


@inlined
def in_cycle(t: float, cycle: float) -> float:
    """Return `t % cycle`, without the slow loop of the C library's `fmod`."""
    since: float = t - np.floor(t / cycle) * cycle
    return since if since >= 0.0 else since + cycle


@inner
def set_signals(t: float, net: Net) -> None:
    """Write the state of every signal group at time `t` and the seconds until it turns red.

    They are negative once it has.

    Green begins `offset + green_from` seconds into the cycle counted from midnight.
    """
    for g in range(len(net.group)):
        since = in_cycle(t - net.group[g].offset - net.group[g].green_from, net.group[g].cycle)
        green = net.group[g].green_for
        for m in range(net.group[g].more0, net.group[g].more1):
            # Of several greens the one that began last counts.
            later = in_cycle(t - net.group[g].offset - net.more[m].green_from, net.group[g].cycle)
            if later < since:
                since = later
                green = net.more[m].green_for
        if net.group[g].held:
            hold_group(g, since, green, t, net)
        elif green + YELLOW_S >= net.group[g].cycle:
            net.group[g].state = GREEN
            net.group[g].left = BIG
        elif since < green:
            net.group[g].state = GREEN
            net.group[g].left = np.float32(green + YELLOW_S - since)
        elif since < green + YELLOW_S:
            net.group[g].state = YELLOW
            net.group[g].left = np.float32(green + YELLOW_S - since)
        else:
            net.group[g].state = RED
            net.group[g].left = np.float32(green + YELLOW_S - since)


@inner
def plan_second(c: int, t: float, net: Net, sg: Signals) -> tuple[float, float]:
    """Return the second of its cycle at which the plan of controller `c` is, and the cycle."""
    g = sg.member[sg.control[c].member0]
    cycle = float(net.group[g].cycle)
    return (t - net.group[g].offset) % cycle, cycle


@inner
def time_to(begin: float, now: float, cycle: float) -> float:
    """Return the seconds from second `now` of a cycle to the next second `begin`."""
    return (begin - now) % cycle


@inner
def plan_stage(c: int, t: float, net: Net, sg: Signals) -> int:
    """Return the stage that the plan of controller `c` shows, or when it shows none the next."""
    now, cycle = plan_second(c, t, net, sg)
    first = int(sg.control[c].stage0)
    soonest = 0
    least = 1e9
    for s in range(first, sg.control[c].stage1):
        since = time_to(now, sg.stage[s].begin, cycle)
        if since < sg.stage[s].end - sg.stage[s].begin:
            return s - first
        if cycle - since < least:
            least = cycle - since
            soonest = s - first
    return soonest


@inner
def planned_green(c: int, t: float, net: Net, sg: Signals) -> float:
    """Return the seconds since when the plan of `c` shows its stage; `BIG` between two stages."""
    stage = plan_stage(c, t, net, sg)
    now, cycle = plan_second(c, t, net, sg)
    at = sg.control[c].stage0 + stage
    since = time_to(now, sg.stage[at].begin, cycle)
    return since if since < sg.stage[at].end - sg.stage[at].begin else 1e9
