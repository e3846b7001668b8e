"""What a what-if changes beside the response: the other intervals of the chain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from apps.report.words import beside_the_response, describe
from twin.metrics.chain import chain_differences

N = 30
DISTRICTS = ["Mapo-gu", "Jung-gu", ""]


def calls(drive_s: float, **columns: Any) -> pd.DataFrame:
    """Return medical calls a minute apart whose drives to hospital take so many seconds."""
    t = 60.0 * np.arange(N)
    made = pd.DataFrame({"call_id": [f"c{i}" for i in range(N)], "kind": "medical", "t_call": t})
    made["district"] = [DISTRICTS[i % 3] for i in range(N)]
    stamps = ("t_dispatch", "t_enroute", "t_onscene", "t_leave")
    for number, stamp in enumerate(stamps, start=1):
        made[stamp] = t + 100.0 * number
    drive = np.where(made["district"] == "Mapo-gu", drive_s, 300.0)
    made["t_hospital"] = made["t_leave"] + drive
    made["t_clear"] = made["t_hospital"] + 1000.0
    return made.assign(**columns)


def test_a_longer_drive_to_hospital_is_told_by_interval_and_district() -> None:
    """A third of the calls drive 90 s longer: 30 s over all, 90 s in their district."""
    rows = chain_differences([(calls(300.0), calls(390.0))] * 3)
    found = {(row.group, row.value): row for row in rows}
    drive = found["interval", "transport"]
    assert drive.difference == pytest.approx(30.0)
    assert (drive.calls, drive.changed) == (3 * N, N)
    assert found["interval", "total"].difference == pytest.approx(30.0)
    assert found["transport", "Mapo-gu"].difference == pytest.approx(90.0)
    assert ("transport", "Jung-gu") not in found
    still = {value for (group, value), row in found.items() if not row.changed}
    assert still == {"handling", "turnout", "travel", "scene", "handover"}
    assert describe(found["transport", "Mapo-gu"]) == "leaving scene to hospital, Mapo-gu"
    assert beside_the_response(rows) == (
        "Other intervals of medical calls, each clear by itself: leaving scene to hospital +30.0 s "
        "(+30.0 to +30.0 s); call to clear +30.0 s (+30.0 to +30.0 s)."
    )


def test_calls_that_have_an_interval_in_one_run_only_are_changed_and_in_no_mean() -> None:
    base, whatif = calls(300.0), calls(300.0)
    whatif.loc[[0, 4], ["t_leave", "t_hospital"]] = np.nan
    (drive,) = [
        row
        for row in chain_differences([(base, whatif)])
        if (row.group, row.value) == ("interval", "transport")
    ]
    assert (drive.calls, drive.changed, drive.difference) == (N - 2, 2, 0.0)


def test_without_medical_calls_there_is_nothing_to_say() -> None:
    fires = calls(300.0, kind="fire")
    assert chain_differences([(fires, fires)]) == []
    assert beside_the_response([]) == ""
