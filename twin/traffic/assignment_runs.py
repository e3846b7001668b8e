"""Dynamic equilibrium: the same period is run again and again until drivers keep their routes.

In every iteration the traffic runs with the routes of all trips fixed, and gives the time of every
link in every slice. Then a share of the trips, drawn at random, takes the way that each of these
drivers perceives as fastest at those times, when they get there. The share falls as 1 / (k + 1),
the method of successive averages (Sheffi 1985, "Urban Transportation Networks", section 12.3);
errors of perception that stay with a driver make its fixed point a stochastic user equilibrium
(Daganzo and Sheffi 1977), without them it is Wardrop's.

The relative gap is that of `twin.traffic.assignment`, trip by trip: the time that drivers perceive
on their routes over that on their fastest ones, less one. It is measured on the trips that were
drawn, which are a random sample. Link times are those of traffic whose every vehicle counts, so the
gap ends at a noise that more iterations do not take away.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from twin.city.model import City
from twin.core.clock import HOUR_S
from twin.core.errors import InputError
from twin.core.random import Streams
from twin.demand.trips import CELL_S, TripPlan, Trips, Wishes
from twin.network.graph import F32, F64, I32, I64
from twin.scenarios.roads import Standing
from twin.scenarios.spec import Scenario
from twin.traffic.assignment_files import Assignment, Iteration
from twin.traffic.costs import RoadCosts
from twin.traffic.figures import Finished
from twin.traffic.interface import Traffic
from twin.traffic.loading import Loading, area_of_links
from twin.traffic.meso_mobility import MesoMobility
from twin.traffic.micro_mobility import MicroMobility
from twin.traffic.rows import replaced, rows_of
from twin.traffic.timed_router import MOST_SPREAD, TimedRouter
from twin.traffic.types import shares_of

LEAST_SAMPLE = 2000
"""The gap is measured on at least so many trips, if there are so many."""
LONGEST_S = HOUR_S
"""A link on which nobody moves counts as taking so long."""


def assign(
    city: City,
    scenario: Scenario,
    *,
    iterations: int = 20,
    gap: float = 0.02,
    spread: float = 0.1,
    span_s: float = 900.0,
    replication: int = 0,
    progress: Callable[[Iteration], None] | None = None,
) -> Assignment:
    """Iterate a scenario's traffic towards equilibrium; see the module.

    Drivers know the changes that hold throughout the scenario and none of the others.

    Parameters
    ----------
    city, scenario
        What is run; the period is that of the scenario with its warm-up.
    iterations, gap
        The iterations end at this relative gap, or after so many.
    spread
        Standard deviation of the errors of perception, as a share of a link's time; 0 for none.
    span_s
        Length of a slice, seconds.
    replication
        Draws the trips.
    progress
        Called after every iteration.

    Raises
    ------
    InputError
        If a number is out of range, or the scenario has no traffic or no trips.
    """
    _check(scenario, iterations, gap, spread, span_s)
    streams = Streams(scenario.seed, replication)
    period, settings = scenario.period, scenario.traffic
    known = Standing.of(scenario, city.network)
    plan = TripPlan(city, streams, period.day, settings.demand_scale, shares_of(settings))
    wishes = plan.between(period.begin_s, period.end_s, factor=known.demand)
    if not len(wishes):
        raise InputError("there are no trips to assign in this period", field="period")
    costs = RoadCosts(
        city.network,
        speed_factor=settings.speed_factor,
        threads=settings.threads,
        streams=streams,
    )
    for link, lanes in known.closed.items():
        costs.close([link], lanes)
    costs.set_conditions(known.conditions)
    costs.set_times(costs.undisturbed_s)
    costs.set_tolls(known.tolls)
    costs.ban_turns(known.banned)
    ptr, links = first_routes(city, costs, wishes, period.begin_s, period.end_s)
    spans = int(np.ceil((period.end_s - period.begin_s) / span_s - 1e-9))
    history: list[Iteration] = []
    while True:
        start = perf_counter()
        traffic = new_traffic(city, scenario, streams, known)
        seconds, done = run_trips(
            traffic, wishes, ptr, links, spans, span_s, period.end_s, costs.undisturbed_s
        )
        router = TimedRouter(
            city.network,
            seconds,
            period.begin_s,
            span_s,
            key=streams.kernel_key("perception"),
            spread=spread,
            graph=costs.ordinary.graph,
            threads=settings.threads,
        )
        router.set_extra(costs.ordinary.extra)
        number = len(history) + 1
        drawn = streams.stream("rechoice", number).random(len(wishes))
        share = 1.0 / (number + 1)
        sample = np.flatnonzero(drawn < max(share, LEAST_SAMPLE / len(wishes)))
        sample = sample[ptr[sample + 1] > ptr[sample]]
        new_ptr, new_links, now, best = _choices(router, wishes, ptr, links, sample)
        total = float(best.sum())
        measured = float(now.sum()) / total - 1.0 if total > 0 else 0.0
        last = measured <= gap or number >= iterations
        moves = np.flatnonzero((drawn[sample] < share) & (now > best) & (not last))
        if len(moves):
            ptr, links = replaced(ptr, links, sample[moves], *rows_of(new_ptr, new_links, moves))
        counters = traffic.counters
        history.append(
            Iteration(
                number,
                measured,
                len(moves),
                _mean_s(wishes.depart_s[np.diff(ptr) > 0], done, period.end_s),
                int(counters.finished),
                int(counters.running),
                int(counters.waiting_to_insert),
                int(counters.removed),
                int(np.count_nonzero(np.diff(ptr) == 0)),
                perf_counter() - start,
            )
        )
        if progress is not None:
            progress(history[-1])
        if last:
            break
    order = np.argsort(wishes.number, kind="stable")
    ptr, links = rows_of(ptr, links, order)
    return Assignment(
        wishes.number[order],
        ptr,
        links,
        seconds,
        period.begin_s,
        span_s,
        spread,
        scenario.seed,
        replication,
        period.day.isoformat(),
        tuple(history),
    )


def _check(scenario: Scenario, iterations: int, gap: float, spread: float, span_s: float) -> None:
    if scenario.traffic.fidelity == "table":
        raise InputError(
            "by table no traffic moves, so there is nothing to assign",
            field="traffic.fidelity",
            hint="`--set traffic.fidelity=micro`",
        )
    if iterations < 1:
        raise InputError(f"{iterations} iterations are none", field="iterations")
    if not 0.0 <= gap < np.inf:
        raise InputError(f"a relative gap of {gap} is not a number from 0 up", field="gap")
    if not 0.0 <= spread <= MOST_SPREAD:
        raise InputError(f"a spread of {spread} is not in 0..{MOST_SPREAD}", field="spread")
    if not 60.0 <= span_s <= 2 * HOUR_S:
        raise InputError(f"a slice of {span_s} s is not in 60..7200 s", field="slice")


def new_traffic(city: City, scenario: Scenario, streams: Streams, known: Standing) -> Traffic:
    """Return empty traffic at the scenario's beginning, with the changes that always hold."""
    kind = MesoMobility if scenario.traffic.fidelity == "meso" else MicroMobility
    traffic = kind.empty_streets(city, scenario, streams)
    for link, lanes in known.closed.items():
        traffic.close_lanes(link, lanes)
    traffic.ban_turns(known.banned)
    traffic.set_conditions(known.conditions)
    return traffic


