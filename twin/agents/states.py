"""The words for what a unit does and how far an incident is; every handler asserts and sets one."""

from __future__ import annotations

from enum import StrEnum


class UnitState(StrEnum):
    """What a unit is doing (`unit_events.state`)."""

    OFF_SHIFT = "off_shift"
    IDLE = "idle"  # at its station, on shift
    TURNOUT = "turnout"  # the crew makes for the vehicle
    TO_SCENE = "to_scene"
    ON_SCENE = "on_scene"
    TRANSPORTING = "transporting"
    AT_HOSPITAL = "at_hospital"
    RETURNING = "returning"  # free, on the road
    MOVING_UP = "moving_up"  # free, on the road to another station than its own
    ON_BREAK = "on_break"  # at its station, as in the next two
    RESTOCKING = "restocking"
    OFF_ROAD = "off_road"  # the vehicle has failed, or work on it is planned


BUSY = frozenset(
    {
        UnitState.TURNOUT,
        UnitState.TO_SCENE,
        UnitState.ON_SCENE,
        UnitState.TRANSPORTING,
        UnitState.AT_HOSPITAL,
    }
)
"""States in which a unit belongs to a call."""

ON_THE_ROAD = frozenset({UnitState.RETURNING, UnitState.MOVING_UP})
"""States in which a unit is free and on its way to a station."""

PAUSED = frozenset({UnitState.ON_BREAK, UnitState.RESTOCKING, UnitState.OFF_ROAD})
"""States in which a unit is at its station and takes no calls."""

UNIT_NEXT: dict[UnitState, frozenset[UnitState]] = {
    UnitState.OFF_SHIFT: frozenset({UnitState.IDLE}),
    # On the road from IDLE: to another station, or home from there when the shift is over.
    UnitState.IDLE: frozenset({UnitState.TURNOUT, UnitState.OFF_SHIFT, *ON_THE_ROAD, *PAUSED}),
    # Back to IDLE or RETURNING: recalled, or no road leads to the scene. The same once more: turned
    # to a more urgent call.
    UnitState.TURNOUT: frozenset({UnitState.TURNOUT, UnitState.TO_SCENE, UnitState.IDLE}),
    UnitState.TO_SCENE: frozenset({UnitState.TO_SCENE, UnitState.ON_SCENE, UnitState.RETURNING}),
    UnitState.ON_SCENE: frozenset({UnitState.TRANSPORTING, UnitState.RETURNING}),
    UnitState.TRANSPORTING: frozenset({UnitState.AT_HOSPITAL}),
    UnitState.AT_HOSPITAL: frozenset({UnitState.RETURNING}),
    UnitState.RETURNING: frozenset(
        {UnitState.TO_SCENE, UnitState.IDLE, UnitState.OFF_SHIFT, UnitState.MOVING_UP}
    ),
    UnitState.MOVING_UP: frozenset(
        {UnitState.TO_SCENE, UnitState.IDLE, UnitState.RETURNING, UnitState.MOVING_UP}
    ),
    **{state: frozenset({UnitState.IDLE, *PAUSED}) for state in PAUSED},
}
"""States that may follow each state."""


class Stage(StrEnum):
    """How far an incident is (`incident_events.stage`).

    A fire's stages are the ones that the public Seoul fire board shows: received, dispatched, on
    scene, activity start, under control (초진), out (완진), closed.
    """

    RECEIVED = "received"
    DISPATCHED = "dispatched"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    ACTIVITY_START = "activity_start"
    UNDER_CONTROL = "under_control"
    OUT = "out"
    LEFT_SCENE = "left_scene"
    AT_HOSPITAL = "at_hospital"
    ROAD_CLEARED = "road_cleared"
    CLOSED = "closed"


STAGES: dict[str, tuple[Stage, ...]] = {
    "medical": (
        Stage.RECEIVED,
        Stage.DISPATCHED,
        Stage.EN_ROUTE,
        Stage.ON_SCENE,
        Stage.LEFT_SCENE,
        Stage.AT_HOSPITAL,
        Stage.CLOSED,
    ),
    "fire": (
        Stage.RECEIVED,
        Stage.DISPATCHED,
        Stage.EN_ROUTE,
        Stage.ON_SCENE,
        Stage.ACTIVITY_START,
        Stage.UNDER_CONTROL,
        Stage.OUT,
        Stage.CLOSED,
    ),
    "collision": (
        Stage.RECEIVED,
        Stage.DISPATCHED,
        Stage.EN_ROUTE,
        Stage.ON_SCENE,
        Stage.LEFT_SCENE,
        Stage.AT_HOSPITAL,
        Stage.CLOSED,
    ),
}
"""Stages of each kind of incident in their order; some may be left out, none comes twice.

`ROAD_CLEARED` of a collision stands beside this chain: it comes once, at any time before `CLOSED`.
"""
STAGE_NUMBER: dict[str, dict[Stage, int]] = {
    kind: {stage: k for k, stage in enumerate(stages)} for kind, stages in STAGES.items()
}
"""Place of each stage in that order."""
