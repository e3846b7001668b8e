"""Which streets a what-if brings traffic to, and which it takes it from.

Streets are those of the run's `link_names` table (`twin.network.streets`). A street's *flow* is
what was driven on it over the length of its links and the hours of the period: the vehicles that
pass a point of it in an hour and direction, on the mean of its length (Edie 1963, *Discussion of
traffic stream measurements and definitions*). Its speed is distance over time of all vehicles. Both
are laid side by side replication by replication, as all figures of runs are
(`twin.metrics.compare.Paired`).

A city has hundreds of streets, and of as many 95% intervals one in twenty excludes zero by chance.
So a street counts as clearly different only if it also passes the procedure of Benjamini and
Hochberg (1995, *Controlling the false discovery rate*) over all streets that were compared: of the
streets so called, at most one in twenty is expected to be there by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from twin.core.units import KMH
from twin.metrics.compare import CONFIDENCE, DECIMALS, Paired
from twin.metrics.driven import Driven
from twin.metrics.run_differences import DrivenPairs
from twin.recording.reader import RunReader

SHOWN = 10
"""Streets that are given each way."""

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetDifference:
    """The difference of one street.

    Attributes
    ----------
    street
        Its number in `link_names`.
    name
        None where it has none.
    road_class
        Of its longest link, as in `link_names`.
    lon, lat
        The middle of its longest link, degrees.
    length_m
        Of all its links, each direction counted.
    flow
        Vehicles per hour and direction; its interval is that of `paired_t`.
    speed
        km/h, over the replications in which both sides drive on it; None without any.
    clear
        Whether the flow differs clearly, with regard to how many streets were compared.
    """

    street: int
    name: str | None
    road_class: str
    lon: float
    lat: float
    length_m: float
    flow: Paired
    speed: Paired | None
    clear: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the line for JSON."""
        speed = None if self.speed is None else self.speed.as_dict()
        return {**asdict(self), "flow": self.flow.as_dict(), "speed": speed}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetDifferences:
    """The streets whose traffic differs most.

    Attributes
    ----------
    compared
        Streets on which anybody drove, in any run.
    shown
        Of these, those whose 95% interval of the flow excludes zero.
    clear
        Of these, those that differ clearly with regard to how many were compared.
    gained, lost
        The `SHOWN` streets that gained and lost most: the clear ones first, then those whose
        interval excludes zero, then the others, each by the difference of the flow. A street whose
        difference rounds to zero is in neither.
    """

    compared: int
    shown: int
    clear: int
    gained: list[StreetDifference]
    lost: list[StreetDifference]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "compared": self.compared,
            "shown": self.shown,
            "clear": self.clear,
            "gained": [row.as_dict() for row in self.gained],
            "lost": [row.as_dict() for row in self.lost],
        }


def street_differences(
    runs: Sequence[tuple[RunReader, RunReader]], driven: DrivenPairs
) -> StreetDifferences | None:
    """Return the streets whose traffic differs most; None where a side moves none.

    Parameters
    ----------
    runs
        One pair of runs (base, what-if) a replication.
    driven
        What was driven in them. Pairs in which a side has no traffic count for nothing.
    """
    known = [(one, two) for one, two in driven if one is not None and two is not None]
    if not known:
        return None
    streets = _streets(runs[0][0])
    if streets is None:
        return None
    base, whatif = (
        np.stack([_sums(streets, pair[side]) for pair in known]).transpose(1, 0, 2)
        for side in (0, 1)
    )
    hours = np.array([[pair[0].hours] for pair in known])
    flow = base[0] / streets.length_m / hours, whatif[0] / streets.length_m / hours
    speed = _speed(base), _speed(whatif)
    apart = flow[1] - flow[0]
    mean, half, p = paired_t(apart, least_spread(hours[:, 0]))
    shown = (np.round(mean - half, DECIMALS) > 0.0) | (np.round(mean + half, DECIMALS) < 0.0)
    used = (base[1] > 0.0).any(axis=0) | (whatif[1] > 0.0).any(axis=0)
    shown &= used
    clear = np.zeros(len(mean), np.bool_)
    clear[used] = discoveries(p[used], 1.0 - CONFIDENCE)
    clear &= shown
    order = np.lexsort((np.arange(len(mean)), -np.abs(mean), ~shown, ~clear))
    order = order[np.round(mean[order], DECIMALS) != 0.0]

    def line(number: int) -> StreetDifference:
        both = np.isfinite(speed[0][:, number]) & np.isfinite(speed[1][:, number])
        link = streets.longest[number]
        of_flow = Paired.between(flow[0][:, number], flow[1][:, number])
        if of_flow.low is not None:
            low, high = (float(mean[number] + side * half[number]) for side in (-1.0, 1.0))
            of_flow = replace(of_flow, low=low, high=high)
        return StreetDifference(
            street=number,
            name=streets.name[link],
            road_class=str(streets.road_class[link]),
            lon=float(streets.lon[link]),
            lat=float(streets.lat[link]),
            length_m=float(streets.length_m[number]),
            flow=of_flow,
            speed=Paired.between(speed[0][both, number], speed[1][both, number])
            if both.any()
            else None,
            clear=bool(clear[number]),
        )

    return StreetDifferences(
        compared=int(used.sum()),
        shown=int(shown.sum()),
        clear=int(clear.sum()),
        gained=[line(k) for k in order[mean[order] > 0.0][:SHOWN].tolist()],
        lost=[line(k) for k in order[mean[order] < 0.0][:SHOWN].tolist()],
    )


