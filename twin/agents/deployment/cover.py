"""The arithmetic of cover: who is within reach of whom, and what one unit more or less changes.

A point of demand i with weight d_i that k units can reach in time finds one of them free with
chance 1 - q^k when each is busy for a share q of its time, independently of the others (Daskin
1983, "A maximum expected covering location model", Transportation Science 17(1)). So the k-th unit
adds d_i (1 - q) q^(k-1), and that sum is what the rules of deployment compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.city.model import City
from twin.demand.points import DemandPoints, demand_points
from twin.network.graph import Network, Place
from twin.scenarios.spec import Scenario
from twin.traffic.costs import RoadCosts

if TYPE_CHECKING:
    from twin.agents.units.unit import Unit
    from twin.agents.world import World

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

KIND = "ambulance"
"""Kind of unit that is sited and moved up."""
CALLS_OF = {"ambulance": "medical", "engine": "fire"}
"""Whose calls each kind of unit is there for; others are there for all."""
SERVES = {"ambulance": frozenset({"ems", "both"}), "engine": frozenset({"fire", "both"})}
"""Kinds of station at which each kind of unit may stand."""


class Cover:
    """Cover of P points of demand from B bases.

    Parameters
    ----------
    bases
        Ids of the stations.
    seconds
        (B, P) drive from each base to each point; infinite where no road leads.
    weight
        (P,) weights d of the points.
    within_s
        A point is within reach of a base at most so far.
    busy
        Share q of its time for which a unit is busy.

    Attributes
    ----------
    number
        Row of each base.
    reach
        (B, P) whether a base reaches a point in time.
    """

    def __init__(
        self, bases: Sequence[str], seconds: F64, weight: F64, *, within_s: float, busy: float
    ) -> None:
        self.bases = tuple(bases)
        self.number = {base: k for k, base in enumerate(self.bases)}
        self.seconds = seconds
        self.weight = weight
        self.within_s = within_s
        self.busy = busy
        self.reach: NDArray[np.bool_] = seconds <= within_s
        self._reach = self.reach.astype(np.float64)

    def counts(self, units: Iterable[Unit]) -> I64:
        """Return (B,) how many of the units are free, at the base where they stand or head for."""
        found: I64 = np.zeros(len(self.bases), np.int64)
        for unit in units:
            row = self.number.get(unit.base.station_id)
            if row is not None and unit.available:
                found[row] += 1
        return found

    def covering(self, counts: I64) -> I64:
        """Return (P,) how many of the units reach each point, of (B,) units at the bases."""
        found: I64 = (counts @ self._reach).astype(np.int64)
        return found

    def share(self, counts: I64, *, least: int = 1) -> float:
        """Return the share of the weight that `least` units or more reach."""
        covered = self.covering(counts) >= least
        return float(self.weight[covered].sum() / self.weight.sum())

    def expected(self, counts: I64) -> float:
        """Return the weight that is expected to find a unit: the sum of d_i (1 - q^k_i)."""
        return float((self.weight * (1.0 - self.busy ** self.covering(counts))).sum())

    def gain(self, counts: I64) -> F64:
        """Return (B,) what one more unit at each base adds: the sum of d_i (1 - q) q^k_i in reach.

        It is what DMEXCLP maximises (Jagtenberg, Bhulai and van der Mei 2015, "An efficient
        heuristic for real-time ambulance redeployment", Operations Research for Health Care 4).
        """
        k = self.covering(counts)
        found: F64 = self._reach @ (self.weight * (1.0 - self.busy) * self.busy**k)
        return found

    def loss(self, counts: I64) -> F64:
        """Return (B,) what one unit fewer at each base costs: the sum of d_i (1 - q) q^(k_i - 1).

        Infinite at a base that has none. It is what the dispatch by least loss of cover minimises
        (Jagtenberg, Bhulai and van der Mei 2017, "Dynamic ambulance dispatching: is the
        closest-idle policy always optimal?", Health Care Management Science 20).
        """
        # Points that nobody reaches cost nothing: no unit at any base reaches them.
        k = np.maximum(self.covering(counts) - 1, 0)
        cost: F64 = self._reach @ (self.weight * (1.0 - self.busy) * self.busy**k)
        return np.where(counts > 0, cost, np.inf)


def cover_of(world: World, kind: str) -> Cover:
    """Return the cover by a kind of unit in a world: from the stations at which they may stand."""
    housed = {unit.station.station_id for unit in world.units if unit.kind == kind}
    serves = SERVES.get(kind, frozenset())
    stations = [
        station
        for station in world.stations.values()
        if station.serves in serves or station.station_id in housed
    ]
    points = demand_points(world.city, CALLS_OF.get(kind, ""))
    ids = [station.station_id for station in stations]
    return make_cover(world.city, world.scenario, ids, [s.place for s in stations], points)


def make_cover(
    city: City,
    scenario: Scenario,
    bases: Sequence[str],
    places: Sequence[Place],
    points: DemandPoints,
) -> Cover:
    """Return the cover of points of demand from bases at places, by a scenario's `coverage`."""
    settings = scenario.coverage
    seconds = drive_seconds(city, scenario, places, points.places)
    return Cover(
        bases,
        settings.slower * seconds,
        points.weight,
        within_s=settings.within_s,
        busy=settings.busy,
    )


class _Drives(NamedTuple):
    """Drives on empty streets, kept for the next run of the same city."""

    network: Network
    factors: tuple[float, float]
    ends: tuple[tuple[Place, ...], tuple[Place, ...]]
    seconds: F64


_kept: list[_Drives] = []
_MOST_KEPT = 4


def drive_seconds(
    city: City, scenario: Scenario, origins: Sequence[Place], goals: Sequence[Place]
) -> F64:
    """Return (B, P) seconds under siren: by a city's table, or on empty streets with signals.

    The array may be another run's, too: it is not to be written.
    """
    if city.is_table:
        rows = [place.link for place in origins]
        return city.travel_times[np.ix_(rows, [place.link for place in goals])]
    factors = scenario.traffic.speed_factor, scenario.traffic.emergency_speed_factor
    ends = tuple(origins), tuple(goals)
    for kept in _kept:
        if kept.network is city.network and kept.factors == factors and kept.ends == ends:
            return kept.seconds
    costs = RoadCosts(city.network, speed_factor=factors[0], siren_factor=factors[1])
    seconds: F64 = np.empty((len(origins), len(goals)))
    for row, origin in enumerate(origins):
        seconds[row] = costs.travel_times(origin, goals, siren=True)
    seconds.flags.writeable = False
    _kept.append(_Drives(city.network, factors, ends, seconds))
    del _kept[:-_MOST_KEPT]
    return seconds
