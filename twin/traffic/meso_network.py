"""The network as queue-level traffic sees it, and an empty state on it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.network.graph import F32, I32, U8, YELLOW_S, Network, RoadClass, TurnKind
from twin.traffic.control import kernel_network
from twin.traffic.costs import SIREN_DELAY_SHARE
from twin.traffic.kernels import meso_layout as layout
from twin.traffic.kernels.layout import (
    ACCEL,
    BRAKE,
    BUS_LANES,
    CALL,
    HEADWAY,
    LENGTH,
    SPEED_MEAN,
    STANDSTILL,
    TOP,
)
from twin.traffic.kernels.meso_layout import FAR, N_BLOCKS, Net, State
from twin.traffic.kernels.zipper import JOINS
from twin.traffic.types import Fleet

LEAST_S = 1.0
"""No link is crossed, and no gap travels back over one, in less than a tick."""
DECISION_S = {
    TurnKind.THROUGH: 1.0,
    TurnKind.RIGHT: 1.5,
    TurnKind.LEFT: 1.5,
    TurnKind.U_TURN: 1.5,
}
"""What lane-level drivers spend between deciding and passing, which their gaps in
`twin.traffic.control` leave out; vehicles here pass when they decide."""
FOLLOW_S = {
    TurnKind.THROUGH: 4.0,
    TurnKind.RIGHT: 3.3,
    TurnKind.LEFT: 3.5,
    TurnKind.U_TURN: 3.5,
}
"""Follow-up headways on a minor road (Highway Capacity Manual, TRB 2016, exhibit 20-12)."""
MAJOR_LEFT_FOLLOW_S = 2.5
"""The same for left turns whose critical gap is short: off the major road, or on green."""
SHORT_GAP_S = 5.0
SETTING_OFF = 0.566
"""Share of v / a lost by setting off: the integral of the IDM's a (1 - (v / v0)^4)."""
CLEAR_S = 2.0
"""Seconds of red in which who waits in the junction for a gap leaves it, as in `junctions`."""


class Parameters(NamedTuple):
    """What queues are made of; the defaults are fitted to lane-level traffic.

    A lane carries 1 / (`tau_s` + `spacing_m` / v) vehicles a second at speed v (the triangular
    diagram of Newell 1993), and gaps travel back at `spacing_m` / `tau_s`.

    Attributes
    ----------
    tau_s
        Seconds after which a driver does what the one ahead did.
    spacing_m
        Metres that a standing car takes.
    pace
        Time on a free link over the time at its free-flow speed.
    lost_s
        Seconds of every green that pass before the queue moves.
    yellow_s
        Seconds of yellow that are used.
    restart_s_per_mps
        Seconds that the first to start from the line loses, per m/s of the next link's speed.
    weave_share
        Share of a lane's capacity that is left where expressways join or part.
    stuck_s
        Seconds after which a vehicle squeezes into a full link.
    fill_share
        Share of a lane's room above which no trip enters it from the roadside.
    siren_share
        Share of the delay of others that a unit under siren suffers.
    """

    tau_s: float = 1.6
    spacing_m: float = 7.0
    pace: float = 1.03
    lost_s: float = 2.0
    yellow_s: float = 1.0
    restart_s_per_mps: float = 0.25
    weave_share: float = 0.7
    stuck_s: float = 60.0
    fill_share: float = 0.5
    siren_share: float = SIREN_DELAY_SHARE


def _ms(seconds: Any) -> NDArray[np.int32]:
    out: NDArray[np.int32] = np.rint(np.asarray(seconds, np.float64) * 1000.0).astype(np.int32)
    return out


def _records(count: int, dtype: np.dtype[Any]) -> layout.Records:
    return np.zeros(count, dtype).view(np.recarray)


def _groups(
    network: Network, start_s: float, parameters: Parameters
) -> tuple[layout.Records, layout.Records]:
    """Return the signal groups with their first green, and the other greens of all."""
    group = _records(len(network.group_signal), layout.GROUP)
    more = _records(len(network.more_group), layout.MORE)
    every = np.arange(len(group))
    first = (every, network.group_green_from, network.group_green_to)
    others = (network.more_group, network.more_from, network.more_to)
    for table, (of, green_from, green_to) in ((group, first), (more, others)):
        signal = network.group_signal[of]
        cycle = network.signal_cycle[signal].astype(np.float64)
        offset = network.signal_offset[signal].astype(np.float64)
        shown = green_to - green_from.astype(np.float64)
        always = shown + YELLOW_S >= cycle
        green = np.clip(shown - parameters.lost_s + parameters.yellow_s, 1.0, cycle)
        start = offset + green_from + parameters.lost_s - start_s
        table["start"] = _ms(start % cycle)
        table["green"] = np.where(always, _ms(cycle), _ms(green))
    group["cycle"] = _ms(network.signal_cycle[network.group_signal].astype(np.float64))
    group["more0"] = np.searchsorted(network.more_group, every)
    group["more1"] = np.searchsorted(network.more_group, every, side="right")
    return group, more


