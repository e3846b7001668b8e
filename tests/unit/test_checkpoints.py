"""What a checkpoint holds beside the vehicles: closures of its tick, the timing of signals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.roads import random_trips
from tests.support.traffic_checks import digest
from twin.core.errors import InputError
from twin.network.generate import grid
from twin.network.graph import Network, Place, TurnKind
from twin.traffic.meso import MesoTraffic
from twin.traffic.micro import MicroTraffic
from twin.traffic.signals import Timing

NETWORK = grid(3, 4, 150.0, 2, 13.9)
NEXT = int(NETWORK.turn_to[NETWORK.turn_ptr[5]])
TRIPS = random_trips(NETWORK, 400, 120.0, 3)

Traffic = MicroTraffic | MesoTraffic


def micro() -> MicroTraffic:
    return MicroTraffic(NETWORK, seed=np.uint64(2))


def meso() -> MesoTraffic:
    return MesoTraffic(NETWORK)


def restored(traffic: Traffic, into: Traffic) -> Traffic:
    into.restore(traffic.checkpoint())
    return into


@pytest.mark.parametrize("new", [micro, meso])
def test_streets_closed_before_and_after_a_checkpoint_are_one_closure(
    new: Callable[[], Traffic],
) -> None:
    traffic = new()
    traffic.advance(60)
    traffic.close_lanes(5)
    other = restored(traffic, new())
    way = np.array([5, NEXT], np.int32)
    for one in (traffic, other):
        one.close_lanes(NEXT)
        assert one.leads_out(way)


@pytest.mark.parametrize("new", [micro, meso])
def test_closures_of_used_traffic_end_with_a_restore(new: Callable[[], Traffic]) -> None:
    traffic, used = new(), new()
    traffic.advance(30)
    traffic.close_lanes(5)
    traffic.advance(30)
    used.advance(60)
    used.close_lanes(9)
    restored(traffic, used)
    for one in (traffic, used):
        one.close_lanes(NEXT)
        assert not one.leads_out(np.array([5, NEXT], np.int32))


def test_timing_of_signals_outlives_a_checkpoint() -> None:
    traffic = micro()
    traffic.add_trips(TRIPS)
    traffic.control_signals("actuated", timing=Timing(least_green_s=20.0, most_share=3.0))
    traffic.advance(60)
    used = micro()
    used.control_signals("actuated", timing=Timing(least_green_s=5.0))
    runs = (traffic, restored(traffic, micro()), restored(traffic, used))
    groups = np.flatnonzero(NETWORK.group_signal == 0)
    cycle = float(NETWORK.signal_cycle[0])
    for one in runs:
        assert isinstance(one, MicroTraffic)
        one.set_plan(
            0,
            cycle_s=cycle,
            offset_s=0.0,
            green_from=np.linspace(0.0, cycle / 2, len(groups)),
            green_to=np.linspace(cycle / 2 - 6.0, cycle - 6.0, len(groups)),
        )
        one.advance(200)
    assert len({digest(one) for one in runs if isinstance(one, MicroTraffic)}) == 1


@pytest.mark.parametrize("new", [micro, meso])
def test_a_checkpoint_without_the_closure_of_its_tick_is_of_another_version(
    new: Callable[[], Traffic],
) -> None:
    older = new().checkpoint()
    del older["closure"]
    with pytest.raises(InputError, match="another version"):
        new().restore(older)


@pytest.mark.parametrize("new", [micro, meso])
@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("STRAYED", 9),  # a column of the tallies that has moved
        ("TURN", np.dtype([("to", "i4"), ("group", "i4")])),
        ("ADDED", 3),
    ],
)
def test_a_checkpoint_of_another_layout_is_of_another_version(
    new: Callable[[], Traffic], name: str, other: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic = new()
    now = traffic.checkpoint()
    with monkeypatch.context() as older:
        older.setattr(traffic._layout, name, other, raising=False)
        then = traffic.checkpoint()
    new().restore(now)
    for parts in (then, {key: part for key, part in now.items() if key != "layout"}):
        with pytest.raises(InputError, match="another version"):
            new().restore(parts)


def test_fidelities_do_not_take_the_checkpoints_of_each_other() -> None:
    for one, other in ((micro(), meso()), (meso(), micro())):
        with pytest.raises(InputError, match="another fidelity"):
            one.restore(other.checkpoint())


@pytest.mark.parametrize("fidelity", [MicroTraffic, MesoTraffic])
@pytest.mark.parametrize("allowed", [False, True])
def test_a_checkpoint_of_other_right_turns_on_red_is_refused(
    fidelity: Callable[..., Traffic], allowed: bool
) -> None:
    network = grid(3, 4, 150.0, 2, 13.9, True, right_on_red=True)
    seed = {"seed": np.uint64(2)} if fidelity is MicroTraffic else {}
    saved = fidelity(network, right_on_red=allowed, **seed).checkpoint()
    fidelity(network, right_on_red=allowed, **seed).restore(saved)
    with pytest.raises(InputError, match="other right turns on red"):
        fidelity(network, right_on_red=not allowed, **seed).restore(saved)


def test_a_unit_holds_each_signal_on_its_way_once_also_over_a_checkpoint() -> None:
    network = grid(3, 6, 200.0, 2, 13.9)

    # From the west end of the middle row.
    path = np.flatnonzero((network.link_from == 6) & (network.link_to == 7)).tolist()
    while (ahead := straight_on(network, path[-1])) is not None:
        path.append(ahead)
    assert len(path) == 5
    held = np.zeros(network.n_signals, np.int64)
    signals = network.node_signal[network.link_to[path[:-1]]]
    held[signals[signals >= 0]] = 1
    assert held.sum() == 4

    def new() -> MicroTraffic:
        return MicroTraffic(network, seed=np.uint64(1))

    whole, cut = new(), new()
    for traffic in (whole, cut):
        traffic.preempt_signals(detection_m=250.0)
        traffic.insert_unit(
            0, Place(path[0], 10.0), np.array(path, np.int32), 150.0, speed_factor=1.3, siren=True
        )
    whole.advance(200)
    for ticks in (15, 7, 178):
        cut.advance(ticks)
        cut = restored(cut, new())
    assert len(whole.arrivals()[0]) == len(cut.arrivals()[0]) > 0
    assert whole.signal_counts.preemptions.tolist() == held.tolist()
    assert cut.signal_counts.preemptions.tolist() == held.tolist()


def straight_on(network: Network, link: int) -> int | None:
    """Return the link straight ahead; None where there is none."""
    turns = np.arange(network.turn_ptr[link], network.turn_ptr[link + 1])
    through = turns[network.turn_kind[turns] == TurnKind.THROUGH]
    return int(network.turn_to[through[0]]) if len(through) else None
