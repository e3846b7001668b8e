"""Hospitals: whom they accept, and the bays in which patients are handed over."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import simpy

from twin.agents.agent import CityAgent
from twin.network.graph import Place

if TYPE_CHECKING:
    from twin.agents.ambulance import Ambulance
    from twin.agents.task import Task
    from twin.agents.world import Life, World

BAYS = 100
"""Patients that a hospital takes over at once: so many that nobody waits for a bay."""


class HospitalStatus(StrEnum):
    """Whom a hospital accepts (`hospital_status.status`)."""

    OPEN = "open"
    DIVERT = "divert"  # no new ambulances
    CLOSED = "closed"


class Hospital(CityAgent):
    """A hospital with an emergency entrance.

    Parameters
    ----------
    world
        The model.
    hospital_id, name
        How it is known.
    place
        The entrance on the road.
    capabilities
        What it can treat; see the city's table.
    is_open
        Whether it is open unless a change says otherwise.
    """

    def __init__(
        self,
        world: World,
        hospital_id: str,
        name: str,
        *,
        place: Place,
        capabilities: frozenset[str],
        is_open: bool,
    ) -> None:
        super().__init__(world)
        self.hospital_id = hospital_id
        self.name = name
        self.place = place
        self.capabilities = capabilities
        self.usual = HospitalStatus.OPEN if is_open else HospitalStatus.CLOSED
        self.status = self.usual
        self.bays = simpy.Resource(world.env, BAYS)
        self.present = 0
        self.turns_away = world.env.event()
        """Succeeds when it stops accepting ambulances; a fresh event follows."""
        self._record(world.env.now)

    @property
    def accepts(self) -> bool:
        """Whether an ambulance may bring an emergency patient now."""
        return self.status is HospitalStatus.OPEN and "emergency" in self.capabilities

    def set_status(self, status: HospitalStatus) -> None:
        """Change whom the hospital accepts; ambulances on their way there choose again."""
        if status is self.status:
            return
        self.status = status
        self._record(self.world.env.now)
        if status is not HospitalStatus.OPEN:
            turned, self.turns_away = self.turns_away, self.world.env.event()
            turned.succeed()

    def receive(self, t: float, handover_s: float) -> Life:
        """Take over a patient who arrived at `t`: wait for a bay, then `handover_s` seconds."""
        self.present += 1
        self._record(t)
        with self.bays.request() as bay:
            at_once = bay.triggered
            yield bay
            since = t if at_once else self.world.env.now
            yield self.world.until(since + handover_s)
        self.present -= 1
        self._record(self.world.env.now)

    def _record(self, t: float) -> None:
        self.world.recorder.row(
            "hospital_status",
            t=t,
            hospital_id=self.hospital_id,
            status=str(self.status),
            present=self.present,
        )


def choose_hospital(
    world: World, ambulance: Ambulance, task: Task, out_of_reach: Collection[str]
) -> Hospital | None:
    """Return where a patient is taken by the rule that holds, and record why; None if nowhere."""
    open_ones = [
        h for h in world.hospitals.values() if h.accepts and h.hospital_id not in out_of_reach
    ]
    if not open_ones:
        return None
    scores = world.hospital_policy.score(world, ambulance, open_ones)
    best = int(np.argmin(scores.score))
    chosen = np.zeros(len(open_ones), bool)
    chosen[best] = np.isfinite(scores.score[best])
    if task.incident.counted and world.scenario.record.decisions:
        world.recorder.columns(
            "hospital_choices",
            t=world.env.now,
            call_id=task.incident.call_id,
            policy=world.hospital_policy.name,
            unit_id=ambulance.unit_id,
            hospital_id=[h.hospital_id for h in open_ones],
            eta_s=scores.eta_s,
            score=scores.score,
            chosen=chosen,
        )
    return open_ones[best] if chosen[best] else None
