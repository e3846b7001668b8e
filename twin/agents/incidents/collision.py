"""Collisions: they take lanes away until the road is cleared, and engines one more."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from twin.agents.incidents.incident import Incident
from twin.agents.states import Stage

if TYPE_CHECKING:
    from twin.agents.incidents.incident import Call
    from twin.agents.task import Task
    from twin.agents.world import Life, World

SEVERE = 1
"""Collisions of this priority may take a second lane."""
P_SECOND_LANE = 0.5
"""Chance that a severe one does so on a road of three lanes or more (assumption)."""


class Collision(Incident):
    """A collision: lanes are blocked from the moment it happens.

    An engine stands across the next lane to shield those at work, as long as one stays open beside
    it. Drivers slow where they pass, on the other side of the road where it is severe.
    """

    kind: ClassVar[str] = "collision"

    def __init__(self, world: World, call: Call) -> None:
        super().__init__(world, call)
        self._lanes = self._wrecked()
        self._engines = 0
        self._open = False
        self._block = self._stand()
        self._road = world.env.process(self._clear_road())

    def course(self) -> Life:
        """Wait until the road is clear."""
        yield self._road

    def arrived(self, task: Task, t: float) -> None:
        """Let an engine stay for its time on scene."""
        if task.unit_kind != "ambulance":
            self.world.env.process(self._release(task, t + self.draw("scene", task.role)))
            self.world.env.process(self._shield(task))

    def _release(self, task: Task, t: float) -> Life:
        yield self.world.until(t)
        self.dismiss(task)

    def _shield(self, task: Task) -> Life:
        """Let an engine take one more lane while it is there."""
        self._count_engine(1)
        yield task.off_scene
        self._count_engine(-1)

    def _count_engine(self, more: int) -> None:
        self._engines += more
        every = int(self.world.city.network.link_lanes[self.place.link])
        lanes = self._wrecked()
        if self._engines:
            lanes = max(lanes, min(lanes + 1, every - 1))
        if lanes != self._lanes and not self._open:
            self._lanes = lanes
            self.world.mobility.unblock(self._block)
            self._block = self._stand()

    def _stand(self) -> int:
        severe = self.priority == SEVERE
        return self.world.mobility.block(self.place, self._lanes, opposite=severe)

    def _wrecked(self) -> int:
        lanes = int(self.world.city.network.link_lanes[self.place.link])
        u = self.world.streams.lent("lanes-blocked", self.call_id).random()
        return 2 if self.priority == SEVERE and lanes >= 3 and u < P_SECOND_LANE else 1

    def _clear_road(self) -> Life:
        """Police and tow truck clear the road, not before the crews on scene have left."""
        env = self.world.env
        yield self.world.until(self.t_call + self.draw("clearance"))
        yield env.all_of([t.off_scene for t in self.tasks if t.t_onscene is not None])
        self._open = True
        self.world.mobility.unblock(self._block)
        self.record(Stage.ROAD_CLEARED, env.now)
