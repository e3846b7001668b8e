"""Reports of runs: nothing from outside, nothing a name can break, figures that are the run's."""

from __future__ import annotations

import dataclasses
import json

import pandas as pd
import pytest

from apps.report.html import Raw, tag
from apps.report.parts import assumed, heading
from apps.report.run import run_page, write_run_report
from apps.report.units import units_section
from apps.report.words import (
    clock,
)
from tests.support.html import is_self_contained
from tests.support.runs import calls_rows, small_city, small_run, small_scenario
from twin.core.errors import InputError
from twin.network.generate import grid
from twin.recording.reader import RunReader
from twin.recording.store import RunWriter

EVIL = "</title><script>alert('x')</script><img src=http://evil.example/a.png onerror=alert(1)>"


@pytest.fixture
def run(tmp_path):
    return small_run(tmp_path / "r")


def test_a_report_asks_nothing_of_the_network_and_says_what_it_must(run):
    page = run_page(RunReader(run), small_city())
    assert page.count('class="notice"') == 1  # what must be known first is one list
    assert page.count("ynthesised") == 1  # and says it once
    text = is_self_contained(page)
    meta = RunReader(run).meta
    for needed in (
        "Synthesised network, not a survey.",
        "What was assumed",
        "Every street is two lanes.",
        "Every interval of the chain",
        meta["inputs"]["city"],
        meta["tables"]["calls"]["sha256"],
        "By district",
        clock(meta["summary"]["response"]["p50"]),
    ):
        assert needed in text


def test_a_report_tells_what_is_assumed_of_right_turns_on_red():
    roads = grid(3, 3, 150.0, 1, 13.9, right_on_red=True)
    city = dataclasses.replace(small_city(), network=roads)
    said = {
        (fidelity, allowed): str(
            assumed(small_scenario(traffic={"fidelity": fidelity, "right_on_red": allowed}), city)
        )
        for fidelity, allowed in (("micro", True), ("meso", False), ("table", True))
    }
    assert "Drivers turn right on red at 5 of 5 signals" in said["micro", True]
    assert "Nobody turns right on red, which the city allows at 5 of 5" in said["meso", False]
    assert "Pedestrians are not modelled" in said["meso", False]
    assert "right on red" not in said["table", True].replace("right_on_red", "")
    plain = assumed(small_scenario(traffic={"fidelity": "micro"}), small_city())
    assert "right on red" not in str(plain)


def test_a_report_tells_that_signals_run_by_traffic_know_no_pedestrians():
    said = {
        mode: str(
            assumed(small_scenario(traffic={"fidelity": "micro", "signals": mode}), small_city())
        )
        for mode in ("fixed", "max-pressure")
    }
    assert "know no pedestrians" in said["max-pressure"]
    assert "know no pedestrians" not in said["fixed"]


def test_names_cannot_break_out(tmp_path):
    city = small_city(title=EVIL)
    city.tables["stations"]["name"] = EVIL
    city.tables["districts"]["district"] = [EVIL, "east"]
    scenario = {"title": {"en": EVIL, "ko": EVIL}, "question": {"en": EVIL}}
    with RunWriter(tmp_path / "r", small_scenario(**scenario), city, command=[EVIL]) as writer:
        calls = calls_rows().assign(district=EVIL, call_id=lambda c: EVIL + c["call_id"])
        writer.columns("calls", **{c: calls[c].to_numpy() for c in calls})
        summary = RunReader(small_run(tmp_path / "s")).meta["summary"]
        writer.finish(summary, {})
    page = run_page(RunReader(tmp_path / "r"), city)
    is_self_contained(page)
    assert page.count("<script") == 0
    assert page.count("&lt;script&gt;") > 5


def test_tags_escape_what_is_not_markup():
    assert tag("p", "<b>", tag("i", "&"), None, 'a"') == "<p>&lt;b&gt;<i>&amp;</i>a&quot;</p>"
    assert tag("p", class_='"x"', data_y="<") == '<p class="&quot;x&quot;" data-y="&lt;"></p>'
    assert isinstance(tag("p"), Raw)


def test_an_empty_run_has_a_report(tmp_path):
    city = small_city()
    with RunWriter(tmp_path / "r", small_scenario(), city) as writer:
        summary = RunReader(small_run(tmp_path / "s")).meta["summary"]
        nothing = {"mean": None, "p50": None, "p90": None, "p95": None, "n": 0}
        writer.finish(summary | {"response": nothing, "share_within_480_s": None}, {})
    text = is_self_contained(run_page(RunReader(tmp_path / "r"), city))
    assert "No call was reached" in text


def test_a_run_that_goes_on_has_none_yet(tmp_path):
    writer = RunWriter(tmp_path / "r", small_scenario(), small_city())
    with pytest.raises(InputError, match="has not finished"):
        write_run_report(tmp_path / "r", tmp_path / "r.html", city=small_city())
    writer.fail("enough")
    target = tmp_path / "file"
    target.write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_run_report(small_run(tmp_path / "s"), target / "r.html", city=small_city())


@pytest.fixture(scope="module")
def run_file(tmp_path_factory):
    return (small_run(tmp_path_factory.mktemp("whole") / "r") / "run.json").read_text()