def least_spread(hours: F64) -> float:
    """Return the least standard deviation of flows, veh/h, that periods of (n,) hours allow.

    One vehicle in the period; of unequal ones, in the shortest.
    """
    return 1.0 / float(hours.min())


def paired_t(apart: F64, least: float) -> tuple[F64, F64, F64]:
    """Return of (R, S) differences the mean, half the 95% interval, and the p-value; each (S,).

    Both are those of the paired t test, two-sided, with a standard deviation of `least` at least,
    which is greater than 0, and in the unit of `apart`. With one replication the interval has no
    end and the p-value is 1.
    """
    n, mean = len(apart), apart.mean(axis=0)
    if n < 2:
        return mean, np.full(len(mean), np.inf), np.ones(len(mean))
    error = np.maximum(apart.std(axis=0, ddof=1), least) / math.sqrt(n)
    half: F64 = -float(stdtrit(n - 1, 0.5 - CONFIDENCE / 2.0)) * error
    p: F64 = 2.0 * stdtr(n - 1, -np.abs(mean) / error)
    return mean, half, p


def discoveries(p: F64, share: float) -> NDArray[np.bool_]:
    """Return which of (n,) tests hold if at most `share` of those that do may do so by chance.

    The step-up procedure: the k smallest p-values hold, k the largest for which the k-th is at
    most `share` k / n (Benjamini and Hochberg 1995, equation 1).
    """
    order = np.argsort(p, kind="stable")
    held = np.flatnonzero(p[order] <= share * np.arange(1, len(p) + 1) / max(len(p), 1))
    answer = np.zeros(len(p), np.bool_)
    if len(held):
        answer[order[: held[-1] + 1]] = True
    return answer


class _Streets(NamedTuple):
    """The streets of a city: by link, and by street its length and its longest link."""

    of_link: I64
    length_m: F64
    longest: I64
    name: list[str | None]
    road_class: NDArray[Any]
    lon: F64
    lat: F64


def _streets(reader: RunReader) -> _Streets | None:
    """Return the streets of a run's city; None if an earlier version wrote the run."""
    links = reader.table("link_names")
    if not len(links):
        return None
    of_link = links["street"].to_numpy(np.int64)
    length = links["length_m"].to_numpy(np.float64)
    # The last of each street's links, in order of their length, and of equals the first.
    order = np.lexsort((-np.arange(len(length)), length))
    longest = np.zeros(int(of_link.max()) + 1, np.int64)
    longest[of_link[order]] = order
    return _Streets(
        of_link,
        np.bincount(of_link, weights=length).astype(np.float64),
        longest,
        [name if isinstance(name, str) else None for name in links["name"]],
        links["road_class"].to_numpy(object),
        links["lon"].to_numpy(np.float64),
        links["lat"].to_numpy(np.float64),
    )


def _sums(streets: _Streets, driven: Driven) -> F64:
    """Return (2, S) vehicle-metres and vehicle-seconds of each street."""
    of_link = streets.of_link[: len(driven.metres)]
    n = len(streets.length_m)
    return np.stack([np.bincount(of_link, weights=w, minlength=n) for w in driven[:2]])


def _speed(sums: F64) -> F64:
    """Return (R, S) km/h of (2, R, S) vehicle-metres and vehicle-seconds; nan where none drove."""
    metres, seconds = sums
    speed: F64 = np.full(seconds.shape, np.nan)
    np.divide(metres, seconds * KMH, out=speed, where=seconds > 0.0)
    return speed
