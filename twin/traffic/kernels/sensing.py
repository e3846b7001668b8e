"""Loops in the road: who passes over them in a tick, and for how long they are covered.

A vehicle is followed from where it was a tick ago to where it is now, also over the end of a link,
so none is missed however fast it drives; what is remembered of it stands in a table by slot.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inlined, inner
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
    t: float,
    dt: float,
    key: np.uint64,
    tick: int,
    ptr: I32,
    loop: Records,
    st: State,
    passage: Records,
    used: int,
) -> int:
    """Let a vehicle whose front moves from `before` to `after` on link `k` pass its loops.

    Returns
    -------
    int
        Passages listed.
    """
    for m in range(ptr[k], ptr[k + 1]):
        at = np.float64(loop[m].pos)
        if loop[m].lane != lane or after < at or before - length >= at:
            continue
        covered = 1.0
        enters = 0.0
        if after > before:
            enters = min(max((at - before) / (after - before), 0.0), 1.0)
            leaves = min(max((at + length - before) / (after - before), 0.0), 1.0)
            covered = leaves - enters
        passes = before < at
        vehicle = int(st.vehicle[slot].id)
        draw = uniform(key, vehicle, m, MISSED)
        loop[m].seconds += covered * dt
        if draw >= loop[m].missed:
            loop[m].seen_seconds += covered * dt
        if not passes:
            continue
        speed = (after - before) / dt
        loop[m].count += 1
        loop[m].speeds += speed
        if loop[m].gate >= 0:
            passage[used].gate = loop[m].gate
            passage[used].vehicle = vehicle
            passage[used].t = t + enters * dt
            used += 1
        if draw >= loop[m].missed:
            times = 1
            if draw >= np.float32(1.0) - loop[m].double:
                times = 2
            noise = 0.0
            if loop[m].spread > 0:
                noise = np.float64(loop[m].spread) * gauss(key ^ np.uint64(m), vehicle, tick)
            loop[m].seen += times
            loop[m].seen_speeds += times * max(speed * (1.0 + noise), 0.0)
    return used


@inner
def sense_vehicle(
    k: int,
    lane: int,
    pos: float,
    speed: float,
    slot: int,
    t: float,
    dt: float,
    key: np.uint64,
    tick: int,
    ptr: I32,
    loop: Records,
    net: Net,
    st: State,
    seen: Records,
    passage: Records,
    used: int,
) -> int:
    """Follow one vehicle that is at `pos` on link `k` through the tick; return passages listed."""
    length = np.float64(net.kinds[st.vehicle[slot].kind, LENGTH])
    known = seen[slot].tick == tick - 1
    old = int(seen[slot].link)
    moved = known and (old != k or pos < seen[slot].pos)
    if (moved or not known) and st.vehicle[slot].t_depart > t - 0.5 * dt:
        # It got on the road in this tick: a trip at the start of its link, a unit where it stood.
        known = False
        before = 0.0
        if st.vehicle[slot].unit >= 0:
            before = max(pos - speed * dt, 0.0)
        seen[slot].behind = -1
    elif not known:
        before = min(pos - speed * dt, 0.0)
        seen[slot].behind = -1
    elif moved:
        end = np.float64(net.link[old].length)
        before = np.float64(seen[slot].pos) - end
        used = sweep(
            old,
            int(seen[slot].lane),
            np.float64(seen[slot].pos),
            end + pos,
            length,
            slot,
            t,
            dt,
            key,
            tick,
            ptr,
            loop,
            st,
            passage,
            used,
        )
        seen[slot].behind = old
        seen[slot].behind_lane = seen[slot].lane
    else:
        before = np.float64(seen[slot].pos)
        b = int(seen[slot].behind)
        if b >= 0:
            if before - length >= 0.0:
                seen[slot].behind = -1
            else:
                end = np.float64(net.link[b].length)
                used = sweep(
                    b,
                    int(seen[slot].behind_lane),
                    end + before,
                    end + pos,
                    length,
                    slot,
                    t,
                    dt,
                    key,
                    tick,
                    ptr,
                    loop,
                    st,
                    passage,
                    used,
                )
    used = sweep(k, lane, before, pos, length, slot, t, dt, key, tick, ptr, loop, st, passage, used)
    seen[slot].tick = tick
    seen[slot].link = k
    seen[slot].lane = lane
    seen[slot].pos = np.float32(pos)
    return used


@inlined
def stays_clear(
    i: int,
    k: int,
    tick: int,
    ptr: I32,
    loop: Records,
    net: Net,
    R: Records,
    seen: Records,
) -> bool:
    """Return whether record `i` was on link `k` all the tick and touched none of its loops."""
    slot = R[i].slot
    before = seen[slot].pos
    if seen[slot].tick != tick - 1 or seen[slot].link != k or R[i].pos < before:
        return False
    if seen[slot].behind >= 0:
        return False
    rear = before - net.kinds[R[i].kind, LENGTH]
    touched = False
    for m in range(ptr[k], ptr[k + 1]):
        if rear < loop[m].pos <= R[i].pos:
            touched = True
    return not touched


@inner
def sense(
    t: float,
    dt: float,
    key: np.uint64,
    tick: int,
    watched: I32,
    ptr: I32,
    loop: Records,
    net: Net,
    st: State,
    R: Records,
    seen: Records,
    passage: Records,
    used: int,
) -> int:
    """Read the tick number `tick` that began at second `t`; return the passages listed so far.

    Parameters
    ----------
    watched
        Links with loops, and those entered from them.
    ptr, loop
        Loops of link k are `ptr[k]:ptr[k + 1]`.
    """
    for n in range(len(watched)):
        k = int(watched[n])
        a = int(net.link[k].lane0)
        for x in range(a, a + int(net.link[k].lanes)):
            for i in range(st.lane[x].start, st.lane[x].end):
                slot = int(R[i].slot)
                if slot < 0:
                    continue
                if stays_clear(i, k, tick, ptr, loop, net, R, seen):
                    seen[slot].tick = tick
                    seen[slot].lane = x - a
                    seen[slot].pos = R[i].pos
                else:
                    used = sense_vehicle(
                        k,
                        x - a,
                        np.float64(R[i].pos),
                        np.float64(R[i].vel),
                        slot,
                        t,
                        dt,
                        key,
                        tick,
                        ptr,
                        loop,
                        net,
                        st,
                        seen,
                        passage,
                        used,
                    )
    # Those who reached their goal in this tick are not on the road any more.
    for n in range(st.counts[N_DONE] - 1, -1, -1):
        slot = int(st.done[n])
        if st.vehicle[slot].t_arrive <= t:
            break
        if st.vehicle[slot].state == FINISHED:
            used = sense_end(slot, t, dt, key, tick, ptr, loop, net, st, seen, passage, used)
    for u in range(len(st.unit)):
        if st.unit[u].state == ARRIVED and st.unit[u].t_arrive > t:
            slot = int(st.unit[u].slot)
            used = sense_end(slot, t, dt, key, tick, ptr, loop, net, st, seen, passage, used)
    return used


@inner
def sense_end(
    slot: int,
    t: float,
    dt: float,
    key: np.uint64,
    tick: int,
    ptr: I32,
    loop: Records,
    net: Net,
    st: State,
    seen: Records,
    passage: Records,
    used: int,
) -> int:
    """Follow a vehicle that ended its trip in this tick; return passages listed."""
    k = int(st.vehicle[slot].goal)
    if ptr[k] == ptr[k + 1] and seen[slot].tick != tick - 1:
        return used
    lane = 0
    if seen[slot].tick == tick - 1:
        lane = min(int(seen[slot].lane), int(net.link[k].lanes) - 1)
    took = min(max(st.vehicle[slot].t_arrive - t, 1e-3), dt)
    pos = np.float64(st.vehicle[slot].end)
    used = sense_vehicle(
        k, lane, pos, pos / dt, slot, t, took, key, tick, ptr, loop, net, st, seen, passage, used
    )
    seen[slot].tick = -2
    return used
