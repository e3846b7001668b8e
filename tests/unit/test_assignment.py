from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import simpy

from tests.support.cities import grid_city
from twin.core.errors import InputError, NotFoundError
from twin.core.random import Streams
from twin.network.generate import grid
from twin.scenarios.spec import Scenario
from twin.traffic.assignment import LinkTimes, Ways, logit_equilibrium, user_equilibrium
from twin.traffic.assignment_files import load_assignment, save_assignment
from twin.traffic.assignment_runs import assign
from twin.traffic.micro_mobility import MicroMobility
from twin.traffic.router import Router
from twin.traffic.rows import replaced, rows_of, rows_with
from twin.traffic.timed_router import TimedRouter

EIGHT = 8 * 3600.0


def scenario(**fields) -> Scenario:
    period = {"start": "08:00", "end": "08:20", "warm_up_min": 5.0}
    return Scenario(**{"name": "t", "city": "grid", "period": period, **fields})


@pytest.fixture(scope="module")
def city():
    return grid_city(5, 5, trips_per_day=40_000.0)


@pytest.fixture(scope="module")
def found(city):
    return assign(city, scenario(), iterations=4, gap=0.0, span_s=300.0)


def test_the_gap_falls_and_every_route_is_one(city, found):
    gaps = [iteration.gap for iteration in found.iterations]
    assert len(gaps) == 4
    assert gaps[-1] < 0.6 * gaps[0]
    assert found.iterations[0].changed > found.iterations[2].changed > 0
    assert found.iterations[3].changed == 0
    assert found.seconds.shape == (5, city.network.n_links)
    network = city.network
    first = found.route_ptr[1:-1]
    joins = np.ones(len(found.route_link) - 1, np.bool_)
    joins[first - 1] = False
    pair = found.route_link[:-1].astype(np.int64) * network.n_links + found.route_link[1:]
    turns = network.turn_from.astype(np.int64) * network.n_links + network.turn_to
    assert np.isin(pair[joins], turns).all()


def test_iterations_end_at_the_gap_asked_for(city):
    enough = assign(city, scenario(), iterations=9, gap=0.5, span_s=300.0)
    assert len(enough.iterations) == 1
    assert enough.iterations[0].changed == 0


@pytest.mark.parametrize(
    ("fields", "how", "field"),
    [
        ({"traffic": {"fidelity": "table"}}, {}, "traffic.fidelity"),
        ({"traffic": {"demand_scale": 0.0}}, {}, "period"),
        ({}, {"iterations": 0}, "iterations"),
        ({}, {"gap": float("nan")}, "gap"),
        ({}, {"gap": -1.0}, "gap"),
        ({}, {"spread": 0.3}, "spread"),
        ({}, {"span_s": 1.0}, "slice"),
    ],
)
def test_what_cannot_be_assigned_is_refused(city, fields, how, field):
    with pytest.raises(InputError) as error:
        assign(city, scenario(**fields), **how)
    assert error.value.field == field


def test_a_folder_gives_back_what_was_stored(city, found, tmp_path):
    folder = save_assignment(found, tmp_path / "learned", city.network, "grid")
    again = load_assignment(folder, city.network)
    for name in ("trips", "route_ptr", "route_link", "seconds"):
        assert np.array_equal(getattr(again, name), getattr(found, name))
    assert again.iterations == found.iterations
    assert (again.seed, again.spread, again.day) == (found.seed, found.spread, found.day)
    assert save_assignment(found, folder, city.network, "grid") == folder
    assert sorted(p.name for p in tmp_path.iterdir()) == ["learned"]


