"""How queue-level traffic lies in memory.

Every lane is a ring of places, one for each vehicle that it can hold and some more. Its upstream
junction puts vehicles in, its downstream junction takes them out, and each knows of the other only
what a place says: one number that is the moment at which its vehicle reaches the end of the link,
or, below zero, the moment at which the room that a vehicle left behind arrives at the start of the
link. Nothing that one side writes in a tick can matter to the other side before the next, since no
link is crossed and no gap travels back in less than a tick. So junctions work in any order, and on
any number of threads, with the same result.

Moments are whole milliseconds since the start of the run.
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

TICK = 1000
STOP = 1_000
"""Time for which who may go on red stands before."""
"""Milliseconds of a tick."""
FAR = 2_000_000_000
"""A moment that never comes."""
N_BLOCKS = 128
"""Pieces into which junctions are cut for threads; fixed, so threads change nothing."""
WHEEL = 1024
"""Seconds after which the calendar of ending trips begins anew."""
KIND_UNIT = 256
"""What `Net.kind_share` counts in."""
WITH_CALLS = 128
"""Added to the kind in a place whose vehicle has stops on its way; more than kinds there are."""
ROUTE_MARGIN = 65_536
"""Entries of the route store kept free for vehicles that find another way during a tick."""

PLACE = np.dtype(
    [
        ("when", "i4"),  # see the module; -1 - moment when it is free
        ("slot", "i4"),  # row in the table of vehicles
        ("rpos", "i4"),  # where `turn` stands in the route store
        ("turn", "i4"),  # turn at the end of this link; -1 when the trip ends here
        ("entered", "i4"),
        ("kind", "i4"),  # row of the fleet, and `WITH_CALLS`
        ("distance", "f8"),  # metres on the links already left
    ]
)
LANE = np.dtype(
    [
        ("place0", "i4"),  # places are `place0:place0 + ring`
        ("ring", "i4"),
        ("room", "i4"),  # vehicles that fit
        ("headway", "i4"),  # least time between two vehicles, by the capacity of a lane
        # Written by the junction at the end: the first vehicle, when the next may go, since when
        # the first one has found no room (-1).
        ("head", "i4"),
        ("free_out", "i4"),
        ("since", "i4"),
        # Written by the junction at the start: the next place, the first that was taken when it
        # last looked, when the next may come.
        ("tail", "i4"),
        ("seen", "i4"),
        ("held", "i4"),  # vehicles between `seen` and `tail`
        ("free_in", "i4"),
        ("link", "i4"),
        ("held_up", "i4"),  # until when the last one to come in stands at a stop in the lane
    ]
)
LINK = np.dtype(
    [
        ("length", "f4"),
        ("speed", "f4"),
        ("cross", "i4"),  # time to drive it freely
        ("lag", "i4"),  # time in which a gap travels back over it
        ("lane0", "i4"),
        ("lanes", "i4"),
        ("turn0", "i4"),
        ("turn1", "i4"),
        ("order", "i4"),  # place among the links sorted by the junction at their end
        ("start", "i4"),
        ("node", "i4"),  # the junction at its end
        ("cut", "i4"),  # 1: as it is; n > 1: headways times n / `CUT_UNIT`; 0: nobody passes
        ("restart", "i4"),  # time lost by who starts from the line, spent on this link
        ("first", "i4"),  # trips that wait to enter, by departure, linked by `next`; -1
        ("last", "i4"),
        ("waiting", "i4"),
        ("closed", "i1"),  # number of the closure by which nobody may enter; 0: open
        ("first_open", "i1"),  # lanes below it are closed
        ("lane_marks", "i2"),  # bit of each lane that is for buses only, and `HELD_UP`
        # Since the start: how many and the sum of their moments. Trips that end on the link count
        # under `ended`, the others under `out`.
        ("n_in", "i8"),
        ("sum_in", "i8"),
        ("n_out", "i8"),
        ("sum_out", "i8"),
        ("n_ended", "i8"),
        ("sum_ended", "i8"),
        ("metres_ended", "f8"),
        # When travel times were last written.
        ("seconds_before", "f8"),
        ("metres_before", "f8"),
        ("seconds", "f8"),  # fading sums
        ("metres", "f8"),
        ("time", "f8"),  # current travel time, seconds
    ],
    align=True,
)
HELD_UP = 1 << 14
"""Of `lane_marks`: in some lane a bus stands at a stop, or did."""
CUT_UNIT = 256
WHOLE = 1
"""`cut` of a link on which nothing is in the way."""

TURN = np.dtype(
    [
        ("to", "i4"),
        ("start", "i4"),  # the link that it leaves
        ("group", "i4"),  # -1 without a signal
        ("foe0", "i4"),
        ("foe1", "i4"),
        ("gap", "i4"),  # critical gap; 0 when it never looks
        ("least", "i4"),  # gap taken after a long wait
        ("follow", "i4"),  # least time between two that make it one after the other, when they look
        ("clear", "i4"),  # time after the end of green in which it may still be made
        ("lo", "i4"),  # lanes of the link that it leaves
        ("hi", "i4"),
        ("banned", "i4"),  # nobody may make it, for a time
        ("on_red", "i4"),  # it may be made on red, after a stop
        ("on_green", "i4"),  # it gives way whenever it is made, not on red alone
    ]
)
NODE = np.dtype(
    [
        ("in0", "i4"),  # links that end here are `in_link[in0:in1]`
        ("in1", "i4"),
        ("out0", "i4"),  # links that start here are `out_link[out0:out1]`
        ("out1", "i4"),
        ("depart", "i4"),  # when the next trip wants to enter a link that starts here
    ]
)
GROUP = np.dtype(
    [
        ("cycle", "i4"),
        ("start", "i4"),
        ("green", "i4"),
        ("more0", "i4"),  # its other greens are `more[more0:more1]`
        ("more1", "i4"),
    ]
)
"""Effective green: `green` milliseconds from `start` in every cycle."""
MORE = np.dtype([("start", "i4"), ("green", "i4")])
"""The same of another green of a group."""

VEHICLE = np.dtype(
    [
        ("t_plan", "f8"),
        ("t_depart", "f8"),
        ("t_arrive", "f8"),
        ("distance", "f8"),
        ("id", "i8"),
        ("end", "f4"),  # where on its last link it ends
        ("origin", "i4"),
        ("goal", "i4"),
        ("rpos", "i4"),  # start of the route while waiting, what is left of it in a bay
        ("kind", "i4"),
        ("state", "i4"),
        ("next", "i4"),  # in the queue at a link, the calendar, or the list of the finished
        # Planned departure while waiting; arrival on the last link; -1 - place before a stop.
        ("due", "i4"),
        ("entered", "i4"),  # on the last link, or on that of its bay
        ("call", "i4"),  # the next stop to serve, of those before `calls_end`
        ("calls_end", "i4"),
    ],
    align=True,
)
FREE, WAITING, DRIVING_PLACE, DRIVING_LAST, FINISHED, REMOVED, AT_BAY = range(7)
"""`state` of a slot: on the road it is in a place, or on its last link and in the calendar, or on
its way to a bay or in it, until `due` and in the list of its block."""

UNIT = np.dtype(
    [
        ("rpos", "i4"),
        ("turn", "i4"),
        ("link", "i4"),
        ("state", "i4"),
        ("siren", "i4"),
        ("entered", "i4"),
        ("leave", "i4"),
        ("from_pos", "f4"),  # where on the link it was at `entered`
        ("to_pos", "f4"),  # and will be at `leave`
        ("end", "f4"),
        ("factor", "f4"),
        ("number", "i4"),
        ("kind", "i4"),
        ("t_arrive", "f8"),
    ],
    align=True,
)
IDLE, DRIVING, ARRIVED = range(3)
"""`state` of an emergency unit."""

INSERTED, DONE, GONE, CROSSED, SQUEEZED, STRAYED, ON_RED = range(7)
"""Columns of the tallies, one row for each block."""
ROUTE_USED, SEARCHES, UPDATES = range(3)
"""Entries of `State.counts`."""


class Net(NamedTuple):
    """The network as queues see it, with what traffic writes on it; L links, K lanes.

    Attributes
    ----------
    link, turn, node, group, more
        Records of links, turns, junctions, signal groups, and greens beside the first of a group.
    foe
        Turns that a turn gives way to, `foe0:foe1`.
    in_link, out_link
        Links by the junction at their end, and at their start.
    kind_share
        Headway by kind of vehicle, in `KIND_UNIT`ths of a car's.
    kind_pace, kind_slow
        Its time on a free link over the usual one; its least milliseconds for a metre, 0 where both
        are as usual.
    kind_stop
        (kinds, 2) milliseconds lost by braking for a stop, and by setting off, per m/s of the link.
    kind_bus
        Whether bus lanes are for it.
    stuck
        Milliseconds after which a vehicle squeezes into a full link.
    spacing
        Metres that a standing vehicle takes.
    fill_share
        Share of the room of a lane above which no trip enters it from the roadside.
    siren_share
        Share of the delay of others that a unit under siren suffers.
    """

    link: Records
    turn: Records
    node: Records
    group: Records
    more: Records
    foe: I32
    in_link: I32
    out_link: I32
    kind_share: I32
    kind_pace: F32
    kind_slow: F32
    kind_stop: F32
    kind_bus: U8
    stuck: int
    spacing: np.float32
    fill_share: np.float32
    siren_share: np.float32


class State(NamedTuple):
    """Vehicles, and what a tick counts.

    Attributes
    ----------
    lane, place
        (K,) `LANE` and (P,) `PLACE` records.
    vehicle, unit
        `VEHICLE` by slot, `UNIT` by handle.
    due
        (L,) by `order`: when the junction at the end of a link must look at it next.
    pushed
        (2, L) by `order`: when the first vehicle put into it in a tick reaches its end; those of
        even and of odd ticks, since each is read in the tick after.
    wheel
        (WHEEL, N_BLOCKS) slots of ending trips by second and block; -1.
    done
        (N_BLOCKS,) slots of trips that ended, linked by `next`; -1.
    bay
        (N_BLOCKS,) slots `AT_BAY`, or whose bus queues before its stop, that came from the
        junctions of a block, linked by `next`; -1.
    call
        `CALL` records of `layout`, those of a vehicle in a row; times since the start.
    lost
        (N_BLOCKS,) a lane whose first vehicle needs another way; -1.
    order
        (N_BLOCKS, most lanes that end at a junction) lanes in the order in which they are served.
    route
        Turns to take, one run for each vehicle, ended by -1.
    tally
        (N_BLOCKS, 8) counts.
    counts
        Length used of `route`; searches made so far; vehicles moved by one tick.
    search
        (6, L) scratch of the search for a way back to the route.
    """

    lane: Records
    place: Records
    vehicle: Records
    unit: Records
    due: I32
    pushed: I32
    wheel: I32
    done: I32
    bay: I32
    call: Records
    lost: I32
    order: I32
    route: I32
    tally: I64
    counts: I64
    search: I32


@inlined
def next_go(net: Net, t: int, moment: int, when: int) -> int:
    """Return the first moment from `moment` on at which the signal lets a vehicle make turn `t`.

    It came to the end of its link at `when`: where it may go on red, it has to stand first.
    """
    go = next_green(net, t, moment)
    if net.turn[t].on_red:
        go = min(go, max(moment, when + STOP))
    return go


@inlined
def next_green(net: Net, t: int, moment: int) -> int:
    """Return the first moment from `moment` on at which turn `t` has green."""
    g = int(net.turn[t].group)
    if g < 0:
        return moment
    cycle = int(net.group[g].cycle)
    clear = int(net.turn[t].clear)
    since = (moment - int(net.group[g].start)) % cycle
    if since < int(net.group[g].green) + clear:
        return moment
    wait = cycle - since
    for m in range(net.group[g].more0, net.group[g].more1):
        since = (moment - int(net.more[m].start)) % cycle
        if since < int(net.more[m].green) + clear:
            return moment
        wait = min(wait, cycle - since)
    return moment + wait
