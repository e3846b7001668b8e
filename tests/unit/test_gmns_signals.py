"""Plans of signals as GMNS tables: ours come back, and those of others are timed as they say."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.support.dual_ring import (
    COORDINATION,
    GREENS,
    MOVEMENTS,
    PHASE_MOVEMENTS,
    PHASES,
    PLANS,
    write_tables,
)
from tests.support.gmns import back, check_same
from tests.support.random_roads import build
from tests.support.signal_plans import with_random_plans
from twin.core.errors import InputError
from twin.network.build import BuildReport, build_network
from twin.network.generate import grid
from twin.network.gmns import write_gmns
from twin.network.gmns_read import read_gmns
from twin.network.gmns_signals import Green, phases_of
from twin.network.gmns_times import Moment, moment_of, time_day
from twin.network.graph import Network, TurnYield
from twin.network.signal_design import design_webster


def read(folder: Path, plan_at: str = "wednesday 17:30") -> tuple[Network, BuildReport]:
    raw, stated = read_gmns(folder / "node.csv", folder / "link.csv", plan_at=plan_at)
    return build_network(raw, stated=stated)


@pytest.fixture
def made(tmp_path):
    """The crossing with two rings, its tables changed as told."""

    def make(**changed: str | None) -> Network:
        write_tables(tmp_path, **changed)
        return read(tmp_path)[0]

    return make


def turns_of(network: Network) -> dict[str, int]:
    links = zip(
        network.link_id[network.turn_from].tolist(),
        network.link_id[network.turn_to].tolist(),
        strict=True,
    )
    turn = {pair: k for k, pair in enumerate(links)}
    rows = [row.split(",") for row in MOVEMENTS.splitlines()[1:]]
    return {row[0]: turn[int(row[2]), int(row[3])] for row in rows}


def greens_of(network: Network, turn: int) -> list[tuple[float, float]]:
    group, begin, end = network.greens
    own = group == network.turn_group[turn]
    return list(zip(begin[own].tolist(), end[own].tolist(), strict=True))


def test_two_rings_are_timed_as_worked_out_by_hand(made):
    network = made()
    turn = turns_of(network)
    assert {name: greens_of(network, turn[name]) for name in GREENS} == GREENS
    assert network.signal_cycle.tolist() == [90.0]
    # Phase 2 begins at second 15 of the cycle, and 20 s after the full hour.
    assert network.signal_offset.tolist() == [5.0]
    # WBL; EBT; EBR; NBL; SBT and SBR; SBL; WBR; EBL; WBT; NBT and NBR.
    assert len(network.group_signal) == 10
    assert network.turn_group[turn["SBT"]] == network.turn_group[turn["SBR"]]


def test_protection_says_who_gives_way(made):
    network = made()
    turn = turns_of(network)
    kind = {name: int(network.turn_yield[k]) for name, k in turn.items()}
    assert kind.pop("SBL") == TurnYield.GIVES_WAY
    assert kind.pop("SBR") == TurnYield.ON_RED
    # Nothing is said of it: it meets the left turn from the west when both have green.
    assert kind.pop("WBR") in {TurnYield.FREE, TurnYield.GIVES_WAY}
    assert set(kind.values()) == {TurnYield.FREE}
    foes = network.foe_turn[slice(*network.foe_ptr[turn["SBL"] : turn["SBL"] + 2])]
    assert turn["NBT"] in foes
    assert turn["EBT"] not in foes  # red meanwhile
    assert turn["SBL"] not in network.foe_turn[slice(*network.foe_ptr[turn["NBT"] :][:2])]


@pytest.mark.parametrize(
    ("old", "new", "offset"),
    [
        ("2,begin_of_green,20", "2,begin_of_yellow,20", 65.0),  # 20 - 45
        ("2,begin_of_green,20", "2,begin_of_red,20", 62.0),  # 20 - 48
        ("2,begin_of_green,20", "6,BEGIN_OF_YELLOW,0", 45.0),  # 0 - 45, with its rest
        ("2,begin_of_green,20", "2,,20", 5.0),
        ("2,begin_of_green,20", ",,20", 20.0),
        ("2,begin_of_green,20", "2,begin_of_green,", 75.0),
        ("main,main,2", "main,,2", 5.0),
    ],
)
def test_offsets_count_from_where_they_say(made, old, new, offset):
    assert old in COORDINATION
    network = made(signal_coordination=COORDINATION.replace(old, new))
    assert network.signal_offset.tolist() == [offset]


def test_without_coordination_cycles_begin_at_midnight(made):
    assert made(signal_coordination=None).signal_offset.tolist() == [0.0]


def test_a_cycle_that_is_not_stated_is_that_of_the_phases(made):
    network = made(signal_timing_plan=PLANS.replace(",90", ","))
    assert network.signal_cycle.tolist() == [90.0]


def test_a_phase_of_pedestrians_alone_lasts_as_they_walk(made):
    # A third barrier, with a phase of 7 + 16 s for a crosswalk.
    phases = PHASES + "p9,noon,9,,,,,7,16,1,3,1\n"
    rows = PHASE_MOVEMENTS + "18,p9,,10,protected\n"
    plans = PLANS.replace(",90", ",113")
    network = made(signal_timing_phase=phases, signal_phase_mvmt=rows, signal_timing_plan=plans)
    turn = turns_of(network)
    assert {name: greens_of(network, turn[name]) for name in GREENS} == GREENS
    assert network.signal_cycle.tolist() == [113.0]


def test_rows_of_one_movement_with_other_phases_get_the_longest_green(made):
    moves = MOVEMENTS + "EBT2,1,10,21,thru,signal\n"
    rows = PHASE_MOVEMENTS + "18,p1,EBT2,,protected\n"
    network = made(movement=moves, signal_phase_mvmt=rows)
    assert greens_of(network, turns_of(network)["EBT"]) == [(15, 45)]


def test_who_is_said_to_have_no_signal_or_nothing_needs_no_phase(made):
    rows = PHASE_MOVEMENTS.replace("15,p8,NBR,,protected\n", "")
    for control in ("yield", ""):
        moves = MOVEMENTS.replace("NBR,1,13,21,right,signal", f"NBR,1,13,21,right,{control}")
        network = made(movement=moves, signal_phase_mvmt=rows)
        turn = turns_of(network)["NBR"]
        assert network.turn_group[turn] == -1
        assert network.turn_yield[turn] == TurnYield.GIVES_WAY


def test_phases_alone_tell_that_movements_have_signals(made):
    told = made()
    # Without ctrl_type, and no more right turns on red but by `rtor`.
    lines = [line.rpartition(",")[0] for line in MOVEMENTS.splitlines()]
    check_same(told, made(movement="\n".join(lines) + "\n"))


@pytest.mark.parametrize("seed", range(24))
def test_any_plan_comes_back(seed: int, tmp_path):
    network = build(seed % 12)
    assert network is not None
    odd = with_random_plans(network, seed)
    check_same(odd, back(odd, tmp_path))


@pytest.mark.parametrize("seed", [1, 7, 10])
def test_plans_for_the_traffic_come_back(seed: int, tmp_path):
    network = build(seed)
    assert network is not None
    flows = np.random.default_rng(seed).uniform(0.0, 400.0, network.n_turns)
    designed, _ = design_webster(network, flows)
    assert not np.array_equal(designed.signal_offset, network.signal_offset)
    check_same(designed, back(designed, tmp_path))


def test_random_plans_are_odd():
    plans = [with_random_plans(build(seed), seed) for seed in (1, 7, 10)]
    assert all(len(plan.more_group) for plan in plans)
    for plan in plans:
        cycle = plan.signal_cycle[plan.group_signal]
        assert (plan.group_green_to > cycle).any()


def test_greens_without_end_and_short_reds_come_back(tmp_path):
    network = grid(2, 2, 150.0, 2, 13.9, signals=True)
    assert network.n_signals == 0  # no junction has more than two ways
    network = grid(3, 3, 150.0, 2, 13.9)
    at, to = network.group_green_from.copy(), network.group_green_to.copy()
    own = np.flatnonzero(network.group_signal == 0)
    cycle = network.signal_cycle[0]
    at[own[0]], to[own[0]] = 0.0, cycle
    # Red for two seconds only, of which the cycle's end is one.
    at[own[1]], to[own[1]] = 1.0, cycle - 1.0
    odd = dataclasses.replace(network, group_green_from=at, group_green_to=to)
    check_same(odd, back(odd, tmp_path))


def test_a_junction_without_plan_is_designed_beside_the_others(tmp_path):
    network = grid(3, 3, 150.0, 2, 13.9)
    write_gmns(network, tmp_path)
    last = str(network.n_signals - 1)

    def drop(name: str, column: int, values: set[str]) -> set[str]:
        """Take rows out of a table, and return their first values."""
        file = tmp_path / name
        lines = file.read_text().splitlines(keepends=True)
        out = [line for line in lines if line.strip().split(",")[column] in values]
        file.write_text("".join(line for line in lines if line not in out))
        return {line.split(",")[0] for line in out}

    drop("signal_timing_plan.csv", 1, {last})
    drop("signal_coordination.csv", 2, {last})
    gone = drop("signal_timing_phase.csv", 1, {last})
    drop("signal_phase_mvmt.csv", 1, gone)
    again, report = read(tmp_path)
    check_same(network, dataclasses.replace(again, signal_offset=network.signal_offset))
    assert report.counts["signals with plans as stated"] == network.n_signals - 1
    assert report.counts["signals with designed plans"] == 1


def test_phases_are_as_few_as_the_greens_need():
    d = Decimal
    one = Green(0, d(0), d(30)), Green(1, d(35), d(55))
    found = [(p.green, p.clearance, set(p.groups)) for p in phases_of(one, d(60))]
    assert found == [(30, 5, {0}), (20, 5, {1})]
    # A lagging left turn: the yellow of one while the other stays green.
    lag = Green(0, d(0), d(20)), Green(1, d(0), d(40))
    found = [(p.green, p.clearance, set(p.groups)) for p in phases_of(lag, d(60))]
    # All red is a phase here, lest the second green run on into its next one.
    assert found == [(20, 3, {0, 1}), (17, 3, {1}), (17, 0, set())]
    # Nobody has green before second 10.
    late = [Green(0, d(10), d(40))]
    found = [(p.green, p.clearance, set(p.groups)) for p in phases_of(late, d(60))]
    assert found == [(10, 0, set()), (30, 20, {0})]


def two_plans(first: str, second: str) -> dict[str, str]:
    """The plan of a crossing at some time, and at another one whose first phase is 10 s longer."""
    plans = PLANS.replace("01111100_0600_2200", first) + f"night,main,{second},100\n"
    lines = PHASES.splitlines()[1:]
    more = "".join(f"n{line[1:]}\n" for line in lines).replace(",noon,", ",night,")
    more = more.replace("n1,night,1,5,10,", "n1,night,1,5,20,")
    rows = "".join(f"n{line.replace(',p', ',n', 1)}\n" for line in PHASE_MOVEMENTS.splitlines()[1:])
    return {
        "signal_timing_plan": plans,
        "signal_timing_phase": PHASES + more,
        "signal_phase_mvmt": PHASE_MOVEMENTS + rows,
    }


@pytest.mark.parametrize(
    ("first", "second", "plan_at", "cycle"),
    [
        ("01111100_0600_2200", "11111111_2200_0600", "wednesday 17:30", 90.0),
        ("01111100_0600_2200", "11111111_22:00_06:00", "wed 23:00", 100.0),
        ("01111100_0600_2200", "11111111_2200_0600", "fri 05:59", 100.0),
        ("01111100_0600_2200", "", "sat 12:00", 100.0),
        ("01111100_0600_2200", "", "monday 6:00", 90.0),
        ("01111100_0600_2200", "00000001_0000_2400", "holiday 00:00", 100.0),
    ],
)
def test_the_plan_of_the_moment_is_taken(tmp_path, first, second, plan_at, cycle):
    write_tables(tmp_path, **two_plans(first, second))
    network, report = read(tmp_path, plan_at)
    assert network.signal_cycle.tolist() == [cycle]
    assert report.counts[f"controllers with several plans: that of {moment_of(plan_at)}"] == 1
    # The other plan has no coordination.
    assert network.signal_offset.tolist() == [5.0 if cycle == 90.0 else 0.0]


def test_times_may_be_defined_by_name(tmp_path):
    changed = two_plans("01111100_0600_2200", "")
    changed["signal_timing_plan"] = (
        "timing_plan_id,controller_id,timeday_id,cycle_length\n"
        "noon,main,work,90\nnight,main,weekend,100\n"
    )
    days = "monday,tuesday,wednesday,thursday,Friday,saturday,sunday,holiday"
    text = (
        f"timeday_id,{days},start_time,end_time\n"
        "work,1,1,1,1,1,0,0,0,06:00,22:00\n"
        "weekend,false,FALSE,0,0,0,true,True,1,06:00:00,22:00:00\n"
    )
    write_tables(tmp_path, time_set_definitions=text, **changed)
    assert read(tmp_path)[0].signal_cycle.tolist() == [90.0]
    assert read(tmp_path, "sun 12:00")[0].signal_cycle.tolist() == [100.0]
    with pytest.raises(InputError, match="no plan of controller 'main' holds on Sunday 23:00"):
        read(tmp_path, "sun 23:00")


def test_moments_and_times():
    assert moment_of("Tue 07:05") == Moment(2, 425)
    assert str(moment_of("sunday 0:00")) == "Sunday 00:00"
    for text in ("", "17:30", "s 10:00", "moon 10:00", "mon 24:00", "mon 7:60", "mon noon"):
        with pytest.raises(InputError, match="no day and time"):
            moment_of(text)
    for text in ("0111110_0600_0900", "01111100_0660_0900", "01111100_0600_2500", "x"):
        assert time_day(text) is None
