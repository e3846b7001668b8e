"""Faults of large tables are named by the row in which they stand in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.city.sheets import Sheet
from twin.core.errors import InputError


def sheet(folder: Path, content: bytes) -> Sheet:
    path = folder / "table.csv"
    path.write_bytes(content)
    return Sheet(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (b"\nid,t\n1,2\n", "the header is missing"),
        (b"id,t", "no rows below the header"),
        (b"id,t\r1,2\r", "it is not CSV"),
        (b"id,t,id\n1,2,3\n", "the column occurs twice"),
        (b"id,t\n1,2,3\n", "has 3 cells, the header has 2"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, why):
    with pytest.raises(InputError, match=why):
        sheet(tmp_path, content)


def test_empty_lines_count(tmp_path):
    read = sheet(tmp_path, b"id,t\n\n\na,1\n\na,x\n")
    assert read.count == 2
    with pytest.raises(InputError, match="'x' is not a number") as caught:
        read.numbers("t", 0.0)
    assert caught.value.row == 6
    with pytest.raises(InputError, match="'a' stands in row 4 already") as caught:
        read.ids("id")
    assert caught.value.row == 6
