"""Under every way of moving and every rule: nobody teleports, and more units do no harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.emergency import DAY, dispatch_rules, plan, run, sure, town
from tests.support.table_city import region, replayed
from twin.agents.policies import known
from twin.agents.states import UnitState
from twin.city.model import City
from twin.network.geometry import Projection
from twin.simulation import CityModel

STANDS = {str(state) for state in UnitState} - {
    "to_scene", "transporting", "returning", "moving_up"
}  # fmt: skip
FASTEST_MPS = 20.0
"""The streets of the grid allow 13.9 m/s; under siren a unit drives somewhat faster."""
ROUNDING_M = 0.01


def jumps(events: pd.DataFrame, city: City, tick_s: float | None) -> pd.DataFrame:
    """Return how many metres too far each unit is from its last event to have driven there.

    Traffic moves once a tick: an event within it sees who is on the move where it was when the
    tick began, but who arrives within it where it truly is.
    """
    network = city.network
    x, y = Projection(network.lon0, network.lat0).forward(events["lon"], events["lat"])
    events = events.assign(x=x, y=y)
    by_unit = events.groupby("unit_id", sort=False)
    far = np.hypot(by_unit["x"].diff(), by_unit["y"].diff())
    stood = by_unit["state"].shift().isin(STANDS)
    seen = by_unit["t"].shift()
    if tick_s is not None:
        seen = tick_s * np.floor(seen / tick_s)
    could = np.where(stood, 0.0, FASTEST_MPS * (events["t"] - seen))
    return events.assign(too_far=far - could - ROUNDING_M)


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "ambulances": draw(st.integers(1, 5)),
        "per_day": draw(st.sampled_from([100.0, 400.0])),
        "dispatch": draw(st.sampled_from(dispatch_rules())),
        "reassign": draw(st.sampled_from(known("reassign"))),
        "moveup": draw(st.sampled_from(["none", "dmexclp"])),
        "seed": draw(st.integers(0, 5)),
    }


def moved(service: dict[str, Any], fidelity: str, end: str) -> pd.DataFrame:
    city = town(
        ambulances=service["ambulances"], medical_per_day=service["per_day"], service=sure(0.5)
    )
    node = city.network
    scenario = plan(
        period={"day": DAY, "start": "06:00", "end": end},
        traffic={"fidelity": fidelity},
        seed=service["seed"],
        policy={name: service[name] for name in ("dispatch", "reassign", "moveup")},
        changes=[
            {"kind": "add-station", "station_id": "S2", "lon": float(node.node_lon[0]),
             "lat": float(node.node_lat[0])},
            {"kind": "add-units", "station": "S2"},
        ],
    )  # fmt: skip
    model, recorder = run(CityModel, city, scenario)
    tick_s = None if fidelity == "table" else model.mobility.tick_s
    return jumps(recorder.frame("unit_events"), city, tick_s)


@given(services())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_nobody_teleports_by_table(service: dict[str, Any]) -> None:
    found = moved(service, "table", "08:00")
    assert len(found)
    assert not (found["too_far"] > 0.0).any(), found.nlargest(3, "too_far")


@pytest.mark.parametrize("fidelity", ["meso", "micro"])
def test_nobody_teleports_in_traffic(fidelity: str) -> None:
    service = {
        "ambulances": 3, "per_day": 500.0, "dispatch": "soonest", "reassign": "by-priority",
        "moveup": "dmexclp", "seed": 1,
    }  # fmt: skip
    found = moved(service, fidelity, "06:45")
    assert len(found) > 40
    assert not (found["too_far"] > 0.0).any(), found.nlargest(3, "too_far")


def later_with_one_more(seed: int, folder: Path) -> tuple[float, float]:
    """Return the mean response of a random city, and by how much one more unit changes it."""
    rng = np.random.default_rng(seed)
    n = 6
    xy = rng.uniform(0.0, 6000.0, (n, 2))
    gap = np.linalg.norm(xy[:, None] - xy, axis=2) / 10.0
    bases = rng.integers(0, n, int(rng.integers(3, 9))).tolist()
    t = np.sort(rng.uniform(0.0, 120_000.0, 150))
    rows = "id,t,place,priority,scene_s,transport,handover_s\n" + "".join(
        f"{k},{t[k]:.3f},p{rng.integers(n)},{rng.integers(1, 4)},{rng.exponential(600.0):.3f},"
        f"{'yes' if rng.random() < 0.6 else 'no'},{rng.exponential(500.0):.3f}\n"
        for k in range(len(t))
    )
    more = int(rng.integers(n))
    means = []
    for fleet in (bases, [*bases, more]):
        city = region(folder, gap.tolist(), fleet, [0, 1], xy=xy.tolist())
        calls, _ = replayed(city, folder, rows, record={"decisions": False})
        means.append(float(calls["response_s"].mean()))
    return means[0], means[1] - means[0]


def test_more_units_never_worsen_the_mean_beyond_noise(tmp_path: Path) -> None:
    # One more unit may make single calls later: who is nearer goes, and is missed elsewhere.
    found = [later_with_one_more(seed, tmp_path) for seed in range(12)]
    gains = [-change for _, change in found]
    assert all(change <= 0.01 * mean for mean, change in found), found
    assert min(gains) < max(gains)
    assert np.mean(gains) > 2.0 * np.std(gains, ddof=1) / np.sqrt(len(gains))
