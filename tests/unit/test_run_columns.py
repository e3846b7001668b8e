"""Every column of a run's tables says what it holds and in which unit; command and page alike."""

from __future__ import annotations

import json

import pytest

from apps.cli.main import main
from docs._ext.declared import tables_page
from twin.recording.meanings import _OWN, MEANINGS, unit_of
from twin.recording.tables import RUN_TABLES

EACH = [(table, column) for table, columns in RUN_TABLES.items() for column in columns]
BY_RULE = {"score", "value"}
"""What these are measured in depends on the rule, which the meaning says."""


def test_every_column_has_a_meaning_and_no_meaning_is_left_over():
    said = [(table, column) for table, columns in MEANINGS.items() for column in columns]
    assert said == EACH
    assert {(table, name) for table, columns in _OWN.items() for name in columns} <= set(EACH)
    assert [each for each in EACH if len(MEANINGS[each[0]][each[1]]) < 6] == []


def test_every_measured_column_has_a_unit():
    measured = {
        column
        for columns in RUN_TABLES.values()
        for column, kind in columns.items()
        if kind.startswith("float") and column not in BY_RULE
    }
    assert [column for column in sorted(measured) if not unit_of(column)] == []
    assert unit_of("t_call") == unit_of("response_s") == "s"
    assert (unit_of("speed_mps"), unit_of("co2_g"), unit_of("lon")) == ("m/s", "g", "degrees")
    assert [column for column in BY_RULE | {"call_id", "chosen", "kind"} if unit_of(column)] == []


def test_the_command_lists_them(capsys):
    assert main(["scenario", "tables", "--json"]) == 0
    tables = json.loads(capsys.readouterr().out)["tables"]
    rows = [(name, row) for name, listed in tables.items() for row in listed]
    assert [(name, row["column"]) for name, row in rows] == EACH
    assert all(row["meaning"] and row["type"] for _, row in rows)
    assert main(["scenario", "tables", "pulse"]) == 0
    out = capsys.readouterr().out
    assert "m/s" in out
    assert "work on a call" in out


def test_a_collision_is_said_to_be_another_one_on_the_other_side():
    assert "not the same collision" in MEANINGS["calls"]["call_id"]


@pytest.mark.parametrize("table", RUN_TABLES)
def test_the_page_has_a_row_for_each(table):
    part = tables_page().split(f"## `{table}`\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    assert len(lines) == len(RUN_TABLES[table])
    assert all(line.count(" | ") == 3 and line.rsplit("|", 2)[1].strip() for line in lines)
