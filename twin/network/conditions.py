"""How the roads of a network are driven at a time: weather, and work zones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.network.graph import F32


class Conditions(NamedTuple):
    """How roads are driven now.

    Attributes
    ----------
    speed, capacity
        Factors on every free-flow speed and on what every lane carries (weather).
    limit_mps
        (L,) speed that a work zone allows, `inf` where there is none.
    lane_veh_h
        (L,) cars an hour that an open lane of a work zone carries at most, `inf` elsewhere.
    """

    speed: float
    capacity: float
    limit_mps: F32
    lane_veh_h: F32

    @staticmethod
    def clear(n_links: int) -> Conditions:
        """Return those of a dry day without work zones."""
        none = np.full(n_links, np.inf, np.float32)
        return Conditions(1.0, 1.0, none, none.copy())

    def speeds(self, free: F32) -> F32:
        """Return (L,) the free-flow speeds where those of a dry day are `free`, m/s."""
        out: F32 = np.minimum(free * np.float32(self.speed), self.limit_mps)
        return out
