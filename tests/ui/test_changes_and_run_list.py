"""What the page says of changes, of runs without vehicles, and of the runs there are."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_run import CHANGES, START_S, make_city, make_run, scenario

from apps.web.app import Library, Visit
from apps.web.changes import change_list
from apps.web.feed import RunFeed
from apps.web.headline import headline
from apps.web.runs import list_runs, listings
from apps.web.story import tell
from apps.web.texts import LANGUAGES, words
from apps.web.wire import unpack
from twin.city.names import by_language, station_name

WHEN = "2025-03-05 17:30-17:50"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run by itself, and a comparison of two pairs whose second what-if is still going."""
    root = tmp_path_factory.mktemp("runs")
    city = make_city(root / "city")
    runs = root / "runs"
    table = scenario(root / "city", fidelity="table")
    works = scenario(root / "city", "toytown-works", fidelity="table", changes=CHANGES)
    make_run(runs / "works" / "base-000", city, table)
    make_run(runs / "works" / "whatif-000", city, works)
    for side in ("base", "whatif"):
        shutil.copytree(runs / "works" / f"{side}-000", runs / "works" / f"{side}-001")
    make_run(runs / "evening", city, scenario(root / "city"))
    for number, name in enumerate(
        ("evening", "works/base-000", "works/whatif-000", "works/base-001", "works/whatif-001")
    ):
        file = runs / name / "run.json"
        meta = json.loads(file.read_text("utf-8"))
        meta["started_utc"] = f"2026-01-0{number + 1}T00:00:00+00:00"
        if name == "works/whatif-001":
            meta["status"] = "running"
        file.write_text(json.dumps(meta), "utf-8")
    return runs


@pytest.fixture(scope="module")
def whatif(runs: Path) -> RunFeed:
    return RunFeed(runs / "works" / "whatif-000")


def test_a_comparison_is_one_row_of_the_list(runs: Path) -> None:
    rows = listings(list_runs(runs))
    assert [row.key for row in rows] == ["works", "evening"]
    assert [entry.run_id for entry in rows[0].entries] == [
        "works/base-000",
        "works/whatif-000",
        "works/base-001",
        "works/whatif-001",
    ]
    assert rows[0].shown.run_id == "works/whatif-000"
    assert [entry.part("en") for entry in rows[0].entries][1:3] == ["What-if 1", "Base 2"]
    assert rows[0].entries[3].part("ko") == "가정 2 · 진행 중"


@pytest.mark.parametrize(
    ("lang", "parts"),
    [
        ("en", ["comparison, 2 pairs", "running", "Toytown", "travel-time table", WHEN, "works"]),
        ("ko", ["비교 2쌍", "진행 중", "장난감 도시", "통행시간표", WHEN, "works"]),
    ],
)
def test_a_row_says_what_kind_of_run_it_is(runs: Path, lang: str, parts: list[str]) -> None:
    comparison, single = (row.label(lang) for row in listings(list_runs(runs)))
    assert comparison.split(" · ")[1:] == parts
    assert words(lang)["page"]["fidelity_micro"] in single
    assert words(lang)["page"]["running"] not in single


def test_half_a_comparison_is_listed_run_by_run(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "works" / "base-000", tmp_path / "half" / "base-000")
    (row,) = listings(list_runs(tmp_path))
    assert not row.compares
    assert row.shown.run_id == "half/base-000"


def test_the_list_looks_for_new_runs_when_it_is_opened(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "evening", tmp_path / "evening")
    visit = Visit(Library(tmp_path, None))
    visit._list()
    chosen = visit._picker.rows
    assert len(chosen.options) == 1
    shutil.copytree(runs / "evening", tmp_path / "later")
    chosen.dropdown_open = True
    assert set(chosen.options.values()) == {"evening", "later"}
    assert visit.run == ""


def test_a_run_that_begins_later_is_shown_by_itself(runs: Path, tmp_path: Path) -> None:
    library = Library(tmp_path, None)
    visit = Visit(library, run="later")
    visit._loaded = True
    visit._show()
    assert visit._page.main == [visit._note]
    shutil.copytree(runs / "evening", tmp_path / "later")
    library.feed(list_runs(tmp_path)[0])
    asyncio.run(visit._poll())
    assert visit._page.main == [visit._map]


