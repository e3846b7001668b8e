"""The road graph as column tables.

Everything is an array indexed by node, link, turn, signal or signal group. A turn is an allowed
movement from one link to the next; turns are kept in compressed sparse rows by their from-link, so
`turn_ptr[k]:turn_ptr[k + 1]` are the movements out of link `k`. Positions are metres in a local
transverse Mercator projection centred on the city; longitude and latitude are WGS84.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I8 = NDArray[np.int8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

YELLOW_S = 3.0
"""Length of the yellow that follows every green, seconds."""


class RoadClass(IntEnum):
    """Functional class of a link, most important first (the OSM `highway` ladder)."""

    MOTORWAY = 0
    TRUNK = 1
    PRIMARY = 2
    SECONDARY = 3
    TERTIARY = 4
    RESIDENTIAL = 5
    SERVICE = 6


class TurnKind(IntEnum):
    """Direction of a turn, from the angle between the two links (right-hand traffic)."""

    THROUGH = 0
    RIGHT = 1
    LEFT = 2
    U_TURN = 3


class TurnYield(IntEnum):
    """Whom a turn gives way to: nobody, its foes, or as its place at the junction says."""

    FREE = 0
    GIVES_WAY = 1
    ALL_WAY_STOP = 2
    """Who came first goes first; foes are foes of each other."""
    ON_RED = 3
    """It may be made on red, too, after a stop and giving way to its foes."""


class Place(NamedTuple):
    """A point on the road: a link index and the distance from its start in metres."""

    link: int
    pos_m: float


@dataclass(frozen=True, slots=True)
class Network:
    """A road network; N nodes, L links, T turns, S signals (controllers), G signal groups.

    Attributes
    ----------
    lon0, lat0
        Origin of the local projection, degrees.
    node_id, node_lon, node_lat, node_x, node_y
        (N,) external number; WGS84 degrees; local metres.
    node_signal
        (N,) index of the node's signal controller, or -1.
    link_id, link_from, link_to
        (L,) external number; node indices.
    link_length, link_speed, link_lanes, link_capacity, link_class, link_name
        (L,) metres; free-flow speed in m/s; lanes in this direction (lane 0 is at the kerb);
        capacity of all lanes in veh/h; `RoadClass`; index into `names` (-1 for none).
    geom_ptr, geom_x, geom_y
        Vertices of link k's centre line are `geom_ptr[k]:geom_ptr[k + 1]`, first and last being its
        nodes; local metres.
    turn_ptr, turn_to, turn_kind
        (L + 1,), (T,), (T,) compressed rows by from-link; the link entered; `TurnKind`.
    turn_lane_lo, turn_lane_hi
        (T,) lanes of the from-link, inclusive, from which the turn may be made.
    turn_group
        (T,) signal group that releases the turn, or -1 when it is not signalled.
    turn_yield
        (T,) `TurnYield`: 1 when the turn gives way to its foes (minor road, or a permitted left on
        green); 2 at an all-way stop; 3 where it may be made on red, after a stop and giving way.
    foe_ptr, foe_turn
        (T + 1,), (F,) turns that a yielding turn gives way to, compressed rows.
    signal_node, signal_cycle, signal_offset
        (S,) one of the controller's nodes; cycle and offset in seconds.
    group_signal, group_green_from, group_green_to
        (G,) controller; green in seconds of the cycle (`from < to`, which may pass its end);
        `YELLOW_S` seconds of yellow follow it; the rest is red.
    names
        Street names.
    more_group, more_from, more_to
        (E,) group, ascending, and seconds of its cycle of greens beside its first, where it has
        several.
    bus_link, bus_lane
        (B,) link and lane (0 at the kerb) of lanes that only buses and emergency units may use.
    own_turn, own_lane
        (O,) turns, ascending, that bring lanes of their own to the link entered, and which of its
        lanes the kerb-most lane of each leads to; the others follow side by side. All other turns
        may enter any lane that keeps the order.
    """

    lon0: float
    lat0: float
    node_id: I64
    node_lon: F64
    node_lat: F64
    node_x: F64
    node_y: F64
    node_signal: I32
    link_id: I64
    link_from: I32
    link_to: I32
    link_length: F32
    link_speed: F32
    link_lanes: U8
    link_capacity: F32
    link_class: U8
    link_name: I32
    geom_ptr: I32
    geom_x: F32
    geom_y: F32
    turn_ptr: I32
    turn_to: I32
    turn_kind: U8
    turn_lane_lo: U8
    turn_lane_hi: U8
    turn_group: I32
    turn_yield: U8
    foe_ptr: I32
    foe_turn: I32
    signal_node: I32
    signal_cycle: F32
    signal_offset: F32
    group_signal: I32
    group_green_from: F32
    group_green_to: F32
    names: tuple[str, ...]
    more_group: I32 = field(default_factory=lambda: np.zeros(0, np.int32))
    more_from: F32 = field(default_factory=lambda: np.zeros(0, np.float32))
    more_to: F32 = field(default_factory=lambda: np.zeros(0, np.float32))
    bus_link: I32 = field(default_factory=lambda: np.zeros(0, np.int32))
    bus_lane: I32 = field(default_factory=lambda: np.zeros(0, np.int32))
    own_turn: I32 = field(default_factory=lambda: np.zeros(0, np.int32))
    own_lane: I32 = field(default_factory=lambda: np.zeros(0, np.int32))

    def __post_init__(self) -> None:
        for column in fields(self):
            value = getattr(self, column.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_id)

    @property
    def n_links(self) -> int:
        """Number of directed links."""
        return len(self.link_id)

    @property
    def n_turns(self) -> int:
        """Number of allowed movements between links."""
        return len(self.turn_to)

    @property
    def n_signals(self) -> int:
        """Number of signal controllers."""
        return len(self.signal_node)

    @property
    def n_signals_on_red(self) -> int:
        """Number of them at which drivers may make a turn on red."""
        on_red = (self.turn_yield == TurnYield.ON_RED) & (self.turn_group >= 0)
        return len(np.unique(self.group_signal[self.turn_group[on_red]]))

    @property
    def turn_from(self) -> I32:
        """(T,) from-link of every turn."""
        return np.repeat(np.arange(self.n_links, dtype=np.int32), np.diff(self.turn_ptr))

    @property
    def free_flow_s(self) -> F32:
        """(L,) travel time of every link at its free-flow speed, seconds."""
        return (self.link_length / self.link_speed).astype(np.float32)

    @property
    def green_s(self) -> F64:
        """(G,) seconds of green of every group in a cycle, all its greens together."""
        first = (self.group_green_to - self.group_green_from).astype(np.float64)
        more = (self.more_to - self.more_from).astype(np.float64)
        total: F64 = first + np.bincount(self.more_group, more, minlength=len(first))
        return total

    @property
    def greens(self) -> tuple[I64, F64, F64]:
        """(G + E,) group, begin and end in seconds of the cycle of every green, by group."""
        every = np.arange(len(self.group_signal))
        group = np.concatenate([every, self.more_group])
        begin = np.concatenate([self.group_green_from, self.more_from])
        end = np.concatenate([self.group_green_to, self.more_to])
        order = np.argsort(group, kind="stable")
        return group[order], begin[order].astype(np.float64), end[order].astype(np.float64)

    def link_of(self, external_id: int) -> int:
        """Return the index of the link with this external number.

        Raises
        ------
        KeyError
            If there is none.
        """
        found = np.flatnonzero(self.link_id == external_id)
        if not len(found):
            raise KeyError(external_id)
        return int(found[0])
