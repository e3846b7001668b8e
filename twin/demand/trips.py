"""Trips as columns, what the movement layers are fed with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from twin.core.errors import TwinError
from twin.network.graph import F32, F64, I32, U8, Network


class VehicleKind(IntEnum):
    """What makes a trip; the number is the `kind` column of trips and vehicles."""

    CAR = 0
    TAXI = 1
    TRUCK = 2
    BUS = 3


@dataclass(frozen=True, slots=True)
class Trips:
    """N trips with their routes.

    Attributes
    ----------
    depart_s
        (N,) planned departure, seconds since midnight, ascending.
    kind
        (N,) `VehicleKind`.
    route_ptr, route_link
        (N + 1,), (R,) links of trip i, first to last, are `route_ptr[i]:route_ptr[i + 1]`; at least
        one each.
    end_pos_m
        (N,) where on its last link the trip ends, metres from the link's start.

    Raises
    ------
    TwinError
        If the columns do not fit together.
    """

    depart_s: F64
    kind: U8
    route_ptr: I32
    route_link: I32
    end_pos_m: F32

    def __post_init__(self) -> None:
        n = len(self.depart_s)
        if len(self.kind) != n or len(self.end_pos_m) != n or len(self.route_ptr) != n + 1:
            raise TwinError(
                f"the columns of trips differ in length: {n} departures, {len(self.kind)} kinds, "
                f"{len(self.end_pos_m)} ends, {len(self.route_ptr)} route pointers (one more)"
            )
        if self.route_ptr[0] != 0 or self.route_ptr[-1] != len(self.route_link):
            raise TwinError(
                f"route pointers of trips run from {self.route_ptr[0]} to {self.route_ptr[-1]}, "
                f"not from 0 to {len(self.route_link)}"
            )
        if n == 0:
            return
        if not np.isfinite(self.depart_s).all():
            raise TwinError("a trip departs at no finite time")
        late = np.flatnonzero(np.diff(self.depart_s) < 0)
        if len(late):
            raise TwinError(f"trip {late[0] + 1} departs before trip {late[0]}")
        empty = np.flatnonzero(np.diff(self.route_ptr) < 1)
        if len(empty):
            raise TwinError(f"trip {empty[0]} has no route")

    def __len__(self) -> int:
        return len(self.depart_s)

    def check_on(self, network: Network) -> None:
        """Check that every route drives over allowed turns and ends on its last link.

        Raises
        ------
        TwinError
            If one does not; it names the trip.
        """
        if not len(self):
            return
        if self.route_link.min() < 0 or self.route_link.max() >= network.n_links:
            raise TwinError(f"a route holds a link outside 0..{network.n_links - 1}")
        last = self.route_link[self.route_ptr[1:] - 1]
        beyond = np.flatnonzero(
            (self.end_pos_m < 0) | (self.end_pos_m > network.link_length[last] * (1 + 1e-6))
        )
        if len(beyond):
            raise TwinError(f"trip {beyond[0]} ends at {self.end_pos_m[beyond[0]]} m, off its link")
        trip = np.repeat(np.arange(len(self)), np.diff(self.route_ptr))
        within = trip[1:] == trip[:-1]
        pair = self.route_link[:-1].astype(np.int64) * network.n_links + self.route_link[1:]
        turns = network.turn_from.astype(np.int64) * network.n_links + network.turn_to
        bad = np.flatnonzero(within & ~np.isin(pair, turns))
        if len(bad):
            a, b = self.route_link[bad[0]], self.route_link[bad[0] + 1]
            raise TwinError(f"the route of trip {trip[bad[0]]} holds no turn from {a} to {b}")

    @staticmethod
    def empty() -> Trips:
        """Return no trips."""
        return Trips(
            np.empty(0, np.float64),
            np.empty(0, np.uint8),
            np.zeros(1, np.int32),
            np.empty(0, np.int32),
            np.empty(0, np.float32),
        )
