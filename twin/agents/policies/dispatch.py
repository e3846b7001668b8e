"""Which unit answers a call."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from twin.agents.policies.registry import register
from twin.agents.policies.scores import F64, Scores
from twin.traffic.unit_router import UnitRouter

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.units.unit import Unit
    from twin.agents.world import World


_HANDLE = attrgetter("_handle")
"""Who is free is on shift and has one: `Unit.handle` need not look."""


def turnout(world: World, task: Task, units: Sequence[Unit]) -> F64:
    """(U,) expected seconds until each unit's wheels roll: only at the station is there any."""
    incident = task.incident
    mean = world.durations.mean(incident.kind, "turnout", incident.priority)
    out: F64 = mean * np.array([unit.at_station for unit in units], np.float64)
    if world.durations.service.turnout_by_hour:
        factor, now = world.durations.turnout_factor, world.env.now
        out *= np.array([factor(u.station.serves, now) for u in units])
    return out


@register("dispatch")
class ClosestIdle:
    """The free unit that is expected on scene first: turnout plus drive by current times."""

    name = "closest-idle"
    hold_s = 0.0

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Judge the free units for a task."""
        incident, wait = task.incident, turnout(world, task, units)
        # Where nobody keeps the candidates, the search may end when the first one is known.
        beside = None if world.scenario.record.decisions else wait
        eta = world.mobility.etas(
            list(map(_HANDLE, units)), incident.place, siren=incident.siren, beside=beside
        )
        return Scores(eta, eta + wait, wait)


@register("dispatch")
class ClosestFreeFlow:
    """As `closest-idle`, but by the travel times of empty streets."""

    name = "closest-free-flow"
    hold_s = 0.0

    def __init__(self) -> None:
        self._router: UnitRouter | None = None

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Judge the free units for a task."""
        if self._router is None:
            self._router = UnitRouter(world.city.network)
        places, wait = [u.place for u in units], turnout(world, task, units)
        moving = np.array([u.moving for u in units])
        beside = None if world.scenario.record.decisions else wait
        eta = self._router.etas(places, task.incident.place, beside, moving=moving)
        return Scores(eta, eta + wait, wait)


@register("dispatch")
class ClosestStraightLine:
    """The free unit that is nearest as the crow flies; roads and traffic are not asked."""

    name = "closest-straight-line"
    hold_s = 0.0

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Judge the free units for a task; there is no predicted drive."""
        places = [*(u.place for u in units), task.incident.place]
        x, y = world.locator.xy(
            np.array([p.link for p in places]), np.array([p.pos_m for p in places])
        )
        metres = np.hypot(x[:-1] - x[-1], y[:-1] - y[-1]).astype(np.float64)
        return Scores(np.full(len(units), np.nan), metres, why="nearest")
