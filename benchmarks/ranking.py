"""Rules compared two by two over replications of the same calls, put in order, and orders compared.

An order rests on all pairs of rules. Each pair has its paired-t interval. The intervals of all m
pairs hold together with 95% where each has the level 1 - 0.05 / m (Bonferroni's inequality; Law
2015, *Simulation Modeling and Analysis*, 10.3.2: all pairwise comparisons). A pair whose interval
excludes zero is *clear*.

Two orders of the same rules are compared by Kendall's tau-b of their figures (Kendall 1945, "The
treatment of ties in ranking problems", Biometrika 33), and by the pairs that are clear in both:
with C of them in the same direction and D in opposite ones, gamma is (C - D) / (C + D) (Goodman and
Kruskal 1954, "Measures of association for cross classifications", Journal of the American
Statistical Association 49), for which a pair that is not clear counts as a tie.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import kendalltau

from twin.metrics.pairing import KEY
from twin.metrics.summary import share_within

F64 = NDArray[np.float64]

STATISTICS = {"mean": "mean, s", "p90": "90th percentile, s", "share": "in time, points"}
"""What rules are compared by; less is better of the first two, more of the last."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean difference with its ends; these are `nan` with fewer than two replications."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def sign(self) -> int:
        """1 or -1 if the interval excludes zero, else 0."""
        return int(self.low > 0.0) - int(self.high < 0.0)


def interval(sample: F64, level: float = CONFIDENCE) -> Interval:
    """Return Student's interval of the mean of a sample without its `nan`."""
    known = sample[np.isfinite(sample)]
    n = len(known)
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = float(known.mean())
    if n == 1:
        return Interval(mean, math.nan, math.nan, 1)
    half = float(stdtrit(n - 1, 0.5 + level / 2.0)) * float(known.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n)


def differences(runs: Sequence[Sequence[pd.DataFrame | None]], end_s: float) -> dict[str, F64]:
    """Return (K, K, R) differences of K rules in R replications by statistic: row minus column.

    Mean and 90th percentile are over the calls that both reached, the share (in percentage points)
    over all calls of each side, as in `twin.metrics.compare`.

    Parameters
    ----------
    runs
        Of each rule the `calls` table of each replication; None where it was not run.
    end_s
        When the runs ended, seconds.
    """
    k, r = len(runs), max(map(len, runs))
    out = {name: np.full((k, k, r), np.nan) for name in STATISTICS}
    for replication in range(r):
        tables = {i: t for i, row in enumerate(runs) if (t := _at(row, replication)) is not None}
        if len(tables) < 2:
            continue
        columns = [t.set_index(KEY)["response_s"].rename(i) for i, t in tables.items()]
        seconds = pd.concat(columns, axis=1)
        shares = {i: share_within(t, end_s) for i, t in tables.items()}
        for i, j in combinations(tables, 2):
            both = seconds[[i, j]].to_numpy(np.float64)
            both = both[np.isfinite(both).all(axis=1)]
            if len(both):
                found = {"mean": both.mean(axis=0), "p90": np.percentile(both, 90.0, axis=0)}
                for name, (one, other) in found.items():
                    out[name][i, j, replication] = one - other
            one, other = shares[i], shares[j]
            if one is not None and other is not None:
                out["share"][i, j, replication] = 100.0 * (one - other)
    for array in out.values():
        array[:] = np.where(np.isnan(array), -array.swapaxes(0, 1), array)
    return out


def _at(row: Sequence[pd.DataFrame | None], replication: int) -> pd.DataFrame | None:
    return row[replication] if replication < len(row) else None


@dataclass(frozen=True)
class Order:
    """Rules in order of a figure, the best first.

    Attributes
    ----------
    rules
        Numbers of the rules.
    figure
        Of each rule, by number: its mean difference from rule 0.
    signs
        (K, K) 1 where the row's figure is clearly greater than the column's, -1 where clearly less.
    """

    rules: list[int]
    figure: F64
    signs: NDArray[np.int8]


def order(apart: F64, *, less_is_better: bool, together: bool) -> Order:
    """Return the order of rules by (K, K, R) differences; rule 0 is what others are compared with.

    Rules that were not run are left out. The intervals of all pairs hold with 95% `together`, or
    each by itself.
    """
    known = [i for i in range(len(apart)) if i == 0 or np.isfinite(apart[i, 0]).any()]
    pairs = max(math.comb(len(known), 2), 1)
    level = 1.0 - (1.0 - CONFIDENCE) / (pairs if together else 1)
    signs = np.zeros(apart.shape[:2], np.int8)
    figure = np.full(len(apart), np.nan)
    figure[0] = 0.0
    for i in known[1:]:
        figure[i] = interval(apart[i, 0]).mean
    for i, j in combinations(known, 2):
        signs[i, j] = interval(apart[i, j], level).sign
        signs[j, i] = -signs[i, j]
    known.sort(key=lambda i: (figure[i] if less_is_better else -figure[i], i))
    return Order(known, figure, signs)


@dataclass(frozen=True)
class Agreement:
    """How alike two orders are.

    Attributes
    ----------
    tau
        Kendall's tau-b of the figures; `nan` with fewer than two rules in both.
    clear, same, opposite
        Pairs of rules that are clear in both orders, in the same and in opposite directions.
    only_one
        Pairs that are clear in one order only.
    pairs
        All pairs of the rules that stand in both.
    """

    tau: float
    same: int
    opposite: int
    only_one: int
    pairs: int

    @property
    def clear(self) -> int:
        """Pairs that are clear in both orders."""
        return self.same + self.opposite

    @property
    def gamma(self) -> float:
        """(C - D) / (C + D) of the pairs that are clear in both; `nan` without any."""
        return (self.same - self.opposite) / self.clear if self.clear else math.nan


def agreement(one: Order, other: Order) -> Agreement:
    """Return how alike two orders of the same rules are."""
    rules = sorted(set(one.rules) & set(other.rules))
    tau = math.nan
    if len(rules) > 1:
        tau = float(kendalltau(one.figure[rules], other.figure[rules]).statistic)
    pairs = list(combinations(rules, 2))
    signs = [(int(one.signs[p]), int(other.signs[p])) for p in pairs]
    return Agreement(
        tau=tau,
        same=sum(a * b > 0 for a, b in signs),
        opposite=sum(a * b < 0 for a, b in signs),
        only_one=sum((a == 0) != (b == 0) for a, b in signs),
        pairs=len(pairs),
    )
