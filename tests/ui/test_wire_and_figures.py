"""What the page is sent: messages, key figures, tracks, windows, words."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_run import END_S, START_S, make_city, make_run, scenario

from apps.web.feed import ABSENT, STATES, RunFeed, keyframes, sparse_tracks
from apps.web.kpis import counted, figures, running_percentiles
from apps.web.runs import list_runs, listings
from apps.web.story import tell
from apps.web.texts import LANGUAGES, words
from apps.web.wire import pack, unpack
from twin.agents.states import STAGES, UnitState
from twin.core.errors import TwinError

HERE = Path(__file__).parents[2] / "apps" / "web"


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> RunFeed:
    root = tmp_path_factory.mktemp("feed")
    city = make_city(root / "city")
    return RunFeed(make_run(root / "runs" / "evening", city, scenario(root / "city")))


def test_a_message_comes_back_as_it_was_packed() -> None:
    arrays = {
        "odd": np.array([1, 2, 255], np.uint8),
        "wide": np.array([[1, 65_535], [7, 0]], np.uint16),
        "real": np.array([0.5, np.nan, -3.25], np.float32),
        "none": np.empty(0, np.uint32),
        "signed": np.array([-5], np.int32),
    }
    meta = {"name": "종로", "list": [1, None, {"deep": True}]}
    said, got = unpack(pack(meta, arrays) + b"trailer")
    assert said == meta
    assert list(got) == list(arrays)
    for name, array in arrays.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_array_equal(got[name], array.ravel())


def test_arrays_start_where_the_browser_can_view_them() -> None:
    message = pack({"m": "x" * 3}, {"a": np.ones(3, np.uint8), "b": np.ones(2, np.float32)})
    length = int.from_bytes(message[:4], "little")
    header = json.loads(message[4 : 4 + length])
    assert (4 + length) % 8 == 0
    assert all(offset % 8 == 0 for _, offset, _ in header["arrays"].values())


def test_what_the_browser_cannot_read_is_refused() -> None:
    with pytest.raises(TypeError, match="float64"):
        pack({}, {"a": np.ones(2)})
    with pytest.raises(ValueError, match="JSON"):
        pack({"a": float("nan")}, {})


def test_counts_hold_from_the_very_moment() -> None:
    t = np.array([0.0, 10.0, 20.0])
    np.testing.assert_array_equal(counted(t, np.array([10.0, 10.1, np.nan, 0.0])), [1, 2, 3])


def test_running_percentiles_know_nothing_of_later() -> None:
    t = np.array([0.0, 10.0, 20.0, 30.0])
    at = np.array([20.0, 10.0, np.nan, 30.0])
    values = np.array([100.0, 300.0, 5.0, 200.0])
    p50, p90 = running_percentiles(t, at, values, (0.5, 0.9))
    assert np.isnan(p50[0])
    np.testing.assert_allclose(p50[1:], [300.0, 200.0, 200.0])
    np.testing.assert_allclose(p90[1:], [300.0, 280.0, 280.0])
    last = np.percentile(values[~np.isnan(at)], [50, 90])
    np.testing.assert_allclose([p50[-1], p90[-1]], last)


def test_figures_of_a_known_run() -> None:
    pulse = pd.DataFrame(
        {
            "t": [0.0, 60.0, 120.0],
            "vehicles": [5, 6, 7],
            "mean_speed_mps": [10.0, 5.0, np.nan],
            "units_busy": [0, 1, 1],
        }
    )
    calls = pd.DataFrame(
        {
            "t_call": [10.0, 70.0],
            "t_onscene": [50.0, np.nan],
            "response_s": [40.0, np.nan],
            "t_closed": [100.0, np.nan],
        }
    )
    events = pd.DataFrame(
        {
            "t": [-60.0, 20.0, 30.0, 90.0, 95.0],
            "unit_id": ["A1"] * 5,
            "state": ["idle", "turnout", "to_scene", "returning", "idle"],
        }
    )
    got = figures(pulse, calls, events)
    # Between the beats of the pulse stand the moments at which a call or a unit changed.
    assert got["t"].tolist() == [0.0, 10.0, 20.0, 50.0, 60.0, 70.0, 90.0, 100.0, 120.0]
    assert got["calls"].tolist() == [0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert got["active"].tolist() == [0, 1, 1, 1, 1, 2, 2, 1, 1]
    assert got["busy"].tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0]
    assert got["reached"].tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert got["vehicles"].tolist() == [5, 5, 5, 5, 6, 6, 6, 6, 7]
    assert np.isnan(got["p90"][:3]).all()
    assert got["p90"][3:].tolist() == [40.0] * 6
    np.testing.assert_allclose(got["speed"], [36.0] * 4 + [18.0] * 4 + [np.nan])


def test_keyframes_mark_who_is_not_there() -> None:
    rows = pd.DataFrame(
        {
            "t": [0.0, 0.0, 10.0],
            "vehicle": [4, 9, 9],
            "x": [1, 2, 3],
            "y": [4, 5, 6],
            "speed": [10, 255, 20],
        }
    )
    t, xy, speed = keyframes(rows)
    assert t.tolist() == [0.0, 10.0]
    assert speed.tolist() == [[10, ABSENT - 1], [ABSENT, 20]]
    assert xy[:, 1].tolist() == [[2, 5], [3, 6]]


def test_tracks_keep_every_change_and_drop_what_stands_still() -> None:
    x = [5, 5, 5, 5, 6, 6, 6]
    rows = pd.DataFrame(
        {"t": np.arange(7) * 10.0, "x": x, "y": [1] * 7, "state": ["idle"] * 5 + ["turnout"] * 2}
    )
    ptr, got = sparse_tracks(np.zeros(7, np.int64), 2, rows)
    assert ptr.tolist() == [0, len(got["t"]), len(got["t"])]
    assert got["t"].tolist() == [0.0, 30.0, 40.0, 50.0, 60.0]
    assert got["state"][-1] == STATES.index("turnout")
    # Held constant between the points kept, the track is the one that was recorded.
    at = np.searchsorted(got["t"], rows["t"], side="right") - 1
    assert got["x"][at].tolist() == x


def test_windows_cover_the_run_and_share_their_edges(feed: RunFeed) -> None:
    seen: list[float] = []
    number = 0
    while feed.first_t + number * feed.window_s < END_S:
        meta, arrays = unpack(feed.window("r", number))
        assert meta["complete"]
        assert len(arrays["xy"]) == 2 * meta["n"] * len(arrays["t"])
        if seen:
            assert arrays["t"][0] == seen[-1]
        seen += arrays["t"].tolist()
        number += 1
    assert sorted(set(seen)) == np.arange(START_S, END_S + 1, 10.0).tolist()


def test_street_speeds_are_those_recorded(feed: RunFeed) -> None:
    _, arrays = unpack(feed.speeds("r", 1))
    rows = feed.reader.table("links")
    rows = rows[rows["t"] == feed.link_times[1]]
    kmh = arrays["kmh"][rows["link"]]
    assert np.abs(kmh - rows["speed_mps"] * 3.6).max() <= 0.5
    assert (np.delete(arrays["kmh"], rows["link"]) == ABSENT).all()


def test_the_story_of_a_call_adds_up(feed: RunFeed) -> None:
    story = tell(feed, "call:0001", words("en"))
    call = feed.calls.set_index("call_id").loc["0001"]
    parts = {each["name"]: each["seconds"] for each in story["intervals"]}
    assert parts["handling"] + parts["turnout"] + parts["travel"] == call["response_s"]
    assert [row["label"] for row in story["rows"]][:2] == ["Call received", "Unit dispatched"]
    assert story["decision"]["candidates"][0] == {"unit": "A1", "eta": "2 min 20 s", "chosen": True}
    assert tell(feed, "call:none", words("en")) == {}
    assert tell(feed, "nonsense", words("en")) == {}


def test_who_took_the_patient_is_not_who_came_first(
    feed: RunFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = feed.calls.copy()
    row = calls.index[calls["call_id"] == "0001"][0]
    hospital, handover = calls.loc[row, "hospital_id"], calls.loc[row, "t_clear"]
    handover -= calls.loc[row, "t_hospital"]
    # An engine was first on scene, and stayed long after the ambulance was free.
    calls.loc[row, "unit_id"] = "E1"
    calls.loc[row, "t_clear"] += 1000.0
    monkeypatch.setattr(feed, "calls", calls)
    # The made-up units take calls before they are free.
    events = feed.unit_events
    monkeypatch.setattr(feed, "unit_events", events[events["call_id"] == "0001"])
    story = tell(feed, "call:0001", words("en"))
    assert ("Taken by", "A1") in story["facts"]
    parts = {each["name"]: each["seconds"] for each in story["intervals"]}
    assert parts["handover"] == handover
    assert "scene" not in parts
    arrivals = tell(feed, f"hospital:{hospital}", words("en"))["rows"]
    (arrived,) = (each["label"] for each in arrivals if each["detail"] == "0001")
    assert arrived == "A1 brings a patient"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("key", ["call:0003", "unit:E1", "hospital:H1", "station:S2"])
def test_every_story_is_told_in_every_language(feed: RunFeed, key: str, lang: str) -> None:
    story = tell(feed, key, words(lang))
    assert story["key"] == key
    assert "{" not in json.dumps(story, ensure_ascii=False).replace('{"', "").replace("{}", "")


def _keys(section: dict[str, Any], path: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in section.items():
        if isinstance(value, dict):
            found |= _keys(value, f"{path}{name}.")
        else:
            found.add(path + name)
    return found


def test_both_languages_say_everything() -> None:
    files = {
        lang: tomllib.loads((HERE / "i18n" / f"{lang}.toml").read_text("utf-8"))
        for lang in LANGUAGES
    }
    assert _keys(files["en"]) == _keys(files["ko"])
    for lang, content in files.items():
        assert set(content["state"]) == {state.value for state in UnitState}, lang
        stages = {stage.value for chain in STAGES.values() for stage in chain} | {"road_cleared"}
        assert set(content["stage"]) == stages, lang


def test_words_that_the_browser_asks_for_exist() -> None:
    said = words("en")["ui"]
    asked = set()
    for source in (HERE / "components" / "map" / "src").glob("*.js"):
        asked |= set(re.findall(r"text\.ui\.(\w+)", source.read_text("utf-8")))
    assert asked
    assert asked <= set(said)


def test_runs_are_listed_newest_first_and_rubbish_is_left_out(tmp_path: Path) -> None:
    for name, started in (("old", "2026-01-01"), ("new", "2026-02-01"), ("a/deep", "2026-01-15")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "run.json").write_text(
            json.dumps(
                {"status": "finished", "started_utc": started, "scenario": {"title": {"en": "T"}}}
            )
        )
    for name, text in (("broken", "{"), ("list", "[]"), ("odd", '{"status": 1}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    assert [run.run_id for run in list_runs(tmp_path)] == ["new", "a/deep", "old"]
    assert listings(list_runs(tmp_path))[0].label("en") == "T · new"


def test_a_damaged_run_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("not json")
    with pytest.raises(TwinError, match=r"run\.json.*damaged"):
        RunFeed(tmp_path)


def test_the_lock_file_holds_no_address() -> None:
    folder = HERE / "components" / "map"
    assert "://" not in (folder / "package-lock.json").read_text("utf-8")
    assert (folder / "twin-map.bundle.js").stat().st_size < 1_200_000


def test_street_speeds_of_another_build_of_the_city_are_not_shown(tmp_path: Path) -> None:
    city = make_city(tmp_path / "city")
    folder = make_run(tmp_path / "run", city, scenario(tmp_path / "city"))
    assert len(RunFeed(folder).link_times) == 4
    head = json.loads((folder / "run.json").read_text())
    head["inputs"]["city"] = "another"
    (folder / "run.json").write_text(json.dumps(head))
    feed = RunFeed(folder)
    assert len(feed.link_times) == 0
    assert unpack(feed.scene("r"))[0]["same_city"] is False
