"""Plans designed from demand: Webster's cycle and greens, pedestrians, green waves.

The stages of a junction stay as they are; their lengths change, and when the cycle begins. Flows
come from counts of a simulation or from an assignment.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from twin.core.errors import InputError
from twin.network.coordination import corridors, wave_offsets
from twin.network.graph import F64, I32, I64, YELLOW_S, Network, TurnKind, TurnYield
from twin.network.signals import CHANGE_S, MAX_STREAM_STEP_M, MIN_GREEN_S, MIN_LEFT_GREEN_S
from twin.network.stages import Stage, pieces_of, stretched

SATURATION_VPH = 1800.0
"""Vehicles per hour of green and lane."""
FULL = 0.9
"""Sum of flow ratios from which on Webster's formula is not trusted; more is taken as this."""
LANE_M = 3.25
WALK_S = 7.0
"""Seconds in which pedestrians may set out (MUTCD 2009, section 4E.06)."""
WALK_MPS = 1.07
"""Speed of pedestrians that a crossing is timed for: 3.5 ft/s (MUTCD 2009, section 4E.06)."""
OPPOSED_VPH = (1.0, 200.0, 400.0, 600.0, 800.0, 1000.0, 1200.0)
LEFT_WORTH = (1.4, 1.7, 2.1, 2.5, 3.1, 3.7, 4.5)
"""Through vehicles that a left turn on green against so much opposing traffic stands for (Highway
Capacity Manual, TRB 2000, exhibit C16-3)."""


@dataclass(frozen=True, slots=True)
class DesignOptions:
    """How plans are designed.

    Attributes
    ----------
    least_cycle_s, most_cycle_s
        Bounds of the cycle, seconds.
    pedestrians
        Greens are long enough to cross the roads that have red meanwhile.
    pedestrian_stage
        All traffic has red once a cycle, long enough to cross the widest road.
    walking_mps
        Speed of pedestrians.
    coordinate
        Junctions along a road get one cycle, and offsets for a platoon at the free-flow speed.
    """

    least_cycle_s: float = 40.0
    most_cycle_s: float = 180.0
    pedestrians: bool = False
    pedestrian_stage: bool = False
    walking_mps: float = WALK_MPS
    coordinate: bool = True

    def __post_init__(self) -> None:
        if not 20.0 <= self.least_cycle_s <= self.most_cycle_s <= 300.0:
            raise InputError(
                f"cycles of {self.least_cycle_s:g} to {self.most_cycle_s:g} s are not in 20..300",
                field="cycle",
            )
        if not 0.5 <= self.walking_mps <= 2.0:
            raise InputError(f"{self.walking_mps} m/s is not in 0.5..2", field="walking_mps")


@dataclass(frozen=True, slots=True)
class Designed:
    """What became of one signal.

    Attributes
    ----------
    signal
        Index.
    before_s, cycle_s
        Cycle before and now, seconds.
    load
        Sum of the flow ratios of its stages; from about 0.9 on it is overloaded.
    """

    signal: int
    before_s: float
    cycle_s: float
    load: float


def webster_cycle(lost_s: float, load: float) -> float:
    """Return the cycle of least delay, seconds: (1.5 L + 5) / (1 - Y).

    F. V. Webster 1958, "Traffic signal settings", Road Research Technical Paper 39, eq. (9).

    Parameters
    ----------
    lost_s
        Time of a cycle in which nobody goes, L.
    load
        Sum over the stages of their largest ratio of flow to saturation flow, Y.

    Raises
    ------
    InputError
        If the load is not below 1.
    """
    if not 0.0 <= load < 1.0:
        raise InputError(f"no cycle serves a load of {load:.2f}", field="load")
    return (1.5 * lost_s + 5.0) / (1.0 - load)


def webster_greens(cycle_s: float, lost_s: float, ratios: list[float]) -> list[float]:
    """Return effective greens in proportion to the flow ratios of the stages (Webster 1958)."""
    total = sum(ratios)
    return [ratio / total * (cycle_s - lost_s) for ratio in ratios]


def pedestrian_green(width_m: float, walking_mps: float = WALK_MPS) -> float:
    """Return the green that pedestrians need beside it to cross a road, seconds.

    They set out for `WALK_S` and need the width over their speed; the last of them walk while the
    vehicles' yellow and all-red run.
    """
    return max(WALK_S, WALK_S + width_m / walking_mps - CHANGE_S)


