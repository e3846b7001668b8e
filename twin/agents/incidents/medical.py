"""Medical calls: an ambulance for each patient, and first responders who come before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from twin.agents.incidents.incident import Incident

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.world import Life


class Medical(Incident):
    """People who are ill or hurt: an ambulance for each."""

    kind: ClassVar[str] = "medical"
    clock_kinds: ClassVar[frozenset[str]] = frozenset({"ambulance"})
    _relieved = False

    @property
    def patients(self) -> int:
        """One at least: an ambulance comes where nobody turns out to be hurt."""
        return max(super().patients, 1)

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
                self.dismiss(task)
        yield from self._leave(there)

    def _leave(self, there: Sequence[Task]) -> Life:
        yield self.world.env.timeout(self.world.scenario.care.first_responder_stay_s)
        for task in there:
            self.dismiss(task)
