"""Which unit on its way to a call is turned to another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from twin.agents.policies.registry import register
from twin.agents.policies.scores import Scores
from twin.core.errors import InputError

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.units.unit import Unit
    from twin.agents.world import World

_Priority = Annotated[int, Field(ge=0, le=9)]


@register("reassign")
class Never:
    """A unit goes on to the call that it was given."""

    name = "never"

    def score(self, world: World, task: Task, best_s: float, units: Sequence[Unit]) -> Scores:  # noqa: ARG002
        """Judge units that are on their way to other calls: none is turned."""
        return Scores(np.full(len(units), np.nan), np.full(len(units), np.inf))


@register("reassign")
class ByPriority:
    """A unit on its way to a less urgent call is turned to a more urgent one.

    The call that loses its unit is dispatched again at once, at its old place in the queue. Pairs
    of priorities say from which to which a unit is turned, as in JEMSS (Ridler, Mason and Raith
    2022, "A simulation and optimisation package for emergency medical services", European Journal
    of Operational Research 298). Guards against churn are the gain over any other unit, the scene
    that is nearly reached and the number of times that a call may lose its unit. Whoever is turned
    goes to what is more urgent, so one review of the queue turns a unit fewer times than there are
    priorities.
    """

    name = "by-priority"

    def __init__(
        self,
        *,
        pairs: Annotated[
            list[tuple[_Priority, _Priority]],
            Field(description="From which priority to which; the second is more urgent (less)."),
        ] = [(4, 1), (4, 2), (3, 1), (3, 2), (2, 1)],  # noqa: B006  # nobody changes it
        least_gain_s: Annotated[
            float,
            Field(
                ge=0.0,
                le=86_400.0,
                description="Seconds that it must be there sooner than any other unit.",
            ),
        ] = 60.0,
        nearly_there_s: Annotated[
            float,
            Field(
                ge=0.0,
                le=86_400.0,
                description="A unit that arrives within so many seconds goes on.",
            ),
        ] = 60.0,
        most_times: Annotated[
            int, Field(ge=0, le=100, description="A call loses its unit at most so many times.")
        ] = 2,
    ) -> None:
        for lost, given in pairs:
            if given >= lost:
                raise InputError(
                    f"a unit cannot be turned from priority {lost} to {given}, which is not more "
                    "urgent",
                    field=f"policy.parameters.{self.name}.pairs",
                )
        self._pairs = frozenset(pairs)
        self._least_gain_s = least_gain_s
        self._nearly_there_s = nearly_there_s
        self._most_times = most_times

    def score(self, world: World, task: Task, best_s: float, units: Sequence[Unit]) -> Scores:
        """Judge units that are on their way to other calls.

        Parameters
        ----------
        world
            The model.
        task
            What waits for a unit.
        best_s
            Seconds until the unit that would go otherwise is there; infinite if there is none.
        units
            Units on their way, each with its task.
        """
        to = task.incident
        may = [
            k
            for k, unit in enumerate(units)
            if unit.task is not None
            and (unit.task.incident.priority, to.priority) in self._pairs
            and unit.task.times_bumped < self._most_times
        ]
        eta, score = np.full(len(units), np.nan), np.full(len(units), np.inf)
        wait = np.array([max(unit.ready_at - world.env.now, 0.0) for unit in units])
        if may:
            handles = [units[k].handle for k in may]
            eta[may] = world.mobility.etas(handles, to.place, siren=to.siren)
        arrival = wait + eta
        there = np.isfinite(arrival)
        gain = np.full(len(units), np.nan)
        gain[there] = best_s - arrival[there]
        for k in sorted(np.flatnonzero(there).tolist(), key=lambda k: -gain[k]):
            if gain[k] <= self._least_gain_s:
                break
            if self._left_s(world, units[k], float(wait[k])) > self._nearly_there_s:
                score[k] = wait[k] + eta[k]
                break
        return Scores(eta, score, wait, "gain_s", gain, "diverted")

    @staticmethod
    def _left_s(world: World, unit: Unit, wait_s: float) -> float:
        """Return the seconds until a unit is at the scene that it is on its way to."""
        if unit.task is None:
            return 0.0
        own = unit.task.incident
        return wait_s + float(world.mobility.etas([unit.handle], own.place, siren=own.siren)[0])
