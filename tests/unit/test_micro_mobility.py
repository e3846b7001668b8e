from __future__ import annotations

import numpy as np
import pytest
import simpy

from tests.support.cities import grid_city
from tests.support.traffic_checks import driven
from twin.core.random import Streams
from twin.network.generate import grid
from twin.network.graph import Place
from twin.network.sides import across
from twin.scenarios.spec import Scenario
from twin.traffic.micro_mobility import MicroMobility
from twin.traffic.mobility import UnreachableError
from twin.traffic.obstacles import CLEAR_M

EIGHT = 8 * 3600.0


class Run:
    """A mobility with its clock, stepped as the model does."""

    def __init__(self, city, *, seed: int = 1, warm_up_min: float = 0.0, **traffic) -> None:
        scenario = Scenario(
            name="t",
            city="grid",
            period={"start": "08:00", "end": "10:00", "warm_up_min": warm_up_min},
            traffic=traffic,
        )
        self.env = simpy.Environment(initial_time=EIGHT - 60.0 * warm_up_min)
        self.mobility = MicroMobility(self.env, city, scenario, Streams(seed))

    def until(self, t: float) -> None:
        while self.env.now < t:
            self.env.run(until=self.env.now + 1.0)
            self.mobility.move(self.env.now)
            self.mobility.arrive()

    def until_done(self, event: simpy.Event, limit: float = 900.0) -> float:
        end = self.env.now + limit
        while not event.triggered:
            assert self.env.now < end
            self.until(self.env.now + 1.0)
        return event.value

    def columns(self) -> tuple[np.ndarray, ...]:
        seen = self.mobility.traffic.vehicles
        return seen.id, seen.link, seen.pos_m, seen.speed_mps


@pytest.fixture(scope="module")
def empty():
    return grid_city(5, 5, trips_per_day=1e-6)


@pytest.fixture(scope="module")
def busy():
    return grid_city(5, 5, trips_per_day=40_000.0)


def test_trips_enter_as_planned_and_all_are_accounted_for(busy):
    run = Run(busy)
    run.until(EIGHT + 600.0)
    count = run.mobility.traffic.counters
    planned = run.mobility._feeder._plan.between(EIGHT, EIGHT + 600.0)
    assert run.mobility.trips_without_route == 0
    assert count.inserted + count.waiting_to_insert == len(planned)
    assert count.inserted == count.finished + count.running + count.removed
    assert count.finished > 0.5 * len(planned)
    assert count.removed == 0


def test_one_long_move_is_many_short_ones(busy):
    short, long = Run(busy), Run(busy)
    short.until(EIGHT + 420.0)
    long.mobility.move(EIGHT + 420.0)
    for a, b in zip(short.columns(), long.columns(), strict=True):
        assert np.array_equal(a, b)


def test_the_same_seed_gives_the_same_bits_another_does_not(busy):
    first, again, other, threads = (
        Run(busy, seed=seed, reroute_every_s=60.0, threads=n)
        for seed, n in ((1, 1), (1, 1), (2, 1), (1, 2))
    )
    for run in (first, again, other, threads):
        run.until(EIGHT + 200.0)
    for a, b, c in zip(first.columns(), again.columns(), threads.columns(), strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a, c)
    assert not np.array_equal(first.columns()[2], other.columns()[2])


def test_a_run_that_begins_at_eight_has_traffic_at_eight(busy):
    run = Run(busy, warm_up_min=5.0)
    run.until(EIGHT)
    assert run.mobility.traffic.t == EIGHT
    assert run.mobility.traffic.counters.running > 50


def test_a_unit_arrives_within_the_free_flow_prediction_on_an_empty_road(empty):
    run = Run(empty)
    mobility = run.mobility
    unit = mobility.add_unit("A1", "ambulance", Place(0, 20.0))
    goal = Place(empty.network.n_links - 1, 150.0)
    (eta,) = mobility.etas([unit], goal, siren=True)
    assert mobility.etas([unit], goal, siren=False)[0] > eta
    start = run.env.now
    took = run.until_done(mobility.drive(unit, goal, siren=True)) - start
    assert took == pytest.approx(eta, rel=0.25)
    assert mobility.place_of(unit) == goal
    at_once = mobility.drive(unit, Place(goal.link, goal.pos_m - 5.0), siren=True)
    assert at_once.value == run.env.now
    assert mobility.place_of(unit) == goal


def test_redirected_in_mid_drive_it_never_jumps(busy):
    run = Run(busy)
    mobility, network = run.mobility, busy.network
    unit = mobility.add_unit("A1", "ambulance", Place(0, 20.0))
    rng = np.random.default_rng(7)
    before = mobility.place_of(unit)
    earlier = []
    for step in range(240):
        if step % 40 == 0:
            goal = Place(int(rng.integers(network.n_links)), 100.0)
            earlier.append(mobility.drive(unit, goal, siren=step % 80 == 0))
            assert mobility.place_of(unit) == before
        moved = mobility.moving(unit)
        run.until(run.env.now + 1.0)
        place = mobility.place_of(unit)
        metres = driven(network, before, place, (moved, mobility.moving(unit)))
        assert -0.01 <= metres <= 13.89 * 1.3 * 1.2 + 0.5
        before = place
    assert sum(event.triggered for event in earlier) <= 6
    stopped = mobility.stop(unit)
    run.until(run.env.now + 20.0)
    assert mobility.place_of(unit) == stopped


