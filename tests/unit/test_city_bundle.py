"""A stored city comes back equal, and damage is found."""

import errno
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twin.city.bundle import FORMAT, OtherVersionError, empty_table, load_city, read_meta, save_city
from twin.city.columns import ROWS
from twin.city.model import TABLES, City, Distribution, Meta, Service
from twin.core.errors import InputError, NotFoundError
from twin.network.build import BuildReport
from twin.network.generate import grid


def small_city(name: str = "small", stations: int = 2) -> City:
    stations_table = pd.DataFrame(
        {
            "station_id": [f"s{k}" for k in range(stations)],
            "name": ['종로 "119"\\센터'] * stations,
            "kind": ["ems"] * stations,
            "lon": np.linspace(127.0, 127.1, stations),
            "lat": np.full(stations, 37.5),
            "link": np.arange(stations, dtype=np.int32),
            "pos_m": np.full(stations, 12.5, np.float32),
        }
    )
    history = pd.DataFrame(
        {
            column: pd.Series(
                [pd.Timestamp("2017-01-04 08:00:00.250", tz="UTC"), pd.NaT]
                if kind == "timestamp"
                else ["", "x"]
                if kind == "str"
                else [True, False]
                if kind == "bool"
                else [1, 2],
                dtype="datetime64[us, UTC]" if kind == "timestamp" else kind,
            )
            for column, kind in TABLES["history"].items()
        }
    )
    districts = empty_table("districts")
    districts.loc[0] = ["종로구", "Jongno", "종로구", b"\x01\x02\x00\xff"]
    return City(
        meta=Meta(
            name=name,
            title={"en": "Small", "ko": "작은 도시"},
            timezone="Asia/Seoul",
            synthesised=True,
            notice={"en": 'A "drawing"\nof our own\x7f'},
            attribution=["nobody"],
            assumptions=["one", "two"],
        ),
        network=grid(3, 4),
        tables={"stations": stations_table, "history": history, "districts": districts},
        service={
            "": Service(
                durations={"medical.scene.1": Distribution(family="lognormal", a=6.5, b=0.5, n=9)},
                p_transport={"medical": 0.7},
                p_priority={"medical": {"1": 0.25, "2": 0.75}},
            ),
            "2017-01-04": Service(),
        },
        build=BuildReport(source="roads.osm", counts={"raw links": 40}, imputed={"lanes": 0.25}),
    )


def test_comes_back_equal(tmp_path):
    city = small_city()
    save_city(city, tmp_path / "small")
    again = load_city(tmp_path / "small")
    assert again.meta == city.meta
    assert again.service == city.service
    assert again.build == city.build
    for field in fields(city.network):
        old, new = getattr(city.network, field.name), getattr(again.network, field.name)
        if isinstance(old, np.ndarray):
            assert (new.dtype, new.tobytes()) == (old.dtype, old.tobytes()), field.name
            assert not new.flags.writeable
        else:
            assert new == old
    assert set(again.tables) == set(TABLES)
    for name in TABLES:
        frame = city.tables.get(name, empty_table(name))
        pd.testing.assert_frame_equal(again[name], frame, check_dtype=True, obj=name)
    assert read_meta(tmp_path / "small") == city.meta


