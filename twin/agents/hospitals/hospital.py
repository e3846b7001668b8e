"""Hospitals: whom they accept, what is known of them outside, and how patients are handed over."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import simpy

from twin.agents.agent import CityAgent
from twin.agents.hospitals.emergency_room import Arrival, EmergencyRoom
from twin.network.graph import Place

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.world import Life, World

BAYS = 100
"""Patients that a hospital without an emergency room takes over at once: nobody waits for a bay."""


class HospitalStatus(StrEnum):
    """Whom a hospital accepts (`hospital_status.status`)."""

    OPEN = "open"
    DIVERT = "divert"  # no new ambulances
    CLOSED = "closed"


class Report(NamedTuple):
    """What a hospital said of itself: when, whom it accepts, and its emergency room.

    `full` tells whether it diverts for want of beds alone; `occupied` are the beds taken, `waiting`
    those who wait for one, by priority from 1 on.
    """

    t: float
    status: HospitalStatus
    full: bool
    occupied: int
    waiting: tuple[int, ...]


class Hospital(CityAgent):
    """A hospital with an emergency entrance.

    Parameters
    ----------
    world
        The model.
    hospital_id, name
        How it is known.
    place
        The entrance on the road.
    capabilities, level
        What it can treat, and its class; see the city's table.
    is_open
        Whether it is open unless a change says otherwise.
    beds
        Of its emergency room; 0 when none is simulated.
    walk_ins_per_day
        Patients who come to it by themselves.

    Attributes
    ----------
    status
        Whom it accepts in truth.
    known
        Its last report: all that crews and the dispatcher go by.
    accepts
        Whether an ambulance may bring an emergency patient, by what is known.
    only_full
        Whether it is known to divert, and for want of beds alone.
    coming
        Ambulances on their way to it.
    room
        The emergency room, if one is simulated.
    """

    def __init__(
        self,
        world: World,
        hospital_id: str,
        name: str,
        *,
        place: Place,
        capabilities: frozenset[str],
        is_open: bool,
        level: str = "",
        beds: int = 0,
        walk_ins_per_day: float = 0.0,
    ) -> None:
        super().__init__(world)
        self.hospital_id = hospital_id
        self.name = name
        self.place = place
        self.capabilities = capabilities
        self.level = level
        self.usual = HospitalStatus.OPEN if is_open else HospitalStatus.CLOSED
        self.status = self._ordered = self.usual
        self._full = False
        self._bays = BAYS
        self._for_bay: deque[simpy.Event] = deque()
        self.present = 0
        self.turns_away = world.env.event()
        """Succeeds when it is known to accept no ambulances; a fresh event follows."""
        self.coming: set[Task] = set()
        self._come: list[int] = []
        """Priorities of patients whom ambulances have brought since the last report."""
        self.brought: list[Arrival] = []
        """Patients of ambulances who are there."""
        self.room: EmergencyRoom | None = None
        self._tell(self._state(world.env.now))
        if beds:
            self.room = EmergencyRoom(
                world, hospital_id, beds, walk_ins_per_day, self._changed, self._left
            )
            self.room.open = is_open
            self.room.start()
        self._review(world.env.now, recorded=True)
        self.report()
        if world.scenario.hospitals.report_every_min:
            world.env.process(self._reporting(60.0 * world.scenario.hospitals.report_every_min))

    def expected_wait_s(self, priority: int) -> float:
        """Return the seconds that a patient who is sent there now must expect to wait for a bed.

        Let n patients be in beds or go before this one: those who wait with the same priority or a
        more urgent one, by the last report, and those like them of ambulances that are on their way
        or came since. Of these n - c + 1 must leave before one of the c beds is free. All beds
        taken, they leave at the rate c / S, where S is the mean stay, if stays are exponential
        (Erlang 1917): the wait is (n - c + 1) S / c. More urgent ones who come later are left
        aside. 0 while n < c, and where no emergency room is simulated.
        """
        if self.room is None:
            return 0.0
        beds = self.room.capacity
        sent = [*self._come, *(task.priority for task in self.coming)]
        before = sum(self.known.waiting[:priority]) + sum(each <= priority for each in sent)
        ahead = self.known.occupied + before - beds + 1
        return max(ahead, 0) * 60.0 * self.world.scenario.hospitals.stay_min / beds

    @property
    def diverts(self) -> bool:
        """Whether it is known to take emergencies, but no new ambulances."""
        return self.known.status is HospitalStatus.DIVERT and "emergency" in self.capabilities

    @property
    def known_full(self) -> bool:
        """Whether no bed was free by the last report."""
        return self.room is not None and self.known.occupied >= self.room.capacity

    @property
    def full(self) -> bool:
        """Whether no bed is free in truth."""
        return self.room is not None and self.room.occupied >= self.room.capacity

    def set_status(self, status: HospitalStatus) -> None:
        """Change whom the hospital accepts; ambulances on their way there choose again."""
        self._ordered = status
        if self.room is not None:
            self.room.open = status is not HospitalStatus.CLOSED
        self._review(self.world.env.now, recorded=False)

    def close_beds(self, number: int) -> None:
        """Keep so many beds of the emergency room out of use from now on, if there is one."""
        if self.room is not None:
            self.room.close_beds(number)
            self._changed(self.world.env.now)

    def report(self) -> None:
        """Let its true state be known; ambulances on their way learn of it."""
        was = self.known.status
        self._tell(self._state(self.world.env.now))
        self._come.clear()
        if self.known.status is not HospitalStatus.OPEN and self.known.status is not was:
            turned, self.turns_away = self.turns_away, self.world.env.event()
            turned.succeed()

    def _tell(self, report: Report) -> None:
        """Let a report be what is known; every choice of a hospital asks what follows from it."""
        emergencies = "emergency" in self.capabilities
        self.known = report
        self.accepts = emergencies and report.status is HospitalStatus.OPEN
        self.only_full = emergencies and report.full

    def receive(self, t: float, handover_s: float, task: Task, t_alert: float) -> Life:
        """Take over a patient who arrived at `t`; the crew is free when it is over.

        Without an emergency room they wait for a bay, then for `handover_s`. With one they wait for
        a bed, then for `handover_s`, but not longer than `release_after_min` in all.
        """
        if self.room is not None:
            yield from self._admit(self.room, t, handover_s, task, t_alert)
            return
        kept = self.world.scenario.record.events
        self.present += 1
        if kept:
            self._record(t)
        since = t
        if self._bays:
            self._bays -= 1
        else:
            self._for_bay.append(self.world.env.event())
            yield self._for_bay[-1]
            since = self.world.env.now
        yield self.world.until(since + handover_s)
        if self._for_bay:
            self._for_bay.popleft().succeed()
        else:
            self._bays += 1
        self.present -= 1
        if kept:
            self._record(self.world.env.now)

    def end(self) -> None:
        """Write down who is still there."""
        for patient in self.brought:
            self._write(patient)

    def _admit(
        self, room: EmergencyRoom, t: float, handover_s: float, task: Task, t_alert: float
    ) -> Life:
        world = self.world
        self.present += 1
        self._come.append(task.priority)
        patient = room.admit(task, t, t_alert)
        self.brought.append(patient)
        least = world.scenario.hospitals.release_after_min
        cap = None if least is None else world.until(t + 60.0 * least)
        yield patient.in_bed if cap is None else patient.in_bed | cap
        if patient.t_bed is not None:
            done = world.until(patient.t_bed + handover_s)
            yield done if cap is None else done | cap
        patient.t_released = world.env.now
        self.present -= 1
        self._record(world.env.now)

    def _left(self, patient: Arrival) -> None:
        if patient.task is not None:
            self.brought.remove(patient)
            self._write(patient)

    def _changed(self, t: float) -> None:
        """Take note that the emergency room has changed."""
        self._review(t, recorded=True)

    def _review(self, t: float, *, recorded: bool) -> None:
        """Set whom the hospital accepts by what was ordered and by how full it is."""
        settings = self.world.scenario.hospitals
        if self.room is not None and settings.divert_at is not None:
            load = (self.room.occupied + self.room.waiting) / self.room.capacity
            limit = settings.reopen_at if self._full else settings.divert_at
            self._full = load > limit if self._full else load >= limit
        status = self._ordered
        if self._full and status is HospitalStatus.OPEN:
            status = HospitalStatus.DIVERT
        was, self.status = self.status, status
        if recorded or was is not status:
            self._record(t)
        if not settings.report_every_min:
            self.report()

    def _reporting(self, every_s: float) -> Life:
        while True:
            yield self.world.env.timeout(every_s)
            self.report()

    def _state(self, t: float) -> Report:
        occupied = 0
        waiting: tuple[int, ...] = (0, 0, 0, 0)
        if self.room is not None:
            occupied, waiting = self.room.occupied, self.room.waiting_by_priority()
        full = self.status is HospitalStatus.DIVERT and self._ordered is HospitalStatus.OPEN
        return Report(t, self.status, full, occupied, waiting)

    def _record(self, t: float) -> None:
        room = self.room
        beds: dict[str, int] = {}
        if room is not None:
            beds = {"beds": room.capacity, "occupied": room.occupied, "waiting": room.waiting}
        self.world.recorder.row(
            "hospital_status",
            t=t,
            hospital_id=self.hospital_id,
            status=str(self.status),
            present=self.present,
            **beds,
        )

    def _write(self, patient: Arrival) -> None:
        task = patient.task
        if task is None or not task.incident.counted:
            return
        began = patient.t_treatment
        self.world.recorder.row(
            "hospital_patients",
            call_id=task.incident.call_id,
            role=task.role,
            unit_id=None if task.unit is None else task.unit.unit_id,
            hospital_id=self.hospital_id,
            priority=patient.priority,
            need=task.need,
            able=not task.need or task.need in self.capabilities,
            refusals=task.refusals,
            t_alert=patient.t_alert,
            t_door=patient.t_door,
            t_bed=patient.t_bed,
            t_treatment=began,
            t_released=patient.t_released,
            door_to_treatment_s=None if began is None else began - patient.t_door,
        )
