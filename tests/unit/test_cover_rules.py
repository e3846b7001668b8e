"""Rules of dispatch that look at the rest of the city, by hand and by plain sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from tests.support.emergency import DAY, QUIET, FixedModel, plan, town
from tests.support.table_city import region, replayed
from twin.agents.policies.by_cover import preparedness_without
from twin.core.errors import InputError
from twin.recording.memory import MemoryRecorder
from twin.scenarios.change_kinds import Change
from twin.simulation import CityModel

HEAD = "id,t,place,priority,dispatch_delay_s,scene_s,transport,hospital,handover_s\n"
FAR = 5000.0
# Demand at p0, p1, p2 with weights 5, 3, 2; bases at p3, p4, p5 cover {0, 1}, {1, 2} and {0}.
DRIVES = {
    (3, 0): 100.0, (3, 1): 300.0, (3, 2): FAR,
    (4, 0): FAR, (4, 1): 100.0, (4, 2): 100.0,
    (5, 0): 200.0, (5, 1): FAR, (5, 2): FAR,
}  # fmt: skip
TIMES = [[0.0 if a == b else DRIVES.get((a, b), FAR) for b in range(6)] for a in range(6)]


def first_of(tmp_path, place: str, priority: int, policy: dict[str, Any], **fields: Any):
    """Return the decision on a call when all three units are at their bases, by unit."""
    city = region(tmp_path, TIMES, [3, 4, 5], [3])
    left = {"p0": 5, "p1": 3, "p2": 2}
    left[place] -= 1
    later = [each for each, times in left.items() for _ in range(times)]
    rows = HEAD + f"1,0,{place},{priority},0,60,no,,\n"
    rows += "".join(f"{k},{30_000 * k},{each},1,0,60,no,,\n" for k, each in enumerate(later, 2))
    _, model = replayed(
        city, tmp_path, rows, policy=policy, **{"coverage": {"busy": 0.3}, **fields}
    )
    found = model.recorder.frame("decisions")
    return found[found["call_id"] == "1"].set_index("unit_id")


def rule(name: str, **parameters: Any) -> dict[str, Any]:
    return {"dispatch": name, "parameters": {name: parameters}}


def goes(found) -> tuple[str, str]:
    won = found[found["chosen"]]
    return str(won.index[0]), str(won["why"].iloc[0])


def test_marginal_cover_is_that_of_the_published_sum(tmp_path) -> None:
    found = first_of(tmp_path, "p0", 1, rule("dmexclp-dispatch"))
    # u0: 5 x .7 x .3 + 3 x .7 x .3; u1: 3 x .7 x .3 + 2 x .7; u2: 5 x .7 x .3; of 10.
    assert found["value"].to_dict() == pytest.approx({"u0": 0.168, "u1": 0.203, "u2": 0.105})
    assert set(found["term"]) == {"cover_lost"}
    assert np.isinf(found.loc["u1", "score"])  # not in time
    assert goes(found) == ("u2", "cover")


@pytest.mark.parametrize(
    ("place", "priority", "policy", "winner"),
    [
        ("p1", 1, rule("closest-idle"), ("u1", "first")),
        ("p1", 1, rule("dmexclp-dispatch"), ("u0", "cover")),
        ("p1", 1, rule("dmexclp-dispatch", urgent_to=1), ("u1", "urgent")),
        ("p1", 2, rule("dmexclp-dispatch", urgent_to=1), ("u0", "cover")),
        ("p1", 1, rule("dmexclp-dispatch", within_s=299), ("u1", "cover")),
        ("p1", 1, rule("dmexclp-dispatch", within_s=50), ("u2", "late")),
        ("p1", 1, rule("least-loss"), ("u0", "cover")),
        ("p0", 1, rule("least-loss"), ("u0", "cover")),  # u2 costs nothing either and is later
        ("p1", 1, rule("least-loss", within_s=50), ("u1", "late")),
        ("p1", 2, rule("preparedness"), ("u0", "prepared")),
        ("p1", 1, rule("preparedness"), ("u1", "urgent")),
        ("p1", 2, rule("preparedness", within_s=50), ("u1", "late")),
    ],
)
def test_who_goes(tmp_path, place, priority, policy, winner) -> None:
    assert goes(first_of(tmp_path, place, priority, policy)) == winner


def test_demand_that_only_one_reaches_is_lost_with_it(tmp_path) -> None:
    found = first_of(tmp_path, "p1", 1, rule("least-loss"))
    assert found["value"].to_dict() == pytest.approx({"u0": 0.0, "u1": 0.2, "u2": 0.0})


def test_preparedness_is_that_of_the_worst_point(tmp_path) -> None:
    found = first_of(tmp_path, "p1", 2, rule("preparedness", contributions=[1.0, 0.5]))
    far = FAR / 60.0
    # Without u1 it is p2: both others are far away. Without u0 or u2 it is p0.
    want = {
        "u0": (60.0 / 200.0 + 0.5 / far) / 0.5,
        "u1": (1.0 / far + 0.5 / far) / 0.2,
        "u2": (60.0 / 100.0 + 0.5 / far) / 0.5,
    }
    assert found["value"].to_dict() == pytest.approx(want)
    assert set(found["term"]) == {"preparedness"}


@pytest.mark.parametrize("contributions", [[1.0], [1.0, 0.5, 0.25], [4.0, 3.0, 2.0, 1.0]])
def test_preparedness_agrees_with_a_plain_sum(tmp_path, contributions) -> None:
    policy = rule("preparedness", contributions=contributions, least_drive_min=2.0)
    found = first_of(tmp_path, "p2", 3, policy)
    for gone in range(3):
        p = []
        for point, share in enumerate((0.5, 0.3, 0.2)):
            drives = sorted(DRIVES[3 + u, point] / 60.0 for u in range(3) if u != gone)
            near = zip(contributions, drives, strict=False)
            p.append(sum(g / max(t, 2.0) for g, t in near) / share)
        assert found.loc[f"u{gone}", "value"] == pytest.approx(min(p))


@pytest.mark.parametrize("seed", range(12))
def test_preparedness_without_each_unit_agrees_with_unit_by_unit(seed) -> None:
    rng = np.random.default_rng(seed)
    n_bases, n_points, g = int(rng.integers(1, 30)), 25, [1.0, 0.5, 0.25]
    minutes = rng.integers(1, 9, (n_bases, n_points)).astype(np.float64)
    minutes[rng.random(minutes.shape) < 0.1] = np.inf
    counts, weight = rng.integers(0, 3, n_bases), rng.uniform(0.1, 1.0, n_points)
    order = np.argsort(minutes, axis=0, kind="stable")
    near = np.take_along_axis(minutes, order, axis=0)
    got = preparedness_without(order, near, counts, weight, g)
    for base in range(-1, n_bases):
        left = counts.copy()
        if base >= 0 and left[base] == 0:
            continue
        left[base] -= base >= 0
        drives = np.sort(np.repeat(minutes, left, axis=0), axis=0)[: len(g)]
        worth = [sum(w / d for w, d in zip(g, column, strict=False)) for column in drives.T]
        assert got[base] == pytest.approx((np.array(worth) / weight).min())


def test_units_away_from_their_base_count_where_they_head(tmp_path) -> None:
    city = region(tmp_path, TIMES, [3, 3, 5], [3])
    places = ["p0"] * 6 + ["p1"] * 3 + ["p2"]
    times = [0, 1000, *(30_000 * k for k in range(1, 9))]
    rows = HEAD + "".join(
        f"{k},{t},{place},1,0,60,no,,\n"
        for k, (t, place) in enumerate(zip(times, places, strict=True), 1)
    )
    _, model = replayed(
        city, tmp_path, rows, policy=rule("dmexclp-dispatch"), coverage={"busy": 0.5}
    )
    found = model.recorder.frame("decisions")
    second = found[found["call_id"] == "2"].set_index("unit_id")
    # u2 drives home from the first call and still counts at p5: three units cover p0, two p1.
    assert second["doing"].to_dict() == {"u0": "idle", "u1": "idle", "u2": "returning"}
    lost = 0.6 * 0.5**3 + 0.3 * 0.5**2
    assert second["value"].to_dict() == pytest.approx({"u0": lost, "u1": lost, "u2": 0.6 * 0.5**3})


def test_contributions_must_fall(tmp_path) -> None:
    with pytest.raises(InputError, match=r"preparedness.contributions.*must fall"):
        first_of(tmp_path, "p0", 1, rule("preparedness", contributions=[1.0, 1.0]))


def test_a_city_that_does_not_know_its_demand_is_refused_at_the_start() -> None:
    city = town(medical_per_day=0.0, fire_per_day=0.0)
    for name in ("least-loss", "dmexclp-dispatch", "preparedness"):
        with pytest.raises(InputError, match="does not say where calls come from"):
            FixedModel(city, plan(calls=QUIET, policy={"dispatch": name}))
    change = {"kind": "set-policy", "at": "07:00", "dispatch": "least-loss"}
    with pytest.raises(InputError, match="does not say where calls come from"):
        FixedModel(city, plan(calls=QUIET, changes=[change]))
    model = FixedModel(city, plan(calls=QUIET))
    with pytest.raises(InputError, match="does not say where calls come from"):
        model.submit(TypeAdapter(Change).validate_python(change))


@pytest.mark.parametrize("within_s", [40.0, 100.0, 400.0])
@pytest.mark.parametrize(
    "name", ["least-loss", "dmexclp-dispatch", "preparedness", "soonest", "closest-free-flow"]
)
def test_who_goes_does_not_depend_on_what_is_kept(name, within_s) -> None:
    city = town(medical_per_day=400.0, rows=8)
    sent = []
    for kept in (True, False):
        recorder = MemoryRecorder()
        scenario = plan(
            period={"day": DAY, "start": "06:00", "end": "08:00"},
            policy={"dispatch": name},
            coverage={"within_s": within_s},
            record={"decisions": kept},
        )
        CityModel(city, scenario, recorder=recorder).run()
        calls = recorder.frame("calls")
        sent.append(calls[["call_id", "unit_id", "t_onscene"]].to_csv())
    assert sent[0] == sent[1]
    assert sent[0].count("\n") > 20
