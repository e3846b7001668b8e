"""Emergency units in queue-level traffic, and vehicles that must find another way.

A unit is in no queue: it drives every link in the time at its own speed and a share of what the
others lose there at present, less than all of it under siren, when it passes the queue.
"""

from __future__ import annotations

import numpy as np

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
from twin.traffic.kernels.jit import inner, outer
from twin.traffic.kernels.meso_layout import (
    ARRIVED,
    DRIVING,
    N_BLOCKS,
    ROUTE_USED,
    SEARCHES,
    STRAYED,
    TICK,
    Net,
    State,
)


@outer
def set_course(u: int, pos: np.float32, moment: int, net: Net, st: State) -> None:
    """Let unit `u`, at `pos` of its link at `moment`, drive to the link's end or to its goal."""
    k = int(st.unit[u].link)
    length = net.link[k].length
    to = length if st.unit[u].turn >= 0 else max(pos, st.unit[u].end)
    free = np.float64(length) / np.float64(net.link[k].speed)
    share = 1.0
    if st.unit[u].siren:
        share = np.float64(net.siren_share)
    whole = free / np.float64(st.unit[u].factor) + share * max(0.0, net.link[k].time - free)
    part = np.float64(to - pos) / np.float64(length)
    st.unit[u].entered = moment
    st.unit[u].leave = moment + int(whole * part * 1000.0)
    st.unit[u].from_pos = pos
    st.unit[u].to_pos = to


@outer
def unit_position(u: int, now: int, st: State) -> np.float32:
    """Return where on its link unit `u` is."""
    span = int(st.unit[u].leave) - int(st.unit[u].entered)
    share = np.float32(1.0)
    if span > 0:
        share = np.float32(max(0, now - int(st.unit[u].entered))) / np.float32(span)
    share = min(np.float32(1.0), share)
    return np.float32(st.unit[u].from_pos + share * (st.unit[u].to_pos - st.unit[u].from_pos))


@inner
def move_units(now: int, start_s: float, net: Net, st: State) -> None:
    """Move the units that come to the end of a link in the tick that begins at `now`."""
    end = now + TICK
    for u in range(len(st.unit)):
        if st.unit[u].state != DRIVING:
            continue
        while st.unit[u].leave < end:
            t = int(st.unit[u].turn)
            leave = int(st.unit[u].leave)
            if t < 0:
                st.unit[u].state = ARRIVED
                st.unit[u].t_arrive = start_s + leave / 1000.0
                break
            to = int(net.turn[t].to)
            if is_barred(net.link, int(st.unit[u].link), to):
                st.unit[u].entered = end
                st.unit[u].from_pos = st.unit[u].to_pos
                st.unit[u].leave = end
                break
            st.unit[u].link = to
            st.unit[u].rpos += 1
            st.unit[u].turn = st.route[st.unit[u].rpos]
            set_course(u, np.float32(0.0), leave, net, st)


@inner
def is_open(t: int, net: Net) -> bool:
    """Return whether ordinary vehicles may make turn `t`."""
    return not (net.link[net.turn[t].to].closed or net.turn[t].banned)


@inner
def takes_one(k: int, net: Net, st: State) -> bool:
    """Return whether a lane of link `k` has a place left."""
    lane0 = int(net.link[k].lane0)
    for x in range(lane0, lane0 + int(net.link[k].lanes)):
        if st.place[int(st.lane[x].place0) + int(st.lane[x].tail)].when < 0:
            return True
    return False


@inner
def find_detour(k: int, at: int, net: Net, st: State) -> int:
    """Search from link `k` back to the route whose next turn stands at `at`; return the link met.

    -1 when there is none. The first turn is another one than that, into a link with a place left.
    """
    search = st.search
    st.counts[SEARCHES] += 1
    mark = st.counts[SEARCHES]
    blocked = int(st.route[at])
    mark_route(at, mark, net.turn, st.route, search)
    count = 0
    search[VISITED, k] = mark
    for t in range(net.link[k].turn0, net.link[k].turn1):
        to = net.turn[t].to
        if t == blocked or search[VISITED, to] == mark or not is_open(t, net):
            continue
        if not takes_one(int(to), net, st):
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
            if search[VISITED, to] == mark or not is_open(t, net):
                continue
            count = visit(to, t, link, mark, count, search)
    return -1


@inner
def write_detour(met: int, st: State) -> int:
    """Write the way found to link `met` and the route from there; return where it starts or -1."""
    used = int(st.counts[ROUTE_USED])
    end = write_way(met, used, st.route, st.search)
    if end < 0:
        return -1
    st.counts[ROUTE_USED] = end
    return used


@inner
def help_lost(net: Net, st: State) -> None:
    """Give another way to who waited long before a closed or a full link, one in each block."""
    for block in range(N_BLOCKS):
        x = int(st.lost[block])
        if x < 0:
            continue
        st.lost[block] = -1
        i = int(st.lane[x].place0) + int(st.lane[x].head)
        met = find_detour(int(st.lane[x].link), int(st.place[i].rpos), net, st)
        if met < 0:
            continue
        start = write_detour(met, st)
        if start >= 0:
            st.place[i].rpos = start
            st.place[i].turn = st.route[start]
            st.lane[x].since = -1
            st.tally[block, STRAYED] += 1
