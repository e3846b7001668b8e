"""The chain as a queue: nothing takes time but the care on scene; and queues in a few plain lines.

The plain queues share no code with Twin. The chain is checked to do as they do with the very calls
and jobs of a run; being fast, they then say over millions of calls what formulas say.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np

from tests.support.emergency import DAY, InstantModel, constant, plan, town
from twin.agents.dispatch.dispatcher import Dispatcher
from twin.agents.task import Task
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


def close(values: Sequence[float], expected: float) -> bool:
    """Tell whether a mean over replications is within three standard errors, and these in 1%."""
    mean, error = np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values))
    return bool(abs(mean - expected) < 3 * error < 0.01 * expected)


class Jobs:
    """Keeps the stamps of the calls of a run."""

    NAMES = ("t_call", "t_dispatch", "t_clear", "priority")

    def __init__(self) -> None:
        self.rows: list[list[float]] = []

    def row(self, table: str, **columns: Any) -> None:
        if table == "calls":
            self.rows.append([math.nan if columns[n] is None else columns[n] for n in self.NAMES])

    def columns(self, table: str, **arrays: Any) -> None:
        pass

    def ended(self) -> dict[str, np.ndarray]:
        """Return the columns by name, in the order of the calls."""
        table = np.array(self.rows)
        return dict(zip(self.NAMES, table[np.argsort(table[:, 0])].T, strict=True))


class Losing(Dispatcher):
    """Lets a call go to somebody else when no unit is free."""

    def request(self, tasks: Sequence[Task]) -> None:
        super().request(tasks)
        for task in [task for task in tasks if task.unit is None]:
            self.release(task)


def jobs(
    load: float, servers: int, scene: Distribution, *, mean_s: float, losing: bool = False,
    shares: dict[str, float] | None = None, hours: int = 2, replication: int = 0,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Return the stamps of the calls of one run of the chain."""
    service = Service(
        durations={"handling": constant(0.0), "turnout": constant(0.0), "scene": scene},
        p_transport={"medical": 0.0},
        p_priority={"medical": shares or {"1": 1.0}},
    )
    city = town(
        ambulances=servers,
        engines=0,
        medical_per_day=load / mean_s * 86_400.0,
        fire_per_day=0.0,
        service=service,
    )
    scenario = plan(
        period={"day": DAY, "start": "00:00", "end": f"{hours:02d}:00"},
        calls={"collisions": False},
        record={"frame_every_s": 600.0, "decisions": False},
        seed=20_250_306,
    )
    recorder = Jobs()
    model: CityModel = InstantModel(city, scenario, recorder=recorder, replication=replication)
    if losing:
        model.dispatcher = Losing(model)
    model.run()
    return recorder.ended()


@numba.njit
def plain_waits(
    arrival: np.ndarray, job: np.ndarray, priority: np.ndarray, servers: int
) -> np.ndarray:
    """Return the waits of calls for the first of equal servers; the least priority goes first."""
    waits = np.zeros(len(arrival))
    busy = [0.0]
    busy.pop()
    line = [(np.int64(0), np.int64(0))]
    line.pop()
    free = servers
    for k in range(len(arrival) + 1):
        now = arrival[k] if k < len(arrival) else np.inf
        while busy and busy[0] <= now:
            clear = heapq.heappop(busy)
            if line:
                _, first = heapq.heappop(line)
                waits[first] = clear - arrival[first]
                heapq.heappush(busy, clear + job[first])
            else:
                free += 1
        if k == len(arrival):
            break
        if free:
            free -= 1
            heapq.heappush(busy, now + job[k])
        else:
            heapq.heappush(line, (np.int64(priority[k]), np.int64(k)))
    return waits


@numba.njit
def plain_lost(arrival: np.ndarray, job: np.ndarray, servers: int) -> np.ndarray:
    """Return which calls find every one of equal servers busy and are lost."""
    lost = np.zeros(len(arrival), np.bool_)
    clear = np.full(servers, -np.inf)
    for k in range(len(arrival)):
        at = np.argmin(clear)
        if clear[at] > arrival[k]:
            lost[k] = True
        else:
            clear[at] = arrival[k] + job[k]
    return lost
