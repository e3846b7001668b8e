"""Emergency rooms: beds, teams that treat, who walks in, and who waits.

Patients wait for a bed by their priority and, among equals, in the order in which they came. Beds
and teams are SimPy resources, so a room in which all patients have one priority and stay for
exponential times is the queue M/M/c of Erlang (1917).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import simpy
from numpy.typing import NDArray
from simpy.resources.resource import PriorityRequest as Request

from twin.core.clock import DAY_S, HOUR_S

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.world import Life, World
    from twin.scenarios.hospitals import Hospitals

F64 = NDArray[np.float64]
_BEFORE_ALL = 0
"""Priority of closing a bed; patients have 1 to 4."""


class WalkIns(NamedTuple):
    """N patients who come by themselves: when, how long they keep a bed, what a team gives them."""

    t: F64
    stay_s: F64
    treatment_s: F64


@dataclass(slots=True)
class Arrival:
    """Somebody in an emergency room, or who waits for it.

    Attributes
    ----------
    task
        The ambulance's part in the call; None for somebody who walked in.
    priority
        1 is the most urgent.
    t_door
        When they came, seconds.
    t_alert
        When their ambulance said that they would come, or `t_door`.
    in_bed
        Succeeds when there is a bed.
    t_bed, t_treatment, t_released
        When they got a bed, when treatment began and when their crew left, None until then.
    """

    priority: int
    t_door: float
    t_alert: float
    stay_s: float
    treatment_s: float
    in_bed: simpy.Event
    task: Task | None = None
    t_bed: float | None = None
    t_treatment: float | None = None
    t_released: float | None = None


class EmergencyRoom:
    """The beds and teams of one hospital.

    Parameters
    ----------
    world
        The model; its scenario's `hospitals` says how long patients stay.
    hospital_id
        Whose it is; walk-ins are drawn for it and each day.
    beds
        How many there are.
    walk_ins_per_day
        Patients a day who come by themselves.
    changed, left
        Called with the time when somebody has come or left; and with who left.
    """

    def __init__(
        self,
        world: World,
        hospital_id: str,
        beds: int,
        walk_ins_per_day: float,
        changed: Callable[[float], None],
        left: Callable[[Arrival], None],
    ) -> None:
        self.world = world
        self.hospital_id = hospital_id
        settings = world.scenario.hospitals
        self.settings = settings
        self.beds = simpy.PriorityResource(world.env, beds)
        self.teams = (
            None if settings.teams is None else simpy.PriorityResource(world.env, settings.teams)
        )
        self._closed: list[Request] = []
        """Beds out of use: requests that go before every patient's, granted or not yet."""
        self.open = True
        """Whether people who walk in are let in."""
        self._changed, self._left = changed, left
        self._per_day = walk_ins_per_day

    @property
    def capacity(self) -> int:
        """Beds in use, those left out that are still to be closed when they are free."""
        return int(self.beds.capacity) - len(self._closed)

    @property
    def occupied(self) -> int:
        """Beds with a patient."""
        return int(self.beds.count) - sum(request.triggered for request in self._closed)

    @property
    def waiting(self) -> int:
        """Patients who wait for a bed."""
        return len(self.beds.queue) - sum(not request.triggered for request in self._closed)

    def close_beds(self, number: int) -> None:
        """Keep so many beds out of use, all but one at most; each as soon as it is free."""
        number = min(number, int(self.beds.capacity) - 1)
        while len(self._closed) < number:
            self._closed.append(self.beds.request(priority=_BEFORE_ALL))
        while len(self._closed) > number:
            # Those not closed yet are the last ones: they are granted in their order.
            request = self._closed.pop()
            if request.triggered:
                self.beds.release(request)
            else:
                request.cancel()

    def waiting_by_priority(self) -> tuple[int, ...]:
        """Return how many wait for a bed, of priority 1, 2, 3 and 4."""
        of = [request.priority for request in self.beds.queue]
        return tuple(of.count(priority) for priority in (1, 2, 3, 4))

    def start(self) -> None:
        """Fill the beds with those who came before the run, and let people walk in."""
        if self._per_day <= 0.0:
            return
        world, now = self.world, self.world.env.now
        since, end = now - HOUR_S * self.settings.filled_h, world.scenario.period.end_s
        come = draw_walk_ins(world, self.hospital_id, self._per_day, since, end)
        before = int(np.searchsorted(come.t, now))
        past = WalkIns(*(column[:before] for column in come))
        for k, in_bed in still_there(past, self.capacity, now):
            t, stay_s, treatment_s = (float(column[k]) for column in past)
            patient = self._walk_in(t if in_bed is None else in_bed, stay_s, treatment_s)
            patient.t_treatment = in_bed
            self._begin(patient)
        rest = WalkIns(*(column[before:] for column in come))
        world.env.process(self._walking_in(rest))

    def admit(self, task: Task, t_door: float, t_alert: float) -> Arrival:
        """Take in a patient whom an ambulance brought at `t_door`, as soon as there is a bed."""
        streams, settings = self.world.streams, self.settings
        entity = f"{task.incident.call_id}/{task.role}"
        patient = Arrival(
            priority=task.priority,
            t_door=t_door,
            t_alert=t_alert,
            stay_s=float(stays(settings, streams.lent("bed", entity), 1)[0]),
            treatment_s=60.0
            * settings.treatment_min
            * float(streams.lent("treatment", entity).standard_exponential()),
            in_bed=self.world.env.event(),
            task=task,
        )
        self._begin(patient)
        self._changed(t_door)
        return patient

    def _walk_in(self, t_door: float, stay_s: float, treatment_s: float) -> Arrival:
        return Arrival(
            priority=self.settings.walk_in_priority,
            t_door=t_door,
            t_alert=t_door,
            stay_s=stay_s,
            treatment_s=treatment_s,
            in_bed=self.world.env.event(),
        )

    def _walking_in(self, come: WalkIns) -> Life:
        for t, stay_s, treatment_s in zip(*(column.tolist() for column in come), strict=True):
            yield self.world.until(t)
            if self.open:
                self._begin(self._walk_in(t, stay_s, treatment_s))
                self._changed(t)

    def _begin(self, patient: Arrival) -> None:
        bed = self.beds.request(priority=patient.priority)
        if bed.triggered:
            patient.t_bed = patient.t_door
            patient.in_bed.succeed()
        self.world.env.process(self._course(patient, bed))

    def _course(self, patient: Arrival, bed: Request) -> Life:
        """Live through the wait for a bed, the wait for a team, the treatment and the rest."""
        world, env = self.world, self.world.env
        if patient.t_bed is None:
            yield bed
            patient.t_bed = env.now
            patient.in_bed.succeed()
        if patient.t_treatment is None:
            yield from self._treat(patient, patient.t_bed)
        yield world.until(patient.t_bed + patient.stay_s)
        yield self.beds.release(bed)  # and the next patient has it
        self._left(patient)
        self._changed(env.now)

    def _treat(self, patient: Arrival, t_bed: float) -> Life:
        """Wait until a team is ready, and until it is done if there are only so many."""
        world, settings = self.world, self.settings
        prepared = patient.task is not None and patient.priority <= settings.prepared_priority
        ready = max(t_bed, patient.t_alert + 60.0 * settings.preparation_min * prepared)
        yield world.until(ready)
        patient.t_treatment = ready
        if self.teams is None:
            return
        with self.teams.request(priority=patient.priority) as team:
            if not team.triggered:
                yield team
                patient.t_treatment = world.env.now
            yield world.until(patient.t_treatment + patient.treatment_s)


