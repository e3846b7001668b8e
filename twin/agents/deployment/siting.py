"""Where units should stand: covering and median models, exactly by HiGHS or by greedy and swaps.

Every covering model here maximises the sum of d_i V(k_i) over the points of demand, where k_i is
the number of units that reach point i in time and V(k) = 1 - q^k:

- MCLP (Church and ReVelle 1974, "The maximal covering location problem", Papers of the Regional
  Science Association 32) is q = 0: a point counts once.
- MEXCLP (Daskin 1983, "A maximum expected covering location model", Transportation Science 17) is
  q > 0: the k-th unit adds (1 - q) q^(k-1).

The p-median (Hakimi 1964) minimises the mean drive to the nearest unit instead.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import gammaln, xlogy

from twin.agents.deployment.programs import (
    F64,
    I64,
    Flags,
    Nest,
    Siting,
    cover_by_solver,
    covered,
    levels_of,
    median_by_solver,
    nest_by_solver,
)

Method = Literal["auto", "exact", "heuristic"]
EXACT_SIZE = 60_000
"""`auto` solves exactly what has at most so many variables."""
RARE = 1e-3
"""Rows of a nested model with less than this share of the weight have a rough bound."""
LONGEST_SWAPPED = 40
"""Longer orders stay greedy: each pass tries n (n + B) of them."""
FARTHEST_S = 86_400.0
"""A drive that no road allows counts as a day."""
_BETTER = 1e-12


def site_cover(
    weight: F64,
    reach: Flags,
    n: int,
    *,
    busy: float = 0.0,
    most: int | I64 | None = None,
    least: I64 | None = None,
    method: Method = "auto",
) -> Siting:
    """Return where n units cover most: MCLP, or MEXCLP with `busy` above 0.

    Parameters
    ----------
    weight
        (P,) weights of the points of demand.
    reach
        (B, P) whether a base reaches a point in time.
    n
        Units, at most `most` times the bases.
    busy
        Share q of its time for which a unit is busy.
    most
        Most units at one base, or (B,) at each; n if left out. Where `least` has more there may be
        as many.
    least
        (B,) units that stay where they are; none if left out.
    method
        `heuristic` is greedy and swaps, with the bound of the linear relaxation.
    """
    most = n if most is None else most
    stay: I64 = np.zeros(len(reach), np.int64) if least is None else least
    levels = levels_of(n, busy)
    size = reach.shape[0] + reach.shape[1] * levels
    if method == "exact" or (method == "auto" and size <= EXACT_SIZE):
        return cover_by_solver(weight, reach, n, busy, most, stay, relaxed=False)
    counts = cover_by_swaps(weight, reach, n, busy=busy, most=most, least=stay)
    value = covered(weight, reach, counts, busy)
    bound = cover_by_solver(weight, reach, n, busy, most, stay, relaxed=True).value
    return Siting(counts, value, max(bound, value), exact=False)


def cover_by_swaps(
    weight: F64, reach: Flags, n: int, *, busy: float, most: int | I64, least: I64 | None = None
) -> I64:
    """Return (B,) units by greedy addition and then by the best swap of one unit while one helps.

    Of equals the base of least number is taken. `least` holds units that stay where they are.
    """
    stay: I64 = np.zeros(len(reach), np.int64) if least is None else least
    counts = greedy_cover(weight, reach, n, busy=busy, most=most, begin=stay)
    area = reach.astype(np.float64)
    k = counts @ area
    while True:
        best, move = _BETTER, (-1, -1)
        for a in np.flatnonzero(counts > stay).tolist():
            gain = area @ (weight * (1.0 - busy) * busy ** (k - area[a]))
            gain[counts >= most] = -np.inf
            b = int(np.argmax(gain))
            better = gain[b] - float(
                (area[a] * weight * (1.0 - busy) * busy ** (k - area[a])).sum()
            )
            if b != a and better > best:
                best, move = better, (a, b)
        if move[0] < 0:
            return counts
        counts[move[0]] -= 1
        counts[move[1]] += 1
        k += area[move[1]] - area[move[0]]


def greedy_cover(
    weight: F64, reach: Flags, n: int, *, busy: float, most: int | I64, begin: I64 | None = None
) -> I64:
    """Return (B,) units, each added where it gains most; see `order_of` for the order."""
    counts: I64 = np.zeros(len(reach), np.int64) if begin is None else begin.copy()
    for base in order_of(weight, reach, n - int(counts.sum()), busy=busy, most=most, begin=begin):
        counts[base] += 1
    return counts


def order_of(
    weight: F64, reach: Flags, n: int, *, busy: float, most: int | I64, begin: I64 | None = None
) -> list[int]:
    """Return n bases in the order in which each adds most to those before it."""
    area = reach.astype(np.float64)
    counts: I64 = np.zeros(len(reach), np.int64) if begin is None else begin.copy()
    k = counts @ area
    order: list[int] = []
    for _ in range(n):
        gain = area @ (weight * (1.0 - busy) * busy**k)
        # Who gains nothing more stands where the demand within reach is greatest per unit there.
        gain += _BETTER * (area @ weight) / (1.0 + counts)
        gain[counts >= most] = -np.inf
        base = int(np.argmax(gain))
        order.append(base)
        counts[base] += 1
        k = k + area[base]
    return order


def nest_cover(
    weight: F64,
    reach: Flags,
    n: int,
    row_weights: F64 | None = None,
    *,
    busy: float = 0.0,
    most: int = 1,
    method: Method = "auto",
) -> Nest:
    """Return an order of n bases: the first k of them are where k free units stand, for each k.

    It maximises the sum over k of w_k times what the first k cover, with V as above: the maximal
    expected coverage relocation problem (Gendreau, Laporte and Semet 2006, Journal of the
    Operational Research Society 57) in which no unit moves when one more is free.

    Parameters
    ----------
    weight, reach, busy, most, method
        As of `site_cover`; `heuristic` is greedy, then exchanges of two and replacements of one,
        with the linear relaxations of the rows as its bound.
    row_weights
        (n,) weights w_k; equal ones if left out.
    """
    rows = np.ones(n) if row_weights is None else np.asarray(row_weights, np.float64)
    levels = levels_of(n, busy)
    size = n * (reach.shape[0] + reach.shape[1] * levels)
    if method == "exact" or (method == "auto" and size <= EXACT_SIZE // 30):
        return nest_by_solver(weight, reach, rows, busy, most, levels)
    order, value = nest_by_swaps(weight, reach, rows, busy=busy, most=most)
    bound = _bound_of_rows(weight, reach, rows, busy, most)
    return Nest(order, value, max(value, bound), exact=False)


def nest_by_swaps(
    weight: F64, reach: Flags, rows: F64, *, busy: float, most: int
) -> tuple[list[int], float]:
    """Return an order of as many bases as `rows` has weights, and its value, see `nest_cover`.

    It is greedy, and up to `LONGEST_SWAPPED` then improved by exchanges of two and replacements of
    one.
    """
    n = len(rows)
    order = order_of(weight, reach, n, busy=busy, most=most)

    def worth(each: list[int]) -> float:
        k = np.cumsum(reach[each].astype(np.int64), axis=0)
        return float(rows @ ((1.0 - busy**k) @ weight))

    best = worth(order)
    improved = n <= LONGEST_SWAPPED
    while improved:
        improved = False
        for i in range(n):
            for other in range(n + len(reach)):
                tried = order.copy()
                if other < n:
                    tried[i], tried[other] = tried[other], tried[i]
                elif order.count(other - n) < most:
                    tried[i] = other - n
                if (found := worth(tried)) > best + _BETTER:
                    order, best, improved = tried, found, True
    return order, best


def _bound_of_rows(weight: F64, reach: Flags, rows: F64, busy: float, most: int) -> float:
    """Return the sum of w_k times the most that any k units cover, or a little more."""
    bound = 0.0
    for k, row in enumerate(rows.tolist(), start=1):
        if row > RARE * float(rows.sum()):
            bound += row * cover_by_solver(weight, reach, k, busy, most, relaxed=True).value
        else:
            bound += row * float(weight.sum()) * (1.0 - busy**k)
    return bound


def site_median(weight: F64, seconds: F64, n: int, *, method: Method = "auto") -> Siting:
    """Return n bases, one unit at each, with the least mean drive to the nearest: the p-median.

    Parameters
    ----------
    weight
        (P,) weights of the points.
    seconds
        (B, P) drives; a drive that no road allows counts as `FARTHEST_S`.
    n
        Units, at most B.
    method
        `heuristic` is greedy and the exchanges of Teitz and Bart (1968), with the bound of the
        linear relaxation.
    """
    far = np.minimum(seconds, FARTHEST_S)
    share = weight / weight.sum()
    if method == "exact" or (method == "auto" and seconds.size <= EXACT_SIZE):
        return median_by_solver(share, far, n, relaxed=False)
    counts = _median_by_swaps(share, far, n)
    value = float(share @ far[counts > 0].min(axis=0))
    bound = median_by_solver(share, far, n, relaxed=True).value
    return Siting(counts, value, min(bound, value), exact=False)


def free_shares(n: int, busy: float) -> F64:
    """Return (n,) chances that exactly k = 1..n of n units are free, busy independently."""
    k = np.arange(1.0, n + 1.0)
    ways = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    chance: F64 = np.exp(ways + xlogy(k, 1.0 - busy) + xlogy(n - k, busy))
    return chance


def _median_by_swaps(share: F64, seconds: F64, n: int) -> I64:
    def mean(bases: list[int]) -> float:
        return float(share @ seconds[bases].min(axis=0))

    chosen: list[int] = []
    for _ in range(n):
        near = seconds[chosen].min(axis=0) if chosen else np.full(seconds.shape[1], np.inf)
        cost = np.minimum(seconds, near) @ share
        cost[chosen] = np.inf
        chosen.append(int(np.argmin(cost)))
    best = mean(chosen)
    while True:
        tried: tuple[float, int, int] | None = None
        for i in range(n):
            rest = chosen[:i] + chosen[i + 1 :]
            near = seconds[rest].min(axis=0) if rest else np.full(seconds.shape[1], np.inf)
            cost = np.minimum(seconds, near) @ share
            cost[chosen] = np.inf
            b = int(np.argmin(cost))
            if cost[b] < best - _BETTER and (tried is None or cost[b] < tried[0]):
                tried = float(cost[b]), i, b
        if tried is None:
            counts: I64 = np.zeros(len(seconds), np.int64)
            counts[chosen] = 1
            return counts
        best, i, b = tried
        chosen[i] = b