@pytest.mark.parametrize(
    ("where", "value", "field"),
    [
        (("summary",), None, "summary"),
        (("summary", "response", "p50"), "soon", "summary.response.p50"),
        (("summary", "vehicles"), {}, "summary.vehicles.inserted"),
        (("summary", "intervals", "travel", "simulated"), 3, "summary.intervals.travel.simulated"),
        (("inputs", "city"), None, "inputs.city"),
        (("seed",), None, "seed"),
        (("versions",), ["1"], "versions"),
        (("tables", "calls"), {"rows": 4}, "tables.calls.sha256"),
        (("scenario", "traffic", "fidelity"), "magic", "scenario.traffic.fidelity"),
        (("scenario",), [], "scenario"),
    ],
)
def test_a_damaged_run_names_its_field(run_file, tmp_path, where, value, field):
    stored = json.loads(run_file)
    inner = stored
    for part in where[:-1]:
        inner = inner[part]
    if value is None:
        del inner[where[-1]]
    else:
        inner[where[-1]] = value
    (tmp_path / "run.json").write_text(json.dumps(stored))
    with pytest.raises(InputError, match=rf"run\.json, field '{field}") as told:
        write_run_report(tmp_path, tmp_path / "r.html", city=small_city())
    assert "damaged" in str(told.value)


def test_a_run_says_what_was_set_and_what_few_calls_are_worth(tmp_path):
    city = small_city()
    city.meta.known_gaps.append("Cars are slow.")
    run = small_run(tmp_path / "r", traffic={"fidelity": "table"})
    file = run / "run.json"
    stored = json.loads(file.read_text())
    stored["command"] = ["twin", "run", "ring", "--set", "traffic.fidelity=table", "--set=seed=3"]
    file.write_text(json.dumps(stored))
    text = is_self_contained(run_page(RunReader(run), city))
    for needed in (
        "Set for this run: ",
        "Where the twin is known to differ from the city",
        "Cars are slow.",
        "traffic.fidelity = table, seed = 3",
        "by travel-time table",
        "medical (first ambulance)",
        "fire (first unit)",
        "fewer than 20 calls",
    ):
        assert needed in text
    assert "vehicles entered" not in text


def test_what_is_said_of_traffic_and_in_korean_stands_where_it_belongs(tmp_path):
    city = small_city()
    city.meta.traffic_gaps.append("Ramps jam.")
    city.meta.notice["ko"] = "합성한 도로망입니다."
    by_table, moving = (
        run_page(RunReader(small_run(tmp_path / name, traffic={"fidelity": name})), city)
        for name in ("table", "micro")
    )
    assert "Ramps jam." in moving
    assert "6 never entered: no open road led to their destination." in moving
    assert "Ramps jam." not in by_table
    box = moving.split('class="notice"')[1].split("</ul>")[0]
    assert "합성한" not in box
    assert '<p class="ko" lang="ko">합성한 도로망입니다.</p>' in moving


def test_how_busy_units_were_counts_them():
    units = pd.DataFrame(
        {
            "kind": ["ambulance", "engine", "engine"],
            "unit_id": ["a", "e", "f"],
            "jobs": [2, 0, 1],
            "busy_s": [900.0, 0.0, 1800.0],
            "on_shift_s": 3600.0,
            "share": [0.25, 0.0, 0.5],
        }
    )
    page = str(units_section(units, ["Lost: none."]))
    assert "Ambulance: 25% of 1 unit&#x27;s time on calls" in page
    assert "Engine: 25% of 2 units&#x27; time on calls" in page
    assert "The one that was sent to a call; 0 were not." in page
    assert "The one that was sent to a call; 1 was not." in page
    assert "Lost: none." in page
    nobody = str(units_section(units.assign(jobs=0), []))
    assert nobody.count("None was sent to a call.") == 2
    assert "No unit moved." in str(units_section(units.iloc[:0], []))


def test_fields_as_by_default_are_folded_away(tmp_path):
    page = run_page(RunReader(small_run(tmp_path / "r", coverage={"busy": 0.5})), small_city())
    shown, folded, bare = page.split("What is not as by default:")[1].split("<details>")
    assert "coverage.busy = 0.5" in shown
    assert "coverage.within_s" not in shown
    assert "coverage.within_s = 480.0" in folded.split("</details>")[0]
    assert "= None" not in page
    # What was given no value is not told as a value that it has, and stands by its table.
    assert "not set" not in page
    assert "fields that were given no value, as by default" in bare
    assert "<li>chain: dispatch_delay_s, turnout_s, scene_s," in bare
    assert "coverage.within_s" not in bare


def test_a_title_says_the_period_that_was_set():
    scenario = small_scenario(title={"en": "Peak", "ko": "첨두"})
    assert heading(scenario, "en", ["seed = 3"]) == "Peak"
    period = f"({scenario.period.start} to {scenario.period.end})"
    assert heading(scenario, "en", ["period.end = 20:00"]) == f"Peak {period}"
    assert (
        heading(scenario, "ko", ["period.start = 17:00"])
        == f"첨두 ({scenario.period.start}~{scenario.period.end})"
    )