def design_webster(
    network: Network, flows: F64, options: DesignOptions | None = None
) -> tuple[Network, list[Designed]]:
    """Return the network with plans for the demand, and what became of each signal.

    Parameters
    ----------
    network
        The roads.
    flows
        (T,) vehicles per hour that make each turn.
    options
        How.

    Raises
    ------
    InputError
        If there is not one flow to each turn, or one is negative.
    """
    options = options or DesignOptions()
    flows = np.asarray(flows, np.float64)
    if flows.shape != (network.n_turns,) or not (flows >= 0).all():
        raise InputError(f"{network.n_turns} turns need as many flows of at least 0", field="flows")
    greens = network.greens
    plans = [_Plan(network, signal, flows, options, greens) for signal in range(network.n_signals)]
    before, delay = _streams(network, plans)
    corridor = corridors(before) if options.coordinate else list(range(len(plans)))
    cycle_of: dict[int, float] = {}
    for plan, head in zip(plans, corridor, strict=True):
        if plan.stages:
            cycle_of[head] = max(cycle_of.get(head, 0.0), plan.wanted)
    cycle = network.signal_cycle.astype(np.float64)
    group, begin, end = network.greens
    main_at = np.zeros(len(plans))
    offset = network.signal_offset.astype(np.float64)
    for plan, head in zip(plans, corridor, strict=True):
        if plan.stages:
            cycle[plan.signal] = cycle_of[head]
            first, last = plan.timed(cycle_of[head])
            begin[plan.rows], end[plan.rows] = first, last
            main_at[plan.signal] = first[plan.shown(plan.main)][0]
            # What was second `begin_s` of the plan is its second 0 now.
            offset[plan.signal] += plan.pieces[0].begin_s
    if options.coordinate:
        offset = wave_offsets(before, delay, cycle, main_at)
    made = [
        Designed(p.signal, float(network.signal_cycle[p.signal]), float(cycle[p.signal]), p.load)
        for p in plans
    ]
    # The longest green of a group comes first, as `Network` has it.
    order = np.lexsort((begin - end, group))
    group = group[order]
    green_from, green_to = begin[order].astype(np.float32), end[order].astype(np.float32)
    first_of = np.searchsorted(group, np.arange(len(network.group_signal)))
    later = np.ones(len(group), np.bool_)
    later[first_of] = False
    again = dataclasses.replace(
        network,
        signal_cycle=cycle.astype(np.float32),
        signal_offset=(offset % cycle).astype(np.float32),
        group_green_from=green_from[first_of],
        group_green_to=green_to[first_of],
        more_group=group[later].astype(np.int32),
        more_from=green_from[later],
        more_to=green_to[later],
    )
    return again, made


class _Plan:
    """One signal: its stages, their flow ratios, and its timing at a given cycle."""

    def __init__(
        self,
        network: Network,
        signal: int,
        flows: F64,
        options: DesignOptions,
        greens: tuple[I64, F64, F64],
    ) -> None:
        self.network, self.signal, self.options = network, signal, options
        group, begin, end = greens
        self.rows: I64 = np.flatnonzero(network.group_signal[group] == signal)
        self.groups: I64 = group[self.rows]
        self._begin, self._end = begin[self.rows], end[self.rows]
        self._cycle = float(network.signal_cycle[signal])
        self.pieces = pieces_of(self.groups, self._begin, self._end, self._cycle)
        self.stages = [p for p in self.pieces if p.groups]
        if len(self.stages) < 2:
            self.stages, self.load, self.wanted = [], 0.0, self._cycle
            return
        turns = np.flatnonzero(np.isin(network.turn_group, self.groups))
        self._turns = [
            turns[np.isin(network.turn_group[turns], stage.groups)] for stage in self.stages
        ]
        self._ways = [np.unique(network.turn_from[t]) for t in self._turns]
        self._every = np.unique(network.turn_from[turns])
        # Nobody's stage vanishes because nobody was counted.
        served = [
            flows[t] * self._share(stage, t)
            for stage, t in zip(self.stages, self._turns, strict=True)
        ]
        self._ratios = [
            max(0.02, _flow_ratio(network, t, flows, own))
            for t, own in zip(self._turns, served, strict=True)
        ]
        self.load = sum(self._ratios)
        self._least = [self._least_green(n) for n in range(len(self.stages))]
        self.lost = sum(self._empty(p) for p in self.pieces if not p.groups)
        room = self.lost + sum(self._least)
        ideal = webster_cycle(self.lost, min(self.load, FULL))
        self.wanted = float(
            np.ceil(
                np.clip(ideal, max(options.least_cycle_s, room), max(options.most_cycle_s, room))
            )
        )
        carried = [float(own.sum()) for own in served]
        self.main = self.stages[int(np.argmax(carried))]
        own = self._turns[int(np.argmax(carried))]
        ahead = own[network.turn_kind[own] == TurnKind.THROUGH]
        pick = ahead if len(ahead) else own
        self.lead = int(pick[np.argmax(flows[pick])]) if len(pick) else -1
        self.ways_of_main = set(self._ways[int(np.argmax(carried))].tolist())

    def shown(self, stage: Stage) -> I64:
        """Return which of the plan's greens show in a stage, as numbers from its first one on."""
        middle = (stage.begin_s + stage.end_s) / 2.0
        length = self._end - self._begin
        on = (middle - self._begin) % self._cycle < length
        mine = np.isin(self.groups, stage.groups)
        return np.flatnonzero(mine & (on | (length + YELLOW_S >= self._cycle)))

    def _share(self, stage: Stage, turns: I64) -> F64:
        """Return the share of each turn's vehicles that the green of a stage serves.

        A group with several greens serves them in proportion to their lengths.
        """
        length = self._end - self._begin
        total = np.bincount(self.groups, length)
        rows = self.shown(stage)
        share = np.zeros(len(total))
        share[self.groups[rows]] = length[rows] / total[self.groups[rows]]
        return np.asarray(share[self.network.turn_group[turns]], np.float64)

    def _width(self, links: I32) -> float:
        """Return the greatest width of the roads that some links are one direction of, metres."""
        network = self.network
        widest = 0
        for link in links.tolist():
            back = (network.link_from == network.link_to[link]) & (
                network.link_to == network.link_from[link]
            )
            lanes = int(network.link_lanes[link]) + int(network.link_lanes[back].sum())
            widest = max(widest, lanes)
        return widest * LANE_M

    def _least_green(self, n: int) -> float:
        network, turns = self.network, self._turns[n]
        left_only = bool(
            len(turns) and np.isin(network.turn_kind[turns], (TurnKind.LEFT, TurnKind.U_TURN)).all()
        )
        least = float(MIN_LEFT_GREEN_S if left_only else MIN_GREEN_S)
        if self.options.pedestrians and not left_only:
            crossed = np.setdiff1d(self._every, self._ways[n])
            if len(crossed):
                width = self._width(crossed)
                least = max(least, pedestrian_green(width, self.options.walking_mps))
        return least

    def _empty(self, piece: Stage) -> float:
        """Return the length of a piece in which nobody has green."""
        length = piece.end_s - piece.begin_s
        last = [p for p in self.pieces if not p.groups][-1]
        if self.options.pedestrian_stage and piece is last:
            width = self._width(self._every)
            return CHANGE_S + WALK_S + width / self.options.walking_mps
        return length

    def timed(self, cycle: float) -> tuple[F64, F64]:
        """Return begin and end of the greens when the cycle is to be `cycle` seconds."""
        greens = _shared(cycle - self.lost, self._ratios, self._least)
        length = iter(greens)
        lengths = [next(length) if p.groups else self._empty(p) for p in self.pieces]
        return stretched(self.groups, self._begin, self._end, self._cycle, lengths, cycle)


