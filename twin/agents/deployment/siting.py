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

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, hstack, kron
from scipy.sparse import eye_array as eye
from scipy.special import gammaln, xlogy

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

Method = Literal["auto", "exact", "heuristic"]
EXACT_SIZE = 60_000
"""`auto` solves exactly what has at most so many variables."""
NEGLIGIBLE = 1e-9
"""What the k-th unit adds to the chance of finding one is left out below this."""
RARE = 1e-3
"""Rows of a nested model with less than this share of the weight have a rough bound."""
LONGEST_SWAPPED = 40
"""Longer orders stay greedy: each pass tries n (n + B) of them."""
FARTHEST_S = 86_400.0
"""A drive that no road allows counts as a day."""
_BETTER = 1e-12


class Siting(NamedTuple):
    """Where n units stand.

    Attributes
    ----------
    counts
        (B,) units at each base.
    value
        What the model maximises, a sum of weights; or minimises, seconds.
    bound
        No solution is better than this.
    exact
        Whether the solver proved that there is no better one.
    """

    counts: I64
    value: float
    bound: float
    exact: bool

    @property
    def gap(self) -> float:
        """By what share of the value a better solution could be better, at most."""
        return 0.0 if self.exact else abs(self.bound - self.value) / max(abs(self.value), 1e-300)


class Nest(NamedTuple):
    """An order of bases: where the first k of them are, k free units stand.

    Attributes
    ----------
    order
        Rows of the bases.
    value
        The sum over k of w_k times what the first k cover.
    bound
        No order is better than this.
    exact
        Whether the solver proved that there is no better one.
    """

    order: list[int]
    value: float
    bound: float
    exact: bool


