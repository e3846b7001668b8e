"""Actuated controllers, alone and in coordination: green until a gap or too long a wait."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import Net, Records, State
from twin.traffic.kernels.signals.calls import calls
from twin.traffic.kernels.signals.layout import COORDINATED, EXTENSION_S, Signals
from twin.traffic.kernels.signals.plan import plan_second, time_to
from twin.traffic.kernels.signals.stages import CLEARANCE_S, MOMENT_S, ask_for


@inner
def next_called(c: int, called: np.int64, sg: Signals) -> int:
    """Return the next stage in order that serves a group called and not green now; -1 for none.

    A stage without groups is for pedestrians and has its turn whenever the order comes to it.
    """
    control = sg.control
    first = int(control[c].stage0)
    count = int(control[c].stage1) - first
    own = sg.stage[first + control[c].stage].mask
    for step in range(1, count):
        stage = (int(control[c].stage) + step) % count
        mask = sg.stage[first + stage].mask
        # Nobody rests in the red for pedestrians.
        if mask == 0 or own == 0 or called & mask & ~own:
            return stage
    return -1


@inner
def actuate(c: int, t: float, net: Net, st: State, R: Records, sg: Signals) -> None:
    """Decide for an actuated controller whose stage is up.

    Its green lasts at least `least`; then it ends when the detectors of its groups were free for
    the extension (gap-out), or `most` after another stage was called (max-out). Without a call it
    rests. In coordination the main stage is held through its green of the plan, and the others
    have to end so that it begins on time.
    """
    control = sg.control
    first = int(control[c].stage0)
    stage = int(control[c].stage)
    at = first + stage
    called = calls(c, net, st, R, sg)
    if called & sg.stage[at].mask:
        control[c].busy_at = t
    other = next_called(c, called, sg)
    main = int(control[c].main)
    coordinated = control[c].mode == COORDINATED
    left = 1e9
    in_main = False
    if coordinated:
        now, cycle = plan_second(c, t, net, sg)
        left = time_to(sg.stage[first + main].begin, now, cycle)
        long = sg.stage[first + main].end - sg.stage[first + main].begin
        in_main = cycle - left < long or left < MOMENT_S
        if stage != main and (in_main or left <= CLEARANCE_S or other < 0):
            other = main
    if other < 0:
        control[c].call_at = -1.0
        return
    if control[c].call_at < 0.0:
        control[c].call_at = t
    green = t - control[c].up_at
    if green < sg.stage[at].least - MOMENT_S:
        return
    if coordinated:
        need = 2.0 * CLEARANCE_S + sg.stage[first + other].least
        if stage == main:
            if in_main or left < need:
                return
            ask_for(c, other, t, net, sg)
            return
        if in_main or left <= CLEARANCE_S:
            ask_for(c, main, t, net, sg)
            return
        if other != main and left < need:
            other = main
    gap = t - max(control[c].busy_at, control[c].up_at) >= sg.settings[EXTENSION_S] - MOMENT_S
    since = max(control[c].call_at, control[c].up_at)
    over = t - since >= sg.stage[at].most - MOMENT_S
    if gap or over or sg.stage[at].mask == 0:
        if not over:
            sg.tally[c, 1] += 1
        ask_for(c, other, t, net, sg)
