"""The files of a city of travel times and of its calls: what they say, and rubbish told by row."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from apps.cli.replay_calls import with_calls, with_short_calls
from tests.support.emergency import DAY
from tests.support.runs import small_city
from tests.support.table_city import META
from twin.city.bundle import load_city, save_city
from twin.city.report import quality
from twin.city.travel_table import read_table_city
from twin.core.clock import REPEATED, SKIPPED, instant_of
from twin.core.errors import InputError
from twin.demand.call_file import first_day, is_call_file, read_calls

GOOD = {
    "times": "from,to,seconds\na,b,60\nb,a,90.5\n",
    "places": "id,lon,lat\na,127.0,37.5\nb,127.1,37.5\n",
    "units": "id,base,on,off\nu1,a,,\nu2,b,08:00,72000\n",
    "hospitals": "id,place\nh1,b\n",
}


def city_of(folder: Path, **texts: str | bytes):
    paths = {}
    for name, text in {**GOOD, **texts}.items():
        paths[name] = folder / f"{name}.csv"
        paths[name].write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table_city(META, **paths)


def test_a_city_is_what_its_files_say_and_is_stored_whole(tmp_path):
    save_city(city_of(tmp_path), tmp_path / "city")
    city = load_city(tmp_path / "city")
    assert city.is_table
    assert city.travel_times.tolist() == [[0.0, 60.0], [90.5, 0.0]]
    assert city["places"]["place_id"].tolist() == ["a", "b"]
    assert city["places"]["x"].tolist() == pytest.approx([-4420.0, 4420.0], abs=2.0)
    assert city["units"][["unit_id", "station_id", "on_s", "off_s"]].to_numpy().tolist() == [
        ["u1", "a", 0.0, 0.0],
        ["u2", "b", 28_800.0, 72_000.0],
    ]
    assert city["hospitals"][["hospital_id", "link"]].to_numpy().tolist() == [["h1", 1]]
    rows = {row.item: row.value for row in quality(city)}
    assert (rows["places"], rows["unlike the way back"], rows["longest"]) == (2, 2, 90.5)


def test_a_square_table_may_be_in_any_order_and_hold_times_within_a_place(tmp_path):
    city = city_of(tmp_path, times="x,b,a\na,60,5\nb,0,90.5\n")
    assert city.travel_times.tolist() == [[5.0, 60.0], [90.5, 0.0]]
    metres = city_of(tmp_path, places="id,x,y\na,100,0\nb,300,50\n")
    assert np.diff(metres["places"]["x"]).tolist() == [200.0]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("times", "", "the file is empty"),
        ("times", "from;to;seconds\na;b;1\n", "row 1: its columns are not separated by commas"),
        ("times", "from,to,seconds\n", "no rows below the header"),
        ("times", b"from,to,seconds\na,b,\xff\n", "row 2: is not UTF-8"),
        ("times", "from,to,seconds\na,b\n", "row 2: has 2 cells, the header has 3"),
        ("times", "from,to,seconds\na,b,-1\nb,a,1\n", "row 2, field 'seconds': '-1' is not from 0"),
        ("times", "from,to,seconds\na,b,1\nb,a,nan\n", "row 3, field 'seconds': 'nan' is not"),
        ("times", "from,to,seconds\na,b,inf\nb,a,1\n", "'inf' is not finite"),
        ("times", "from,to,seconds\na,b,soon\nb,a,1\n", "'soon' is not a number"),
        ("times", "from,to,seconds\na,b,\nb,a,1\n", "row 2, field 'seconds': the value is missing"),
        ("times", "from,to,seconds\na,b,1\n", "there is no time from 'b' to 'a'"),
        ("times", "from,to,seconds\na,b,1\na,b,2\nb,a,1\n", "row 3, field 'to': the pair stands"),
        ("times", "from,to,seconds\na,c,1\n", "row 2, field 'to': there is no place 'c'"),
        ("times", "from,to,sec\na,b,1\n", "field 'seconds': the column is missing"),
        ("times", ",a,b\na,0,1\n", "has 1 rows and 2 columns of times, so it is not square"),
        ("times", ",a,c\na,0,1\nc,1,0\n", "field 'c': there is no place 'c'"),
        ("times", ",a,b\na,0,1\na,1,0\n", "row 3, field '': 'a' stands in row 2 already"),
        ("times", ",a,a\na,0,1\nb,1,0\n", "field 'a': the column occurs twice"),
        ("times", ",a\na,0\n", "the place 'b' is missing"),
        ("times", ",a,b\na,0,x\nb,1,0\n", "row 2, field 'b': 'x' is not a number"),
        ("places", "id,lon\na,1\nb,2\n", "field 'lat': the column is missing"),
        ("places", "id,lon,lat\na,1,1\na,2,2\n", "row 3, field 'id': 'a' stands in row 2 already"),
        ("places", "id,lon,lat\na,1,1\n,2,2\n", "row 3, field 'id': the value is missing"),
        ("places", "id,lon,lat\na,1,1\nb,2,91\n", "row 3, field 'lat': '91' is not from -85 to 85"),
        ("places", "id,lon,lat\na,1,1\nb,99,1\n", "over 1,000 km from the middle"),
        ("places", "id,x,y\na,1,1\nb,1,nan\n", "row 3, field 'y': 'nan' is not a number"),
        ("places", "name\na\n", "field 'id': the column is missing"),
        ("units", "id,base\nu,z\n", "row 2, field 'base': there is no place 'z'"),
        ("units", "id,base\nu,a\nu,b\n", "row 3, field 'id': 'u' stands in row 2 already"),
        ("units", "id\nu\n", "field 'base': the column is missing"),
        ("units", "id,base,on\nu,a,1\n", "field 'off': the column is missing"),
        ("units", "id,base,on,off\nu,a,25:00,1\n", "row 2, field 'on': '25:00' is no time of day"),
        ("units", "id,base,on,off\nu,a,1,nan\n", "row 2, field 'off': 'nan' is no time of day"),
        ("units", "id,base,on,off\nu,a,-1,1\n", "row 2, field 'on': '-1' is no time of day"),
        ("hospitals", "id,place\nh,\n", "row 2, field 'place': the value is missing"),
        ("hospitals", "id,place\nh,q\n", "row 2, field 'place': there is no place 'q'"),
        ("hospitals", "id,place\nh,a\nh,a\n", "row 3, field 'id': 'h' stands in row 2 already"),
    ],
)  # fmt: skip
def test_rubbish_is_told_by_file_row_and_column(tmp_path, file, text, message):
    with pytest.raises(InputError) as error:
        city_of(tmp_path, **{file: text})
    assert f"{file}.csv" in str(error.value)
    assert message in str(error.value)


def history(folder: Path, text: str):
    file = folder / "calls.csv"
    file.write_text(text)
    assert is_call_file(file)
    return read_calls(file, city_of(folder), DAY)


def test_calls_in_seconds_and_stamps_are_put_in_order(tmp_path):
    late = history(tmp_path, "id,t,place\n1,90000.25,a\n2,60,b\n")
    assert late["call_id"].tolist() == ["2", "1"]
    since = late["t_call"] - pd.Timestamp(DAY, tz="UTC")
    assert since.dt.total_seconds().tolist() == [60.0, 90_000.25]
    assert late["transport_unknown"].all()
    text = (
        "id,t,lon,lat,transport,hospital,scene_s,priority\n"
        "1,2025-03-05T08:00:00+09:00,127.09,37.5,,h1,,\n"
        "2,2025-03-04 22:00:00,127.01,37.5,no,,30,2\n"
    )
    stamped = history(tmp_path, text)
    assert stamped["call_id"].tolist() == ["2", "1"]
    assert stamped["link"].tolist() == [0, 1]
    assert stamped["transported"].tolist() == [False, True]
    assert not stamped["transport_unknown"].any()
    assert stamped["hospital_id"].tolist() == ["", "h1"]
    assert stamped["scene_s"].fillna(-1.0).tolist() == [30.0, -1.0]
    assert stamped["priority"].tolist() == [2, 1]
    assert first_day(tmp_path / "calls.csv", "UTC", DAY).isoformat() == "2025-03-04"


@pytest.mark.parametrize(
    ("timezone", "stamp", "utc", "rule"),
    [
        # 26 October 2025: 03:00 becomes 02:00. 30 March: 02:00 becomes 03:00, 01:00 UTC.
        ("Europe/Berlin", "2025-03-30 02:15:30", "2025-03-30 01:00:00", SKIPPED),
        ("Europe/Berlin", "2025-03-30 01:59:59", "2025-03-30 00:59:59", None),
        ("Europe/Berlin", "2025-03-30 03:00:00", "2025-03-30 01:00:00", None),
        ("Europe/Berlin", "2025-10-26 02:15:30", "2025-10-26 00:15:30", REPEATED),
        ("Europe/Berlin", "2025-10-26T02:15:30+01:00", "2025-10-26 01:15:30", None),
        ("Australia/Lord_Howe", "2025-10-05 02:15:00", "2025-10-04 15:30:00", SKIPPED),
        ("Asia/Seoul", "2025-03-30 02:15:30", "2025-03-29 17:15:30", None),
    ],
)
def test_an_hour_of_the_clock_change_is_mended_by_rule_and_counted(timezone, stamp, utc, rule):
    mended = Counter()
    found = instant_of(datetime.fromisoformat(stamp), timezone, mended)
    assert found == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert mended == ({} if rule is None else {rule: 1})


def test_files_of_calls_tell_how_many_times_they_mended(tmp_path, capsys):
    city = city_of(tmp_path)
    city.meta = city.meta.model_copy(update={"timezone": "Europe/Berlin"})
    file = tmp_path / "calls.csv"
    file.write_text(
        "id,t,place\n1,2025-03-30T02:15:30,a\n2,2025-03-30T02:45,b\n3,2025-03-30T04:00,b\n"
    )
    made = with_short_calls(city, file, DAY)
    utc = made["history"]["t_call"].dt.tz_convert("UTC").dt.strftime("%H:%M")
    assert utc.tolist() == ["01:00", "01:00", "02:00"]
    assert f"2 mended: {SKIPPED}" in capsys.readouterr().err
    streets = small_city()
    streets.meta = city.meta
    file.write_text(
        "call_id,t_call,lon,lat,t_onscene\n1,2025-10-26T02:15:30,127.0,37.5,2025-10-26T02:20:00\n"
    )
    made = with_calls(streets, file, None)
    assert made["history"]["t_call"].iloc[0] == pd.Timestamp("2025-10-26 00:15:30", tz="UTC")
    assert f"2 mended: {REPEATED}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,t\n1,2\n", "field 'lon': the column is missing"),
        ("id,t,place\n", "no rows below the header"),
        ("id,t,place\n1,2,z\n", "row 2, field 'place': there is no place 'z'"),
        ("id,t,place\n1,2,a\n1,3,a\n", "row 3, field 'id': '1' stands in row 2 already"),
        ("id,t,place\n1,-2,a\n", "row 2, field 't': '-2' is not from 0"),
        ("id,t,place\n1,nan,a\n", "row 2, field 't': 'nan' is not a number"),
        ("id,t,place\n1,2,a\n2,2025-03-05T08:00,a\n", "row 3, field 't': '2025-03-05T08:00'"),
        ("id,t,place\n1,2025-03-05T08:00,a\n2,7,a\n", "row 3, field 't': '7' is not a time"),
        ("id,t,place\n1,2025-03-05T08:00,a\n2,0001-01-01,a\n", "is not in the years 1900 to 2200"),
        ("id,t,place\n1,,a\n", "row 2, field 't': '' is not a time"),
        ("id,t,place,scene_s\n1,2,a,-5\n", "row 2, field 'scene_s': '-5' is not from 0 to 86400"),
        ("id,t,place,handover_s\n1,2,a,x\n", "row 2, field 'handover_s': 'x' is not a number"),
        ("id,t,place,transport\n1,2,a,maybe\n", "'maybe' is neither yes nor no"),
        ("id,t,place,hospital\n1,2,a,h9\n", "there is no hospital 'h9'; did you mean 'h1'?"),
        ("id,t,place,priority\n1,2,a,5\n", "row 2, field 'priority': '5' is not from 1 to 4"),
        ("id,t,place,priority\n1,2,a,1.5\n", "row 2, field 'priority': the priority is not"),
        ("id,t,lon,lat\n1,2,128.5,37.5\n", "row 2, field 'lon': the call is 124 km from the near"),
        ("id,t,lon,lat\n1,2,,37.5\n", "row 2, field 'lon': the value is missing"),
    ],
)  # fmt: skip
def test_rubbish_among_calls_is_told_by_row_and_column(tmp_path, text, message):
    with pytest.raises(InputError) as error:
        history(tmp_path, text)
    assert "calls.csv" in str(error.value)
    assert message in str(error.value)


def test_ten_mistakes_of_calls_are_told_at_once(tmp_path):
    text = (
        "id,t,place,priority,transport,scene_s\n"
        "1,60,a,2,yes,10\n1,-5,a,2,yes,10\n3,60,z,9,maybe,10\n4,60,b,1.5,no,x\n"
    )
    with pytest.raises(InputError) as caught:
        history(tmp_path, text)
    # Fields that are whole numbers by their kind are looked at where all are numbers.
    assert [(each.row, each.field) for each in caught.value.all] == [
        (3, "id"), (3, "t"), (4, "place"), (4, "transport"), (4, "priority"), (5, "scene_s"),
    ]  # fmt: skip
    rows = "".join(f"{k},{-k},a\n" for k in range(1, 30))
    with pytest.raises(InputError) as caught:
        history(tmp_path, f"id,t,place\n{rows}")
    assert [each.row for each in caught.value.all] == [*range(2, 12), None]
    assert str(caught.value.all[-1]) == "more mistakes like these are not shown"


def test_swapped_positions_are_told_as_such(tmp_path):
    with pytest.raises(InputError, match="longitude and latitude look swapped") as caught:
        history(tmp_path, "id,t,lon,lat\n1,60,37.5,127.01\n2,61,37.5,127.02\n")
    assert len(caught.value.all) == 1
    with pytest.raises(InputError, match=r"row 2, field 'lon': .* km from the nearest place$"):
        history(tmp_path, "id,t,lon,lat\n1,60,37.5,17.01\n")
