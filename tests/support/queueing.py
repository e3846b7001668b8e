"""The chain as a queue: nothing takes time but the care on scene, which is exponential."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.support.emergency import DAY, InstantModel, constant, plan, town
from twin.city.model import Distribution, Service
from twin.simulation import CityModel

SERVICE_S = 6.0
REPLICATIONS = 8


class CallsOnly:
    """Keeps arrival, dispatch and priority of calls and forgets the rest."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, int]] = []

    def row(self, table: str, **columns: Any) -> None:
        if table == "calls" and columns["t_dispatch"] is not None:
            self.rows.append((columns["t_call"], columns["t_dispatch"], columns["priority"]))

    def columns(self, table: str, **arrays: Any) -> None:
        pass


def waits(
    load: float, servers: int, *, shares: dict[str, float], queue: str = "priority"
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, per replication, waits in units of the mean service time, and priorities."""
    service = Service(
        durations={
            "handling": constant(0.0),
            "turnout": constant(0.0),
            "scene": Distribution(family="exponential", a=SERVICE_S, high=1e9),
        },
        p_transport={"medical": 0.0},
        p_priority={"medical": shares},
    )
    per_day = load / SERVICE_S * 86_400.0
    city = town(
        ambulances=servers, engines=0, medical_per_day=per_day, fire_per_day=0.0, service=service
    )
    scenario = plan(
        period={"day": DAY, "start": "00:00", "end": "02:00"},
        calls={"collisions": False},
        policy={"queue": queue},
        record={"frame_every_s": 600.0},
        seed=20_250_305,
    )
    out = []
    for replication in range(REPLICATIONS):
        recorder = CallsOnly()
        model: CityModel = InstantModel(city, scenario, recorder=recorder, replication=replication)
        model.run()
        rows = np.array(recorder.rows)
        rows = rows[rows[:, 0] > 600.0]
        out.append(((rows[:, 1] - rows[:, 0]) / SERVICE_S, rows[:, 2].astype(int)))
    return out


def within(values: list[float], expected: float) -> bool:
    """Tell whether a mean over replications is within three of its standard errors."""
    mean, error = np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values))
    return bool(abs(mean - expected) < 3 * error < 0.5 * expected)


def erlang_c(load: float, servers: int) -> float:
    """Return the chance of waiting (Erlang 1917), by the recursion of Erlang B."""
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1.0 - load / servers * (1.0 - blocked))
