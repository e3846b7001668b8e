from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import pytest
from scipy import stats

from tests.support.cities import SHARES, grid_city
from twin.core.errors import InputError, TwinError
from twin.core.random import Streams
from twin.demand.trips import TAXI_SHARE, TripPlan, Trips, VehicleKind

WEDNESDAY = date(2025, 3, 5)
SATURDAY = date(2025, 3, 8)


@pytest.fixture(scope="module")
def city():
    return grid_city()


def plan_of(city, scale: float = 1.0, seed: int = 4, day: date = WEDNESDAY) -> TripPlan:
    return TripPlan(city, Streams(seed), day, scale)


@pytest.mark.parametrize(("day", "shift", "total"), [(WEDNESDAY, 0, 1.0), (SATURDAY, 2, 0.8)])
def test_hours_follow_the_profile(city, day, shift, total):
    trips = plan_of(city, day=day).between(0.0, 86_400.0)
    observed = np.bincount((trips.depart_s // 3600).astype(int), minlength=24)
    expected = np.roll(SHARES, shift) / SHARES.sum() * 20_000 * total
    # The counts are independent Poisson numbers, so this is chi-square with 24 degrees.
    statistic = ((observed - expected) ** 2 / expected).sum()
    assert stats.chi2.sf(statistic, 24) > 1e-3


def test_origins_destinations_and_links_follow_their_weights(city):
    trips = plan_of(city).between(0.0, 86_400.0)
    zone_links = city["zone_links"]
    zone_of_link = np.searchsorted([10, 11, 20, 21], zone_links["zone_id"].to_numpy())
    assert np.array_equal(zone_of_link[trips.destination], trips.area)
    pair = np.bincount(zone_of_link[trips.origin] * 4 + trips.area, minlength=16)
    assert stats.chisquare(pair).pvalue > 1e-3
    weight = zone_links["weight"].to_numpy(float)
    weight /= np.bincount(zone_of_link, weights=weight)[zone_of_link] * 4
    links = np.bincount(trips.origin, minlength=len(weight))
    assert stats.chisquare(links, weight * links.sum()).pvalue > 1e-3
    taxis = (trips.kind == VehicleKind.TAXI).mean()
    assert taxis == pytest.approx(TAXI_SHARE, abs=4 * np.sqrt(0.25 / len(trips)))
    length = city.network.link_length[trips.destination]
    assert ((trips.end_pos_m > 0) & (trips.end_pos_m < length)).all()


def test_trips_do_not_depend_on_how_time_is_cut(city):
    plan = plan_of(city)
    whole = plan.between(29_000.0, 30_000.0)
    parts = [plan.between(a, a + 125.0) for a in np.arange(29_000.0, 30_000.0, 125.0)]
    for name in ("number", "depart_s", "origin", "destination", "end_pos_m", "kind", "area"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(joined, getattr(whole, name))
    assert (np.diff(whole.depart_s) >= 0).all()


def test_a_smaller_scale_is_a_subset(city):
    numbers = [
        set(plan_of(city, scale).between(28_800.0, 32_400.0).number.tolist())
        for scale in (0.1, 0.11, 1.0, 1.5)
    ]
    for small, large in itertools.pairwise(numbers):
        assert small < large
    assert len(numbers[3]) == pytest.approx(1.5 * len(numbers[2]), rel=0.1)
    halved = plan_of(city).between(28_800.0, 32_400.0, factor=0.1)
    assert set(halved.number.tolist()) == numbers[0]


def test_no_trips_at_scale_zero(city):
    assert len(plan_of(city, 0.0).between(0.0, 3600.0)) == 0


def test_hours_before_and_after_the_day_are_other_days(city):
    plan = plan_of(city, day=date(2025, 3, 7))
    assert plan.per_hour(-1) == pytest.approx(20_000 * SHARES[23] / SHARES.sum())
    assert plan.per_hour(24 + 2) == pytest.approx(20_000 * 0.8 * SHARES[0] / SHARES.sum())
    assert len(plan.between(-600.0, 0.0)) > 0


def test_same_seed_same_trips_other_seed_others(city):
    first, again, other = (
        plan_of(city, seed=s).between(28_800.0, 30_000.0).depart_s for s in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_zone_without_links_is_named():
    city = grid_city()
    table = city["zone_links"]
    city.tables["zone_links"] = table[table["zone_id"] != 20]
    with pytest.raises(InputError, match="zone 20 has trips but no links"):
        plan_of(city)


def test_an_unknown_zone_and_hour_are_named():
    city = grid_city()
    city["od"].loc[3, "destination"] = 99
    with pytest.raises(InputError, match=r"od, row 5, field 'destination': there is no zone 99"):
        plan_of(city)
    city = grid_city()
    city["trip_profile"].loc[7, "hour"] = 24
    with pytest.raises(InputError, match=r"row 9, field 'hour'"):
        plan_of(city)


def trips(depart, routes, end=None) -> Trips:
    ptr = np.append(0, np.cumsum([len(r) for r in routes])).astype(np.int32)
    links = np.concatenate([np.asarray(r, np.int32) for r in routes])
    ends = np.zeros(len(depart)) if end is None else end
    return Trips(
        np.asarray(depart, float),
        np.zeros(len(depart), np.uint8),
        ptr,
        links,
        np.asarray(ends, np.float32),
    )


def test_trips_that_do_not_fit_together_are_refused(city):
    with pytest.raises(TwinError, match="trip 1 departs before trip 0"):
        trips([5.0, 4.0], [[0], [1]])
    with pytest.raises(TwinError, match="trip 1 has no route"):
        trips([4.0, 5.0], [[0], []])
    with pytest.raises(TwinError, match="no finite time"):
        trips([np.nan], [[0]])
    with pytest.raises(TwinError, match="differ in length"):
        Trips(np.zeros(2), np.zeros(1, np.uint8), np.zeros(3, np.int32), np.zeros(0, np.int32),
              np.zeros(2, np.float32))  # fmt: skip
    network = city.network
    good = int(network.turn_to[network.turn_ptr[5]])
    trips([0.0], [[5, good]]).check_on(network)
    outs = network.turn_to[network.turn_ptr[5] : network.turn_ptr[6]]
    bad = next(k for k in range(network.n_links) if k not in outs)
    with pytest.raises(TwinError, match=f"trip 0 holds no turn from 5 to {bad}"):
        trips([0.0], [[5, bad]]).check_on(network)
    with pytest.raises(TwinError, match="off its link"):
        trips([0.0], [[5]], [1e4]).check_on(network)
    assert len(Trips.empty()) == 0
