"""Collisions arise from exposure: vehicle-kilometres by road class and hour.

Each vehicle-kilometre adds its rate to an accumulated hazard; a collision happens whenever that
passes the next of a row of thresholds whose gaps are unit exponentials, drawn from a stream of
their own. That is a Poisson process in exposure (time change theorem; Daley and Vere-Jones 2003,
"An introduction to the theory of point processes", section 7.4).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.agents.incidents.incident import Call
from twin.agents.source import happen
from twin.city.model import City
from twin.core.clock import DAY_S, HOUR_S, is_weekend
from twin.demand.calls import priorities
from twin.demand.recorded import P_TRANSPORT
from twin.network.graph import Place, RoadClass

if TYPE_CHECKING:
    from twin.agents.world import Life, World

EXPOSURE_S = 60.0
"""Length of the intervals over which exposure is summed, seconds."""
MORE_PATIENTS = 0.32
"""Mean of the patients beyond the first: Seoul sends 122 ambulances a day (8.1% of 1,511) to 92.6
injury collisions."""
DETOUR = 1.35
"""Road distance over straight distance (assumption)."""
INSIDE_M = 1_000.0
"""Straight length of a trip that stays within its zone, metres (assumption)."""


class Exposure:
    """Turns driven metres into collisions.

    Parameters
    ----------
    world
        The model; its city's `collision_rates` are injury collisions per million vehicle-km.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        table = world.city["collision_rates"]
        rate: NDArray[np.float64] = np.zeros((len(RoadClass), 24))
        at = (table["road_class"].to_numpy(np.int64), table["hour"].to_numpy(np.int64))
        rate[at] = table["per_mvkm"].to_numpy(np.float64)
        self._per_metre = rate[world.city.network.link_class] * 1e-9
        self._gaps = world.streams.stream("collision-thresholds")
        self._hazard = 0.0
        self._next = float(self._gaps.standard_exponential())
        self._count = 0

    def accrue(self, t0: float, t1: float, metres: NDArray[np.float64]) -> None:
        """Add the (L,) vehicle-metres of `[t0, t1)`; collisions follow in the next interval."""
        hazard = self._hazard_of(t0, metres)
        self._add(t0, t1, float(hazard.sum()), hazard.cumsum)

    def live(self, city: City) -> Life:
        """Add what is expected to be driven, `EXPOSURE_S` by `EXPOSURE_S`, to the run's end.

        For fidelities without vehicles: whatever the clock's step, collisions are the same.
        """
        world, period = self.world, self.world.scenario.period
        expected = [ExpectedMetres(city, weekend=weekend) for weekend in (False, True)]
        known: dict[tuple[bool, int, float], tuple[float, NDArray[np.float64]]] = {}
        scale, last = world.scenario.traffic.demand_scale, (-1.0, -1.0)
        total, edges = 0.0, np.empty(0)
        start = period.start_s
        yield world.until(start)
        for k in range(math.ceil((period.end_s - start) / EXPOSURE_S)):
            t0, t1 = start + EXPOSURE_S * k, start + EXPOSURE_S * (k + 1)
            yield world.until(t1)
            now = t0 // HOUR_S, world.demand_factor * scale
            if now != last:
                last, weekend = now, is_weekend(period.day, t0)
                key = weekend, int(t0 % DAY_S // HOUR_S), now[1]
                if key not in known:
                    hazard = self._hazard_of(t0, now[1] * expected[weekend].between(t0, t1))
                    known[key] = float(hazard.sum()), np.cumsum(hazard)
                total, edges = known[key]
            self._add(t0, t1, total, edges)

    def _hazard_of(self, t0: float, metres: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (L,) collisions that are expected of vehicle-metres in the hour of `t0`."""
        hour = int(t0 % DAY_S // HOUR_S)
        return np.asarray(metres * self._per_metre[:, hour] * self.world.scenario.calls.scale)

    def _add(
        self,
        t0: float,
        t1: float,
        total: float,
        edges: NDArray[np.float64] | Callable[[], NDArray[np.float64]],
    ) -> None:
        """Add a hazard whose sums along the links are `edges`, or what those return."""
        while self._next < self._hazard + total:
            share = (self._next - self._hazard) / total
            sums = edges() if callable(edges) else edges
            self._collide(t1 + share * (t1 - t0), sums)
            self._next += float(self._gaps.standard_exponential())
        self._hazard += total

    def _collide(self, t: float, edges: NDArray[np.float64]) -> None:
        world = self.world
        self._count += 1
        call_id = f"X-{self._count}"
        rng = world.streams.lent("collision", self._count)
        u = rng.random(4)
        more = int(rng.poisson(MORE_PATIENTS))
        link = int(np.searchsorted(edges, u[0] * edges[-1], side="right"))
        place = Place(link, float(u[1] * world.city.network.link_length[link]))
        lon, lat = world.lonlat(place)
        service = world.durations.service
        call = Call(
            call_id=call_id,
            kind="collision",
            priority=int(priorities(service, "collision", u[2:3])[0]),
            t_call=t,
            lon=lon,
            lat=lat,
            link=link,
            pos_m=place.pos_m,
            district=world.district_of(place),
            transported=bool(u[3] < service.p_transport.get("collision", P_TRANSPORT)),
            patients=1 + more,
        )
        world.env.process(happen(world, call))


class ExpectedMetres:
    """Vehicle-metres where no vehicle is simulated.

    The day's trips times their mean length, spread over the links by capacity times length.

    Parameters
    ----------
    city
        Zones, trips and their hourly shape.
    weekend
        Whether the day is a Saturday or a Sunday.
    """

    def __init__(self, city: City, *, weekend: bool) -> None:
        network, od, profile = city.network, city["od"], city["trip_profile"]
        weight = network.link_capacity.astype(np.float64) * network.link_length
        self._weight = weight / weight.sum()
        self._per_hour: NDArray[np.float64] = np.zeros(24)
        if od.empty:
            return
        zones = city["zones"].set_index("zone_id")
        xy = zones[["x", "y"]].to_numpy(np.float64)
        ends = [zones.index.get_indexer(pd.Index(od[end])) for end in ("origin", "destination")]
        gap = xy[ends[0]] - xy[ends[1]]
        straight = np.maximum(np.hypot(gap[:, 0], gap[:, 1]), INSIDE_M)
        driven = float((od["trips_per_day"].to_numpy(np.float64) * straight).sum()) * DETOUR
        share = profile["weekend" if weekend else "weekday"].to_numpy(np.float64)
        self._per_hour[profile["hour"].to_numpy(np.int64)] = driven * share

    def between(self, t0: float, t1: float) -> NDArray[np.float64]:
        """Return the (L,) vehicle-metres of `[t0, t1)`, which lies in one hour."""
        total = self._per_hour[int(t0 % DAY_S // HOUR_S)] * (t1 - t0) / HOUR_S
        return np.asarray(total * self._weight, np.float64)
