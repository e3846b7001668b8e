"""What a comparison says of traffic, of what move-up costs, and of hospitals without beds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apps.cli.compare import show
from apps.report.comparison import comparison_page
from apps.report.run_differences import counted_since, run_cells, traffic_reading
from tests.support.html import is_self_contained
from tests.support.runs import small_city, small_run, small_scenario
from twin.metrics.cautions import cautions_of_runs
from twin.metrics.comparison import Comparison, compare_runs
from twin.metrics.run_differences import Roads, RunDifference
from twin.recording.memory import schema
from twin.scenarios.spec import Period

ROADS = {"title_en": "main roads", "title_ko": "주요 도로", "from_h": 18.0, "to_h": 19.0}
MOVEUP = {"policy": {"moveup": "dmexclp"}}


def tell(run: Path, **figures: Any) -> None:
    """Write figures into the summary of a run; one that is None is taken out."""
    file = run / "run.json"
    meta = json.loads(file.read_text("utf-8"))
    summary = meta["summary"] | figures
    meta["summary"] = {name: value for name, value in summary.items() if value is not None}
    file.write_text(json.dumps(meta), "utf-8")


def vehicles(entered: int, finished: int, waiting: int = 0, lost: int = 0) -> dict[str, int]:
    return {
        "inserted": entered,
        "finished": finished,
        "running": entered - finished,
        "waiting": waiting,
        "removed": 0,
        "without_route": lost,
    }


def put(run: Path, table: str, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows, schema(table)), run / f"{table}.parquet")


def pairs_of(folder: Path, n: int, **whatif: Any) -> list[tuple[Path, Path]]:
    return [
        (
            small_run(folder / f"base-{k:03d}", seed=k),
            small_run(folder / f"whatif-{k:03d}", seed=k, name="other", **whatif),
        )
        for k in range(n)
    ]


def found_in(folder: Path, n: int, **whatif: Any) -> Comparison:
    other = small_scenario(name="other", **whatif)
    return compare_runs(small_scenario(), other, folder, n, ["twin", "compare"])


def by_measure(rows: list[RunDifference]) -> dict[str, RunDifference]:
    assert len({row.measure for row in rows}) == len(rows)
    return {row.measure: row for row in rows}


def test_traffic_is_paired_as_response_times_are(tmp_path, capsys) -> None:
    for k, (base, whatif) in enumerate(pairs_of(tmp_path, 3)):
        speeds = [{**ROADS, "simulated_kmh": None}, {**ROADS, "simulated_kmh": 20.0 + k}]
        tell(base, vehicles=vehicles(3000, 2000 + 10 * k, 7), speeds=speeds)
        slower = [{**ROADS, "simulated_kmh": 20.0 - k}]
        tell(whatif, vehicles=vehicles(3000, 1990 + 8 * k, 7), speeds=slower)
    found = found_in(tmp_path, 3)
    rows = by_measure(found.traffic)
    finished = rows["finished"]
    # Differences of -10, -12 and -14: t(0.975, 2) = 4.3027, so 4.3027 * 2 / sqrt(3) either way.
    assert (finished.base, finished.whatif, finished.difference) == pytest.approx(
        (2010.0, 1998.0, -12.0)
    )
    assert (finished.low, finished.high) == pytest.approx((-16.968, -7.032), abs=0.001)
    assert run_cells(finished) == [
        "2,010.0", "1,998.0", "-12.0 trips", "-17.0 to -7.0 trips", "clear difference",
    ]  # fmt: skip
    assert rows["waiting"].same
    assert run_cells(rows["waiting"])[2:] == ["0.0 trips", "-", "no difference in any pair"]
    roads = rows["speed-of-roads"]
    assert roads.roads == Roads(*ROADS.values())
    assert (roads.base, roads.whatif, roads.difference) == pytest.approx((21.0, 19.0, -2.0))
    assert run_cells(roads)[-1] == "no clear difference"  # 0, -2, -4
    said = (
        "No call was reached sooner or later than in the base, in any replication. Traffic differs "
        "clearly: 12 fewer trips finish since the start of the warm-up at 17:00 (95% interval 7 to "
        "17)."
    )
    assert said in is_self_contained(comparison_page(found, small_city()))
    show(found, tmp_path / "report.html")
    printed = " ".join(capsys.readouterr().out.split())
    assert said in printed
    assert "What move-up costs" not in printed
    stored = found.as_dict()
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    line = next(row for row in stored["traffic"] if row["measure"] == "speed-of-roads")
    assert (line["unit"], line["roads"], line["shown"]) == ("km/h", ROADS, False)
    assert stored["moves"] == []


def test_trips_that_found_no_open_road_have_a_line(tmp_path, capsys) -> None:
    for base, whatif in pairs_of(tmp_path, 3):
        tell(base, vehicles=vehicles(3000, 2000))
        tell(whatif, vehicles=vehicles(2978, 2000, lost=22))
    found = found_in(tmp_path, 3)
    row = by_measure(found.traffic)["without-route"]
    assert run_cells(row)[:3] == ["0.0", "22.0", "+22.0 trips"]
    assert "trips that found no open road" in comparison_page(found, small_city())
    show(found, tmp_path / "report.html")
    assert "trips that found no open road" in capsys.readouterr().out


def test_what_was_driven_counts_each_interval_by_its_length(tmp_path) -> None:
    def row(t: float, link: int, on: float, speed: float) -> dict[str, float]:
        return {"t": t, "link": link, "vehicles": on, "speed_mps": speed, "left": 1}

    start = small_scenario().period.start_s
    rows = [
        row(start + 300, 0, 2.0, 10.0),
        row(start + 300, 1, 1.0, 5.0),
        row(start + 900, 0, 4.0, 0.0),  # nobody was on the road in the interval before
        row(start + 1000, 0, 3.0, 20.0),  # what was left of the period
    ]
    ((base, whatif),) = pairs_of(tmp_path, 1)
    for run in (base, whatif):
        tell(run, vehicles=vehicles(10, 5))
    put(base, "links", rows)
    put(whatif, "links", rows[:1])
    lines = by_measure(found_in(tmp_path, 1).traffic)
    # 2 * 300 + 1 * 300 + 4 * 300 + 3 * 100 = 2400 vehicle-seconds, 13 500 vehicle-metres.
    assert lines["driven"].base == pytest.approx(13.5)
    assert lines["on-road"].base == pytest.approx(2400 / 3600)
    assert lines["speed"].base == pytest.approx(13.5 / (2400 / 3600))
    assert lines["driven"].whatif == pytest.approx(6.0)
    assert lines["speed"].whatif == pytest.approx(36.0)
    assert run_cells(lines["speed"])[-1] == "one replication"
    assert traffic_reading(list(lines.values()), Period()) == ""


def test_the_time_of_trips_is_that_of_those_who_arrived_in_the_period(tmp_path) -> None:
    start = small_scenario().period.start_s

    def trip(planned: float, depart: float, arrive: float) -> dict[str, float]:
        return {
            "t_planned": start + planned,
            "t_depart": start + depart,
            "t_arrive": start + arrive,
        }

    for k, (base, whatif) in enumerate(pairs_of(tmp_path, 3)):
        for run in (base, whatif):
            tell(run, vehicles=vehicles(10, 5))
        # The first arrived in the warm-up; the others take 600 s and 200 s, 30 s and 10 s to enter.
        rows = [trip(-900, -900, -1), trip(-100, -70, 500), trip(0, 10, 200)]
        put(base, "trips", rows)
        put(whatif, "trips", [rows[0], trip(-100, -70, 500 + 10 * k), rows[2]])
    lines = by_measure(found_in(tmp_path, 3).traffic)
    assert (lines["trip-time"].base, lines["entry-wait"].base) == pytest.approx((400.0, 20.0))
    # Differences of 0, 5 and 10: 4.3027 * 5 / sqrt(3) = 12.42 either way.
    assert lines["trip-time"].difference == pytest.approx(5.0)
    assert (lines["trip-time"].low, lines["trip-time"].high) == pytest.approx(
        (-7.421, 17.421), abs=0.001
    )
    assert run_cells(lines["trip-time"])[2:] == [
        "+5.0 s", "-7.4 to +17.4 s", "no clear difference",
    ]  # fmt: skip
    assert lines["entry-wait"].same
    put(base, "trips", rows[:1])
    assert by_measure(found_in(tmp_path, 3).traffic)["trip-time"].replications == 2


def test_time_is_lost_against_the_free_flow_of_each_link(tmp_path) -> None:
    start = small_scenario().period.start_s
    ((base, whatif),) = pairs_of(tmp_path, 1)
    for run, slow in ((base, 5.0), (whatif, 2.0)):
        tell(run, vehicles=vehicles(10, 5))
        put(
            run,
            "links",
            [
                {"t": start + 300, "link": 0, "vehicles": 12.0, "speed_mps": slow, "left": 1},
                {"t": start + 300, "link": 2, "vehicles": 1.0, "speed_mps": 10.0, "left": 1},
            ],
        )
        free = {0: 20.0, 1: 15.0, 2: 10.0, 3: 5.0}
        names = [
            {"link": k, "link_id": k, "street": k, "free_mps": v, "length_m": 1.0}
            for k, v in free.items()
        ]
        put(run, "link_names", names)
    lost = by_measure(found_in(tmp_path, 1).traffic)["lost"]
    # An hour on link 0, where 5 m/s of 20 lose three quarters of it, and 2 m/s nine tenths.
    assert (lost.base, lost.whatif) == pytest.approx((0.75, 0.9))
    for run in (base, whatif):
        put(run, "link_names", [])
    assert "lost" not in by_measure(found_in(tmp_path, 1).traffic)


def test_signals_held_for_units_stand_where_any_was_held(tmp_path) -> None:
    for k, (base, whatif) in enumerate(pairs_of(tmp_path, 2)):
        tell(base, vehicles=vehicles(10, 5), preemptions={"held": 0, "signals": 0})
        tell(whatif, vehicles=vehicles(10, 5), preemptions={"held": 7 + 2 * k, "signals": 4})
    held = by_measure(found_in(tmp_path, 2).traffic)["preemptions"]
    assert (held.base, held.whatif, held.unit) == (0.0, 8.0, "times")
    # 7 and 9: t(0.975, 1) = 12.7062, times sqrt(2) / sqrt(2).
    assert (held.low, held.high) == pytest.approx((-4.706, 20.706), abs=0.001)
    for side in ("base", "whatif"):
        for k in range(2):
            tell(tmp_path / f"{side}-{k:03d}", preemptions={"held": 0, "signals": 0})
    assert "preemptions" not in by_measure(found_in(tmp_path, 2).traffic)


def test_a_side_without_traffic_and_runs_of_earlier_versions_have_no_such_lines(tmp_path) -> None:
    ((base, whatif),) = pairs_of(tmp_path, 1)
    tell(base, vehicles=vehicles(10, 5))
    tell(whatif, vehicles=vehicles(0, 0))
    assert found_in(tmp_path, 1).traffic == []
    tell(base, vehicles={"inserted": 10, "finished": 5})
    tell(whatif, vehicles=vehicles(11, 5))
    assert [row.measure for row in found_in(tmp_path, 1).traffic] == ["entered", "finished"]
    tell(base, vehicles=None)
    assert found_in(tmp_path, 1).traffic == []


def test_a_figure_is_compared_over_the_replications_that_have_it_on_both_sides(tmp_path) -> None:
    (one, _), two = pairs_of(tmp_path, 2)
    tell(one, vehicles={"inserted": 10})
    for run in two:
        tell(run, vehicles=vehicles(10, 4))
    lines = by_measure(found_in(tmp_path, 2).traffic)
    assert (lines["entered"].replications, lines["finished"].replications) == (2, 1)
    assert (lines["finished"].low, lines["finished"].high) == (None, None)


def line(measure: str, difference: float, half: float) -> RunDifference:
    unit = "km/h" if measure == "speed" else "trips"
    return RunDifference(
        measure=measure,
        unit=unit,
        roads=None,
        replications=4,
        base=50.0,
        whatif=50.0 + difference,
        difference=difference,
        low=difference - half,
        high=difference + half,
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [line("finished", -2047.0, 300.0), line("speed", -0.5, 0.6)],
            (
                "2,047 fewer trips finish since the start of the warm-up at 17:45 (95% interval "
                "1,747 to 2,347)"
            ),
        ),
        (
            [line("finished", 20.0, 4.0), line("speed", 1.5, 0.3)],
            (
                "20 more trips finish since the start of the warm-up at 17:45 (95% interval 16 to "
                "24), and the mean speed of all "
                "roads is 1.5 km/h higher (95% interval 1.2 to 1.8)"
            ),
        ),
        (
            [line("speed", -0.5, 0.3)],
            "the mean speed of all roads is 0.5 km/h lower (95% interval 0.2 to 0.8)",
        ),
        ([line("speed", -0.5, 0.46)], ""),  # an end that rounds to zero is zero
        ([line("removed", 50.0, 1.0)], ""),
    ],
)
def test_the_sentence_on_traffic(rows, said) -> None:
    period = Period(start="18:00", warm_up_min=15.0)
    assert traffic_reading(rows, period) == (f"Traffic differs clearly: {said}." if said else "")


def test_trips_are_whole_numbers_and_counted_from_the_warm_up() -> None:
    at_once = Period(start="18:00", warm_up_min=0.0)
    (few, many) = (line("finished", 3.0, 2.7), line("finished", 3.0, 1.2))
    assert traffic_reading([many], at_once) == (
        "Traffic differs clearly: 3 more trips finish (95% interval 2 to 4)."
    )
    # An end that excludes zero does not read as zero.
    assert "3.0 more trips finish (95% interval 0.3 to 5.7)" in traffic_reading([few], at_once)
    assert counted_since(at_once) is None
    assert counted_since(Period(start="00:15", end="02:00", warm_up_min=30.0)) == "23:45"
    assert counted_since(Period(start="18:00", warm_up_min=0.5)) == "17:59:30"


def test_what_move_up_costs_stands_where_a_side_has_a_rule_of_it(tmp_path, capsys) -> None:
    for k, (base, whatif) in enumerate(pairs_of(tmp_path, 3, **MOVEUP)):
        tell(base, move_ups={"made": 0, "by_unit": {}})
        tell(whatif, move_ups={"made": 5 + k, "by_unit": {"a1": 4 + k, "a2": 1}})
        side_m = json.loads((base / "run.json").read_text("utf-8"))["box"]["side_m"]
        frame = {"t": 64_800.0, "unit_id": "a1", "x": 0, "y": 0, "state": "idle"}
        there = {**frame, "t": 64_810.0, "x": 65_535}
        put(base, "unit_frames", [frame])
        put(whatif, "unit_frames", [frame, there])
    found = found_in(tmp_path, 3, **MOVEUP)
    rows = by_measure(found.moves)
    assert list(rows) == ["moves", "movers", "most-moves", "driven-by-units"]
    assert [row.difference for row in rows.values()] == pytest.approx([6, 2, 5, side_m / 1000])
    # 5, 6 and 7: 4.3027 / sqrt(3) either way.
    assert (rows["moves"].low, rows["moves"].high) == pytest.approx((3.516, 8.484), abs=0.001)
    assert run_cells(rows["moves"])[2:] == [
        "+6.0 moves", "+3.5 to +8.5 moves", "clear by itself",
    ]  # fmt: skip
    show(found, tmp_path / "report.html")
    page = is_self_contained(comparison_page(found, small_city()))
    for text in (" ".join(capsys.readouterr().out.split()), page):
        assert "What move-up costs" in text
        assert "most moves of one unit" in text
    assert found_in(tmp_path, 3).moves == []  # as if no side had a rule
    change = {"kind": "set-policy", "at": "18:10", "moveup": "dmexclp"}
    assert len(found_in(tmp_path, 3, changes=[change]).moves) == 4
    for side in ("base", "whatif"):
        tell(tmp_path / f"{side}-000", move_ups=None)
    older = by_measure(found_in(tmp_path, 3, **MOVEUP).moves)
    assert (older["moves"].replications, older["driven-by-units"].replications) == (2, 3)


CLOSED = {"kind": "close-hospital", "hospital": "h1"}
WITHOUT = {"hospitals": None}
WITH = {"hospitals": {"all": {"beds": 12}, "each": {}}}
ASKED = {"hospitals": {"all": {"beds": 0}, "each": {}}}


@pytest.mark.parametrize(
    ("fields", "runs", "told"),
    [
        ({"changes": [CLOSED]}, WITHOUT, True),
        ({"changes": [CLOSED]}, ASKED, True),
        ({"changes": [CLOSED]}, WITH, False),
        ({"changes": [CLOSED]}, {}, False),  # an earlier version does not say
        ({"changes": [{**CLOSED, "kind": "open-hospital"}]}, WITHOUT, True),
        ({"policy": {"hospital": "soonest-treatment"}}, WITHOUT, True),
        ({"changes": [{"kind": "set-policy", "at": "18:10", "hospital": "x"}]}, WITHOUT, True),
        ({"changes": [{"kind": "set-policy", "at": "18:10", "moveup": "x"}]}, WITHOUT, False),
        ({"changes": [{"kind": "remove-units", "units": ["a1"]}]}, WITHOUT, False),
    ],
)
def test_hospitals_without_beds_are_told_where_the_sides_take_patients_elsewhere(
    fields, runs, told
) -> None:
    sides = [(small_scenario(), [runs]), (small_scenario(**fields), [runs])]
    for both in (sides, sides[::-1]):
        codes = [note.code for note in cautions_of_runs(both)]
        assert codes == (["no-beds"] if told else [])
    both_close = [(small_scenario(**fields), [runs])] * 2
    assert cautions_of_runs(both_close) == []
