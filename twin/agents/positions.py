"""Where places on the road lie on the map, remembered: agents ask for the same ones again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin.network.graph import Place
from twin.network.locate import Locator

_KEPT = 30_000
"""So many places are remembered."""


class Positions:
    """Finds longitude and latitude of places.

    Parameters
    ----------
    locator
        Of the network.
    """

    def __init__(self, locator: Locator) -> None:
        self._locator = locator
        self._known: dict[tuple[int, float], tuple[float, float]] = {}

    def __call__(self, place: Place) -> tuple[float, float]:
        """Return longitude and latitude of a place, degrees."""
        found = self._known.get(place)
        if found is None:
            self.learn([place.link], [place.pos_m])
            found = self._known[place]
        return found

    def learn(self, links: Sequence[int], pos_m: Sequence[float]) -> None:
        """Find many places at once, for those who will ask for them one by one."""
        lon, lat = self._locator.lonlat(np.array(links), np.array(pos_m))
        here = zip(links, pos_m, strict=True)
        self._known.update(zip(here, zip(lon.tolist(), lat.tolist(), strict=True), strict=True))
        while len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
