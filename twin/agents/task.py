"""One unit's part in an incident, from the request to the unit being free again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import simpy

if TYPE_CHECKING:
    from twin.agents.incidents.incident import Incident
    from twin.agents.incidents.patient import Patient
    from twin.agents.units.unit import Unit


class Task:
    """A request for one unit.

    Parameters
    ----------
    incident
        Whom it helps.
    unit_kind
        `"ambulance"` or `"engine"`.
    role
        Its part, such as `"ambulance-1"`; durations are drawn for the call and this part.
    transport
        Whether an ambulance takes a patient to hospital.
    number
        Order in which tasks were made.
    advanced
        Whether only a unit of advanced life support will do.

    Attributes
    ----------
    recall
        Succeeds when the unit is no longer needed before it is on scene.
    release
        Succeeds when the work on scene that the incident governs is over.
    off_scene
        Succeeds when the unit has left the scene.
    done
        Succeeds when the unit is clear, or when the request was withdrawn.
    need
        What a hospital must be able to treat beside emergencies, as `"stroke"`; empty for nothing
        in particular, None until it is known.
    asked
        How often each hospital was asked whether it takes the patient.
    refusals
        How often one refused.
    times_bumped
        How often its unit was turned to a more urgent call.
    held_for, t_held, look_at
        The busy unit that it waits for, since when it waits for one, when to look again.
    patient
        Whom an ambulance cares for, where patients are followed.
    priority
        The call's, until triage on scene says otherwise.
    failed
        Units for which no road led there.
    t_dispatch, t_enroute, t_onscene, t_leave, t_hospital, t_clear, t_base
        Simulated seconds, None until they happen.
    t_patient
        When the crew is with the patient, known when it stops.
    settled
        Whether `t_base` is known or will never be: the unit went to another call.
    """

    def __init__(
        self,
        incident: Incident,
        unit_kind: str,
        role: str,
        *,
        transport: bool,
        number: int,
        advanced: bool = False,
    ) -> None:
        env: simpy.Environment = incident.world.env
        self.incident = incident
        self.unit_kind = unit_kind
        self.role = role
        self.transport = transport
        self.number = number
        self.advanced = advanced
        self.recall = env.event()
        self.release = env.event()
        self.off_scene = env.event()
        self.done = env.event()
        self.need: str | None = None
        self.asked: dict[str, int] = {}
        self.refusals = 0
        self.times_bumped = 0
        self.held_for = ""
        self.t_held = math.inf
        self.look_at = -math.inf
        self.patient: Patient | None = None
        self.priority: int = incident.priority
        self.failed: set[str] = set()
        self.retry_at = -math.inf
        self.unit: Unit | None = None
        self.hospital_id: str | None = None
        self.t_dispatch: float | None = None
        self.t_enroute: float | None = None
        self.t_onscene: float | None = None
        self.t_patient: float | None = None
        self.t_leave: float | None = None
        self.t_hospital: float | None = None
        self.t_clear: float | None = None
        self.t_base: float | None = None
        self.settled = False

    @property
    def particular(self) -> bool:
        """Whether there may be units of its kind that it does not take."""
        return self.advanced or bool(self.failed)

    def takes(self, unit: Unit) -> bool:
        """Return whether a unit of its kind may be sent, as far as the task knows."""
        return unit.unit_id not in self.failed and (unit.advanced or not self.advanced)
