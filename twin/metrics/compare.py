"""A what-if against its base, paired by replication.

Both runs of a replication share their random numbers, so the same calls happen in both. Two kinds
of figure are compared, and every line says on which it rests (`Difference.basis`):

`pairs`
    mean, median and 90th percentile of the response time, over the calls that a unit reached in
    both runs of the replication (`twin.metrics.pairing.pair_calls`);
`sides`
    the share within the target, over all calls of each side; one that was never reached is late
    (`twin.metrics.summary.share_within`).

The interval is Student's over the replications' differences (Law 2015, *Simulation Modeling and
Analysis*, 10.2.1: the paired-t interval; 11.2: common random numbers).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from twin.metrics.pairing import GROUPS, Rows, Sides, groups, in_group, pair_calls, rows_of
from twin.metrics.summary import decided, few_calls, heaviest_as, share_within

CONFIDENCE = 0.95
LEAST_SPREAD = 1e-4
"""Differences whose variance is less than this share of the two sides' own hardly vary: how much
pairing gains is then a quotient of next to nothing, and is not given."""
LEAST_FOR_PAIRING = 3
"""Replications from which on it is said how alike the two sides are: two points lie on a line."""
SHARE = "share_within_target"
NOTHING = 1e-9
"""A difference smaller than this is the rounding of a sum, not a difference."""

DECIMALS = 1
"""Decimals in which a difference is shown, in seconds or percentage points."""

_STATISTICS: dict[str, Callable[[NDArray[np.float64]], float]] = {
    "mean": lambda s: float(np.mean(s)),
    "p50": lambda s: float(np.percentile(s, 50.0)),
    "p90": lambda s: float(np.percentile(s, 90.0)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """One figure of base and what-if, replication by replication.

    Attributes
    ----------
    replications
        Those in which both sides have the figure.
    base, whatif, difference
        Means over them; the difference is the what-if's figure minus the base's.
    low, high
        Ends of the 95% interval of the difference (paired t); `None` with fewer than two.
    """

    decimals: ClassVar[int] = DECIMALS

    replications: int
    base: float
    whatif: float
    difference: float
    low: float | None
    high: float | None

    @classmethod
    def between(cls, base: NDArray[np.float64], whatif: NDArray[np.float64], **about: Any) -> Self:
        """Return the line of (n,) figures of each side; `about` are the other attributes."""
        apart = whatif - base
        low, high = interval(apart)
        return cls(
            replications=len(apart),
            base=float(base.mean()),
            whatif=float(whatif.mean()),
            difference=float(apart.mean()),
            low=low,
            high=high,
            **about,
        )

    @property
    def shown(self) -> bool:
        """Whether the interval excludes zero (`excludes_zero`): a difference has been shown."""
        return excludes_zero(self.low, self.high, 1.0, self.decimals)

    @property
    def same(self) -> bool:
        """Whether the figure was the same in both runs of every replication, and there are two."""
        return all(end is not None and abs(end) < NOTHING for end in (self.low, self.high))

    def as_dict(self) -> dict[str, Any]:
        """Return the line for JSON."""
        return {**asdict(self), "shown": self.shown}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Paired):
    """One line of a comparison.

    Attributes
    ----------
    group, value
        `overall`, or `kind`, `priority`, `district` and which one; `standard` and the title of a
        line of one (`twin.metrics.standards.differences`); `interval` and its name, `transport`
        and a district (`twin.metrics.chain`). A medical call's response is
        that of the first ambulance, a fire's and a collision's that of the first unit of any kind.
    statistic
        `mean`, `p50`, `p90` (of a standard also `p95`) of the response time in seconds, or
        `share_within_target`.
    basis
        `pairs`: over the calls that both runs reached; `sides`: over all calls of each side.
    calls
        Calls that both runs reached, all replications together, whatever the basis.
    base_n, whatif_n
        Calls on which the base's and the what-if's figure rest, all replications together: on
        `pairs` both are `calls`; on `sides` a call that had waited less than the target when its
        run ended is not among them (`twin.metrics.summary.decided`).
    weighs_as
        Of how many calls alike one would weigh as much as the heaviest does in a side's figure
        (`twin.metrics.summary.heaviest_as`). Each replication counts the same, so a call weighs the
        more, the fewer its replication has.
    changed
        Calls that were not answered alike: reached sooner or later than in the base, or reached
        on one side only.
    correlation
        Between the two runs' figures over the replications; `None` where it is not defined, and
        with fewer than `LEAST_FOR_PAIRING` replications.
    variance_reduction
        How many times larger the variance of the difference would be without pairing; `None` with
        fewer than `LEAST_FOR_PAIRING` replications, or when the differences hardly vary
        (`LEAST_SPREAD`).
    """

    group: str
    value: str
    statistic: str
    basis: str
    calls: int
    base_n: int
    whatif_n: int
    weighs_as: int
    changed: int
    correlation: float | None
    variance_reduction: float | None

    @property
    def shown(self) -> bool:
        """Whether the interval excludes zero (`excludes_zero`): a difference has been shown."""
        unit = 100.0 if self.statistic == SHARE else 1.0
        return excludes_zero(self.low, self.high, unit, DECIMALS)

    @property
    def few(self) -> bool:
        """Whether a single call weighs too much to rely on the line, on either side."""
        return few_calls(self.weighs_as)

    @property
    def clear(self) -> bool:
        """Whether a difference has been shown, by calls enough."""
        return self.shown and not self.few


def compare(runs: Sequence[Sides], end_s: float) -> list[Difference]:
    """Return the differences of a what-if, over everything and by kind, priority and district.

    All statistics are given over everything and for medical calls, whose response is the first
    ambulance's; the mean for every other group.

    Parameters
    ----------
    runs
        One pair of `calls` tables (base, what-if) a replication.
    end_s
        When the runs ended, seconds.
    """
    rows: list[Difference | None] = []
    sides = [(rows_of(base), rows_of(whatif)) for base, whatif in runs]
    pairs = [_Pair.of(*both) for both in runs]
    for group, value in groups(runs):
        found = [pair.in_group(group, value) for pair in pairs]
        each = [len(base_s) for base_s, _ in found]
        calls = sum(each)
        mine = [
            (in_group(base, group, value), in_group(whatif, group, value)) for base, whatif in sides
        ]
        changed = sum(
            pair.changed(base, whatif, *seconds)
            for pair, (base, whatif), seconds in zip(pairs, mine, found, strict=True)
        )
        whole = group == "overall" or (group, value) == ("kind", "medical")
        for name in _STATISTICS if whole else ("mean",):
            measured = _on_pairs(found, name)
            counts = Counts(calls, calls, calls, heaviest_as(each), changed)
            rows.append(difference_of(group, value, name, "pairs", measured, counts))
        if whole:
            tables = [
                [side.iloc[its] for side, its in zip(*both, strict=True)]
                for both in zip(runs, mine, strict=True)
            ]
            shares = [(share_within(a, end_s), share_within(b, end_s)) for a, b in tables]
            base_n, whatif_n = (
                [int(decided(both[side], end_s).sum()) for both in tables] for side in (0, 1)
            )
            weighs_as = min(heaviest_as(base_n), heaviest_as(whatif_n))
            counts = Counts(calls, sum(base_n), sum(whatif_n), weighs_as, changed)
            rows.append(difference_of(group, value, SHARE, "sides", shares, counts))
    return [row for row in rows if row is not None]


class Counts(NamedTuple):
    """On how many calls a line rests; see `Difference`."""

    calls: int
    base_n: int
    whatif_n: int
    weighs_as: int
    changed: int


_Seconds = NDArray[np.float64]
_Numbers = NDArray[np.int64]
"""Numbers of rows of one group, as `in_group` returns them."""


class _Pair(NamedTuple):
    """Response times of a replication: of the calls that both runs reached, and of each side."""

    rows: tuple[Rows, Rows]
    """Of those calls, which ones are in a group in the base and in the what-if."""
    base_s: _Seconds
    whatif_s: _Seconds
    reached: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    """Of all calls of each side, whether a unit reached them."""

    @classmethod
    def of(cls, base: pd.DataFrame, whatif: pd.DataFrame) -> _Pair:
        pair = pair_calls(base, whatif)
        return cls(
            (rows_of(pair), rows_of(pair, [f"whatif_{name}" for name in GROUPS])),
            pair["base_s"].to_numpy(np.float64),
            pair["whatif_s"].to_numpy(np.float64),
            (base["response_s"].notna().to_numpy(), whatif["response_s"].notna().to_numpy()),
        )

    def in_group(self, group: str, value: object) -> tuple[_Seconds, _Seconds]:
        """Return both response times of the calls that are in a group on both sides."""
        one, two = (in_group(rows, group, value) for rows in self.rows)
        mine = np.intersect1d(one, two, assume_unique=True)
        return self.base_s[mine], self.whatif_s[mine]

    def changed(
        self, base: _Numbers, whatif: _Numbers, base_s: _Seconds, whatif_s: _Seconds
    ) -> int:
        """Return how many calls of a group, rows of each side, were not answered alike."""
        one, two = self.reached
        reached = int(one[base].sum() + two[whatif].sum())
        return reached - 2 * len(base_s) + int((base_s != whatif_s).sum())


def _on_pairs(
    pairs: Sequence[tuple[_Seconds, _Seconds]], statistic: str
) -> list[tuple[float | None, float | None]]:
    measure = _STATISTICS[statistic]
    return [(measure(base_s), measure(whatif_s)) for base_s, whatif_s in pairs if len(base_s)]


def difference_of(
    group: str,
    value: object,
    statistic: str,
    basis: str,
    found: Sequence[tuple[float | None, float | None]],
    counts: Counts,
) -> Difference | None:
    """Return the line of one figure of each side a replication; None without any.

    Parameters
    ----------
    group, value, statistic, basis
        What the line is about; see `Difference`.
    found
        The base's and the what-if's figure of each replication.
    counts
        The calls behind them.
    """
    known = np.array([both for both in found if None not in both], np.float64).reshape(-1, 2)
    if not len(known):
        return None
    base, whatif = known.T
    return Difference.between(
        base,
        whatif,
        group=group,
        value=str(value),
        statistic=statistic,
        basis=basis,
        **counts._asdict(),
        correlation=_correlation(base, whatif),
        variance_reduction=_reduction(base, whatif, whatif - base),
    )


def interval(sample: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return the 95% t interval of a mean; `(None, None)` with fewer than two values."""
    n = len(sample)
    if n < 2:
        return None, None
    quantile = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2.0))
    half = quantile * float(sample.std(ddof=1)) / math.sqrt(n)
    mean = float(sample.mean())
    return mean - half, mean + half


def excludes_zero(low: float | None, high: float | None, unit: float, decimals: int) -> bool:
    """Return whether an interval excludes zero as it is shown; one that is not there does not.

    An end that rounds to zero counts as zero: no verdict rests on less than half of the last digit
    that a reader sees.

    Parameters
    ----------
    low, high
        Its ends.
    unit, decimals
        What the ends are multiplied by when they are shown, and with how many decimals.
    """
    if low is None or high is None:
        return False
    ends = [round(unit * end, decimals) for end in (low, high)]
    return ends[0] > 0.0 or ends[1] < 0.0


def _correlation(base: NDArray[np.float64], whatif: NDArray[np.float64]) -> float | None:
    if len(base) < LEAST_FOR_PAIRING or not base.std() or not whatif.std():
        return None
    return float(np.corrcoef(base, whatif)[0, 1])


def _reduction(
    base: NDArray[np.float64], whatif: NDArray[np.float64], apart: NDArray[np.float64]
) -> float | None:
    if len(base) < LEAST_FOR_PAIRING:
        return None
    apart_alone = float(base.var(ddof=1) + whatif.var(ddof=1))
    together = float(apart.var(ddof=1))
    return apart_alone / together if together > LEAST_SPREAD * apart_alone else None
