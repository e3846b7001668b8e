"""Figures of one run, from its tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.core.clock import HOUR_S

TARGET_S = 480.0
"""Response within eight minutes, the usual urban target (NFPA 1710: advanced life support)."""

IN_TIME = f"share_within_{TARGET_S:.0f}_s"
GROUPS = {
    "kind": "kind",
    "priority": "priority",
    "district": "district",
    "hour": "hour",
    "unit": "unit_id",
}
"""By what response times are told apart, and the columns: see `response_by`."""

FEW_CALLS = 20
"""A figure that rests on fewer calls says little; it is marked wherever it is shown."""
LEAST_BEYOND_P90 = 10
"""A 90th percentile with fewer calls beyond it is one of a handful of calls; it is marked too."""

Figures = dict[str, float | int | None]


def figures(seconds: NDArray[np.float64]) -> Figures:
    """Return mean, median, 90th and 95th percentile and number of some durations.

    Percentiles interpolate linearly between order statistics (Hyndman and Fan 1996, type 7).
    Without durations all but the number is `None`.
    """
    known = seconds[np.isfinite(seconds)]
    if not len(known):
        return {"mean": None, "p50": None, "p90": None, "p95": None, "n": 0}
    p50, p90, p95 = np.percentile(known, [50.0, 90.0, 95.0])
    return {
        "mean": float(known.mean()),
        "p50": float(p50),
        "p90": float(p90),
        "p95": float(p95),
        "n": len(known),
    }


def few_calls(n: int) -> bool:
    """Return whether a figure rests on fewer than `FEW_CALLS` calls."""
    return n < FEW_CALLS


def heaviest_as(calls: Sequence[int]) -> int:
    """Return the number of calls alike of which one weighs as much as the heaviest of an average.

    `calls` are those of each replication; one without any is in no average. In a mean over k
    replications a call of one that has n weighs 1 / (k n).
    """
    known = [n for n in calls if n]
    return len(known) * min(known, default=0)


def unsure_p90(n: int) -> bool:
    """Return whether fewer than `LEAST_BEYOND_P90` of `n` calls lie beyond the 90th percentile."""
    return n < 10 * LEAST_BEYOND_P90


def response_by(calls: pd.DataFrame, by: str, end_s: float) -> dict[str, Figures]:
    """Return the response time for each value of a column, in order.

    Parameters
    ----------
    calls
        The `calls` table.
    by
        A column, or `hour`: the hour of the day in which the call came, 0 to 23.
    end_s
        When the run ended, seconds.

    Returns
    -------
    dict
        `figures` of the calls that were reached; of all, the share within the target (`IN_TIME`).
    """
    response = calls["response_s"].to_numpy(np.float64)
    counts = decided(calls, end_s).to_numpy(np.bool_)
    group, values = pd.factorize(group_key(calls, by), sort=True)
    # In order of their groups; calls without a value come first, as group -1.
    rows = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group + 1)))[1:-1]
    return {
        str(value): {
            **figures(response[mine]),
            IN_TIME: share_in_time(response[mine[counts[mine]]], TARGET_S),
        }
        for value, mine in zip(values, rows, strict=True)
    }


def group_key(calls: pd.DataFrame, by: str) -> pd.Series[Any]:
    """Return the value of each call by which it is told apart; see `response_by`."""
    if by != "hour":
        return calls[by]
    return (calls["t_call"] // HOUR_S % 24).astype("int64")


def share_within(calls: pd.DataFrame, end_s: float, target_s: float = TARGET_S) -> float | None:
    """Return the share of calls that a unit reached within `target_s`.

    A call that had waited longer than that in vain when the run ended counts as late; one that had
    waited less counts neither way, and cancelled calls do not count.
    """
    known = calls.loc[decided(calls, end_s, target_s), "response_s"]
    return share_in_time(known.to_numpy(np.float64), target_s)


def share_in_time(seconds: NDArray[np.float64], target_s: float) -> float | None:
    """Return the share of response times that are within the target; None without any."""
    return float((seconds <= target_s).sum() / len(seconds)) if len(seconds) else None


def decided(calls: pd.DataFrame, end_s: float, target_s: float = TARGET_S) -> pd.Series[bool]:
    """Return which calls count in `share_within`: those of which it is known whether it was so."""
    too_long = end_s - calls["t_call"] > target_s
    return (calls["fate"] != "cancelled") & (calls["response_s"].notna() | too_long)


def not_reached(calls: pd.DataFrame) -> pd.Series[bool]:
    """Return which calls nobody had reached when the run ended; cancelled ones are not among them.

    Of the other `open` calls a crew was still busy with each.
    """
    return (calls["fate"] != "cancelled") & calls["response_s"].isna()


def summarise(calls: pd.DataFrame, end_s: float) -> dict[str, Any]:
    """Return counts and response times of a run's calls.

    Parameters
    ----------
    calls
        The `calls` table.
    end_s
        When the run ended, seconds.
    """
    fate = calls["fate"]
    overall = figures(calls["response_s"].to_numpy(np.float64))
    return {
        "calls": len(calls),
        "closed": int((fate == "closed").sum()),
        "open": int((fate == "open").sum()),
        "cancelled": int((fate == "cancelled").sum()),
        "not_reached": int(not_reached(calls).sum()),
        "response": {
            **overall,
            **{f"by_{name}": response_by(calls, by, end_s) for name, by in GROUPS.items()},
        },
        IN_TIME: share_within(calls, end_s),
        "fairness": fairness(calls, end_s),
    }


def queueing(pulse: pd.DataFrame) -> dict[str, float | int | None]:
    """Return mean and greatest number of calls that waited for a unit, over the pulse's moments."""
    waiting = pulse["calls_waiting"].to_numpy(np.float64)
    if not len(waiting):
        return {"mean_waiting": None, "most_waiting": None}
    return {"mean_waiting": float(waiting.mean()), "most_waiting": int(waiting.max())}


