"""Signal controllers: which groups are green, by plan or by what stands before the line.

By its plan a group follows from the clock alone (`set_signals`). A controller that does more
decides between *stages*, the sets of groups that its plan has green together; it asks for one by
marking every group to be held green or red, and `holding` brings that about with yellow and all-red
between. A decision made in one tick shows in the next. Every controller writes only its own record,
stages and groups, so controllers may be worked on in any order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.traffic.kernels.holding import (
    ALL_RED_S,
    GREEN,
    HOLD_GREEN,
    HOLD_RED,
    PLAN,
    RED,
    YELLOW,
    YELLOW_S,
    hold_group,
)
from twin.traffic.kernels.jit import inner
from twin.traffic.kernels.layout import BIG, F32, F64, I32, I64, Net, Records, State

FIXED, ACTUATED, COORDINATED, MAX_PRESSURE = range(4)
"""`mode` of a controller."""
CLEARANCE_S = YELLOW_S + ALL_RED_S
"""From the end of one green to the begin of another of the same signal, seconds."""
HURRY_GREEN_S = 5.0
"""Least green, seconds, that is left to a stage before a unit under siren ends it; a stage for
pedestrians is never cut short."""
MOMENT_S = 1e-6
STANDING = np.float32(2.0)
"""Speed in m/s below which a vehicle counts as queued wherever it is on its link."""

CONTROL = np.dtype(
    [
        ("mode", "i4"),
        ("stage", "i4"),  # asked for, counted from `stage0`; -1 while the plan rules
        ("stage0", "i4"),  # its stages are `stage0:stage1`
        ("stage1", "i4"),
        ("member0", "i4"),  # its groups are `member[member0:member1]`
        ("member1", "i4"),
        ("main", "i4"),  # stage that coordination is for
        ("takes", "i4"),  # units under siren may ask for a stage
        ("unit", "i4"),  # unit that holds a stage; -1
        ("wanted", "i4"),  # group that serves it
        ("back", "i4"),  # a unit has gone by: lead back to the plan
        ("listed", "i4"),  # in the list of controllers that units deal with
        ("seen", "i4"),  # the unit that holds it is still on its way there
        ("bidder", "i4"),  # nearest of the other units; -1
        ("bid_group", "i4"),
        ("spent", "i4"),  # unit that held it for too long; -1
        ("bid_m", "f8"),  # metres from the bidder to the line
        ("up_at", "f8"),  # second at which the stage turned green; -1 before that
        ("busy_at", "f8"),  # last second at which its detectors were occupied
        ("call_at", "f8"),  # since when another stage is asked for; -1
        ("unit_at", "f8"),  # since when the unit holds it
        ("next_at", "f8"),  # next decision (max-pressure)
    ]
)
STAGE = np.dtype(
    [
        ("mask", "i8"),  # bit n: the controller's n-th group is green
        ("begin", "f8"),  # in the plan, seconds of the cycle from the offset on
        ("end", "f8"),
        ("least", "f8"),  # shortest and longest green, seconds
        ("most", "f8"),
        ("served_at", "f8"),  # when its green ended last
    ]
)

ZONE_M, EXTENSION_S, DECIDE_S, REACH_M, LONGEST_RED_S = range(5)
ENABLED, DETECTION_M, DETECTION_S, LONGEST_S = range(5, 9)
N_SETTINGS = 9
"""Entries of `Signals.settings`."""


class Signals(NamedTuple):
    """Controllers as kernels see them; all empty when every signal follows its plan.

    Attributes
    ----------
    control, stage
        `CONTROL` by signal, `STAGE` by controller.
    member
        Groups by controller.
    group_ptr, group_turn
        Turns by group.
    turn_from
        (T,) the link that a turn leaves.
    saturation
        (T,) f32, vehicles per second that a turn can pass on green.
    settings
        Lengths and times, see the constants.
    listed, listed_count
        Controllers that units under siren deal with, and how many.
    tally
        (S, 3) stages begun, greens ended by a gap or for want of demand, pre-emptions.
    """

    control: Records
    stage: Records
    member: I32
    group_ptr: I32
    group_turn: I32
    turn_from: I32
    saturation: F32
    settings: F64
    listed: I32
    listed_count: I64
    tally: I64


@inner
def set_signals(t: float, net: Net) -> None:
    """Write the state of every signal group at time `t` and the seconds until it turns red.

    They are negative once it has.

    Green begins `offset + green_from` seconds into the cycle counted from midnight.
    """
    for g in range(len(net.group)):
        since = (t - net.group[g].offset - net.group[g].green_from) % net.group[g].cycle
        green = net.group[g].green_for
        for m in range(net.group[g].more0, net.group[g].more1):
            # Of several greens the one that began last counts.
            later = (t - net.group[g].offset - net.more[m].green_from) % net.group[g].cycle
            if later < since:
                since = later
                green = net.more[m].green_for
        if net.group[g].held:
            hold_group(g, since, t, net)
        elif green + YELLOW_S >= net.group[g].cycle:
            net.group[g].state = GREEN
            net.group[g].left = BIG
        elif since < green:
            net.group[g].state = GREEN
            net.group[g].left = np.float32(green + YELLOW_S - since)
        elif since < green + YELLOW_S:
            net.group[g].state = YELLOW
            net.group[g].left = np.float32(green + YELLOW_S - since)
        else:
            net.group[g].state = RED
            net.group[g].left = np.float32(green + YELLOW_S - since)


@inner
def plan_second(c: int, t: float, net: Net, sg: Signals) -> tuple[float, float]:
    """Return the second of its cycle at which the plan of controller `c` is, and the cycle."""
    g = sg.member[sg.control[c].member0]
    cycle = float(net.group[g].cycle)
    return (t - net.group[g].offset) % cycle, cycle


@inner
def time_to(begin: float, now: float, cycle: float) -> float:
    """Return the seconds from second `now` of a cycle to the next second `begin`."""
    return (begin - now) % cycle


@inner
def plan_stage(c: int, t: float, net: Net, sg: Signals) -> int:
    """Return the stage that the plan of controller `c` shows, or when it shows none the next."""
    now, cycle = plan_second(c, t, net, sg)
    first = int(sg.control[c].stage0)
    soonest = 0
    least = 1e9
    for s in range(first, sg.control[c].stage1):
        since = time_to(now, sg.stage[s].begin, cycle)
        if since < sg.stage[s].end - sg.stage[s].begin:
            return s - first
        if cycle - since < least:
            least = cycle - since
            soonest = s - first
    return soonest


@inner
def is_hooked(c: int, net: Net, sg: Signals) -> bool:
    """Return whether a hook holds groups of controller `c`, which so has no say."""
    if sg.control[c].stage >= 0:
        return False
    for m in range(sg.control[c].member0, sg.control[c].member1):
        if net.group[sg.member[m]].held != PLAN:
            return True
    return False


@inner
def ask_for(c: int, stage: int, t: float, net: Net, sg: Signals) -> None:
    """Hold the groups of a stage of controller `c` green and its others red from the next tick."""
    control = sg.control
    before = int(control[c].stage)
    if before >= 0:
        sg.stage[control[c].stage0 + before].served_at = t
    control[c].stage = stage
    control[c].up_at = -1.0
    control[c].call_at = -1.0
    mask = sg.stage[control[c].stage0 + stage].mask
    for n in range(control[c].member1 - control[c].member0):
        g = sg.member[control[c].member0 + n]
        if net.group[g].held == PLAN:
            # Yellow or all-red of the plan goes on to its end.
            net.group[g].until = t + np.float64(net.group[g].left)
        if (mask >> n) & 1:
            net.group[g].held = HOLD_GREEN
        else:
            net.group[g].held = HOLD_RED
    sg.tally[c, 0] += 1


@inner
def give_back(c: int, net: Net, sg: Signals) -> None:
    """Let the plan of controller `c` rule, which shows the stage that is up."""
    control = sg.control
    for m in range(control[c].member0, control[c].member1):
        net.group[sg.member[m]].held = PLAN
    control[c].stage = -1
    control[c].up_at = -1.0
    control[c].back = 0


@inner
def is_up(c: int, t: float, net: Net, sg: Signals) -> bool:
    """Return whether the stage that was asked for shows: its groups are green, or all are red."""
    control = sg.control
    mask = sg.stage[control[c].stage0 + control[c].stage].mask
    for n in range(control[c].member1 - control[c].member0):
        g = sg.member[control[c].member0 + n]
        if (mask >> n) & 1:
            if net.group[g].state != GREEN:
                return False
        elif mask == 0 and (net.group[g].state != RED or t < net.group[g].until + ALL_RED_S):
            return False
    return True


@inner
def is_called(g: int, net: Net, st: State, R: Records, sg: Signals) -> bool:
    """Return whether the first vehicle of a lane, near the line, wants a turn of group `g`."""
    zone = np.float32(sg.settings[ZONE_M])
    for m in range(sg.group_ptr[g], sg.group_ptr[g + 1]):
        t = int(sg.group_turn[m])
        k = int(sg.turn_from[t])
        a = int(net.link[k].lane0)
        for x in range(a, a + int(net.link[k].lanes)):
            i = int(st.lane[x].end) - 1
            if i >= st.lane[x].start and R[i].turn == t and net.link[k].length - R[i].pos < zone:
                return True
    return False


@inner
def calls(c: int, net: Net, st: State, R: Records, sg: Signals) -> np.int64:
    """Return the groups of controller `c` that are asked for, as bits."""
    found = np.int64(0)
    for n in range(sg.control[c].member1 - sg.control[c].member0):
        if is_called(int(sg.member[sg.control[c].member0 + n]), net, st, R, sg):
            found |= np.int64(1) << np.int64(n)
    return found


@inner
def next_called(c: int, called: np.int64, sg: Signals) -> int:
    """Return the next stage in order that serves a group called and not green now; -1 for none.

    A stage without groups is for pedestrians and has its turn whenever the order comes to it.
    """
    control = sg.control
    first = int(control[c].stage0)
    count = int(control[c].stage1) - first
    own = sg.stage[first + control[c].stage].mask
    for step in range(1, count):
        stage = (int(control[c].stage) + step) % count
        mask = sg.stage[first + stage].mask
        # Nobody rests in the red for pedestrians.
        if mask == 0 or own == 0 or called & mask & ~own:
            return stage
    return -1


@inner
def actuate(c: int, t: float, net: Net, st: State, R: Records, sg: Signals) -> None:
    """Decide for an actuated controller whose stage is up.

    Its green lasts at least `least`; then it ends when the detectors of its groups were free for
    the extension (gap-out), or `most` after another stage was called (max-out). Without a call it
    rests. In coordination the main stage is held through its green of the plan, and the others
    have to end so that it begins on time.
    """
    control = sg.control
    first = int(control[c].stage0)
    stage = int(control[c].stage)
    at = first + stage
    called = calls(c, net, st, R, sg)
    if called & sg.stage[at].mask:
        control[c].busy_at = t
    other = next_called(c, called, sg)
    main = int(control[c].main)
    coordinated = control[c].mode == COORDINATED
    left = 1e9
    in_main = False
    if coordinated:
        now, cycle = plan_second(c, t, net, sg)
        left = time_to(sg.stage[first + main].begin, now, cycle)
        long = sg.stage[first + main].end - sg.stage[first + main].begin
        in_main = cycle - left < long or left < MOMENT_S
        if stage != main and (in_main or left <= CLEARANCE_S or other < 0):
            other = main
    if other < 0:
        control[c].call_at = -1.0
        return
    if control[c].call_at < 0.0:
        control[c].call_at = t
    green = t - control[c].up_at
    if green < sg.stage[at].least - MOMENT_S:
        return
    if coordinated:
        need = 2.0 * CLEARANCE_S + sg.stage[first + other].least
        if stage == main:
            if in_main or left < need:
                return
            ask_for(c, other, t, net, sg)
            return
        if in_main or left <= CLEARANCE_S:
            ask_for(c, main, t, net, sg)
            return
        if other != main and left < need:
            other = main
    gap = t - max(control[c].busy_at, control[c].up_at) >= sg.settings[EXTENSION_S] - MOMENT_S
    since = max(control[c].call_at, control[c].up_at)
    over = t - since >= sg.stage[at].most - MOMENT_S
    if gap or over or sg.stage[at].mask == 0:
        if not over:
            sg.tally[c, 1] += 1
        ask_for(c, other, t, net, sg)


@inner
def queue_of(t: int, k: int, reach: np.float32, net: Net, st: State, R: Records) -> int:
    """Return the vehicles on link `k` that want turn `t` and are near the line or queued."""
    count = 0
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        for i in range(st.lane[x].start, st.lane[x].end):
            near = net.link[k].length - R[i].pos < reach or R[i].vel < STANDING
            if R[i].turn == t and near:
                count += 1
    return count


@inner
def pressure(c: int, stage: int, net: Net, st: State, R: Records, sg: Signals) -> float:
    """Return the pressure of a stage.

    That is the sum over its turns of saturation flow x (queue of the turn - sum over the turns
    after it of the share of traffic that makes them x their queue): Varaiya 2013, "Max pressure
    control of a network of signalized intersections", Transp. Res. C 36, 177-195. The shares are
    those of the vehicles counted so far.
    """
    reach = np.float32(sg.settings[REACH_M])
    mask = sg.stage[sg.control[c].stage0 + stage].mask
    total = 0.0
    for n in range(sg.control[c].member1 - sg.control[c].member0):
        if not (mask >> n) & 1:
            continue
        g = int(sg.member[sg.control[c].member0 + n])
        for m in range(sg.group_ptr[g], sg.group_ptr[g + 1]):
            t = int(sg.group_turn[m])
            weight = float(queue_of(t, int(sg.turn_from[t]), reach, net, st, R))
            to = int(net.turn[t].to)
            after0 = int(net.link[to].turn0)
            after1 = int(net.link[to].turn1)
            passed = 0.0
            for p in range(after0, after1):
                passed += net.turn[p].passed + 1.0
            for p in range(after0, after1):
                share = (net.turn[p].passed + 1.0) / passed
                weight -= share * queue_of(p, to, reach, net, st, R)
            total += np.float64(sg.saturation[t]) * weight
    return total


@inner
def press(c: int, t: float, net: Net, st: State, R: Records, sg: Signals) -> None:
    """Decide by pressure, every `DECIDE_S` seconds of green.

    The present stage stays unless another one has more pressure, less the share of the time that
    the change would cost: with equal queues all would be clearance. A stage that is called, or is
    for pedestrians, and was not served for `LONGEST_RED_S` goes first.
    """
    control = sg.control
    first = int(control[c].stage0)
    stage = int(control[c].stage)
    if t - control[c].up_at < sg.stage[first + stage].least - MOMENT_S:
        return
    if t < control[c].next_at - MOMENT_S and sg.stage[first + stage].mask:
        return
    control[c].next_at = t + sg.settings[DECIDE_S]
    called = calls(c, net, st, R, sg)
    own = sg.stage[first + stage].mask
    most = -1e30 if own == 0 else pressure(c, stage, net, st, R, sg)
    worth = sg.settings[DECIDE_S] / (sg.settings[DECIDE_S] + CLEARANCE_S)
    best = stage
    longest = sg.settings[LONGEST_RED_S]
    late = False
    for s in range(int(control[c].stage1) - first):
        if s == stage:
            continue
        mask = sg.stage[first + s].mask
        red = t - sg.stage[first + s].served_at
        if red >= longest and (mask == 0 or called & mask & ~own):
            longest = red + MOMENT_S
            best = s
            late = True
        elif mask and not late:
            value = pressure(c, s, net, st, R, sg)
            if value > 0.0:
                value *= worth
            if value > most:
                most = value
                best = s
    if best != stage:
        ask_for(c, best, t, net, sg)


@inner
def serving_stage(c: int, group: int, sg: Signals) -> int:
    """Return the stage of controller `c` in which `group` is green, the present one if it may be.

    -1 when there is none.
    """
    control = sg.control
    first = int(control[c].stage0)
    bit = np.int64(0)
    for n in range(control[c].member1 - control[c].member0):
        if sg.member[control[c].member0 + n] == group:
            bit = np.int64(1) << np.int64(n)
    if control[c].stage >= 0 and sg.stage[first + control[c].stage].mask & bit:
        return int(control[c].stage)
    for s in range(first, control[c].stage1):
        if sg.stage[s].mask & bit:
            return s - first
    return -1


@inner
def planned_green(c: int, t: float, net: Net, sg: Signals) -> float:
    """Return the seconds since when the plan of `c` shows its stage; `BIG` between two stages."""
    stage = plan_stage(c, t, net, sg)
    now, cycle = plan_second(c, t, net, sg)
    at = sg.control[c].stage0 + stage
    since = time_to(now, sg.stage[at].begin, cycle)
    return since if since < sg.stage[at].end - sg.stage[at].begin else 1e9


@inner
def serve_unit(c: int, t: float, net: Net, sg: Signals) -> None:
    """Ask for the stage that serves the unit that holds controller `c`, and stay in it."""
    control = sg.control
    stage = serving_stage(c, int(control[c].wanted), sg)
    if stage < 0 or stage == control[c].stage:
        return
    present = int(control[c].stage)
    green = t - control[c].up_at if control[c].up_at >= 0.0 else 1e9
    if present < 0:
        present = plan_stage(c, t, net, sg)
        green = planned_green(c, t, net, sg)
    at = control[c].stage0 + present
    least = HURRY_GREEN_S if sg.stage[at].mask else sg.stage[at].least
    if present == stage or green >= least - MOMENT_S:
        ask_for(c, stage, t, net, sg)


@inner
def lead_back(c: int, t: float, net: Net, sg: Signals) -> None:
    """Lead a controller whose stage is up back to its plan, which went on meanwhile.

    The stage that the plan shows is joined, or the next one when that has not `least` of its green
    left; where the present stage is that, it is held until the plan shows it.
    """
    control = sg.control
    first = int(control[c].stage0)
    count = int(control[c].stage1) - first
    stage = plan_stage(c, t, net, sg)
    now, cycle = plan_second(c, t, net, sg)
    left = time_to(sg.stage[first + stage].end, now, cycle)
    shown = planned_green(c, t, net, sg) < 1e9
    if stage == control[c].stage and shown:
        give_back(c, net, sg)
        return
    if shown and left < CLEARANCE_S + sg.stage[first + stage].least:
        stage = (stage + 1) % count
    if stage != control[c].stage and t - control[c].up_at >= HURRY_GREEN_S - MOMENT_S:
        ask_for(c, stage, t, net, sg)


@inner
def run_controller(c: int, t: float, net: Net, st: State, R: Records, sg: Signals) -> None:
    """Let one controller decide at time `t`, after `set_signals`."""
    control = sg.control
    unit = control[c].unit >= 0
    if control[c].mode == FIXED and not unit and not control[c].back:
        return
    if is_hooked(c, net, sg):
        return
    if control[c].stage < 0 and not unit:
        if control[c].mode == FIXED:
            control[c].back = 0
            return
        ask_for(c, plan_stage(c, t, net, sg), t, net, sg)
        return
    if control[c].stage >= 0 and control[c].up_at < 0.0:
        if not is_up(c, t, net, sg):
            if unit:
                serve_unit(c, t, net, sg)
            return
        control[c].up_at = t
        control[c].busy_at = t
        control[c].next_at = t
    if unit:
        serve_unit(c, t, net, sg)
    elif control[c].mode == FIXED:
        lead_back(c, t, net, sg)
    elif control[c].mode == MAX_PRESSURE:
        press(c, t, net, st, R, sg)
    else:
        actuate(c, t, net, st, R, sg)


@inner
def run_controllers(
    low: int, high: int, t: float, net: Net, st: State, R: Records, sg: Signals
) -> None:
    """Let the controllers `low` to `high` decide."""
    for c in range(low, high):
        run_controller(c, t, net, st, R, sg)
