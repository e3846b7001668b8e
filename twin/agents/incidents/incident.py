"""What happens to people: the course of an incident."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import simpy

from twin.agents.agent import CityAgent
from twin.agents.incidents.clocks import clocks
from twin.agents.incidents.floors import way_to_patient_s
from twin.agents.incidents.mass import MassCasualty, people_of_mass
from twin.agents.incidents.patient import Condition, Patient, severity
from twin.agents.states import STAGE_NUMBER, Stage
from twin.agents.task import Task
from twin.demand.recorded import P_TRANSPORT
from twin.network.graph import Place

if TYPE_CHECKING:
    from twin.agents.world import Life, World
    from twin.scenarios.care import Sent

_TIME_OF_STAGE = {
    Stage.DISPATCHED: "t_dispatch",
    Stage.EN_ROUTE: "t_enroute",
    Stage.ON_SCENE: "t_onscene",
    Stage.LEFT_SCENE: "t_leave",
    Stage.AT_HOSPITAL: "t_hospital",
}


class Call(NamedTuple):
    """A call as it is received; a row of `twin.demand.calls.draw_calls`."""

    call_id: str
    kind: str
    priority: int
    t_call: float
    lon: float
    lat: float
    link: int
    pos_m: float
    district: str
    transported: bool
    patients: int
    hospital_id: str = ""
    """Where the record says that the patient was taken; empty if it does not."""
    type: str = ""
    """Name of its type where that is not drawn."""


class Outcome(NamedTuple):
    """How a call ended; `response_s` is None when nobody came."""

    kind: str
    closed: bool
    response_s: float | None


class Incident(CityAgent):
    """Something that happened, from the call to the last unit being free again.

    Parameters
    ----------
    world
        The model.
    call
        What was reported; the incident begins now.

    Attributes
    ----------
    stage
        How far it is.
    counted
        Whether the call came in the scenario's period, not in the warm-up before it.
    finding
        What it turns out to be.
    priority, priority_at_call
        How urgent it is, and was at first; 1 is the most.
    people
        Its patients, where they are followed.
    mass
        Their care, where they are many.
    tasks
        The parts that units play in it.
    t_answer
        When a call-taker answered.
    reached
        Succeeds, with the exact time as its value, when the response clock stops; with None when it
        never will.
    called_off
        Whether nobody was needed any more before anybody came.
    queued
        Whether it has been counted as one that waited for a unit.
    """

    kind: ClassVar[str]
    clock_kinds: ClassVar[frozenset[str]] = frozenset({"ambulance", "engine"})
    """Kinds of unit whose arrival stops the response clock."""
    capable_kind: ClassVar[str] = "ambulance"
    """Kind of unit that can do what is needed: take a patient to hospital, put out a fire."""

    def __init__(self, world: World, call: Call) -> None:
        super().__init__(world)
        self.call = call
        self.call_id = call.call_id
        self.finding = world.call_types.of(call.kind, call.call_id, call.type)
        self.priority = self.priority_at_call = self.finding.priority or call.priority
        self.t_call = call.t_call
        self.counted = call.t_call >= world.start_s
        self.place = Place(call.link, call.pos_m)
        self.stage: Stage | None = None
        self.tasks: list[Task] = []
        self.t_answer: float | None = None
        self.reached = world.env.event()
        self.closed = False
        self.called_off = False
        self.queued = False
        care = world.scenario.care
        most = care.mass.from_patients
        self.mass: MassCasualty | None = None
        self.people: list[Patient] = []
        if most is not None and self.patients >= most and self.finding.check_s is None:
            self.people = people_of_mass(self, self.patients)
            self.mass = MassCasualty(self, self.people)
        elif care.patients.record and self.finding.check_s is None:
            self.people = self._people()
        self._asked = 0
        world.incidents[self.call_id] = self
        self.process = world.env.process(self._life())
        if math.isfinite(self.finding.cancelled_s):
            world.env.process(self._cancel())
        if math.isfinite(self.finding.worse_s) and self.priority > 1:
            world.env.process(self._worsen())

    @property
    def siren(self) -> bool:
        """Whether units drive to the scene under siren."""
        return self.priority <= self.world.durations.service.siren_to_priority

    @property
    def patients(self) -> int:
        """Patients for whom an ambulance is asked."""
        return self.call.patients + self.finding.more_patients

    def plan(self) -> list[Task]:
        """Return the units that are asked for when the call has been handled."""
        return self.wanted(self.world.plans.of(self.kind, self.finding.name, self.priority))

    def wanted(self, lines: Sequence[Sent]) -> list[Task]:
        """Return the requests of the lines of a plan."""
        made: dict[str, int] = {}
        for task in self.tasks:
            made[task.unit_kind] = made.get(task.unit_kind, 0) + 1
        tasks: list[Task] = []
        each = self.patients if self.mass is None else self.mass.crews
        for kind, number, per_patient, advanced in lines:
            if kind not in self.world.kinds:
                continue
            for _ in range(each if per_patient else number):
                k = made[kind] = made.get(kind, 0) + 1
                role = f"{kind}-{k}"
                transport = per_patient and self.taken(k, role)
                task = self.task(kind, role, transport=transport, advanced=advanced)
                task.need = self.finding.need
                if per_patient and self.mass is None and k <= len(self.people):
                    task.patient, self.people[k - 1].task = self.people[k - 1], task
                tasks.append(task)
        return tasks

    def ready(self, task: Task, t: float) -> Generator[simpy.Event, Any, float | None]:
        """Wait until a crew on scene since `t` can treat a patient.

        Returns
        -------
        float or None
            When it begins; None when there is nobody to be treated.
        """
        if self.finding.check_s is not None:
            yield task.release
        if task.release.triggered:
            return None
        if self.mass is not None:
            return (yield from self.mass.serve(task))
        if self.finding.shift:
            task.priority = min(max(self.priority + self.finding.shift, 1), 4)
        return t + self.to_patient_s

    @property
    def walks(self) -> bool:
        """Whether the way from a vehicle's stop to the patient takes crews time of its own."""
        return self.kind == "medical" and self.world.scenario.chain.walks

    @property
    def to_patient_s(self) -> float:
        """Seconds from a vehicle's stop to the patient; 0 where nobody has to walk."""
        if not self.walks:
            return 0.0
        return way_to_patient_s(self.world, self.call_id)

    def can(self, task: Task) -> bool:
        """Return whether a unit can do what is needed, of the level that was asked for."""
        if task.unit_kind != self.capable_kind or task.unit is None:
            return False
        return task.unit.advanced or not any(each.advanced for each in self.tasks)

    def dismiss(self, task: Task) -> None:
        """Let a unit go, wherever it is, unless it has been let go before."""
        if not (task.release.triggered or task.done.triggered):
            self.world.dispatcher.release(task)

    def course(self) -> Life:
        """Live through the incident until nobody needs more units than those that were asked."""
        yield from ()

    def arrived(self, task: Task, t: float) -> None:
        """Take note that a unit has come on scene at `t`."""

    def note(self, task: Task, stage: Stage, t: float) -> None:
        """Take note of how far a unit is; the first unit to reach a stage moves the incident on."""
        setattr(task, _TIME_OF_STAGE[stage], t)
        if stage is Stage.LEFT_SCENE:
            task.off_scene.succeed()
        if task.unit_kind in self.clock_kinds:
            self.enter(stage, t)
            if stage is Stage.ON_SCENE and not self.reached.triggered:
                self.reached.succeed(t)
        if stage is Stage.ON_SCENE:
            if self.mass is not None:
                self.mass.arrived(task)
            if self.finding.check_s is not None:
                self.world.env.process(self._stand_down(t + self.finding.check_s))
            self.arrived(task, t)

    def enter(self, stage: Stage, t: float) -> None:
        """Move on to a stage and record it; one that has been passed is left aside."""
        number = STAGE_NUMBER[self.kind]
        if stage not in number:
            return
        if self.stage is not None and number[stage] <= number[self.stage]:
            return
        self.stage = stage
        self.record(stage, t)

    def record(self, stage: Stage, t: float) -> None:
        """Record a stage, unless the call belongs to the warm-up."""
        if not (self.counted and self.world.scenario.record.events):
            return
        self.world.recorder.row(
            "incident_events",
            t=t,
            call_id=self.call_id,
            kind=self.kind,
            stage=str(stage),
            lon=self.call.lon,
            lat=self.call.lat,
        )

    def settle(self) -> None:
        """Write the call's row once it is closed and it is known when its unit came home."""
        primary = self.primary
        if self.call_id in self.world.unwritten and (primary is None or primary.settled):
            self.write()
            # Who knew each other would have to be found as a circle to be forgotten.
            self.tasks = []

    def write(self) -> None:
        """Write the call's row as things stand, unless it belongs to the warm-up."""
        self.world.unwritten.pop(self.call_id, None)
        if not self.counted:
            return
        for patient in self.people:
            patient.record()
        call, first = self.call, self.primary
        carried = [t for t in self.tasks if t.t_leave is not None]
        carrier = min(carried, key=lambda t: (t is not first, t.t_leave, t.number), default=None)
        clears = [t.t_clear for t in self.tasks if t.t_clear is not None]
        onscene = None if first is None else first.t_onscene
        response = None if onscene is None else onscene - self.t_call
        self.world.outcomes.append(Outcome(self.kind, closed=self.closed, response_s=response))
        self.world.recorder.row(
            "calls",
            call_id=self.call_id,
            kind=self.kind,
            type=self.finding.name or None,
            priority=self.priority_at_call,
            priority_after=None if first is None or onscene is None else first.priority,
            lon=call.lon,
            lat=call.lat,
            district=call.district,
            t_call=self.t_call,
            t_answer=self.t_answer,
            t_dispatch=None if first is None else first.t_dispatch,
            t_enroute=None if first is None else first.t_enroute,
            t_onscene=onscene,
            **clocks(self.tasks, self._asked, self.can),
            t_patient=self._at_patient(first),
            t_leave=None if carrier is None else carrier.t_leave,
            t_hospital=None if carrier is None else carrier.t_hospital,
            t_clear=max(clears) if self.closed and clears else None,
            t_base=None if first is None else first.t_base,
            response_s=response,
            unit_id=None if first is None or first.unit is None else first.unit.unit_id,
            carrier_id=None if carrier is None or carrier.unit is None else carrier.unit.unit_id,
            hospital_id=None if carrier is None else carrier.hospital_id,
            transported=carrier is not None,
            false_alarm=self.finding.check_s is not None,
            fate="open" if not self.closed else "cancelled" if self.called_off else "closed",
        )

    def _at_patient(self, first: Task | None) -> float | None:
        """Return when the crew of a part was with its patient, if it has been."""
        t = None if first is None else first.t_patient
        return None if t is None or t > self.world.env.now else t

    @property
    def primary(self) -> Task | None:
        """The part of the unit that stopped the clock, else of the first one that was sent."""
        clock = [t for t in self.tasks if t.unit is not None and t.unit_kind in self.clock_kinds]
        if len(clock) == 1:
            return clock[0]
        return min(
            clock,
            key=lambda t: (
                math.inf if t.t_onscene is None else t.t_onscene,
                math.inf if t.t_dispatch is None else t.t_dispatch,
                t.number,
            ),
            default=None,
        )

    def taken(self, number: int, role: str) -> bool:
        """Return whether the patient of an ambulance is taken to hospital."""
        p = self.finding.p_transport
        if p is None:
            if number == 1:
                return self.call.transported
            p = self.world.durations.service.p_transport.get(self.kind, P_TRANSPORT)
        return bool(self.world.streams.lent("transport", f"{self.call_id}/{role}").random() < p)

    def task(
        self, unit_kind: str, role: str, *, transport: bool = False, advanced: bool = False
    ) -> Task:
        """Return a request for a unit."""
        number = self.world.dispatcher.next_number()
        return Task(self, unit_kind, role, transport=transport, number=number, advanced=advanced)

    def draw(self, interval: str, role: str = "") -> float:
        """Return the duration of an interval of this call, seconds."""
        return self.world.durations.draw(self.kind, interval, self.priority, self.call_id, role)

    def _life(self) -> Life:
        env = self.world.env
        self.enter(Stage.RECEIVED, self.t_call)
        if self.world.call_takers is None:
            self.t_answer = self.t_call
            yield env.timeout(self.draw("handling"))
        else:
            with self.world.call_takers.request() as answered:
                yield answered
                self.t_answer = env.now
                yield env.timeout(self.draw("handling"))
        if not self.called_off:
            seats = self.world.seats
            if seats is not None and "call-taker" in seats.taken:
                said = int((yield seats.priority(self)))
                if said != self.priority:
                    self.priority = self.priority_at_call = said
            self.tasks = self.plan()
            self._asked = len(self.tasks)
            if self.mass is not None:
                self.mass.begin([t for t in self.tasks if t.unit_kind == "ambulance"])
            self.world.dispatcher.request(self.tasks)
        yield from self.course()
        while True:
            # More may have been asked for meanwhile.
            waited = len(self.tasks)
            for task in self.tasks:
                yield task.done
            if self.mass is not None:
                # It hears of the last crew in the same instant, and may ask for the next one.
                yield env.timeout(0.0)
            if waited == len(self.tasks):
                break
        self.enter(Stage.CLOSED, env.now)
        self.closed = True
        del self.world.incidents[self.call_id]
        self.world.unwritten[self.call_id] = self
        self.remove()
        self.settle()

    def _people(self) -> list[Patient]:
        """Return the patients where there is no triage: the first is what the call is about."""
        condition = Condition.ARREST if self.finding.arrest else severity(self.priority)
        people = range(1, self.call.patients + self.finding.more_patients + 1)
        return [Patient(self, k, condition) for k in people]

    def _cancel(self) -> Life:
        """Call it off in time, unless somebody is there."""
        yield self.world.env.timeout(self.finding.cancelled_s)
        if not self.closed and all(task.t_onscene is None for task in self.tasks):
            self.called_off = True
            self._dismiss_all()

    def _worsen(self) -> Life:
        """Make it more urgent, if who is needed is not there in time."""
        yield self.world.env.timeout(self.finding.worse_s)
        there = any(t.t_onscene is not None and self.can(t) for t in self.tasks)
        if self.closed or self.called_off or there:
            return
        self.priority -= 1
        for task in self.tasks:
            task.priority = self.priority
        for kind in sorted({task.unit_kind for task in self.tasks if task.unit is None}):
            self.world.dispatcher.review(kind)

    def _stand_down(self, t: float) -> Life:
        """Let everybody go when the first crew has found nothing."""
        yield self.world.until(t)
        self._dismiss_all()

    def _dismiss_all(self) -> None:
        for task in self.tasks:
            self.dismiss(task)
        if not self.reached.triggered:
            self.reached.succeed(None)
