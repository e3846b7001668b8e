"""Lines from tables and from GTFS, and what is said of files with something wrong."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

from tests.support.transit import feed, places, route_of, streets, tables, write, write_zip
from twin.core.errors import InputError
from twin.core.random import Streams
from twin.demand import gtfs_files
from twin.demand.gtfs import read_gtfs
from twin.demand.transit import Dwell, Pattern, Plan, Run, Stop, dwells_of
from twin.demand.transit_match import laid_on_streets
from twin.demand.transit_tables import read_tables
from twin.traffic.router import Router

DAY = date(2025, 3, 5)  # a Wednesday
EIGHT, NINE, TEN = 8 * 3600.0, 9 * 3600.0, 10 * 3600.0
FIXED = Dwell(20.0)


@pytest.fixture(scope="module")
def network():
    return streets()


def read_feed(path: Path, day: date = DAY, span: tuple[float, float] = (EIGHT, TEN)) -> Plan:
    return read_gtfs(path, day, span, dwell=FIXED)


def test_tables_give_lines_departures_and_due_times(network, tmp_path):
    plan = read_tables(write(tmp_path, tables(network)), network, dwell_s=12.0)
    (pattern,) = plan.patterns
    assert pattern.line == "7"
    assert pattern.timing == (False, False, True, False, False)
    assert {dwell.mean_s for dwell in pattern.dwells} == {12.0}
    assert {(dwell.board_s, dwell.doors_s) for dwell in pattern.dwells} == {(2.0, 5.0)}
    starts = [run.depart_s[0] for run in plan.runs]
    assert starts == [EIGHT, EIGHT + 300, EIGHT + 600, EIGHT + 900, EIGHT + 1800]
    assert plan.runs[1].depart_s.tolist() == [EIGHT + 300 + 60 * n for n in range(5)]


def test_stops_named_by_link_are_served_there(network, tmp_path):
    plan = read_tables(write(tmp_path, tables(network)), network, dwell_s=12.0)
    (course,) = laid_on_streets(plan, network, Router(network).routes).courses.values()
    assert course.route.tolist() == course.link.tolist() == route_of(network)
    assert course.along_m == pytest.approx([100.0, 300.0, 500.0, 700.0, 900.0])


def test_a_feed_gives_the_buses_of_the_day(network, tmp_path):
    plan = read_feed(write_zip(tmp_path / "feed.zip", feed(network)))
    assert [run.name for run in plan.runs] == ["A", "B#0", "B#1", "B#2"]
    assert [run.depart_s[0] for run in plan.runs] == [EIGHT + 20, NINE, NINE + 600, NINE + 1200]
    assert plan.left_out == {"routes that are not buses": 1, "trips of other days": 1}
    a = plan.runs[0]
    # The third stop has no time: half way between 08:01:20 and 08:03:00.
    assert a.arrive_s[2] == a.depart_s[2] == EIGHT + 130.0
    assert plan.patterns[a.pattern].timing == (True, True, False, True, True)
    folder = read_feed(write(tmp_path / "feed", feed(network)))
    assert [run.depart_s.tolist() for run in folder.runs] == [
        run.depart_s.tolist() for run in plan.runs
    ]
    inside = read_feed(write_zip(tmp_path / "deep.zip", feed(network), inside="gtfs/"))
    assert len(inside.runs) == 4


def test_a_long_stand_before_a_stop_without_a_time_is_no_fault(network, tmp_path):
    files = feed(network)
    times = files["stop_times.txt"].replace("S0,08:00:00,08:00:20", "S0,07:50:00,08:01:00")
    files["stop_times.txt"] = times.replace("S1,08:01:00,08:01:20", "S1,,")
    a = read_feed(write(tmp_path, files)).runs[0]
    assert a.arrive_s[1:3] == pytest.approx([EIGHT + 100.0, EIGHT + 140.0])


def test_rows_are_counted_as_they_stand_in_the_file(network, tmp_path):
    files = feed(network)
    files["routes.txt"] = files["routes.txt"].replace("\nR7", "\n\n\nR7").replace(",3\n", ",bus\n")
    with pytest.raises(InputError, match="not a number") as caught:
        read_feed(write(tmp_path, files))
    assert caught.value.row == 4


def test_rows_wider_than_the_header_do_not_shift_their_columns(network, tmp_path):
    files = feed(network)
    files["routes.txt"] = "route_id,route_short_name,route_type\nR7,Bus 7, express,3\n"
    with pytest.raises(InputError, match="the row has 4 values, the header 3") as caught:
        read_feed(write(tmp_path, files))
    assert caught.value.row == 2
    files["routes.txt"] = "route_id,route_type,route_id\nR7,3,R7\n"
    with pytest.raises(InputError, match="the column occurs twice"):
        read_feed(write(tmp_path, files))


def test_days_off_and_nights(network, tmp_path):
    path = write(tmp_path, feed(network))
    assert read_feed(path, date(2025, 3, 6)).runs == []  # taken out by calendar_dates
    assert read_feed(path, date(2025, 3, 8)).runs == []  # a Saturday
    # The buses of Wednesday seen from Thursday's midnight, and from Tuesday's.
    night = {**feed(network), "frequencies.txt": "trip_id,start_time,end_time,headway_secs\n"}
    night["stop_times.txt"] = (
        night["stop_times.txt"].replace(",08:", ",25:").replace(",06:", ",26:")
    )
    path = write(tmp_path / "night", night)
    (late,) = read_feed(path, date(2025, 3, 6), (3600.0, 5000.0)).runs
    assert late.depart_s[0] == 3600.0 + 20.0
    (same,) = read_feed(path, DAY, (25 * 3600.0, 25 * 3600.0 + 1400.0)).runs
    assert same.depart_s[0] == 25 * 3600.0 + 20.0


def test_stops_are_matched_to_the_side_on_which_the_bus_drives(network, tmp_path):
    plan = read_feed(write(tmp_path, feed(network)))
    course = laid_on_streets(plan, network, Router(network).routes).courses[0]
    assert course.route.tolist() == route_of(network)
    assert course.pos_m == pytest.approx([100.0] * 5, abs=1.0)
    # The same stops the other way round: across the road there is a link that leads there.
    back = plan.patterns[0]._replace(stops=tuple(reversed(plan.patterns[0].stops)))
    other = plan._replace(patterns=[back], runs=[])
    (returned,) = laid_on_streets(other, network, Router(network).routes).courses.values()
    assert returned is not None
    there = list(zip(network.link_from, network.link_to, strict=True))
    assert [there[link] for link in returned.route] == [
        (b, a) for a, b in reversed([there[link] for link in route_of(network)])
    ]


def test_stops_away_from_roads_are_left_out_and_counted(network, tmp_path):
    files = feed(network)
    lon, lat = places(network)[2]
    files["stops.txt"] = files["stops.txt"].replace(f"{lat!r},{lon!r}", f"{lat - 0.01!r},{lon!r}")
    service = laid_on_streets(read_feed(write(tmp_path, files)), network, Router(network).routes)
    assert service.plan.left_out["stops without a road near them"] == 1
    course = service.courses[0]
    assert course.call.tolist() == [0, 1, 3, 4]
    assert course.route.tolist() == route_of(network)


def test_a_stop_that_no_road_leads_to_is_left_out_and_counted(network):
    one = route_of(network)
    here, there = int(one[1]), int(one[0])
    stops = [Stop("a", "", np.nan, np.nan, here, 50.0), Stop("b", "", np.nan, np.nan, there, 50.0)]

    def nowhere(a, _):
        return np.zeros(len(a) + 1, np.int32), np.empty(0, np.int32)

    plan = read_tables_plan(stops)
    service = laid_on_streets(plan, network, nowhere)
    assert service.courses == {}
    assert service.plan.runs == []
    assert service.plan.left_out == {
        "stops that no road leads to from the stop before": 1,
        "runs with fewer than two stops on the streets": 1,
    }


def read_tables_plan(stops: list[Stop]) -> Plan:
    n = len(stops)
    pattern = Pattern("x", tuple(range(n)), (FIXED,) * n, (False,) * n)
    times = np.arange(n) * 60.0
    return Plan(stops, [pattern], [Run("x 1", 0, times, times)], Counter())


def test_dwell_times_have_the_mean_and_spread_that_are_asked_for():
    rng = np.random.default_rng(1)
    drawn = np.array([Dwell(20.0, 8.0).draw(rng) for _ in range(4000)])
    assert drawn.mean() == pytest.approx(20.0, rel=0.03)
    assert drawn.std() == pytest.approx(8.0, rel=0.08)
    boarding = np.array([Dwell(20.0, 0.0, 6.0, 2.0, 4.0).draw(rng) for _ in range(4000)])
    assert boarding.mean() == pytest.approx(4.0 + 2.0 * 6.0, rel=0.03)
    assert Dwell(20.0).draw(rng) == 20.0
    plan = read_tables_plan([Stop("a", "", 0, 0), Stop("b", "", 0, 0)])
    dwells = dwells_of(plan.patterns[0], plan.runs[0], Streams(1))
    assert dwells.tolist() == [20.0, 20.0]


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "why"),
    [
        ("stops.csv", "100,60", "abc,60", "pos_m", "not a number"),
        ("stops.csv", "100,60", "999,60", "pos_m", "shorter than '999' m"),
        ("stops.csv", "100,120", "100,10", "after_s", "earlier than at the stop before"),
        ("stops.csv", "line,stop", "way,stop", "line", "column is missing"),
        ("stops.csv", "timing", "bay", "bay", ""),
        ("stops.csv", "7,Stop 0", "8,Stop 0", "line", "no line '8' in lines.csv"),
        ("departures.csv", "7,08:00", "9,08:00", "line", "no line '9' in stops.csv"),
        ("departures.csv", "08:30", "8 am", "depart", "not a clock time"),
        ("departures.csv", "7,,,,08:30", "7,,,,", "depart", "give `depart`"),
        ("departures.csv", "08:20,300", "07:20,300", "until", "before"),
        ("departures.csv", "300", "0", "every_s", "not from 10"),
        ("lines.csv", "2.0", "nan", "board_s", "not from 0"),
    ],
)
def test_faults_of_tables_are_named(network, tmp_path, file, old, new, where, why):
    files = tables(network)
    assert old in files[file]
    files[file] = files[file].replace(old, new, 1)
    if not why:
        files[file] = files[file].replace("100,60,0", "100,60,yes")
        why = "'yes' is not 0 or 1"
    with pytest.raises(InputError, match=why.replace("(", r"\(")) as caught:
        read_tables(write(tmp_path, files), network, dwell_s=10.0)
    assert caught.value.field == where
    assert caught.value.row is not None
    assert str(caught.value.file).endswith(file)


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "why"),
    [
        ("stop_times.txt", "S1", "S9", "stop_id", "no stop 'S9'"),
        ("stop_times.txt", "A,1,S1", "A,1,P", "stop_id", "no stop 'P' in stops.txt where"),
        ("stop_times.txt", "08:01:00", "8 o'clock", "arrival_time", "not HH:MM:SS"),
        ("stop_times.txt", "08:01:00", "08:59:00", "departure_time", "before the arrival"),
        (
            "stop_times.txt",
            "08:03:00,08:03:20",
            "07:03:00,08:03:20",
            "arrival_time",
            "before the dep",
        ),
        ("stop_times.txt", "A,1,", "A,0,", "stop_sequence", "comes twice"),
        ("stop_times.txt", "A,1,", "A,x,", "stop_sequence", "not a number"),
        ("stop_times.txt", "08:00:00,08:00:20", ",", "departure_time", "first and the last"),
        ("stops.txt", "stop_lat", "lat", "stop_lat", "missing"),
        ("routes.txt", ",3\n", ",bus\n", "route_type", "not a number"),
        ("trips.txt", "R7,W,B", "R8,W,B", "route_id", "no route 'R8'"),
        ("trips.txt", "R7,W,B", "R7,W,A", "trip_id", "'A' occurs twice"),
        ("calendar.txt", "20250101", "01.01.25", "start_date", "not YYYYMMDD"),
        ("calendar_dates.txt", ",2\n", ",7\n", "exception_type", "not from 1 to 2"),
        ("frequencies.txt", "600", "0", "headway_secs", "not from 1"),
        ("frequencies.txt", "09:30:00", "08:30:00", "end_time", "before the start"),
    ],
)
def test_faults_of_a_feed_are_named(network, tmp_path, file, old, new, where, why):
    files = feed(network)
    assert old in files[file]
    files[file] = files[file].replace(old, new, 1)
    with pytest.raises(InputError, match=why) as caught:
        read_feed(write(tmp_path, files))
    assert caught.value.field == where
    assert caught.value.row is not None
    assert str(caught.value.file).endswith(file)


def test_feeds_that_are_none(network, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no such file"):
        read_feed(tmp_path / "gone.zip")
    rubbish = tmp_path / "rubbish.zip"
    rubbish.write_bytes(b"PK\x03\x04 this is no archive")
    with pytest.raises(InputError, match="not a ZIP"):
        read_feed(rubbish)
    with pytest.raises(InputError, match=r"no stops.txt"):
        read_feed(write(tmp_path / "empty", {}))
    files = feed(network)
    del files["calendar.txt"], files["calendar_dates.txt"]
    with pytest.raises(InputError, match="neither calendar"):
        read_feed(write(tmp_path / "days", files))
    files = feed(network)
    files["stop_times.txt"] += "A,9,S1,08:09:00,08:09:00,too,many\n"
    with pytest.raises(InputError, match="has 7 values, the header 5"):
        read_feed(write(tmp_path / "wide", files))
    (tmp_path / "days" / "stops.txt").write_bytes(b"stop_id\n\xff\xfe\n")
    with pytest.raises(InputError, match="not UTF-8"):
        read_feed(tmp_path / "days")
    monkeypatch.setattr(gtfs_files, "MAX_BYTES", 100)
    with pytest.raises(InputError, match="unpacks to more than"):
        read_feed(write_zip(tmp_path / "large.zip", feed(network)))


def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused(network, tmp_path, monkeypatch):
    monkeypatch.setattr(gtfs_files, "SMALL_BYTES", 10_000)
    path = tmp_path / "bomb.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, text in feed(network).items():
            archive.writestr(name, text + 2_000_000 * " " if name == "stops.txt" else text)
    with pytest.raises(InputError, match="more than 100 times its archive"):
        read_feed(path)


def test_an_archive_cannot_reach_other_files(network, tmp_path):
    write(tmp_path / "secret", feed(network))
    path = tmp_path / "evil.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("../secret/stops.txt", "stop_id\n")
    with pytest.raises(InputError, match=r"no stops.txt"):
        read_feed(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evil.zip", "secret"]
