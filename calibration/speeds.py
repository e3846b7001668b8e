"""Simulated against observed speeds on measured corridors: how far apart, nothing is tuned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.network.geometry import Polylines, Projection
from twin.network.graph import Network

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

STEP_M = 25.0
"""A corridor is followed in steps of so many metres."""
REACH_M = 60.0
SAME_WAY_DEG = 35.0
LEAST_MATCHED = 0.6
"""A corridor counts when at least this share of its steps lies on links of its direction."""


@dataclass(frozen=True, slots=True)
class SpeedScore:
    """How simulated corridor speeds compare with observed ones.

    Attributes
    ----------
    corridors
        Corridors compared.
    observed_mps, simulated_mps
        Median over corridors, m/s.
    bias_mps
        Mean of simulated minus observed.
    rmse_mps
        Root of the mean squared difference.
    correlation
        Pearson's, nan with fewer than two corridors.
    within_15_percent
        Share of corridors whose simulated travel time is within 15 % of the observed one, the
        journey-time criterion of the UK's TAG unit M3.1.
    """

    corridors: int
    observed_mps: float
    simulated_mps: float
    bias_mps: float
    rmse_mps: float
    correlation: float
    within_15_percent: float


def corridor_links(line: shapely.LineString, network: Network) -> I64:
    """Return (S,) the link at each step of a corridor (degrees), -1 where none goes its way."""
    projection = Projection(network.lon0, network.lat0)
    path = shapely.transform(line, lambda p: np.stack(projection.forward(*p.T), axis=-1))
    count = max(2, int(path.length / STEP_M))
    at = (np.arange(count) + 0.5) * path.length / count
    points = shapely.get_coordinates(shapely.line_interpolate_point(path, at))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(path, at + 1.0))
    behind = shapely.get_coordinates(shapely.line_interpolate_point(path, at - 1.0))
    way = np.arctan2(*(ahead - behind).T)
    tree, owner, heading = _segments(network)
    step, segment = tree.query(shapely.points(points), predicate="dwithin", distance=REACH_M)
    off = np.abs(np.degrees((heading[segment] - way[step] + np.pi) % (2 * np.pi) - np.pi))
    away = shapely.distance(shapely.points(points[step]), tree.geometries[segment])
    found = np.full(count, -1, np.int64)
    same = np.flatnonzero(off <= SAME_WAY_DEG)
    # The nearest comes last and so stays.
    order = same[np.lexsort((segment[same], -away[same]))]
    found[step[order]] = owner[segment[order]]
    return found


def _segments(network: Network) -> tuple[shapely.STRtree, I64, F64]:
    drawn = Polylines(network.geom_ptr, network.geom_x, network.geom_y)
    first, owner = drawn.segments()
    points = np.stack([drawn.x, drawn.y], axis=-1)
    lines = shapely.linestrings(np.stack([points[first], points[first + 1]], axis=1))
    step = points[first + 1] - points[first]
    return shapely.STRtree(lines), owner, np.arctan2(step[:, 0], step[:, 1])


def corridor_speed(links: I64, link_speed: F64) -> float:
    """Return the travel speed over the steps of a corridor in m/s: the harmonic mean.

    Parameters
    ----------
    links
        As from `corridor_links`.
    link_speed
        (L,) mean speed of each link in m/s; nan where nobody drove.

    Returns
    -------
    float
        nan when less than `LEAST_MATCHED` of the steps have a speed.
    """
    speed = np.where(links >= 0, link_speed[links], np.nan)
    known = np.isfinite(speed) & (speed > 0.0)
    if known.mean() < LEAST_MATCHED:
        return float("nan")
    return float(known.sum() / (1.0 / speed[known]).sum())


def score(observed: F64, simulated: F64) -> SpeedScore:
    """Return how (C,) simulated corridor speeds compare with (C,) observed ones; nan is left out.

    Raises
    ------
    ValueError
        If no corridor has both.
    """
    both = np.isfinite(observed) & np.isfinite(simulated)
    if not both.any():
        raise ValueError("no corridor has an observed and a simulated speed")
    a, b = observed[both], simulated[both]
    spread = len(a) > 1 and a.std() > 0.0 and b.std() > 0.0
    return SpeedScore(
        corridors=len(a),
        observed_mps=float(np.median(a)),
        simulated_mps=float(np.median(b)),
        bias_mps=float((b - a).mean()),
        rmse_mps=float(np.sqrt(((b - a) ** 2).mean())),
        correlation=float(np.corrcoef(a, b)[0, 1]) if spread else float("nan"),
        within_15_percent=float((np.abs(a / b - 1.0) <= 0.15).mean()),
    )