def test_units_avoid_a_road_that_closes_and_fail_when_none_is_left(empty):
    run = Run(empty)
    mobility, network = run.mobility, empty.network
    unit = mobility.add_unit("A1", "ambulance", Place(30, 20.0))
    goal = Place(network.n_links - 1, 100.0)
    event = mobility.drive(unit, goal, siren=False)
    run.until(EIGHT + 1.0)
    (next_link,) = mobility._units._drives[unit].links[1:2].tolist()
    mobility.close_links([next_link], None)
    seen = set()
    while not event.triggered:
        run.until(run.env.now + 1.0)
        seen.add(mobility.place_of(unit).link)
    assert next_link not in seen
    back = mobility.drive(unit, Place(0, 100.0), siren=False)
    run.until(run.env.now + 5.0)
    other = int(across(network)[0])
    mobility.close_links([0, other], None)
    with pytest.raises(UnreachableError, match="to link 0"):
        run.until(run.env.now + 2.0)
    assert back.triggered
    assert np.isinf(mobility.etas([unit], Place(0, 100.0), siren=True)[0])
    mobility.open_links([0, other, next_link])
    assert np.isfinite(mobility.etas([unit], Place(0, 100.0), siren=True)[0])


def test_nobody_enters_a_closed_road_and_the_traffic_goes_on(busy):
    run = Run(busy, reroute_share=0.0)
    run.until(EIGHT + 200.0)
    mobility, network = run.mobility, busy.network
    busiest = int(np.bincount(mobility.traffic.vehicles.link).argmax())
    mobility.close_links([busiest], None)
    run.until(EIGHT + 290.0)
    assert len(mobility.traffic.vehicles_with(busiest)) == 0
    left = mobility.traffic.link_stats(reset=True).left
    run.until(EIGHT + 500.0)
    left = mobility.traffic.link_stats(reset=True).left
    assert left[busiest] == 0
    assert left.sum() > 100
    mobility.open_links([busiest])
    run.until(EIGHT + 800.0)
    assert mobility.traffic.link_stats(reset=True).left[busiest] > 0
    assert network.n_links > busiest


def test_demand_follows_its_factor_from_the_moment_it_changes(busy):
    plain, scaled, never = Run(busy), Run(busy), Run(busy)
    for run in (plain, scaled, never):
        run.until(EIGHT + 100.0)
    scaled.mobility.scale_demand(2.0)
    never.mobility.scale_demand(0.0)
    entered = []
    for run in (plain, scaled, never):
        run.until(EIGHT + 110.0)
        before = run.mobility.traffic.counters
        run.until(EIGHT + 500.0)
        after = run.mobility.traffic.counters
        entered.append(
            after.inserted + after.waiting_to_insert - before.inserted - before.waiting_to_insert
        )
    assert entered[2] == 0
    plan = plain.mobility._feeder._plan
    assert entered[0] == len(plan.between(EIGHT + 110.0, EIGHT + 500.0))
    assert entered[1] == len(plan.between(EIGHT + 110.0, EIGHT + 500.0, factor=2.0))


def test_informed_drivers_leave_a_blocked_road(busy):
    stay, leave = (Run(busy, reroute_share=s, reroute_every_s=60.0) for s in (0.0, 1.0))
    through = []
    for run in (stay, leave):
        run.until(EIGHT + 60.0)
        traffic = run.mobility.traffic
        users = [len(traffic.vehicles_with(k)) for k in range(busy.network.n_links)]
        link = int(np.argmax(users))
        run.mobility.block(Place(link, 150.0), 2)
        bound = 0
        for t in range(130, 300, 10):
            run.until(EIGHT + t)
            bound += len(traffic.vehicles_with(link))
        through.append(bound)
    assert through[1] < 0.7 * through[0]


def test_a_road_blocked_whole_lets_traffic_past_by_turns():
    roads = grid(2, 2, 300.0, 1, 10.0, signals=False)
    run = Run(grid_city(network=roads, trips_per_day=1e-6))
    mobility = run.mobility
    token = mobility.block(Place(0, 150.0), 1)
    unit = mobility.add_unit("A1", "ambulance", Place(0, 10.0))
    arrival = run.until_done(mobility.drive(unit, Place(0, 152.0), siren=True))
    assert mobility.place_of(unit).pos_m == pytest.approx(150.0 - CLEAR_M)
    assert arrival < EIGHT + 45.0
    beyond = mobility.drive(unit, Place(0, 250.0), siren=True)
    run.until(EIGHT + 44.0)
    assert mobility.place_of(unit).pos_m < 150.0
    assert 45.0 < run.until_done(beyond) - EIGHT < 75.0
    mobility.unblock(token)
    mobility.remove_unit(unit)
    again = mobility.add_unit("A2", "ambulance", Place(0, 10.0))
    assert again == 1
    start = run.env.now
    assert run.until_done(mobility.drive(again, Place(0, 250.0), siren=True)) - start < 35.0
