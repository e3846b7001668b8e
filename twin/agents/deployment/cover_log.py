"""Writes down what share of demand is within reach of a free unit, every so often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.agents.deployment.cover import CALLS_OF, F64
from twin.demand.points import DemandPoints, demand_points

if TYPE_CHECKING:
    from twin.agents.world import Life, World


def log_cover(world: World) -> None:
    """Let cover be written to `coverage` and `coverage_points`, if the scenario asks for it."""
    every_s = world.scenario.record.coverage_every_s
    if every_s is None:
        return
    for kind in sorted({unit.kind for unit in world.units} & CALLS_OF.keys()):
        world.env.process(_life(world, kind, every_s))


def _life(world: World, kind: str, every_s: float) -> Life:
    """Look from the start of the period on, and sum up by point after the last look."""
    period, cover = world.scenario.period, world.cover(kind)
    units = [unit for unit in world.units if unit.kind == kind]
    covered: F64 = np.zeros(len(cover.weight))
    looks = 0
    t = period.start_s
    while t < period.end_s:
        yield world.until(t)
        counts = cover.counts(units)
        covered += cover.covering(counts) > 0
        looks += 1
        world.recorder.row(
            "coverage",
            t=t,
            kind=kind,
            free=int(counts.sum()),
            share=cover.share(counts),
            twice=cover.share(counts, least=2),
            expected=cover.expected(counts) / float(cover.weight.sum()),
        )
        t = period.start_s + looks * every_s
    _write_points(world, kind, demand_points(world.city, CALLS_OF[kind]), covered / looks)


def _write_points(world: World, kind: str, points: DemandPoints, share: F64) -> None:
    lonlat = [world.lonlat(place) for place in points.places]
    world.recorder.columns(
        "coverage_points",
        t=np.full(len(points), world.env.now),
        kind=[kind] * len(points),
        point=list(points.names),
        district=list(points.districts),
        lon=[lon for lon, _ in lonlat],
        lat=[lat for _, lat in lonlat],
        weight=points.weight,
        share=share,
    )
