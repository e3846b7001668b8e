"""Ambulances: care on scene, transport, handover."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, ClassVar

import simpy

from twin.agents.hospitals.choice import choose_hospital, refuses
from twin.agents.hospitals.hospital import HospitalStatus
from twin.agents.states import Stage, UnitState
from twin.agents.units.telemetry import Telemetry
from twin.agents.units.unit import RETRY_S, Unit, arrived_at, has_arrived
from twin.agents.waiting import either
from twin.traffic.mobility import UnreachableError

if TYPE_CHECKING:
    from twin.agents.hospitals.hospital import Hospital
    from twin.agents.task import Task
    from twin.agents.world import Life


class Ambulance(Unit):
    """An ambulance with its crew."""

    kind: ClassVar[str] = "ambulance"

    @property
    def siren(self) -> bool:
        """Whether it drives to hospital under siren."""
        least = self.world.scenario.chain.siren_to_hospital
        return self.task is not None and self.task.priority <= least

    def work(self, task: Task, t: float) -> Life:
        """Treat the patient; take them to hospital and hand them over if they must go."""
        begun = yield from task.incident.ready(task, t)
        if begun is None:
            return
        task.t_patient = begun
        if task.transport:
            yield self.world.until(begun + self._draw(task, "scene_transport"))
            yield from self._transport(task)
        else:
            yield self.world.until(begun + self._draw(task, "scene"))

    def _draw(self, task: Task, interval: str) -> float:
        incident = task.incident
        return self.world.durations.draw(
            incident.kind, interval, incident.priority, incident.call_id, task.role
        )

    def _transport(self, task: Task) -> Life:
        """Drive to a hospital that accepts the patient, choosing again when it turns away."""
        world = self.world
        passed_over: set[str] = set()
        every = world.scenario.hospitals.vitals_every_s
        signs = None if every is None else Telemetry(world, task, every)
        while True:
            hospital = yield from choose_hospital(world, self, task, passed_over)
            if hospital is None:
                world.unplaced[task] = True
                passed_over.clear()
                world.mobility.stop(self.handle)
                yield world.env.timeout(RETRY_S)
                continue
            if world.scenario.hospitals.asks and not (yield from self._asked(task, hospital)):
                passed_over.add(hospital.hospital_id)
                continue
            if task in world.unplaced:
                world.unplaced[task] = False
            if self.state is not UnitState.TRANSPORTING:
                self.enter(UnitState.TRANSPORTING)
                task.incident.note(task, Stage.LEFT_SCENE, world.env.now)
            set_out = world.env.now
            try:
                arrival = yield from self._bring(task, hospital, signs)
            except UnreachableError:
                passed_over.add(hospital.hospital_id)
                continue
            if arrival is not None:
                break
        t = arrived_at(arrival, set_out)
        alert = set_out if world.scenario.hospitals.prealert else t
        yield from self._hand_over(task, hospital, t, alert)

    def _asked(self, task: Task, hospital: Hospital) -> Generator[simpy.Event, Any, bool]:
        """Ask a hospital whether it takes the patient, and return the answer."""
        world, settings = self.world, self.world.scenario.hospitals
        if task.refusals >= settings.most_refusals:
            return True  # the control centre tells it to
        if self.state is UnitState.TRANSPORTING:
            world.mobility.stop(self.handle)
        if settings.enquiry_s:
            yield world.env.timeout(settings.enquiry_s)
        refused = refuses(world, task, hospital)
        task.refusals += refused
        if task.incident.counted:
            world.recorder.row(
                "hospital_enquiries",
                t=world.env.now,
                call_id=task.incident.call_id,
                unit_id=self.unit_id,
                hospital_id=hospital.hospital_id,
                refused=refused,
                full=hospital.full,
                known_full=hospital.known_full,
            )
        return not refused

    def _bring(
        self, task: Task, hospital: Hospital, signs: Telemetry | None
    ) -> Generator[simpy.Event, Any, simpy.Event | None]:
        """Drive to a hospital; return the arrival, or None when it does not take the patient."""
        settings = self.world.scenario.hospitals
        # It must: all others divert too or cannot treat the patient, or it was told to.
        forced = hospital.diverts or task.refusals >= settings.most_refusals > 0
        arrival = self.drive(hospital.place, siren=self.siren)
        hospital.coming.add(task)
        if signs is not None and task.incident.counted:
            self.world.env.process(signs.follow(hospital))
        try:
            while not has_arrived(arrival):
                yield either(arrival, hospital.turns_away)
                if has_arrived(arrival):
                    break
                if hospital.known.status is HospitalStatus.CLOSED:
                    return None
                if settings.turn_back and not (forced and hospital.only_full):
                    return None  # it diverts
        finally:
            hospital.coming.discard(task)
        sent_away = settings.at_door == "turn-away" and not forced
        if hospital.status is HospitalStatus.CLOSED or (
            hospital.status is HospitalStatus.DIVERT and sent_away
        ):
            hospital.report()  # the crew tells
            return None
        return arrival

    def _hand_over(self, task: Task, hospital: Hospital, t: float, t_alert: float) -> Life:
        self.enter(UnitState.AT_HOSPITAL, t)
        task.hospital_id = hospital.hospital_id
        task.incident.note(task, Stage.AT_HOSPITAL, t)
        if self.upkeep is not None:
            self.upkeep.took_patient()
        yield from hospital.receive(t, self._draw(task, "handover"), task, t_alert)