def stays(settings: Hospitals, rng: np.random.Generator, n: int) -> F64:
    """Return (n,) seconds in a bed: gamma of the scenario's mean and coefficient of variation.

    The shape is 1 / cv^2 and the scale mean * cv^2; cv = 1 is exponential, cv = 0 constant.
    """
    mean, square = 60.0 * settings.stay_min, settings.stay_cv**2
    if square == 0.0:
        return np.full(n, mean)
    return np.asarray(mean * square * rng.standard_gamma(1.0 / square, n), np.float64)


def draw_walk_ins(
    world: World, hospital_id: str, per_day: float, t_from: float, t_to: float
) -> WalkIns:
    """Return who walks in between two times: a Poisson process whose rate changes by the hour."""
    settings = world.scenario.hospitals
    weights = np.array(settings.walk_in_hours)
    by_hour = per_day * weights / weights.sum()
    days = range(int(t_from // DAY_S), int(np.ceil(t_to / DAY_S)))
    parts: list[WalkIns] = []
    for day in days:
        rng = world.streams.stream("walk-ins", f"{hospital_id}/{day}")
        hours = np.repeat(np.arange(24), rng.poisson(by_hour))
        t = np.sort(day * DAY_S + HOUR_S * (hours + rng.random(len(hours))))
        given = world.streams.stream("walk-in-beds", f"{hospital_id}/{day}")
        stay = stays(settings, given, len(t))
        treated = 60.0 * settings.treatment_min * given.standard_exponential(len(t))
        parts.append(WalkIns(t, stay, treated))
    if not parts:
        return WalkIns(np.empty(0), np.empty(0), np.empty(0))
    t = np.concatenate([part.t for part in parts])
    inside = (t >= t_from) & (t < t_to)
    return WalkIns(*(np.concatenate(column)[inside] for column in zip(*parts, strict=True)))


def still_there(come: WalkIns, beds: int, t: float) -> list[tuple[int, float | None]]:
    """Return who of a queue served in order is there at `t`, and since when each has a bed.

    The recursion of Kiefer and Wolfowitz (1955): each patient takes the bed that is free first.
    None stands for who waits.
    """
    free = [-np.inf] * beds
    there: list[tuple[int, float | None]] = []
    for k, (came, stay) in enumerate(zip(come.t.tolist(), come.stay_s.tolist(), strict=True)):
        since = max(came, free[0])
        heapq.heapreplace(free, since + stay)
        if since > t:
            there.append((k, None))
        elif since + stay > t:
            there.append((k, since))
    return there
