"""The dispatcher: holds the queue of requests and gives them to units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from twin.agents.agent import CityAgent
from twin.agents.states import Stage
from twin.agents.unit import RETRY_S

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.unit import Unit
    from twin.agents.world import Life, World


class Dispatcher(CityAgent):
    """Gives every request to a unit by the rules that hold, or keeps it waiting."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.waiting: list[Task] = []
        self.queued = 0
        """Counted calls that had to wait for a unit."""
        self._made = 0

    def next_number(self) -> int:
        """Return the number of a new task."""
        self._made += 1
        return self._made

    def request(self, tasks: Sequence[Task]) -> None:
        """Take requests in and serve what can be served."""
        self.waiting.extend(tasks)
        for kind in sorted({task.unit_kind for task in tasks}):
            self.review(kind)
        waits = any(task.unit is None for task in tasks)
        self.queued += waits and tasks[0].incident.counted

    def release(self, task: Task) -> None:
        """End a task: its unit leaves the scene or turns back; a waiting request is dropped."""
        if task.unit is None:
            self.waiting.remove(task)
            task.settled = True
            task.off_scene.succeed()
            task.done.succeed()
            return
        task.recall.succeed()
        task.release.succeed()

    def give_back(self, task: Task, unit: Unit) -> None:
        """Take back a task whose unit found no road to the scene; another one is tried."""
        task.failed.add(unit.unit_id)
        task.unit = None
        task.t_dispatch = task.t_enroute = None
        self.waiting.append(task)
        self.review(unit.kind)

    def review(self, kind: str) -> None:
        """Give waiting requests for units of a kind to the free ones, in the order of the queue."""
        if not self.waiting:
            return
        now = self.world.env.now
        free = [u for u in self.world.units if u.kind == kind and u.available]
        key = self.world.queue_policy.key
        for task in sorted((t for t in self.waiting if t.unit_kind == kind), key=key):
            if not free:
                return
            if task.retry_at > now:
                continue
            unit = self._choose(task, [u for u in free if u.unit_id not in task.failed])
            if unit is None:
                task.failed.clear()
                task.retry_at = now + RETRY_S
                self.world.env.process(self._later(kind))
                continue
            free.remove(unit)
            self.waiting.remove(task)
            task.unit = unit
            task.incident.note(task, Stage.DISPATCHED, now)
            unit.assign(task)

    def _later(self, kind: str) -> Life:
        yield self.world.env.timeout(RETRY_S)
        self.review(kind)

    def _choose(self, task: Task, units: Sequence[Unit]) -> Unit | None:
        """Return the unit that goes, and record why; None if no road leads there for any."""
        if not units:
            return None
        scores = self.world.dispatch_policy.score(self.world, task, units)
        best = int(np.argmin(scores.score))
        chosen = np.zeros(len(units), bool)
        chosen[best] = np.isfinite(scores.score[best])
        if task.incident.counted and self.world.scenario.record.decisions:
            self.world.recorder.columns(
                "decisions",
                t=self.world.env.now,
                call_id=task.incident.call_id,
                policy=self.world.dispatch_policy.name,
                unit_id=[u.unit_id for u in units],
                eta_s=scores.eta_s,
                score=scores.score,
                chosen=chosen,
            )
        return units[best] if chosen[best] else None
