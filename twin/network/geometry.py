"""Local projection and polylines in compressed sparse rows.

Lines are kept as one vertex array and a pointer: line k is `ptr[k]:ptr[k + 1]`. Bearings are
mathematical angles: radians, counter-clockwise from east.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Proj

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Projection:
    """Transverse Mercator on WGS84 with scale 1 at its own centre.

    Within 60 km of the centre, lengths are true to 5 parts in 100,000.

    Parameters
    ----------
    lon0, lat0
        Centre, degrees.
    """

    lon0: float
    lat0: float

    def _proj(self) -> Proj:
        return Proj(proj="tmerc", lon_0=self.lon0, lat_0=self.lat0, k=1.0, ellps="WGS84")

    def forward(self, lon: ArrayLike, lat: ArrayLike) -> tuple[F64, F64]:
        """Return local metres east and north of the centre; arrays keep their shape."""
        x, y = self._proj()(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
        return np.asarray(x, np.float64), np.asarray(y, np.float64)

    def inverse(self, x: ArrayLike, y: ArrayLike) -> tuple[F64, F64]:
        """Return longitude and latitude of local metres; arrays keep their shape."""
        lon, lat = self._proj()(np.asarray(x, np.float64), np.asarray(y, np.float64), inverse=True)
        return np.asarray(lon, np.float64), np.asarray(lat, np.float64)


def ranges(start: NDArray[np.integer], count: NDArray[np.integer]) -> I64:
    """Return the concatenation of `arange(start[k], start[k] + count[k])` over k."""
    count = np.asarray(count, np.int64)
    total = int(count.sum())
    first = np.cumsum(count) - count
    return np.arange(total, dtype=np.int64) + np.repeat(np.asarray(start, np.int64) - first, count)


def pointer(count: NDArray[np.integer]) -> I64:
    """Return the row pointer of rows with these lengths."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(count, dtype=np.int64)])


def distance_along(ptr: NDArray[np.integer], x: F64, y: F64) -> F64:
    """Return the distance of every vertex from the start of its line, metres."""
    step = np.zeros(len(x))
    step[1:] = np.hypot(np.diff(x), np.diff(y))
    step[ptr[:-1][np.diff(ptr) > 0]] = 0.0
    run = np.cumsum(step)
    return run - np.repeat(run[ptr[:-1]], np.diff(ptr))


def line_lengths(ptr: NDArray[np.integer], x: F64, y: F64) -> F64:
    """Return the length of every line, metres; every line has at least one vertex."""
    return distance_along(ptr, x, y)[ptr[1:] - 1]


def points_at(
    ptr: NDArray[np.integer], x: F64, y: F64, line: NDArray[np.integer], distance: F64
) -> tuple[F64, F64]:
    """Return the points at `distance` metres along lines, ends included.

    Parameters
    ----------
    ptr, x, y
        Lines with at least two vertices each.
    line, distance
        (P,) which line; metres from its start, clipped to its length.
    """
    along = distance_along(ptr, x, y)
    # A key that grows over all vertices lets one binary search serve all lines at once.
    reach = float(along.max(initial=0.0)) + 1.0
    key = along + np.repeat(np.arange(len(ptr) - 1) * reach, np.diff(ptr))
    wanted = np.clip(distance, 0.0, along[ptr[line + 1] - 1])
    k = np.searchsorted(key, wanted + line * reach, side="right") - 1
    k = np.clip(k, ptr[line], ptr[line + 1] - 2)
    gap = along[k + 1] - along[k]
    share = np.where(gap > 0.0, (wanted - along[k]) / np.where(gap > 0.0, gap, 1.0), 0.0)
    share = np.clip(share, 0.0, 1.0)
    return x[k] + share * (x[k + 1] - x[k]), y[k] + share * (y[k + 1] - y[k])


def end_bearings(ptr: NDArray[np.integer], x: F64, y: F64, reach_m: float) -> tuple[F64, F64]:
    """Return the driving direction at the start and at the end of every line, radians.

    The direction is that of the chord over the first (last) `reach_m` metres, because the very
    last segment of a surveyed line often bends into the junction.
    """
    length = line_lengths(ptr, x, y)
    line = np.arange(len(ptr) - 1)
    first, last = ptr[:-1], ptr[1:] - 1
    ax, ay = points_at(ptr, x, y, line, np.minimum(reach_m, length))
    bx, by = points_at(ptr, x, y, line, np.maximum(length - reach_m, 0.0))
    start = np.arctan2(ay - y[first], ax - x[first])
    end = np.arctan2(y[last] - by, x[last] - bx)
    return start, end


def wrap(angle: F64) -> F64:
    """Return the angle in (-pi, pi]."""
    return -((-angle + np.pi) % (2.0 * np.pi) - np.pi)
