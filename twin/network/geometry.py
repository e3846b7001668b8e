"""Local projection and polylines in compressed sparse rows.

Lines are kept as one vertex array and a pointer: line k is `ptr[k]:ptr[k + 1]`. Bearings are
mathematical angles: radians, counter-clockwise from east.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Proj

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Ints = NDArray[np.integer]


@lru_cache(maxsize=64)
def _proj_of(lon0: float, lat0: float, thread: int) -> Proj:  # noqa: ARG001  # one a thread
    return Proj(proj="tmerc", lon_0=lon0, lat_0=lat0, k=1.0, ellps="WGS84")


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
        return _proj_of(self.lon0, self.lat0, threading.get_ident())

    def forward(self, lon: ArrayLike, lat: ArrayLike) -> tuple[F64, F64]:
        """Return local metres east and north of the centre; arrays keep their shape."""
        x, y = self._proj()(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
        return np.asarray(x, np.float64), np.asarray(y, np.float64)

    def inverse(self, x: ArrayLike, y: ArrayLike) -> tuple[F64, F64]:
        """Return longitude and latitude of local metres; arrays keep their shape."""
        lon, lat = self._proj()(np.asarray(x, np.float64), np.asarray(y, np.float64), inverse=True)
        return np.asarray(lon, np.float64), np.asarray(lat, np.float64)


def ranges(start: Ints, count: Ints) -> I64:
    """Return the concatenation of `arange(start[k], start[k] + count[k])` over k."""
    many = np.asarray(count, np.int64)
    total = int(many.sum())
    shift: I64 = np.asarray(start, np.int64) - (np.cumsum(many) - many)
    return np.arange(total, dtype=np.int64) + np.repeat(shift, many)


def pointer(count: Ints) -> I64:
    """Return the row pointer of rows with these lengths."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(count, dtype=np.int64)])


def wrap(angle: F64) -> F64:
    """Return the angle in (-pi, pi]."""
    turned: F64 = np.pi - (np.pi - angle) % (2.0 * np.pi)
    return turned


class Polylines:
    """Lines in compressed sparse rows, ready for look-ups along them.

    Parameters
    ----------
    ptr, x, y
        Lines of at least two vertices each, metres.

    Attributes
    ----------
    along
        (V,) distance of every vertex from the start of its line, metres.
    length
        (L,) length of every line, metres.
    """

    def __init__(self, ptr: Ints, x: NDArray[np.floating], y: NDArray[np.floating]) -> None:
        self.ptr = np.asarray(ptr, np.int64)
        self.x = np.asarray(x, np.float64)
        self.y = np.asarray(y, np.float64)
        step = np.zeros(len(self.x))
        step[1:] = np.hypot(np.diff(self.x), np.diff(self.y))
        step[self.ptr[:-1]] = 0.0
        run = np.cumsum(step)
        count = np.diff(self.ptr)
        self.along: F64 = run - np.repeat(run[self.ptr[:-1]], count)
        self.length: F64 = self.along[self.ptr[1:] - 1]
        # A key that grows over all vertices lets one binary search serve all lines at once.
        self._reach = float(self.length.max(initial=0.0)) + 1.0
        self._key = self.along + np.repeat(np.arange(len(count)) * self._reach, count)

    def at(self, line: Ints, distance: NDArray[np.floating]) -> tuple[F64, F64]:
        """Return the points at `distance` metres along lines, clipped to their ends."""
        wanted = np.clip(distance, 0.0, self.length[line])
        k = np.searchsorted(self._key, wanted + line * self._reach, side="right") - 1
        k = np.clip(k, self.ptr[line], self.ptr[np.asarray(line) + 1] - 2)
        gap = self.along[k + 1] - self.along[k]
        share = (wanted - self.along[k]) / np.where(gap > 0.0, gap, 1.0)
        share = np.clip(share, 0.0, 1.0)
        px: F64 = self.x[k] + share * (self.x[k + 1] - self.x[k])
        py: F64 = self.y[k] + share * (self.y[k + 1] - self.y[k])
        return px, py

    def segments(self) -> tuple[I64, I64]:
        """Return the first vertex and the line of every straight piece, in order."""
        owner = np.repeat(np.arange(len(self.length)), np.diff(self.ptr))
        first = np.flatnonzero(owner[:-1] == owner[1:])
        return first, owner[first]

    def end_bearings(self, reach_m: float) -> tuple[F64, F64]:
        """Return the driving direction at the start and at the end of every line, radians.

        The direction is that of the chord over the first (last) `reach_m` metres, because the very
        last segment of a surveyed line often bends into the junction.
        """
        line = np.arange(len(self.length))
        first, last = self.ptr[:-1], self.ptr[1:] - 1
        ax, ay = self.at(line, np.minimum(reach_m, self.length))
        bx, by = self.at(line, np.maximum(self.length - reach_m, 0.0))
        start = np.arctan2(ay - self.y[first], ax - self.x[first])
        end = np.arctan2(self.y[last] - by, self.x[last] - bx)
        return start, end
