"""One tick of traffic, and n of them in one compiled call.

A tick has two sides: what everybody decides depends only on the state at its start and on who owns
what. Links insert trips, change lanes and note what others will see of them; lanes follow; nodes
pass vehicles on; what touches the whole network is done by one thread in order. Each datum has one
writer in each phase, so the result has the same bits whatever the number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from twin.traffic.kernels.carfollowing import ZERO
from twin.traffic.kernels.driving import follow_on_link
from twin.traffic.kernels.escape import help_lost
from twin.traffic.kernels.giving_way import forget_arrivals, note_arrivals
from twin.traffic.kernels.insertion import enter_waiting, find_record, finish, place_units
from twin.traffic.kernels.jit import inlined, inner, njit_both
from twin.traffic.kernels.junctions import (
    HOLD_M,
    STANDING,
    pass_junction,
)
from twin.traffic.kernels.lane_space import make_space, widen
from twin.traffic.kernels.lanes import change_lanes, make_way
from twin.traffic.kernels.layout import (
    ACTIVE,
    BIG,
    CHANGES,
    DRIVING,
    ENDING,
    F32,
    HELP,
    IN_BAY,
    LENGTH,
    N_BLOCKS,
    PULLS_IN,
    ROUTE_MARGIN,
    ROUTE_USED,
    TIGHT,
    UPDATES,
    Net,
    Records,
    State,
)
from twin.traffic.kernels.prefetch import (
    ask_beyond,
    ask_for_link,
    ask_for_passages,
    ask_for_waiting,
    is_large,
)
from twin.traffic.kernels.signals.controllers import run_controllers
from twin.traffic.kernels.signals.layout import Signals
from twin.traffic.kernels.signals.plan import set_signals
from twin.traffic.kernels.signals.preemption import hear_sirens
from twin.traffic.kernels.sirens import pass_queues
from twin.traffic.kernels.stops import pull_in, pull_out
from twin.traffic.kernels.times import update_travel_times, update_turn_times


@inner
def clear_link(k: int, net: Net, st: State) -> None:
    """Note that link `k` is empty."""
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        st.lane[x].tail = BIG
        st.lane[x].tail_vel = ZERO
        st.lane[x].rear = BIG
    if net.link[k].noted:
        forget_arrivals(k, net, st)


@inner
def decide(
    first: int,
    last: int,
    tick: int,
    t: float,
    key: np.uint64,
    sirens: F32 | None,
    net: Net,
    st: State,
    R: Records,
) -> None:
    """Insert trips, change lanes and note what others will see, on the links of some blocks."""
    links = len(net.link)
    active = st.active
    large = is_large(st)
    for block in range(first, last):
        # Listed first, without a branch: the processor could not guess which links hold vehicles.
        low = block * links // N_BLOCKS
        listed = low
        for k in range(low, (block + 1) * links // N_BLOCKS):
            active[listed] = k
            listed += int((net.link[k].busy != 0) | (st.due[k] <= t))
        kept = low
        for n in range(low, listed):
            k = active[n]
            if large:
                ask_for_link(n, listed, net, st, R)
                ask_for_waiting(n, listed, t, net, st)
            if st.due[k] <= t:
                enter_waiting(k, t, block, net, st, R)
            if net.link[k].busy and decide_on_link(k, block, tick, key, sirens, net, st, R):
                active[kept] = k
                kept += 1
        st.tally[block, ACTIVE] = kept - low


@inlined
def decide_on_link(
    k: int,
    block: int,
    tick: int,
    key: np.uint64,
    sirens: F32 | None,
    net: Net,
    st: State,
    R: Records,
) -> bool:
    """Change lanes on link `k` and note what others will see of it; return False if it is empty."""
    a = int(net.link[k].lane0)
    n = int(net.link[k].lanes)
    count = 0
    for x in range(a, a + n):
        count += st.lane[x].end - st.lane[x].start
    if count == 0:
        net.link[k].busy = 0
        clear_link(k, net, st)
        return False
    if sirens is not None and net.link[k].siren:
        st.tally[block, CHANGES] += make_way(k, tick, net, st, R)
    if n > 1 and (k + tick) & 1 == 0:
        st.tally[block, CHANGES] += change_lanes(k, tick, key, net, st, R)
    for x in range(a, a + n):
        i = st.lane[x].start
        if i < st.lane[x].end:
            st.lane[x].tail = R[i].pos - net.kinds[R[i].kind, LENGTH]
            st.lane[x].tail_vel = R[i].vel
        else:
            st.lane[x].tail = BIG
            st.lane[x].tail_vel = ZERO
    note_arrivals(k, tick, sirens, net, st, R)
    return True


@inner
def follow(
    first: int,
    last: int,
    tick: int,
    clock: float,
    dt: np.float32,
    key: np.uint64,
    net: Net,
    st: State,
    R: Records,
) -> None:
    """Move the vehicles on the links of some blocks along their lanes."""
    links = len(net.link)
    large = is_large(st)
    for block in range(first, last):
        updates = 0
        low = block * links // N_BLOCKS
        end = low + int(st.tally[block, ACTIVE])
        for n in range(low, end):
            if large:
                ask_for_link(n, end, net, st, R)
                ask_beyond(n, end, net, st, R)
            updates += follow_on_link(st.active[n], tick, clock, dt, key, net, st, R)
        st.tally[block, UPDATES] += updates


@inner
def pass_nodes(first: int, last: int, tick: int, net: Net, st: State, R: Records) -> None:
    """Pass vehicles on at the nodes of some blocks."""
    nodes = len(net.node)
    passing = st.passing
    large = is_large(st)
    for block in range(first, last):
        low = block * nodes // N_BLOCKS
        listed = low
        for node in range(low, (block + 1) * nodes // N_BLOCKS):
            crossing = 0
            for m in range(net.node[node].in0, net.node[node].in1):
                crossing |= st.crossing[net.in_link[m]]
            passing[listed] = node
            listed += int(crossing != 0)
        if large:
            ask_for_passages(low, listed, net, st, R)
        for n in range(low, listed):
            pass_junction(passing[n], tick, block, net, st, R)


@inner
def mark_sirens(net: Net, st: State, R: Records) -> None:
    """Mark the links that units under siren are on, and the junctions that they are close to.

    A unit that stands in a queue is not about to come: nobody holds for it yet.
    """
    for u in range(len(st.unit)):
        k = st.unit[u].seen
        if k >= 0:
            net.link[k].siren = 0
            net.node[net.link[k].node].siren = 0
            net.link[k].siren_dist = BIG
            st.unit[u].seen = -1
    for u in range(len(st.unit)):
        if st.unit[u].state == DRIVING and st.unit[u].siren:
            k = st.unit[u].link
            x, i = find_record(k, st.unit[u].slot, net, st, R)
            dist = net.link[k].length - R[i].pos
            band = st.unit[u].band
            queued = R[i].vel < STANDING and band < 0 and i + 1 < st.lane[x].end
            net.link[k].siren = max(int(net.link[k].siren), 2 if band >= 0 else 1)
            if dist < HOLD_M and not queued:
                net.link[k].siren_dist = min(net.link[k].siren_dist, dist)
                net.node[net.link[k].node].siren += 1
            st.unit[u].seen = k


@inner
def tidy(t_end: float, calls: Records | None, net: Net, st: State, R: Records) -> None:
    """End trips, help the lost and give lanes space, in order of links."""
    for k in range(len(net.link)):
        after = st.after[k]
        if not after:
            continue
        st.after[k] = 0
        if calls is not None and after & PULLS_IN:
            pull_in(k, net, st, R)
        if after & ENDING:
            finish(k, t_end, net, st, R)
        if after & HELP:
            help_lost(k, t_end, net, st, R)
        if after & TIGHT:
            widen(k, net, st, R)


def _advance(
    pieces: int,
    n: int,
    tick: int,
    start_s: float,
    dt: np.float32,
    every: int,
    key: np.uint64,
    current: int,
    net: Net,
    st: State,
    sg: Signals | None,
    sirens: F32 | None,
    calls: Records | None,
    first: Records,
    second: Records,
) -> tuple[int, int]:
    """Advance traffic by `n` ticks; return the ticks done and the buffer that is current.

    `sg` is None when every signal follows its plan, `sirens` (`Net.sirens`) when no emergency unit
    is on the road, and `calls` (`State.call`) when nobody stops on the way: what only those need is
    then not even compiled.

    The blocks of links and junctions are handed to the threads in `pieces`: to hand the arrays over
    takes as long as to move several vehicles. Fewer ticks are done when the buffers are too small
    for the vehicles: enlarge them and go on.
    """
    for step in range(n):
        now = tick + step
        t = start_s + now * np.float64(dt)
        if len(st.route) - st.counts[ROUTE_USED] < ROUTE_MARGIN:
            return step, current
        state = make_space(
            net, st, first if current == 0 else second, second if current == 0 else first
        )
        if state < 0:
            return step, current
        current ^= state
        R = first if current == 0 else second
        set_signals(t, net)
        if sg is not None:
            controllers = len(sg.control)
            hear_sirens(t, net, st, R, sg)
            for piece in prange(pieces):
                low = piece * controllers // pieces
                high = (piece + 1) * controllers // pieces
                run_controllers(low, high, t, net, st, R, sg)
        if sirens is not None:
            pass_queues(now, t, dt, sirens, net, st, R)
            mark_sirens(net, st, R)
            place_units(t, net, st, R)
        if calls is not None and st.counts[IN_BAY] > 0:
            pull_out(t, net, st, R)
        for piece in prange(pieces):
            low = piece * N_BLOCKS // pieces
            high = (piece + 1) * N_BLOCKS // pieces
            decide(low, high, now, t, key, sirens, net, st, R)
        for piece in prange(pieces):
            low = piece * N_BLOCKS // pieces
            high = (piece + 1) * N_BLOCKS // pieces
            follow(low, high, now, t, dt, key, net, st, R)
        for piece in prange(pieces):
            low = piece * N_BLOCKS // pieces
            high = (piece + 1) * N_BLOCKS // pieces
            pass_nodes(low, high, now, net, st, R)
        tidy(t + np.float64(dt), calls, net, st, R)
        if (now + 1) % every == 0:
            update_travel_times(net, st)
            update_turn_times(net, st, R)
    return n, current


advance, advance_parallel = njit_both(_advance)
