"""Under every rule: the same calls and the same service, each call ends once, nobody for ever."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.table_city import region, replayed
from twin.agents.durations import Durations
from twin.agents.policies import known

SEEDS = range(2)
OF_THE_ROAD = {"turnout"}
"""Drawn only where a unit happens to stand at its station."""


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str, str], float]:
    """What the run draws: seconds by interval, call and role."""
    found: dict[tuple[str, str, str], float] = {}
    plain = Durations.draw

    def draw(
        self: Durations, kind: str, interval: str, priority: int, call_id: str, role: str = ""
    ) -> float:
        seconds = plain(self, kind, interval, priority, call_id, role)
        assert found.setdefault((interval, call_id, role), seconds) == seconds
        return seconds

    monkeypatch.setattr(Durations, "draw", draw)
    return found


def run_of(seed: int, folder: Any, policy: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    """Run a random city of travel times, too busy for its units for hours, until all is done."""
    rng = np.random.default_rng(seed)
    n = 6
    times = rng.uniform(60.0, 1200.0, (n, n))
    np.fill_diagonal(times, 0.0)
    city = region(
        folder, times.tolist(), [0, 1, 2, "3,06:00,22:00"], [4, 5],
        xy=rng.uniform(-4000.0, 4000.0, (n, 2)).tolist(),
    )  # fmt: skip
    t = np.sort(rng.uniform(0.0, 30_000.0, 60))
    rows = "id,t,place,priority,unit\n" + "".join(
        f"{k},{t[k]:.3f},p{rng.integers(n)},{rng.integers(1, 5)},u{k % 4}\n" for k in range(len(t))
    )
    return replayed(city, folder, rows, policy=policy, record={"decisions": False})


def policies() -> list[dict[str, Any]]:
    some = [{"dispatch": name} for name in known("dispatch") if name != "closest-free-flow"]
    some += [{"queue": name} for name in known("queue")]
    some += [
        {"dispatch": name, "reassign": "by-priority", "queue": queue}
        for name, queue in (("closest-idle", "priority"), ("soonest", "ageing"),
                            ("beats", "first-come"))
    ]  # fmt: skip
    return some


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rule_changes_who_goes_and_nothing_else(tmp_path, drawn, seed) -> None:
    hashes, sent = set(), set()
    turnouts: dict[tuple[str, str, str], float] = {}
    for policy in policies():
        drawn.clear()
        calls, model = run_of(seed, tmp_path, policy)
        # Each call ends once, and nobody waits for ever.
        stages = model.recorder.frame("incident_events")
        assert (stages["stage"] == "closed").sum() == len(calls) == 60
        assert calls["fate"].eq("closed").all()
        assert calls["t_onscene"].notna().all()
        assert not model.dispatcher.waiting
        # The same calls and the same service draws.
        fixed = sorted(each for each in drawn.items() if each[0][0] not in OF_THE_ROAD)
        calls_of = pd.util.hash_pandas_object(model.calls).to_numpy().tobytes()
        hashes.add(hashlib.sha256(repr(fixed).encode() + calls_of).hexdigest())
        for key, seconds in drawn.items():
            if key[0] in OF_THE_ROAD:
                assert turnouts.setdefault(key, seconds) == seconds
        sent.add(tuple(calls["unit_id"]))
    assert len(hashes) == 1
    assert len(sent) > 5
