"""Towns of which one hospital has an emergency room that can be computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tests.support.emergency import DAY, constant, plan, town
from twin.city.model import City, Service
from twin.scenarios.spec import Scenario

FLAT = [1.0] * 24

AT_ONCE = Service(
    durations={
        name: constant(0.0)
        for name in ("handling", "turnout", "scene", "scene_transport", "handover")
    },
    p_transport={"medical": 1.0},
    p_priority={"medical": {"2": 1.0}},
)
"""Nothing takes time, and everybody is taken to hospital."""


def clinic(per_minute: float, *, beds: int, second: bool = False) -> City:
    """Return a town whose calls reach H0, which has so many beds, at once.

    H1 has no emergency room; it is open only as a `second` hospital.
    """
    city = town(
        ambulances=120,
        engines=0,
        medical_per_day=1440.0 * per_minute,
        fire_per_day=0.0,
        service=AT_ONCE,
        rows=3,
    )
    city.tables["hospitals"] = city["hospitals"].assign(
        beds=np.array([beds, 0], np.int32), open=[True, second]
    )
    return city


def hours(n: int, **fields: Any) -> Scenario:
    """Return a scenario of so many hours from midnight that keeps few pictures."""
    return plan(
        period={"day": DAY, "start": "00:00", "end": f"{n}:00"},
        record={"frame_every_s": 600.0, "decisions": False},
        **fields,
    )


def time_mean(status: pd.DataFrame, column: str, t_from: float, t_to: float) -> float:
    """Return the mean over time of a column that holds from each row to the next."""
    t = np.clip(np.append(status["t"].to_numpy(), t_to), t_from, t_to)
    return float(np.diff(t) @ status[column].to_numpy(np.float64)) / (t_to - t_from)


def diverted(load: float, beds: int, reopen: int) -> float:
    """Return the share of time in which a hospital diverts that is full at all `beds`.

    It takes patients again at `reopen` or fewer. The stationary solution of the Markov chain over
    patients and whether it diverts, by its balance equations.
    """
    states = [(n, False) for n in range(beds)] + [(n, True) for n in range(reopen + 1, beds + 1)]
    at = {state: k for k, state in enumerate(states)}
    rate = np.zeros((len(states), len(states)))
    for (n, closed), k in at.items():
        if not closed:
            rate[k, at[(n + 1, n + 1 == beds)]] += load
            if n:
                rate[k, at[(n - 1, False)]] += n
        else:
            rate[k, at[(n - 1, n - 1 > reopen)]] += n
    balance = (rate - np.diag(rate.sum(axis=1))).T
    balance[0] = 1.0
    share = np.linalg.solve(balance, np.eye(len(states))[0])
    return float(sum(share[k] for (_, closed), k in at.items() if closed))
