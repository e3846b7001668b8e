"""Incidents with many patients: triage, staging, and crews that take whom triage puts first."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import simpy

from twin.agents.incidents.patient import Condition, Patient
from twin.agents.incidents.triage import RANK, Tag, draw_vitals, start

if TYPE_CHECKING:
    from twin.agents.incidents.incident import Incident
    from twin.agents.task import Task
    from twin.agents.world import Life, World

_PRIORITY = {Tag.IMMEDIATE: 1, Tag.DELAYED: 2, Tag.MINOR: 3}
"""What the tag makes of the priority on the way to hospital."""


class MassCasualty:
    """The care of an incident with many patients, by the rules of `care.mass`.

    The first crew there triages the patients one after the other, in the order of their numbers,
    and takes nobody before all have a tag. Other ambulances wait in staging until one of the places
    for loading is free and then take the patient who comes first of those that have a tag. Who has
    a black tag is left where they are. As an ambulance gets clear another one is asked for, until
    nobody waits.

    Parameters
    ----------
    incident
        What happened.
    people
        Its patients.
    """

    def __init__(self, incident: Incident, people: list[Patient]) -> None:
        self.incident = incident
        self.people = people
        self.rules = incident.world.scenario.care.mass
        env: simpy.Environment = incident.world.env
        self._tagged = simpy.PriorityStore(env)
        self._places = simpy.Resource(env, self.rules.loading)
        self._left = len(people)
        self._triaging: Task | None = None
        self._all_tagged = env.event()

    @property
    def crews(self) -> int:
        """Ambulances that are asked for at first."""
        return min(self.rules.ambulances, len(self.people))

    def begin(self, tasks: list[Task]) -> None:
        """Follow the ambulances that were asked for at first."""
        for task in tasks:
            self._follow(task)

    def arrived(self, task: Task) -> None:
        """Let the first crew there begin to triage."""
        if self._triaging is None:
            self._triaging = task
            self.incident.world.env.process(self._triage())

    def serve(self, task: Task) -> Generator[simpy.Event, Any, float | None]:
        """Wait for a place and a patient; return when care begins, or None if nobody is left."""
        env = self.incident.world.env
        if task is self._triaging:
            yield self._all_tagged | task.release
        place = self._places.request()
        yield place | task.release
        if not place.triggered:
            place.cancel()
            return None
        patient: Any = self._tagged.get()
        yield patient | task.release
        if not patient.triggered:
            patient.cancel()
            self._places.release(place)
            return None
        env.process(self._leave(task, place))
        self._bind(task, patient.value.item)
        return float(env.now)

    def _leave(self, task: Task, place: simpy.resources.resource.Request) -> Life:
        yield task.off_scene
        self._places.release(place)

    def _bind(self, task: Task, patient: Patient) -> None:
        self._left -= 1
        patient.task, task.patient = task, patient
        # What is drawn for the patient does not depend on who comes.
        task.role = f"ambulance-{patient.number}"
        task.priority = _PRIORITY[patient.tag or Tag.IMMEDIATE]
        if patient.tag is Tag.IMMEDIATE and self.rules.need is not None:
            task.need = self.rules.need
        severe = patient.tag in {Tag.IMMEDIATE, Tag.DELAYED}
        task.transport = severe or self.incident.taken(patient.number, task.role)
        self._trim()

    def _triage(self) -> Life:
        env = self.incident.world.env
        for patient in self.people:
            yield env.timeout(self.rules.triage_s)
            if patient.vitals is None:
                raise RuntimeError("a patient of a mass casualty incident has vitals")
            patient.t_triage = env.now
            patient.tag = start(patient.vitals)
            if patient.tag is Tag.DEAD:
                self._left -= 1
                self._trim()
                continue
            rank = RANK[patient.tag] if self.rules.order == "start" else 0
            yield self._tagged.put(simpy.PriorityItem((rank, patient.number), patient))
        self._all_tagged.succeed()

    def _unbound(self) -> list[Task]:
        """Ambulances that were asked for and have no patient yet."""
        return [
            task
            for task in self.incident.tasks
            if task.unit_kind == "ambulance"
            and task.patient is None
            and not (task.release.triggered or task.done.triggered)
        ]

    def _trim(self) -> None:
        """Turn back ambulances for which nobody is left, who is farthest from the scene first."""
        unbound = self._unbound()
        unbound.sort(key=lambda t: (t.t_onscene is not None, t.unit is not None, -t.number))
        for task in unbound[: max(len(unbound) - self._left, 0)]:
            self.incident.dismiss(task)

    def _follow(self, task: Task) -> None:
        self.incident.world.env.process(self._replace(task))

    def _replace(self, task: Task) -> Life:
        """Ask for another ambulance when one is clear and somebody has none yet."""
        yield task.done
        incident = self.incident
        if incident.called_off or len(self._unbound()) >= self._left:
            return
        number = sum(each.unit_kind == "ambulance" for each in incident.tasks) + 1
        another = incident.task("ambulance", f"crew-{number}")
        incident.tasks.append(another)
        self._follow(another)
        incident.world.dispatcher.request([another])


def people_of_mass(incident: Incident, number: int) -> list[Patient]:
    """Return the patients of an incident with many, each drawn from a stream of their own."""
    world: World = incident.world
    rules = world.scenario.care.mass
    people = []
    for k in range(1, number + 1):
        rng = world.streams.stream("vitals", f"{incident.call_id}/{k}")
        u = float(rng.random())
        if u < rules.p_immediate:
            condition = Condition.IMMEDIATE
        elif u < rules.p_immediate + rules.p_delayed:
            condition = Condition.DELAYED
        elif u < rules.p_immediate + rules.p_delayed + rules.p_dead:
            condition = Condition.DEAD
        else:
            condition = Condition.MINOR
        people.append(Patient(incident, k, condition, draw_vitals(Tag(condition), rng)))
    return people
