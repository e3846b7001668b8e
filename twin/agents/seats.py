"""Seats of a control room: decisions that a person takes in the place of a rule.

A decision is opened where the rule would decide. No event is taken from the queue while one is
open, so that the clock stands still, and decisions come about in the order in which they were
opened, whoever answers first: a run follows from what was chosen alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import simpy
from numpy.typing import NDArray

from twin.agents.hospitals.choice import Judged
from twin.agents.policies.dispatch import turnout
from twin.agents.policies.scores import Scores
from twin.core.errors import InputError

if TYPE_CHECKING:
    from twin.agents.hospitals.hospital import Hospital
    from twin.agents.incidents.incident import Incident
    from twin.agents.task import Task
    from twin.agents.units.ambulance import Ambulance
    from twin.agents.units.unit import Unit
    from twin.agents.world import World

CALL_TAKER, DISPATCHER, HOSPITAL = "call-taker", "dispatcher", "hospital"
SEATS = {CALL_TAKER: None, DISPATCHER: "dispatch", HOSPITAL: "hospital"}
"""The seats, and the role of the rules that sit there otherwise; a call-taker goes by the type."""
WAIT = "wait"
"""Answer of a dispatcher who sends nobody yet: it is asked again a minute later."""
PROTOCOL = "protocol"
"""Stands for a rule where a call-taker would take the priority that the call has."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What can be chosen.

    Attributes
    ----------
    id
        A unit, a hospital or a priority.
    says
        What it is or does now, in a few words.
    arrival_s
        Predicted seconds until it is on scene, turnout included, or until the patient is there; nan
        of a priority.
    score
        What the rule that holds thinks of it, the least is best; nan of a priority.
    cover_lost
        Of a unit, the share of all demand for which it will be missed, see `Cover.loss`; else nan.
    wait_s
        Of a hospital, the wait for a bed that is expected by its last report; else nan.
    """

    id: str
    says: str
    arrival_s: float = math.nan
    score: float = math.nan
    cover_lost: float = math.nan
    wait_s: float = math.nan


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a rule would do: its choice, None for nobody, and its score of each candidate."""

    chosen: str | None
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """One decision that waits for a person.

    Attributes
    ----------
    number
        1 for the first of the run.
    seat, person
        Whose it is.
    t
        Simulated second.
    call_id, kind, type, priority, district, patients
        The call.
    role
        The part in the call for which a unit or a hospital is sought.
    unit_id
        The ambulance that has the patient, when a hospital is sought.
    candidates
        What can be chosen.
    policy, by_rule
        The rule that would decide, and what it would choose; None: it would let the call wait.
    opinions
        What every rule that was named would choose.
    """

    number: int
    seat: str
    person: str
    t: float
    call_id: str
    kind: str
    type: str
    priority: int
    district: str
    patients: int
    role: str
    unit_id: str | None
    candidates: tuple[Candidate, ...]
    policy: str
    by_rule: str | None
    opinions: Mapping[str, Opinion]
    settle: Callable[[str], None] = field(repr=False)
    can: Callable[[str], bool] = field(repr=False)

    @property
    def options(self) -> list[str]:
        """What may be answered."""
        names = [candidate.id for candidate in self.candidates]
        return [*names, WAIT] if self.seat == DISPATCHER else names

    def check(self, choice: str) -> None:
        """Refuse what cannot be chosen.

        Raises
        ------
        InputError
            Naming the seat and the call, and what can be.
        """
        where = f"{self.seat}, call {self.call_id}"
        if choice not in self.options:
            raise InputError(
                f"{choice!r} cannot be chosen ({where})",
                hint=f"can be: {', '.join(self.options)}",
            )
        if choice != WAIT and not self.can(choice):
            raise InputError(f"{choice!r} is not free any more ({where})")


