"""The decisions of every controller in a tick."""

from __future__ import annotations

from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import Net, Records, State
from twin.traffic.kernels.signals.actuated import actuate
from twin.traffic.kernels.signals.layout import FIXED, MAX_PRESSURE, Signals
from twin.traffic.kernels.signals.max_pressure import press
from twin.traffic.kernels.signals.plan import plan_stage
from twin.traffic.kernels.signals.preemption import lead_back, serve_unit
from twin.traffic.kernels.signals.stages import ask_for, is_hooked, is_up


@inner
def run_controller(c: int, t: float, net: Net, st: State, R: Records, sg: Signals) -> None:
    """Let one controller decide at time `t`, after `set_signals`."""
    control = sg.control
    unit = control[c].unit >= 0
    if control[c].mode == FIXED and not unit and not control[c].back:
        return
    if is_hooked(c, net, sg):
        return
    if control[c].stage < 0 and not unit:
        if control[c].mode == FIXED:
            control[c].back = 0
            return
        ask_for(c, plan_stage(c, t, net, sg), t, net, sg)
        return
    if control[c].stage >= 0 and control[c].up_at < 0.0:
        if not is_up(c, t, net, sg):
            if unit:
                serve_unit(c, t, net, sg)
            return
        control[c].up_at = t
        control[c].busy_at = t
        control[c].next_at = t
    if unit:
        serve_unit(c, t, net, sg)
    elif control[c].mode == FIXED:
        lead_back(c, t, net, sg)
    elif control[c].mode == MAX_PRESSURE:
        press(c, t, net, st, R, sg)
    else:
        actuate(c, t, net, st, R, sg)


@inner
def run_controllers(
    low: int, high: int, t: float, net: Net, st: State, R: Records, sg: Signals
) -> None:
    """Let the controllers `low` to `high` decide."""
    for c in range(low, high):
        run_controller(c, t, net, st, R, sg)
