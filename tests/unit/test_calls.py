"""Calls: drawn before the run, never shifted by anything else; collisions from exposure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import DAY, SERVICE, FixedModel, plan, town
from twin.agents.incidents.exposure import ExpectedMetres, Exposure
from twin.city.model import Service
from twin.core.errors import InputError
from twin.core.random import Streams
from twin.demand.calls import COLUMNS, draw_calls, priorities

STREAMS = Streams(7)


def test_calls_follow_the_rates_and_lie_on_the_streets_of_their_zones() -> None:
    city = town(medical_per_day=2000, fire_per_day=200)
    scenario = plan(period={"day": DAY, "start": "00:00", "end": "24:00"})
    calls = draw_calls(city, scenario, STREAMS)
    assert list(calls.columns) == list(COLUMNS)
    assert calls["t_call"].is_monotonic_increasing
    assert calls["call_id"].is_unique
    for kind, expected in (("medical", 2000), ("fire", 200)):
        n = (calls["kind"] == kind).sum()
        assert abs(n - expected) < 3 * np.sqrt(expected)
    medical = calls[calls["kind"] == "medical"]
    share = medical["transported"].mean()
    assert abs(share - 0.5) < 3 * np.sqrt(0.25 / len(medical))
    urgent = (medical["priority"] == 1).mean()
    assert abs(urgent - 0.3) < 3 * np.sqrt(0.21 / len(medical))
    network = city.network
    assert (calls["pos_m"] <= network.link_length[calls["link"]]).all()
    district = city["zones"].set_index("zone_id")["district"]
    zone = city["zone_links"].set_index("link")["zone_id"]
    assert (district[zone[calls["link"]]].to_numpy() == calls["district"].to_numpy()).all()


def test_a_larger_scale_only_adds_calls() -> None:
    city = town(medical_per_day=400)
    drawn = {s: draw_calls(city, plan(calls={"scale": s}), STREAMS) for s in (0.5, 1.0, 1.3, 2.5)}
    previous: set[tuple[object, ...]] = set()
    for scale, calls in drawn.items():
        rows = set(calls.itertuples(index=False, name=None))
        assert previous <= rows
        expected = scale * 102.5
        assert abs(len(rows) - expected) < 4 * np.sqrt(expected)
        previous = rows


def test_the_period_cuts_calls_out_and_moves_none() -> None:
    city = town(medical_per_day=400)
    long = draw_calls(city, plan(), STREAMS)
    short_plan = plan(period={"day": DAY, "start": "08:00", "end": "09:00"})
    short = draw_calls(city, short_plan, STREAMS)
    inside = long[(long["t_call"] >= 8 * 3600) & (long["t_call"] < 9 * 3600)]
    pd.testing.assert_frame_equal(short, inside.reset_index(drop=True))
    night = plan(period={"day": DAY, "start": "23:00", "end": "25:00"})
    late = draw_calls(city, night, STREAMS)
    assert (late["t_call"] > 24 * 3600).any()
    assert late["call_id"].is_unique


def test_another_seed_or_replication_gives_other_calls() -> None:
    city = town(medical_per_day=400)
    base = draw_calls(city, plan(), STREAMS)
    again = draw_calls(city, plan(), Streams(7))
    pd.testing.assert_frame_equal(base, again)
    for other in (Streams(8), Streams(7, 1)):
        assert not draw_calls(city, plan(), other)["t_call"].equals(base["t_call"])


def test_units_policies_and_closures_leave_calls_untouched() -> None:
    city = town()
    base = FixedModel(city, plan()).calls
    changes = [
        {"kind": "add-units", "station": "S1", "count": 3},
        {"kind": "close-hospital", "hospital": "H0"},
        {"kind": "close-links", "links": [int(city.network.link_id[3])]},
    ]
    for other in (
        plan(changes=changes),
        plan(policy={"dispatch": "closest-straight-line"}),
        plan(traffic={"fidelity": "table", "demand_scale": 0.5}),
    ):
        pd.testing.assert_frame_equal(FixedModel(city, other).calls, base)


def history(**columns: object) -> pd.DataFrame:
    n = 3
    rows: dict[str, object] = {
        "call_id": [f"R{k}" for k in range(n)],
        "kind": ["medical", "fire", "medical"],
        "priority": [1, 2, 3],
        "lon": 0.0005,
        "lat": 0.0,
        "t_call": pd.to_datetime(
            ["2025-03-05 05:59:59", "2025-03-05 06:00:00", "2025-03-05 11:00:00.5"],
            utc=True,
            format="ISO8601",
        ),
        "transported": [True, False, True],
        "district": "west",
    }
    return pd.DataFrame(rows | columns)


def test_recorded_calls_are_those_of_the_period() -> None:
    city = town()
    city.tables["history"] = history()
    calls = draw_calls(city, plan(calls={"source": "recorded"}), STREAMS)
    assert calls["call_id"].tolist() == ["R1", "R2"]
    assert calls["t_call"].tolist() == [21_600.0, 39_600.5]
    assert calls["transported"].tolist() == [False, True]
    assert calls["patients"].tolist() == [0, 1]
    # With the city's clock nine hours ahead, the day is another one.
    city.meta = city.meta.model_copy(update={"timezone": "Asia/Seoul"})
    period = {"day": DAY, "start": "15:00", "end": "16:00"}
    moved = draw_calls(city, plan(calls={"source": "recorded"}, period=period), STREAMS)
    assert moved["call_id"].tolist() == ["R1"]
    assert moved["t_call"].tolist() == [15 * 3600.0]


def test_no_recorded_calls_and_calls_off_the_map_are_errors() -> None:
    city = town()
    scenario = plan(calls={"source": "recorded"})
    with pytest.raises(InputError, match="no recorded calls on 2025-03-05"):
        draw_calls(city, scenario, STREAMS)
    city.tables["history"] = history(lon=[0.0, 0.5, 0.0])
    with pytest.raises(InputError, match=r"call R1, field 'history.lon'.* m from the nearest"):
        draw_calls(city, scenario, STREAMS)
    city.tables["history"] = history(lon=[0.0, np.nan, 0.0])
    with pytest.raises(InputError, match=r"call R1, field 'history.lon': the call has no pos"):
        draw_calls(city, scenario, STREAMS)


def test_a_recorded_day_needs_a_fit_that_has_not_seen_it() -> None:
    city = town()
    city.tables["history"] = history()
    with pytest.raises(InputError, match="without that day"):
        FixedModel(city, plan(calls={"source": "recorded"}))
    seen = plan(calls={"source": "recorded", "held_out_fit": False})
    assert FixedModel(city, seen).durations.service is SERVICE
    held_out = Service()
    city.service["2025-03-05"] = held_out
    model = FixedModel(city, plan(calls={"source": "recorded"}))
    assert model.durations.service is held_out


def test_a_zone_without_links_calls_from_the_street_nearest_to_its_middle() -> None:
    city = town(medical_per_day=400)
    zone_links = city["zone_links"]
    city.tables["zone_links"] = zone_links[zone_links["zone_id"] != 10]
    calls = draw_calls(city, plan(), STREAMS)
    mine = calls[calls["call_id"].str.startswith("M-10-")]
    assert len(set(mine["link"])) == 1
    assert len(mine)


def test_priorities_follow_their_shares_in_order() -> None:
    service = Service(p_priority={"fire": {"3": 0.5, "1": 0.25, "2": 0.25}})
    u = np.array([0.0, 0.24, 0.26, 0.49, 0.51, 0.999999])
    assert priorities(service, "fire", u).tolist() == [1, 1, 2, 2, 3, 3]
    assert priorities(service, "medical", u).tolist() == [1] * 6


def collisions(seed: int, metres: float, minutes: int, **calls: object) -> pd.DataFrame:
    """Return the collisions that come of equal exposure on every link."""
    city = town()
    model = FixedModel(city, plan(seed=seed, calls=calls))
    found: list[dict[str, object]] = []
    exposure = Exposure(model)
    model.env.process = lambda life: found.append(dict(life.gi_frame.f_locals["call"]._asdict()))
    for k in range(minutes):
        t = 21_600.0 + 60.0 * k
        exposure.accrue(t, t + 60.0, np.full(city.network.n_links, metres))
    return pd.DataFrame(found)


def test_collisions_are_a_poisson_process_in_vehicle_kilometres() -> None:
    # 48 links x 1 km x 500 per million vehicle-km = 0.024 a minute.
    counts = [len(collisions(seed, 1000.0, 300)) for seed in range(20)]
    expected = 0.024 * 300
    assert abs(np.mean(counts) - expected) < 3 * np.sqrt(expected / 20)
    found = collisions(1, 20_000.0, 300)
    assert found["call_id"].is_unique
    assert ((found["t_call"] >= 21_660.0) & (found["t_call"] < 21_660.0 + 18_000.0)).all()
    assert (found["patients"] >= 1).all()
    assert set(found["district"]) == {"west", "east"}
    pd.testing.assert_frame_equal(found, collisions(1, 20_000.0, 300))
    assert collisions(1, 0.0, 300).empty
    more = collisions(1, 20_000.0, 300, scale=2.0)
    assert abs(len(more) / len(found) - 2.0) < 0.5


def test_collisions_happen_where_the_traffic_is() -> None:
    city = town()
    model = FixedModel(city, plan())
    found: list[int] = []
    exposure = Exposure(model)
    model.env.process = lambda life: found.append(life.gi_frame.f_locals["call"].link)
    metres = np.zeros(city.network.n_links)
    metres[[3, 7]] = (3e6, 1e6)
    for k in range(300):
        exposure.accrue(21_600.0 + 60.0 * k, 21_660.0 + 60.0 * k, metres)
    assert set(found) == {3, 7}
    share = np.mean(np.array(found) == 3)
    assert abs(share - 0.75) < 3 * np.sqrt(0.1875 / len(found))


def test_expected_exposure_of_a_day_is_its_trips_times_their_length() -> None:
    city = town()
    weekday = ExpectedMetres(city, weekend=False)
    total = sum(weekday.between(h * 3600.0, h * 3600.0 + 3600.0).sum() for h in range(24))
    # The zones of this city are less than 1 km apart, so every trip counts as 1 km x 1.35.
    assert total == pytest.approx(20_000 * 1350.0)
    weekend = ExpectedMetres(city, weekend=True)
    eight = weekday.between(8 * 3600.0, 9 * 3600.0)
    assert weekend.between(8 * 3600.0, 9 * 3600.0).sum() != pytest.approx(eight.sum())
    city.tables["od"] = city["od"].iloc[:0]
    assert not ExpectedMetres(city, weekend=False).between(0.0, 60.0).any()
