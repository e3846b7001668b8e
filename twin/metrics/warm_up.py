"""How much at the beginning of a series is not yet typical: the rule MSER-5.

White 1997, "An effective truncation heuristic for bias reduction in simulation output",
*Simulation* 69(6); batches of five as in White, Cobb and Spratt 2000. Of all points of truncation
that leave half of the series or more, the one is taken that makes the half-width of the mean of
what remains least:

    MSER(d) = 1 / (k - d)^2  *  sum over j > d of (Z_j - mean of Z_{d+1} ... Z_k)^2

over the means Z_1 ... Z_k of batches of five values, d the batches that are cut off. Where the
least value lies in the second half the series is too short to tell.

The rule is for systems that settle. A day with its peaks never does: there it cuts at a peak as
readily as at a warm-up, which is why no run is cut without being asked for it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

BATCH = 5
_FEWEST_LEFT = 5
"""Batches that remain at least while the least value is sought: of few, one is equal to itself."""


def mser5(series: ArrayLike) -> int | None:
    """Return how many values at the beginning to leave out, a multiple of five.

    Returns
    -------
    int or None
        None when the series is too short to tell.
    """
    values = np.asarray(series, np.float64)
    k = len(values) // BATCH
    if k < 2 * _FEWEST_LEFT:
        return None
    means = values[: k * BATCH].reshape(k, BATCH).mean(axis=1)
    means -= means.mean()  # so that the difference of sums below loses no digits
    left = np.arange(k, 0, -1, dtype=np.float64)
    total = np.cumsum(means[::-1])[::-1]
    squares = np.cumsum(means[::-1] ** 2)[::-1]
    spread = np.maximum(squares - total**2 / left, 0.0) / left**2
    best = int(np.argmin(spread[: k - _FEWEST_LEFT + 1]))
    return best * BATCH if 2 * best <= k else None


def settled_from(calls: pd.DataFrame, start_s: float) -> float | None:
    """Return the second from which on calls count by MSER-5 of their response times.

    Parameters
    ----------
    calls
        The `calls` table; those that were reached are taken in the order in which they came.
    start_s
        The first second that the run counts, which is the answer where nothing is to be cut.

    Returns
    -------
    float or None
        None when there are too few calls to tell.
    """
    reached = calls.loc[calls["response_s"].notna(), ["t_call", "response_s"]]
    reached = reached.sort_values("t_call", kind="stable")
    cut = mser5(reached["response_s"].to_numpy(np.float64))
    if cut is None:
        return None
    return start_s if cut == 0 else float(reached["t_call"].iloc[cut])
