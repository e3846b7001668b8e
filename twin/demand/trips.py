"""Vehicle trips: drawn from the city's OD and hourly profile, and as columns with their routes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.city.model import City
from twin.core.clock import HOUR_S
from twin.core.errors import InputError, TwinError
from twin.core.random import Streams
from twin.network.graph import F32, F64, I32, I64, U8, Network

Column = NDArray[Any]

CELL_S = 300.0
"""Trips are drawn for fixed cells of this length, so that they do not depend on how time is cut."""
TAXI_SHARE = 0.19
"""Taxis among car and taxi trips: 1.13 of 6 million a day in Seoul, 2019."""
END_RANGE = (0.3, 0.95)
"""A trip ends uniformly within these shares of its last link: off the junctions."""


class VehicleKind(IntEnum):
    """What makes a trip; the number is the `kind` column of trips and vehicles.

    The numbers between are those of emergency units and obstacles (`kernels.layout`).
    """

    CAR = 0
    TAXI = 1
    TRUCK = 2
    BUS = 3
    MOTORCYCLE = 7
    AUTOMATED = 8


SHARES: Mapping[VehicleKind, float] = {
    VehicleKind.TAXI: TAXI_SHARE,
    VehicleKind.CAR: 1.0 - TAXI_SHARE,
}
"""Shares of trips where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Trips:
    """N trips with their routes.

    Attributes
    ----------
    depart_s
        (N,) planned departure, seconds since midnight, ascending.
    kind
        (N,) `VehicleKind`, or the number of a type of a file (`twin.traffic.types`).
    route_ptr, route_link
        (N + 1,), (R,) links of trip i, first to last, are `route_ptr[i]:route_ptr[i + 1]`; at least
        one each.
    end_pos_m
        (N,) where on its last link the trip ends, metres from the link's start.
    number
        (N,) what the driver's character is drawn by, the same whatever else changes; the number of
        the vehicle if None.

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
    number: I64 | None = None

    def __post_init__(self) -> None:
        n = len(self.depart_s)
        if self.number is not None and len(self.number) != n:
            raise TwinError(f"{len(self.number)} numbers for {n} trips")
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

    def part(self, begin: int, end: int) -> Trips:
        """Return trips `begin` to `end` (exclusive)."""
        ptr = self.route_ptr[begin : end + 1]
        return Trips(
            self.depart_s[begin:end],
            self.kind[begin:end],
            ptr - ptr[0],
            self.route_link[ptr[0] : ptr[-1]],
            self.end_pos_m[begin:end],
            None if self.number is None else self.number[begin:end],
        )

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


@dataclass(frozen=True, slots=True)
class Wishes:
    """N trips before they have a route, by departure.

    Attributes
    ----------
    number
        (N,) the trip's own number, whatever the slice, the scale and the other settings.
    depart_s, kind, end_pos_m
        (N,) as in `Trips`.
    origin, destination
        (N,) links.
    area
        (N,) zone in which the trip ends, as a row of the city's `zones`.
    """

    number: I64
    depart_s: F64
    kind: U8
    origin: I32
    destination: I32
    end_pos_m: F32
    area: I32

    def __len__(self) -> int:
        return len(self.number)


class TripPlan:
    """Draws the trips of any span of time.

    Each cell of `CELL_S` seconds has a Poisson number of trips at the OD total times the share of
    its hour. Scaling keeps a trip when its own uniform number is below the scale, so the trips at
    10 % are among those at 11 %; each unit of scale above 1 adds another such layer.

    Parameters
    ----------
    city
        Its tables `od`, `trip_profile`, `zones` and `zone_links` are used.
    streams
        Every cell has its own stream.
    day
        Date of second 0; Saturdays and Sundays follow the weekend profile.
    scale
        Factor on all trips.
    shares
        Shares of trips by what makes them; they add up to 1.

    Raises
    ------
    InputError
        If the OD names a zone without links, or the profile an hour that a day does not have.
    """

    def __init__(
        self,
        city: City,
        streams: Streams,
        day: date,
        scale: float = 1.0,
        shares: Mapping[VehicleKind, float] = SHARES,
    ) -> None:
        # Taxis first, cars last: a share more for others takes trips from cars, and few from taxis.
        order = sorted(shares, key=lambda kind: (kind == VehicleKind.CAR, kind != VehicleKind.TAXI))
        self._kinds = np.array(order, np.uint8)
        self._kind_edges = np.cumsum([shares[VehicleKind(int(kind))] for kind in self._kinds])
        self._streams = streams
        self._day = day
        self._scale = scale
        self._length = city.network.link_length
        zone_ids = city["zones"]["zone_id"].to_numpy()
        od = city["od"]
        od = od[od["trips_per_day"] > 0]
        self._origin_zone = _rows_of(zone_ids, od["origin"].to_numpy(), "od", "origin")
        self._destination_zone = _rows_of(
            zone_ids, od["destination"].to_numpy(), "od", "destination"
        )
        self._od_edges = np.cumsum(od["trips_per_day"].to_numpy(np.float64))
        self._per_day = float(self._od_edges[-1]) if len(od) else 0.0
        self._link, self._link_edges, has_links = _zone_links(city["zone_links"], zone_ids)
        used = np.union1d(self._origin_zone, self._destination_zone)
        bare = used[~has_links[used]]
        if len(bare):
            raise InputError(
                f"zone {zone_ids[bare[0]]} has trips but no links to start or end on",
                file="zone_links",
                field="zone_id",
                hint="give it rows in `zone_links`: the links on which its trips start and end",
            )
        self._shares = {
            weekend: _hourly(city["trip_profile"], "weekend" if weekend else "weekday")
            for weekend in (False, True)
        }

    def per_hour(self, hour: int) -> float:
        """Return the expected trips at scale 1 of the hour that starts at `hour` * 3600 s."""
        day = self._day + timedelta(days=hour // 24)
        return self._per_day * float(self._shares[day.weekday() >= 5][hour % 24])

    def between(self, t_from: float, t_to: float, *, factor: float = 1.0) -> Wishes:
        """Return the trips that depart in `[t_from, t_to)`, with `factor` on the plan's scale."""
        scale = self._scale * factor
        cells = range(math.floor(t_from / CELL_S), math.ceil(t_to / CELL_S))
        drawn = [
            self._layer(cell, layer, min(scale - layer, 1.0))
            for cell in cells
            for layer in range(math.ceil(scale))
        ]
        columns = [np.concatenate(part) for part in zip(*drawn, strict=True)] if drawn else _EMPTY
        depart = columns[1]
        order = np.lexsort((columns[0], depart))
        order = order[(depart[order] >= t_from) & (depart[order] < t_to)]
        return Wishes(*(column[order] for column in columns))

    def _layer(self, cell: int, layer: int, share: float) -> tuple[Column, ...]:
        rng = self._streams.stream("trips", f"{cell}/{layer}")
        hour = math.floor(cell * CELL_S / HOUR_S)
        n = int(rng.poisson(self.per_hour(hour) * CELL_S / HOUR_S))
        u = rng.random((7, n))
        keep = np.flatnonzero(u[0] < share)
        u = u[:, keep]
        pair = np.searchsorted(self._od_edges, u[1] * self._per_day, side="right")
        pair = np.minimum(pair, len(self._od_edges) - 1)
        area = self._destination_zone[pair]
        origin = self._draw_link(self._origin_zone[pair], u[2])
        destination = self._draw_link(area, u[3])
        low, high = END_RANGE
        end = ((low + (high - low) * u[5]) * self._length[destination]).astype(np.float32)
        return (
            # A cell never has 2**24 trips, a scale never 2**4 layers.
            (np.int64(cell) * 16 + layer) * 2**24 + keep,
            (cell + u[4]) * CELL_S,
            self._kinds[np.searchsorted(self._kind_edges[:-1], u[6], side="right")],
            origin,
            destination,
            end,
            area,
        )

    def _draw_link(self, zone: I32, u: F64) -> I32:
        # Zone z's links own the edges in (z, z + 1]: one search serves all zones. The factor keeps
        # the sum from being rounded up into the next zone.
        row = np.searchsorted(self._link_edges, zone + u * (1.0 - 1e-9), side="right")
        return self._link[row]


