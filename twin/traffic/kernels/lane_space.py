"""Space of lanes in memory: which lane is given more, and where.

How much is free must never decide what traffic does. So a lane begins a tick with more free records
than vehicles join one in a tick, and where many may change lanes at once (for a siren, or out of a
lane that is closed) with as many more as there are vehicles beside it.
"""

from __future__ import annotations

from twin.traffic.kernels.insertion import find_record
from twin.traffic.kernels.jit import inlined, inner, outer
from twin.traffic.kernels.lane_records import (
    FRONT_FREE,
    free_needed,
    is_tight,
    lanes_left,
    make_room,
)
from twin.traffic.kernels.layout import (
    CROWDED,
    DRIVING,
    RECORDS_USED,
    Net,
    Records,
    State,
)

FRESH_SPARE = 3
"""Free records given to a lane by a fresh layout, beside those needed and a quarter of its own."""
MOVED_SPARE = 4
"""The same of a lane that is moved because it ran out of space."""
MOST_TIMES = 2
"""A lane keeps no more than so many times what it needs."""
TO_MOVE = 4
"""A buffer has one part in so many of what a fresh layout takes free behind it, for lanes that are
moved."""
EMPTY_SPACE = FRONT_FREE + FRESH_SPARE
"""Records of a lane that holds nobody."""


@inlined
def space_for(count: int, free: int, spare: int) -> int:
    """Return the records that a lane is given that holds `count` and needs `free` free ones."""
    return count + free + spare + (count >> 2)


@inlined
def fresh_space(x: int, there: int, left: bool, st: State) -> int:
    """Return the records that lane `x` is given by a fresh layout: what it had, within limits.

    A queue that was there will be there in the next cycle: a lane that is never given less than it
    took needs not be moved in each. `there` and `left` are as for `free_needed`.
    """
    count = int(st.lane[x].end - st.lane[x].start)
    needed = space_for(count, free_needed(count, there, left), FRESH_SPARE)
    return max(needed, min(int(st.lane[x].cap), MOST_TIMES * needed))


@inner
def number_on(k: int, net: Net, st: State) -> int:
    """Return how many records the lanes of link `k` hold."""
    there = 0
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        there += int(st.lane[x].end - st.lane[x].start)
    return there


@outer
def space_needed(net: Net, st: State, R: Records) -> int:
    """Return the records of a buffer in which a fresh layout leaves space to move lanes to."""
    total = 0
    for k in range(len(net.link)):
        there = number_on(k, net, st)
        left = lanes_left(k, net, st)
        a = int(net.link[k].lane0)
        for x in range(a, a + int(net.link[k].lanes)):
            total += fresh_space(x, there, left, st)
    total += total // TO_MOVE
    sirens = 0
    for u in range(len(st.unit)):
        if st.unit[u].state == DRIVING and st.unit[u].siren:
            sirens += 1
            total += most_on(int(st.unit[u].link), net, st)
            to = next_link(u, net, st, R)
            if to >= 0:
                total += most_on(to, net, st)
    beside = len(st.lane) - 1
    count = int(st.lane[beside].end - st.lane[beside].start)
    # Its space of before, and that to which it is moved.
    return total + 2 * space_for(count, sirens + FRONT_FREE, MOVED_SPARE)


@inner
def most_on(k: int, net: Net, st: State) -> int:
    """Return the records that the lanes of link `k` take at most when each has room for all."""
    there = number_on(k, net, st)
    return int(net.link[k].lanes) * space_for(there, free_needed(there, there, True), MOVED_SPARE)


@inner
def next_link(u: int, net: Net, st: State, R: Records) -> int:
    """Return the link that unit `u`, which drives beside lanes, may enter a lane of; -1 if none."""
    if st.unit[u].band < 0:
        return -1
    _, i = find_record(int(st.unit[u].link), int(st.unit[u].slot), net, st, R)
    return int(net.turn[R[i].turn].to) if R[i].turn >= 0 else -1


@inner
def lay_out(net: Net, st: State, old: Records, new: Records) -> None:
    """Copy every lane from `old` to `new`, each with the space that it needs."""
    at = 0
    for k in range(len(net.link)):
        there = number_on(k, net, st)
        left = lanes_left(k, net, st)
        a = int(net.link[k].lane0)
        for x in range(a, a + int(net.link[k].lanes)):
            cap = fresh_space(x, there, left, st)
            place(st.lane, x, at, cap, old, new)
            at += cap
    beside = len(st.lane) - 1
    cap = space_for(int(st.lane[beside].end - st.lane[beside].start), FRONT_FREE, FRESH_SPARE)
    place(st.lane, beside, at, cap, old, new)
    st.counts[RECORDS_USED] = at + cap


@inner
def place(lane: Records, i: int, at: int, cap: int, old: Records, new: Records) -> None:
    """Copy a lane to the end of the `cap` records of `new` that begin with `at`."""
    start = lane[i].start
    count = lane[i].end - start
    first = at + cap - count
    for m in range(count):
        new[first + m] = old[start + m]
    lane[i].low = at
    lane[i].cap = cap
    lane[i].start = first
    lane[i].end = first + count


@inner
def set_free(x: int, free: int, st: State, R: Records) -> bool:
    """Let lane `x` have `free` free records at its tail; return False if there is no space left.

    It is shifted towards its head end or, where that is not enough, moved behind all others.
    """
    if not is_tight(st.lane, x, free) or make_room(st.lane, x, free, R):
        return True
    used = st.counts[RECORDS_USED]
    cap = space_for(int(st.lane[x].end - st.lane[x].start), free, MOVED_SPARE)
    if used + cap > len(R):
        return False
    place(st.lane, x, used, cap, R, R)
    st.counts[RECORDS_USED] = used + cap
    return True


@inner
def widen(k: int, net: Net, st: State, R: Records) -> None:
    """Give the lanes of link `k` their free records, or have all lanes laid out afresh."""
    if not set_free_on(k, lanes_left(k, net, st), net, st, R):
        st.counts[CROWDED] = 1


@inner
def set_free_on(k: int, left: bool, net: Net, st: State, R: Records) -> bool:
    """Give the lanes of link `k` their free records; return False if there is no space left.

    `left` says whether many may leave a lane at once.
    """
    there = number_on(k, net, st)
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        count = int(st.lane[x].end - st.lane[x].start)
        if not set_free(x, free_needed(count, there, left), st, R):
            return False
    return True


@inner
def set_free_for_sirens(net: Net, st: State, R: Records) -> bool:
    """Give room to the lanes out of which a siren may drive vehicles; False if there is none.

    They are those of the link that the unit is on, and of the next where it drives beside lanes:
    it may come into one of that before drivers make way.
    """
    sirens = 0
    for u in range(len(st.unit)):
        if st.unit[u].state == DRIVING and st.unit[u].siren:
            sirens += 1
            to = next_link(u, net, st, R)
            if not set_free_on(int(st.unit[u].link), True, net, st, R):
                return False
            if to >= 0 and not set_free_on(to, True, net, st, R):
                return False
    return sirens == 0 or set_free(len(st.lane) - 1, sirens + FRONT_FREE, st, R)


@outer
def make_space(net: Net, st: State, old: Records, new: Records) -> int:
    """Give lanes the space for a tick; return 1 if that took a fresh layout, in `new`.

    Returns -1 if `new` is too small.
    """
    if st.counts[CROWDED] == 0 and set_free_for_sirens(net, st, old):
        return 0
    if space_needed(net, st, old) > len(new):
        return -1
    lay_out(net, st, old, new)
    st.counts[CROWDED] = 0
    set_free_for_sirens(net, st, new)
    return 1
