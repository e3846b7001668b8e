"""Ambulances: care on scene, transport, handover."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from twin.agents.hospital import choose_hospital
from twin.agents.states import Stage, UnitState
from twin.agents.unit import RETRY_S, Unit, arrived_at, has_arrived
from twin.traffic.mobility import UnreachableError

if TYPE_CHECKING:
    from twin.agents.hospital import Hospital
    from twin.agents.task import Task
    from twin.agents.world import Life


class Ambulance(Unit):
    """An ambulance with its crew."""

    kind: ClassVar[str] = "ambulance"

    @property
    def siren(self) -> bool:
        """Whether it drives to hospital under siren."""
        least = self.world.scenario.chain.siren_to_hospital
        return self.task is not None and self.task.incident.priority <= least

    def work(self, task: Task, t: float) -> Life:
        """Treat the patient; take them to hospital and hand them over if they must go."""
        if task.transport:
            yield self.world.until(t + self._draw(task, "scene_transport"))
            yield from self._transport(task)
        else:
            yield self.world.until(t + self._draw(task, "scene"))

    def _draw(self, task: Task, interval: str) -> float:
        incident = task.incident
        return self.world.durations.draw(
            incident.kind, interval, incident.priority, incident.call_id, task.role
        )

    def _transport(self, task: Task) -> Life:
        """Drive to a hospital that accepts the patient, choosing again when it turns away."""
        world = self.world
        out_of_reach: set[str] = set()
        while True:
            hospital = choose_hospital(world, self, task, out_of_reach)
            if hospital is None:
                out_of_reach.clear()
                world.mobility.stop(self.handle)
                yield world.env.timeout(RETRY_S)
                continue
            if self.state is not UnitState.TRANSPORTING:
                self.enter(UnitState.TRANSPORTING)
                task.incident.note(task, Stage.LEFT_SCENE, world.env.now)
            set_out = world.env.now
            arrival = self.drive(hospital.place, siren=self.siren)
            try:
                yield arrival | hospital.turns_away
            except UnreachableError:
                out_of_reach.add(hospital.hospital_id)
                continue
            if has_arrived(arrival):
                break
        yield from self._hand_over(task, hospital, arrived_at(arrival, set_out))

    def _hand_over(self, task: Task, hospital: Hospital, t: float) -> Life:
        self.enter(UnitState.AT_HOSPITAL, t)
        task.hospital_id = hospital.hospital_id
        task.incident.note(task, Stage.AT_HOSPITAL, t)
        yield from hospital.receive(t, self._draw(task, "handover"))
