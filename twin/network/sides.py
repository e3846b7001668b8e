"""The two sides of a street, between which an emergency unit may choose."""

from __future__ import annotations

import numpy as np

from twin.network.geometry import Polylines
from twin.network.graph import I32, Network, RoadClass
from twin.network.locate import opposite_links

SAME_LINE_M = 1.0
"""Two directions that are drawn farther apart than this are two carriageways."""
MOST_LANES = 3
"""A road with more lanes in a direction is taken to have a median (assumption)."""


def across(network: Network) -> I32:
    """Return (L,) the link on the other side of each link's street, or -1.

    That is the other direction between the same nodes on the same drawn line. Motorways, trunk
    roads and roads of more than `MOST_LANES` lanes in a direction are taken to be divided, though
    drawn as one line. Where k lies across from j, j lies across from k.
    """
    here = np.arange(network.n_links)
    other = opposite_links(network)
    undivided = (network.link_class > RoadClass.TRUNK) & (network.link_lanes <= MOST_LANES)
    found = (other >= 0) & (other[other] == here) & undivided & undivided[other]
    lines = Polylines(network.geom_ptr, network.geom_x, network.geom_y)
    for share in (0.25, 0.5, 0.75):
        x, y = lines.at(here, share * lines.length)
        back_x, back_y = lines.at(other, (1.0 - share) * lines.length[other])
        found &= np.hypot(x - back_x, y - back_y) <= SAME_LINE_M
    return np.where(found, other, -1).astype(np.int32)


def both_sides(links: I32, across: I32) -> I32:
    """Return links and those that lie `across` from them."""
    other = across[links]
    return np.concatenate([links, other[other >= 0]]).astype(np.int32)
