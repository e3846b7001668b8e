"""A rule of dispatch of one's own: rest is shared between crews that are about equally near."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from twin.agents.policies.dispatch import ClosestIdle
from twin.agents.policies.scores import Scores
from twin.agents.task import Task
from twin.agents.units.unit import Unit
from twin.agents.world import World


class LongestRested:
    """Of the units that are there almost as soon as the first, the one that is free the longest."""

    def __init__(
        self,
        slack_s: Annotated[
            float, Field(ge=0, le=3600, description="Seconds later than the first.")
        ] = 60.0,
    ) -> None:
        self.slack_s = slack_s
        self.closest = ClosestIdle()

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Return what this rule thinks of the free units: the least score wins."""
        scores = self.closest.score(world, task, units)
        arrival = scores.arrival_s  # turnout and drive, s; infinite without a road
        near = np.isfinite(arrival) & (arrival <= arrival.min() + self.slack_s)
        free_since = np.array([unit.since for unit in units])
        return scores._replace(
            score=np.where(near, free_since, np.inf),
            term="free_since",
            value=free_since,
        )
