"""Which waiting task is served first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.agents.policies.registry import register

if TYPE_CHECKING:
    from twin.agents.task import Task


@register("queue")
class PriorityThenArrival:
    """The most urgent first, and among equals the one that was received first."""

    name = "priority"

    def key(self, task: Task) -> tuple[float, ...]:
        """Return what tasks are sorted by, the least first."""
        return (task.incident.priority, task.incident.t_call, task.number)


@register("queue")
class FirstCome:
    """The one that was received first, whatever its priority."""

    name = "first-come"

    def key(self, task: Task) -> tuple[float, ...]:
        """Return what tasks are sorted by, the least first."""
        return (task.incident.t_call, task.number)
