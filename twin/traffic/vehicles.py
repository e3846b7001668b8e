"""A view of the vehicles on the road whose columns are arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twin.network.graph import F32, F64, I32, I64, U8, Network

LANE_WIDTH_M = 3.2


@dataclass(frozen=True)
class Geometry:
    """Where a distance along a link is in the plane.

    Attributes
    ----------
    key
        (P,) `link * STRIDE` + distance along the link of every vertex, ascending.
    x, y
        (P,) metres.
    lanes
        (L,) lanes of the link.
    """

    STRIDE = 1.0e6

    key: F64
    x: F32
    y: F32
    first: I32
    lanes: U8

    @staticmethod
    def of(network: Network) -> Geometry:
        """Return the geometry of a network; distances are scaled to the links' lengths."""
        count = np.diff(network.geom_ptr)
        link = np.repeat(np.arange(network.n_links), count)
        step = np.hypot(
            np.diff(network.geom_x, prepend=np.float32(0)).astype(np.float64),
            np.diff(network.geom_y, prepend=np.float32(0)).astype(np.float64),
        )
        step[network.geom_ptr[:-1]] = 0.0
        along = np.cumsum(step)
        along -= np.repeat(along[network.geom_ptr[:-1]], count)
        drawn = along[network.geom_ptr[1:] - 1]
        scale = network.link_length / np.maximum(drawn, 1e-6)
        key = link * Geometry.STRIDE + along * np.repeat(scale, count)
        return Geometry(
            key, network.geom_x, network.geom_y, network.geom_ptr[:-1], network.link_lanes
        )

    def locate(self, link: I32, pos: F32, lane: U8) -> tuple[F32, F32]:
        """Return (x, y) of places on lanes; the links of a two-way street lie side by side."""
        if not len(link):
            return np.empty(0, np.float32), np.empty(0, np.float32)
        wanted = link * self.STRIDE + pos
        at = np.searchsorted(self.key, wanted, side="right") - 1
        at = np.clip(at, self.first[link], None)
        nxt = np.minimum(at + 1, len(self.key) - 1)
        beyond = self.key[nxt] >= (link + 1) * self.STRIDE
        beyond |= nxt == at
        at = np.where(beyond, at - 1, at)
        nxt = at + 1
        run = np.maximum(self.key[nxt] - self.key[at], 1e-6)
        share = np.clip((wanted - self.key[at]) / run, 0.0, 1.0)
        dx = (self.x[nxt] - self.x[at]).astype(np.float64)
        dy = (self.y[nxt] - self.y[at]).astype(np.float64)
        norm = np.maximum(np.hypot(dx, dy), 1e-6)
        aside = (self.lanes[link].astype(np.float64) - lane - 0.5) * LANE_WIDTH_M
        x = self.x[at] + share * dx + aside * dy / norm
        y = self.y[at] + share * dy - aside * dx / norm
        return x.astype(np.float32), y.astype(np.float32)


@dataclass(frozen=True)
class VehicleView:
    """Vehicles on the road at one instant, as columns of equal length.

    Attributes
    ----------
    id
        Public number of a trip's vehicle; emergency units count from `UNIT_ID`.
    kind
        `VehicleKind`, or 4 for an ambulance, 5 for a fire engine.
    link, lane, pos_m
        Link index, lane (0 at the kerb), front bumper from the link's start in metres.
    speed_mps
        Speed.
    x, y
        Local metres, in the lane.
    """

    UNIT_ID = 1 << 40

    id: I64
    kind: U8
    link: I32
    lane: U8
    pos_m: F32
    speed_mps: F32
    geometry: Geometry

    def __len__(self) -> int:
        return len(self.id)

    @cached_property
    def _xy(self) -> tuple[F32, F32]:
        return self.geometry.locate(self.link, self.pos_m, self.lane)

    @property
    def x(self) -> F32:
        """Local metres, east."""
        return self._xy[0]

    @property
    def y(self) -> F32:
        """Local metres, north."""
        return self._xy[1]

    def select(
        self,
        *,
        link: int | I32 | None = None,
        kind: int | None = None,
        box: tuple[float, float, float, float] | None = None,
        min_speed: float | None = None,
    ) -> VehicleView:
        """Return the vehicles that meet every condition given.

        Parameters
        ----------
        link
            On this link, or on one of these.
        kind
            Of this kind.
        box
            Inside (x_min, y_min, x_max, y_max), local metres.
        min_speed
            At least this fast, m/s.
        """
        keep: NDArray[np.bool_] = np.ones(len(self), np.bool_)
        if link is not None:
            keep &= np.isin(self.link, link)
        if kind is not None:
            keep &= self.kind == kind
        if min_speed is not None:
            keep &= self.speed_mps >= min_speed
        if box is not None:
            keep &= (self.x >= box[0]) & (self.y >= box[1])
            keep &= (self.x <= box[2]) & (self.y <= box[3])
        return VehicleView(
            self.id[keep],
            self.kind[keep],
            self.link[keep],
            self.lane[keep],
            self.pos_m[keep],
            self.speed_mps[keep],
            self.geometry,
        )
