"""Call-takers are the servers of M/M/c: who waits for an answer, and how long."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support.emergency import DAY, InstantModel, constant, plan, town
from tests.support.queueing import within
from twin.city.model import Distribution, Service
from twin.queueing.erlang import erlang_c
from twin.simulation import CityModel

HANDLING_S = 6.0
REPLICATIONS = 8


class Answers:
    """Keeps when calls came and were answered."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float]] = []

    def row(self, table: str, **columns: Any) -> None:
        if table == "calls" and columns["t_answer"] is not None:
            self.rows.append((columns["t_call"], columns["t_answer"]))

    def columns(self, table: str, **arrays: Any) -> None:
        pass


@pytest.mark.verify
@pytest.mark.parametrize(("load", "takers"), [(1.5, 3), (2.0, 4), (5.0, 8)])
def test_calls_wait_for_an_answer_as_erlang_says(load, takers) -> None:
    service = Service(
        durations={
            "handling": Distribution(family="exponential", a=HANDLING_S, high=1e9),
            "turnout": constant(0.0),
            "scene": constant(0.0),
        },
        p_transport={"medical": 0.0},
    )
    city = town(
        ambulances=1,
        engines=0,
        medical_per_day=load / HANDLING_S * 86_400.0,
        fire_per_day=0.0,
        service=service,
    )
    scenario = plan(
        period={"day": DAY, "start": "00:00", "end": "02:00"},
        record={"frame_every_s": 600.0, "decisions": False},
        care={"call_takers": takers},
        seed=20_250_305,
    )
    waited, means = [], []
    for replication in range(REPLICATIONS):
        recorder = Answers()
        model: CityModel = InstantModel(city, scenario, recorder=recorder, replication=replication)
        model.run()
        rows = np.array(recorder.rows)
        rows = rows[rows[:, 0] > 600.0]
        waits = (rows[:, 1] - rows[:, 0]) / HANDLING_S
        waited.append(float((waits > 1e-9).mean()))
        means.append(float(waits.mean()))
    chance = erlang_c(load, takers)
    assert within(waited, chance)
    assert within(means, chance / (takers - load))