def test_saving_again_gives_the_same_bytes_and_no_litter(tmp_path):
    save_city(small_city(), tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    save_city(small_city(stations=1), tmp_path)
    assert len(load_city(tmp_path)["stations"]) == 1
    assert len(list(tmp_path.iterdir())) == len(before)
    save_city(small_city(), tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("nth", [1, 5, 21])
def test_failed_save_keeps_the_stored_city(tmp_path, monkeypatch, nth):
    save_city(small_city(), tmp_path)
    writes = []
    write = Path.write_bytes

    def fail(self, content):
        writes.append(self)
        if len(writes) == nth:
            raise OSError(errno.ENOSPC, "no space left on device")
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", fail)
    changed = small_city("other", stations=1)
    with pytest.raises(InputError, match=r"cannot be written.*no space"):
        save_city(changed, tmp_path)
    monkeypatch.undo()
    assert load_city(tmp_path).meta.name == "small"
    assert len(load_city(tmp_path)["stations"]) == 2


def test_every_file_is_watched(tmp_path):
    save_city(small_city(), tmp_path)
    for file in sorted(tmp_path.glob("*.parquet")):
        content = file.read_bytes()
        file.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])
        with pytest.raises(InputError, match=f"{file.name}.*checksum"):
            load_city(tmp_path)
        file.unlink()
        with pytest.raises(InputError, match=f"{file.name}.*missing"):
            load_city(tmp_path)
        file.write_bytes(content)
    load_city(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("format = 2", "format = 99", "built by a newer version of Twin.*in format 99.*reads 2"),
        ("format = 2", "format = 0", "built by an older version of Twin.*in format 0"),
        ("format = 2", "format = 'x'", "built by an older version of Twin.*in format 'x'"),
        ("format = 2", "format = true", "built by an older version of Twin"),
        ("Asia/Seoul", 'Asia"', "not a TOML file"),
        ("timezone", "time_zone", "'timezone'"),
        ("lon0", "lon_0", "lon0"),
        ("[files.zones]", "[files.zone]", "files.zones"),
        ("lognormal", "normal", "'durations.medical.scene.1.family'"),
    ],
)
def test_bad_head(tmp_path, old, new, says):
    save_city(small_city(), tmp_path)
    head = tmp_path / "city.toml"
    text = head.read_text()
    assert old in text
    head.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=says):
        load_city(tmp_path)


def older(folder, table="published_speeds"):
    """Make a stored city what Twin stored before it knew a table."""
    head = folder / "city.toml"
    text = head.read_text().replace("format = 2", "format = 1")
    before, _, rest = text.partition(f"[files.{table}]")
    head.write_text(before + rest[rest.index("\n[") :])


def test_a_city_of_an_older_version_is_called_that(tmp_path):
    save_city(small_city(), tmp_path)
    head = tmp_path / "city.toml"
    head.write_text(head.read_text().replace("format = 2", "format = 1"))
    assert len(load_city(tmp_path)["stations"]) == 2
    older(tmp_path)
    with pytest.raises(OtherVersionError, match=r"older.*no table 'published_speeds'.*again"):
        load_city(tmp_path)
    # A city of today that does not list a table was damaged.
    head.write_text(head.read_text().replace("format = 1", "format = 2"))
    with pytest.raises(InputError, match="the file is not listed") as caught:
        load_city(tmp_path)
    assert type(caught.value) is InputError


def test_a_new_table_is_a_new_format():
    """A table that is not in `LATER` needs another `FORMAT`, or old cities look damaged."""
    assert (FORMAT, len(TABLES), len(ROWS)) == (2, 17, 11)


def test_no_city(tmp_path):
    with pytest.raises(NotFoundError, match="no city"):
        load_city(tmp_path)


def test_head_cannot_point_elsewhere(tmp_path):
    save_city(small_city(), tmp_path / "a")
    (tmp_path / "a").joinpath("city.toml").write_text(
        (tmp_path / "a" / "city.toml").read_text().replace('"zones-', '"../b/zones-')
    )
    (tmp_path / "b").mkdir()
    for file in (tmp_path / "a").glob("zones-*"):
        file.rename(tmp_path / "b" / file.name)
    with pytest.raises(InputError, match="missing"):
        load_city(tmp_path / "a")


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda table: table.drop(columns="pos_m"), "pos_m"),
        (lambda table: table.assign(link=["a", "b"]), "link"),
        (lambda table: table.assign(link=[0, 10_000]), "link"),
        (lambda table: table.assign(link=[0, -1]), "link"),
    ],
)
def test_faulty_tables_are_refused(tmp_path, spoil, field):
    save_city(small_city(), tmp_path)
    city = small_city("other")
    city.tables["stations"] = spoil(city.tables["stations"])
    with pytest.raises(InputError, match="table stations") as caught:
        save_city(city, tmp_path)
    assert caught.value.field == field
    assert load_city(tmp_path).meta.name == "small"