def fairness(calls: pd.DataFrame, end_s: float) -> dict[str, Any]:
    """Return how alike the districts are served, over those with `FEW_CALLS` calls or more.

    Calls outside every district are left out.

    Returns
    -------
    dict
        `districts` that count; `best` and `worst` of them by mean response with their means, the
        `ratio` of the two; the same of the share within the target (`apart`: best minus worst);
        and `gini` of the mean responses, weighted by calls (0: all alike; see `gini`). Values are
        None with fewer than two districts.
    """
    known = {
        name: row
        for name, row in response_by(calls, "district", end_s).items()
        if name and not few_calls(int(row["n"] or 0))
    }
    nothing = {"best": None, "worst": None}
    if len(known) < 2:
        ratio = {**nothing, "ratio": None, "gini": None}
        return {
            "districts": len(known),
            "mean_response": ratio,
            IN_TIME: {**nothing, "apart": None},
        }
    mean = {name: float(row["mean"] or 0.0) for name, row in known.items()}
    share = {name: float(row[IN_TIME] or 0.0) for name, row in known.items()}
    low, high = min(mean, key=mean.__getitem__), max(mean, key=mean.__getitem__)
    least, most = min(share, key=share.__getitem__), max(share, key=share.__getitem__)
    weights = np.array([float(row["n"] or 0) for row in known.values()])
    return {
        "districts": len(known),
        "mean_response": {
            "best": {"district": low, "s": mean[low]},
            "worst": {"district": high, "s": mean[high]},
            "ratio": mean[high] / mean[low] if mean[low] > 0.0 else None,
            "gini": gini(np.array(list(mean.values())), weights),
        },
        IN_TIME: {
            "best": {"district": most, "share": share[most]},
            "worst": {"district": least, "share": share[least]},
            "apart": share[most] - share[least],
        },
    }


def gini(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float | None:
    """Return Gini's coefficient: half the mean difference of two draws over the mean.

    sum_ij w_i w_j |x_i - x_j| / (2 W^2 mean), W the sum of the weights (Gini 1912).

    Returns
    -------
    float or None
        From 0, all alike, towards 1; None where the mean is nothing.
    """
    total = float(weights.sum())
    mean = float(weights @ values) / total
    apart = np.abs(values[:, None] - values)
    return float(weights @ apart @ weights) / (2.0 * total**2 * mean) if mean > 0.0 else None
