"""Who answers whose calls: units with fixed lists of preference (Larson's hypercube model).

Areas call at Poisson rates; each has a list of all units, first choice first. A call goes to the
first unit of its list that is free. When none is, it waits in one line (`queue=True`; the unit that
is clear first takes the call that came first) or is lost to somebody else (`queue=False`). Jobs are
exponential with one mean for all, drives included.

`exact` solves the chain of 2^N states (Larson 1974, "A hypercube queuing model for facility
location and redistricting in urban emergency services"); `approximate` the N equations of Larson
1975, "Approximating the performance of urban emergency service systems", *Operations Research*
23(5), which come within a percent or two for any number of units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

from twin.queueing.erlang import erlang_b, erlang_c

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MOST_EXACT = 12
"""Units up to which the chain is solved exactly: 4096 states."""
_NEAR = 1e-12
_MOST_ROUNDS = 10_000


@dataclass(frozen=True, slots=True)
class Workloads:
    """What came of it.

    Attributes
    ----------
    busy
        (N,) share of time in which each unit is on a job.
    all_busy
        Share of calls that find no unit free: they wait, or are lost.
    sent
        (J, N) share of an area's calls that find a unit free that go to each; rows sum to 1.
    """

    busy: F64
    all_busy: float
    sent: F64

    def mean_travel(self, rates: ArrayLike, times: ArrayLike) -> float:
        """Return the mean drive to calls that find a unit free, every unit at its base.

        Parameters
        ----------
        rates
            (J,) calls of each area in any unit.
        times
            (J, N) drive of each unit to each area.
        """
        weight = np.asarray(rates, np.float64)
        by_area = (self.sent * np.asarray(times, np.float64)).sum(axis=1)
        return float((weight * by_area).sum() / weight.sum())


def exact(
    rates: ArrayLike, preferences: ArrayLike, job_s: float, *, queue: bool = True
) -> Workloads:
    """Return the workloads by the 2^N equations of balance.

    Parameters
    ----------
    rates
        (J,) calls a second of each area.
    preferences
        (J, N) numbers of all units in the order in which the area wants them.
    job_s
        Mean seconds of a job.
    queue
        Whether calls that find nobody wait.

    Raises
    ------
    ValueError
        If an argument is not as said, the queue would grow for ever, or there are more than
        `MOST_EXACT` units.
    """
    per_job, lists = _checked(rates, preferences, job_s, queue=queue)
    n = lists.shape[1]
    if n > MOST_EXACT:
        raise ValueError(f"{n} units are too many to solve exactly; take the approximation")
    states = np.arange(2**n)
    full = 2**n - 1
    bits = 1 << np.arange(n)
    # The line behind the full state neither feeds nor drains it on balance, so the equations are
    # those of the loss system; the line's share follows from the full state's.
    first = np.empty((len(per_job), full), np.int64)
    for area, order in enumerate(lists):
        free = (states[:full, None] & bits[order]) == 0
        first[area] = order[free.argmax(axis=1)]
    into, out_of, rate = [], [], []
    for area, load in enumerate(per_job):
        into.append(states[:full] | bits[first[area]])
        out_of.append(states[:full])
        rate.append(np.full(full, load))
    for bit in bits:
        busy = states[(states & bit) != 0]
        into.append(busy & ~bit)
        out_of.append(busy)
        rate.append(np.ones(len(busy)))
    at, source, flow = map(np.concatenate, (into, out_of, rate))
    leaving = np.bincount(source, weights=flow, minlength=2**n)
    keep = at != full  # one equation too many: probabilities sum to one in its place
    matrix = coo_array(
        (
            np.concatenate([flow[keep], -leaving[:full], np.ones(2**n)]),
            (
                np.concatenate([at[keep], states[:full], np.full(2**n, full)]),
                np.concatenate([source[keep], states[:full], states]),
            ),
        ),
        shape=(2**n, 2**n),
    ).tocsc()
    right = np.zeros(2**n)
    right[full] = 1.0
    chance = np.asarray(spsolve(matrix, right), np.float64)
    used = float(per_job.sum()) / n
    behind = float(chance[full]) * used / (1.0 - used) if queue else 0.0
    chance /= 1.0 + behind
    behind /= 1.0 + behind
    held = (states[:, None] & bits) != 0
    sent = np.zeros(lists.shape)
    for area in range(len(lists)):
        sent[area] = np.bincount(first[area], weights=chance[:full], minlength=n)
    return Workloads(
        busy=chance @ held + behind,
        all_busy=float(chance[full]) + behind,
        sent=sent / chance[:full].sum(),
    )


def approximate(
    rates: ArrayLike, preferences: ArrayLike, job_s: float, *, queue: bool = True
) -> Workloads:
    """Return the workloads by Larson's approximation; arguments and errors as of `exact`.

    Every unit is busy or not by itself, with a correction Q for the others being fewer then: of
    an area's calls the share Q_{m-1} b_1 ... b_{m-1} (1 - b_m) goes to the m-th unit of its list,
    b the workloads. Q makes it right for units without preferences (`corrections`). The N
    equations are solved in turns, scaled each time to the workload that all units have together.
    """
    per_job, lists = _checked(rates, preferences, job_s, queue=queue)
    n = lists.shape[1]
    load = float(per_job.sum())
    lost = erlang_c(load, n) if queue else erlang_b(load, n)
    mean = load / n if queue else load / n * (1.0 - lost)
    factor = corrections(load, n, queue=queue)
    waited = lost * load / n if queue else 0.0
    busy = np.full(n, mean)
    for _ in range(_MOST_ROUNDS):
        reach = _reach(busy, lists, factor)
        asked = np.bincount(lists.ravel(), weights=(per_job[:, None] * reach).ravel(), minlength=n)
        new = (asked + waited) / (1.0 + asked)
        new *= n * mean / new.sum()
        if float(np.abs(new - busy).max()) < _NEAR:
            break
        busy = new
    share = _reach(busy, lists, factor) * (1.0 - busy[lists])
    sent = np.zeros(lists.shape)
    np.put_along_axis(sent, lists, share / share.sum(axis=1, keepdims=True), axis=1)
    return Workloads(busy=busy, all_busy=lost, sent=sent)


def corrections(load: float, units: int, *, queue: bool = True) -> F64:
    """Return (N,) Larson's Q: how much likelier than by chance j units are busy and one is not.

    Of units drawn at random one after the other, the first j are busy and the next is free with
    probability Q_j r^j (1 - r), r the share of time that a unit is busy (Larson 1975, eq. 14): the
    sum over k busy ones of P_k k!/(k-j)! (N-j-1)! (N-k) / N!.
    """
    states = np.arange(units + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(load / states[1:]))])
    chance = np.exp(logs - logs.max())
    if queue:
        chance[-1] /= 1.0 - load / units  # the line, too
    chance /= chance.sum()
    busy = float(chance @ states) / units
    drawn = chance.copy()
    factor = np.empty(units)
    for j in range(units):
        factor[j] = float(drawn @ (units - states)) / (units - j) / (busy**j * (1.0 - busy))
        drawn = drawn * np.maximum(states - j, 0) / (units - j)
    return factor


def _reach(busy: F64, lists: I64, factor: F64) -> F64:
    """Return (J, N) the chance, by place in the list, that all before are busy, corrected."""
    before = np.cumprod(busy[lists], axis=1)
    reach: F64 = factor * np.concatenate([np.ones((len(lists), 1)), before[:, :-1]], axis=1)
    return reach


def _checked(
    rates: ArrayLike, preferences: ArrayLike, job_s: float, *, queue: bool
) -> tuple[F64, I64]:
    """Return calls a job of each area, and the lists."""
    per_job = np.asarray(rates, np.float64) * job_s
    lists = np.asarray(preferences, np.int64)
    if lists.ndim != 2 or per_job.shape != lists.shape[:1] or not lists.size:
        raise ValueError("give a rate and a list of preference for each area")
    if not (np.isfinite(per_job).all() and (per_job >= 0.0).all() and per_job.sum() > 0.0):
        raise ValueError("rates are not negative, and one is more than nothing; a job takes time")
    if (np.sort(lists, axis=1) != np.arange(lists.shape[1])).any():
        raise ValueError("a list of preference names every unit once")
    if queue and per_job.sum() >= lists.shape[1]:
        raise ValueError(f"{per_job.sum():.3f} units of work are too much for {lists.shape[1]}")
    return per_job, lists
