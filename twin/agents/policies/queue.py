"""Which waiting task is served first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

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


@register("queue")
class Ageing:
    """The one that is due first, where each step of priority may wait `step_s` longer.

    The key is t + step_s p for a call of priority p received at t, which is the delay-dependent
    discipline of Jackson (1960, "Some problems in queueing with dynamic priorities", Naval Research
    Logistics Quarterly 7): urgency grows with waiting, for all alike, so the order of two calls
    never changes. A call of priority p is overtaken only by those of priority p' < p received
    before t + step_s (p - p'): by nobody received later than step_s (p - 1) after it, so its turn
    comes whatever follows.
    """

    name = "ageing"

    def __init__(
        self,
        *,
        step_s: Annotated[
            float,
            Field(
                ge=0.0,
                le=86_400.0,
                description="Seconds of waiting that are worth one step of priority.",
            ),
        ] = 900.0,
    ) -> None:
        self._step_s = step_s

    def key(self, task: Task) -> tuple[float, ...]:
        """Return what tasks are sorted by, the least first."""
        incident = task.incident
        return (incident.t_call + self._step_s * incident.priority, task.number)
