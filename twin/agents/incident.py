"""What happens to people: the course of an incident; and the plain medical one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from twin.agents.agent import CityAgent
from twin.agents.states import STAGES, Stage
from twin.agents.task import Task
from twin.demand.recorded import P_TRANSPORT
from twin.network.graph import Place

if TYPE_CHECKING:
    from twin.agents.world import Life, World

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
    tasks
        The parts that units play in it.
    reached
        Succeeds, with the exact time as its value, when the response clock stops.
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
        self.priority = call.priority
        self.t_call = call.t_call
        self.counted = call.t_call >= world.scenario.period.start_s
        self.place = Place(call.link, call.pos_m)
        self.stage: Stage | None = None
        self.tasks: list[Task] = []
        self.t_answer: float | None = None
        self.reached = world.env.event()
        self.closed = False
        world.incidents[self.call_id] = self
        self.process = world.env.process(self._life())

    @property
    def siren(self) -> bool:
        """Whether units drive to the scene under siren."""
        return self.priority <= self.world.durations.service.siren_to_priority

    @property
    def patients(self) -> int:
        """Patients for whom an ambulance is asked."""
        return self.call.patients

    def plan(self) -> list[Task]:
        """Return the units that are asked for when the call has been handled."""
        world = self.world
        made: Counter[str] = Counter()
        tasks: list[Task] = []
        for kind, number, per_patient in world.plans.of(self.kind, self.priority):
            if kind not in world.kinds:
                continue
            for _ in range(self.patients if per_patient else number):
                made[kind] += 1
                role = f"{kind}-{made[kind]}"
                transport = per_patient and self._taken(made[kind], role)
                tasks.append(self.task(kind, role, transport=transport))
        return tasks

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
            self.arrived(task, t)

    def enter(self, stage: Stage, t: float) -> None:
        """Move on to a stage and record it; one that has been passed is left aside."""
        order = STAGES[self.kind]
        if stage not in order:
            return
        if self.stage is not None and order.index(stage) <= order.index(self.stage):
            return
        self.stage = stage
        self.record(stage, t)

    def record(self, stage: Stage, t: float) -> None:
        """Record a stage, unless the call belongs to the warm-up."""
        if not self.counted:
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

    def write(self) -> None:
        """Write the call's row as things stand, unless it belongs to the warm-up."""
        self.world.unwritten.pop(self.call_id, None)
        if not self.counted:
            return
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
            priority=self.priority,
            lon=call.lon,
            lat=call.lat,
            district=call.district,
            t_call=self.t_call,
            t_answer=self.t_answer,
            t_dispatch=None if first is None else first.t_dispatch,
            t_enroute=None if first is None else first.t_enroute,
            t_onscene=onscene,
            **self._clocks(),
            t_leave=None if carrier is None else carrier.t_leave,
            t_hospital=None if carrier is None else carrier.t_hospital,
            t_clear=max(clears) if self.closed and clears else None,
            t_base=None if first is None else first.t_base,
            response_s=response,
            unit_id=None if first is None or first.unit is None else first.unit.unit_id,
            carrier_id=None if carrier is None or carrier.unit is None else carrier.unit.unit_id,
            hospital_id=None if carrier is None else carrier.hospital_id,
            transported=carrier is not None,
            fate="closed" if self.closed else "open",
        )

    @property
    def primary(self) -> Task | None:
        """The part of the unit that stopped the clock, else of the first one that was sent."""
        clock = [t for t in self.tasks if t.unit is not None and t.unit_kind in self.clock_kinds]
        return min(
            clock,
            key=lambda t: (
                math.inf if t.t_onscene is None else t.t_onscene,
                math.inf if t.t_dispatch is None else t.t_dispatch,
                t.number,
            ),
            default=None,
        )

    def _clocks(self) -> dict[str, float | None]:
        """Return when the first unit, the first capable one and all of the plan were on scene.

        A unit that turned back because it was not needed any more does not count for the last.
        """
        there = [t for t in self.tasks if t.t_onscene is not None]
        capable = [t.t_onscene for t in there if t.unit_kind == self.capable_kind]
        every = [t.t_onscene for t in self.tasks if t.t_onscene is not None or not t.done.triggered]
        full = [t for t in every if t is not None]
        return {
            "t_first": min((t.t_onscene for t in there if t.t_onscene is not None), default=None),
            "t_capable": min((t for t in capable if t is not None), default=None),
            "t_full": max(full) if full and len(full) == len(every) else None,
        }

    def _taken(self, number: int, role: str) -> bool:
        """Return whether the patient of an ambulance is taken to hospital."""
        if number == 1:
            return self.call.transported
        p = self.world.durations.service.p_transport.get(self.kind, P_TRANSPORT)
        return bool(self.world.streams.stream("transport", f"{self.call_id}/{role}").random() < p)

    def task(self, unit_kind: str, role: str, *, transport: bool = False) -> Task:
        """Return a request for a unit."""
        number = self.world.dispatcher.next_number()
        return Task(self, unit_kind, role, transport=transport, number=number)

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
        self.tasks = self.plan()
        self.world.dispatcher.request(self.tasks)
        yield from self.course()
        yield env.all_of([task.done for task in self.tasks])
        self.enter(Stage.CLOSED, env.now)
        self.closed = True
        del self.world.incidents[self.call_id]
        self.world.unwritten[self.call_id] = self
        self.remove()
        self.settle()


class Medical(Incident):
    """People who are ill or hurt: an ambulance for each."""

    kind: ClassVar[str] = "medical"
    clock_kinds: ClassVar[frozenset[str]] = frozenset({"ambulance"})
    _relieved = False

    @property
    def patients(self) -> int:
        """One at least: an ambulance comes where nobody turns out to be hurt."""
        return max(self.call.patients, 1)

    def arrived(self, task: Task, t: float) -> None:  # noqa: ARG002  # it counts from now
        """Let first responders go some time after the ambulance has come, if one is to come."""
        helpers = [other for other in self.tasks if other.unit_kind != self.capable_kind]
        if not helpers:
            return
        if task.unit_kind == self.capable_kind:
            if not self._relieved:
                self._relieved = True
                self.world.env.process(self._relieve(helpers))
        elif len(helpers) == len(self.tasks):
            self.world.env.process(self._leave([task]))

    def _relieve(self, helpers: Sequence[Task]) -> Life:
        """Turn back who is still on the way, and let the others go."""
        there = [task for task in helpers if task.t_onscene is not None]
        for task in helpers:
            if task.t_onscene is None:
                self.world.dispatcher.release(task)
        yield from self._leave(there)

    def _leave(self, there: Sequence[Task]) -> Life:
        yield self.world.env.timeout(self.world.scenario.care.first_responder_stay_s)
        for task in there:
            self.world.dispatcher.release(task)
