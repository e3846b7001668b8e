"""What drivers do for a siren, and what a unit under it may do beside passing red with care."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.core.errors import InputError
from twin.network.graph import F32, I32, Network, RoadClass

LENGTHS_DIFFER = 0.1
"""Greatest difference of the lengths of two directions of one road, as a share."""


@dataclass(frozen=True)
class Sirens:
    """What drivers do for a siren.

    Attributes
    ----------
    corridor
        On two lanes or more slow drivers who hold up the unit draw to the edges of their lanes, and
        it drives between the lanes.
    oncoming
        On two-way roads of one lane in each direction the unit may pass a queue over the oncoming
        lane, when nobody comes there.
    reach_m
        Metres ahead of the unit within which drivers leave its lane.
    queue_reach_m
        To what this distance grows while the unit is held in a queue: who sees others make way
        does the same.
    between_mps
        Greatest speed of a unit there, m/s.
    past_mps
        How much faster than those beside it a unit drives there, m/s.
    """

    corridor: bool = True
    oncoming: bool = True
    reach_m: float = 80.0
    queue_reach_m: float = 250.0
    between_mps: float = 11.0
    past_mps: float = 5.5

    def __post_init__(self) -> None:
        for name, low, high in (
            ("reach_m", 0.0, 1_000.0),
            ("queue_reach_m", self.reach_m, 2_000.0),
            ("between_mps", 1.0, 20.0),
            ("past_mps", 1.0, 15.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{value} is not in {low:g}..{high:g}", field=name)

    def table(self) -> F32:
        """Return what kernels read (places as in `kernels.layout`)."""
        return np.array(
            [
                self.corridor,
                self.oncoming,
                self.reach_m,
                self.queue_reach_m,
                self.between_mps,
                self.past_mps,
            ],
            np.float32,
        )


def opposite_links(network: Network) -> I32:
    """Return (L,) the other direction of each link's undivided road, or -1.

    That is a link between the same nodes the other way round, about as long. Motorways and trunk
    roads are taken to be divided.
    """
    here = network.link_from.astype(np.int64) * network.n_nodes + network.link_to
    back = network.link_to.astype(np.int64) * network.n_nodes + network.link_from
    order = np.argsort(here, kind="stable")
    at = np.minimum(np.searchsorted(here[order], back), max(network.n_links - 1, 0))
    if not network.n_links:
        return np.empty(0, np.int32)
    other = order[at]
    length = network.link_length
    same = (here[other] == back) & (np.abs(length[other] - length) <= LENGTHS_DIFFER * length)
    same &= network.link_class > RoadClass.TRUNK
    found: I32 = np.where(same, other, -1).astype(np.int32)
    return found
