"""Waits in a city of travel times against the formula of Erlang (1917)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.queueing import within
from tests.support.table_city import region, replayed
from twin.queueing.erlang import erlang_c

pytestmark = pytest.mark.verify


@pytest.mark.parametrize(("load", "units", "known"), [(1.5, 3, 0.236842), (5.0, 8, 0.167267)])
def test_a_replay_of_poisson_calls_waits_as_erlang_says(tmp_path, load, units, known):
    chance = erlang_c(load, units)
    assert chance == pytest.approx(known, abs=1e-6)
    city = region(tmp_path, [[0.0]], [0] * units, [0])
    waited, mean = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        t = np.cumsum(rng.exponential(600.0 / load, 2000))
        scene = rng.exponential(600.0, len(t))
        calls, model = replayed(
            city, tmp_path,
            "id,t,place,dispatch_delay_s,scene_s,transport\n"
            + "".join(f"{k},{t[k]:.6f},p0,0,{scene[k]:.6f},no\n" for k in range(len(t))),
            record={"decisions": False},
        )  # fmt: skip
        assert model.summary().queued == (calls["response_s"] > 1e-5).sum()
        waited.append(model.summary().queued / len(t))
        mean.append(float(calls["response_s"].mean()) / 600.0)
    assert within(waited, chance)
    assert within(mean, chance / (units - load))
