"""Entering a link: which lane, when there is room, and the vehicle put there."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.bus_lanes import entered_lanes
from twin.traffic.kernels.jit import inlined, inner
from twin.traffic.kernels.meso_layout import (
    AT_BAY,
    CUT_UNIT,
    DRIVING_LAST,
    FAR,
    FINISHED,
    HELD_UP,
    KIND_UNIT,
    TICK,
    WHEEL,
    WHOLE,
    WITH_CALLS,
    Net,
    State,
)
from twin.traffic.kernels.meso_stops import QUEUES, lane_of_stop, ride

FULL = -1
BEHIND_A_STOP = 1 << 20
"""As good as so many vehicles in a lane is one that stands at a stop in it."""


@inlined
def look(x: int, now: int, net: Net, st: State) -> int:
    """Return the vehicles in lane `x` when the tick began, and those put there since."""
    lag = int(net.link[st.lane[x].link].lag)
    base = int(st.lane[x].place0)
    seen = int(st.lane[x].seen)
    held = int(st.lane[x].held)
    while held > 0:
        when = int(st.place[base + seen].when)
        # Who left in this very tick is still there for who looks from upstream.
        if when >= 0 or -1 - when - lag >= now:
            break
        seen += 1
        if seen == int(st.lane[x].ring):
            seen = 0
        held -= 1
    st.lane[x].seen = seen
    st.lane[x].held = held
    return held


@inlined
def pick_lane(k: int, lo: int, hi: int, slot: int, kind: int, now: int, net: Net, st: State) -> int:
    """Return the lane of link `k` with the fewest vehicles among `lo` to `hi` that are open.

    Of equal ones that into which nobody has come for the longest time.
    """
    lane0 = int(net.link[k].lane0)
    lanes = int(net.link[k].lanes)
    if lanes == 1:
        return lane0
    first_open = min(int(net.link[k].first_open), lanes - 1)
    lo = max(lo, first_open)
    hi = max(hi, first_open)
    if net.link[k].lane_marks != 0 or kind >= WITH_CALLS:
        return pick_marked(k, lo, hi, slot, kind, now, net, st)
    best = lane0 + lo
    if lo == hi:
        return best
    least = look(best, now, net, st)
    for x in range(best + 1, lane0 + hi + 1):
        held = look(x, now, net, st)
        if held < least or (held == least and st.lane[x].free_in < st.lane[best].free_in):
            least = held
            best = x
    return best


@inner
def pick_marked(
    k: int, lo: int, hi: int, slot: int, kind: int, now: int, net: Net, st: State
) -> int:
    """Return the same where there are bus lanes or buses that stop.

    Who is no bus keeps out of bus lanes, who can out of the lane in which a bus stands, and a bus
    that stops on the link takes the lane of its stop.
    """
    lane0 = int(net.link[k].lane0)
    lanes = int(net.link[k].lanes)
    mask = 0
    if net.kind_bus[kind] == 0:
        mask = int(net.link[k].lane_marks) & ~HELD_UP
        first_open = min(int(net.link[k].first_open), lanes - 1)
        if (((1 << lanes) - 1) >> first_open << first_open) & ~mask == 0:
            mask = 0  # where every open lane is a bus lane, all drive there
        if mask != 0:
            lo, hi = entered_lanes(lo, hi, lanes, mask)
            lo, hi = max(lo, first_open), max(hi, first_open)
    if kind >= WITH_CALLS:
        lo, hi = lane_of_stop(slot, k, lo, hi, st)
    best = lane0 + lo
    least = BEHIND_A_STOP << 1
    standing = False
    for x in range(lane0 + lo, lane0 + hi + 1):
        if hi > lo and (mask >> (x - lane0)) & 1:
            continue
        held = look(x, now, net, st)
        if st.lane[x].held_up > now:
            held += BEHIND_A_STOP
            standing = True
        if held < least or (held == least and st.lane[x].free_in < st.lane[best].free_in):
            least = held
            best = x
    if not standing and lo == 0 and hi == lanes - 1:
        net.link[k].lane_marks &= ~HELD_UP
    return best


@inlined
def room_at(x: int, now: int, net: Net, st: State) -> int:
    """Return from when lane `x` has room for one more, by the gaps that came back; or `FULL`.

    The n-th vehicle comes in when the (n - room)-th has left and its gap has travelled back to the
    start of the link (Newell 1993, "A simplified theory of kinematic waves", Transp. Res. B 27).
    """
    at = int(st.lane[x].tail) - int(st.lane[x].room)
    if at < 0:
        at += int(st.lane[x].ring)
    when = int(st.place[int(st.lane[x].place0) + at].when)
    if when >= 0:
        return FULL
    free = -1 - when
    if free - int(net.link[st.lane[x].link].lag) >= now:
        return FULL
    return free


@inlined
def can_squeeze(x: int, now: int, net: Net, st: State) -> bool:
    """Return whether lane `x` has a place left beyond its room."""
    when = int(st.place[int(st.lane[x].place0) + int(st.lane[x].tail)].when)
    return bool(when < 0 and -1 - when - int(net.link[st.lane[x].link].lag) < now)


@inlined
def headway(x: int, kind: int, net: Net, st: State) -> int:
    """Return the least time between a vehicle of a kind in lane `x` and the next."""
    return int(st.lane[x].headway) * int(net.kind_share[kind]) // KIND_UNIT


@inlined
def headway_out(x: int, kind: int, net: Net, st: State) -> int:
    """Return the same at the end of the lane, where an obstacle may narrow the link."""
    cut = int(net.link[st.lane[x].link].cut)
    own = headway(x, kind, net, st)
    return own if cut == WHOLE else own * cut // CUT_UNIT


@inner
def put_on_calendar(slot: int, block: int, st: State) -> None:
    """Note when the trip of `slot`, which is on its last link, ends."""
    at = (int(st.vehicle[slot].due) // TICK) % WHEEL
    st.vehicle[slot].next = st.wheel[at, block]
    st.wheel[at, block] = slot


@inlined
def enter(
    x: int,
    slot: int,
    rpos: int,
    kind: int,
    moment: int,
    late: int,
    distance: float,
    block: int,
    odd: int,
    net: Net,
    st: State,
) -> None:
    """Put the vehicle of `slot` into lane `x` at `moment`.

    Parameters
    ----------
    rpos
        Where its turn at the end of this link stands.
    late
        Milliseconds that it takes longer than others since it starts from standstill.
    """
    k = int(st.lane[x].link)
    net.link[k].n_in += 1
    net.link[k].sum_in += moment
    st.lane[x].free_in = moment + headway(x, kind, net, st)
    turn = int(st.route[rpos])
    cross = crossing(k, kind, net)
    when = moment + late + cross
    if kind >= WITH_CALLS:
        place = int(st.lane[x].place0) + int(st.lane[x].tail)
        lane = x if turn >= 0 else -1
        now = moment // TICK * TICK
        when = ride(
            slot,
            k,
            kind,
            rpos,
            np.float32(0.0),
            moment + late,
            cross,
            lane,
            place,
            False,
            now,
            net,
            st,
        )
        if when == QUEUES and st.call[st.vehicle[slot].call].bay == 0:
            put_in_lane(x, slot, rpos, turn, moment, FAR, kind, distance, st)
            st.vehicle[slot].next = st.bay[block]
            st.bay[block] = slot
            return
        if when < 0:
            st.vehicle[slot].entered = moment
            st.vehicle[slot].rpos = rpos
            st.vehicle[slot].distance = distance
            st.vehicle[slot].state = AT_BAY
            st.vehicle[slot].next = st.bay[block]
            st.bay[block] = slot
            return
        if turn >= 0 and when > moment + late + cross:
            st.lane[x].held_up = when
            net.link[k].lane_marks |= HELD_UP
    elif turn < 0:
        share = st.vehicle[slot].end / net.link[k].length
        when = moment + late + int(np.float32(cross) * share)
    if turn < 0:
        st.vehicle[slot].entered = moment
        st.vehicle[slot].due = when
        st.vehicle[slot].distance = distance
        st.vehicle[slot].state = DRIVING_LAST
        put_on_calendar(slot, block, st)
        return
    order = int(net.link[k].order)
    st.pushed[odd, order] = min(st.pushed[odd, order], when)
    put_in_lane(x, slot, rpos, turn, moment, when, kind, distance, st)


@inlined
def crossing(k: int, kind: int, net: Net) -> int:
    """Return the milliseconds in which a vehicle of a kind drives link `k` freely."""
    cross = int(net.link[k].cross)
    slow = net.kind_slow[kind]
    if slow == np.float32(0.0):
        return cross
    return int(max(np.float32(cross) * net.kind_pace[kind], net.link[k].length * slow))


@inlined
def put_in_lane(
    x: int,
    slot: int,
    rpos: int,
    turn: int,
    moment: int,
    when: int,
    kind: int,
    distance: float,
    st: State,
) -> None:
    """Put the vehicle of `slot`, which comes to the end of lane `x` at `when`, behind all in it."""
    at = int(st.lane[x].tail)
    i = int(st.lane[x].place0) + at
    st.place[i].slot = slot
    st.place[i].rpos = rpos
    st.place[i].turn = turn
    st.place[i].entered = moment
    st.place[i].kind = kind
    st.place[i].distance = distance
    st.place[i].when = when
    at += 1
    if at == int(st.lane[x].ring):
        at = 0
    st.lane[x].tail = at
    if st.lane[x].held < st.lane[x].ring:
        st.lane[x].held += 1
    else:  # round the whole ring since anybody looked: that place was the first seen
        st.lane[x].seen = at


@inner
def retire(slot: int, t: float, state: int, block: int, st: State) -> None:
    """Close the account of a vehicle that left the road at second `t`."""
    st.vehicle[slot].t_arrive = t
    st.vehicle[slot].state = state
    st.vehicle[slot].next = st.done[block]
    st.done[block] = slot


@inner
def end_trips(block: int, now: int, start_s: float, net: Net, st: State) -> int:
    """End the trips of the calendar that are due in the tick that begins at `now`."""
    at = (now // TICK) % WHEEL
    slot = int(st.wheel[at, block])
    if slot < 0:
        return 0
    st.wheel[at, block] = -1
    count = 0
    while slot >= 0:
        after = int(st.vehicle[slot].next)
        due = int(st.vehicle[slot].due)
        if due < now + TICK:
            k = int(st.vehicle[slot].goal)
            net.link[k].n_ended += 1
            net.link[k].sum_ended += due
            net.link[k].metres_ended += np.float64(st.vehicle[slot].end)
            st.vehicle[slot].distance += np.float64(st.vehicle[slot].end)
            retire(slot, start_s + due / 1000.0, FINISHED, block, st)
            count += 1
        else:
            put_on_calendar(slot, block, st)
        slot = after
    return count
