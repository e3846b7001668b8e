"""Fixed-time signal plans: controllers, stages, green times and offsets.

A controller serves one junction, or several nodes of one junction that stand close together. Its
approaches are gathered into stages by axis; movements that are green together do not conflict,
except that a left turn may give way to the opposing traffic (a permitted left). Where lefts have
their own lane they get a stage of their own after their axis (a protected left).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin.network.conflicts import Conflicts, link_rank
from twin.network.draft import Draft
from twin.network.geometry import wrap
from twin.network.graph import YELLOW_S, RoadClass, TurnKind

ALL_RED_S = 2.0
"""Seconds after each yellow in which all is red, so that who is in the junction can leave it before
the next green. The time to cross 20 m of junction with 6 m of car at 13.9 m/s, (w + l) / v = 1.9 s
(Institute of Transportation Engineers 2020, "Guidelines for Determining Traffic Signal Change and
Clearance Intervals")."""
CHANGE_S = YELLOW_S + ALL_RED_S

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

SAME_AXIS_RAD = np.deg2rad(50.0)
# Off the compass points, so that no street of a plain grid runs both towards and away from it.
MAIN_RAD = np.deg2rad(20.0)
SECTOR_RAD = float(np.deg2rad(22.5))
MIN_GREEN_S = 10
MIN_LEFT_GREEN_S = 7
LEFT_WEIGHT = 0.5
MAX_AXES_WITH_LEFT_STAGE = 2
MAX_STREAM_STEP_M = 1_200.0
# Traffic per lane that a road of each class brings to a junction, relative to a local street.
CLASS_WEIGHT = {
    RoadClass.MOTORWAY: 4.0,
    RoadClass.TRUNK: 4.0,
    RoadClass.PRIMARY: 3.0,
    RoadClass.SECONDARY: 2.4,
    RoadClass.TERTIARY: 1.8,
    RoadClass.RESIDENTIAL: 1.0,
    RoadClass.SERVICE: 0.7,
}


@dataclass(frozen=True, slots=True)
class SignalOptions:
    """How plans are made.

    Attributes
    ----------
    cycles_s
        Cycle of a small, a medium and a large junction, seconds.
    protected_left
        Whether left turns with their own lane get their own stage.
    group_m
        Signalled nodes joined by a link no longer than this share a controller.
    """

    cycles_s: tuple[float, float, float] = (60.0, 90.0, 120.0)
    protected_left: bool = True
    group_m: float = 50.0


@dataclass(slots=True)
class SignalPlan:
    """Controllers, their groups, and the group of each movement (see `Network`).

    `more` are greens beside the first of a group, by group: begin and end.
    """

    node_signal: NDArray[np.int32]
    turn_group: NDArray[np.int32]
    signal_node: list[int] = field(default_factory=list)
    cycle: list[float] = field(default_factory=list)
    offset: list[float] = field(default_factory=list)
    group_signal: list[int] = field(default_factory=list)
    green_from: list[float] = field(default_factory=list)
    green_to: list[float] = field(default_factory=list)
    more: list[tuple[int, tuple[float, float]]] = field(default_factory=list)


@dataclass(slots=True)
class _Stage:
    turns: list[int]
    approaches: list[int]
    left_only: bool


def controllers(draft: Draft, group_m: float) -> list[list[int]]:
    """Return the nodes of each controller, in order of their lowest node."""
    parent = np.arange(draft.n_nodes)

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = int(parent[node])
        return node

    signal = draft.node_signal
    near = signal[draft.link_from] & signal[draft.link_to] & (draft.link_length <= group_m)
    for link in np.flatnonzero(near):
        a, b = sorted((root(int(draft.link_from[link])), root(int(draft.link_to[link]))))
        parent[b] = a
    groups: dict[int, list[int]] = {}
    for node in np.flatnonzero(signal).tolist():
        groups.setdefault(root(node), []).append(node)
    return [groups[key] for key in sorted(groups)]


def infer_signals(draft: Draft, least: RoadClass) -> int:
    """Mark junctions of important roads as signalled; return how many were not before.

    Motorways and slip roads do not count as legs.
    """
    leg = (draft.link_class <= least) & (draft.link_class > RoadClass.MOTORWAY) & ~draft.link_ramp
    a, b = draft.link_from[leg], draft.link_to[leg]
    ends = np.unique(np.stack([np.append(a, b), np.append(b, a)], axis=1), axis=0)
    legs = np.bincount(ends[:, 0], minlength=draft.n_nodes)
    new = (legs >= 3) & ~draft.node_signal
    draft.node_signal = draft.node_signal | new
    return int(new.sum())


def plan_signals(
    draft: Draft,
    conflicts: Conflicts,
    kind: U8,
    lanes: tuple[U8, U8],
    options: SignalOptions,
    lit: NDArray[np.bool_],
) -> SignalPlan:
    """Return the fixed-time plan of every signalled junction.

    A junction whose movements do not conflict gets no signal. `lit` (P,) tells which movements may
    have one.
    """
    maker = _Maker(draft, conflicts, kind, lanes, options, lit)
    plan = SignalPlan(
        node_signal=np.full(draft.n_nodes, -1, np.int32),
        turn_group=np.full(len(kind), -1, np.int32),
    )
    mains: list[int] = []
    for nodes in controllers(draft, options.group_m):
        stages = maker.stages(nodes)
        if len(stages) < 2:
            continue
        signal = len(plan.signal_node)
        plan.node_signal[nodes] = signal
        plan.signal_node.append(nodes[0])
        mains.append(stages[0].approaches[0])
        cycle = maker.cycle(stages)
        plan.cycle.append(cycle)
        begin = 0.0
        for stage, green in zip(stages, maker.greens(stages, cycle), strict=True):
            plan.turn_group[stage.turns] = len(plan.group_signal)
            plan.group_signal.append(signal)
            plan.green_from.append(begin)
            plan.green_to.append(begin + green)
            begin += green + CHANGE_S
    plan.offset = _offsets(draft, kind, plan, mains)
    return plan


class _Maker:
    """Stages, cycles and greens of single controllers."""

    def __init__(
        self,
        draft: Draft,
        conflicts: Conflicts,
        kind: U8,
        lanes: tuple[U8, U8],
        options: SignalOptions,
        lit: NDArray[np.bool_],
    ) -> None:
        self.draft = draft
        self.options = options
        self.kind = kind.tolist()
        self.low, self.high = lanes[0].tolist(), lanes[1].tolist()
        self.heading = conflicts.heading
        self.rank = link_rank(draft)
        node = draft.link_to[draft.pair_from]
        signalled = draft.node_signal[node] & lit
        self.turns_at: dict[int, list[int]] = {}
        for turn in np.flatnonzero(signalled).tolist():
            self.turns_at.setdefault(int(node[turn]), []).append(turn)
        self.mates: dict[int, dict[int, bool]] = {}
        shown = signalled[conflicts.first] & signalled[conflicts.second]
        for a, b, opposing in zip(
            conflicts.first[shown].tolist(),
            conflicts.second[shown].tolist(),
            conflicts.opposing[shown].tolist(),
            strict=True,
        ):
            self.mates.setdefault(a, {})[b] = opposing
            self.mates.setdefault(b, {})[a] = opposing

    def stages(self, nodes: list[int]) -> list[_Stage]:
        """Return the stages of one controller, the main axis first."""
        draft = self.draft
        streams: dict[int, list[int]] = {}
        for node in nodes:
            for turn in self.turns_at.get(node, []):
                streams.setdefault(int(draft.pair_from[turn]), []).append(turn)
        if not any(t in self.mates for turns in streams.values() for t in turns):
            return []
        order = sorted(
            streams,
            key=lambda link: (
                self.rank[link],
                -int(draft.link_lanes[link]),
                self._sector(link),
                link,
            ),
        )
        axes: list[list[int]] = []
        for link in order:
            for axis in axes:
                if self._same_axis(link, axis[0]) and self._agree(streams, link, axis):
                    axis.append(link)
                    break
            else:
                axes.append([link])
        protect = self.options.protected_left and len(axes) <= MAX_AXES_WITH_LEFT_STAGE
        stages = []
        for axis in axes:
            apart = self._own_lefts(streams, axis) if protect else []
            rest = [t for link in axis for t in streams[link] if t not in apart]
            if rest:
                stages.append(_Stage(rest, axis, left_only=False))
            if apart:
                stages.append(_Stage(apart, axis, left_only=True))
        return stages

    def _sector(self, link: int) -> int:
        """Return how far a direction is from the one that is taken for main among equal roads.

        Neighbouring junctions of one road so agree which way their green wave runs.
        """
        apart = float(np.abs(wrap(self.heading[link] - MAIN_RAD)))
        return round(apart / SECTOR_RAD)

    def _same_axis(self, a: int, b: int) -> bool:
        apart = abs(float(wrap(self.heading[a] - self.heading[b])))
        return bool(apart < SAME_AXIS_RAD or apart > np.pi - SAME_AXIS_RAD)

    def _is_left(self, turn: int) -> bool:
        return self.kind[turn] in {TurnKind.LEFT, TurnKind.U_TURN}

    def _agree(self, streams: dict[int, list[int]], link: int, axis: list[int]) -> bool:
        """Return whether the movements of `link` may be green with those of `axis`."""
        for turn in streams[link]:
            mates = self.mates.get(turn, {})
            for other_link in axis:
                for other in streams[other_link]:
                    if other not in mates:
                        continue
                    permitted = mates[other] and (self._is_left(turn) or self._is_left(other))
                    if not permitted:
                        return False
        return True

    def _own_lefts(self, streams: dict[int, list[int]], axis: list[int]) -> list[int]:
        """Return the left turns of an axis that get a stage of their own."""
        apart: list[int] = []
        for link in axis:
            through = [t for t in streams[link] if self.kind[t] == TurnKind.THROUGH]
            if not through or self.draft.link_class[link] > RoadClass.TERTIARY:
                continue
            edge = max(self.high[t] for t in through)
            for turn in streams[link]:
                mates = self.mates.get(turn, {})
                waits = any(other in mates for other_link in axis for other in streams[other_link])
                clash = any(other in mates for other in apart)
                if self._is_left(turn) and self.low[turn] > edge and waits and not clash:
                    apart.append(turn)
        return apart

    def cycle(self, stages: list[_Stage]) -> float:
        """Return the cycle by number of stages and of lanes that come in."""
        small, medium, large = self.options.cycles_s
        approaches = {link for stage in stages for link in stage.approaches}
        lanes = sum(int(self.draft.link_lanes[link]) for link in approaches)
        if len(stages) >= 4 or lanes > 14:
            wanted = large
        elif len(stages) == 3 or lanes > 8:
            wanted = medium
        else:
            wanted = small
        return max(wanted, len(stages) * (MIN_GREEN_S + CHANGE_S))

    def greens(self, stages: list[_Stage], cycle: float) -> list[float]:
        """Return whole seconds of green, shared by the traffic that each stage's roads bring."""
        floor = [MIN_LEFT_GREEN_S if stage.left_only else MIN_GREEN_S for stage in stages]
        weight = []
        for stage in stages:
            busiest = max(
                CLASS_WEIGHT[RoadClass(int(self.draft.link_class[link]))]
                for link in stage.approaches
            )
            weight.append(busiest * (LEFT_WEIGHT if stage.left_only else 1.0))
        spare = cycle - len(stages) * CHANGE_S - sum(floor)
        greens = [
            f + float(int(spare * w / sum(weight))) for f, w in zip(floor, weight, strict=True)
        ]
        greens[0] += cycle - len(stages) * CHANGE_S - sum(greens)
        return greens


def _offsets(draft: Draft, kind: U8, plan: SignalPlan, mains: list[int]) -> list[float]:
    """Return offsets that let a platoon of the main road run from green to green.

    The main stage starts at second 0 of the plan. From each controller the main road is followed
    straight ahead to the next one, whose offset is later by the driving time.
    """
    ahead = np.full(draft.n_links, -1, np.int64)
    through = np.flatnonzero(kind == TurnKind.THROUGH)[::-1]
    ahead[draft.pair_from[through]] = draft.pair_to[through]
    signal_at = plan.node_signal[draft.link_to].tolist()
    nxt, onward = [-1] * len(mains), ahead.tolist()
    drive = (draft.link_length / draft.link_speed).tolist()
    length = draft.link_length.tolist()
    delay = [0.0] * len(mains)
    for signal, main in enumerate(mains):
        link, gone = onward[main], 0.0
        while link >= 0 and gone <= MAX_STREAM_STEP_M:
            gone += length[link]
            delay[signal] += drive[link]
            if signal_at[link] not in {-1, signal}:
                nxt[signal] = signal_at[link]
                break
            link = onward[link]
    has_before = [False] * len(mains)
    for target in nxt:
        if target >= 0:
            has_before[target] = True
    offset = [-1.0] * len(mains)
    starts = sorted(range(len(mains)), key=lambda s: (has_before[s], s))
    for start in starts:
        signal, t = start, 0.0
        while signal >= 0 and offset[signal] < 0.0:
            offset[signal] = float(round(t % plan.cycle[signal])) % plan.cycle[signal]
            t += delay[signal]
            signal = nxt[signal]
    return offset
