"""Where on the road a point lies, and where on the map a place on the road lies."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from twin.core.errors import InputError, NotFoundError
from twin.network.geometry import Polylines, Projection
from twin.network.graph import Network, Place

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

DEFAULT_REACH_M = 2_000.0


class Locator:
    """Finds places on a network.

    Parameters
    ----------
    network
        The roads.
    usable
        (L,) links that may be found; all if left out. (A front door is not on a motorway.)
    """

    def __init__(self, network: Network, *, usable: Flags | None = None) -> None:
        self.network = network
        self.projection = Projection(network.lon0, network.lat0)
        self._lines = Polylines(network.geom_ptr, network.geom_x, network.geom_y)
        # Positions count along the link's own length, which the drawn line may miss a little.
        self._stretch: F64 = network.link_length / np.maximum(self._lines.length, 1e-6)
        self._usable = np.ones(network.n_links, np.bool_) if usable is None else usable

    @cached_property
    def _pieces(self) -> tuple[I64, I64, shapely.STRtree]:
        """First vertex and link of every straight piece that may be found, and their index.

        It takes long, and who only asks where places lie on the map does without.
        """
        segment, owner = self._lines.segments()
        first: I64 = segment[self._usable[owner]]
        x, y = self._lines.x, self._lines.y
        ends = np.stack(
            [
                np.stack([x[first], y[first]], axis=-1),
                np.stack([x[first + 1], y[first + 1]], axis=-1),
            ],
            axis=1,
        )
        return first, owner[self._usable[owner]], shapely.STRtree(shapely.linestrings(ends))

    @cached_property
    def _twin(self) -> I64:
        return opposite_links(self.network)

    def nearest_many(self, lon: ArrayLike, lat: ArrayLike) -> tuple[I32, F32, F32]:
        """Return link, position and distance in metres of the road nearest to each point.

        Of the two directions of a road the one is taken whose right-hand side the point is on.

        Parameters
        ----------
        lon, lat
            (P,) degrees.

        Raises
        ------
        InputError
            If a point is not on the globe.
        """
        x, y = self.projection.forward(np.atleast_1d(lon), np.atleast_1d(lat))
        off = ~(np.isfinite(x) & np.isfinite(y))
        if off.any():
            k = int(np.argmax(off))
            where = f"longitude {np.atleast_1d(lon)[k]}, latitude {np.atleast_1d(lat)[k]}"
            raise InputError(f"{where} is not on the globe", row=k + 1, field="lon, lat")
        pieces, owner, tree = self._pieces
        which, segment = tree.query_nearest(shapely.points(x, y), all_matches=False)
        order = np.argsort(which, kind="stable")
        segment = segment[order]
        first = pieces[segment]
        link = owner[segment]
        ax, ay = self._lines.x[first], self._lines.y[first]
        dx, dy = self._lines.x[first + 1] - ax, self._lines.y[first + 1] - ay
        square = np.maximum(dx * dx + dy * dy, 1e-12)
        share = np.clip(((x - ax) * dx + (y - ay) * dy) / square, 0.0, 1.0)
        distance = np.hypot(x - ax - share * dx, y - ay - share * dy)
        drawn = self._lines.along[first] + share * np.sqrt(dx * dx + dy * dy)
        twin = self._twin[link]
        on_left = dx * (y - ay) - dy * (x - ax) > 0.0
        swap = on_left & (twin >= 0) & self._usable[twin]
        drawn = np.where(swap, self._lines.length[link] - drawn, drawn)
        link = np.where(swap, twin, link)
        pos = np.clip(drawn * self._stretch[link], 0.0, self.network.link_length[link])
        return link.astype(np.int32), pos.astype(np.float32), distance.astype(np.float32)

    def nearest(self, lon: float, lat: float, *, max_m: float = DEFAULT_REACH_M) -> Place:
        """Return the place on the road nearest to a point.

        Raises
        ------
        NotFoundError
            If there is no road within `max_m` metres.
        """
        link, pos, distance = self.nearest_many([lon], [lat])
        if not distance[0] <= max_m:
            raise NotFoundError(
                f"no road lies within {max_m:.0f} m of longitude {lon:.5f}, latitude {lat:.5f} "
                f"(the nearest is {distance[0]:.0f} m away)"
            )
        return Place(int(link[0]), float(pos[0]))

    def xy(self, link: ArrayLike, pos: ArrayLike) -> tuple[F64, F64]:
        """Return local metres of positions along links; arrays or single values."""
        k = np.asarray(link, np.int64)
        return self._lines.at(k, np.asarray(pos, np.float64) / self._stretch[k])

    def lonlat(self, link: ArrayLike, pos: ArrayLike) -> tuple[F64, F64]:
        """Return longitude and latitude of positions along links; arrays or single values."""
        return self.projection.inverse(*self.xy(link, pos))


def opposite_links(network: Network) -> I64:
    """(L,) the link of the same road in the other direction, or -1.

    Of several links back between the same nodes, the one with the same length counts.
    """
    n = np.int64(network.n_nodes)
    forth = network.link_from * n + network.link_to
    back = network.link_to * n + network.link_from
    # Length in decimetres ranks parallel roads; both directions of one road share it.
    size = np.round(network.link_length.astype(np.float64) * 10.0)
    order = np.lexsort((size, forth))
    key = np.rec.fromarrays([forth[order], size[order]])
    wanted = np.rec.fromarrays([back, size])
    found = np.minimum(np.searchsorted(key, wanted), network.n_links - 1)
    twin = order[found]
    same = (forth[twin] == back) & (np.abs(size[twin] - size) <= 1.0)
    return np.where(same, twin, -1)