def _flow_ratio(network: Network, turns: I64, flows: F64, served: F64) -> float:
    """Return the largest ratio of flow to saturation flow of the links that a stage serves.

    `served` are the vehicles per hour of each of `turns` that it serves, `flows` those of all.
    """
    most = 0.0
    ways = network.turn_from[turns]
    for link in np.unique(ways):
        here = ways == link
        lanes: set[int] = set()
        total = 0.0
        for turn, flow in zip(turns[here].tolist(), served[here].tolist(), strict=True):
            mine = range(int(network.turn_lane_lo[turn]), int(network.turn_lane_hi[turn]) + 1)
            lanes |= set(mine)
            worth = 1.0
            if network.turn_yield[turn] == TurnYield.GIVES_WAY:
                foes = network.foe_turn[network.foe_ptr[turn] : network.foe_ptr[turn + 1]]
                worth = float(np.interp(flows[foes].sum(), OPPOSED_VPH, LEFT_WORTH))
            total += worth * flow
            most = max(most, worth * flow / (SATURATION_VPH * len(mine)))
        most = max(most, total / (SATURATION_VPH * max(1, len(lanes))))
    return float(most)


def _shared(green: float, ratios: list[float], least: list[float]) -> list[float]:
    """Return whole seconds of green by flow ratio, none below its least."""
    free = set(range(len(ratios)))
    greens = list(least)
    while True:
        left = green - sum(greens[n] for n in range(len(ratios)) if n not in free)
        total = sum(ratios[n] for n in free)
        short = {n for n in free if left * ratios[n] / total < least[n]}
        if not short:
            break
        free -= short
        if not free:
            break
    for n in free:
        greens[n] = float(int(left * ratios[n] / total))
    greens[int(np.argmax(ratios))] += green - sum(greens)
    return greens


def _streams(network: Network, plans: list[_Plan]) -> tuple[list[int], list[float]]:
    """Return the signal that the main stream of each comes to next, and the seconds to there.

    -1 where it comes to none within `MAX_STREAM_STEP_M`, or is not the main stream there.
    """
    ahead = np.full(network.n_links, -1, np.int64)
    through = np.flatnonzero(network.turn_kind == TurnKind.THROUGH)[::-1]
    ahead[network.turn_from[through]] = network.turn_to[through]
    signal_at = network.node_signal[network.link_to]
    nxt, delay = [-1] * len(plans), [0.0] * len(plans)
    for plan in plans:
        if not plan.stages or plan.lead < 0:
            continue
        link, gone = int(network.turn_to[plan.lead]), 0.0
        while link >= 0 and gone <= MAX_STREAM_STEP_M:
            gone += float(network.link_length[link])
            delay[plan.signal] += float(network.link_length[link] / network.link_speed[link])
            target = int(signal_at[link])
            if target not in {-1, plan.signal}:
                if plans[target].stages and link in plans[target].ways_of_main:
                    nxt[plan.signal] = target
                break
            link = int(ahead[link])
    return nxt, delay
