"""The unit that went by the record, for replays of a day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from twin.agents.policies.registry import known, make, register
from twin.agents.policies.scores import Scores
from twin.core.errors import InputError, did_you_mean
from twin.scenarios.policy import OTHERWISE, RECORDED_UNIT

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.units.unit import Unit
    from twin.agents.world import World


@register("dispatch")
class RecordedUnit:
    """The unit that is recorded of the call, if it is free; else another rule chooses.

    The record names one unit a call: it answers the first request for a unit of its kind. No call
    waits for a recorded unit that is busy in the run.
    """

    name = RECORDED_UNIT
    hold_s = 0.0

    def __init__(
        self,
        *,
        otherwise: Annotated[
            str,
            Field(
                description="Rule of dispatch that chooses where the record names no unit, or one "
                "that is not free; one of Twin's own."
            ),
        ] = "closest-idle",
    ) -> None:
        rules = [name for name in known("dispatch") if name != RECORDED_UNIT]
        if otherwise not in rules:
            raise InputError(
                f"there is no dispatch policy {otherwise!r}",
                field=f"policy.parameters.{RECORDED_UNIT}.{OTHERWISE}",
                hint=did_you_mean(otherwise, rules) or f"known: {', '.join(rules)}",
            )
        self._otherwise = otherwise
        self._rule: Any = None
        self._sent: dict[str, str] = {}

    def check(self, world: World) -> None:
        """Refuse a city whose records name no unit, and another rule that does not fit it."""
        rule = self._of(world)
        if not any(self._sent.values()):
            raise InputError(
                f"the records of city {world.city.meta.name} name no unit",
                field="policy.dispatch",
                hint="choose another rule",
            )
        if hasattr(rule, "check"):
            rule.check(world)

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Judge the free units for a task: the recorded one alone, if it can go."""
        said: Scores = self._of(world).score(world, task, units)
        wanted = self._sent.get(task.incident.call_id)
        if not wanted or task.role != f"{task.unit_kind}-1":
            return said
        meant = np.array([unit.unit_id == wanted for unit in units])
        if not np.isfinite(said.score[meant]).any():
            return said
        alone = np.where(meant, said.score, np.inf)
        return Scores(said.eta_s, alone, said.wait_s, OTHERWISE, said.score, "recorded")

    def _of(self, world: World) -> Any:
        if self._rule is None:
            history = world.city["history"]
            self._sent = dict(zip(history["call_id"], history["unit_id"], strict=True))
            self._rule = make("dispatch", self._otherwise, world.scenario.policy.parameters)
        return self._rule