def test_damaged_or_foreign_folders_are_refused_by_name(city, found, tmp_path):
    with pytest.raises(NotFoundError, match="no folder of an assignment"):
        load_assignment(tmp_path / "nowhere", city.network)
    folder = save_assignment(found, tmp_path / "learned", city.network, "grid")
    with pytest.raises(InputError, match="other roads"):
        load_assignment(folder, grid(4, 4, 200.0))
    head = (folder / "assignment.json").read_text()
    for wrong, field in (
        ("{", None),
        ("[]", "schema_version"),
        (json.dumps({**json.loads(head), "seed": "x"}), "seed"),
        (json.dumps({**json.loads(head), "slice_s": -5.0}), "slice_s"),
        (json.dumps({**json.loads(head), "spread": 7.0}), "spread"),
        (json.dumps({**json.loads(head), "slices": 6}), None),
        (json.dumps({**json.loads(head), "iterations": [1]}), "iterations"),
    ):
        (folder / "assignment.json").write_text(wrong)
        with pytest.raises(InputError) as error:
            load_assignment(folder, city.network)
        assert error.value.field == field
    (folder / "assignment.json").write_text(head)
    routes = pq.read_table(folder / "routes.parquet")
    beyond = pa.array([[99_999]] * len(routes), pa.list_(pa.int32()))
    for wrong in (
        routes.slice(1, 1).append_column("x", [[1]]).drop_columns(["links"]),
        routes.set_column(1, "links", beyond),
        pa.concat_tables([routes, routes]),
        routes.set_column(0, "trip", pa.array([None] * len(routes), pa.int64())),
    ):
        pq.write_table(wrong, folder / "routes.parquet")
        with pytest.raises(InputError, match=r"routes\.parquet"):
            load_assignment(folder, city.network)
    (folder / "routes.parquet").write_bytes(b"rubbish")
    with pytest.raises(InputError, match="missing or damaged"):
        load_assignment(folder, city.network)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("")
    with pytest.raises(InputError, match=r"mine\.txt"):
        save_assignment(found, tmp_path / "other", city.network, "grid")


def test_trips_begin_with_the_routes_that_they_learned(city, found, tmp_path):
    folder = save_assignment(found, tmp_path / "learned", city.network, "grid")

    def planned(seed: int) -> tuple[MicroMobility, list[np.ndarray]]:
        wanted = scenario(
            seed=seed,
            traffic={"routes": str(folder), "reroute_share": 0.0},
            record={"routes": True},
        )
        start = EIGHT - 300.0
        mobility = MicroMobility(simpy.Environment(start), city, wanted, Streams(seed))
        mobility.move(EIGHT + 300.0)
        done = mobility.traffic.finished()
        return mobility, mobility.book.take(done).planned

    mobility, own = planned(1)
    assert len(own) > 200
    kept = {
        tuple(found.route_link[a:b].tolist())
        for a, b in zip(found.route_ptr[:-1], found.route_ptr[1:], strict=True)
    }
    assert all(tuple(route.tolist()) in kept for route in own)
    assert mobility.trips_without_route == 0
    _, others = planned(2)
    assert len(others) > 200
    # Other trips, at the same link times: each on a way that its driver takes for the fastest.
    router = Router(city.network)
    router.set_costs(found.seconds.mean(axis=0))
    ptr = np.concatenate([[0], np.cumsum([len(route) for route in others])]).astype(np.int32)
    links = np.concatenate(others)
    least = router.times_of(*router.routes(links[ptr[:-1]], links[ptr[1:] - 1]))
    assert router.times_of(ptr, links).sum() < 1.1 * least.sum()


def test_a_search_in_time_finds_what_a_still_one_does_when_times_stand_still(city):
    network = city.network
    rng = np.random.default_rng(3)
    origin, goal = rng.integers(network.n_links, size=(2, 60)).astype(np.int32)
    number, depart = np.arange(60), rng.uniform(0.0, 3000.0, 60)
    times = network.free_flow_s * rng.uniform(1.0, 3.0, network.n_links).astype(np.float32)
    still = Router(network)
    still.set_costs(times)
    timed = TimedRouter(
        network, np.repeat(times[None], 4, axis=0), 0.0, 900.0, key=np.uint64(1), threads=2
    )
    a = timed.costs(number, depart, *timed.routes(number, origin, goal, depart))[1]
    b = timed.costs(number, depart, *still.routes(origin, goal))[1]
    assert a == pytest.approx(b, rel=1e-5)


