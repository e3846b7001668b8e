"""The how-to's own agent runs as it is printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import twin.simulation
from tests.support.emergency import plan, run, town

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-an-agent.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def example() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(BLOCKS[0], PAGE.name, "exec"), names)
    return names


def test_the_robots_deliver_and_leave_the_calls_alone() -> None:
    names = example()
    settings: dict[str, Any] = {"calls": {"collisions": False}}
    model, _ = run(names["CityWithRobots"], town(), plan(**settings))
    assert len(model.agents_by_type[names["DeliveryRobot"]]) == 10
    assert all(robot.delivered > 5 for robot in model.robots)
    assert all(robot.minutes_out > robot.delivered for robot in model.robots)
    plain, _ = run(twin.simulation.CityModel, town(), plan(**settings))
    assert plain.summary().response_mean_s == model.summary().response_mean_s


def test_the_robots_drive_in_lane_level_traffic_too() -> None:
    names = example()
    scenario = plan(
        period={"start": "08:00", "end": "08:20", "warm_up_min": 0}, traffic={"fidelity": "micro"}
    )
    model, _ = run(names["CityWithRobots"], town(), scenario)
    assert sum(robot.delivered for robot in model.robots) > 5


def test_the_page_runs_as_it_stands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = example()
    monkeypatch.setattr(twin.simulation, "get_city", lambda _: town())
    exec(compile(BLOCKS[1], PAGE.name, "exec"), names)
    assert re.fullmatch(r"\d+ calls, \d+ parcels\n", capsys.readouterr().out)
