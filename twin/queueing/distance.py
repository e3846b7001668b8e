"""How far the nearest unit is, and how long the drive takes: laws for a first estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]

SQUARE_ROOT = {
    ("poisson", "euclid"): 0.5,
    ("poisson", "grid"): math.sqrt(math.pi / 8.0),
    ("square", "euclid"): (math.sqrt(2.0) + math.log(1.0 + math.sqrt(2.0))) / 6.0,
    ("square", "grid"): 0.5,
    ("hexagon", "euclid"): math.sqrt(2.0 / math.sqrt(27.0)) * (1.0 / 3.0 + math.log(3.0) / 4.0),
    ("diamond", "grid"): math.sqrt(2.0) / 3.0,
}
"""Mean distance to the nearest of stations of density one.

Stations lie at random (`poisson`) or in the middle of cells; distances are as the crow flies
(`euclid`) or along streets that cross at right angles (`grid`). Kolesar and Blum 1973, "Square root
laws for fire engine response distances"; Larson and Odoni 1981, *Urban Operations Research*,
section 3.7.1. A diamond is a square that stands on its corner among the streets.
"""


def mean_distance(density: float, *, stations: str = "poisson", streets: str = "euclid") -> float:
    """Return the mean distance to the nearest of free stations: constant / sqrt(density).

    Parameters
    ----------
    density
        Free stations per square of the unit of length of the answer.
    stations, streets
        See `SQUARE_ROOT`.
    """
    return SQUARE_ROOT[stations, streets] / math.sqrt(density)


def kth_nearest(density: float, k: int) -> float:
    """Return the mean distance as the crow flies to the k-th nearest of stations at random.

    Gamma(k + 1/2) / (Gamma(k) sqrt(pi density)): 0.5, 0.75, 0.9375, ... (Larson and Odoni 1981).
    """
    return math.gamma(k + 0.5) / math.gamma(k) / math.sqrt(math.pi * density)


@dataclass(frozen=True, slots=True)
class TravelCurve:
    """Kolesar's law: a unit gains speed, cruises if the way is long enough, and comes to a stop.

    Kolesar, Walker and Hausner 1975, "Determining the relation between fire engine travel times
    and travel distances in New York City": T = 2 sqrt(d/a) for d <= v^2/a, else v/a + d/v.

    Attributes
    ----------
    acceleration
        `a`, length per squared time; the same up and down.
    cruising
        `v`, length per time.
    """

    acceleration: float
    cruising: float

    def __call__(self, distance: ArrayLike) -> F64:
        """Return the time of drives of some distances."""
        d = np.asarray(distance, np.float64)
        a, v = self.acceleration, self.cruising
        return np.where(d <= v * v / a, 2.0 * np.sqrt(d / a), v / a + d / v)


NEW_YORK_1975 = TravelCurve(acceleration=(2.0 / 2.10) ** 2, cruising=1.0 / 1.70)
"""Fire engines of New York, miles and minutes: 2.10 sqrt(d) up to 0.38 miles, then 0.65 + 1.70 d.

The paper's constants as they are quoted; they meet the law's own condition that value and slope
agree where the pieces join."""