def test_a_growing_run_is_read_again_for_the_next_visitor(runs: Path) -> None:
    library = Library(runs, None)
    growing, whole = (
        next(each for each in list_runs(runs) if each.run_id == name)
        for name in ("works/whatif-001", "evening")
    )
    feeds = [library.feed(each) for each in (growing, whole)]
    assert [library.known(each) for each in (growing, whole)] == [None, feeds[1]]
    assert feeds[0].status == "running"
    assert library.feed(growing) is feeds[0]


def test_every_change_says_where_and_when_it_is(whatif: RunFeed) -> None:
    marks = change_list(whatif.scenario, whatif.city)
    assert [mark["sign"] for mark in marks] == [
        "close", "lanes", "station", "units", "units", "hospital",
    ]  # fmt: skip
    closed, lanes, station, _, moved, hospital = marks
    assert whatif.city.network.link_id[closed["links"]].tolist() == [40, 41]
    assert (closed["t0"], closed["t1"]) == (START_S + 300, START_S + 600)
    assert (lanes["t0"], lanes["t1"]) == (None, None)
    network = whatif.city.network
    on_road = np.hypot(network.geom_x - closed["x"], network.geom_y - closed["y"])
    assert on_road.min() < 0.1
    assert moved["target"] == station["target"] == "station:S9"
    assert (moved["x"], moved["y"]) == (station["x"], station["y"])
    assert hospital["words"]["ko"] == "서울대학교병원 구급차 수용 제한"
    assert hospital["when"] == {"en": "from 17:36", "ko": "17:36부터"}
    said = json.dumps(marks, ensure_ascii=False)
    assert "NaN" not in said


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_change_has_a_story(whatif: RunFeed, lang: str) -> None:
    for mark in change_list(whatif.scenario, whatif.city):
        story = tell(whatif, mark["key"], words(lang))
        assert story["title"] == mark["words"][lang]
        assert "{" not in story["title"]
    assert tell(whatif, "change:99", words(lang)) == {}
    assert tell(whatif, "station:S9", words(lang))["title"] == "신설119안전센터"


def test_what_was_added_and_moved_is_known(whatif: RunFeed) -> None:
    meta, _ = unpack(whatif.scene("r"))
    changed = {unit["id"]: unit["changed"] for unit in meta["units"]}
    assert changed["A3"] == "moved"
    assert changed["A1"] == ""
    assert [each["id"] for each in meta["stations"] if each.get("added")] == ["S9"]


def test_a_run_of_a_comparison_opens_when_most_is_to_be_seen(whatif: RunFeed) -> None:
    meta, _ = unpack(whatif.scene("r"))
    reached = whatif.calls["t_onscene"].dropna().to_numpy()
    assert ((reached < meta["t_open"]) & (meta["t_open"] <= reached + 1.0)).any()
    _, columns = unpack(whatif.figures("r"))
    now = np.searchsorted(columns["t"], meta["t_open"], side="right") - 1
    assert np.isfinite(columns["p50"][now])
    others = np.searchsorted(columns["t"], np.floor(reached) + 1.0, side="right") - 1
    assert columns["active"][now] == columns["active"][others].max() > 0


def test_a_run_that_nobody_called_opens_at_its_start(whatif: RunFeed) -> None:
    calls, whatif.calls = whatif.calls, whatif.calls.iloc[:0]
    assert whatif.opening_t == START_S
    whatif.calls = calls.assign(t_onscene=np.nan)
    assert START_S < whatif.opening_t <= calls["t_call"].max() + 1.0
    whatif.calls = calls


def test_a_run_with_vehicles_opens_at_its_start(runs: Path) -> None:
    meta, _ = unpack(RunFeed(runs / "evening").scene("r"))
    assert meta["t_open"] == meta["t_start"] == START_S


ROW = {
    "difference": -2.04, "low": -2.85, "high": -1.15, "shown": True, "changed": 16,
    "replications": 8, "calls": 1154,
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "figure", "interval", "verdict"),
    [
        ({}, "-2.0 s", "95% interval -2.9 to -1.1 s", ("clear difference", "뚜렷한 차이")),
        (
            {"high": 0.3, "shown": False},
            "-2.0 s",
            "95% interval -2.9 to +0.3 s",
            ("no clear difference", "뚜렷한 차이 없음"),
        ),
        ({"calls": 19}, "-2.0 s", "95% interval -2.9 to -1.1 s", ("too few calls", "신고가 너무")),
        ({"low": None, "high": None, "shown": False}, "-2.0 s", "", ("one pair", "한 쌍뿐")),
        ({"difference": 0.0, "changed": 0}, "0.0 s", "", ("no call changed", "달라진 신고 없음")),
    ],
)
def test_a_compared_run_says_what_its_comparison_shows(
    runs: Path, row: dict[str, object], figure: str, interval: str, verdict: tuple[str, str]
) -> None:
    file = runs / "works" / "compare.json"
    file.write_text(json.dumps({"overall": {**ROW, **row}}), "utf-8")
    try:
        for side in ("base-000", "whatif-001"):
            said = headline(runs / "works" / side)
            assert said is not None
            assert said["en"]["figure"] == f"Mean response: {figure}"
            assert said["en"]["interval"] == interval
            for lang, text in zip(LANGUAGES, verdict, strict=True):
                assert said[lang]["verdict"].startswith(text)
                assert "8" in said[lang]["about"]
        feed = RunFeed(runs / "works" / "whatif-000")
        meta, _ = unpack(feed.scene("r"))
        assert meta["headline"] == headline(feed.folder, feed.city)
    finally:
        file.unlink()


