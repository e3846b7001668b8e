"""A whole run has the same bits on one thread and on two."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.support.emergency import DAY, plan, run, town
from twin.recording.tables import RUN_TABLES
from twin.simulation import CityModel

pytestmark = pytest.mark.verify


def test_threads_change_no_table() -> None:
    recorders = []
    for threads in (1, 2):
        scenario = plan(
            period={"day": DAY, "start": "08:00", "end": "08:20", "warm_up_min": 5},
            traffic={"fidelity": "micro", "threads": threads},
            calls={"collisions": True},
        )
        _, recorder = run(CityModel, town(medical_per_day=600, rows=6), scenario)
        recorders.append(recorder)
    one, two = recorders
    for table in RUN_TABLES:
        pd.testing.assert_frame_equal(one.frame(table), two.frame(table), check_exact=True)
    assert len(one.frame("trips")) > 100
