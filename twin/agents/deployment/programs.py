"""The models of `siting` as programs for HiGHS, and what they find: sitings and orders.

Integer programs prove the best; relaxed, they bound what any siting can reach.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, hstack, kron
from scipy.sparse import eye_array as eye

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEGLIGIBLE = 1e-9
"""What the k-th unit adds to the chance of finding one is left out below this."""


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


def covered(weight: F64, reach: Flags, counts: I64, busy: float) -> float:
    """Return the sum of d_i (1 - q^k_i) of (B,) units at the bases."""
    k = counts @ reach.astype(np.int64)
    return float((weight * (1.0 - busy**k)).sum())


def levels_of(n: int, busy: float) -> int:
    """Return how many units at a point count: the next would add less than `NEGLIGIBLE`."""
    if busy == 0.0:
        return 1
    return max(1, min(n, 1 + math.floor(math.log(NEGLIGIBLE) / math.log(busy))))


def value_of_levels(weight: F64, busy: float, levels: int) -> F64:
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


def cover_by_solver(
    weight: F64,
    reach: Flags,
    n: int,
    busy: float,
    most: int | I64,
    stay: I64 | None = None,
    *,
    relaxed: bool,
) -> Siting:
    """Solve max sum d_i (1-q) q^(k-1) y_ik, sum_k y_ik <= sum_j a_ij x_j, sum_j x_j = n.

    The y need not be whole: what they add falls with k, so they are filled from the first. The
    parameters are those of `siting.site_cover`; `relaxed`, x is not whole either, and the value is
    a bound alone.
    """
    bases, points = reach.shape
    levels = levels_of(n, busy)
    gain = value_of_levels(weight, busy, levels).ravel()
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


def nest_by_solver(
    weight: F64, reach: Flags, rows: F64, busy: float, most: int, levels: int
) -> Nest:
    """Solve the nested model: x_jk units at base j when k are free, never fewer with one more.

    `rows` are the weights w_k of `siting.nest_cover`, whose other parameters these are; `levels`
    is what `levels_of` returns.
    """
    bases, points = reach.shape
    n = len(rows)
    gain = np.concatenate([r * value_of_levels(weight, busy, levels).ravel() for r in rows])
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


def median_by_solver(share: F64, seconds: F64, n: int, *, relaxed: bool) -> Siting:
    """Solve min sum d_i t_ji y_ji, sum_j y_ji = 1, y_ji <= x_j, sum_j x_j = n.

    `share` (P,) sums to 1, `seconds` is (B, P); `relaxed` is that of `cover_by_solver`.
    """
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