def first_routes(
    city: City, costs: RoadCosts, wishes: Wishes, begin_s: float, end_s: float
) -> tuple[I32, I32]:
    """Return routes that take account of each other by delay curves (`Loading`)."""
    loading = Loading(costs.ordinary, costs.undisturbed_s)
    area = area_of_links(city)
    parts = []
    for cell in range(int(begin_s // CELL_S), int(np.ceil(end_s / CELL_S))):
        a, b = np.searchsorted(wishes.depart_s, [cell * CELL_S, (cell + 1) * CELL_S])
        goal = wishes.destination[a:b]
        parts.append(
            loading.routes(wishes.origin[a:b], goal, area[goal], int(b - a), CELL_S, turn=cell)
        )
    length = np.concatenate([np.diff(ptr) for ptr, _ in parts])
    ptr = np.zeros(len(length) + 1, np.int32)
    np.cumsum(length, out=ptr[1:])
    return ptr, np.concatenate([links for _, links in parts])


def run_trips(
    traffic: Traffic,
    wishes: Wishes,
    ptr: I32,
    links: I32,
    spans: int,
    span_s: float,
    end_s: float,
    undisturbed_s: F32,
) -> tuple[F32, Finished]:
    """Run trips on their routes to the end; return (S, L) link times and the finished trips.

    A link's time in a slice is that of its mean speed in space (Edie 1963: seconds spent over
    metres driven), with one undisturbed vehicle added, so that an empty link has a time as well.
    """
    begin = traffic.t
    length = traffic.network.link_length.astype(np.float64)
    has_way = np.flatnonzero(np.diff(ptr) > 0)
    seconds = np.empty((spans, len(length)), np.float32)
    finished = []
    for number in range(spans):
        until = min(begin + (number + 1) * span_s, end_s)
        a, b = np.searchsorted(wishes.depart_s[has_way], [traffic.t, until])
        rows = has_way[a:b] if number else has_way[:b]
        part_ptr, part_links = rows_of(ptr, links, rows)
        traffic.add_trips(
            Trips(
                wishes.depart_s[rows],
                wishes.kind[rows],
                part_ptr,
                part_links,
                wishes.end_pos_m[rows],
                wishes.number[rows],
            )
        )
        traffic.advance(round((until - traffic.t) / traffic.dt_s))
        stats = traffic.link_stats(reset=True)
        times = (stats.vehicle_seconds + undisturbed_s) / (stats.metres / length + 1.0)
        seconds[number] = np.minimum(times, LONGEST_S)
        finished.append(traffic.finished())
    columns = (np.concatenate(column) for column in zip(*finished, strict=True))
    return seconds, Finished(*columns)


def _mean_s(depart_s: F64, done: Finished, end_s: float) -> float:
    """Return the mean time in the traffic of trips that depart at `depart_s`."""
    arrived = float((done.t_arrive - end_s)[done.reached].sum())
    return (arrived + float((end_s - depart_s).sum())) / max(len(depart_s), 1)


def _choices(
    router: TimedRouter, wishes: Wishes, ptr: I32, links: I32, sample: I64
) -> tuple[I32, I32, F64, F64]:
    """Return the fastest routes of a sample as rows, and what both cost their drivers."""
    number, depart = wishes.number[sample], wishes.depart_s[sample]
    new_ptr, new_links = router.routes(
        number, wishes.origin[sample], wishes.destination[sample], depart
    )
    _, now = router.costs(number, depart, *rows_of(ptr, links, sample))
    _, best = router.costs(number, depart, new_ptr, new_links)
    # The clock of a search follows the way that is best so far, so it may miss the best by a hair.
    return new_ptr, new_links, now, np.minimum(now, best)
