"""Junctions: who gives way, which lane is entered, and the passage from link to link.

A vehicle decides on the state at the start of a tick (`approach`); the junction then moves those
that passed the end of their link (`pass_junction`). A junction is a point: what stands before it
can always turn off, and a vehicle enters a link only when it fits there (it does not block the
junction), unless it has waited long.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.bus_lanes import barred_lanes, entered_lanes, without_barred
from twin.traffic.kernels.carfollowing import ZERO
from twin.traffic.kernels.itinerary import miss_call, wish_stop
from twin.traffic.kernels.jit import inlined, inner, outer
from twin.traffic.kernels.lane_records import has_room
from twin.traffic.kernels.layout import (
    CALLS,
    CLEARED,
    CROSSED,
    ENDING,
    INSIDE,
    LENGTH,
    ON_RED,
    RED_RUN,
    SIREN,
    Net,
    Records,
    State,
    is_unit,
)

CLEAR_S = np.float32(2.0)
"""Seconds of red in which those who stood in the junction to turn left leave it: no longer than all
is red in the plans that are made here (`twin.network.signals.ALL_RED_S`)."""
INSIDE_M = np.float32(9.5)
"""Metres before the end of a link that lie in the junction for who waits to turn left on green:
room for two cars (the two "sneakers" per cycle of the Highway Capacity Manual, TRB 2016)."""
LINE = np.float32(0.3)
"""Metres before the end of the link where who must hold aims to stand."""
FIRM_BRAKE = np.float32(3.0)
"""Braking in m/s² that a driver accepts for a yellow light or a gap that closes."""
NEAR_S = np.float32(3.0)
NEAR_M = np.float32(10.0)
LOOK_BRAKE = np.float32(1.5)
FLOW_S = np.float32(1.0)
STUCK_TICKS = 1
SIREN_LINE_SPEED = np.float32(5.5)
HOLD_M = np.float32(60.0)
SQUEEZE_TICKS = 5
SQUEEZE_M = np.float32(0.5)
SHORT_M = np.float32(250.0)
"""A next link shorter than this is too short to choose a lane on."""
AHEAD_LINKS = 4
RIGHT = 1
TWO = np.float32(2.0)
HELD = np.float32(0.01)
STANDING = np.float32(0.5)
"""Speed in m/s below which a vehicle stands."""


@inlined
def waits_inside(net: Net, t: int) -> bool:
    """Return whether drivers wait for a gap for turn `t` in the junction, past the line."""
    return bool(net.turn[t].group >= 0 and net.turn[t].gives_way and net.turn[t].kind > RIGHT)


@inlined
def seconds_left(net: Net, R: Records, i: int) -> np.float32:
    """Return for how long record `i` may still pass the signal ahead of it (<= 0: not any more).

    Who stood in the junction for the opposing traffic clears it in the first red.
    """
    t = int(R[i].turn)
    left: np.float32 = net.group[net.turn[t].group].left
    if R[i].marks & INSIDE and waits_inside(net, t):
        left = left + CLEAR_S
    return left


@inlined
def mark_inside(i: int, first: int, length: np.float32, R: Records) -> None:
    """Mark record `i`, which stands in the junction to turn left, and who stands so behind it.

    `first` is the first record of the lane. They are the two of each cycle that the Highway
    Capacity Manual (TRB 2016, chapter 31) lets out at the end of green.
    """
    R[i].marks = R[i].marks | INSIDE
    j = i - 1
    if (
        j >= first
        and R[j].turn == R[i].turn
        and R[j].vel < STANDING
        and length - R[j].pos < INSIDE_M
    ):
        R[j].marks = R[j].marks | INSIDE


@inlined
def unmark_inside(i: int, first: int, R: Records) -> None:
    """Take the marks of `mark_inside` back: the time to clear the junction is over."""
    R[i].marks = R[i].marks & ~INSIDE
    if i > first:
        R[i - 1].marks = R[i - 1].marks & ~INSIDE


@inner
def entry_range(turn: Records, t: int, own: int) -> tuple[int, int]:
    """Return the first and last lane of the next link that lane `own` leads to by turn `t`.

    Lanes side by side that turn together stay side by side; when the next link has more lanes there
    is a choice, when it has fewer they merge: right turns at the kerb, left turns at the median.
    A turn that brings lanes of its own has no choice.
    """
    lo = int(turn[t].lo)
    hi = int(turn[t].hi)
    own = min(max(own, lo), hi)
    lanes = int(turn[t].lanes)
    if turn[t].own_lane >= 0:
        first = min(own - lo + int(turn[t].own_lane), lanes - 1)
        return first, first
    spare = lanes - (hi - lo + 1)
    if spare >= 0:
        return own - lo, own - lo + spare
    first = max(0, lanes - 1 - (hi - own)) if turn[t].kind > RIGHT else min(own - lo, lanes - 1)
    return first, first


@outer
def entry_lane(net: Net, t: int, own: int, nlo: int, nhi: int) -> int:
    """Return the lane (0 is the kerb) of the next link that suits the turn after it best.

    Where that turn has room for all lanes that turn side by side, each enters a lane of its own:
    were each to take the nearest one, two would meet in one and leave another empty.
    """
    first, last = entry_range(net.turn, t, own)
    low = max(first, nlo)
    high = min(last, nhi)
    beside = min(last, first + nhi - int(net.turn[t].hi) + int(net.turn[t].lo))
    if first < last and first + nlo <= beside:
        low = first + nlo
        high = beside
    if low > high:
        pick = last if nlo > last else first
    elif net.turn[t].kind == RIGHT:
        pick = low
    elif net.turn[t].kind > RIGHT:
        pick = high
    else:
        pick = min(max(own, low), high)
    open_from = int(net.link[net.turn[t].to].first_open)
    lanes = int(net.turn[t].lanes)
    return min(max(pick, open_from), lanes - 1)


@inner
def wished_lanes(net: Net, st: State, k: int, rpos: int, kind: int) -> tuple[int, int, int, int]:
    """Return which lanes of link `k`, and which of the next, suit the route from `rpos` on.

    The first two are the lanes, inclusive, for the turn at the end of the link; the others those
    for the turn after it.
    """
    t = int(st.route[rpos])
    lanes = int(net.link[k].lanes)
    first_open = min(int(net.link[k].first_open), lanes - 1)
    lo = 0
    hi = lanes - 1
    nlo = 0
    nhi = 127
    if t >= 0:
        lo = int(net.turn[t].lo)
        hi = int(net.turn[t].hi)
        after = int(st.route[rpos + 1])
        if after >= 0:
            nlo = int(net.turn[after].lo)
            nhi = int(net.turn[after].hi)
            if hi > lo and net.link[net.turn[t].to].length < SHORT_M:
                # Keep the lanes that lead to lanes of the turn after; else the nearest one.
                low = 127
                high = -1
                for own in range(lo, hi + 1):
                    first, last = entry_range(net.turn, t, own)
                    if first <= nhi and last >= nlo:
                        low = min(low, own)
                        high = own
                if high >= 0:
                    lo = low
                    hi = high
                else:
                    first, last = entry_range(net.turn, t, hi)
                    if last < nlo:
                        lo = hi
                    else:
                        hi = lo
    lo = max(lo, first_open)
    hi = max(hi, first_open)
    mask = barred_lanes(net, k, kind)
    if mask:
        lo, hi = without_barred(lo, hi, mask)
    if t >= 0:
        to = int(net.turn[t].to)
        mask = barred_lanes(net, to, kind)
        if mask:
            nlo, nhi = entered_lanes(nlo, nhi, int(net.link[to].lanes), mask)
    return lo, hi, nlo, nhi


@inner
def set_wishes(net: Net, st: State, R: Records, i: int, k: int) -> None:
    """Set which lanes of link `k` and of the next one record `i` wants, from its route."""
    wishes = wished_lanes(net, st, k, int(R[i].rpos), int(R[i].kind))
    keep_wishes(wishes, net, st, R, i, k)


@inlined
def keep_wishes(
    wishes: tuple[int, int, int, int], net: Net, st: State, R: Records, i: int, k: int
) -> None:
    """Set the lanes that record `i` wants: those of `wished_lanes`, or those for its stop."""
    lo, hi, nlo, nhi = wishes
    R[i].lo = lo
    R[i].hi = hi
    R[i].nlo = nlo
    R[i].nhi = nhi
    if R[i].marks & CALLS:
        wish_stop(net, st, R, i, k)


@inlined
def has_space(st: State, at: int, length: np.float32, wait: int) -> bool:
    """Return whether a vehicle fits behind the last one of lane `at`, or will in a moment.

    Who has waited `SQUEEZE_TICKS` is content when its front fits, and stands in the junction with
    the rest: so a ring of full links turns, where nobody would move if all kept clear.
    """
    needed = length if wait < SQUEEZE_TICKS else SQUEEZE_M
    return bool(st.lane[at].tail + st.lane[at].tail_vel * FLOW_S > needed)


@inlined
def choose_lane(net: Net, st: State, R: Records, i: int, own: int, wait: int) -> int:
    """Return the lane to enter: the one that suits, or when it is full one beside it.

    `wait` are the seconds that record `i` has been held, as far as they count.
    """
    t = int(R[i].turn)
    lane0 = int(net.turn[t].lane0)
    nlo = int(R[i].nlo)
    nhi = int(R[i].nhi)
    aim = lane0 + entry_lane(net, t, own, nlo, nhi)
    length = net.kinds[R[i].kind, LENGTH]
    if has_space(st, aim, length, wait):
        return aim
    first, last = entry_range(net.turn, t, own)
    if wait > STUCK_TICKS or R[i].marks & SIREN:
        first = 0
        last = int(net.turn[t].lanes) - 1
    to = int(net.turn[t].to)
    first = max(first, int(net.link[to].first_open))
    mask = barred_lanes(net, to, int(R[i].kind))
    for y in range(lane0 + first, lane0 + last + 1):
        barred = (mask >> (y - lane0)) & 1
        if st.lane[y].block < ZERO and not barred and has_space(st, y, length, wait):
            return y
    return aim


@inlined
def pass_junction(node: int, tick: int, block: int, net: Net, st: State, R: Records) -> None:
    """Move the vehicles that passed the end of a link into `node` on to their next link.

    Whoever does not fit any more waits at the line. The link that goes first changes every tick.
    """
    low = int(net.node[node].in0)
    ways = int(net.node[node].in1) - low
    for m in range(ways):
        k = int(net.in_link[low + (m + tick) % ways])
        if not st.crossing[k]:
            continue
        st.crossing[k] = 0
        length = net.link[k].length
        a = int(net.link[k].lane0)
        for x in range(a, a + int(net.link[k].lanes)):
            i = int(st.lane[x].end) - 1
            if i < st.lane[x].start or R[i].turn < 0 or R[i].pos < length:
                continue
            t = int(R[i].turn)
            to = int(net.turn[t].to)
            aim = int(st.lane[x].aim)
            rear = st.lane[aim].rear
            if rear < ZERO or not has_room(st.lane, aim):
                R[i].pos = length - HELD
                R[i].vel = ZERO
                continue
            own_length = net.kinds[R[i].kind, LENGTH]
            pos = min(R[i].pos - length, rear, net.link[to].length - HELD)
            slot = R[i].slot
            g = int(net.turn[t].group)
            if g >= 0 and net.group[g].left <= ZERO and not R[i].marks & SIREN:
                if net.turn[t].on_red and R[i].wait > 0:
                    st.tally[block, ON_RED] += 1
                else:
                    may = seconds_left(net, R, i) > ZERO
                    st.tally[block, CLEARED if may else RED_RUN] += 1
            st.tally[block, CROSSED] += 1
            net.link[k].left += 1
            net.turn[t].passed += 1
            st.vehicle[slot].distance += length
            j = int(st.lane[aim].start) - 1
            R[j] = R[i]
            st.lane[aim].start = j
            st.lane[x].end = i
            R[j].pos = pos
            R[j].wait = 0
            R[j].marks = R[j].marks & ~INSIDE
            R[j].rpos = R[i].rpos + 1
            R[j].turn = st.route[R[j].rpos]
            if R[j].marks & CALLS:
                miss_call(st, R, j, k)
            set_wishes(net, st, R, j, to)
            st.lane[aim].rear = pos - own_length
            st.lane[aim].last = x
            # What is noted of the lane is cleared when it is empty, even if that is at once.
            net.link[to].busy = 1
            if net.turn[t].all_stop:
                st.lane[x].claim = 0
                net.turn[t].went = tick
            if is_unit(R[j].kind):
                st.unit[st.vehicle[slot].unit].link = to
            if R[j].turn < 0 and pos >= st.vehicle[slot].end:
                st.after[to] |= ENDING
