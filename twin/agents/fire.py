"""Fires: stages from the call until closed, on the clock of the first engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from twin.agents.incident import Incident
from twin.agents.states import Stage
from twin.network.graph import Place
from twin.traffic.obstacles import CLEAR_M

if TYPE_CHECKING:
    from twin.agents.incident import Call
    from twin.agents.task import Task
    from twin.agents.world import Life, World

STAGE_WEIGHTS = (2.0, 14.0, 12.0, 12.0)
"""Dirichlet weights of the shares of a fire's time on scene: until activity starts, until it is
under control, until it is out, until it is closed (assumption: the fire board shows stages but no
statistics of them)."""


class Fire(Incident):
    """A fire: engines, and an ambulance per patient standing by.

    From the first engine's arrival until the last has left, the lane at the kerb is taken, ahead of
    where units stop, and drivers of both directions slow to pass.
    """

    kind: ClassVar[str] = "fire"
    clock_kinds: ClassVar[frozenset[str]] = frozenset({"engine"})
    capable_kind: ClassVar[str] = "engine"

    def __init__(self, world: World, call: Call) -> None:
        super().__init__(world, call)
        self._engines = 0
        self._block = -1

    def arrived(self, task: Task, t: float) -> None:  # noqa: ARG002  # engines stand at once
        """Let an engine stand in the road."""
        if task.unit_kind != "ambulance":
            self.world.env.process(self._stand(task))

    def _stand(self, task: Task) -> Life:
        mobility = self.world.mobility
        if self._engines == 0:
            link, pos = self.place
            self._block = mobility.block(Place(link, pos + CLEAR_M), 1, opposite=True)
        self._engines += 1
        yield task.off_scene
        self._engines -= 1
        if self._engines == 0:
            mobility.unblock(self._block)

    def course(self) -> Life:
        """Fight the fire from the first engine's arrival until it is closed."""
        world = self.world
        began = yield self.reached
        if self.called_off or self.finding.check_s is not None:
            return
        total = self.draw("scene")
        weights = world.streams.stream("fire-stages", self.call_id).dirichlet(STAGE_WEIGHTS)
        marks = began + total * np.cumsum(weights)
        stages = (Stage.ACTIVITY_START, Stage.UNDER_CONTROL, Stage.OUT)
        for stage, t in zip(stages, marks.tolist(), strict=False):
            yield world.until(t)
            self.enter(stage, world.env.now)
        yield world.until(began + total)
        for task in self.tasks:
            if task.unit_kind != "ambulance":
                self.dismiss(task)
