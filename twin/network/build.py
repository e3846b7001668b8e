"""From raw roads to a network that traffic can run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError
from twin.network.clean import CleanOptions, Restrictions, clean
from twin.network.conflicts import (
    Conflicts,
    all_way_stops,
    find_conflicts,
    foe_rows,
    foes_on_red,
    link_rank,
    settle_equals,
    who_yields,
)
from twin.network.draft import Draft
from twin.network.geometry import Projection, pointer, ranges
from twin.network.graph import Network, RoadClass, TurnKind, TurnYield
from twin.network.impute import impute
from twin.network.lengths import LEAST_M, stated_faults
from twin.network.raw import MAX_LANES, RawRoads, raw_roads
from twin.network.signals import SignalOptions, SignalPlan, infer_signals
from twin.network.stated import (
    Control,
    Placed,
    StatedTurns,
    apart,
    by_control,
    no_statement,
    state,
)
from twin.network.stated_signals import PERMITTED, all_plans, settle

__all__ = ["BuildOptions", "BuildReport", "RawRoads", "build_network", "raw_roads"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]

EXAMPLES = 3
"""So many links are named behind a count of faults."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How the clean-up is done.

    Attributes
    ----------
    origin
        Longitude and latitude of the local projection; the middle of the roads if left out.
    clean
        Which steps of the clean-up are done.
    signals
        How signal plans are made.
    infer_signals
        Junctions at which three or more legs of this class or a more important one meet are
        signalled although the source does not say so; None believes the source.
    right_on_red
        Whether drivers may turn right on red, after a stop and giving way. It is law in South
        Korea, most of North America and China, and forbidden in most of Europe.
    """

    origin: tuple[float, float] | None = None
    clean: CleanOptions = field(default_factory=CleanOptions)
    signals: SignalOptions = field(default_factory=SignalOptions)
    infer_signals: RoadClass | None = None
    right_on_red: bool = False


@dataclass(slots=True)
class BuildReport:
    """What the clean-up did.

    Attributes
    ----------
    source
        File that the roads came from.
    counts
        Counts by name, in the order in which the steps ran.
    imputed
        Share of the road length, 0 to 1, whose attribute was imputed, by attribute.
    examples
        Numbers, as the source has them, of the first links behind a count that is one of faults.
    """

    source: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    imputed: dict[str, float] = field(default_factory=dict)
    examples: dict[str, list[int]] = field(default_factory=dict)


def build_network(
    raw: RawRoads, *, stated: StatedTurns | None = None, options: BuildOptions | None = None
) -> tuple[Network, BuildReport]:
    """Return the network of raw roads, cleaned as traffic needs it, and what was done.

    Parameters
    ----------
    raw
        The roads.
    stated
        Movements that the source states. The roads are then taken as they are, without clean-up.
    options
        How the rest is done.

    Raises
    ------
    InputError
        If nothing is left that can be driven.
    """
    options = options or BuildOptions()
    report = BuildReport(source=raw.source)
    report.counts["raw nodes"] = len(raw.node_id)
    report.counts["raw links"] = len(raw.link_id)
    lon0, lat0 = options.origin or (
        float((raw.node_lon.min() + raw.node_lon.max()) / 2.0),
        float((raw.node_lat.min() + raw.node_lat.max()) / 2.0),
    )
    projection = Projection(lon0, lat0)
    bans = Restrictions(raw.restriction_from, raw.restriction_to, raw.restriction_only)
    draft = _draft(raw, projection)
    # Now, for joined to its neighbours an absurd length no longer stands out.
    _check_lengths(raw, draft, report)
    if stated is None:
        draft = clean(draft, bans, options.clean, report.counts)
        if not draft.n_links:
            raise InputError("no road is left that can be driven", file=raw.source or None)
    if options.infer_signals is not None:
        report.counts["signals inferred"] = infer_signals(draft, options.infer_signals)
    capacity, report.imputed = impute(draft)
    _settle_bus_lanes(draft, raw.left_out, report)
    if stated is None:
        turns = no_statement(draft)
    else:
        turns = state(draft, stated)
        report.counts["movements stated"] = len(stated.link_from)
        report.counts["movements worked out"] = len(turns.kind) - len(stated.link_from)
        other = (turns.control == Control.SIGNAL_OR_STOP) & (turns.kind != TurnKind.RIGHT)
        report.counts["right turns on red stated of other movements: not taken"] = int(other.sum())
    network = _finish(draft, turns, capacity, projection, raw.names, options)
    if stated is not None:
        told = 0 if stated.signals is None else len(stated.signals.cycle)
        report.counts["signals with plans as stated"] = told
        report.counts["signals with designed plans"] = network.n_signals - told
    return network, report


def _check_lengths(raw: RawRoads, draft: Draft, report: BuildReport) -> None:
    """Count and name the lengths that the source states and that cannot be."""
    a, b = draft.link_from, draft.link_to
    straight = np.hypot(draft.node_x[b] - draft.node_x[a], draft.node_y[b] - draft.node_y[a])
    faults = stated_faults(raw.link_length, straight, draft.lines().length)
    for name, bad in faults.items():
        report.counts[name] = int(bad.sum())
        if bad.any():
            report.examples[name] = draft.link_id[bad][:EXAMPLES].tolist()


def _settle_bus_lanes(draft: Draft, left_out: Mapping[str, int], report: BuildReport) -> None:
    """Leave out bus lanes that a road does not have, or beside which it has none; count all."""
    told = np.bitwise_count(draft.link_bus)
    every = np.left_shift(1, draft.link_lanes.astype(np.int32)) - 1
    draft.link_bus &= every
    draft.link_bus[draft.link_bus == every] = 0
    lost = int(told.sum()) - int(np.bitwise_count(draft.link_bus).sum())
    counts = {**left_out, "bus lanes left out: no lane is left beside them": lost}
    report.counts |= {name: n for name, n in counts.items() if n}


def _draft(raw: RawRoads, projection: Projection) -> Draft:
    """Return the raw roads in metres, without movements yet."""
    x, y = projection.forward(raw.node_lon, raw.node_lat)
    order = np.argsort(raw.node_id, kind="stable")
    place = raw.node_id[order]
    start = order[np.searchsorted(place, raw.link_from)]
    end = order[np.searchsorted(place, raw.link_to)]
    count = np.diff(raw.geom_ptr)
    count = np.where(count < 2, 0, count)
    inner = np.maximum(count - 2, 0)
    ptr = pointer(inner + 2)
    gx, gy = np.empty(int(ptr[-1])), np.empty(int(ptr[-1]))
    # The first and the last vertex are the nodes themselves, whatever the source drew.
    gx[ptr[:-1]], gy[ptr[:-1]] = x[start], y[start]
    gx[ptr[1:] - 1], gy[ptr[1:] - 1] = x[end], y[end]
    source = ranges(raw.geom_ptr[:-1] + 1, inner)
    target = ranges(ptr[:-1] + 1, inner)
    gx[target], gy[target] = projection.forward(raw.geom_lon[source], raw.geom_lat[source])
    draft = Draft(
        node_id=raw.node_id.copy(),
        node_x=x,
        node_y=y,
        node_signal=raw.node_signal.copy(),
        link_id=raw.link_id.copy(),
        link_from=start.astype(np.int64),
        link_to=end.astype(np.int64),
        link_length=raw.link_length.copy(),
        link_speed=raw.link_speed.copy(),
        link_lanes=raw.link_lanes.copy(),
        link_class=raw.link_class.copy(),
        link_ramp=raw.link_ramp.copy(),
        link_roundabout=raw.link_roundabout.copy(),
        link_name=raw.link_name.copy(),
        link_bus=raw.link_bus.copy(),
        geom_ptr=ptr,
        geom_x=gx,
        geom_y=gy,
        pair_from=np.zeros(0, np.int64),
        pair_to=np.zeros(0, np.int64),
    )
    drawn = draft.lines().length
    draft.link_length = np.where(np.isfinite(draft.link_length), draft.link_length, drawn)
    draft.link_length = np.maximum(draft.link_length, LEAST_M)
    return draft


def _finish(
    draft: Draft,
    turns: Placed,
    capacity: F64,
    projection: Projection,
    names: tuple[str, ...],
    options: BuildOptions,
) -> Network:
    """Return the network of a clean draft and its movements: signals, who gives way."""
    kind, low, high = turns.kind, turns.low, turns.high
    conflicts = apart(draft, find_conflicts(draft), turns.own_lane)
    plan = all_plans(draft, conflicts, kind, (low, high), options.signals, turns.lit, turns.signals)
    yielding, foe, all_stop = _foes(draft, conflicts, turns, plan)
    own = np.flatnonzero((turns.own_lane >= 0) & (plan.turn_group < 0))
    turn_yield = np.full(len(kind), TurnYield.FREE, np.uint8)
    turn_yield[yielding] = TurnYield.GIVES_WAY
    turn_yield[yielding[all_stop[yielding]]] = TurnYield.ALL_WAY_STOP
    if turns.signals is not None:
        turn_yield[turns.signals.protection == PERMITTED] = TurnYield.GIVES_WAY
    on_red = (turns.control == Control.SIGNAL_OR_STOP) | options.right_on_red
    on_red &= (kind == TurnKind.RIGHT) & (turn_yield == TurnYield.FREE) & (plan.turn_group >= 0)
    turn_yield[on_red] = TurnYield.ON_RED
    waiting, crossing = foes_on_red(conflicts, on_red, plan.turn_group)
    yielding, foe = np.append(yielding, waiting), np.append(foe, crossing)
    foe_ptr, foe_turn = foe_rows(yielding, foe, len(kind))
    lon, lat = projection.inverse(draft.node_x, draft.node_y)
    bus_link, bus_lane = np.nonzero(draft.link_bus[:, None] >> np.arange(MAX_LANES) & 1)
    i32, f32 = np.int32, np.float32
    return Network(
        lon0=projection.lon0,
        lat0=projection.lat0,
        node_id=draft.node_id,
        node_lon=lon,
        node_lat=lat,
        node_x=draft.node_x,
        node_y=draft.node_y,
        node_signal=plan.node_signal,
        link_id=draft.link_id,
        link_from=draft.link_from.astype(i32),
        link_to=draft.link_to.astype(i32),
        link_length=draft.link_length.astype(f32),
        link_speed=draft.link_speed.astype(f32),
        link_lanes=draft.link_lanes,
        link_capacity=capacity.astype(f32),
        link_class=draft.link_class,
        link_name=draft.link_name,
        geom_ptr=draft.geom_ptr.astype(i32),
        geom_x=draft.geom_x.astype(f32),
        geom_y=draft.geom_y.astype(f32),
        turn_ptr=pointer(np.bincount(draft.pair_from, minlength=draft.n_links)).astype(i32),
        turn_to=draft.pair_to.astype(i32),
        turn_kind=kind,
        turn_lane_lo=low,
        turn_lane_hi=high,
        turn_group=plan.turn_group,
        turn_yield=turn_yield,
        foe_ptr=foe_ptr.astype(i32),
        foe_turn=foe_turn.astype(i32),
        signal_node=np.asarray(plan.signal_node, i32),
        signal_cycle=np.asarray(plan.cycle, f32),
        signal_offset=np.asarray(plan.offset, f32),
        group_signal=np.asarray(plan.group_signal, i32),
        group_green_from=np.asarray(plan.green_from, f32),
        group_green_to=np.asarray(plan.green_to, f32),
        names=names,
        more_group=np.asarray([group for group, _ in plan.more], i32),
        more_from=np.asarray([begin for _, (begin, _) in plan.more], f32),
        more_to=np.asarray([end for _, (_, end) in plan.more], f32),
        bus_link=bus_link.astype(i32),
        bus_lane=bus_lane.astype(i32),
        own_turn=own.astype(i32),
        own_lane=turns.own_lane[own].astype(i32),
    )


def _foes(
    draft: Draft, conflicts: Conflicts, turns: Placed, plan: SignalPlan
) -> tuple[I64, I64, Flags]:
    """Return (yielding movement, movement it gives way to), and movements of all-way stops.

    At signals only movements that are green together meet, and who has no signal meets all; who
    gives way is as a stated plan says, and else by rule. Elsewhere what is stated, rank and the
    rules of the road decide. Where all stop, both of two that conflict give way.
    """
    group_a, group_b = plan.turn_group[conflicts.first], plan.turn_group[conflicts.second]
    signalled = (group_a >= 0) & (group_b >= 0)
    meets = ~signalled | (group_a == group_b)
    rank = link_rank(draft)
    free = Conflicts(
        conflicts.first[~signalled],
        conflicts.second[~signalled],
        conflicts.opposing[~signalled],
        conflicts.heading,
    )
    level = settle_equals(draft, free, rank)
    by_rank = who_yields(draft, conflicts, turns.kind, rank * (draft.n_links + 1) + level)
    by_rule = who_yields(draft, conflicts, turns.kind, np.zeros(draft.n_links, np.int64))
    first_yields = by_control(turns.control, conflicts.first, conflicts.second, by_rank)
    first_yields = np.where(signalled, by_rule, first_yields)
    # Who has no signal where another has one waits for him.
    first_yields = np.where((group_a >= 0) != (group_b >= 0), group_a < 0, first_yields)
    if turns.signals is not None:
        together, first_yields, clear = settle(
            turns.signals, conflicts.first, conflicts.second, first_yields
        )
        meets = (meets | together) & ~clear
    first_yields = first_yields[meets]
    a, b = conflicts.first[meets], conflicts.second[meets]
    all_stop = all_way_stops(draft, rank)[draft.link_to[draft.pair_from]]
    told = turns.control != Control.UNSAID
    all_stop = np.where(told, turns.control == Control.ALL_WAY_STOP, all_stop)
    stops = np.asarray(all_stop & (plan.turn_group < 0), np.bool_)
    both = stops[a] & stops[b]
    yielding = np.concatenate([np.where(first_yields, a, b), np.where(first_yields, b, a)[both]])
    foe = np.concatenate([np.where(first_yields, b, a), np.where(first_yields, a, b)[both]])
    return yielding, foe, stops
