"""Rubbish in GMNS's signal tables is told by file, row, field and what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.dual_ring import TABLES, write_tables
from tests.support.gmns import check_same
from twin.core.errors import InputError
from twin.network.build import build_network
from twin.network.gmns_read import read_gmns

PLAN, PHASE, SERVED = "signal_timing_plan", "signal_timing_phase", "signal_phase_mvmt"
COORDINATED, CONTROLLER = "signal_coordination", "signal_controller"


def refused(folder: Path, **changed: str | None) -> InputError:
    write_tables(folder, **changed)
    with pytest.raises(InputError) as caught:
        read_gmns(folder / "node.csv", folder / "link.csv")
    return caught.value


@pytest.mark.parametrize(
    ("name", "old", "new", "row", "field"),
    [
        (CONTROLLER, "main\n", "main\nmain\n", 3, "controller_id"),
        (CONTROLLER, "controller_id", "controller", 1, "controller_id"),
        (PLAN, "noon,main,", "noon,side,", 2, "controller_id"),
        (PLAN, "noon,main,", ",main,", 2, "timing_plan_id"),
        (PLAN, ",90\n", ",ninety\n", 2, "cycle_length"),
        (PLAN, ",90\n", ",-90\n", 2, "cycle_length"),
        (PLAN, ",90\n", ",0\n", 2, "cycle_length"),
        (PLAN, ",90\n", ",89\n", 2, "cycle_length"),
        (PLAN, "01111100_0600_2200", "01111100_0600", 2, "time_day"),
        (PLAN, "time_day", "timeday_id", 2, "timeday_id"),
        (PLAN, ",90\n", ",90\nnoon,main,,90\n", 3, "timing_plan_id"),
        (PLAN, ",90\n", ",90\nlate,main,01111100_1700_1800,90\n", 3, "timing_plan_id"),
        # That of Wednesdays has no phase.
        (PLAN, "noon,main,01111100", "late,main,,\nnoon,main,01000000", 2, "timing_plan_id"),
        (PHASE, "p2,noon", "p1,noon", 3, "timing_phase_id"),
        (PHASE, "p2,noon", "p2,night", 3, "timing_plan_id"),
        (PHASE, "p2,noon,2", "p2,noon,two", 3, "signal_phase_num"),
        (PHASE, "p2,noon,2", "p2,noon,-2", 3, "signal_phase_num"),
        (PHASE, "1,5,10,", "1,5,-10,", 2, "max_green"),
        (PHASE, "1,5,10,", "1,five,10,", 2, "min_green"),
        (PHASE, "1,5,10,", "1,15,10,", 2, "max_green"),
        (PHASE, "1,5,10,", "1,,,", 2, "min_green"),
        (PHASE, "1,5,10,2,5,", "1,5,10,2,,", 2, "clearance"),
        (PHASE, "1,5,10,2,5,", "1,5,10,2,-5,", 2, "clearance"),
        (PHASE, "7,15,1,1,2", "7,15,1,1,1", 3, "position"),
        (PHASE, "7,15,1,1,2", "7,15,1,1,", 3, "position"),
        (PHASE, "7,15,1,1,2", "7,15,13,1,2", 3, "ring"),
        (PHASE, "7,15,1,1,2", "7,15,1,first,2", 3, "barrier"),
        (PHASE, ",ring,", ",rings,", 1, "ring"),
        (SERVED, "2,p2", "1,p2", 3, "signal_phase_mvmt_id"),
        (SERVED, "2,p2", "2,p0", 3, "timing_phase_id"),
        (SERVED, "p2,EBT,,protected", "p2,EB,,protected", 3, "mvmt_id"),
        (SERVED, "p2,EBT,,protected", "p2,,,protected", 3, "mvmt_id"),
        (SERVED, "p2,EBT,,protected", "p2,EBT,,permissive", 3, "protection"),
        (SERVED, "p2,EBT,,protected", "p1,WBL,,protected", 3, "mvmt_id"),
        (COORDINATED, "c,noon", "c,night", 2, "timing_plan_id"),
        (COORDINATED, "noon,main", "noon,side", 2, "controller_id"),
        (COORDINATED, "main,main", "main,side", 2, "coord_contr_id"),
        (COORDINATED, ",2,begin", ",9,begin", 2, "coord_phase"),
        (COORDINATED, ",2,begin", ",2.5,begin", 2, "coord_phase"),
        (COORDINATED, "2,begin_of_green", ",begin_of_red", 2, "coord_ref_to"),
        (COORDINATED, "begin_of_green", "end_of_green", 2, "coord_ref_to"),
        (COORDINATED, ",20\n", ",-20\n", 2, "offset"),
        (COORDINATED, ",20\n", ",20\nd,noon,main,,,,\n", 3, "timing_plan_id"),
        (COORDINATED, ",20\n", ",20\nc,noon,main,,,,\n", 3, "coordination_id"),
    ],
)
def test_the_first_fault_is_named(tmp_path, name, old, new, row, field):
    assert old in TABLES[name]
    error = refused(tmp_path, **{name: TABLES[name].replace(old, new, 1)})
    file = tmp_path / f"{name}.csv"
    assert (error.file, error.row, error.field) == (str(file), row, field), str(error)


@pytest.mark.parametrize("name", [CONTROLLER, PLAN, PHASE, SERVED])
def test_a_table_that_is_missing_is_named(tmp_path, name):
    error = refused(tmp_path, **{name: None})
    assert error.file == str(tmp_path / f"{name}.csv")
    assert "missing" in error.message
    assert "add it" in str(error.hint)


def test_one_table_alone_is_refused(tmp_path):
    error = refused(tmp_path, **{CONTROLLER: None, PLAN: None, PHASE: None, SERVED: None})
    assert error.file == str(tmp_path / f"{CONTROLLER}.csv")
    assert f"{COORDINATED}.csv" in str(error.hint)


@pytest.mark.parametrize("text", [None, TABLES["movement"].splitlines()[0] + "\n"])
def test_plans_need_movements(tmp_path, text):
    error = refused(tmp_path, movement=text)
    assert error.file == str(tmp_path / "movement.csv")


def test_tables_without_rows_state_nothing(tmp_path):
    names = [CONTROLLER, COORDINATED, PLAN, PHASE, SERVED]
    write_tables(tmp_path, **dict.fromkeys(names))
    raw, stated = read_gmns(tmp_path / "node.csv", tmp_path / "link.csv")
    without = build_network(raw, stated=stated)[0]
    write_tables(tmp_path, **{name: TABLES[name].splitlines()[0] + "\n" for name in names})
    raw, stated = read_gmns(tmp_path / "node.csv", tmp_path / "link.csv")
    assert stated is not None
    assert stated.signals is None
    check_same(without, build_network(raw, stated=stated)[0])


def test_a_movement_with_a_signal_needs_green(tmp_path):
    rows = TABLES[SERVED].replace("11,p6,WBT,,protected\n", "")
    error = refused(tmp_path, **{SERVED: rows})
    assert (error.file, error.row, error.field) == (str(tmp_path / "movement.csv"), 6, "mvmt_id")
    assert "'WBT'" in error.message
    # To turn right on red is no green.
    rows = TABLES[SERVED].replace("11,p6,WBT,,protected\n", "11,p6,WBT,,rtor\n")
    moves = TABLES["movement"].replace("WBT,1,11,20,thru,signal", "WBT,1,11,20,thru,")
    error = refused(tmp_path, movement=moves, **{SERVED: rows})
    assert (error.file, error.row, error.field) == (str(tmp_path / "movement.csv"), 6, "mvmt_id")


def test_a_movement_without_a_signal_has_no_phase(tmp_path):
    moves = TABLES["movement"].replace("WBT,1,11,20,thru,signal", "WBT,1,11,20,thru,yield")
    error = refused(tmp_path, movement=moves)
    assert (error.file, error.row, error.field) == (str(tmp_path / f"{SERVED}.csv"), 12, "mvmt_id")


def test_a_plan_serves_somebody(tmp_path):
    error = refused(tmp_path, **{SERVED: TABLES[SERVED].splitlines()[0] + "\n1,p2,,11,\n"})
    assert (error.file, error.row) == (str(tmp_path / f"{PLAN}.csv"), 2)
    assert "no phase of plan 'noon' serves a movement" in error.message
    lanes = "lane_id,link_id,lane_num,allowed_uses\n1,10,1,\n2,10,2,bike\n"
    moves = "mvmt_id,node_id,ib_link_id,start_ib_lane,ob_link_id\nEBT,1,10,2,21\n"
    rows = TABLES[SERVED].splitlines()[0] + "\n1,p2,EBT,,protected\n"
    error = refused(tmp_path, lane=lanes, movement=moves, **{SERVED: rows})
    assert (error.file, error.row) == (str(tmp_path / f"{PLAN}.csv"), 2)
    assert "serves no lane for cars" in error.message


def test_a_green_of_no_time_is_none(tmp_path):
    phases = TABLES[PHASE].replace("p1,noon,1,5,10", "p1,noon,1,0,0")
    phases = phases.replace("p2,noon,2,12,30", "p2,noon,2,12,40")
    error = refused(tmp_path, **{PHASE: phases})
    assert (error.file, error.row, error.field) == (str(tmp_path / f"{SERVED}.csv"), 2, "mvmt_id")


def test_nodes_name_controllers_that_are_there(tmp_path):
    lines = TABLES["node"].splitlines()
    for controller, field in (("side", "controller_id"), ("other", "mvmt_id")):
        nodes = [f"{lines[0]},controller_id", f"{lines[1]},{controller}"]
        nodes += [f"{line}," for line in lines[2:]]
        plans = TABLES[PLAN] + "away,other,,\n"
        phases = TABLES[PHASE] + "a1,away,1,5,5,,5,,,1,1,1\n"
        error = refused(
            tmp_path,
            node="\n".join(nodes) + "\n",
            **{
                CONTROLLER: "controller_id\nmain\nother\n",
                PLAN: plans,
                PHASE: phases,
                SERVED: TABLES[SERVED] + "18,a1,EBT,,protected\n",
            },
        )
        file = tmp_path / ("node.csv" if controller == "side" else f"{SERVED}.csv")
        assert (error.file, error.row, error.field) == (str(file), 2, field), str(error)


@pytest.mark.parametrize(
    ("old", "new", "row", "field"),
    [
        ("work,1,1", "work,1,maybe", 2, "tuesday"),
        ("06:00", "6 am", 2, "start_time"),
        ("22:00", "25:00", 2, "end_time"),
        ("work,", ",", 2, "timeday_id"),
        (",friday", ",fri", 1, "friday"),
    ],
)
def test_times_that_are_none(tmp_path, old, new, row, field):
    days = "monday,tuesday,wednesday,thursday,friday,saturday,sunday,holiday"
    text = f"timeday_id,{days},start_time,end_time\nwork,1,1,1,1,1,0,0,0,06:00,22:00\n"
    plans = "timing_plan_id,controller_id,timeday_id,cycle_length\nnoon,main,work,90\n"
    assert old in text
    changed = text.replace(old, new, 1)
    error = refused(tmp_path, time_set_definitions=changed, **{PLAN: plans})
    file = str(tmp_path / "time_set_definitions.csv")
    assert (error.file, error.row, error.field) == (file, row, field), str(error)


@pytest.mark.parametrize("word", ["", "x", "-1", "1e9", "nan", "0", "1.5", "é,"])
def test_any_value_is_taken_or_refused(tmp_path, word):
    rng = np.random.default_rng(len(word))
    names = [CONTROLLER, COORDINATED, PLAN, PHASE, SERVED]
    for _ in range(40):
        name = names[rng.integers(len(names))]
        rows = [line.split(",") for line in TABLES[name].splitlines()]
        row = rng.integers(len(rows))
        rows[row][rng.integers(len(rows[row]))] = word
        write_tables(tmp_path, **{name: "".join(",".join(r) + "\n" for r in rows)})
        try:
            raw, stated = read_gmns(tmp_path / "node.csv", tmp_path / "link.csv")
        except InputError:
            continue
        assert build_network(raw, stated=stated)[0].n_signals == 1
