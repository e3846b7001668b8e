"""What becomes of a vehicle that cannot go where its route says.

It stands first in its lane and the lights are with it, but it is in a wrong lane, or the next link
is closed or full, for longer than it has patience. It then takes another turn that its lane allows
and finds the way back to its route that has the fewest links. Nobody is ever moved from one place
to another; only a trip whose goal itself is closed ends where it stands, and is counted.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.approach import LOST
from twin.traffic.kernels.carfollowing import ZERO
from twin.traffic.kernels.closures import is_barred
from twin.traffic.kernels.detour import (
    MOST_LINKS,
    NO_PARENT,
    ON_ROUTE,
    ORDER,
    VISITED,
    mark_route,
    visit,
    write_way,
)
from twin.traffic.kernels.insertion import retire
from twin.traffic.kernels.itinerary import miss_left_out
from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.junctions import set_wishes
from twin.traffic.kernels.layout import (
    CALLS,
    GONE,
    LENGTH,
    REMOVED,
    ROUTE_USED,
    SEARCHES,
    STRAYED,
    Net,
    Records,
    State,
)

BANNED = np.float32(-1.0)
"""`look` of a turn that nobody may make: no driver at the line is near enough to find a gap."""


@inner
def find_detour(k: int, own: int, i: int, net: Net, st: State, R: Records) -> int:
    """Search from link `k` back to the route of record `i`; return the link met, or -1.

    The first turn is one that lane `own` allows, into a link with space, other than the turn that
    the vehicle waits for.
    """
    search = st.search
    st.counts[SEARCHES] += 1
    mark = st.counts[SEARCHES]
    mark_route(int(R[i].rpos), mark, net.turn, st.route, search)
    length = net.kinds[R[i].kind, LENGTH]
    count = 0
    search[VISITED, k] = mark
    for t in range(net.link[k].turn0, net.link[k].turn1):
        to = net.turn[t].to
        if (
            t == R[i].turn
            or own < net.turn[t].lo
            or own > net.turn[t].hi
            or net.link[to].closed
            or net.turn[t].look < ZERO
            or search[VISITED, to] == mark
        ):
            continue
        space = False
        first = int(net.turn[t].lane0)
        for y in range(first, first + int(net.turn[t].lanes)):
            if st.lane[y].rear > length:
                space = True
        if not space:
            continue
        count = visit(to, t, NO_PARENT, mark, count, search)
    done = 0
    while done < count and done < MOST_LINKS:
        link = search[ORDER, done]
        done += 1
        if search[ON_ROUTE, link] == mark:
            return int(link)
        for t in range(net.link[link].turn0, net.link[link].turn1):
            to = net.turn[t].to
            if search[VISITED, to] == mark or net.link[to].closed or net.turn[t].look < ZERO:
                continue
            count = visit(to, t, link, mark, count, search)
    return -1


@inner
def write_detour(i: int, met: int, st: State, R: Records) -> bool:
    """Give record `i` the way found to link `met` and its own route from there on."""
    used = st.counts[ROUTE_USED]
    end = write_way(met, used, st.route, st.search)
    if end < 0:
        return False
    st.counts[ROUTE_USED] = end
    R[i].rpos = used
    R[i].turn = st.route[used]
    return True


@inner
def help_lost(k: int, t: float, net: Net, st: State, R: Records) -> None:
    """Send the vehicles of link `k` that waited too long another way."""
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        if st.lane[x].aim != LOST:
            continue
        st.lane[x].aim = -1
        i = int(st.lane[x].end) - 1
        if i < st.lane[x].start or R[i].turn < 0:
            continue
        slot = int(R[i].slot)
        goal_closed = net.link[st.vehicle[slot].goal].closed
        if goal_closed and is_barred(net.link, k, int(net.turn[R[i].turn].to)):
            st.vehicle[slot].distance += np.float64(R[i].pos)
            st.lane[x].end = i
            retire(slot, t, REMOVED, st)
            st.tally[0, GONE] += 1
            continue
        met = find_detour(k, x - a, i, net, st, R)
        if met >= 0 and write_detour(i, met, st, R):
            R[i].wait = 0
            if R[i].marks & CALLS:
                miss_left_out(net, st, R, i, k)
            set_wishes(net, st, R, i, k)
            st.tally[0, STRAYED] += 1
