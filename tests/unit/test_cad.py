"""The dispatch reader: what it keeps, mends, sets aside and refuses."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pytest

from calibration.feeds.cad import read_cad
from calibration.feeds.calls import calls_of, note_chains
from calibration.feeds.mapping import CadMapping, load_mapping
from twin.core.errors import InputError, NotFoundError

MAPPING = CadMapping(
    source="test",
    timezone="America/Los_Angeles",
    timestamp_format="%Y-%m-%d %H:%M:%S",
    bounds=(-123.0, 37.0, -122.0, 38.0),
    location_pattern=r"\((?P<lat>[-\d.]+), (?P<lon>[-\d.]+)\)",
    columns={
        "call_id": "call",
        "unit_id": "unit",
        "row_id": "id",
        "nature": "nature",
        "unit_type": "type",
        "priority_code": "code",
        "determinant": "triage",
        "location": "where",
        "t_call": "received",
        "t_dispatch": "dispatched",
        "t_enroute": "enroute",
        "t_onscene": "onscene",
        "t_leave": "leave",
        "t_hospital": "hospital",
        "t_clear": "clear",
    },
    priorities={"determinant": {"E": 1}, "code": {"3": 2, "2": 3}},
    unit_kinds={"MEDIC": "ambulance", "ENGINE": "engine"},
    kinds={"Medical Incident": "medical", "Fire": "fire"},
)
STAMPS = ("received", "dispatched", "enroute", "onscene", "leave", "hospital", "clear")
HEADER = ["id", "call", "unit", "type", "nature", "code", "triage", "where", *STAMPS]


def response(call: str = "1", unit: str = "M1", **fields: str) -> list[str]:
    """Return one row; stamps are clock times of 2017-01-04 or whole stamps."""
    values = {
        "id": f"{call}-{unit}",
        "call": call,
        "unit": unit,
        "type": "MEDIC" if unit.startswith("M") else "ENGINE",
        "nature": "Medical Incident",
        "code": "3",
        "triage": "3",
        "where": "(37.5, -122.5)",
        "received": "08:00:00",
        "dispatched": "08:01:00",
        "enroute": "08:02:00",
        "onscene": "08:08:00",
        "leave": "08:28:00",
        "hospital": "08:40:00",
        "clear": "09:10:00",
        **fields,
    }
    for stamp in STAMPS:
        if len(values[stamp]) == len("08:00:00"):
            values[stamp] = f"2017-01-04 {values[stamp]}"
    return [values[name] for name in HEADER]


def text_of(*rows: list[str]) -> str:
    return "\n".join(",".join(f'"{value}"' for value in row) for row in (HEADER, *rows)) + "\n"


def write(folder: Path, *rows: list[str]) -> Path:
    path = folder / "cad.csv"
    path.write_text(text_of(*rows), encoding="utf-8")
    return path


def test_local_time_becomes_utc_and_codes_become_words(tmp_path: Path) -> None:
    feed = read_cad(write(tmp_path, response(), response("2", "E7", triage="E")), MAPPING)
    row, echo = feed.responses.iloc[0], feed.responses.iloc[1]
    assert row["t_call"] == pd.Timestamp("2017-01-04 16:00:00", tz="UTC")
    assert (row["kind"], row["unit_kind"], row["priority"]) == ("medical", "ambulance", 2)
    assert (echo["unit_kind"], echo["priority"]) == ("engine", 1)
    assert (row["lon"], row["lat"]) == (-122.5, 37.5)
    assert feed.quality.kept == 2
    assert not feed.quality.mended
    assert not feed.quality.set_aside


def test_rules_that_mend_are_applied_and_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        response("1", enroute="08:08:00"),
        response("2", hospital="08:20:00"),
        response("3", clear="2017-01-06 09:00:00"),
        response("4", onscene="07:00:00"),
        response("5", where=""),
        response("5", "E1"),
        response("6", dispatched="07:59:00"),
    )
    feed = read_cad(path, MAPPING)
    rows = feed.responses.set_index(["call_id", "unit_id"])
    assert feed.quality.mended == {
        "t_enroute pressed with t_onscene: t_enroute blanked": 1,
        "t_hospital before t_leave: both blanked": 1,
        "t_clear before or a day after receipt: blanked": 1,
        "t_onscene before or a day after receipt: blanked": 1,
        "position taken from another response to the call": 1,
        "dispatched before or a day after receipt: set to receipt": 1,
    }
    assert rows.loc[("1", "M1"), ["t_enroute"]].isna().all()
    assert rows.loc[("2", "M1"), ["t_leave", "t_hospital"]].isna().all()
    assert rows.loc[("2", "M1"), "transported"]
    assert rows.loc[("2", "M1"), ["t_onscene", "t_clear"]].notna().all()
    assert rows.loc[("5", "M1"), "lat"] == 37.5
    assert rows.loc[("6", "M1"), "t_dispatch"] == rows.loc[("6", "M1"), "t_call"]


def test_rows_are_set_aside_for_a_reason(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        response("1"),
        response("1"),
        response("", id="a"),
        response("2", unit="", id="b", type="MEDIC"),
        response("3", received=""),
        response("4", dispatched=""),
        response("5", where="(0.0, 0.0)"),
    )
    feed = read_cad(path, MAPPING)
    assert feed.responses["call_id"].tolist() == ["1"]
    assert feed.quality.set_aside == {
        "repeats an earlier row exactly": 1,
        "no call number": 1,
        "no unit number": 1,
        "no time of receipt": 1,
        "no time of dispatch": 1,
        "no position inside the bounds": 1,
    }
    assert feed.quality.rows == 7
    assert feed.quality.lines()[0] == "7 rows read, 1 kept"


def test_clock_changes_are_read_by_a_stated_rule(tmp_path: Path) -> None:
    autumn = dict.fromkeys(STAMPS[2:], "")
    path = write(
        tmp_path,
        response("1", received="2017-11-05 01:30:00", dispatched="2017-11-05 01:31:00", **autumn),
        response("2", received="2017-03-12 02:30:00", dispatched="2017-03-12 03:05:00", **autumn),
    )
    feed = read_cad(path, MAPPING)
    assert feed.responses["t_call"].tolist() == [
        pd.Timestamp("2017-11-05 08:30:00", tz="UTC"),
        pd.Timestamp("2017-03-12 10:00:00", tz="UTC"),
    ]
    assert feed.quality.mended.total() == 2


def test_a_chain_across_the_autumn_change_runs_forward(tmp_path: Path) -> None:
    day = "2017-11-05 "
    path = write(
        tmp_path,
        # On scene at 01:00 by the clock, ten minutes after the call at 01:50: the second 01:00.
        response("1", received=day + "01:50:00", dispatched=day + "01:51:00",
                 enroute=day + "01:52:00", onscene=day + "01:00:00", leave=day + "01:20:00",
                 hospital=day + "01:30:00", clear=day + "02:10:00"),
        # Dispatched at 02:01, which there is once: the call came three minutes before.
        response("2", received=day + "01:58:00", dispatched=day + "02:01:00",
                 enroute=day + "02:02:00", onscene=day + "02:10:00", leave="", hospital="",
                 clear=day + "02:40:00"),
    )  # fmt: skip
    feed = read_cad(path, MAPPING)
    rows = feed.responses.set_index("call_id")
    minutes = (rows["t_onscene"] - rows["t_call"]).dt.total_seconds() / 60.0
    assert minutes.to_dict() == {"1": 10.0, "2": 12.0}
    assert rows.loc["1", "t_call"] == pd.Timestamp("2017-11-05 08:50:00", tz="UTC")
    assert rows.loc["1", "t_clear"] == pd.Timestamp("2017-11-05 10:10:00", tz="UTC")
    assert feed.quality.mended == {
        "an hour that the clock change repeats, read as its second where the first would run "
        "backward": 2,
    }


def test_some_rubbish_is_set_aside_and_the_rest_is_kept(tmp_path: Path) -> None:
    good = [response(str(k)) for k in range(9)]
    path = write(
        tmp_path, *good, response("3", onscene="08:09:00"), response("x")[:-3],
        response("y", onscene="unknown!"), response("z", received="9999-99-99 00:00:00"),
        response("v", where="(inf, nan)"), response("w", where="(-122.5, 37.5)"),
    )  # fmt: skip
    feed = read_cad(path, MAPPING)
    assert feed.quality.rows == 15
    assert feed.quality.kept == 10
    assert feed.quality.set_aside == {
        "has the row id of an earlier row and other contents": 1,
        "another number of fields than the header has": 1,
        "no time of receipt": 1,
        "no position inside the bounds": 2,
    }
    assert feed.quality.mended == {
        "t_onscene is no time: blanked": 1,
        "t_call is no time: blanked": 1,
    }
    assert feed.responses.set_index("call_id").loc["3", "row"] == 5
    path.write_text(text_of())
    with pytest.raises(InputError, match="no rows below the header"):
        read_cad(path, MAPPING)


def test_nemsis_names_codes_and_stamps_with_their_zone(tmp_path: Path) -> None:
    mapping = load_mapping("nemsis")
    path = tmp_path / "nemsis.csv"
    head = ",".join(mapping.columns.values())
    day = "2025-03-09T0"  # the clocks go forward at 02:00
    path.write_text(
        f"{head}\n"
        f'7,M1,2207015,2301021,2305001,"37.77,-122.42",{day}1:58:00-08:00,{day}1:59:00.5-08:00,'
        f"{day}3:00:00-07:00,{day}3:06:00-07:00,,,{day}3:50:00-07:00\n"
        f'8,M2,2207017,2301071,2305007,"37.77,-122.42",{day}5:00:00-07:00,{day}5:01:00-07:00'
        ",,,,,\n"
        f'9,M2,2207017,2301069,,"37.77,-122.42",{day}6:00:00-07:00,{day}6:01:00-07:00,'
        f"{day}6:02:00,,,,\n"
    )
    with pytest.raises(InputError, match="2017-01-04T17:05:09-08:00"):
        # The last en-route stamp names no zone: one of two in its column.
        read_cad(path, mapping)
    path.write_text(path.read_text().replace("6:02:00,", "6:02:00Z,"))
    rows = read_cad(path, mapping).responses.set_index("call_id")
    assert rows["kind"].to_dict() == {"7": "medical", "8": "other", "9": "collision"}
    assert rows["priority"].to_dict() == {"7": 1, "8": 4, "9": 2}
    assert set(rows["unit_kind"]) == {"ambulance"}
    assert rows.loc["7", ["lat", "lon"]].tolist() == [37.77, -122.42]
    assert (rows.loc["7", "t_onscene"] - rows.loc["7", "t_call"]).total_seconds() == 480.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"timestamp_format": ""}, "does not hold day, month"),
        ({"timestamp_format": "%Q"}, "no form of time stamps"),
        ({"encoding": "klingon"}, "no encoding"),
        ({"location_pattern": "("}, "no regular expression"),
        ({"bounds": (10.0, 10.0, -10.0, -10.0)}, "west, south, east, north"),
        ({"priorities": {"code": {"3": 9}}}, "less than or equal to 4"),
        ({"timezone": ""}, "is needed"),
    ],
)
def test_mappings_that_cannot_work_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CadMapping.model_validate({**MAPPING.model_dump(), **change})


def test_chain_is_the_first_ambulance_and_first_help_is_kept(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        response("1", "E9", onscene="08:05:00", leave="", hospital="", clear="08:30:00"),
        response("1", "M2", dispatched="08:00:30", onscene="", leave="", hospital="", enroute=""),
        response("1", "M1"),
        response("2", "E9", nature="Alarm", leave="", hospital=""),
    )
    feed = read_cad(path, MAPPING)
    calls = calls_of(feed)
    note_chains(feed, calls)
    first = calls.set_index("call_id").loc["1"]
    assert (first["unit_id"], first["unit_kind"]) == ("M1", "ambulance")
    assert first["t_onscene"] - first["t_call"] == pd.Timedelta(minutes=8)
    assert first["t_first_onscene"] - first["t_call"] == pd.Timedelta(minutes=5)
    assert first["t_first_dispatch"] - first["t_call"] == pd.Timedelta(seconds=30)
    assert first["transported"]
    assert feed.quality.noted["calls of kind other"] == 1


@pytest.mark.parametrize(
    ("rows", "row", "field", "words"),
    [
        ([response(received="31/12/2017 08:00")], 2, "received", "no time of 1970-2100"),
        ([response(), response("2", onscene="0017-01-04 08:00:00")], 3, "onscene", "0017"),
        ([response(), response(onscene="08:09:00")], 3, "id", "two rows that differ"),
        ([response(), response("2")[:-1]], 3, None, "14 fields where the header has 15"),
    ],
)
def test_rubbish_names_file_row_and_field(
    tmp_path: Path, rows: list[list[str]], row: int, field: str | None, words: str
) -> None:
    path = write(tmp_path, *rows)
    with pytest.raises(InputError, match=words) as caught:
        read_cad(path, MAPPING)
    assert (caught.value.file, caught.value.row, caught.value.field) == (str(path), row, field)


def test_missing_column_empty_file_and_no_file(tmp_path: Path) -> None:
    path = tmp_path / "cad.csv"
    path.write_text(text_of(response()).replace("onscene", "on_scene"), encoding="utf-8")
    with pytest.raises(InputError, match="column is missing") as caught:
        read_cad(path, MAPPING)
    assert (caught.value.row, caught.value.field) == (1, "onscene")
    path.write_text("")
    with pytest.raises(InputError, match="empty"):
        read_cad(path, MAPPING)
    with pytest.raises(NotFoundError):
        read_cad(tmp_path / "none.csv", MAPPING)


def test_a_refused_file_is_closed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to the garbage collector, the warning would fall into whatever runs by then."""
    path = tmp_path / "cad.csv"
    path.write_text(text_of(response()).replace("onscene", "on_scene"), encoding="utf-8")
    opened: list[IO[Any]] = []
    plain = Path.open

    def watched(self: Path, *arguments: Any) -> IO[Any]:
        opened.append(plain(self, *arguments))
        return opened[-1]

    monkeypatch.setattr(Path, "open", watched)
    with pytest.raises(InputError, match="column is missing") as caught:
        read_cad(path, MAPPING)
    assert opened
    assert all(stream.closed for stream in opened), caught.value


