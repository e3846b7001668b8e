"""Drivers who slow where they pass an incident: who does, and what they leave of the flow."""

from __future__ import annotations

from functools import cached_property

from twin.network.graph import I64, Network, Place
from twin.network.locate import opposite_links

OPEN_LANE_SHARE = {
    2: (0.70,),
    3: (0.74, 0.51),
    4: (0.77, 0.50, 0.52),
    5: (0.81, 0.67, 0.50, 0.50),
    6: (0.85, 0.75, 0.52, 0.52),
    7: (0.88, 0.80, 0.63, 0.63),
    8: (0.89, 0.84, 0.66, 0.66),
}
"""What a lane that stays open carries of its capacity, by the lanes of the direction and by how
many of them are blocked, from one on (SHRP 2 L08, exhibit 36-16, made from exhibit 10-17 of the
Highway Capacity Manual 2010, which has the whole direction's: 0.49 with one of three)."""
OPPOSITE_SHARE = 0.87
"""The same for the other direction, where drivers look across (Masinick and Teng 2004: 12.7% less
where an effect is seen; Knoop, Hoogendoorn and Adams 2009 saw 30% on motorways)."""


def open_lane_share(lanes: int, blocked: int) -> float:
    """Return what an open lane carries of its capacity; 1 where none is open or none blocked."""
    if not 0 < blocked < lanes:
        return 1.0
    row = OPEN_LANE_SHARE[min(lanes, max(OPEN_LANE_SHARE))]
    return row[min(blocked, len(row)) - 1]


class PassersBy:
    """Knows who passes a place on the road.

    Parameters
    ----------
    network
        The roads.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    @cached_property
    def _back(self) -> I64:
        return opposite_links(self._network)

    def seen(self, place: Place, lanes: int, *, opposite: bool) -> list[tuple[Place, float]]:
        """Return where drivers slow for an incident, and what their lanes carry.

        Parameters
        ----------
        place, lanes
            Where it is, and how many lanes it takes.
        opposite
            Whether the other direction of the road looks across.
        """
        found = []
        share = open_lane_share(int(self._network.link_lanes[place.link]), lanes)
        if share < 1.0:
            found.append((place, share))
        across = int(self._back[place.link]) if opposite else -1
        if across >= 0:
            rest = float(self._network.link_length[across]) - place.pos_m
            found.append((Place(across, max(rest, 0.0)), OPPOSITE_SHARE))
        return found