def _turns(network: Network, *, right_on_red: bool) -> layout.Records:
    fleet = Fleet().table
    view = kernel_network(network, fleet, speed_factor=1.0, right_on_red=right_on_red).turn
    turn = _records(network.n_turns, layout.TURN)
    for name in ("to", "group", "foe0", "foe1", "lo", "hi"):
        turn[name] = view[name]
    turn["start"] = network.turn_from
    decision = np.array([DECISION_S[kind] for kind in TurnKind])[network.turn_kind]
    follow = np.array([FOLLOW_S[kind] for kind in TurnKind])[network.turn_kind]
    on_red = view["on_red"] > 0
    on_green = (view["gives_way"] > 0) & (view["merges"] != JOINS)
    looks = on_green | (on_red & (view["foe1"] > view["foe0"]))
    gap = view["gap"] + decision
    follow = np.where(gap < SHORT_GAP_S, MAJOR_LEFT_FOLLOW_S, follow)
    turn["gap"] = np.where(looks, _ms(gap), 0)
    turn["least"] = np.where(looks, _ms(view["least"] + decision), 0)
    turn["follow"] = np.where(looks | on_red, _ms(follow), 0)
    turn["clear"] = np.where(on_green & (network.turn_group >= 0), _ms(CLEAR_S), 0)
    turn["on_red"] = on_red
    turn["on_green"] = on_green
    return turn


def _weaves(network: Network) -> NDArray[np.bool_]:
    """Return (L,) whether a link is a piece of expressway that several roads join or leave."""
    ahead = network.turn_kind != TurnKind.U_TURN
    ways_out = np.bincount(network.turn_from[ahead], minlength=network.n_links)
    ways_in = np.bincount(network.turn_to[ahead], minlength=network.n_links)
    weaves: NDArray[np.bool_] = (network.link_class <= RoadClass.TRUNK) & (
        (ways_out > 1) | (ways_in > 1)
    )
    return weaves


class _Kinds(NamedTuple):
    """What queues know of each row of a fleet, and again `WITH_CALLS` rows on (see `Net`)."""

    share: I32
    pace: F32
    slow: F32
    stop: F32
    bus: U8


def _kinds(fleet: Fleet, fastest: float) -> _Kinds:
    """Return what is known of the rows of a fleet on roads no faster than `fastest` m/s.

    Headways are those at 10 m/s. Nobody is faster than the link, which is how fast cars drive: in a
    queue who is faster only comes up behind the next.
    """
    row = np.zeros((layout.WITH_CALLS, fleet.table.shape[1]))
    row[: len(fleet.table)] = fleet.table
    row[len(fleet.table) :] = fleet.table[0]
    row = np.concatenate([row, row])
    headway = row[:, HEADWAY] + (row[:, LENGTH] + row[:, STANDSTILL]) / 10
    stop = np.stack([0.5 / row[:, BRAKE], SETTING_OFF / row[:, ACCEL]], axis=1)
    pace = 1.0 / np.minimum(row[:, SPEED_MEAN], 1.0)
    usual = (pace == 1.0) & (row[:, TOP] >= fastest)
    return _Kinds(
        share=np.rint(headway / headway[0] * layout.KIND_UNIT).astype(np.int32),
        pace=pace.astype(np.float32),
        slow=np.where(usual, 0.0, 1000.0 / row[:, TOP]).astype(np.float32),
        stop=(1000.0 * stop).astype(np.float32),
        bus=(row[:, BUS_LANES] > 0).astype(np.uint8),
    )


