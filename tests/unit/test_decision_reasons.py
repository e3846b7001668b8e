"""Why units went, counted, and what it cost in time."""

from __future__ import annotations

import numpy as np
import pytest

from apps.report.dispatch import _SAID, reasons_section
from tests.support.table_city import region, replayed
from twin.agents.policies.scores import WHY
from twin.agents.states import ON_THE_ROAD, UnitState
from twin.metrics.decisions import FREE, reasons
from twin.recording.memory import MemoryRecorder

HEAD = "id,t,place,priority,dispatch_delay_s,scene_s,transport,hospital,handover_s\n"


def test_reasons_are_counted_with_what_they_cost() -> None:
    recorder = MemoryRecorder()

    def decide(t: float, unit: list[str], arrival: list[float], won: int, why: str) -> None:
        whys = [why if k == won else None for k in range(len(unit))]
        recorder.columns(
            "decisions", t=t, call_id=f"c{t}", role="ambulance-1", policy="p", unit_id=unit,
            doing=["idle"] * len(unit), wait_s=10.0, eta_s=[a - 10.0 for a in arrival],
            score=arrival, chosen=[w is not None and w != "held" for w in whys], why=whys,
        )  # fmt: skip

    decide(1.0, ["a", "b"], [100.0, 160.0], 0, "cover")
    decide(2.0, ["a", "b"], [100.0, 190.0], 1, "cover")
    decide(3.0, ["a"], [50.0], 0, "only")
    found = reasons(recorder.frame("decisions"))
    assert found[["policy", "why", "sent"]].to_numpy().tolist() == [
        ["p", "cover", 2], ["p", "only", 1],
    ]  # fmt: skip
    assert found["arrival_s"].tolist() == [145.0, 50.0]
    assert found["later_s"].tolist() == [45.0, 0.0]


def test_every_reason_has_words() -> None:
    assert set(_SAID) == set(WHY)
    assert set(FREE) == {str(state) for state in (UnitState.IDLE, *ON_THE_ROAD)}


@pytest.mark.parametrize("rule", ["soonest", "closest-straight-line"])
def test_the_section_stands_for_any_rule(tmp_path, rule) -> None:
    city = region(tmp_path, [[0.0, 1000.0], [1000.0, 0.0]], [0, 1], [0])
    rows = HEAD + "1,0,p0,2,0,600,no,,\n2,500,p0,2,0,60,no,,\n3,9000,p1,2,0,60,no,,\n"
    _, model = replayed(
        city, tmp_path, rows, policy={"dispatch": rule, "reassign": "by-priority"},
        chain={"scene_s": 600.0, "p_transport": 0.0},
    )  # fmt: skip

    class Reader:
        def table(self, name: str):
            return model.recorder.frame(name)

    page = reasons_section(Reader())  # type: ignore[arg-type]
    assert page is not None
    assert rule in page
    assert ("(not sent yet)" in page) == (rule == "soonest")
    assert np.isnan(reasons(model.recorder.frame("decisions"))["arrival_s"]).any() == (
        rule == "closest-straight-line"
    )
