"""A city of three bases and three points of demand, and what its units do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.emergency import DAY
from tests.support.table_city import region
from twin.city.model import City
from twin.demand.call_file import read_calls
from twin.recording.memory import MemoryRecorder
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel

HEAD = "id,t,place,dispatch_delay_s,scene_s,transport,hospital,handover_s\n"
FAR = 2000.0
TOY_TIMES = [
    # b0     b1     b2     p0     p1     p2
    [0.0, 500.0, 700.0, 100.0, 100.0, FAR],
    [500.0, 0.0, 800.0, FAR, 100.0, 100.0],
    [700.0, 800.0, 0.0, 100.0, FAR, FAR],
    [100.0, FAR, 100.0, 0.0, 200.0, FAR],
    [100.0, 100.0, FAR, 200.0, 0.0, 200.0],
    [FAR, 100.0, FAR, FAR, 200.0, 0.0],
]
"""Base 0 reaches points 3 and 4 within 480 s, base 1 points 4 and 5, base 2 point 3."""
DEMAND = {"p3": 5, "p4": 3, "p5": 2}


def moved(
    tmp_path: Path,
    bases: list[int | str],
    rows: str,
    *,
    times: list[list[float]] = TOY_TIMES,
    demand: dict[str, int] = DEMAND,
    **fields: Any,
) -> tuple[CityModel, MemoryRecorder]:
    """Run calls in a toy city whose demand lies as in `demand`."""
    city = region(tmp_path, times, bases, [0])
    file = tmp_path / "calls.csv"
    file.write_text(HEAD + rows)
    weights = "".join(
        f"w{place}{k},0,{place},,,,,\n" for place, n in demand.items() for k in range(n)
    )
    own = City(city.meta, city.network, dict(city.tables), city.service)
    own.tables["history"] = read_calls(file, own, DAY)
    plan = {
        "name": "test", "city": "region",
        "period": {"day": DAY, "start": "00:00", "warm_up_min": 0.0, "end": "06:00"},
        "traffic": {"fidelity": "table", "speed_without_siren": 1.0},
        "calls": {"source": "recorded", "collisions": False, "held_out_fit": False,
                  "intervals": "recorded"},
    }  # fmt: skip
    recorder = MemoryRecorder()
    model = CityModel(own, Scenario.model_validate(plan | fields), recorder=recorder)
    # The calls of the run are not those by which demand is judged.
    (tmp_path / "weights.csv").write_text(HEAD + weights)
    own.tables["history"] = read_calls(tmp_path / "weights.csv", own, DAY)
    model.run()
    return model, recorder


def states(recorder: MemoryRecorder, unit: str) -> list[tuple[float, str]]:
    events = recorder.frame("unit_events")
    mine = events[events["unit_id"] == unit]
    return list(zip(mine["t"].tolist(), mine["state"].tolist(), strict=True))
