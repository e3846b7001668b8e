"""Loops in the road: who passes over them in a tick, and for how long they are covered.

A vehicle is followed from where it was a tick ago to where it is now, also over the end of a link,
so none is missed however fast it drives; what is remembered of it stands in a table by slot.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.traffic.kernels.jit import inlined, inner, outer
from twin.traffic.kernels.layout import (
    ARRIVED,
    FINISHED,
    I32,
    LENGTH,
    N_DONE,
    Net,
    Records,
    State,
)
from twin.traffic.kernels.rng import uniform

LOOP = np.dtype(
    [
        ("pos", "f4"),  # metres from the start of the link
        ("lane", "i4"),
        ("gate", "i4"),  # number of the gate whose passages are listed; -1
        ("missed", "f4"),  # shares of vehicles that are not seen, and that are counted twice
        ("double", "f4"),
        ("spread", "f4"),  # standard deviation of a measured speed over the true one
        # Since the last reading, what happened and what was measured.
        ("count", "i8"),
        ("speeds", "f8"),
        ("seconds", "f8"),
        ("seen", "i8"),
        ("seen_speeds", "f8"),
        ("seen_seconds", "f8"),
    ]
)
SEEN = np.dtype(
    [
        ("tick", "i4"),
        ("link", "i4"),
        ("lane", "i4"),
        ("pos", "f4"),
        ("behind", "i4"),  # link left before, on which its rear may still be; -1
        ("behind_lane", "i4"),
    ]
)
"""Where a vehicle was, by slot."""
PASSAGE = np.dtype([("gate", "i4"), ("vehicle", "i8"), ("t", "f8")])
MOST_PASSAGES = 256
"""More vehicles than can pass a gate in a tick."""

MISSED = np.uint64(211)
NOISE_A = np.uint64(212)
NOISE_B = np.uint64(213)
"""Purposes of the draws."""


class Loops(NamedTuple):
    """Loops as kernels see them, and what is remembered.

    Attributes
    ----------
    key
        Of the errors of detectors.
    ptr, loop
        Loops of link k are `ptr[k]:ptr[k + 1]`.
    seen
        `SEEN` by slot.
    passage
        `PASSAGE` records, written one after the other.
    """

    key: np.uint64
    ptr: I32
    loop: Records
    seen: Records
    passage: Records


class Span(NamedTuple):
    """A tick, or the part of it before a vehicle ended its trip: begin, length, number."""

    t: float
    dt: float
    tick: int


@inner
def gauss(key: np.uint64, vehicle: int, tick: int) -> float:
    """Return a standard normal number (Box and Muller 1958)."""
    a = 1.0 - np.float64(uniform(key, vehicle, tick, NOISE_A))
    b = np.float64(uniform(key, vehicle, tick, NOISE_B))
    return float(np.sqrt(-2.0 * np.log(a)) * np.cos(2.0 * np.pi * b))


@inner
def sweep(
    k: int,
    lane: int,
    before: float,
    after: float,
    length: float,
    slot: int,
    now: Span,
    lp: Loops,
    st: State,
    used: int,
) -> int:
    """Let a vehicle whose front moves from `before` to `after` on link `k` pass its loops.

    Returns
    -------
    int
        Passages listed.
    """
    for m in range(lp.ptr[k], lp.ptr[k + 1]):
        at = np.float64(lp.loop[m].pos)
        if lp.loop[m].lane != lane or after < at or before - length >= at:
            continue
        covered = 1.0
        enters = 0.0
        if after > before:
            enters = min(max((at - before) / (after - before), 0.0), 1.0)
            leaves = min(max((at + length - before) / (after - before), 0.0), 1.0)
            covered = leaves - enters
        passes = before < at
        vehicle = int(st.vehicle[slot].id)
        draw = uniform(lp.key, vehicle, m, MISSED)
        lp.loop[m].seconds += covered * now.dt
        if draw >= lp.loop[m].missed:
            lp.loop[m].seen_seconds += covered * now.dt
        if not passes:
            continue
        speed = (after - before) / now.dt
        lp.loop[m].count += 1
        lp.loop[m].speeds += speed
        if lp.loop[m].gate >= 0:
            lp.passage[used].gate = lp.loop[m].gate
            lp.passage[used].vehicle = vehicle
            lp.passage[used].t = now.t + enters * now.dt
            used += 1
        if draw >= lp.loop[m].missed:
            times = 1
            if draw >= np.float32(1.0) - lp.loop[m].double:
                times = 2
            noise = 0.0
            if lp.loop[m].spread > 0:
                noise = np.float64(lp.loop[m].spread) * gauss(
                    lp.key ^ np.uint64(m), vehicle, now.tick
                )
            lp.loop[m].seen += times
            lp.loop[m].seen_speeds += times * max(speed * (1.0 + noise), 0.0)
    return used


@inner
def sense_vehicle(
    k: int,
    lane: int,
    pos: float,
    speed: float,
    slot: int,
    now: Span,
    lp: Loops,
    net: Net,
    st: State,
    used: int,
) -> int:
    """Follow one vehicle that is at `pos` on link `k` through the tick; return passages listed."""
    length = np.float64(net.kinds[st.vehicle[slot].kind, LENGTH])
    known = lp.seen[slot].tick == now.tick - 1
    old = int(lp.seen[slot].link)
    moved = known and (old != k or pos < lp.seen[slot].pos)
    if (moved or not known) and st.vehicle[slot].t_depart > now.t - 0.5 * now.dt:
        # It got on the road in this tick: a trip at the start of its link, a unit where it stood.
        known = False
        before = 0.0
        if st.vehicle[slot].unit >= 0:
            before = max(pos - speed * now.dt, 0.0)
        lp.seen[slot].behind = -1
    elif not known:
        before = min(pos - speed * now.dt, 0.0)
        lp.seen[slot].behind = -1
    elif moved:
        end = np.float64(net.link[old].length)
        before = np.float64(lp.seen[slot].pos) - end
        used = sweep(
            old,
            int(lp.seen[slot].lane),
            np.float64(lp.seen[slot].pos),
            end + pos,
            length,
            slot,
            now,
            lp,
            st,
            used,
        )
        lp.seen[slot].behind = old
        lp.seen[slot].behind_lane = lp.seen[slot].lane
    else:
        before = np.float64(lp.seen[slot].pos)
        b = int(lp.seen[slot].behind)
        if b >= 0:
            if before - length >= 0.0:
                lp.seen[slot].behind = -1
            else:
                end = np.float64(net.link[b].length)
                used = sweep(
                    b,
                    int(lp.seen[slot].behind_lane),
                    end + before,
                    end + pos,
                    length,
                    slot,
                    now,
                    lp,
                    st,
                    used,
                )
    used = sweep(k, lane, before, pos, length, slot, now, lp, st, used)
    lp.seen[slot].tick = now.tick
    lp.seen[slot].link = k
    lp.seen[slot].lane = lane
    lp.seen[slot].pos = np.float32(pos)
    return used


@inlined
def stays_clear(
    i: int,
    k: int,
    tick: int,
    lp: Loops,
    net: Net,
    R: Records,
) -> bool:
    """Return whether record `i` was on link `k` all the tick and touched none of its loops."""
    slot = R[i].slot
    before = lp.seen[slot].pos
    if lp.seen[slot].tick != tick - 1 or lp.seen[slot].link != k or R[i].pos < before:
        return False
    if lp.seen[slot].behind >= 0:
        return False
    rear = before - net.kinds[R[i].kind, LENGTH]
    touched = False
    for m in range(lp.ptr[k], lp.ptr[k + 1]):
        if rear < lp.loop[m].pos <= R[i].pos:
            touched = True
    return not touched


@outer
def sense(
    now: Span,
    watched: I32,
    lp: Loops,
    net: Net,
    st: State,
    R: Records,
    used: int,
) -> int:
    """Read a tick; return the passages listed so far.

    Parameters
    ----------
    watched
        Links with loops, and those entered from them.
    """
    for n in range(len(watched)):
        k = int(watched[n])
        a = int(net.link[k].lane0)
        for x in range(a, a + int(net.link[k].lanes)):
            for i in range(st.lane[x].start, st.lane[x].end):
                slot = int(R[i].slot)
                if slot < 0:
                    continue
                if stays_clear(i, k, now.tick, lp, net, R):
                    lp.seen[slot].tick = now.tick
                    lp.seen[slot].lane = x - a
                    lp.seen[slot].pos = R[i].pos
                else:
                    used = sense_vehicle(
                        k,
                        x - a,
                        np.float64(R[i].pos),
                        np.float64(R[i].vel),
                        slot,
                        now,
                        lp,
                        net,
                        st,
                        used,
                    )
    # Those who reached their goal in this tick are not on the road any more.
    for n in range(st.counts[N_DONE] - 1, -1, -1):
        slot = int(st.done[n])
        if st.vehicle[slot].t_arrive <= now.t:
            break
        if st.vehicle[slot].state == FINISHED:
            used = sense_end(slot, now, lp, net, st, used)
    for u in range(len(st.unit)):
        if st.unit[u].state == ARRIVED and st.unit[u].t_arrive > now.t:
            slot = int(st.unit[u].slot)
            used = sense_end(slot, now, lp, net, st, used)
    return used


@inner
def sense_end(
    slot: int,
    now: Span,
    lp: Loops,
    net: Net,
    st: State,
    used: int,
) -> int:
    """Follow a vehicle that ended its trip in this tick; return passages listed."""
    k = int(st.vehicle[slot].goal)
    if lp.ptr[k] == lp.ptr[k + 1] and lp.seen[slot].tick != now.tick - 1:
        return used
    lane = 0
    if lp.seen[slot].tick == now.tick - 1:
        lane = min(int(lp.seen[slot].lane), int(net.link[k].lanes) - 1)
    took = min(max(st.vehicle[slot].t_arrive - now.t, 1e-3), now.dt)
    pos = np.float64(st.vehicle[slot].end)
    until = Span(now.t, took, now.tick)
    used = sense_vehicle(k, lane, pos, pos / now.dt, slot, until, lp, net, st, used)
    lp.seen[slot].tick = -2
    return used
