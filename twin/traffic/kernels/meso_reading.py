"""What others read of queue-level traffic, and routes handed to its vehicles."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inlined, inner, outer
from twin.traffic.kernels.layout import AHEAD
from twin.traffic.kernels.meso_layout import (
    AT_BAY,
    DRIVING_LAST,
    F32,
    F64,
    I32,
    I64,
    N_BLOCKS,
    ROUTE_USED,
    U8,
    WAITING,
    Net,
    State,
)
from twin.traffic.kernels.route_store import (
    assign_waiting,
    comes_to,
    copy_route,
    makes_one_of,
    run_length,
)

FADE = 0.95
"""Share of the sums behind travel times kept at an update, as in lane-level traffic."""
MOVING = np.float32(0.5)


@inlined
def position(k: int, rank: int, entered: int, now: int, net: Net) -> np.float32:
    """Return where on link `k` the vehicle is before which `rank` others are in its lane.

    It drives freely until it stands behind them.
    """
    free = net.link[k].speed * np.float32((now - entered) * 0.001)
    room = net.link[k].length - np.float32(rank) * net.spacing
    return np.float32(max(np.float32(0.0), min(free, room)))


@inner
def driven_now(k: int, now: int, net: Net, st: State) -> float:
    """Return the metres that the vehicles in the places of link `k` have driven on it."""
    metres = 0.0
    lane0 = int(net.link[k].lane0)
    for x in range(lane0, lane0 + int(net.link[k].lanes)):
        i = int(st.lane[x].head)
        ring = int(st.lane[x].ring)
        rank = 0
        while rank < ring:
            p = int(st.lane[x].place0) + i
            if st.place[p].when < 0:
                break
            metres += np.float64(position(k, rank, int(st.place[p].entered), now, net))
            rank += 1
            i += 1
            if i == ring:
                i = 0
    return metres


@inlined
def seconds_so_far(k: int, now: int, net: Net) -> float:
    """Return the vehicle-seconds spent on link `k` since the start."""
    n_in = net.link[k].n_in - net.link[k].n_out - net.link[k].n_ended
    total = n_in * now + net.link[k].sum_out + net.link[k].sum_ended - net.link[k].sum_in
    return float(total) * 0.001


@inner
def metres_so_far(k: int, now: int, net: Net, st: State) -> float:
    """Return the vehicle-metres driven on link `k` since the start.

    What a trip that ends on the link has driven there counts when it ends.
    """
    whole = float(net.link[k].n_out) * np.float64(net.link[k].length)
    return float(whole + net.link[k].metres_ended + driven_now(k, now, net, st))


@inner
def update_times(block: int, now: int, net: Net, st: State) -> None:
    """Write the current travel times of a block of links, as `times` does in lane-level traffic."""
    links = len(net.link)
    for k in range(block * links // N_BLOCKS, (block + 1) * links // N_BLOCKS):
        length = np.float64(net.link[k].length)
        free = length / np.float64(net.link[k].speed)
        seconds_now = seconds_so_far(k, now, net)
        spent = seconds_now - net.link[k].seconds_before
        if spent == 0.0 and net.link[k].seconds == 0.0:
            continue
        metres_now = metres_so_far(k, now, net, st)
        seconds = net.link[k].seconds * FADE + spent
        metres = net.link[k].metres * FADE + (metres_now - net.link[k].metres_before)
        if seconds < 0.01:
            seconds = 0.0
            metres = 0.0
        net.link[k].seconds = seconds
        net.link[k].metres = metres
        net.link[k].seconds_before = seconds_now
        net.link[k].metres_before = metres_now
        net.link[k].time = max(free, length * (seconds + free) / (max(metres, 0.0) + length))


@outer
def link_sums(now: int, seconds: F64, metres: F64, net: Net, st: State) -> None:
    """Write (L,) vehicle-seconds and vehicle-metres since the start."""
    for k in range(len(net.link)):
        seconds[k] = seconds_so_far(k, now, net)
        metres[k] = metres_so_far(k, now, net, st)


@outer
def list_running(
    now: int, slot: I32, link: I32, lane: U8, pos: F32, vel: F32, net: Net, st: State
) -> int:
    """Write the columns of the vehicles on the road, by link; return how many there are."""
    count = 0
    for k in range(len(net.link)):
        lane0 = int(net.link[k].lane0)
        if net.link[k].n_in == net.link[k].n_out + net.link[k].n_ended:
            continue
        for x in range(lane0, lane0 + int(net.link[k].lanes)):
            i = int(st.lane[x].head)
            ring = int(st.lane[x].ring)
            rank = 0
            while rank < ring:
                p = int(st.lane[x].place0) + i
                if st.place[p].when < 0:
                    break
                at = position(k, rank, int(st.place[p].entered), now, net)
                slot[count] = st.place[p].slot
                link[count] = k
                lane[count] = x - lane0
                pos[count] = at
                vel[count] = net.link[k].speed
                if at + MOVING >= net.link[k].length - np.float32(rank) * net.spacing:
                    vel[count] = np.float32(0.0)
                count += 1
                rank += 1
                i += 1
                if i == ring:
                    i = 0
    for s in range(len(st.vehicle)):
        if st.vehicle[s].state == AT_BAY and st.call[st.vehicle[s].call].state == AHEAD:
            at_call = int(st.vehicle[s].call)
            k = int(st.call[at_call].link)
            slot[count] = s
            link[count] = k
            lane[count] = 0
            free = net.link[k].speed * np.float32((now - int(st.vehicle[s].entered)) * 0.001)
            pos[count] = min(free, st.call[at_call].pos)
            vel[count] = net.link[k].speed
            count += 1
        if st.vehicle[s].state == DRIVING_LAST:
            k = int(st.vehicle[s].goal)
            slot[count] = s
            link[count] = k
            lane[count] = 0
            share = np.float32(now - int(st.vehicle[s].entered)) / np.float32(
                max(1, int(st.vehicle[s].due) - int(st.vehicle[s].entered))
            )
            pos[count] = st.vehicle[s].end * min(np.float32(1.0), share)
            vel[count] = net.link[k].speed
            count += 1
    return count


@inlined
def keeps_route(s: int, st: State) -> bool:
    """Return whether the route of the vehicle in slot `s` is told by its row, not by a place."""
    return bool(st.vehicle[s].state == WAITING or st.vehicle[s].state == AT_BAY)


@outer
def live_length(st: State) -> int:
    """Return the entries of the store that vehicles and units still need."""
    total = 0
    for p in range(len(st.place)):
        if st.place[p].when >= 0:
            total += run_length(st.route, int(st.place[p].rpos))
    for s in range(len(st.vehicle)):
        if keeps_route(s, st):
            total += run_length(st.route, int(st.vehicle[s].rpos))
    for u in range(len(st.unit)):
        if st.unit[u].state > 0:
            total += run_length(st.route, int(st.unit[u].rpos))
    return total


@outer
def compact_routes(st: State, new: I32) -> None:
    """Copy what is still needed into `new`."""
    used = 0
    for p in range(len(st.place)):
        if st.place[p].when >= 0:
            at = used
            used = copy_route(st.route, int(st.place[p].rpos), new, used)
            st.place[p].rpos = at
    for s in range(len(st.vehicle)):
        if keeps_route(s, st):
            at = used
            used = copy_route(st.route, int(st.vehicle[s].rpos), new, used)
            st.vehicle[s].rpos = at
    for u in range(len(st.unit)):
        if st.unit[u].state > 0:
            at = used
            used = copy_route(st.route, int(st.unit[u].rpos), new, used)
            st.unit[u].rpos = at
    st.counts[ROUTE_USED] = used


@outer
def assign_routes(batch: I32, start: I32, first: I32, goal: I32, st: State) -> int:
    """Give vehicles new routes that start on the link they are on; return how many took theirs.

    Parameters
    ----------
    batch
        By slot, the row of `start`, `first` (first link) and `goal` (last link), or -1.
    """
    taken = 0
    for x in range(len(st.lane)):
        for p in range(st.lane[x].place0, st.lane[x].place0 + st.lane[x].ring):
            if st.place[p].when < 0:
                continue
            slot = int(st.place[p].slot)
            b = int(batch[slot])
            if b < 0 or first[b] != st.lane[x].link:
                continue
            st.place[p].rpos = start[b]
            st.place[p].turn = st.route[start[b]]
            st.vehicle[slot].goal = goal[b]
            taken += 1
    return taken + assign_waiting(batch, start, first, goal, st.vehicle)


@outer
def find_users(link: int, ids: I64, net: Net, st: State) -> int:
    """Write the numbers of vehicles that still have to enter `link`; return how many."""
    count = 0
    for p in range(len(st.place)):
        if st.place[p].when >= 0 and comes_to(link, int(st.place[p].rpos), net.turn, st.route):
            ids[count] = st.vehicle[st.place[p].slot].id
            count += 1
    for s in range(len(st.vehicle)):
        if keeps_route(s, st) and comes_to(link, int(st.vehicle[s].rpos), net.turn, st.route):
            ids[count] = st.vehicle[s].id
            count += 1
    return count


@outer
def find_turning(marked: U8, ids: I64, st: State) -> int:
    """Write the numbers of vehicles that have yet to make a marked turn; return how many."""
    count = 0
    for p in range(len(st.place)):
        if st.place[p].when >= 0 and makes_one_of(marked, int(st.place[p].rpos), st.route):
            ids[count] = st.vehicle[st.place[p].slot].id
            count += 1
    for s in range(len(st.vehicle)):
        if keeps_route(s, st) and makes_one_of(marked, int(st.vehicle[s].rpos), st.route):
            ids[count] = st.vehicle[s].id
            count += 1
    return count


@outer
def queue_trips(slots: I32, start_s: float, net: Net, st: State) -> None:
    """Let trips wait at their first links, by departure; of equal ones the first comes first."""
    for m in range(len(slots)):
        slot = int(slots[m])
        k = int(st.vehicle[slot].origin)
        due = int(np.floor((st.vehicle[slot].t_plan - start_s) * 1000.0 + 0.5))
        due = max(due, 0)
        st.vehicle[slot].due = due
        st.vehicle[slot].next = -1
        net.link[k].waiting += 1
        node = int(net.link[k].start)
        net.node[node].depart = min(net.node[node].depart, due)
        last = int(net.link[k].last)
        if last < 0:
            net.link[k].first = slot
            net.link[k].last = slot
        elif st.vehicle[last].due <= due:
            st.vehicle[last].next = slot
            net.link[k].last = slot
        elif st.vehicle[net.link[k].first].due > due:
            st.vehicle[slot].next = net.link[k].first
            net.link[k].first = slot
        else:
            before = int(net.link[k].first)
            while st.vehicle[st.vehicle[before].next].due <= due:
                before = int(st.vehicle[before].next)
            st.vehicle[slot].next = st.vehicle[before].next
            st.vehicle[before].next = slot


@outer
def take_done(out: I32, st: State) -> int:
    """Write the slots of the trips that ended and forget them; return how many there are."""
    count = 0
    for block in range(N_BLOCKS):
        slot = int(st.done[block])
        st.done[block] = -1
        while slot >= 0:
            out[count] = slot
            count += 1
            slot = int(st.vehicle[slot].next)
    return count
