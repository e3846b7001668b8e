"""When units that work on a call will be free, as a dispatcher can expect it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from twin.agents.incidents.floors import mean_left_s
from twin.agents.states import UnitState
from twin.agents.units.ambulance import Ambulance
from twin.demand.recorded import P_TRANSPORT

if TYPE_CHECKING:
    from twin.agents.incidents.incident import Incident
    from twin.agents.units.unit import Unit
    from twin.agents.world import World


def when_free(
    world: World, unit: Unit, goal: Incident, within_s: float
) -> tuple[float, float] | None:
    """Return seconds until a unit at work sets out, and of its drive to another scene; expected.

    What is left of the way to the patient, care, drive and handover has the mean that its
    distribution has after the time that has gone by; nobody knows what was drawn. A unit on scene
    takes the patient to the nearest hospital with the chance that holds for such calls.

    Parameters
    ----------
    world
        The model.
    unit
        A unit that is `soon_free`.
    goal
        Where it would go.
    within_s
        None is returned if it cannot be there within so many seconds, or no road leads there.
    """
    if unit.task is None:
        return None
    own, durations = unit.task.incident, world.durations
    kind, priority = own.kind, own.priority
    gone = world.env.now - unit.since
    wrap_up = durations.mean(kind, "wrap_up", priority)
    mobility = world.mobility
    wait, start = wrap_up, unit.place
    if unit.state is UnitState.AT_HOSPITAL:
        wait += durations.remaining(kind, "handover", priority, gone)
    elif unit.state is UnitState.TRANSPORTING:
        start = unit.goal
        wait += durations.mean(kind, "handover", priority)
        if wait < within_s:
            siren = isinstance(unit, Ambulance) and unit.siren
            wait += float(mobility.etas([unit.handle], start, siren=siren)[0])
    else:
        way, gone = _care(world, unit, gone)
        wait += way
        p = 0.0
        if isinstance(unit, Ambulance):
            p = durations.service.p_transport.get(kind, P_TRANSPORT)
        stay = (1.0 - p) * durations.remaining(kind, "scene", priority, gone)
        if p > 0.0:
            stay += p * durations.remaining(kind, "scene_transport", priority, gone)
        wait += stay
        if p > 0.0:
            if wait + p * durations.mean(kind, "handover", priority) >= within_s:
                return None
            wait, drive = _by_hospital(world, unit, goal, wait, p)
            return (wait, drive) if wait + drive < within_s else None
    if wait >= within_s:
        return None
    drive = float(mobility.travel_times(start, [goal.place], siren=goal.siren)[0])
    return (wait, drive) if wait + drive < within_s else None


def _care(world: World, unit: Unit, gone: float) -> tuple[float, float]:
    """Return seconds that a crew on scene still walks, expected, and those since it has cared.

    `gone` are those since it stopped. A crew says when it is with the patient; until then nobody
    knows on which floor that is. One that has not said so when every way is over, as at a false
    alarm, counts as if it had begun to care then.
    """
    task, chain = unit.task, world.scenario.chain
    if task is None or task.incident.mass is not None or not task.incident.walks:
        return 0.0, gone
    begun = task.t_patient
    if begun is not None and begun <= world.env.now:
        return 0.0, world.env.now - begun
    left = mean_left_s(chain, gone)
    return left, 0.0 if left else gone - chain.to_patient_s


def _by_hospital(
    world: World, unit: Unit, goal: Incident, wait: float, p: float
) -> tuple[float, float]:
    """Return seconds until a unit on scene sets out, and of its drive, if it may have to transport.

    `wait` is what is left on scene, `p` the chance that it takes a patient to hospital.
    """
    mobility, here = world.mobility, unit.place
    places = [hospital.place for hospital in world.hospitals.values() if hospital.accepts]
    if not places or unit.task is None:
        return math.inf, math.inf
    own = unit.task.incident
    siren = isinstance(unit, Ambulance) and unit.siren
    there = mobility.travel_times(here, places, siren=siren)
    near = int(np.argmin(there))
    handover = world.durations.mean(own.kind, "handover", own.priority)
    drive = p * float(mobility.travel_times(places[near], [goal.place], siren=goal.siren)[0])
    if p < 1.0:
        straight = mobility.travel_times(here, [goal.place], siren=goal.siren)
        drive += (1.0 - p) * float(straight[0])
    return wait + p * (float(there[near]) + handover), drive