def site_cover(
    weight: F64,
    reach: Flags,
    n: int,
    *,
    busy: float = 0.0,
    most: int | None = None,
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
        Most units at one base; n if left out. Where `least` has more there may be as many.
    least
        (B,) units that stay where they are; none if left out.
    method
        `heuristic` is greedy and swaps, with the bound of the linear relaxation.
    """
    most = n if most is None else most
    stay: I64 = np.zeros(len(reach), np.int64) if least is None else least
    levels = _levels(n, busy)
    size = reach.shape[0] + reach.shape[1] * levels
    if method == "exact" or (method == "auto" and size <= EXACT_SIZE):
        return _cover_by_solver(weight, reach, n, busy, most, stay, relaxed=False)
    counts = cover_by_swaps(weight, reach, n, busy=busy, most=most, least=stay)
    value = covered(weight, reach, counts, busy)
    bound = _cover_by_solver(weight, reach, n, busy, most, stay, relaxed=True).value
    return Siting(counts, value, max(bound, value), exact=False)


def covered(weight: F64, reach: Flags, counts: I64, busy: float) -> float:
    """Return the sum of d_i (1 - q^k_i) of (B,) units at the bases."""
    k = counts @ reach.astype(np.int64)
    return float((weight * (1.0 - busy**k)).sum())


def cover_by_swaps(
    weight: F64, reach: Flags, n: int, *, busy: float, most: int, least: I64 | None = None
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
    weight: F64, reach: Flags, n: int, *, busy: float, most: int, begin: I64 | None = None
) -> I64:
    """Return (B,) units, each added where it gains most; see `order_of` for the order."""
    counts: I64 = np.zeros(len(reach), np.int64) if begin is None else begin.copy()
    for base in order_of(weight, reach, n - int(counts.sum()), busy=busy, most=most, begin=begin):
        counts[base] += 1
    return counts


def order_of(
    weight: F64, reach: Flags, n: int, *, busy: float, most: int, begin: I64 | None = None
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
    levels = _levels(n, busy)
    size = n * (reach.shape[0] + reach.shape[1] * levels)
    if method == "exact" or (method == "auto" and size <= EXACT_SIZE // 30):
        return _nest_by_solver(weight, reach, rows, busy, most, levels)
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
            bound += row * _cover_by_solver(weight, reach, k, busy, most, relaxed=True).value
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
        return _median_by_solver(share, far, n, relaxed=False)
    counts = _median_by_swaps(share, far, n)
    value = float(share @ far[counts > 0].min(axis=0))
    bound = _median_by_solver(share, far, n, relaxed=True).value
    return Siting(counts, value, min(bound, value), exact=False)


def free_shares(n: int, busy: float) -> F64:
    """Return (n,) chances that exactly k = 1..n of n units are free, busy independently."""
    k = np.arange(1.0, n + 1.0)
    ways = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    chance: F64 = np.exp(ways + xlogy(k, 1.0 - busy) + xlogy(n - k, busy))
    return chance


def _levels(n: int, busy: float) -> int:
    """Return how many units at a point count: the next would add less than `NEGLIGIBLE`."""
    if busy == 0.0:
        return 1
    return max(1, min(n, 1 + math.floor(math.log(NEGLIGIBLE) / math.log(busy))))


def _value_of_levels(weight: F64, busy: float, levels: int) -> F64:
    """Return (P, K) what the k-th unit adds at each point."""
    k = np.arange(levels)
    added = (1.0 - busy) * busy**k if busy else np.ones(1)
    return np.outer(weight, added)


def _solve(
    cost: F64, whole: int, bounds: Bounds, constraints: Sequence[LinearConstraint]
) -> tuple[F64, float]:
    """Return variables and objective of the least cost; the first `whole` variables are whole."""
    kinds = np.zeros(len(cost), np.int64)
    kinds[:whole] = 1
    # HiGHS stops within 1e-6 of the best objective, which must be little beside it.
    scale = 1e4 / float(np.abs(cost).max(initial=1e-12))
    solved = milp(
        scale * cost,
        integrality=kinds,
        bounds=bounds,
        constraints=constraints,
        options={"mip_rel_gap": 0.0},
    )
    if solved.x is None or solved.fun is None:
        raise RuntimeError(f"HiGHS found no solution: {solved.message}")
    return np.asarray(solved.x, np.float64), float(solved.fun) / scale


def _cover_by_solver(
    weight: F64,
    reach: Flags,
    n: int,
    busy: float,
    most: int,
    stay: I64 | None = None,
    *,
    relaxed: bool,
) -> Siting:
    """Solve max sum d_i (1-q) q^(k-1) y_ik, sum_k y_ik <= sum_j a_ij x_j, sum_j x_j = n.

    The y need not be whole: what they add falls with k, so they are filled from the first.
    """
    bases, points = reach.shape
    levels = _levels(n, busy)
    gain = _value_of_levels(weight, busy, levels).ravel()
    a = hstack([-csr_array(reach.T.astype(np.float64)), kron(eye(points), np.ones((1, levels)))])
    total = csr_array(np.concatenate([np.ones(bases), np.zeros(points * levels)])[None, :])
    low = np.zeros(bases + points * levels)
    if stay is not None:
        low[:bases] = stay
    upper = np.concatenate([np.full(bases, most), np.ones(points * levels)])
    x, least = _solve(
        np.concatenate([np.zeros(bases), -gain]),
        0 if relaxed else bases,
        Bounds(low, np.maximum(upper, low)),
        [LinearConstraint(csr_array(a), -np.inf, 0.0), LinearConstraint(total, n, n)],
    )
    if relaxed:
        return Siting(np.zeros(bases, np.int64), -least, -least, exact=True)
    counts = np.rint(x[:bases]).astype(np.int64)
    value = covered(weight, reach, counts, busy)
    return Siting(counts, value, value, exact=True)


def _nest_by_solver(
    weight: F64, reach: Flags, rows: F64, busy: float, most: int, levels: int
) -> Nest:
    """Solve the nested model: x_jk units at base j when k are free, never fewer with one more."""
    bases, points = reach.shape
    n = len(rows)
    gain = np.concatenate([r * _value_of_levels(weight, busy, levels).ravel() for r in rows])
    x_size, y_size = bases * n, points * levels * n
    cover = hstack(
        [
            kron(eye(n), -csr_array(reach.T.astype(np.float64))),
            kron(eye(n), kron(eye(points), np.ones((1, levels)))),
        ]
    )
    total = hstack([kron(eye(n), np.ones((1, bases))), csr_array((n, y_size))])
    steps = kron(eye(n - 1, n) - eye(n - 1, n, k=1), eye(bases))
    growing = hstack([steps, csr_array(((n - 1) * bases, y_size))])
    k = np.arange(1.0, n + 1.0)
    x, least = _solve(
        np.concatenate([np.zeros(x_size), -gain]),
        x_size,
        Bounds(0.0, np.concatenate([np.full(x_size, most), np.ones(y_size)])),
        [
            LinearConstraint(csr_array(cover), -np.inf, 0.0),
            LinearConstraint(csr_array(total), k, k),
            *([LinearConstraint(csr_array(growing), -np.inf, 0.0)] if n > 1 else []),
        ],
    )
    added = np.diff(np.rint(x[:x_size]).reshape(n, bases), axis=0, prepend=0)
    return Nest([int(np.argmax(row)) for row in added], -least, -least, exact=True)


def _median_by_solver(share: F64, seconds: F64, n: int, *, relaxed: bool) -> Siting:
    """Solve min sum d_i t_ji y_ji, sum_j y_ji = 1, y_ji <= x_j, sum_j x_j = n."""
    bases, points = seconds.shape
    size = bases * points
    number = np.arange(size)
    ones = np.ones(size)
    each = coo_array((ones, (number % points, bases + number)), shape=(points, bases + size))
    open_ = hstack(
        [
            coo_array((-ones, (number, number // points)), shape=(size, bases)),
            eye(size),
        ]
    )
    total = csr_array(np.concatenate([np.ones(bases), np.zeros(size)])[None, :])
    x, least = _solve(
        np.concatenate([np.zeros(bases), (seconds * share).ravel()]),
        0 if relaxed else bases,
        Bounds(0.0, np.ones(bases + size)),
        [
            LinearConstraint(csr_array(each), 1.0, 1.0),
            LinearConstraint(csr_array(open_), -np.inf, 0.0),
            LinearConstraint(total, n, n),
        ],
    )
    if relaxed:
        return Siting(np.zeros(bases, np.int64), least, least, exact=True)
    counts = np.rint(x[:bases]).astype(np.int64)
    value = float(share @ seconds[counts > 0].min(axis=0))
    return Siting(counts, value, value, exact=True)


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
