"""Waits and losses of many equal servers with Poisson calls.

`load` is the offered load in Erlang: calls a second times mean seconds of a job. Waits are in units
of the mean job.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise


def erlang_b(load: float, servers: int) -> float:
    """Return the share of calls that find every server busy when no call waits.

    Erlang 1917, by B(0) = 1, B(n) = load B(n-1) / (n + load B(n-1)). It holds for every
    distribution of the job with the same mean (Sevastyanov 1957).

    Raises
    ------
    ValueError
        If the load is negative, or there is no server.
    """
    _check(load, servers)
    lost = 1.0
    for n in range(1, servers + 1):
        lost = load * lost / (n + load * lost)
    return lost


def erlang_c(load: float, servers: int) -> float:
    """Return the share of calls that wait, of M/M/c: C = B / (1 - (load / c) (1 - B)).

    Raises
    ------
    ValueError
        If the load is not less than the servers: then no queue settles.
    """
    _check(load, servers)
    if load >= servers:
        raise ValueError(f"a load of {load} is too much for {servers} servers")
    lost = erlang_b(load, servers)
    return lost / (1.0 - load / servers * (1.0 - lost))


def mean_wait(load: float, servers: int) -> float:
    """Return the mean wait of all calls of M/M/c, in mean jobs: C / (c - load)."""
    return erlang_c(load, servers) / (servers - load)


def waits_by_class(loads: Sequence[float], servers: int) -> list[float]:
    """Return the mean wait of each class, first served first, nobody interrupted; in mean jobs.

    Cobham 1954, "Priority assignment in waiting line problems", eq. 3 with one exponential job for
    all: W_k = C / (c (1 - s_{k-1}) (1 - s_k)), s_k the utilisation by the classes up to k.

    Parameters
    ----------
    loads
        Offered load of each class, the most urgent first.
    servers
        How many.
    """
    chance = erlang_c(sum(loads), servers)
    used = [0.0, *(load / servers for load in accumulate(loads))]
    return [chance / (servers * (1.0 - before) * (1.0 - after)) for before, after in pairwise(used)]


def _check(load: float, servers: int) -> None:
    if load < 0.0 or servers < 1:
        raise ValueError("a load is not negative, and there is at least one server")
