"""How a fire grows, and what water it takes to hold it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.scenarios.care_fire import Rate

if TYPE_CHECKING:
    from twin.scenarios.care_fire import FireGrowth

REFERENCE_KW = 1055.0
"""Heat release that the growth times of NFPA 72 and 92 lead to (1000 Btu/s)."""
GROWTH_S: dict[Rate, float] = {
    "slow": 600.0,
    "medium": 300.0,
    "fast": 150.0,
    "ultra-fast": 75.0,
}
"""Seconds from ignition to `REFERENCE_KW`."""
WATER_KJ_PER_KG = 2600.0
"""Heat that a kilogram of water takes from 10 degrees to steam of 100 degrees."""


def alpha(rate: Rate) -> float:
    """Return the growth coefficient of a rate, kW/s2: 0.00293, 0.0117, 0.0469 or 0.188."""
    return REFERENCE_KW / GROWTH_S[rate] ** 2


def water_lps(heat_kw: float, efficiency: float) -> float:
    """Return the water that takes up a heat release, l/s, if a share of it does its work."""
    return heat_kw / (WATER_KJ_PER_KG * efficiency)


@dataclass(frozen=True, slots=True)
class Growth:
    """A fire that is left alone: t-squared growth to a peak that lasts until the fuel is gone.

    Q(t) = min(alpha t^2, peak) with t since ignition (NFPA 72, annex B; NFPA 92; Quintiere 2006,
    eq. 6-3).

    Parameters
    ----------
    alpha
        kW/s2.
    peak_kw
        When everything that can burn does.
    fuel_kj
        Heat in the fuel.
    """

    alpha: float
    peak_kw: float
    fuel_kj: float

    @classmethod
    def of(cls, rules: FireGrowth, rate: Rate) -> Growth:
        """Return the fire of a rate by the rules of a scenario."""
        return cls(
            alpha=alpha(rate),
            peak_kw=rules.kw_per_m2 * rules.largest_m2,
            fuel_kj=1000.0 * rules.fuel_mj_per_m2 * rules.largest_m2,
        )

    @property
    def peak_s(self) -> float:
        """When it is at its peak, seconds since ignition."""
        return math.sqrt(self.peak_kw / self.alpha)

    def heat_kw(self, t: float) -> float:
        """Return the heat release `t` seconds after ignition, before the fuel is gone."""
        return min(self.alpha * max(t, 0.0) ** 2, self.peak_kw)

    def released_kj(self, t: float) -> float:
        """Return the heat that has been released until `t`, before the fuel is gone."""
        growing = min(max(t, 0.0), self.peak_s)
        return self.alpha * growing**3 / 3.0 + self.peak_kw * max(t - self.peak_s, 0.0)

    @property
    def burns_out_s(self) -> float:
        """When the fuel is gone if nobody comes, seconds since ignition."""
        at_peak = self.fuel_kj - self.released_kj(self.peak_s)
        if at_peak < 0.0:
            return math.cbrt(3.0 * self.fuel_kj / self.alpha)
        return self.peak_s + at_peak / self.peak_kw
