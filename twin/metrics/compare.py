"""A what-if against its base, paired by replication.

Both runs of a replication share their random numbers, so the same calls happen in both; the
difference of a replication is taken over the calls that a unit reached in both, and the interval is
Student's over the replications' differences (Law 2015, *Simulation Modeling and Analysis*, 10.2.1:
the paired-t interval; 11.2: common random numbers).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from twin.metrics.summary import TARGET_S

CONFIDENCE = 0.95

_STATISTICS: dict[str, Callable[[NDArray[np.float64]], float]] = {
    "mean": lambda s: float(np.mean(s)),
    "p50": lambda s: float(np.percentile(s, 50.0)),
    "p90": lambda s: float(np.percentile(s, 90.0)),
    "share_within_target": lambda s: float(np.mean(s <= TARGET_S)),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of a comparison.

    Attributes
    ----------
    group, value
        `overall`, or `priority`, `district`, `kind` and which one.
    statistic
        `mean`, `p50`, `p90` of the response time in seconds, or `share_within_target`.
    replications
        Replications in which the group had calls that both runs answered.
    calls
        Such calls, all replications together.
    base, whatif, difference
        Means over the replications; the difference is the what-if's figure minus the base's.
    low, high
        Ends of the 95% interval of the difference; `None` with fewer than two replications.
    correlation
        Between the two runs' figures over the replications; `None` where it is not defined.
    variance_reduction
        How many times larger the variance of the difference would be without pairing.
    """

    group: str
    value: str
    statistic: str
    replications: int
    calls: int
    base: float
    whatif: float
    difference: float
    low: float | None
    high: float | None
    correlation: float | None
    variance_reduction: float | None

    @property
    def shown(self) -> bool:
        """Whether the interval excludes zero, so that a difference has been shown."""
        return self.low is not None and self.high is not None and self.low * self.high > 0

    def as_dict(self) -> dict[str, Any]:
        """Return the line for JSON."""
        return {**asdict(self), "shown": self.shown}


def pair_calls(base: pd.DataFrame, whatif: pd.DataFrame) -> pd.DataFrame:
    """Return the calls of a replication that a unit reached in both runs.

    Calls are the same when number and time of call are. Columns: `call_id`, `kind`, `priority`,
    `district`, `lon`, `lat`, `base_s`, `whatif_s`.
    """
    columns = ["call_id", "t_call", "kind", "priority", "district", "lon", "lat", "response_s"]
    left = base[columns].rename(columns={"response_s": "base_s"})
    right = whatif[["call_id", "t_call", "response_s"]].rename(columns={"response_s": "whatif_s"})
    both = left.merge(right, on=["call_id", "t_call"], how="inner", validate="one_to_one")
    return both.dropna(subset=["base_s", "whatif_s"]).drop(columns="t_call")


def compare(pairs: Sequence[pd.DataFrame]) -> list[Difference]:
    """Return the differences of a what-if, over everything and by priority, district and kind.

    Parameters
    ----------
    pairs
        What `pair_calls` gives, one frame a replication.
    """
    rows = [_difference("overall", "", name, pairs) for name in _STATISTICS]
    for column in ("priority", "district", "kind"):
        values = {value for pair in pairs for value in pair[column].dropna()}
        rows += [
            _difference(column, value, "mean", [p[p[column] == value] for p in pairs])
            for value in sorted(values)
        ]
    return [row for row in rows if row is not None]


def _difference(
    group: str, value: object, statistic: str, pairs: Sequence[pd.DataFrame]
) -> Difference | None:
    filled = [pair for pair in pairs if len(pair)]
    if not filled:
        return None
    measure = _STATISTICS[statistic]
    base = np.array([measure(p["base_s"].to_numpy(np.float64)) for p in filled])
    whatif = np.array([measure(p["whatif_s"].to_numpy(np.float64)) for p in filled])
    apart = whatif - base
    low, high = interval(apart)
    return Difference(
        group=group,
        value=str(value),
        statistic=statistic,
        replications=len(filled),
        calls=sum(map(len, filled)),
        base=float(base.mean()),
        whatif=float(whatif.mean()),
        difference=float(apart.mean()),
        low=low,
        high=high,
        correlation=_correlation(base, whatif),
        variance_reduction=_reduction(base, whatif, apart),
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


def _correlation(base: NDArray[np.float64], whatif: NDArray[np.float64]) -> float | None:
    if len(base) < 2 or not base.std() or not whatif.std():
        return None
    return float(np.corrcoef(base, whatif)[0, 1])


def _reduction(
    base: NDArray[np.float64], whatif: NDArray[np.float64], apart: NDArray[np.float64]
) -> float | None:
    if len(base) < 2 or not apart.std():
        return None
    return float((base.var(ddof=1) + whatif.var(ddof=1)) / apart.var(ddof=1))
