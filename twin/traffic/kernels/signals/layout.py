"""What controllers know: their records, their stages, and the settings they share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.traffic.kernels.layout import F32, F64, I32, I64, Records

FIXED, ACTUATED, COORDINATED, MAX_PRESSURE = range(4)
"""`mode` of a controller."""
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
