"""What the first vehicle of a lane does about the junction ahead of it."""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.carfollowing import ZERO, next_speed
from twin.traffic.kernels.closures import is_barred
from twin.traffic.kernels.giving_way import (
    SETS_OFF,
    foes_leave_gap,
    foes_pass_first,
    goes_next,
    holds_for_siren,
    merge_is_free,
    siren_waits,
)
from twin.traffic.kernels.jit import inlined, inner
from twin.traffic.kernels.junctions import (
    AHEAD_LINKS,
    FIRM_BRAKE,
    HOLD_M,
    INSIDE_M,
    LINE,
    LOOK_BRAKE,
    NEAR_M,
    NEAR_S,
    SIREN_LINE_SPEED,
    SQUEEZE_M,
    STANDING,
    TWO,
    choose_lane,
    has_space,
    mark_inside,
    seconds_left,
    unmark_inside,
    waits_inside,
)
from twin.traffic.kernels.layout import (
    BIG,
    HELP,
    INSIDE,
    LENGTH,
    SIREN,
    Net,
    Records,
    State,
    is_unit,
)
from twin.traffic.kernels.signals.holding import GREEN, RED
from twin.traffic.kernels.zipper import zip_leader

ROLL_M = np.float32(2.0)
"""Metres nearer to the line than usual that those come who merge in turns."""
TURN_M = np.float32(7.0)
"""Metres that it is farther from the line for each who goes before: a car and its gap."""
HALF_BIG = np.float32(5.0e5)
WRONG_LANE_TICKS = 5
BLOCKING_TICKS = 2
"""So long a driver whose turn is red stops a lane whose own turns are green."""
RETRY_TICKS = 20
LONGEST_WAIT = 250
CLOSED_TICKS = 4
FULL_TICKS = 60
YIELD_TICKS = 200
PATIENCE_SPREAD = 31
LOST = -2
"""`aim` of a lane whose first vehicle has waited long enough to go another way."""
RED_LOOK_M = np.float32(9.0)
"""Metres before the line from which a driver who may go on red looks for a gap: as for a right turn
off a minor road (`twin.traffic.control.LOOK_M`)."""
RIGHT_SPEED = np.float32(7.0)
LEFT_SPEED = np.float32(9.0)
U_SPEED = np.float32(4.0)
CREEP_SPEED = np.float32(3.0)
CLOSE_M = np.float32(15.0)
"""Metres, bumper to bumper, within which who creeps behind another is in its queue."""


@inner
def turn_speed(kind: int) -> np.float32:
    """Return the speed, m/s, at which a turn of this kind is driven."""
    if kind == 1:
        return RIGHT_SPEED
    if kind == 2:
        return LEFT_SPEED
    if kind == 3:
        return U_SPEED
    return BIG


@inner
def look_further(
    net: Net, st: State, R: Records, i: int, dist: np.float32, reach: np.float32
) -> tuple[np.float32, np.float32]:
    """Return (gap, speed) of what stands beyond an empty next link, within braking distance."""
    at = int(R[i].rpos)
    t = int(st.route[at])
    ahead = dist
    for _ in range(AHEAD_LINKS):
        link = net.turn[t].to
        ahead = ahead + net.link[link].length
        if ahead > reach:
            break
        at += 1
        t = int(st.route[at])
        if t < 0:
            break
        g = int(net.turn[t].group)
        to = net.turn[t].to
        if (
            (g >= 0 and net.group[g].state != GREEN)
            or is_barred(net.link, link, to)
            or (net.turn[t].gives_way and not foes_leave_gap(net, t, ahead, R[i].vel, 0))
        ):
            return max(ahead - LINE, ZERO), ZERO
        tail = BIG
        speed = ZERO
        first = int(net.turn[t].lane0)
        for y in range(first, first + int(net.turn[t].lanes)):
            if st.lane[y].tail < tail:
                tail = st.lane[y].tail
                speed = st.lane[y].tail_vel
        if tail < HALF_BIG:
            return max(ahead + tail, ZERO), speed
    return BIG, R[i].vel


@inlined
def is_near(dist: np.float32, v: np.float32) -> bool:
    """Return whether a junction `dist` metres ahead matters at speed `v`."""
    return bool(dist < NEAR_M + v * NEAR_S + v * v / (TWO * LOOK_BRAKE))


