"""Run folders: typed tables, equal bytes, nothing lost, damage named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.support.runs import small_city, small_scenario
from twin.core.errors import InputError, NotFoundError
from twin.recording import store
from twin.recording.memory import MemoryRecorder, NullRecorder
from twin.recording.provenance import city_checksum, scenario_checksum
from twin.recording.reader import RunReader
from twin.recording.store import RunWriter
from twin.recording.tables import RUN_TABLES


def record(writer, *, seed=0, frames=30, calls=20):
    rng = np.random.default_rng(seed)
    for k in range(frames):
        ids = rng.permutation(50).astype(np.int32)
        writer.columns(
            "frames",
            t=float(k * 10),
            vehicle=ids,
            x=(ids * 7).astype(np.uint16),
            y=(ids * 3).astype(np.uint16),
            speed=np.full(50, 40, np.uint8),
        )
        writer.row(
            "pulse",
            t=float(k * 10),
            vehicles=50,
            waiting_to_insert=0,
            inserted=50,
            finished=0,
            removed=0,
            mean_speed_mps=10.0,
            units_busy=0,
            calls_waiting=0,
        )
    for number in rng.permutation(calls):
        writer.row(
            "calls",
            call_id=f"c{number}",
            kind="medical",
            priority=1,
            lon=0.0,
            lat=0.0,
            t_call=float(number),
            transported=False,
            fate="open",
        )


def test_memory_recorder_types_rows_and_columns():
    memory = MemoryRecorder()
    memory.row("calls", call_id="a", priority=np.int64(2), t_call=1.0, t_base=float("nan"))
    memory.columns(
        "links",
        t=0.0,
        link=np.arange(3),
        vehicles=np.ones(3),
        speed_mps=[1, 2, 3],
        left=np.zeros(3),
    )
    calls = memory.frame("calls")
    assert calls.loc[0, "call_id"] == "a"
    assert np.isnan(calls.loc[0, "t_base"])
    links = memory.frame("links")
    assert {n: str(t) for n, t in links.dtypes.items()} == RUN_TABLES["links"]
    assert links["t"].tolist() == [0.0, 0.0, 0.0]
    memory.row("links", t=5.0, link=9)
    assert memory.frame("links")["link"].tolist() == [0, 1, 2, 9]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda r: r.row("nothing", t=0.0),
        lambda r: r.row("pulse", tt=0.0),
        lambda r: r.columns("links", t=[0.0], link=[1, 2]),
    ],
)
def test_recorder_refuses_what_no_table_holds(wrong):
    with pytest.raises(ValueError, match=r"no (table|column)|differ"):
        wrong(MemoryRecorder())


def test_null_recorder_takes_everything():
    NullRecorder().row("calls", call_id="a")
    NullRecorder().columns("frames", t=[1.0])


def test_equal_runs_give_equal_bytes_however_they_are_cut(tmp_path):
    city, scenario = small_city(), small_scenario()
    for name, cut in (
        ("a", {"rows_per_part": 7, "seconds_per_part": 15.0, "pause_s": 0}),
        ("b", {}),
    ):
        with RunWriter(tmp_path / name, scenario, city, **cut) as writer:
            record(writer)
            writer.finish({"calls": 20}, {"move": 1.0})
    for table in RUN_TABLES:
        one, two = ((tmp_path / n / f"{table}.parquet").read_bytes() for n in "ab")
        assert one == two, table
    assert not list(tmp_path.glob("*/parts*"))
    reader = RunReader(tmp_path / "a")
    assert reader.status == "finished"
    assert reader.table("calls")["t_call"].is_monotonic_increasing
    frames = reader.table("frames")
    assert len(frames) == 1500
    assert (frames.groupby("t")["vehicle"].apply(lambda v: v.is_monotonic_increasing)).all()
    assert reader.table("trips").empty


def test_rows_that_come_late_are_in_their_order_whatever_the_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "ROW_GROUP", 16)
    rng = np.random.default_rng(4)
    # A call is written when it has ended: some after hundreds that came later.
    calls = np.sort(rng.uniform(0.0, 1000.0, 300)).round(0)
    ended = np.argsort(calls + rng.exponential(100.0, 300), kind="stable")
    for name, cut in (("a", {"rows_per_part": 7}), ("b", {"rows_per_part": 50}), ("c", {})):
        with RunWriter(tmp_path / name, small_scenario(), small_city(), **cut) as writer:
            for k in ended.tolist():
                writer.row("calls", call_id=f"C{k:03d}", t_call=calls[k], fate="closed")
                writer.row("incident_events", t=calls[k], call_id=f"C{k:03d}", stage="closed")
            writer.finish({}, {})
    read = RunReader(tmp_path / "a").table("calls")
    assert read["call_id"].tolist() == [f"C{k:03d}" for k in range(300)]
    events = RunReader(tmp_path / "a").table("incident_events")
    assert events["t"].is_monotonic_increasing
    # What came at one instant stays in the order in which it came.
    came = {f"C{k:03d}": n for n, k in enumerate(ended.tolist())}
    for _, group in events.groupby("t"):
        assert group["call_id"].map(came).is_monotonic_increasing
    for table in ("calls", "incident_events"):
        whole = (tmp_path / "c" / f"{table}.parquet").read_bytes()
        assert all((tmp_path / n / f"{table}.parquet").read_bytes() == whole for n in "ab"), table


def test_other_rows_give_other_bytes(tmp_path):
    for seed in (0, 1):
        with RunWriter(tmp_path / str(seed), small_scenario(), small_city()) as writer:
            record(writer, seed=seed, calls=20 + seed)
            writer.finish({}, {})
    one, two = ((tmp_path / n / "calls.parquet").read_bytes() for n in "01")
    assert one != two


def test_a_running_run_can_be_read(tmp_path):
    writer = RunWriter(
        tmp_path / "r", small_scenario(), small_city(), seconds_per_part=50.0, pause_s=0
    )
    reader = RunReader(tmp_path / "r")
    assert reader.status == "running"
    assert reader.table("pulse").empty
    record(writer, calls=3)
    assert reader.table("pulse")["t"].max() >= 240.0
    assert reader.query("SELECT count(*) AS n FROM frames WHERE t = 0")["n"][0] == 50
    assert reader.query("SELECT count(*) AS n FROM decisions")["n"][0] == 0
    writer.note(simulated_to=300.0)
    assert reader.meta["simulated_to"] == 300.0
    writer.finish({"calls": 3}, {})
    assert reader.status == "finished"
    assert len(reader.table("calls")) == 3
    assert reader.query("SELECT max(t) AS t FROM pulse")["t"][0] == 290.0


def test_a_failing_run_leaves_the_older_one_and_its_own_parts(tmp_path):
    out = tmp_path / "r"
    with RunWriter(out, small_scenario(), small_city()) as writer:
        record(writer, seed=3)
        writer.finish({"mark": "old"}, {})
    before = {f.name: f.read_bytes() for f in out.iterdir()}
    broken = RunWriter(out, small_scenario(), small_city())
    assert broken.path != out
    record(broken, seed=4)
    with pytest.raises(ZeroDivisionError), broken:
        raise ZeroDivisionError("broken")
    assert {f.name: f.read_bytes() for f in out.iterdir()} == before
    failed = RunReader(tmp_path / "r.new")
    assert failed.status == "failed"
    assert failed.meta["error"] == "broken"
    assert len(failed.table("calls")) == 20
    with RunWriter(out, small_scenario(), small_city()) as writer:
        record(writer, seed=5)
        writer.finish({"mark": "new"}, {})
    assert RunReader(out).meta["summary"] == {"mark": "new"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r"]


def test_a_run_that_finishes_while_it_is_asked_answers(tmp_path, monkeypatch):
    writer = RunWriter(
        tmp_path / "r", small_scenario(), small_city(), seconds_per_part=50.0, pause_s=0
    )
    record(writer, calls=3)
    answer = RunReader._answer
    asked = []

    def late(self, sql, parameters, files):
        if not asked:
            writer.finish({"calls": 3}, {})
            assert not files["frames"][0].exists()
        asked.append(files)
        return answer(self, sql, parameters, files)

    monkeypatch.setattr(RunReader, "_answer", late)
    reader = RunReader(tmp_path / "r")
    assert reader.query("SELECT count(*) AS n FROM frames WHERE t = 0")["n"][0] == 50
    assert len(asked) == 2
    with pytest.raises(InputError, match="the query failed"):
        reader.query("SELECT nothing FROM frames")
    assert len(asked) == 3


def test_a_killed_writer_leaves_readable_parts(tmp_path):
    code = (
        "import os, signal\n"
        "from tests.unit.test_recording import record\n"
        "from tests.support.runs import small_city, small_scenario\n"
        "from twin.recording.store import RunWriter\n"
        f"w = RunWriter({str(tmp_path / 'r')!r}, small_scenario(), small_city(),"
        " seconds_per_part=50.0, pause_s=0)\n"
        "record(w)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.returncode == -signal.SIGKILL
    reader = RunReader(tmp_path / "r")
    assert reader.status == "running"
    assert reader.table("pulse")["t"].max() >= 200.0
    with RunWriter(tmp_path / "r", small_scenario(), small_city()) as writer:
        writer.finish({}, {})
    assert RunReader(tmp_path / "r").status == "finished"


def test_two_writers_never_share_a_folder(tmp_path):
    first = RunWriter(tmp_path / "r", small_scenario(), small_city())
    first.finish({}, {})
    second = RunWriter(tmp_path / "r", small_scenario(), small_city())
    with pytest.raises(InputError, match="another run"):
        RunWriter(tmp_path / "r", small_scenario(), small_city())
    second.finish({}, {})


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="not a run"):
        RunWriter(tmp_path, small_scenario(), small_city())
    with pytest.raises(InputError, match="is a file"):
        RunWriter(tmp_path / "thesis.txt", small_scenario(), small_city())
    (tmp_path / "r").mkdir()
    RunWriter(tmp_path / "r", small_scenario(), small_city()).finish({}, {})
    (tmp_path / "r.new").mkdir()
    (tmp_path / "r.new" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"r\.new.*not a run"):
        RunWriter(tmp_path / "r", small_scenario(), small_city())
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_run_that_cannot_begin_or_was_killed_as_it_began_does_not_bar_the_folder(tmp_path):
    city = small_city()
    city.meta = city.meta.model_copy(update={"timezone": "Nowhere/Nothing"})
    with pytest.raises(Exception, match="Nowhere"):
        RunWriter(tmp_path / "r", small_scenario(), city)
    assert not (tmp_path / "r").exists()
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "lock").touch()
    finished(tmp_path / "r")
    assert RunReader(tmp_path / "r").status == "finished"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "lock").write_text("of my bicycle")
    with pytest.raises(InputError, match="not a run"):
        RunWriter(tmp_path / "mine", small_scenario(), small_city())


def finished(folder):
    with RunWriter(folder, small_scenario(), small_city()) as writer:
        record(writer)
        writer.finish({}, {})
    return folder


def test_damage_is_named(tmp_path):
    run = finished(tmp_path / "r")
    with pytest.raises(NotFoundError, match="no such run"):
        RunReader(tmp_path / "nowhere")
    with pytest.raises(InputError, match="not a run folder"):
        RunReader(tmp_path)

    whole = (run / "calls.parquet").read_bytes()
    (run / "calls.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"calls\.parquet: cannot be read"):
        RunReader(run).table("calls")
    with pytest.raises(InputError, match=r"calls\.parquet: cannot be read"):
        RunReader(run).query("SELECT 1")
    (run / "calls.parquet").unlink()
    with pytest.raises(InputError, match=r"calls\.parquet: the table .* missing"):
        RunReader(run).table("calls")
    table = pq.read_table(run / "pulse.parquet").drop_columns(["vehicles"])
    pq.write_table(table, run / "pulse.parquet")
    with pytest.raises(InputError, match=r"pulse\.parquet, field 'vehicles'"):
        RunReader(run).table("pulse")
    with pytest.raises(InputError, match="query failed"):
        RunReader(finished(tmp_path / "s")).query("SELECT nonsense FROM calls")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "\x00",
        '{"schema_version": 99}',
        '{"schema_version": 5, "status": "finished"}',
    ],
)
def test_damaged_run_json_is_named(tmp_path, text):
    run = finished(tmp_path / "r")
    (run / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run\.json"):
        RunReader(run)


def test_run_json_says_what_the_run_was_made_of(tmp_path):
    run = finished(tmp_path / "r")
    meta = json.loads((run / "run.json").read_text())
    assert meta["inputs"]["city"] == city_checksum(small_city())
    assert meta["midnight_utc"] == "2025-03-04T15:00:00+00:00"
    assert meta["tables"]["calls"]["rows"] == 20
    assert meta["versions"]["numpy"] == np.__version__
    assert RunReader(run).scenario == small_scenario()
    assert RunReader(run).calendar.midnight_utc.isoformat() == meta["midnight_utc"]


def test_checksums_follow_content():
    city = small_city()
    base = city_checksum(city)
    city.tables["units"].loc[0, "off_s"] = 3600.0
    assert city_checksum(city) != base
    scenario = small_scenario()
    assert scenario_checksum(scenario) == scenario_checksum(
        scenario.model_copy(update={"title": {"en": "another"}})
    )
    assert scenario_checksum(scenario) != scenario_checksum(
        scenario.model_copy(update={"seed": 99})
    )
