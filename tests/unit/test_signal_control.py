"""Actuated, coordinated and pressure-led signals, second by second."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import make_trips, random_trips
from tests.support.signals import (
    GREEN,
    MAIN,
    RED,
    SIDE,
    YELLOW,
    calm,
    check_lamps,
    crossing,
    first,
    watch,
)
from tests.support.traffic_checks import digest
from twin.core.errors import InputError
from twin.network.generate import grid
from twin.network.graph import Place
from twin.network.signals import ALL_RED_S
from twin.traffic.kernels.signals import holding
from twin.traffic.micro import MicroTraffic
from twin.traffic.signals import Timing

CHANGE_TICKS = 5  # 3 s of yellow, 2 s of all-red
TIMING = Timing(least_green_s=7.0, most_share=1.5, zone_m=30.0, extension_s=3.0)


def trips_on(main: list[float], side: list[float]):
    """Cars straight on, by the second at which they set out."""
    rows = sorted([(t, MAIN) for t in main] + [(t, SIDE) for t in side])
    return make_trips(
        [t for t, _ in rows], [[link, link + 1] for _, link in rows], [290.0] * len(rows)
    )


def actuated(main: list[float], side: list[float], mode: str = "actuated", plan=()):
    traffic = calm(crossing(*plan))
    traffic.control_signals(mode, timing=TIMING)
    traffic.add_trips(trips_on(main, side))
    return traffic


def test_held_groups_clear_as_long_as_plans_do():
    assert holding.ALL_RED_S == ALL_RED_S


def test_rests_in_green_and_answers_a_call_at_once():
    shown, there = watch(actuated([], [100.0]), 240)
    assert (shown[:100, 0] == GREEN).all()
    call = first(there[:, SIDE])
    assert (shown[: call + 1, 0] == GREEN).all()
    assert (shown[call + 1 : call + 4, 0] == YELLOW).all()
    green = first(shown[:, 1] == GREEN)
    assert green == call + 1 + CHANGE_TICKS
    # Nobody else comes: it rests where it is.
    assert (shown[green:, 1] == GREEN).all()


def test_green_ends_when_the_gap_is_as_long_as_the_extension():
    # A platoon on the main road, a car on the side road while it passes.
    shown, there = watch(actuated([60.0 + 2.0 * n for n in range(12)], [64.0]), 160)
    call = first(there[:, SIDE])
    last = int(np.flatnonzero(there[:, MAIN])[-1])
    assert last > call + 5
    assert first(shown[:, 0] == YELLOW) == last + 3 + 1


def test_green_ends_at_its_maximum_after_the_call_whoever_comes():
    shown, there = watch(actuated([2.0 * n for n in range(150)], [64.0]), 200)
    call = first(there[:, SIDE])
    assert there[call : call + 40, MAIN].all()
    # 1.5 x 25 s, rounded up to whole ticks.
    assert first(shown[:, 0] == YELLOW) == call + 38 + 1
    side = first(shown[:, 1] == GREEN)
    gone = first(shown[:, 1] != GREEN, side)
    # The one car has left long before the shortest green is over.
    assert gone == side + 7 + 1


def test_stages_without_demand_are_left_out_and_coordination_keeps_the_plan():
    side = [30.0 + 41.0 * n for n in range(14)]
    shown, _ = watch(actuated([], side, "coordinated"), 600)
    t = np.arange(600)
    planned = (t % 60 < 25) & (t >= 60)
    assert (shown[planned, 0] == GREEN).all()
    assert (shown[60:, 1] == GREEN).any()
    quiet, _ = watch(actuated([], [], "coordinated"), 300)
    assert (quiet[:, 0] == GREEN).all()


def test_a_stage_for_pedestrians_has_its_turn():
    traffic = actuated(
        [], [], plan=((0.0, 25.0), (30.0, 40.0))
    )  # 20 s of red for all, less 5 s of change
    shown, _ = watch(traffic, 300)
    dark = (shown == RED).all(axis=1)
    edges = np.flatnonzero(np.diff(dark.astype(int)))
    runs = np.diff(edges)[dark[edges[:-1] + 1]]
    assert len(runs) >= 5
    # Red since the end of yellow: 2 s of clearance, 15 s for pedestrians, and the tick to act.
    assert set(runs.tolist()) == {2 + 15 + 1}


def test_pressure_serves_the_longer_queue():
    traffic = calm(crossing())
    traffic.control_signals("max-pressure", timing=Timing(longest_red_s=1000.0))
    traffic.add_trips(trips_on([200.0], [2.0 * n for n in range(100)]))
    shown, _ = watch(traffic, 260)
    side = (shown[40:190, 1] == GREEN).mean()
    assert side > 0.9
    # Alone against a stream it waits, but not for ever.
    traffic = calm(crossing())
    traffic.control_signals("max-pressure", timing=Timing(longest_red_s=60.0))
    traffic.add_trips(trips_on([30.0], [2.0 * n for n in range(200)]))
    traffic.advance(240)
    assert MAIN not in traffic.vehicles.link.tolist()


@pytest.mark.parametrize("mode", ["actuated", "coordinated", "max-pressure"])
def test_threads_chunks_and_checkpoints_change_no_bit(mode: str):
    network = grid(3, 4, 150.0, 2, 13.9)
    trips = random_trips(network, 400, 120.0, 3)
    path = trips.route_link[trips.route_ptr[5] : trips.route_ptr[6]]

    def start(threads: int) -> MicroTraffic:
        traffic = MicroTraffic(network, seed=np.uint64(2), threads=threads)
        traffic.add_trips(trips)
        traffic.control_signals(mode)
        traffic.preempt_signals()
        traffic.insert_unit(0, Place(int(path[0]), 20.0), path, 149.0, speed_factor=1.3, siren=True)
        return traffic

    one, two = start(1), start(2)
    one.advance(180)
    two.advance(60)
    saved = two.checkpoint()
    three = MicroTraffic(network, seed=np.uint64(77))
    three.restore(saved)
    two.advance(120)
    three.advance(120)
    assert digest(one) == digest(two) == digest(three)
    assert (one.turn_counts == three.turn_counts).all()
    assert one.signal_counts.stages.tolist() == three.signal_counts.stages.tolist()
    assert one.counters.red_run == 0


def test_lamps_never_jump_whatever_is_switched():
    network = grid(3, 4, 150.0, 2, 13.9)
    groups = [np.flatnonzero(network.group_signal == s) for s in range(network.n_signals)]
    traffic = MicroTraffic(network, seed=np.uint64(2))
    trips = random_trips(network, 600, 400.0, 3)
    traffic.add_trips(trips)
    rng = np.random.default_rng(1)
    shown = []
    for step in range(30):
        some = np.flatnonzero(rng.random(network.n_signals) < 0.5)
        mode = ("fixed", "actuated", "coordinated", "max-pressure")[step % 4]
        traffic.control_signals(mode, some)
        if step % 5 == 1:
            traffic.preempt_signals(detection_m=250.0)
            path = trips.route_link[trips.route_ptr[step] : trips.route_ptr[step + 1]]
            place = Place(int(path[0]), 10.0)
            if not traffic.unit_running(step):
                traffic.insert_unit(step, place, path, 140.0, speed_factor=1.2, siren=True)
        if step % 7 == 3:
            signal = int(some[0])
            own = groups[signal]
            cycle = float(40 + step)
            half = cycle / 2
            traffic.set_plan(
                signal,
                cycle_s=cycle,
                offset_s=float(step),
                green_from=[0.0, half][: len(own)],
                green_to=[half - 5, cycle - 5][: len(own)],
            )
        shown.append(watch(traffic, 20)[0])
    check_lamps(np.concatenate(shown), groups)
    assert traffic.signal_counts.preemptions.sum() > 0
    assert traffic.counters.red_run == 0


def test_plans_rule_again_when_asked():
    traffic = actuated([2.0 * n for n in range(60)], [3.0 * n for n in range(40)])
    traffic.advance(100)
    traffic.control_signals("fixed")
    traffic.advance(80)
    shown, _ = watch(traffic, 120)
    t = 180 + np.arange(120)
    assert ((shown[:, 0] == GREEN) == (t % 60 < 25)).all()
    assert ((shown[:, 1] == GREEN) == ((t % 60 >= 30) & (t % 60 < 55))).all()


def test_a_hook_takes_a_signal_from_its_controller():
    traffic = actuated([2.0 * n for n in range(60)], [3.0 * n for n in range(40)])
    traffic.advance(60)

    def hold(view) -> None:
        view.show(0, [1])

    end = traffic.every(1, hold)
    shown, _ = watch(traffic, 60)
    assert (shown[12:, 1] == GREEN).all()
    end()


def test_what_cannot_be_is_refused():
    traffic = calm(crossing())
    with pytest.raises(InputError, match="no signals are run"):
        traffic.control_signals("actuatd")
    with pytest.raises(InputError, match="signals 0 to 0"):
        traffic.control_signals("actuated", [3])
    with pytest.raises(InputError, match="not in 0"):
        traffic.preempt_signals(detection_m=-1.0)
    with pytest.raises(InputError, match="3600"):
        traffic.preempt_signals(longest_s=float("nan"))
    with pytest.raises(InputError, match="within the cycle"):
        traffic.set_plan(0, cycle_s=40, offset_s=0, green_from=[0, 45], green_to=[20, 50])
    with pytest.raises(InputError, match="no longer than it"):
        traffic.set_plan(0, cycle_s=40, offset_s=0, green_from=[0, 30], green_to=[20, 71])
    with pytest.raises(InputError, match="positive"):
        Timing(zone_m=-3.0)
