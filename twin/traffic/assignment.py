"""Static equilibrium: link flows at which nobody gains by another way, at times that they cause.

The demand is constant, and a link's time depends on its own flow alone. Without errors of
perception the equilibrium is Wardrop's, found here by bi-conjugate Frank-Wolfe (Mitradjieva and
Lindberg 2013, "The stiff is moving"); with logit choice it is the fixed point of Dial's loading,
found by successive averages whose steps shrink faster while the residual grows (Liu, He and He
2009, "Method of successive weighted averages and self-regulated averaging schemes").

The relative gap is (sum of x t - sum of y t) / sum of y t, with flows x, their times t, and y the
flows of everybody on ways that are fastest at t: by what share the trips take longer than they need
to. Boyce, Ralevic-Dekic and Bar-Gera 2004, "Convergence of traffic assignments: how much is
enough?", find flows stable from 1e-4 on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.core.errors import InputError
from twin.network.graph import F32, F64, I32, Network
from twin.traffic.kernels.assign import load_fastest, load_logit
from twin.traffic.kernels.routing import RoadGraph
from twin.traffic.road_graph import graph_of_turns, new_tree, turn_costs

_LEAST_SHARE = 1e-5
"""A link costs at least this share of the mean: single precision must tell labels apart."""
_HALVINGS = 60
_FULL_STEP = 0.99
"""After a step so near to 1 the directions before it hold nothing more; the method begins anew."""
_GROW, _SHRINK = 1.5, 0.3
"""What the divisor of the step gains when the residual has grown, and when it has shrunk."""


class LinkTimes(NamedTuple):
    """Time of a link at flow x: `free + delay * x ** power`, (L,) each; any unit of time."""

    free: F64
    delay: F64
    power: F64

    @classmethod
    def of(cls, free: ArrayLike, delay: ArrayLike, power: ArrayLike) -> Self:
        """Return times of given coefficients."""
        a, b, p = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (free, delay, power)))
        return cls(a, b, p)

    @classmethod
    def bpr(cls, free: ArrayLike, capacity: ArrayLike, b: ArrayLike, power: ArrayLike) -> Self:
        """Return `free * (1 + b (x / capacity) ** power)` (Bureau of Public Roads 1964)."""
        scale = np.asarray(capacity, np.float64) ** np.asarray(power, np.float64)
        return cls.of(free, np.asarray(free, np.float64) * np.asarray(b) / scale, power)

    def at(self, flow: F64) -> F64:
        """Return (L,) times at (L,) flows."""
        out: F64 = self.free + self.delay * flow**self.power
        return out

    def slope(self, flow: F64) -> F64:
        """Return (L,) derivatives of the times by the flow."""
        out: F64 = self.delay * self.power * flow ** np.maximum(self.power - 1.0, 0.0)
        return out

    def integral(self, flow: F64) -> float:
        """Return the sum over links of the integral of the time from 0 to the flow."""
        part = self.free * flow + self.delay * flow ** (self.power + 1.0) / (self.power + 1.0)
        return float(part.sum())


@dataclass(frozen=True)
class Ways:
    """Links, and how they join zones; links `n_links` and up are connectors.

    Attributes
    ----------
    graph
        Turns among links and connectors.
    n_links
        Links that have a time.
    zone_out, zone_in
        (Z,) connectors by which trips leave and reach a zone.
    """

    graph: RoadGraph
    n_links: int
    zone_out: I32
    zone_in: I32

    @classmethod
    def between_nodes(cls, start: ArrayLike, end: ArrayLike, n_zones: int) -> Self:
        """Return ways over links from node to node; zone z is node z. Nobody turns back."""
        a, b = np.asarray(start, np.int32), np.asarray(end, np.int32)
        joined = (b[:, None] == a[None, :]) & (a[:, None] != b[None, :])
        turn_from, turn_to = np.nonzero(joined)
        zone = np.arange(n_zones)
        out_zone, out_link = np.nonzero(zone[:, None] == a[None, :])
        in_link, in_zone = np.nonzero(b[:, None] == zone[None, :])
        return cls._with_connectors(
            len(a), n_zones, (turn_from, turn_to, np.zeros(len(turn_from))),
            (out_zone, out_link), (in_zone, in_link),
        )  # fmt: skip

    @classmethod
    def on_streets(cls, network: Network, zone: ArrayLike, link: ArrayLike, n_zones: int) -> Self:
        """Return ways over a network's links and turns.

        Trips begin at the start and end at the end of any `link[i]` of their zone `zone[i]`.
        """
        zones, links = np.asarray(zone, np.int64), np.asarray(link, np.int64)
        turns = (network.turn_from, network.turn_to, turn_costs(network))
        pairs = (zones, links)
        return cls._with_connectors(network.n_links, n_zones, turns, pairs, pairs)

    @classmethod
    def _with_connectors(
        cls,
        n_links: int,
        n_zones: int,
        turns: tuple[NDArray[np.int64] | I32, NDArray[np.int64] | I32, F64 | F32],
        leaves: tuple[NDArray[np.int64], NDArray[np.int64]],
        reaches: tuple[NDArray[np.int64], NDArray[np.int64]],
    ) -> Self:
        turn_from = np.concatenate([turns[0], n_links + leaves[0], reaches[1]])
        turn_to = np.concatenate([turns[1], leaves[1], n_links + n_zones + reaches[0]])
        cost = np.concatenate([turns[2], np.zeros(len(leaves[0]) + len(reaches[0]))])
        order = np.lexsort((turn_to, turn_from))
        graph = graph_of_turns(
            n_links + 2 * n_zones,
            turn_from[order].astype(np.int32),
            turn_to[order].astype(np.int32),
            cost[order].astype(np.float32),
        )
        zone_out = n_links + np.arange(n_zones, dtype=np.int32)
        return cls(graph, n_links, zone_out, zone_out + np.int32(n_zones))


class Equilibrium(NamedTuple):
    """Flows and how far they are from equilibrium.

    Attributes
    ----------
    flow, seconds
        (L,) flows and the times at them.
    gaps
        Of every iteration: the relative gap, or for logit the sum of |y - x| over that of x.
    objective
        Sum of the integrals of the times (Beckmann, McGuire and Winsten 1956).
    lost
        Demand between zones that no way joins; it is in no flow.
    """

    flow: F64
    seconds: F64
    gaps: tuple[float, ...]
    objective: float
    lost: float

    @property
    def gap(self) -> float:
        """The last of `gaps`."""
        return self.gaps[-1]


class _Loader:
    """Loads one demand again and again."""

    def __init__(self, ways: Ways, times: LinkTimes, demand: F64) -> None:
        n_zones = len(ways.zone_out)
        if demand.shape != (n_zones, n_zones):
            raise InputError(f"a demand of shape {demand.shape} is not that of {n_zones} zones")
        if not np.isfinite(demand).all() or (demand < 0).any():
            raise InputError("a demand holds a number that is negative or not finite")
        if len(times.free) != ways.n_links:
            raise InputError(f"{len(times.free)} times are not those of {ways.n_links} links")
        start, end = np.nonzero(demand * (1.0 - np.eye(n_zones)))
        origins = np.unique(start)
        self._ways = ways
        self._origin = ways.zone_out[origins]
        self._ptr = np.append(np.searchsorted(start, origins), len(start)).astype(np.int32)
        self._destination = ways.zone_in[end]
        self._volume = np.ascontiguousarray(demand[start, end])
        self._tree = new_tree(ways.graph)
        self._far = np.empty_like(self._tree.label)
        self._reference = self._costs(times.free).astype(np.float32)
        self.lost = 0.0

    def _costs(self, seconds: F64) -> F64:
        cost = np.zeros(len(self._tree.label))
        cost[: len(seconds)] = np.maximum(seconds, _LEAST_SHARE * seconds.mean())
        return cost

    def fastest(self, seconds: F64) -> F64:
        """Return the flows of everybody on a fastest way."""
        flow = np.zeros(len(self._tree.label))
        self.lost = load_fastest(
            self._ways.graph, self._costs(seconds).astype(np.float32), self._origin, self._ptr,
            self._destination, self._volume, self._tree, flow,
        )  # fmt: skip
        return flow[: self._ways.n_links]

    def logit(self, seconds: F64, theta: float) -> F64:
        """Return the flows of everybody spread by logit."""
        flow = np.zeros(len(self._tree.label))
        self.lost = load_logit(
            self._ways.graph, self._costs(seconds), self._reference, theta, self._origin,
            self._ptr, self._destination, self._volume, self._tree, self._far, flow,
        )  # fmt: skip
        return flow[: self._ways.n_links]


def user_equilibrium(
    ways: Ways,
    times: LinkTimes,
    demand: F64,
    *,
    gap: float = 1e-4,
    most: int = 1000,
    progress: Callable[[int, float], None] | None = None,
) -> Equilibrium:
    """Return Wardrop's equilibrium of a demand: every way in use is a fastest one.

    Parameters
    ----------
    ways, times
        The network; `times.free` of every link.
    demand
        (Z, Z) flow from zone to zone; what stays within a zone uses no link.
    gap, most
        The iterations end at this relative gap, or after so many.
    progress
        Called with number and gap of every iteration.

    Raises
    ------
    InputError
        If the parts do not fit together, or the demand is negative or not finite.
    """
    loader = _Loader(ways, times, demand)
    x = loader.fastest(times.at(np.zeros(ways.n_links)))
    lost = loader.lost
    before = last = x
    step = 1.0
    gaps: list[float] = []
    for number in range(1, most + 1):
        seconds = times.at(x)
        y = loader.fastest(seconds)
        least = float(y @ seconds)
        gaps.append((float(x @ seconds) - least) / least if least > 0 else 0.0)
        if progress is not None:
            progress(number, gaps[-1])
        if gaps[-1] <= gap:
            break
        aim = y if number < 3 or step > _FULL_STEP else _conjugate(x, y, last, before, step, times)
        if float((aim - x) @ seconds) >= 0:
            aim = y
        step = _line_search(x, aim - x, times)
        before, last = last, aim
        x = x + step * (aim - x)
    return Equilibrium(x, times.at(x), tuple(gaps), times.integral(x), lost)


def _conjugate(x: F64, y: F64, last: F64, before: F64, step: float, times: LinkTimes) -> F64:
    """Return the point to aim at, so that the direction is conjugate to the two before."""
    slope = times.slope(x)
    mixed = step * last + (1.0 - step) * before - x
    toward, to_last = y - x, last - x
    below = float((mixed * (before - last)) @ slope)
    mu = max(0.0, -float((mixed * toward) @ slope) / below) if below != 0 else 0.0
    below = float((to_last * to_last) @ slope)
    nu = 0.0
    if below != 0:
        nu = max(0.0, -float((to_last * toward) @ slope) / below + mu * step / (1.0 - step))
    out: F64 = (y + nu * last + mu * before) / (1.0 + mu + nu)
    return out


def _line_search(x: F64, direction: F64, times: LinkTimes) -> float:
    """Return the share of the direction at which the objective is least, by halving."""
    low, high = 0.0, 1.0
    if float(direction @ times.at(x + direction)) <= 0:
        return 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if float(direction @ times.at(np.maximum(x + middle * direction, 0.0))) > 0:
            high = middle
        else:
            low = middle
    return low if low > 0 else high


def logit_equilibrium(
    ways: Ways,
    times: LinkTimes,
    demand: F64,
    theta: float,
    *,
    gap: float = 1e-4,
    most: int = 1000,
    progress: Callable[[int, float], None] | None = None,
) -> Equilibrium:
    """Return the stochastic equilibrium of a demand whose drivers choose by logit.

    Parameters
    ----------
    theta
        A way of time c is chosen in proportion to exp(-theta c), among the ways that lead away
        from the origin at free flow.

    The others are those of `user_equilibrium`.

    Raises
    ------
    InputError
        If the parts do not fit together, or theta is not positive.
    """
    if not 0 < theta < np.inf:
        raise InputError(f"theta {theta} is not a positive number", field="theta")
    loader = _Loader(ways, times, demand)
    x = loader.logit(times.at(np.zeros(ways.n_links)), theta)
    lost = loader.lost
    divisor, residual = 1.0, np.inf
    gaps: list[float] = []
    for number in range(1, most + 1):
        y = loader.logit(times.at(x), theta)
        off = float(np.abs(y - x).sum())
        total = float(x.sum())
        gaps.append(off / total if total > 0 else 0.0)
        if progress is not None:
            progress(number, gaps[-1])
        if gaps[-1] <= gap:
            break
        divisor += _GROW if off >= residual else _SHRINK
        residual = off
        x = x + (y - x) / divisor
    return Equilibrium(x, times.at(x), tuple(gaps), times.integral(x), lost)