def test_a_comparison_names_its_sides_and_what_only_the_base_changes(tmp_path: Path) -> None:
    city = make_city(tmp_path / "city")
    works = scenario(tmp_path / "city", "works", fidelity="table", changes=CHANGES[:2])
    other = works.model_copy(update={"name": "other", "title": {}, "changes": works.changes[1:]})
    more = works.model_copy(update={"name": "more", "title": {}})
    for name, whatif in (("apart", other), ("upon", more)):
        make_run(tmp_path / name / "base-000", city, works)
        make_run(tmp_path / name / "whatif-000", city, whatif)
        (tmp_path / name / "compare.json").write_text(json.dumps({"overall": ROW}), "utf-8")
    apart = headline(tmp_path / "apart" / "whatif-000", city)
    upon = headline(tmp_path / "upon" / "base-000", city)
    assert apart is not None
    assert upon is not None
    first = change_list(works, city)[0]["words"]
    for lang, start, instead in (
        ("en", "“other” against “Toytown, evening”. ", "In the base instead: {}"),
        ("ko", "가정 “other”, 기준 “장난감 도시의 저녁”. ", "대신 기준에만 있는 것: {}"),
    ):
        assert apart[lang]["about"].startswith(start + instead.format(first[lang]))
        assert upon[lang]["about"].startswith(start.replace("other", "more"))
        assert instead[:6] not in upon[lang]["about"]
    (row, _) = listings(list_runs(tmp_path))
    assert row.label("en").startswith("more, against “Toytown, evening” · comparison, 1 pair")
    assert row.label("ko").startswith("more (기준: 장난감 도시의 저녁) · ")