_EMPTY = [np.empty(0, t) for t in ("i8", "f8", "u1", "i4", "i4", "f4", "i4")]


def _rows_of(zone_ids: Column, wanted: Column, table: str, column: str) -> I32:
    order = np.argsort(zone_ids, kind="stable")
    at = np.searchsorted(zone_ids[order], wanted)
    known = at < len(zone_ids)
    known[known] = zone_ids[order][at[known]] == wanted[known]
    if not known.all():
        row = int(np.flatnonzero(~known)[0])
        raise InputError(f"there is no zone {wanted[row]}", file=table, row=row + 2, field=column)
    return order[at].astype(np.int32)


def _zone_links(table: pd.DataFrame, zone_ids: Column) -> tuple[I32, F64, NDArray[np.bool_]]:
    """Return links by zone, for each its zone row + cumulative share, and which zones have any."""
    table = table[table["weight"] > 0]
    zone = _rows_of(zone_ids, table["zone_id"].to_numpy(), "zone_links", "zone_id")
    order = np.argsort(zone, kind="stable")
    zone = zone[order]
    weight = table["weight"].to_numpy(np.float64)[order]
    total = np.bincount(zone, weights=weight, minlength=len(zone_ids))
    has_links: NDArray[np.bool_] = total > 0
    zones_before: I64 = np.cumsum(has_links) - has_links
    share = np.cumsum(weight / total[zone]) - zones_before[zone]
    edges: F64 = np.clip(share, 0.0, 1.0) + zone.astype(np.float64)
    # The last link of a zone owns what rounding left over.
    last = np.flatnonzero(np.append(zone[1:] != zone[:-1], [True])[: len(zone)])
    edges[last] = zone[last] + 1.0
    return table["link"].to_numpy(np.int32)[order], edges, has_links


def _hourly(profile: pd.DataFrame, column: str) -> F64:
    hour = profile["hour"].to_numpy(np.int64)
    bad = np.flatnonzero((hour < 0) | (hour > 23))
    if len(bad):
        raise InputError(
            f"a day has no hour {hour[bad[0]]}",
            file="trip_profile",
            row=int(bad[0]) + 2,
            field="hour",
        )
    shares = np.zeros(24)
    shares[hour] = profile[column].to_numpy(np.float64)
    return shares
