"""How traffic lies in memory, and the moves that keep it so.

A vehicle on the road is a record of 32 bytes (two to a cache line). The records of one lane stand
next to each other in ascending position, so a leader is the next record; free space is kept at
both ends, since vehicles join at the tail (front of the slice) and leave at the head. A lane that
runs out of space is moved behind the others; when there is none left, everything is laid out afresh
in the second buffer (`lane_space`).

What is needed only now and then (when a trip was planned, where it ends) stands in a table by
*slot*; slots are reused, public vehicle numbers never are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.jit import inlined

Records = NDArray[Any]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

AMBULANCE = 4
FIRE_ENGINE = 5
"""`kind` of emergency units; trips have the kinds of `twin.demand.trips.VehicleKind`, or those of
the rows behind `N_KINDS`: see `twin.traffic.types.Fleet`."""
OBSTACLE = 6
"""`kind` of a record that stands for a blocked piece of lane."""
N_KINDS = 9

COOPERATE = 1
"""Flag: somebody needs to merge in front; set by the lane changers, used up by car following."""
SIREN = 2
"""Flag: an emergency unit under siren."""
COOPERATE_ON = 4
"""Flag beside `COOPERATE`: for one tick more, since links change lanes only every other tick."""
INSIDE = 8
"""Flag: it stood in the junction on green or yellow, waiting to turn left."""
AT_STOP = 16
"""Flag: it stands at a stop of its line and stays there."""
CALLS = 32
"""Flag: it has stops to serve (`VEHICLE.call`)."""
STAYS = SIREN | AT_STOP
"""Flags of those whom nobody makes leave their lane."""

BIG = np.float32(1.0e6)
NEVER = np.inf
ROUTE_MARGIN = 65_536
"""Entries of the route store kept free for vehicles that find another way during a tick."""
N_BLOCKS = 128
"""Pieces into which links and nodes are cut for threads; fixed, so threads change nothing."""

# Columns of the table of kinds.
LENGTH, ACCEL, BRAKE, HEADWAY, STANDSTILL, INV_SQRT_AB, SPEED_MEAN, SPEED_SD = range(8)
TOP, POLITENESS, MODEL, IMPERFECTION, REACTION, SPECIAL, BUS_LANES, NEARER = range(8, 16)
"""Top speed; weight of others in a lane change; car-following model; share of the acceleration and
seconds by which drivers fail; whether any of the last three is not the plain one;
whether bus lanes are for it; metres by which it comes nearer to a
line than to a vehicle."""
N_COLUMNS = 16
IDM, KRAUSS = range(2)
"""Values of `MODEL`."""

LINE = 64
"""Bytes that memory hands over at once, a cache line; arrays of records begin with one."""


def _in_lines(fields: list[tuple[str, str]]) -> np.dtype[Any]:
    """Return the type of a record that begins with a cache line, those read most often first."""
    size = np.dtype(fields).itemsize
    names, formats = zip(*fields, strict=True)
    return np.dtype(
        {"names": names, "formats": formats, "itemsize": (size + LINE - 1) // LINE * LINE}
    )


RECORD = np.dtype(
    [
        ("pos", "f4"),  # front bumper, metres from the start of the link
        ("vel", "f4"),
        ("fac", "f4"),  # desired speed / free-flow speed of the link
        ("slot", "i4"),  # row in the table of vehicles; -1 for an obstacle
        ("turn", "i4"),  # turn at the end of this link; -1 on the last link
        ("rpos", "i4"),  # where `turn` stands in the route store; token of an obstacle
        ("kind", "i1"),
        ("lo", "i1"),  # lanes wanted at the end of this link
        ("hi", "i1"),
        ("nlo", "i1"),  # lanes wanted on the next link
        ("nhi", "i1"),
        ("marks", "i1"),
        ("cool", "u1"),  # low byte of the tick of the last lane change
        ("wait", "u1"),  # seconds held at the end of the link although released
    ]
)
LANE = np.dtype(
    [
        ("start", "i4"),
        ("end", "i4"),
        ("low", "i4"),
        ("cap", "i4"),
        ("tail", "f4"),  # rear bumper of the last vehicle, as the tick's decisions see it
        ("tail_vel", "f4"),
        ("rear", "f4"),  # rear bumper of the last vehicle after car following
        ("block", "f4"),  # position of the first obstacle; -1 for none
        ("aim", "i4"),  # lane that the first vehicle enters
        ("eta", "f4"),  # seconds until the first vehicle passes the end; `BIG` if none is coming
        ("last", "i4"),  # lane from which the last vehicle entered
        # Where lanes merge in turns: the lane that the first vehicle is about to enter, or -1;
        # seconds that order those who come; its rear bumper, metres before the end; its speed.
        ("asks", "i4"),
        ("due", "f4"),
        ("behind", "f4"),
        ("pace", "f4"),
        # Where all stop: it yields while somebody still crosses its way; seconds that it has been
        # at the line, and 1, or 0 when it is not there or its way is full.
        ("yields", "i2"),
        ("claim", "i2"),
    ]
)
LINK = _in_lines(
    [
        ("length", "f4"),
        ("speed", "f4"),
        ("lane0", "i4"),
        ("node", "i4"),  # the junction at its end
        ("turn0", "i4"),
        ("turn1", "i4"),
        ("group", "i4"),  # signal group of all its turns; -1 for none, or several
        ("slow", "i4"),  # its first piece in `Net.piece`; 0 where all drive as anywhere
        ("bus_lanes", "i4"),  # bit of each lane that is for buses and emergency units only
        ("lanes", "i1"),
        ("closed", "i1"),  # number of the closure by which nobody may enter; 0: open
        ("first_open", "i1"),  # lanes below it are closed
        ("busy", "i1"),  # it may hold vehicles: where it is 0, there are none
        ("siren", "i1"),  # a unit under siren is on it (1), one that drives beside a lane (2)
        ("watched", "i1"),  # somebody gives way to a turn out of it, or merges with it
        ("noted", "i1"),  # it is written when vehicles will make its turns
        ("stops", "i1"),  # vehicles stop somewhere on it
        # Since the start: vehicle-seconds, vehicle-metres, vehicles that left. All above and these
        # are a cache line.
        ("seconds", "f8"),
        ("metres", "f8"),
        ("left", "i4"),
        ("siren_dist", "f4"),  # metres from a unit under siren to the end
        ("queue_at", "i4"),  # trips that wait to enter are `queue[queue_at:queue_end]`
        ("queue_end", "i4"),
        ("full", "f4"),  # share of a lane filled with queued vehicles above which no trip enters
    ]
)
TURN = _in_lines(
    [
        ("to", "i4"),
        ("group", "i4"),
        ("foe0", "i4"),
        ("foe1", "i4"),
        ("gap", "f4"),  # critical gap, seconds
        ("least", "f4"),  # gap taken after a long wait, seconds
        ("look", "f4"),  # metres before the line from which the driver looks for a gap
        ("lane0", "i4"),  # first lane of `to`
        ("own0", "i4"),  # first lane of the link that it leaves
        ("lanes", "i1"),  # lanes of `to`
        ("lo", "i1"),
        ("hi", "i1"),
        ("kind", "i1"),
        ("gives_way", "i1"),
        ("is_foe", "i1"),  # somebody gives way to it
        ("merges", "i1"),  # it joins a stream of the road it enters: 1, of an expressway: 2
        ("zips", "i1"),  # its lanes, or those of other turns, merge with it in turns
        ("all_stop", "i1"),  # who came first to the line goes first
        ("own_lane", "i1"),  # lane of `to` that its lane `lo` leads to; -1 where there is a choice
        ("eta", "f4"),  # seconds until the next vehicle makes it; `BIG` when nobody is near
        ("passed", "i4"),  # vehicles that made it since the start
        # Where all stop: the greatest `claim` to it, and the tick of the last passage.
        ("claim", "i4"),
        ("went", "i4"),
        ("on_red", "i1"),  # it may be made on red, after a stop
    ]
)
NODE = np.dtype(
    [
        ("in0", "i4"),  # links that end here are `in_link[in0:in1]`
        ("in1", "i4"),
        ("siren", "i4"),  # units under siren that are about to reach it
    ]
)
GROUP = np.dtype(
    [
        ("cycle", "f8"),
        ("offset", "f8"),
        ("green_from", "f8"),
        ("green_for", "f8"),
        ("left", "f4"),  # seconds until the group turns red; 0 when it is red
        ("state", "i4"),  # 0 green, 1 yellow, 2 red
        ("until", "f8"),  # second at which the yellow of a held group ends
        ("signal", "i4"),
        ("held", "i4"),  # 0: its plan rules; else what a hook asked for (see `holding`)
        ("more0", "i4"),  # greens beside its first are `more[more0:more1]`
        ("more1", "i4"),
    ]
)
MORE = np.dtype([("green_from", "f8"), ("green_for", "f8")])
PIECE = np.dtype([("until", "f4"), ("speed", "f4")])
"""A piece of a link that is driven in its own way: where it ends, metres; free-flow speed."""
VEHICLE = np.dtype(
    [
        # What a tick may look up comes first: in one cache line, as rows are 80 bytes.
        ("distance", "f8"),  # metres on the links already left
        ("id", "i8"),
        ("t_plan", "f8"),
        ("t_depart", "f8"),
        ("t_arrive", "f8"),
        ("fac", "f4"),
        ("end", "f4"),  # where on its last link it ends
        ("origin", "i4"),
        ("goal", "i4"),  # last link
        ("rpos", "i4"),  # start of the route while waiting
        ("unit", "i4"),  # handle of an emergency unit; -1
        ("kind", "i4"),
        ("state", "i4"),
        ("call", "i4"),  # the stops that it has yet to serve are `State.call[call:calls_end]`
        ("calls_end", "i4"),
    ]
)
FREE, WAITING, RUNNING, FINISHED, REMOVED = range(5)
"""`state` of a slot."""

CALL = np.dtype(
    [
        ("vehicle", "i8"),  # public number
        ("tag", "i4"),  # whatever its owner knows it by
        ("link", "i4"),
        ("pos", "f4"),  # where the front bumper stands, metres
        ("dwell", "f4"),  # seconds
        ("due", "f8"),  # it does not leave earlier
        ("arrive", "f8"),
        ("depart", "f8"),  # while it is served: when it may leave
        ("lane", "i2"),
        ("bay", "i1"),  # beside the lane
        ("state", "i1"),
    ]
)
AHEAD, SERVING, SERVED, MISSED, TOLD = range(5)
"""`state` of a call; `TOLD` when its outcome has been read."""

UNIT = np.dtype(
    [
        ("slot", "i4"),
        ("link", "i4"),
        ("state", "i4"),
        ("wait", "i4"),
        ("pos", "f4"),
        ("siren", "i4"),
        ("seen", "i4"),  # link whose siren mark it holds; -1
        ("band", "i4"),  # it drives to the left of this lane, in none (see `sirens`); -1: in a lane
        ("reach", "f4"),  # metres ahead within which drivers leave its lane
        ("slow", "i4"),  # ticks that a queue has held it
        ("t_arrive", "f8"),
    ]
)
ENDING, HELP, PULLS_IN, TIGHT = 1, 2, 4, 8
"""Bits of `State.after`: a vehicle reached its goal; one cannot go where it wants; one stands
before its bay; a lane needs more space."""

N_DONE, ROUTE_USED, SEARCHES, IN_BAY, RECORDS_USED, CROWDED, N_COUNTS = range(7)
"""Entries of `State.counts`, and how many they are."""

IDLE, PENDING, DRIVING, ARRIVED = range(4)
"""`state` of an emergency unit."""

CORRIDOR, ONCOMING, REACH, QUEUE_REACH, BETWEEN, PAST = range(6)
"""Entries of `Net.sirens`: see `twin.traffic.sirens.Sirens`."""

# Columns of the tallies, one row for each block of links or nodes.
INSERTED, DONE, GONE, CROSSED, RED_RUN, CHANGES, UPDATES, STRAYED, CLEARED, ON_RED = range(10)
ACTIVE = 10
"""All count from the start, but `ACTIVE`: links of the block that hold vehicles in this tick."""
N_TALLIES = 16
"""Columns of the tallies: two cache lines, so that blocks of different threads share none."""


class Net(NamedTuple):
    """The network as kernels see it, with what traffic writes on it; L links, K lanes.

    Attributes
    ----------
    link, turn, node, group
        Records of links, turns, junctions and signal groups (see `twin.network.graph.Network`).
    foe
        Turns that a turn gives way to, `foe0:foe1`.
    in_link
        Links by the junction at their end.
    kinds
        (rows, N_COLUMNS) f32, parameters of drivers and vehicles by kind.
    more
        Greens of groups that have several a cycle.
    opposite
        (L,) the other direction of an undivided road, or -1.
    sirens
        (6,) f32, what drivers do for a siren.
    piece, manner
        Pieces of the links that are driven in their own way, those of a link in order (the first
        record is nobody's); `kinds` as drivers are on each.
    """

    link: Records
    turn: Records
    node: Records
    group: Records
    foe: I32
    in_link: I32
    kinds: F32
    more: Records
    opposite: I32
    sirens: F32
    piece: Records
    manner: F32


class State(NamedTuple):
    """Vehicles, and what a tick counts.

    Attributes
    ----------
    lane
        (K + 1,) `LANE` records; the last one holds the units that drive in no lane.
    vehicle, unit
        `VEHICLE` by slot, `UNIT` by handle.
    route
        Turns to take, one run for each vehicle, ended by -1.
    queue
        Slots waiting to enter, by link and departure.
    recent
        (5, L) sums behind the travel times, and these (see `times`).
    recent_turns
        (2, T) the same sums of those who will make each turn.
    tally
        (N_BLOCKS, N_TALLIES) counts.
    done
        Slots of the trips that ended.
    counts
        Entries of `done`; length used of `route`; searches made so far; entries of `bay`; records
        used of the buffer; whether all lanes are to be laid out afresh.
    search
        (6, L) scratch of the search for a way back to the route.
    call
        `CALL` records, those of a vehicle in a row.
    bay
        Slots that stand in a bay beside the road, in the order in which they came.
    active, passing
        (L,) scratch: links that hold vehicles in this tick, from the first of each block on;
        (N,) the same of junctions that a vehicle may pass.
    due
        (L,) second at which the first who waits wants to enter a link; `NEVER`.
    crossing, after
        (L,) marks set in a tick: a vehicle passed the end of the link; what is to be done at the
        end of the tick (`ENDING`, `HELP`, `PULLS_IN`, `TIGHT`). Bytes of their own, since all are
        looked at.
    """

    lane: Records
    vehicle: Records
    unit: Records
    route: I32
    queue: I32
    recent: F64
    recent_turns: F64
    tally: I64
    done: I32
    counts: I64
    search: I32
    call: Records
    bay: I32
    active: I32
    passing: I32
    due: F64
    crossing: U8
    after: U8


@inlined
def is_unit(kind: int) -> bool:
    """Return whether a kind is that of an emergency unit."""
    return bool(AMBULANCE <= kind <= FIRE_ENGINE)
