"""Workloads under fixed lists of preference against Larson's hypercube model."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.queueing import within
from tests.support.table_city import region, replayed
from twin.queueing.hypercube import exact

pytestmark = pytest.mark.verify

RATES = np.array([0.50, 0.25, 0.35, 0.40])
LISTS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 0, 1]]
JOB_S = 600.0
BOOK = (0.5574, 0.4734, 0.4693)
"""Larson and Odoni, Urban Operations Research, section 5.4.3: three units, an infinite line."""


def test_three_units_are_as_busy_as_the_hypercube_says(tmp_path):
    model = exact(RATES / JOB_S, LISTS, JOB_S)
    assert model.busy == pytest.approx([0.557364, 0.473372, 0.469264], abs=1e-6)
    assert model.busy == pytest.approx(BOOK, abs=1e-4)
    city = region(tmp_path, np.zeros((4, 4)).tolist(), [0, 1, 2], [0])
    lists = {f"p{area}": [f"u{unit}" for unit in order] for area, order in enumerate(LISTS)}
    busy, waited, sent = [], [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        n = 8000
        t = np.cumsum(rng.exponential(JOB_S / RATES.sum(), n))
        area = rng.choice(4, n, p=RATES / RATES.sum())
        scene = rng.exponential(JOB_S, n)
        calls, run = replayed(
            city, tmp_path,
            "id,t,place,dispatch_delay_s,scene_s,transport\n"
            + "".join(f"{k},{t[k]:.6f},p{area[k]},0,{scene[k]:.6f},no\n" for k in range(n)),
            record={"decisions": False},
            policy={"dispatch": "beats", "queue": "first-come",
                    "parameters": {"beats": {"lists": lists}}},
        )  # fmt: skip
        start, end = t[n // 50], t[-1]
        work = np.clip(calls["t_clear"], start, end) - np.clip(calls["t_onscene"], start, end)
        by_unit = work.groupby(calls["unit_id"]).sum() / (end - start)
        busy.append(by_unit.to_numpy())
        waited.append(run.summary().queued / n)
        served = calls[calls["response_s"] < 1e-5]
        table = served.groupby([area[served.index.astype(int)], served["unit_id"]]).size()
        sent.append((table / table.groupby(level=0).sum()).to_numpy().reshape(4, 3))
    for unit in range(3):
        assert within([each[unit] for each in busy], model.busy[unit])
    assert np.mean(busy, axis=0) == pytest.approx(model.busy, rel=0.01)
    assert within(waited, model.all_busy)
    assert np.mean(sent, axis=0) == pytest.approx(model.sent, abs=0.01)
