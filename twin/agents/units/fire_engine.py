"""Fire engines, and what else comes with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from twin.agents.units.unit import Unit

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.world import Life


class FireEngine(Unit):
    """An engine: stays on scene until the incident releases it."""

    kind: ClassVar[str] = "engine"

    def work(self, task: Task, t: float) -> Life:  # noqa: ARG002  # the incident holds the clock
        """Stay until the incident lets the engine go."""
        yield task.release


class Ladder(FireEngine):
    """A ladder or aerial platform."""

    kind: ClassVar[str] = "ladder"


class Rescue(FireEngine):
    """A rescue truck with its squad."""

    kind: ClassVar[str] = "rescue"


class Command(FireEngine):
    """A command car."""

    kind: ClassVar[str] = "command"