@inlined
def lane_is_released(net: Net, k: int, own: int) -> bool:
    """Return whether a turn that lane `own` of link `k` is meant for may go."""
    for t in range(net.link[k].turn0, net.link[k].turn1):
        g = int(net.turn[t].group)
        if net.turn[t].lo <= own <= net.turn[t].hi and (g < 0 or net.group[g].state == GREEN):
            return True
    return False


@inlined
def give_up(st: State, R: Records, i: int, x: int, k: int, patience: int) -> None:
    """Count one more tick that record `i` stands first in lane `x`; it is lost after `patience`.

    Every `RETRY_TICKS` it looks for another way again.
    """
    wait = int(R[i].wait)
    R[i].wait = wait + 1 if wait < LONGEST_WAIT else LONGEST_WAIT - RETRY_TICKS
    if wait >= patience and (wait - patience) % RETRY_TICKS == 0 and not is_unit(R[i].kind):
        st.lane[x].aim = LOST
        st.after[k] |= HELP


@inlined
def note_next(i: int, first: int, net: Net, R: Records) -> None:
    """Note that who creeps up close behind record `i`, which goes on red, has been in the queue.

    `first` is the first record of the lane. It looks as it rolls up to the line, as at a minor
    road: did each stand there, too, they would be 5.3 s apart, where the Highway Capacity Manual
    (TRB 2016, exhibit 20-12) has 3.3 s for right turns after a stop.
    """
    j = i - 1
    if j < first or R[j].turn < 0 or R[j].vel > CREEP_SPEED or R[j].marks & SIREN:
        return
    if R[i].pos - R[j].pos > CLOSE_M:
        return
    if R[j].wait == 0 and net.turn[R[j].turn].on_red:
        R[j].wait = 1


