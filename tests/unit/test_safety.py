"""Nothing that a user stored is lost, and mistakes that reviewers found stay answered."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from apps.cli.main import main
from tests.support.emergency import plan, town
from twin.city.model import Meta
from twin.core.errors import InputError
from twin.core.random import Streams
from twin.demand.calls import draw_calls
from twin.recording.store import RunWriter
from twin.scenarios.changes import check


@pytest.mark.parametrize("stranger", ["thesis.txt", "notes"])
def test_a_run_never_takes_over_a_folder_with_other_files(tmp_path: Path, stranger: str) -> None:
    (tmp_path / "run.json").write_text(
        json.dumps({"schema_version": 1, "status": "finished", "scenario": {}})
    )
    (tmp_path / stranger).write_text("years of work")
    with pytest.raises(InputError, match=stranger):
        RunWriter(tmp_path, plan(), town(rows=3))
    assert (tmp_path / stranger).read_text() == "years of work"


def test_a_file_called_run_json_does_not_make_a_run(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"mine": 1}')
    with pytest.raises(InputError, match="not a run"):
        RunWriter(tmp_path, plan(), town(rows=3))
    assert json.loads((tmp_path / "run.json").read_text()) == {"mine": 1}


def test_a_report_does_not_replace_other_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "calls.parquet"
    target.write_bytes(b"table")
    assert main(["report", str(tmp_path), "--out", str(target)]) == 2
    assert "not replaced" in capsys.readouterr().err
    assert target.read_bytes() == b"table"


def test_a_city_has_a_real_time_zone() -> None:
    fields = {"name": "x", "title": {"en": "x"}}
    assert Meta(**fields, timezone="Asia/Seoul").timezone == "Asia/Seoul"
    for zone in ("Mars/One", "../../etc"):
        with pytest.raises(ValueError, match="time zone"):
            Meta(**fields, timezone=zone)


def test_an_incident_before_the_start_is_refused() -> None:
    city = town(rows=3)
    lon, lat = float(city.network.node_lon[0]), float(city.network.node_lat[0])
    change = {"kind": "inject-incident", "incident": "medical", "lon": lon, "lat": lat}
    check(plan(changes=[{**change, "at": "06:00"}]), city)
    with pytest.raises(InputError, match="before the run begins"):
        check(plan(changes=[{**change, "at": "05:59"}]), city)


def test_recorded_calls_may_not_take_the_names_of_arising_ones() -> None:
    city = town(rows=3)
    at = pd.Timestamp("2025-03-05T07:00:00+00:00")
    columns = dict.fromkeys(city["history"].columns, "")
    columns |= {"call_id": "I-1", "lon": 0.0, "lat": 0.0, "t_call": at}
    city.tables["history"] = pd.DataFrame([columns])
    with pytest.raises(InputError, match="I-1"):
        draw_calls(city, plan(calls={"source": "recorded"}), Streams(1))