def test_the_street_named_is_the_first_that_differs_clearly(tmp_path: Path) -> None:
    def street(name: str, difference: float, *, clear: bool) -> dict[str, Any]:
        return {"name": name, "flow": {"difference": difference}, "clear": clear}

    gained = [
        street("Noisy", 300.0, clear=False),
        street("Surely", 200.0, clear=True),
        street("Also", 100.0, clear=True),
    ]
    streets = {"gained": gained, "lost": [street("By chance", -90.0, clear=False)]}
    content = {"overall": ROW, "streets": streets}
    (tmp_path / "compare.json").write_text(json.dumps(content), "utf-8")
    said = headline(tmp_path / "whatif-000")
    assert said is not None
    for lang in LANGUAGES:
        assert "Surely" in said[lang]["few"]
        assert "+200" in said[lang]["few"]
        assert not any(name in said[lang]["few"] for name in ("Noisy", "Also", "By chance"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"overall": null}', '{"overall": {}}'])
def test_a_run_without_a_finished_comparison_has_no_headline(tmp_path: Path, content: str) -> None:
    (tmp_path / "compare.json").write_text(content)
    assert headline(tmp_path / "whatif-000") is None
    (tmp_path / "compare.json").write_text(json.dumps({"overall": ROW}))
    said = headline(tmp_path / "whatif-000")
    assert said is not None
    assert said["en"]["few"] == ""
    assert headline(tmp_path / "alone") is None


def test_a_comparison_of_few_calls_warns(tmp_path: Path) -> None:
    (tmp_path / "compare.json").write_text(json.dumps({"overall": ROW | {"calls": 19}}))
    said = headline(tmp_path / "base-000")
    assert said is not None
    assert said["en"]["few"] == "Fewer than 20 calls: too few to rely on."
    assert "20건" in said["ko"]["few"]
    (tmp_path / "compare.json").write_text(json.dumps({"overall": ROW | {"weighs_as": 19}}))
    said = headline(tmp_path / "base-000")
    assert said is not None
    assert said["en"]["verdict"] == "too few calls"
    assert said["en"]["few"].startswith("A pair of runs has so few calls that one of")
    assert "20건보다 적을 때만큼" in said["ko"]["few"]


def test_traffic_that_differs_clearly_is_told_beside_the_response(tmp_path: Path) -> None:
    """However little the responses differ, nobody reads that a closed bridge changes nothing."""
    ends = {"low": -2369.3, "high": -1724.1, "shown": True}
    traffic = [
        {"measure": "entered", "difference": 62.5, "low": 4.0, "high": 121.0, "shown": True},
        {"measure": "finished", "difference": -2046.7, **ends},
        {"measure": "speed", "difference": -0.1, "low": -0.3, "high": 0.1, "shown": False},
    ]
    file = tmp_path / "compare.json"
    period = {"start": "18:00", "end": "19:00", "warm_up_min": 15.0}
    file.write_text(json.dumps({"overall": ROW, "period": period, "traffic": traffic}))
    said = headline(tmp_path / "whatif-000")
    assert said is not None
    assert said["en"]["few"] == (
        "Traffic differs clearly: trips finished -2,047 (95% interval -2,369 to -1,724; counted "
        "since the start of the warm-up at 17:45)."
    )
    assert said["ko"]["few"] == (
        "교통은 뚜렷이 다릅니다: 도착한 통행 -2,047건(95% 구간 -2,369 ~ -1,724, "
        "준비 시간이 시작된 17:45부터 셈)."
    )
    speed = {"measure": "speed", "difference": -1.5, "low": -1.8, "high": -1.3, "shown": True}
    file.write_text(json.dumps({"overall": ROW, "period": period, "traffic": [speed]}))
    said = headline(tmp_path / "whatif-000")
    assert said is not None
    assert "mean speed of all roads -1.5 km/h (95% interval -1.8 to -1.3)" in said["en"]["few"]
    assert "전체 도로의 평균 속도 -1.5 km/h(95% 구간 -1.8 ~ -1.3)" in said["ko"]["few"]


def test_the_streets_that_gain_and_lose_most_are_told_in_both_languages(tmp_path: Path) -> None:
    bridge = {
        "name": "양화대교 (Yanghwa Bridge)",
        "clear": True,
        "flow": {"difference": 526.1},
    }
    road = {
        "name": None,
        "road_class": "primary",
        "lat": 37.55014,
        "lon": 126.90831,
        "clear": True,
        "flow": {"difference": -26.1},
    }
    found = {"gained": [bridge, road], "lost": [road]}
    file = tmp_path / "compare.json"

    def few(streets: object) -> dict[str, str]:
        file.write_text(json.dumps({"overall": ROW, "streets": streets}))
        said = headline(tmp_path / "whatif-000")
        assert said is not None
        return {lang: said[lang]["few"] for lang in LANGUAGES}

    assert few(found) == {
        "en": "Streets: most gained by Yanghwa Bridge (+526.1 veh/h), most lost by unnamed primary "
        "road at 37.5501, 126.9083 (-26.1 veh/h).",
        "ko": "도로별 통행량: 가장 늘어난 곳 양화대교(시간당 +526.1대), "
        "가장 줄어든 곳 37.5501, 126.9083의 이름 없는 주간선도로(시간당 -26.1대).",
    }
    assert few({**found, "gained": []})["en"].startswith("Streets: most lost by unnamed")
    for nothing in (None, {"gained": [], "lost": []}):
        assert set(few(nothing).values()) == {""}
    unsure = {**bridge, "clear": False}
    assert set(few({"gained": [unsure], "lost": []}).values()) == {""}


def test_a_name_in_two_languages_is_told_in_one() -> None:
    both = "서울대학교병원 (Seoul National Univ. Hospital)"
    assert by_language(both) == {"en": "Seoul National Univ. Hospital", "ko": "서울대학교병원"}
    # What stands in brackets is the fire station that the centre belongs to, not its name.
    centre = station_name("숭인119안전센터 (Jongno Fire Station)", "c1")
    assert centre == {"en": "119 Safety Center c1 of Jongno Fire Station", "ko": "숭인119안전센터"}
    whole = station_name("종로소방서 (Jongno Fire Station)", "f1")
    assert whole == {"en": "Jongno Fire Station", "ko": "종로소방서"}
    for plain in ("Station 17", "UCSF (Parnassus)", "서울역(1호선)"):
        assert by_language(plain) == {"en": plain, "ko": plain}