@inlined
def approach(
    i: int, x: int, k: int, dt: np.float32, net: Net, st: State, R: Records
) -> tuple[np.float32, np.float32, np.float32]:
    """Return (gap, speed of what is ahead, greatest speed) for the first record of lane `x`.

    Sets the lane that will be entered, counts how long the vehicle is held although the lights are
    with it, and marks it lost when that has been long enough.
    """
    t = int(R[i].turn)
    own = x - int(net.link[k].lane0)
    v = R[i].vel
    dist = net.link[k].length - R[i].pos
    hold = max(dist - LINE, ZERO)
    cap = BIG
    st.lane[x].aim = -1
    can_stop = v * v < TWO * FIRM_BRAKE * dist
    g = int(net.turn[t].group)
    to = int(net.turn[t].to)
    siren = R[i].marks & SIREN != 0
    wait = int(R[i].wait)
    # Whoever stands first in a wrong lane and was not let in turns from where it stands in the end,
    # as drivers do: held until it gives up its turn it would stop its whole lane.
    any_lane = siren or wait >= WRONG_LANE_TICKS
    patience = YIELD_TICKS
    held = False
    back = ZERO
    clears = False
    claim = 0
    on_red = False
    first_open = min(int(net.link[k].first_open), int(net.link[k].lanes) - 1)
    wrong_lane = own < max(int(net.turn[t].lo), first_open) or own > max(
        int(net.turn[t].hi), first_open
    )
    if g >= 0 and not siren:
        left = seconds_left(net, R, i)
        clears = R[i].marks & INSIDE != 0
        if left <= ZERO:
            if clears:
                unmark_inside(i, int(st.lane[x].start), R)
            if wrong_lane and v < STANDING and dist < NEAR_M and lane_is_released(net, k, own):
                give_up(st, R, i, x, k, BLOCKING_TICKS)
            if not net.turn[t].on_red or wrong_lane or not (can_stop or wait):
                return hold, ZERO, cap
            on_red = True
            # What it waited on green counts for nothing here: the others have green, and who has
            # no room beyond the junction would stand in their way.
            wait = min(wait, 1)
        elif net.group[g].state != GREEN and (
            (can_stop and not clears) or dist > max(v, CREEP_SPEED) * left
        ):
            return hold, ZERO, cap
    if is_barred(net.link, k, to):
        held = True
        patience = CLOSED_TICKS
    elif wrong_lane and not any_lane:
        held = True
    else:
        aim = choose_lane(net, st, R, i, own, wait)
        st.lane[x].aim = aim
        zips = net.turn[t].zips and not on_red and st.lane[x].asks == aim
        if not has_space(st, aim, SQUEEZE_M if zips else net.kinds[R[i].kind, LENGTH], wait):
            held = True
            patience = FULL_TICKS + int(st.vehicle[R[i].slot].id % PATIENCE_SPREAD)
        elif siren:
            careful = net.turn[t].gives_way or (g >= 0 and net.group[g].state != GREEN)
            if careful:
                cap = np.sqrt(SIREN_LINE_SPEED * SIREN_LINE_SPEED + TWO * FIRM_BRAKE * dist)
                if can_stop and dist < HOLD_M and siren_waits(net, k):
                    return hold, ZERO, cap
        elif (
            len(st.unit) > 0
            and net.node[net.link[k].node].siren > 0
            and can_stop
            and holds_for_siren(net, k)
        ):
            return hold, ZERO, cap
        elif st.lane[x].yields:
            held = True
            claim = 1 + wait
        elif zips:
            ahead, speed, before = zip_leader(x, k, dist, net, st)
            if ahead < ZERO:
                held = can_stop
                # Of three or more each stands a car farther back than who goes before: at the line
                # all would set off from standstill, one after the other.
                back = TURN_M * np.float32(before)
            elif ahead < BIG:
                v0 = net.link[k].speed * R[i].fac
                firm = v - FIRM_BRAKE * dt
                cap = max(firm, next_speed(v, v0, ahead, speed, dt, net.kinds, R[i].kind))
        elif on_red and (wait == 0 or dist > min(RED_LOOK_M, net.turn[t].look)):
            held = True
        elif (on_red or net.turn[t].gives_way) and can_stop:
            # Who gives way at a line looks when it has come there, not before.
            if dist > net.turn[t].look:
                held = True
                if net.turn[t].look < ZERO:  # banned
                    patience = CLOSED_TICKS
            elif net.turn[t].all_stop:
                held = not goes_next(net, int(net.link[k].node), t, int(st.lane[x].claim))
                claim = 1 + wait if held else SETS_OFF
            elif net.turn[t].merges:
                held = not merge_is_free(net, st, t, aim, dist, v, wait)
            else:
                held = not foes_leave_gap(net, t, dist, v, wait)
                if held and clears and net.group[g].state != GREEN:
                    held = not foes_pass_first(net, t)
    if net.turn[t].all_stop:
        st.lane[x].claim = claim
    if held and on_red:
        # Nobody gives up who waits for green.
        if wait == 0 and v < STANDING and dist < NEAR_M:
            R[i].wait = 1
        return hold, ZERO, cap
    if on_red:
        note_next(i, int(st.lane[x].start), net, R)
    if held:
        if wrong_lane:
            # Its own turn is full or has no gap: it does not stop those who go straight on.
            patience = min(patience, WRONG_LANE_TICKS + BLOCKING_TICKS)
        if v < STANDING and dist < NEAR_M:
            give_up(st, R, i, x, k, patience)
            if (
                dist < INSIDE_M
                and not wrong_lane
                and waits_inside(net, t)
                and net.group[g].state != RED
            ):
                mark_inside(i, int(st.lane[x].start), net.link[k].length, R)
        if net.turn[t].zips and st.lane[x].aim >= 0:
            # In turns: rolling up to the line rather than stopping before it. Who has no lane to
            # enter must not roll over it.
            hold = max(hold + ROLL_M - back, ZERO)
        return hold, ZERO, cap
    slow = min(turn_speed(net.turn[t].kind), net.link[to].speed * R[i].fac)
    if slow < v:
        cap = min(cap, np.sqrt(slow * slow + TWO * LOOK_BRAKE * dist))
    aim = int(st.lane[x].aim)
    if st.lane[aim].tail < HALF_BIG:
        return max(dist + st.lane[aim].tail, ZERO), st.lane[aim].tail_vel, cap
    reach = NEAR_M + v + v * v / (TWO * LOOK_BRAKE)
    gap, speed = look_further(net, st, R, i, dist, reach)
    return gap, speed, cap