def test_truncated_gzip_and_other_encodings(tmp_path: Path) -> None:
    whole = gzip.compress(text_of(*(response(str(k)) for k in range(200))).encode())
    path = tmp_path / "cad.csv.gz"
    path.write_bytes(whole)
    assert read_cad(path, MAPPING).quality.kept == 200
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut short"):
        read_cad(path, MAPPING)
    path.write_bytes(text_of(response(), response("2", where="Peña")).encode("latin-1"))
    with pytest.raises(InputError, match="not utf-8 text") as caught:
        read_cad(path, MAPPING)
    assert caught.value.row == 3
    path.write_bytes(text_of(response()).encode("utf-16"))
    with pytest.raises(InputError, match="not utf-8 text"):
        read_cad(path, MAPPING)
    path.write_bytes(b'id,call\n"1,2\n')
    with pytest.raises(InputError):
        read_cad(path, MAPPING)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ('timezone = "America/Los_Angeles"', "timezone"),
        ('call_id = "Call Number"', "columns"),
        ('nature = "Call Type"', None),
    ],
)
def test_mapping_files_are_checked(tmp_path: Path, change: str, field: str | None) -> None:
    shipped = Path(load_mapping.__code__.co_filename).parent / "mappings" / "san-francisco.toml"
    text = shipped.read_text(encoding="utf-8")
    path = tmp_path / "map.toml"
    broken = {"timezone": 'timezone = "Mars/Base"', "columns": 'colour = "x"'}.get(field or "", "")
    path.write_text(text.replace(change, broken), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_mapping(path)
    assert caught.value.file == str(path)
    with pytest.raises(NotFoundError):
        load_mapping("atlantis")
    path.write_text("not toml")
    with pytest.raises(InputError, match="not a TOML file"):
        load_mapping(path)


@pytest.mark.data
def test_san_francisco_export(twin_data: Path) -> None:
    path = twin_data / "san_francisco/ems/sffd_calls_2016-12-31_2017-01-07.csv.gz"
    mapping = load_mapping("san-francisco")
    feed = read_cad(path, mapping)
    assert feed.quality.rows == 7704
    assert feed.quality.set_aside == {"no position inside the bounds": 4}
    calls = calls_of(feed)
    assert len(calls) == 3556
    medical = calls[calls["kind"] == "medical"]
    local = medical["t_call"].dt.tz_convert(mapping.timezone).dt.strftime("%Y-%m-%d")
    assert (local == "2017-01-04").sum() == 332
    assert len(medical) == 2688
    response_s = (medical["t_onscene"] - medical["t_call"]).dt.total_seconds()
    assert 480 < response_s[medical["priority"] == 2].median() < 500