class Seats:
    """The seats that people have taken, and the decisions that wait for them.

    Parameters
    ----------
    world
        The model.
    taken
        Name of the person by seat.
    rules
        By role, the rules whose opinion is asked of every decision, by name.
    """

    def __init__(
        self, world: World, taken: Mapping[str, str], rules: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.world = world
        self.taken = dict(taken)
        self.rules = rules
        self.open: list[Decision] = []
        self._answers: dict[int, str] = {}
        self._made = 0

    def asks_for(self, unit_kind: str) -> bool:
        """Return whether a dispatcher has yet to say which unit of a kind goes."""
        return any(d.seat == DISPATCHER and d.role.startswith(f"{unit_kind}-") for d in self.open)

    def choose(self, decision: Decision, choice: str) -> None:
        """Answer a decision; it comes about when those that were opened before have.

        Raises
        ------
        InputError
            If that cannot be chosen, or it has been answered; the decision stays as it was.
        """
        if decision not in self.open or decision.number in self._answers:
            raise InputError(f"decision {decision.number} has been taken already")
        decision.check(choice)
        self._answers[decision.number] = choice
        while self.open and self.open[0].number in self._answers:
            first = self.open[0]
            answer = self._answers[first.number]
            self.open.pop(0)
            del self._answers[first.number]
            self._record(first, answer)
            first.settle(answer)

    def unanswered(self) -> list[Decision]:
        """Return the decisions that wait for an answer, the first opened first."""
        return [decision for decision in self.open if decision.number not in self._answers]

    def unit(
        self,
        task: Task,
        units: Sequence[Unit],
        score: NDArray[np.float64],
        by_rule: str | None,
        settle: Callable[[str], None],
    ) -> None:
        """Open the decision which of the units goes: free ones, then those that may be turned."""
        world, incident = self.world, task.incident
        free = [unit for unit in units if unit.available]
        eta = world.mobility.etas([u.handle for u in units], incident.place, siren=incident.siren)
        arrival = np.asarray(eta, np.float64)
        arrival[: len(free)] += turnout(world, task, free)
        for k, unit in enumerate(units[len(free) :], start=len(free)):
            arrival[k] += max(unit.ready_at - world.env.now, 0.0)
        lost = [*self._cover_lost(task.unit_kind, free), *[0.0] * (len(units) - len(free))]
        ids = [unit.unit_id for unit in units]
        by_id = dict(zip(ids, units, strict=True))
        self._open(
            DISPATCHER,
            incident,
            task.role,
            [
                Candidate(unit.unit_id, _says(unit), float(arrival[k]), float(score[k]), lost[k])
                for k, unit in enumerate(units)
            ],
            world.dispatch_policy.name,
            by_rule,
            {
                name: _opinion(ids, rule.score(world, task, free))
                for name, rule in self.rules.get("dispatch", {}).items()
                if free
            },
            settle,
            can=lambda choice: by_id[choice].available or by_id[choice].on_the_way,
        )

    def hospital(self, ambulance: Ambulance, task: Task, judged: Judged) -> simpy.Event:
        """Open the decision where a patient is taken; the event brings the `hospital_id`."""
        world, chosen = self.world, self.world.env.event()
        hospitals, scores = judged
        eta = world.mobility.travel_times(
            ambulance.place,
            [h.place for h in hospitals],
            siren=ambulance.siren,
            moving=ambulance.moving,
        )
        ids = [hospital.hospital_id for hospital in hospitals]
        self._open(
            HOSPITAL,
            task.incident,
            task.role,
            [
                Candidate(
                    hospital.hospital_id,
                    hospital.name,
                    float(eta[k]),
                    float(scores.score[k]),
                    wait_s=_wait_s(hospital, task),
                )
                for k, hospital in enumerate(hospitals)
            ],
            world.hospital_policy.name,
            _winner(ids, scores),
            {
                name: _opinion(ids, rule.score(world, ambulance, hospitals))
                for name, rule in self.rules.get("hospital", {}).items()
            },
            lambda choice: chosen.succeed(choice),  # noqa: PLW0108  # it returns None
            unit_id=ambulance.unit_id,
        )
        return chosen

    def priority(self, incident: Incident) -> simpy.Event:
        """Open the decision how urgent a call is; the event brings the priority as text."""
        chosen = self.world.env.event()
        usual = str(incident.priority)
        candidates = []
        for priority in range(1, 5):
            lines = self.world.plans.of(incident.kind, incident.finding.name, priority)
            sent: Counter[str] = Counter()
            for line in lines:
                kind, number, per_patient, _ = line
                if kind in self.world.kinds:
                    sent[kind] += incident.patients if per_patient else number
            says = ", ".join(f"{number} {kind}" for kind, number in sorted(sent.items()))
            candidates.append(Candidate(str(priority), says))
        self._open(
            CALL_TAKER,
            incident,
            "",
            candidates,
            PROTOCOL,
            usual,
            {},
            lambda choice: chosen.succeed(choice),  # noqa: PLW0108  # it returns None
        )
        return chosen

    def _open(
        self,
        seat: str,
        incident: Incident,
        role: str,
        candidates: Sequence[Candidate],
        policy: str,
        by_rule: str | None,
        opinions: Mapping[str, Opinion],
        settle: Callable[[str], Any],
        *,
        unit_id: str | None = None,
        can: Callable[[str], bool] = lambda choice: True,  # noqa: ARG005
    ) -> None:
        self._made += 1
        call = incident.call
        self.open.append(
            Decision(
                number=self._made,
                seat=seat,
                person=self.taken[seat],
                t=self.world.env.now,
                call_id=incident.call_id,
                kind=incident.kind,
                type=incident.finding.name,
                priority=incident.priority,
                district=call.district,
                patients=incident.patients,
                role=role,
                unit_id=unit_id,
                candidates=tuple(candidates),
                policy=policy,
                by_rule=by_rule,
                opinions=opinions,
                settle=settle,
                can=can,
            )
        )

    def _record(self, decision: Decision, choice: str) -> None:
        self.world.recorder.row(
            "choices",
            t=decision.t,
            seat=decision.seat,
            person=decision.person,
            call_id=decision.call_id,
            role=decision.role,
            chosen=choice,
            policy=decision.policy,
            by_rule=decision.by_rule,
        )

    def _cover_lost(self, kind: str, units: Sequence[Unit]) -> list[float]:
        """Return the share of demand that would miss each unit; nan where demand is not known."""
        try:
            cover = self.world.cover(kind)
        except InputError:
            return [math.nan] * len(units)
        loss = cover.loss(cover.counts(u for u in self.world.units if u.kind == kind))
        rows = [cover.number.get(unit.base.station_id) for unit in units]
        total = float(cover.weight.sum())
        return [0.0 if row is None else float(loss[row]) / total for row in rows]


def _wait_s(hospital: Hospital, task: Task) -> float:
    return math.nan if hospital.room is None else hospital.expected_wait_s(task.priority)


def _winner(ids: Sequence[str], scores: Scores) -> str | None:
    best = scores.best()
    return ids[best] if np.isfinite(scores.score[best]) else None


def _opinion(ids: Sequence[str], scores: Scores) -> Opinion:
    """Return what a rule thinks of the first candidates; the others do not come into question."""
    rest = [math.inf] * (len(ids) - len(scores.score))
    return Opinion(_winner(ids, scores), (*scores.score.tolist(), *rest))


def _says(unit: Unit) -> str:
    """Return what a unit does, and for which call if it may be turned from one."""
    if unit.available or unit.task is None:
        return str(unit.state)
    return f"{unit.state}, call {unit.task.incident.call_id}"
