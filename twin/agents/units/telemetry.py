"""The patient's record that streams ahead of the ambulance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from twin.core.news2 import news2

if TYPE_CHECKING:
    from twin.agents.hospitals.hospital import Hospital
    from twin.agents.task import Task
    from twin.agents.world import Life, World

MEANS = {
    1: (27.0, 91.0, 95.0, 125.0),
    2: (22.0, 94.0, 120.0, 115.0),
}
"""Mean respiration, saturation, systolic pressure and pulse of patients by priority (assumed, so
that the score NEWS2 is high for priority 1 and medium for 2)."""
OTHERS = (16.0, 98.0, 130.0, 80.0)
"""The same of all others: the score is low."""
DEVIATIONS = (1.0, 0.7, 4.0, 4.0)
"""How far they stray from their means, and `MEMORY_S` how long (assumed)."""
MEMORY_S = 120.0
_MOST = 100.0
"""Saturation, per cent."""


class Telemetry:
    """Vital signs of one patient, a stationary process about the means of their priority.

    Each sign x follows dx = (mean - x) dt / tau + noise with tau = `MEMORY_S`, drawn exactly at the
    times of the record (Uhlenbeck and Ornstein 1930): from one to the next, a step dt later, the
    deviation is multiplied by r = exp(-dt / tau) and gets a normal one of sd sqrt(1 - r^2).

    Parameters
    ----------
    world
        The model.
    task
        The ambulance's part in the call; its patient has a stream of random numbers of their own.
    every_s
        Seconds between rows.
    """

    def __init__(self, world: World, task: Task, every_s: float) -> None:
        self.world, self.task, self.every_s = world, task, every_s
        entity = f"{task.incident.call_id}/{task.role}"
        self._normal = world.streams.stream("vitals", entity)
        self._mean = np.array(MEANS.get(task.priority, OTHERS))
        self._sd = np.array(DEVIATIONS)
        self._away = self._sd * self._normal.standard_normal(4)
        self._last = -math.inf
        self._keeps = math.exp(-every_s / MEMORY_S)

    def follow(self, hospital: Hospital) -> Life:
        """Write a row every so often while the ambulance is on its way to a hospital."""
        task = self.task
        yield self.world.until(self._last + self.every_s)
        while task in hospital.coming:
            self._last = self.world.env.now
            respiration, saturation, systolic, pulse = (self._mean + self._away).tolist()
            signs = {
                "respiration": respiration,
                "saturation": min(saturation, _MOST),
                "systolic": systolic,
                "pulse": pulse,
            }
            self.world.recorder.row(
                "vitals",
                t=self.world.env.now,
                call_id=task.incident.call_id,
                role=task.role,
                hospital_id=hospital.hospital_id,
                **signs,
                news2=news2(**signs),
            )
            noise = self._sd * math.sqrt(1.0 - self._keeps**2) * self._normal.standard_normal(4)
            self._away = self._keeps * self._away + noise
            yield self.world.env.timeout(self.every_s)