def test_who_will_meet_a_queue_leaves_it_aside(city):
    # Each link takes ten times longer in the second half of the hour; then nobody hurries.
    network = city.network
    times = np.stack([network.free_flow_s, 10.0 * network.free_flow_s]).astype(np.float32)
    timed = TimedRouter(network, times, 0.0, 1800.0, key=np.uint64(1))
    number = np.zeros(1, np.int64)
    route = timed.routes(number, np.array([0], np.int32), np.array([9], np.int32), np.zeros(1))
    early, late = (timed.costs(number, np.array([t]), *route)[0][0] for t in (0.0, 3599.0))
    turns = Router(network).turns_of(route[1]).sum()
    assert late - turns == pytest.approx(10.0 * (early - turns), rel=1e-4)
    middle = timed.costs(number, np.array([1800.0]), *route)[0][0]
    assert early < middle < late


def test_perception_is_a_drivers_own_and_right_on_average(city):
    network = city.network
    times = network.free_flow_s[None]
    timed = TimedRouter(network, times, 0.0, 900.0, key=np.uint64(1), spread=0.2)
    n = 4000
    ptr, links = np.arange(n + 1, dtype=np.int32), np.zeros(n, np.int32)
    seconds, perceived = timed.costs(np.arange(n), np.zeros(n), ptr, links)
    factor = perceived / seconds
    assert factor.mean() == pytest.approx(1.0, abs=0.01)
    assert factor.std() == pytest.approx(0.2, rel=0.05)
    assert 1.0 - 0.7 < factor.min() < factor.max() < 1.0 + 0.7
    again = timed.costs(np.arange(n), np.zeros(n), ptr, links)[1]
    assert np.array_equal(perceived, again)


def test_rows_are_picked_and_replaced():
    ptr, links = np.array([0, 2, 2, 5], np.int32), np.array([1, 2, 3, 4, 5], np.int32)
    picked = rows_of(ptr, links, np.array([2, 0]))
    assert [part.tolist() for part in picked] == [[0, 3, 5], [3, 4, 5, 1, 2]]
    new = replaced(ptr, links, np.array([1]), np.array([0, 1], np.int32), np.array([9], np.int32))
    assert [part.tolist() for part in new] == [[0, 2, 3, 6], [1, 2, 9, 3, 4, 5]]
    assert rows_with(np.array([5, 3, 9]), np.array([9, 4, 5])).tolist() == [2, -1, 0]
    assert rows_with(np.empty(0, np.int64), np.array([1])).tolist() == [-1]


def test_streets_are_assigned_over_their_turns():
    network = grid(4, 4, 200.0)
    zone = np.array([0, 1])
    ways = Ways.on_streets(network, zone, np.array([0, network.n_links - 1]), 2)
    times = LinkTimes.bpr(network.free_flow_s, network.link_capacity, 0.15, 4.0)
    demand = np.array([[0.0, 3000.0], [0.0, 0.0]])
    found = user_equilibrium(ways, times, demand, gap=1e-3)
    assert found.gap <= 1e-3
    assert found.flow[[0, -1]] == pytest.approx(3000.0)
    assert (found.flow > 1.0).sum() > len(Router(network).route(0, network.n_links - 1))


@pytest.mark.parametrize(
    ("demand", "said"),
    [
        (np.zeros((3, 3)), "not that of 2 zones"),
        (np.array([[0.0, -1.0], [0.0, 0.0]]), "negative"),
        (np.array([[0.0, np.nan], [0.0, 0.0]]), "not finite"),
    ],
)
def test_a_demand_that_is_none_is_refused(demand, said):
    ways = Ways.between_nodes([0, 1], [1, 0], 2)
    with pytest.raises(InputError, match=said):
        user_equilibrium(ways, LinkTimes.of([1.0, 1.0], 0.0, 1.0), demand)


def test_what_does_not_fit_a_static_network_is_refused():
    ways = Ways.between_nodes([0, 1], [1, 0], 2)
    demand = np.array([[0.0, 1.0], [0.0, 0.0]])
    with pytest.raises(InputError, match="3 times are not those of 2 links"):
        user_equilibrium(ways, LinkTimes.of([1.0] * 3, 0.0, 1.0), demand)
    with pytest.raises(InputError, match="theta"):
        logit_equilibrium(ways, LinkTimes.of([1.0] * 2, 0.0, 1.0), demand, 0.0)
