"""Whatever the rule, the limits, the shifts and the load: moves keep to their limits."""

from __future__ import annotations

from collections import deque
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.emergency import DAY, add_corner_stations, at, plan, run, sure, town
from twin.agents.states import ON_THE_ROAD, UNIT_NEXT, UnitState
from twin.simulation import CityModel

RULES = ["none", "dmexclp", "compliance-table", "priority-list", "ddsm"]
hours = st.sampled_from([0.0, 21_600.0, 23_000.0, 25_000.0, 27_000.0])


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "ambulances": draw(st.integers(1, 6)),
        "shifts": draw(st.lists(st.tuples(hours, hours), min_size=6, max_size=6)),
        "homes": draw(st.lists(st.integers(1, 3), min_size=6, max_size=6)),
        "per_day": draw(st.sampled_from([100.0, 600.0])),
        "per_hour": draw(st.sampled_from([None, 0, 2, 5])),
        "per_crew": draw(st.sampled_from([None, 1])),
        "longest_s": draw(st.sampled_from([None, 60.0])),
        "longest": draw(st.booleans()),
        "turned": draw(st.sampled_from(["never", "by-priority"])),
        "crews": draw(
            st.sampled_from(
                [
                    {},
                    {"break_min": 20, "break_after_h": 0.2, "break_until_h": 1.5},
                    {"restock_min": 5, "failures_every_h": 0.7, "repair_h": 0.3},
                ]
            )
        ),
        "within_s": draw(st.sampled_from([60.0, 100.0])),
        "seed": draw(st.integers(0, 5)),
    }


def _town(service: dict[str, Any]) -> Any:
    city = town(
        ambulances=service["ambulances"], engines=0, medical_per_day=service["per_day"],
        fire_per_day=0.0, service=sure(0.5), rows=6,
    )  # fmt: skip
    add_corner_stations(city)
    units = city["units"]
    for k in range(len(units)):
        units.loc[k, ["on_s", "off_s"]] = service["shifts"][k]
        units.loc[k, "station_id"] = f"S{service['homes'][k]}"
    return city


def _drawn(model: CityModel) -> str:
    """Return a checksum of the calls and of what is drawn of each, whoever answers."""
    text = model.calls.to_csv()
    for call in model.calls.itertuples():
        for interval in ("handling", "turnout", "scene", "scene_transport", "handover"):
            seconds = model.durations.draw("medical", interval, call.priority, call.call_id, "")
            text += f"{seconds!r},"
    return sha256(text.encode()).hexdigest()


@given(services())
@settings(max_examples=8, deadline=None, derandomize=True)
def test_moves_keep_to_their_limits(service: dict[str, Any]) -> None:
    drawn = set()
    for rule in RULES:
        scenario = plan(
            period={"day": DAY, "start": "06:00", "end": "08:00"},
            policy={
                "moveup": rule,
                "reassign": service["turned"],
                "parameters": {
                    "compliance-table": {"assignment": "longest" if service["longest"] else "total"}
                },
            },
            moves={name: service[name] for name in ("per_hour", "per_crew", "longest_s")},
            coverage={"within_s": service["within_s"]},
            crews=service["crews"],
            seed=service["seed"],
        )
        model, recorder = run(CityModel, _town(service), scenario)
        drawn.add(_drawn(model))
        moves, events = recorder.frame("moves"), recorder.frame("unit_events")
        shifts = {unit.unit_id: unit.shift for unit in model.units}
        if len(moves):
            moves = moves[moves["made"]]
        assert len(moves) == (model.summary().moves or {"made": 0})["made"]
        if len(moves) and service["longest_s"] is not None:
            assert (moves["eta_s"] <= service["longest_s"]).all()
        _at_most(moves, service["per_hour"])
        for _, mine in moves.groupby("unit_id") if len(moves) else ():
            _at_most(mine, service["per_crew"])
        for unit_id, mine in events.groupby("unit_id"):
            states = [UnitState(s) for s in mine["state"]]
            assert all(b in UNIT_NEXT[a] for a, b in pairwise(states))
            assert mine["t"].is_monotonic_increasing
            # A unit goes off its shift where it is based, and is moved only while it is on.
            home = mine.iloc[0][["lon", "lat"]].to_numpy(float)
            off = mine[mine["state"] == "off_shift"][["lon", "lat"]].to_numpy(float)
            assert np.allclose(off, home)
            for t in mine.loc[mine["state"] == "moving_up", "t"]:
                on, end = shifts[unit_id].at(t)
                assert on <= t < end
        for unit in model.units:
            assert (unit.task is None) or not (unit.available)
            assert unit.state in UnitState
            if unit.state in ON_THE_ROAD and model.t < at(8.0):
                assert unit.base.station_id in model.stations
        if rule == "none":
            assert not len(moves)
            assert "moving_up" not in set(events["state"])
    assert len(drawn) == 1


def _at_most(moves: pd.DataFrame, most: int | None) -> None:
    if most is None or not len(moves):
        return
    last: deque[float] = deque(maxlen=most + 1)
    for t in sorted(moves["t"]):
        last.append(t)
        assert most > 0
        assert len(last) <= most or last[-1] - last[0] >= 3600.0