def queue_network(
    network: Network,
    *,
    start_s: float,
    speed_factor: float,
    parameters: Parameters,
    fleet: Fleet,
    space_share: float = 1.0,
    right_on_red: bool = True,
) -> tuple[Net, State]:
    """Return the arrays that queues work on, without vehicles.

    Parameters
    ----------
    network
        The road network.
    start_s
        Simulated second at tick 0.
    speed_factor
        Factor on every free-flow speed.
    parameters, fleet
        Of the queues; of the vehicles, whose length and headway count.
    space_share, right_on_red
        See `twin.traffic.meso.MesoTraffic`.
    """
    n_links = network.n_links
    lanes = network.link_lanes.astype(np.int64)
    length = network.link_length.astype(np.float64)
    speed = network.link_speed.astype(np.float64) * speed_factor / parameters.pace
    cross = np.maximum(length / speed, LEAST_S)
    lag = np.maximum(length * parameters.tau_s / parameters.spacing_m, LEAST_S)
    by_end = np.argsort(network.link_to, kind="stable").astype(np.int32)
    by_start = np.argsort(network.link_from, kind="stable").astype(np.int32)
    nodes = np.arange(network.n_nodes + 1)

    link = _records(n_links, layout.LINK)
    link["length"], link["speed"] = length, speed
    link["cross"], link["lag"] = _ms(cross), _ms(lag)
    link["lane0"] = np.cumsum(lanes) - lanes
    link["lanes"] = lanes
    link["turn0"], link["turn1"] = network.turn_ptr[:-1], network.turn_ptr[1:]
    link["order"][by_end] = np.arange(n_links)
    link["start"], link["node"] = network.link_from, network.link_to
    link["cut"] = layout.WHOLE
    link["restart"] = _ms(parameters.restart_s_per_mps * speed)
    link["first"] = link["last"] = -1
    link["time"] = length / link["speed"]

    node = _records(network.n_nodes, layout.NODE)
    ends = np.searchsorted(network.link_to[by_end], nodes)
    starts = np.searchsorted(network.link_from[by_start], nodes)
    node["in0"], node["in1"] = ends[:-1], ends[1:]
    node["out0"], node["out1"] = starts[:-1], starts[1:]
    node["depart"] = FAR

    most = int(np.bincount(network.link_to, weights=lanes).max())
    headway = parameters.tau_s + parameters.spacing_m / speed
    headway[_weaves(network)] /= parameters.weave_share
    # All that fits, and enough for the capacity where the shortest times above say otherwise.
    room = np.maximum(length / parameters.spacing_m, (cross + lag) / headway)
    room = np.ceil(room / space_share - 1e-6)
    lane = _records(int(lanes.sum()), layout.LANE)
    of = np.repeat(np.arange(n_links), lanes)
    lane["link"] = of
    lane["room"] = room[of]
    lane["ring"] = lane["room"] + np.maximum(2, lane["room"] // 4)
    lane["place0"] = np.cumsum(lane["ring"]) - lane["ring"]
    lane["headway"] = _ms(headway)[of]
    lane["since"] = -1

    place = _records(int(lane["ring"].sum()), layout.PLACE)
    place["when"] = -1
    np.bitwise_or.at(link["lane_marks"], network.bus_link, np.left_shift(1, network.bus_lane))
    kinds = _kinds(fleet, float(speed.max()))
    group, more = _groups(network, start_s, parameters)
    net = Net(
        link=link,
        turn=_turns(network, right_on_red=right_on_red),
        node=node,
        group=group,
        more=more,
        foe=np.array(network.foe_turn, np.int32),
        in_link=by_end,
        out_link=by_start,
        kind_share=kinds.share,
        kind_pace=kinds.pace,
        kind_slow=kinds.slow,
        kind_stop=kinds.stop,
        kind_bus=kinds.bus,
        stuck=int(parameters.stuck_s * 1000),
        spacing=np.float32(parameters.spacing_m),
        fill_share=np.float32(parameters.fill_share),
        siren_share=np.float32(parameters.siren_share),
    )
    state = State(
        lane=lane,
        place=place,
        vehicle=_records(0, layout.VEHICLE),
        unit=_records(0, layout.UNIT),
        due=np.full(n_links, FAR, np.int32),
        pushed=np.full((2, n_links), FAR, np.int32),
        wheel=np.full((layout.WHEEL, N_BLOCKS), -1, np.int32),
        done=np.full(N_BLOCKS, -1, np.int32),
        bay=np.full(N_BLOCKS, -1, np.int32),
        call=_records(0, CALL),
        lost=np.full(N_BLOCKS, -1, np.int32),
        order=np.zeros((N_BLOCKS, most), np.int32),
        route=np.zeros(2 * layout.ROUTE_MARGIN, np.int32),
        tally=np.zeros((N_BLOCKS, 8), np.int64),
        counts=np.zeros(3, np.int64),
        search=np.zeros((6, n_links), np.int32),
    )
    return net, state


def grow_vehicles(state: State, size: int) -> State:
    """Return the state with at least `size` rows for vehicles."""
    old = len(state.vehicle)
    vehicle = _records(max(2 * old, size, 1024), layout.VEHICLE)
    vehicle[:old] = state.vehicle
    return state._replace(vehicle=vehicle)


def grow_units(state: State, size: int) -> State:
    """Return the state with at least `size` rows for emergency units."""
    old = len(state.unit)
    unit = _records(max(2 * old, size, 16), layout.UNIT)
    unit[:old] = state.unit
    return state._replace(unit=unit)
