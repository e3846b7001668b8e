"""Zones of the size of a dong, where people live and work, and the gates of the city."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.city.seoul.facts import fact_table, targets
from twin.city.seoul.geography import Land
from twin.core.random import Streams

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MIN_ZONES = 8
LLOYD_ROUNDS = 30
SPREAD = 0.25
"""Log-standard deviation of population between the zones of a gu."""
HUBS = (
    # Centres of work: latitude, longitude, pull; general knowledge.
    (37.5663, 126.9779, 1.0),
    (37.4981, 127.0276, 1.0),
    (37.5216, 126.9243, 1.0),
    (37.4816, 126.8827, 0.8),
    (37.5087, 127.0632, 0.8),
    (37.5133, 127.1001, 0.6),
)
HUB_REACH_M = 1_300.0


@dataclass(frozen=True, slots=True)
class Zones:
    """The zones of the whole city; Z zones.

    Attributes
    ----------
    gu
        (Z,) row of `facts/gu.csv`.
    x, y, population, jobs
        (Z,) middle in local metres; residents; jobs.
    node_gu, node_zone
        (N,) gu and zone of each node given.
    """

    gu: I64
    x: F64
    y: F64
    population: F64
    jobs: F64
    node_gu: I64
    node_zone: I64


def draw_zones(land: Land, x: F64, y: F64, streams: Streams) -> Zones:
    """Gather street nodes (local metres) into zones by gu, and share out residents and jobs."""
    table = fact_table("gu")
    population = table["population"].to_numpy(float)
    population = population * targets()["population"] / population.sum()
    jobs = table["jobs_thousand"].to_numpy(float) * 1_000.0
    node_gu = shapely.STRtree(land.gu).nearest(shapely.points(x, y)).astype(np.int64)
    counts = _counts(population, int(targets()["dongs"]))
    hubs = [land.projection.forward(lon, lat) for lat, lon, _ in HUBS]
    node_zone = np.zeros(len(x), np.int64)
    parts: list[tuple[int, F64, F64, F64]] = []
    first = 0
    for gu, count in enumerate(counts.tolist()):
        rows = np.flatnonzero(node_gu == gu)
        middle, owner = _cluster(np.column_stack([x[rows], y[rows]]), count, streams, gu)
        node_zone[rows] = first + owner
        share = np.exp(streams.stream("seoul.people", gu).normal(0.0, SPREAD, count))
        share *= np.bincount(owner, minlength=count) ** 0.5
        pull = np.full(count, 0.3)
        for (hx, hy), (_, _, weight) in zip(hubs, HUBS, strict=True):
            away = np.hypot(middle[:, 0] - hx, middle[:, 1] - hy)
            pull += weight * np.exp(-((away / HUB_REACH_M) ** 2))
        parts.append(
            (
                gu,
                middle,
                population[gu] * share / share.sum(),
                jobs[gu] * pull * share / (pull * share).sum(),
            )
        )
        first += count
    middles = np.vstack([p[1] for p in parts])
    return Zones(
        gu=np.repeat(np.arange(len(counts)), counts),
        x=middles[:, 0],
        y=middles[:, 1],
        population=np.concatenate([p[2] for p in parts]),
        jobs=np.concatenate([p[3] for p in parts]),
        node_gu=node_gu,
        node_zone=node_zone,
    )


def _counts(population: F64, total: int) -> I64:
    """Share zones out by population, at least `MIN_ZONES` each, by largest remainders."""
    share = population / population.sum() * (total - MIN_ZONES * len(population))
    counts = np.floor(share).astype(np.int64)
    rest = total - MIN_ZONES * len(population) - int(counts.sum())
    counts[np.argsort(counts - share, kind="stable")[:rest]] += 1
    return np.asarray(counts + MIN_ZONES)


def _cluster(points: F64, count: int, streams: Streams, gu: int) -> tuple[F64, I64]:
    """Gather points round `count` middles (Lloyd 1982)."""
    rng = streams.stream("seoul.zones", gu)
    middle = points[rng.choice(len(points), count, replace=False)].copy()
    owner = np.zeros(len(points), np.int64)
    for _ in range(LLOYD_ROUNDS):
        away = ((points[:, None, :] - middle[None, :, :]) ** 2).sum(axis=2)
        owner = away.argmin(axis=1).astype(np.int64)
        for k in range(count):
            mine = points[owner == k]
            if len(mine):
                middle[k] = mine.mean(axis=0)
    return middle, owner
