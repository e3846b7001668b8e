"""The unit that is expected first, among those that work on another call too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from twin.agents.dispatch.forecast import when_free
from twin.agents.policies.dispatch import turnout
from twin.agents.policies.registry import register
from twin.agents.policies.scores import Scores

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.units.unit import Unit
    from twin.agents.world import World


@register("dispatch")
class Soonest:
    """The unit that is expected on scene first, those that will soon be free among them.

    A unit on scene, on its way to hospital or there sets out when the rest of its work has taken
    the time that is expected of it, and drives from where it will be then. When it wins, the call
    waits for it: free units are left to other calls, and the choice is made anew whenever a unit
    becomes free, a call comes in or a minute has passed (Lim, Mamat and Braunl 2011, "Impact of
    ambulance dispatch policies on performance of emergency medical services", IEEE Transactions on
    Intelligent Transportation Systems 12(2), compare such rules).
    """

    name = "soonest"

    def __init__(
        self,
        *,
        hold_s: Annotated[
            float,
            Field(ge=0.0, le=86_400.0, description="Seconds that a call waits so at most."),
        ] = 600.0,
        least_gain_s: Annotated[
            float,
            Field(
                ge=0.0,
                le=86_400.0,
                description="Seconds that a busy unit must be there sooner than a free one.",
            ),
        ] = 60.0,
    ) -> None:
        self.hold_s = hold_s
        self._least_gain_s = least_gain_s

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Judge free and working units for a task."""
        incident = task.incident
        eta, wait = np.full(len(units), np.nan), np.full(len(units), np.inf)
        extra = np.zeros(len(units))
        free = [k for k, unit in enumerate(units) if unit.available]
        if free:
            ready = [units[k] for k in free]
            handles = [unit.handle for unit in ready]
            wait[free] = turnout(world, task, ready)
            # Where nobody keeps the candidates, the search may end when the first one is known.
            beside = None if world.scenario.record.decisions else wait[free]
            eta[free] = world.mobility.etas(
                handles, incident.place, siren=incident.siren, beside=beside
            )
        first = float((wait + eta)[free].min()) if free else np.inf
        for k, unit in enumerate(units):
            if unit.available:
                continue
            extra[k] = self._least_gain_s
            found = when_free(world, unit, incident, first - self._least_gain_s)
            if found is not None:
                wait[k], eta[k] = found
        score = np.nan_to_num(wait + eta + extra, nan=np.inf)
        return Scores(eta, score, wait)
