"""Patients: what is wrong with them, who came when, and what chance of survival that leaves."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from twin.agents.incidents.triage import Tag, Vitals
from twin.core.survival import Arrest, of_arrest, wounded

if TYPE_CHECKING:
    from twin.agents.incidents.incident import Incident
    from twin.agents.task import Task
    from twin.scenarios.care import Patients


class Condition(StrEnum):
    """What is wrong with a patient (`patients.condition`)."""

    ARREST = "arrest"
    IMMEDIATE = "immediate"
    DELAYED = "delayed"
    MINOR = "minor"
    DEAD = "dead"


_BY_PRIORITY = {1: Condition.IMMEDIATE, 2: Condition.DELAYED}
"""Severity of who is not in arrest, by the priority of the call; `minor` for every other."""


def severity(priority: int) -> Condition:
    """Return the class of a patient of a call of this priority."""
    return _BY_PRIORITY.get(priority, Condition.MINOR)


class Patient:
    """Somebody to whom an incident happened.

    Parameters
    ----------
    incident
        What happened.
    number
        From 1 on.
    condition
        What is wrong.
    vitals
        What triage finds; None where there is no triage.

    Attributes
    ----------
    tag, t_triage
        What triage said, and when.
    task
        The part of the ambulance that takes care of them.
    """

    def __init__(
        self,
        incident: Incident,
        number: int,
        condition: Condition,
        vitals: Vitals | None = None,
    ) -> None:
        self.incident = incident
        self.number = number
        self.condition = condition
        self.vitals = vitals
        self.tag: Tag | None = None
        self.t_triage: float | None = None
        self.task: Task | None = None

    def record(self) -> None:
        """Write the patient's row."""
        incident, task = self.incident, self.task
        onscene = None if task is None else task.t_onscene
        leave = None if task is None else task.t_leave
        hospital = None if task is None else task.t_hospital
        row: dict[str, Any] = {
            "call_id": incident.call_id,
            "patient": self.number,
            "condition": str(self.condition),
            "condition_onscene": None if onscene is None else str(self._found()),
            "tag": None if self.tag is None else str(self.tag),
            "t_onset": incident.t_call,
            "t_triage": self.t_triage,
            "t_onscene": onscene,
            "t_leave": leave,
            "t_hospital": hospital,
            "unit_id": None if task is None or task.unit is None else task.unit.unit_id,
            "hospital_id": None if task is None else task.hospital_id,
        }
        if self.condition is Condition.ARREST:
            row |= self._arrest()
        elif self.vitals is not None:
            taken = hospital if task is None or task.transport else onscene
            row |= {
                "chance_call": self._wounded(incident.t_call),
                "chance_onscene": self._wounded(onscene),
                "chance_leave": self._wounded(leave),
                "survival": 0.0 if self.condition is Condition.DEAD else self._wounded(taken),
            }
        incident.world.recorder.row("patients", **row)

    def _found(self) -> Condition:
        """Return the condition that the crew found, of who did not stay as they were."""
        if self.condition is Condition.ARREST or self.vitals is not None or self.task is None:
            return self.condition
        return severity(self.task.priority)

    def _wounded(self, t: float | None) -> float | None:
        """Return the chance of who is treated at `t`, since the injury."""
        if t is None:
            return None
        return float(wounded(str(self.condition), (t - self.incident.t_call) / 60.0))

    def _arrest(self) -> dict[str, float | None]:
        incident = self.incident
        rules = incident.world.scenario.care.patients
        there = [t for t in incident.tasks if t.t_onscene is not None]
        first = min((t.t_onscene for t in there if t.t_onscene is not None), default=math.inf)
        able = [
            t.t_onscene
            for t in there
            if t.unit_kind == incident.capable_kind and t.unit is not None and t.unit.advanced
        ]
        advanced = min((t for t in able if t is not None), default=math.inf)
        cpr, aed = self._bystanders(rules)
        walks = incident.world.scenario.chain.walks
        to_patient_s = incident.to_patient_s if walks else rules.to_patient_s

        def chance(first: float, advanced: float) -> float:
            """Return the chance if the first crew and advanced care come at these times."""
            since = incident.t_call - rules.collapse_before_s
            reach = 0.0 if rules.curve == "de-maio" else to_patient_s
            seconds = Arrest(
                call=incident.t_call,
                cpr=min(cpr, first + reach),
                defib=min(aed, first + reach),
                als=advanced + reach,
                ems=first + reach,
            )
            return of_arrest(rules.curve, Arrest(*((t - since) / 60.0 for t in seconds)))

        known = math.isfinite(first)
        return {
            "t_onset": incident.t_call - rules.collapse_before_s,
            "t_cpr": _known(min(cpr, first + to_patient_s)),
            "t_defib": _known(min(aed, first + to_patient_s)),
            "chance_call": chance(incident.t_call, incident.t_call),
            "chance_onscene": chance(first, first) if known else None,
            "survival": chance(first, advanced) if known else None,
        }

    def _bystanders(self, rules: Patients) -> tuple[float, float]:
        """Return when bystanders press and when they shock; infinite where they do not."""
        incident = self.incident
        if incident.t_answer is None:
            return math.inf, math.inf
        stream = incident.world.streams.stream("bystander", f"{incident.call_id}/{self.number}")
        u = float(stream.random())
        presses = u < max(rules.p_bystander_cpr, rules.p_public_aed)
        return (
            incident.t_answer + rules.cpr_after_s if presses else math.inf,
            incident.t_answer + rules.aed_after_s if u < rules.p_public_aed else math.inf,
        )


def _known(t: float) -> float | None:
    return t if math.isfinite(t) else None
