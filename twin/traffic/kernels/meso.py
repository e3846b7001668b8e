"""One tick of queue-level traffic, and n of them in one compiled call.

A junction takes vehicles out of the links that end at it and puts them into those that start at it;
every datum of a link belongs to one of the two (see `meso_layout`), so the junctions of a tick need
no order. A junction at which nothing is due costs one look at each of its links.

The first vehicle of a lane leaves when it has reached the end, the one before it is a headway
ahead, its light is green, those to whom it gives way leave a gap, and the next link has room: the
queue of Gawron 1998 ("An iterative algorithm to determine the dynamic user equilibrium in a traffic
simulation model", Int. J. Mod. Phys. C 9), with the gaps of Newell 1993 travelling back.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from twin.traffic.kernels.closures import is_barred
from twin.traffic.kernels.jit import inlined, inner, njit_both
from twin.traffic.kernels.meso_bays import serve_bays
from twin.traffic.kernels.meso_lanes import (
    FULL,
    can_squeeze,
    end_trips,
    enter,
    headway_out,
    look,
    pick_lane,
    retire,
    room_at,
)
from twin.traffic.kernels.meso_layout import (
    CROSSED,
    DONE,
    DRIVING_PLACE,
    FAR,
    FINISHED,
    GONE,
    INSERTED,
    N_BLOCKS,
    ON_RED,
    REMOVED,
    ROUTE_MARGIN,
    ROUTE_USED,
    SQUEEZED,
    TICK,
    UPDATES,
    WHEEL,
    WITH_CALLS,
    Net,
    State,
    next_go,
    next_green,
)
from twin.traffic.kernels.meso_reading import update_times
from twin.traffic.kernels.meso_units import help_lost, move_units

PATIENCE = 30_000
"""Milliseconds at the line after which a driver takes the least gap."""
STANDS = 4_000
"""Milliseconds at the line after which a vehicle that gives way is not coming."""
LATE_MIN = 1_000
FOES = 4
"""Vehicles of a lane that who gives way looks at."""


@inlined
def conflict(foe: int, x: int, moment: int, until: int, now: int, net: Net, st: State) -> int:
    """Return when a vehicle of lane `x` next makes turn `foe` between two moments, or -1."""
    base = int(st.lane[x].place0)
    ring = int(st.lane[x].ring)
    at = int(st.lane[x].head)
    passes = int(st.lane[x].free_out)
    own = int(st.lane[x].headway)
    # Who passed in this tick passed later than this, maybe.
    if passes - own > moment:
        return passes - own
    cross = int(net.link[st.lane[x].link].cross)
    for _ in range(FOES):
        when = int(st.place[base + at].when)
        # Who may have come into the link in this very tick is not seen yet.
        if when < 0 or when - cross >= now:
            return -1
        passes = max(passes, when)
        if passes >= until:
            return -1
        if st.place[base + at].turn == foe:
            if net.turn[foe].on_green and when + STANDS < moment:
                return -1
            passes = next_green(net, foe, passes)
            if passes >= until:
                return -1
            if passes > moment:
                return passes
        passes += own
        at += 1
        if at == ring:
            at = 0
    return -1


@inlined
def gap_from(t: int, moment: int, waited: int, now: int, net: Net, st: State) -> int:
    """Return the first moment at which nobody to whom turn `t` gives way passes within its gap.

    A moment after this tick is only a time to look again.
    """
    gap = int(net.turn[t].gap) if waited < PATIENCE else int(net.turn[t].least)
    end = now + TICK
    free = False
    while not free and moment < end:
        free = True
        for f in range(net.turn[t].foe0, net.turn[t].foe1):
            foe = int(net.foe[f])
            k = int(net.turn[foe].start)
            lane0 = int(net.link[k].lane0)
            for x in range(lane0 + int(net.turn[foe].lo), lane0 + int(net.turn[foe].hi) + 1):
                if st.lane[x].since >= 0:
                    continue
                passes = conflict(foe, x, moment, moment + gap, now, net, st)
                if passes >= 0:
                    moment = passes
                    free = False
    return moment


@inlined
def serve_lane(
    x: int, k: int, block: int, now: int, odd: int, start_s: float, net: Net, st: State
) -> int:
    """Let vehicles of lane `x` of link `k` leave; return when to look again."""
    end = now + TICK
    base = int(st.lane[x].place0)
    while True:
        i = base + int(st.lane[x].head)
        when = int(st.place[i].when)
        if when < 0:
            return FAR
        moment = max(when, int(st.lane[x].free_out))
        if moment >= end:
            return moment
        moment = max(moment, now)
        slot = int(st.place[i].slot)
        t = int(st.place[i].turn)
        kind = int(st.place[i].kind)
        distance = st.place[i].distance
        if t < 0:  # its route was cut short to this link
            drop(x, i, k, moment, net, st)
            net.link[k].n_out += 1
            net.link[k].sum_out += moment
            st.vehicle[slot].distance = distance + np.float64(net.link[k].length)
            retire(slot, start_s + moment / 1000.0, FINISHED, block, st)
            st.tally[block, DONE] += 1
            continue
        if net.link[k].cut == 0:
            return end
        to = int(net.turn[t].to)
        if is_barred(net.link, k, to) or net.turn[t].banned:
            if st.lane[x].since < 0:
                st.lane[x].since = moment
            if end - st.lane[x].since > net.stuck:
                if net.link[st.vehicle[slot].goal].closed:
                    drop(x, i, k, moment, net, st)
                    net.link[k].n_out += 1
                    net.link[k].sum_out += moment
                    st.vehicle[slot].distance = distance + np.float64(net.link[k].length)
                    retire(slot, start_s + moment / 1000.0, REMOVED, block, st)
                    st.tally[block, GONE] += 1
                    continue
                st.lost[block] = x
            return end
        moment = next_go(net, t, moment, when)
        if moment >= end:
            return moment
        on_red = net.turn[t].on_red > 0 and next_green(net, t, moment) > moment
        rpos = int(st.place[i].rpos) + 1
        after = int(st.route[rpos])
        lo = 0
        hi = int(net.link[to].lanes) - 1
        if after >= 0:
            lo = int(net.turn[after].lo)
            hi = int(net.turn[after].hi)
        y = pick_lane(to, lo, hi, slot, kind, now, net, st)
        free = room_at(y, now, net, st)
        if free == FULL:
            if on_red:  # who turns on red does not force its way
                return end
            if st.lane[x].since < 0:
                st.lane[x].since = moment
            if end - st.lane[x].since <= net.stuck:
                return end
            if not can_squeeze(y, now, net, st):
                st.lost[block] = x
                return end
            st.tally[block, SQUEEZED] += 1
            free = moment
        space = max(free, int(st.lane[y].free_in))
        if space > moment:
            moment = space
            if moment >= end:
                return moment
            moment = next_go(net, t, moment, when)
            if moment >= end:
                return moment
            on_red = net.turn[t].on_red > 0 and next_green(net, t, moment) > moment
        waited = moment - when
        looks = net.turn[t].on_green or (on_red and net.turn[t].gap > 0)
        if looks:
            # On red nobody takes less than the others leave: his green will come.
            moment = gap_from(t, moment, 0 if on_red else waited, now, net, st)
            if moment >= end:
                return moment
            on_red = on_red and next_green(net, t, moment) > moment
        # Who waited and is the first to go starts from standstill, and who looked for a gap.
        late = 0
        if waited > LATE_MIN and (looks or moment - st.lane[x].free_out > LATE_MIN):
            late = int(net.link[to].restart)
        follow = int(net.turn[t].follow) if looks or on_red else 0
        st.lane[x].free_out = moment + max(headway_out(x, kind, net, st), follow)
        drop(x, i, k, moment, net, st)
        net.link[k].n_out += 1
        net.link[k].sum_out += moment
        st.tally[block, CROSSED] += 1
        st.tally[block, ON_RED] += on_red
        enter(
            y,
            slot,
            rpos,
            kind,
            moment,
            late,
            distance + np.float64(net.link[k].length),
            block,
            odd,
            net,
            st,
        )


@inlined
def drop(x: int, i: int, k: int, moment: int, net: Net, st: State) -> None:
    """Take the first vehicle out of lane `x`; its gap begins to travel back."""
    st.place[i].when = -1 - (moment + int(net.link[k].lag))
    at = int(st.lane[x].head) + 1
    if at == int(st.lane[x].ring):
        at = 0
    st.lane[x].head = at
    st.lane[x].since = -1


@inner
def let_depart(
    node: int, block: int, now: int, odd: int, start_s: float, net: Net, st: State
) -> None:
    """Let trips enter the links that start at a junction.

    Who parks at the roadside waits until a lane is not nearly full, or a crowded network would be
    filled until nothing moves.
    """
    end = now + TICK
    again = FAR
    for m in range(net.node[node].out0, net.node[node].out1):
        k = int(net.out_link[m])
        while net.link[k].first >= 0:
            slot = int(net.link[k].first)
            due = int(st.vehicle[slot].due)
            if due >= end:
                again = min(again, due)
                break
            if net.link[k].closed:
                again = min(again, end)
                break
            rpos = int(st.vehicle[slot].rpos)
            t = int(st.route[rpos])
            lo = 0
            hi = int(net.link[k].lanes) - 1
            if t >= 0:
                lo = int(net.turn[t].lo)
                hi = int(net.turn[t].hi)
            kind = int(st.vehicle[slot].kind)
            if st.vehicle[slot].calls_end > 0:
                kind += WITH_CALLS
            x = pick_lane(k, lo, hi, slot, kind, now, net, st)
            held = look(x, now, net, st)
            free = room_at(x, now, net, st)
            moment = max(due, now, free, int(st.lane[x].free_in))
            crowded = held > 0 and np.float32(held + 1) > net.fill_share * np.float32(
                st.lane[x].room
            )
            if crowded or free == FULL or moment >= end:
                again = min(again, end)
                break
            net.link[k].first = st.vehicle[slot].next
            net.link[k].waiting -= 1
            if net.link[k].first < 0:
                net.link[k].last = -1
            st.vehicle[slot].t_depart = start_s + moment / 1000.0
            st.vehicle[slot].state = DRIVING_PLACE
            st.tally[block, INSERTED] += 1
            enter(x, slot, rpos, kind, moment, 0, 0.0, block, odd, net, st)
    net.node[node].depart = again


@inlined
def line_up(k: int, block: int, count: int, net: Net, st: State) -> int:
    """Sort the lanes of link `k` into those to serve; return how many these are.

    Who has had no turn for the longest goes first: full streams that join share the road they
    enter lane by lane, that is, by their capacities.
    """
    lane0 = int(net.link[k].lane0)
    for x in range(lane0, lane0 + int(net.link[k].lanes)):
        last = st.lane[x].free_out
        m = count
        while m > 0 and st.lane[st.order[block, m - 1]].free_out > last:
            st.order[block, m] = st.order[block, m - 1]
            m -= 1
        st.order[block, m] = x
        count += 1
    return count


@inlined
def serve_nodes(block: int, now: int, start_s: float, net: Net, st: State) -> None:
    """Do the tick that begins at `now` at the junctions of a block."""
    end = now + TICK
    odd = (now // TICK) & 1
    nodes = len(net.node)
    for node in range(block * nodes // N_BLOCKS, (block + 1) * nodes // N_BLOCKS):
        low = int(net.node[node].in0)
        ways = int(net.node[node].in1) - low
        busy = False
        for j in range(low, low + ways):
            first = st.pushed[1 - odd, j]
            if first != FAR:
                st.pushed[1 - odd, j] = FAR
                st.due[j] = min(st.due[j], first)
            busy |= st.due[j] < end
        if busy:
            count = 0
            for j in range(low, low + ways):
                if st.due[j] < end:
                    st.due[j] = FAR
                    count = line_up(int(net.in_link[j]), block, count, net, st)
            for m in range(count):
                x = int(st.order[block, m])
                k = int(st.lane[x].link)
                again = serve_lane(x, k, block, now, odd, start_s, net, st)
                j = int(net.link[k].order)
                st.due[j] = min(st.due[j], again)
        if net.node[node].depart < end:
            let_depart(node, block, now, odd, start_s, net, st)
    # To hand all arrays over in every tick would cost more than the rest of a quiet one.
    if st.wheel[(now // TICK) % WHEEL, block] >= 0:
        st.tally[block, DONE] += end_trips(block, now, start_s, net, st)


def _advance(n: int, tick: int, start_s: float, every: int, net: Net, st: State) -> int:
    """Advance traffic by `n` ticks; return those done: fewer when the route store is full."""
    for step in range(n):
        now = (tick + step) * TICK
        if len(st.route) - st.counts[ROUTE_USED] < ROUTE_MARGIN:
            return step
        move_units(now, start_s, net, st)
        if len(st.call) > 0:
            serve_bays(now, net, st)
        for block in prange(N_BLOCKS):
            serve_nodes(block, now, start_s, net, st)
        help_lost(net, st)
        running = 0
        for block in range(N_BLOCKS):
            tally = st.tally[block]
            running += tally[INSERTED] - tally[DONE] - tally[GONE]
        st.counts[UPDATES] += running
        if (tick + step + 1) % every == 0:
            for block in prange(N_BLOCKS):
                update_times(block, now + TICK, net, st)
    return n


advance, advance_parallel = njit_both(_advance)
