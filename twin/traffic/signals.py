"""Signal controllers of lane-level traffic: their stages, how they are run, pre-emption.

Stages are taken from the plan: the sets of groups that it has green together, in their order. What
a plan never has green together no controller ever has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError
from twin.network.graph import F32, F64, I32, I64, Network
from twin.network.stages import stages_of
from twin.traffic.kernels.layout import MORE, Net
from twin.traffic.kernels.signals.holding import PLAN, RELEASE
from twin.traffic.kernels.signals.layout import (
    ACTUATED,
    CONTROL,
    COORDINATED,
    ENABLED,
    FIXED,
    MAX_PRESSURE,
    N_SETTINGS,
    STAGE,
    Signals,
)

MODES = {
    "fixed": FIXED,
    "actuated": ACTUATED,
    "coordinated": COORDINATED,
    "max-pressure": MAX_PRESSURE,
}
"""How a controller may be run, by name."""
SATURATION_PER_LANE = 0.5
"""Vehicles per second that a lane passes on green (1,800 veh/h)."""
Row = tuple[int, float, float, float, float, float]
MOST_GROUPS = 62


@dataclass(frozen=True, slots=True)
class Timing:
    """How controllers that are not fixed decide.

    Attributes
    ----------
    least_green_s
        Shortest green of a stage (or its green by plan, if that is shorter).
    most_share
        Longest green when others are called, as a share of the green by plan.
    zone_m
        Length of the detectors before the line.
    extension_s
        A green ends when its detectors were free for so long. With the time in the zone, 30 m, that
        is the headway of about 3 s at which a queue has ended.
    decide_s
        Time between two decisions by pressure.
    reach_m
        Vehicles nearer to the line than that count for the pressure, and all that queue.
    longest_red_s
        A stage that is called is not left out for longer, under max-pressure.
    """

    least_green_s: float = 7.0
    most_share: float = 1.5
    zone_m: float = 30.0
    extension_s: float = 1.5
    decide_s: float = 10.0
    reach_m: float = 200.0
    longest_red_s: float = 150.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not 0.0 < getattr(self, name) < 1e6:
                raise InputError(f"{getattr(self, name)} is not a positive number", field=name)


def no_signals() -> Signals:
    """Return what kernels get when every signal follows its plan."""
    return Signals(
        control=np.zeros(0, CONTROL).view(np.recarray),
        stage=np.zeros(0, STAGE).view(np.recarray),
        member=np.zeros(0, np.int32),
        group_ptr=np.zeros(1, np.int32),
        group_turn=np.zeros(0, np.int32),
        turn_from=np.zeros(0, np.int32),
        saturation=np.zeros(0, np.float32),
        settings=np.zeros(N_SETTINGS),
        listed=np.zeros(0, np.int32),
        listed_count=np.zeros(1, np.int64),
        tally=np.zeros((0, 3), np.int64),
    )


def new_signals(network: Network, net: Net, timing: Timing) -> Signals:
    """Return the controllers of a network, all following the plans that the kernels have."""
    n = network.n_signals
    control = np.zeros(n, CONTROL)
    for name in ("stage", "unit", "bidder", "spent"):
        control[name] = -1
    control["up_at"] = control["call_at"] = -1.0
    order = np.argsort(net.group["signal"], kind="stable").astype(np.int32)
    edges = np.searchsorted(net.group["signal"][order], np.arange(n + 1))
    control["member0"], control["member1"] = edges[:-1], edges[1:]
    rows: list[Row] = []
    for signal in range(n):
        control["stage0"][signal] = len(rows)
        members = order[edges[signal] : edges[signal + 1]]
        found, control["main"][signal] = _rows(members, net, timing)
        rows += found
        control["stage1"][signal] = len(rows)
    by_group = np.argsort(network.turn_group, kind="stable").astype(np.int32)
    ptr = np.searchsorted(network.turn_group[by_group], np.arange(len(net.group) + 1))
    settings = np.zeros(N_SETTINGS)
    settings[:ENABLED] = (
        timing.zone_m,
        timing.extension_s,
        timing.decide_s,
        timing.reach_m,
        timing.longest_red_s,
    )
    return Signals(
        control=control.view(np.recarray),
        stage=np.array(rows, STAGE).view(np.recarray),
        member=order,
        group_ptr=ptr.astype(np.int32),
        group_turn=by_group,
        turn_from=network.turn_from,
        saturation=saturation(network),
        settings=settings,
        listed=np.zeros(n, np.int32),
        listed_count=np.zeros(1, np.int64),
        tally=np.zeros((n, 3), np.int64),
    )


def _rows(members: I32, net: Net, timing: Timing) -> tuple[list[Row], int]:
    """Return the stages of one controller, and which has the longest green."""
    if not 1 < len(members) <= MOST_GROUPS:
        return [], 0
    owner, begin, end = _greens(members, net)
    stages = stages_of(owner, begin, end, float(net.group["cycle"][members[0]]))
    place = {group: at for at, group in enumerate(members.tolist())}
    rows: list[Row] = []
    for stage in stages:
        green = stage.end_s - stage.begin_s
        mask = sum(1 << place[group] for group in stage.groups)
        least = min(green, timing.least_green_s) if mask else green
        most = max(timing.most_share * green, least)
        rows.append((mask, stage.begin_s, stage.end_s, least, most, 0.0))
    greens = [s.end_s - s.begin_s if s.groups else 0.0 for s in stages]
    return (rows, greens.index(max(greens))) if len(rows) > 1 else ([], 0)


def _greens(members: I32, net: Net) -> tuple[I64, F64, F64]:
    """Return group, begin and end of every green of some groups."""
    group = net.group[members]
    rows = [np.arange(low, high) for low, high in zip(group["more0"], group["more1"], strict=True)]
    later = net.more[np.concatenate(rows)]
    owner = np.concatenate([members, np.repeat(members, group["more1"] - group["more0"])])
    begin = np.concatenate([group["green_from"], later["green_from"]])
    length = np.concatenate([group["green_for"], later["green_for"]])
    return owner.astype(np.int64), begin, begin + length


def with_greens(net: Net, groups: I64, owner: I64, begin: F64, end: F64) -> Net:
    """Return the network with other greens of some groups: `owner` is the group of each green."""
    first = np.searchsorted(owner, groups)
    net.group["green_from"][groups] = begin[first]
    net.group["green_for"][groups] = (end - begin)[first]
    later = np.ones(len(owner), np.bool_)
    later[first] = False
    new = np.zeros(int(later.sum()), MORE)
    new["green_from"], new["green_for"] = begin[later], (end - begin)[later]
    every = np.arange(len(net.group))
    of = np.repeat(every, net.group["more1"] - net.group["more0"])
    kept = ~np.isin(of, groups)
    of = np.concatenate([of[kept], owner[later]])
    order = np.argsort(of, kind="stable")
    net.group["more0"] = np.searchsorted(of[order], every)
    net.group["more1"] = np.searchsorted(of[order], every, side="right")
    more = np.concatenate([np.asarray(net.more)[kept], new])[order]
    return net._replace(more=more.view(np.recarray))


def saturation(network: Network) -> F32:
    """Return (T,) vehicles per second that turns pass on green; turns of one lane share it."""
    lanes = network.link_lanes.astype(np.int64)
    lane0 = np.concatenate([[0], np.cumsum(lanes)])
    low = lane0[network.turn_from] + network.turn_lane_lo
    wide = network.turn_lane_hi.astype(np.int64) - network.turn_lane_lo + 1
    turn = np.repeat(np.arange(network.n_turns), wide)
    begin = np.concatenate([[0], np.cumsum(wide)])[:-1]
    lane = np.repeat(low - begin, wide) + np.arange(len(turn))
    users = np.bincount(lane, minlength=int(lane0[-1]))
    share = np.bincount(turn, weights=1.0 / users[lane], minlength=network.n_turns)
    return (SATURATION_PER_LANE * share).astype(np.float32)


def controlled(sg: Signals) -> NDArray[np.bool_]:
    """Return (S,) whether a signal has two stages or more, so that there is a choice."""
    several: NDArray[np.bool_] = sg.control["stage1"] - sg.control["stage0"] >= 2
    return several


def set_mode(sg: Signals, signals: I64, mode: int, t: float) -> None:
    """Let controllers be run in another way from the next tick on; the stage that is up stays."""
    control = sg.control
    can = signals[controlled(sg)[signals]]
    control["mode"][can] = mode
    control["back"][can] = (control["stage"][can] >= 0) & (mode == FIXED)
    control["next_at"][can] = t
    for signal in can:
        sg.stage["served_at"][control["stage0"][signal] : control["stage1"][signal]] = t


def leave(sg: Signals, net: Net, signals: I64) -> None:
    """Let controllers start over from their plans, to which their groups are led back."""
    for c in signals[sg.control["stage"][signals] >= 0]:
        members = sg.member[sg.control["member0"][c] : sg.control["member1"][c]]
        net.group["held"][members] = RELEASE
    sg.control["stage"][signals] = -1
    sg.control["back"][signals] = 0


def release_from_plan(net: Net, groups: I64, t_last: float) -> None:
    """Let groups find their way to another plan; `t_last` is the second of the last tick."""
    planned = groups[net.group["held"][groups] == PLAN]
    net.group["until"][planned] = t_last + net.group["left"][planned].astype(np.float64)
    net.group["held"][groups] = RELEASE


def save(sg: Signals) -> dict[str, NDArray[Any]]:
    """Return copies of what a run changes."""
    return {
        "signal_control": np.array(sg.control),
        "signal_stage": np.array(sg.stage),
        "signal_settings": sg.settings.copy(),
        "signal_listed": sg.listed.copy(),
        "signal_count": sg.listed_count.copy(),
        "signal_tally": sg.tally.copy(),
    }


def load(network: Network, net: Net, parts: dict[str, NDArray[Any]]) -> Signals:
    """Return the controllers of a checkpoint."""
    if not len(parts["signal_control"]):
        return no_signals()
    return new_signals(network, net, Timing())._replace(
        control=np.array(parts["signal_control"]).view(np.recarray),
        stage=np.array(parts["signal_stage"]).view(np.recarray),
        settings=np.array(parts["signal_settings"]),
        listed=np.array(parts["signal_listed"]),
        listed_count=np.array(parts["signal_count"]),
        tally=np.array(parts["signal_tally"]),
    )
