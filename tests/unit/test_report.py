"""Reports: nothing from outside, nothing that a name can break, figures that are the run's."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import shapely

from apps.report.charts import curve, ecdf, ticks
from apps.report.comparison import comparison_page
from apps.report.html import Raw, tag
from apps.report.map import PLACES, Drawing, graded, legend
from apps.report.parts import heading
from apps.report.run import run_page, write_run_report
from apps.report.words import (
    amount,
    clock,
    describe,
    figure,
    gain,
    range_text,
    reading,
    rests_on,
    verdict,
    without_unchanged,
)
from tests.support.runs import calls_rows, small_city, small_run, small_scenario
from twin.core.errors import InputError
from twin.metrics.compare import Difference, compare
from twin.metrics.comparison import Comparison, read_comparison
from twin.metrics.pairing import reach
from twin.metrics.summary import share_within
from twin.recording.reader import RunReader
from twin.recording.store import RunWriter

EVIL = "</title><script>alert('x')</script><img src=http://evil.example/a.png onerror=alert(1)>"


class Strict(HTMLParser):
    """Collects tags, attributes and text; every tag that opens must close."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self._open = set(), [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in {"meta", "br"}:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def is_self_contained(page):
    found = Strict(page)
    assert not found.tags & {"script", "link", "img", "iframe", "object", "embed", "a", "image"}
    for name, value in found.attributes:
        assert name not in {"src", "href", "xlink:href", "srcset", "action"}
        assert not name.startswith("on")
        assert "url(" not in (value or "")
    assert not re.search(r"@import|url\(", page)
    return " ".join(found.text)


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


@pytest.fixture
def comparison(tmp_path):
    closed = {"changes": [{"kind": "close-links", "links": [100]}], "name": "closed"}
    for k in range(3):
        small_run(tmp_path / f"base-{k:03d}", seed=k)
        small_run(tmp_path / f"whatif-{k:03d}", seed=k, faster_s=-10.0 - k, **closed)
    found = {"schema_version": 1, "replications": 3, "command": ["twin", "compare"]}
    (tmp_path / "compare.json").write_text(json.dumps(found))
    return tmp_path


def test_a_comparison_is_read_again_and_reported(comparison):
    found = read_comparison(comparison)
    assert found.rows[0].difference == pytest.approx(11.0)
    page = comparison_page(found, small_city())
    text = is_self_contained(page)
    for needed in (
        "The mean response time rises by 11.0 s (95% interval 8.5 to 13.5 s).",
        "Link 100 is closed for the whole run.",
        "closed in the what-if",
        "in lane-level traffic",
        "warm-up of 30 min",
        "reached in both",
        "percentage points",
        "replication 2",
        "+11.0 s",
    ):
        assert needed in text


def test_a_comparison_without_answers_says_so(comparison):
    found = read_comparison(comparison)
    nobody = [
        tuple(calls_rows(k).assign(response_s=np.nan, fate="open") for _ in range(2))
        for k in range(3)
    ]
    empty = Comparison(
        found.base, found.whatif, found.folder, 3, compare(nobody, 68_400.0),
        reach(nobody, 68_400.0), [],
    )  # fmt: skip
    assert "No call was reached" in comparison_page(empty, small_city())


def test_calls_that_one_side_did_not_reach_are_told(comparison):
    file = comparison / "whatif-001" / "calls.parquet"
    calls = pd.read_parquet(file)
    calls.loc[:4, ["response_s", "t_onscene"]] = np.nan
    calls.to_parquet(file)
    found = read_comparison(comparison)
    overall = found.reach[0]
    assert (overall.both, overall.only_base, overall.only_whatif) == (115, 5, 0)
    text = is_self_contained(comparison_page(found, small_city()))
    assert "reached only in the base" in text
    stored = found.as_dict()
    assert stored["reach"][0]["only_base"] == 5
    assert {row["basis"] for row in stored["rows"]} == {"pairs", "sides"}
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"replications": "many"}, "replications"),
        ({"replications": 0}, "replications"),
        ({"replications": None}, "replications"),
        ({"command": 7}, "command"),
        ({"command": None}, "command"),
        ({"schema_version": 2}, "schema_version"),
    ],
)
def test_a_damaged_comparison_names_its_field(tmp_path, change, field):
    stored = {"schema_version": 1, "replications": 3, "command": []} | change
    stored = {key: value for key, value in stored.items() if value is not None}
    (tmp_path / "compare.json").write_text(json.dumps(stored))
    with pytest.raises(InputError, match=rf"compare\.json, field '{field}.*': is damaged"):
        read_comparison(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', "\x00"])
def test_what_is_no_comparison_is_named(tmp_path, text):
    (tmp_path / "compare.json").write_text(text)
    with pytest.raises(InputError, match=r"compare\.json.*damaged"):
        read_comparison(tmp_path)


def test_a_comparison_that_lacks_a_run_is_named(comparison):
    shutil.rmtree(comparison / "whatif-002")
    with pytest.raises(InputError, match=r"whatif-002.*no such run folder"):
        read_comparison(comparison)


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


def line(difference, low, high, *, changed=9, n=4, statistic="mean", gained=None):
    return Difference(
        group="overall", value="", statistic=statistic, basis="pairs", replications=n, calls=9,
        base_n=9, whatif_n=9, changed=changed, base=400.0, whatif=400.0 + difference,
        difference=difference, low=low, high=high, correlation=None, variance_reduction=gained,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (line(-12.0, -21.0, -3.0), "falls by 12.0 s (95% interval 3.0 to 21.0 s)"),
        (line(12.0, 3.0, 21.0), "rises by 12.0 s (95% interval 3.0 to 21.0 s)"),
        (
            line(-12.0, -30.0, 6.0),
            "No clear difference in the mean response time: the 95% interval, -30.0 to +6.0 s, inc",
        ),
        (line(0.0, 0.0, 0.0, changed=0), "No call was answered sooner or later"),
        (line(0.0, None, None, changed=0, n=1), "in the one replication that was run"),
        (line(0.0, 0.0, 0.0, changed=3), "3 were reached in one of them only"),
        (line(-12.0, None, None, n=1), "One replication cannot tell"),
    ],
)
def test_the_reading_says_what_the_interval_allows(row, said):
    assert said in reading(row)


def test_a_line_says_its_unit_and_whether_anything_changed():
    share = line(0.02, -0.01, 0.05, statistic="share_within_target")
    assert (figure(share, 0.93), amount(share, 0.02)) == ("93.0%", "+2.0 pp")
    assert range_text(share) == "-1.0 to +5.0 pp"
    assert verdict(share) == "no clear difference"
    still = line(0.0, 0.0, 0.0, changed=0)
    assert (figure(still, 281.5), amount(still, -1e-13)) == ("4:42 (281.5)", "0.0 s")
    assert range_text(still) == "-"
    assert (verdict(still), gain(still)) == ("no call changed", "n/a: no call changed")
    assert verdict(line(-5.0, -8.0, -2.0)) == "clear difference"


@pytest.mark.parametrize(
    ("low", "high", "said", "clear"),
    [
        (-12.5, -0.035, "-12.5 to -0.04 s", True),
        (-2.5, 0.022, "-2.5 to +0.02 s", False),
        (-2.5, 0.0, "-2.5 to 0.0 s", False),
        (0.0004, 3.0, "+0.001 to +3.0 s", True),
        (-0.0001, 3.0, "-0.001 to +3.0 s", False),
    ],
)
def test_an_interval_as_printed_agrees_with_what_is_said_of_it(low, high, said, clear):
    row = line((low + high) / 2, low, high)
    assert range_text(row) == said
    assert row.shown == clear
    printed = [float(end) for end in range_text(row).removesuffix(" s").split(" to ")]
    assert (printed[0] * printed[1] > 0) == clear
    head = "falls by" if high < 0 else "rises by" if low > 0 else "No clear difference"
    assert head in reading(row)
    assert "interval 0.0 " not in reading(row)


def test_districts_where_no_call_changed_are_one_line():
    runs = [
        tuple(
            calls_rows(k).assign(
                district=["", *["far"] * 5, *["east"] * 34],
                response_s=lambda c, f=f: c["response_s"] - f * (c["district"] == "east"),
            )
            for f in (0.0, 5.0)
        )
        for k in range(2)
    ]
    kept, said = without_unchanged(compare(runs, 68_400.0))
    assert [row.value for row in kept if row.group == "district"] == ["east"]
    assert said == "1 district and outside every district: no call changed (far)."
    assert without_unchanged(kept) == (kept, "")


def test_the_calls_behind_a_share_are_those_that_count_in_it():
    runs = [(calls_rows(k), calls_rows(k)) for k in range(2)]
    # Nobody came to the last call of the what-if, which had not waited for long.
    late = runs[0][1]
    late.loc[39, ["response_s", "fate", "t_call"]] = [np.nan, "open", 68_399.0]
    runs[0][0].loc[39, "t_call"] = 68_399.0
    rows = compare(runs, 68_400.0)
    assert [rests_on(row) for row in rows[:4]] == ["79", "79", "79 ‡", "80 and 79"]


def test_the_gain_of_pairing_is_hidden_where_it_means_nothing():
    assert gain(line(5.0, 4.0, 6.0, n=2)) == "n/a: fewer than 3 replications"
    assert gain(line(5.0, 4.0, 6.0, gained=12.34)) == "12.3 times"
    assert gain(line(5.0, 4.0, 6.0, gained=600.0)) == "over 100 times"
    assert gain(line(5.0, 5.0, 5.0)) == "n/a: nearly the same in every replication"
    assert gain(line(5.0, None, None, n=1)) == "n/a: one replication"


def test_calls_outside_every_district_are_named_and_come_last():
    runs = [
        tuple(calls_rows(k, faster_s=f).assign(district=["", *["east"] * 39]) for f in (0.0, 5.0))
        for k in range(2)
    ]
    names = [describe(row) for row in compare(runs, 68_400.0)]
    assert names[-2:] == ["east", "outside every district"]
    assert names[:2] == ["all calls, mean", "all calls, median"]
    assert names[4] == "medical (first ambulance), mean"


def test_durations_and_scales():
    assert [clock(v) for v in (0, 59.6, 61, -61, None, float("nan"))] == [
        "0:00", "1:00", "1:01", "-1:01", "-", "-",
    ]  # fmt: skip
    assert ticks(0.0, 10.0) == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert ticks(-3.0, 3.0, 3) == [-2.0, 0.0, 2.0]
    assert graded({"a": 0.0, "b": 9.9, "c": 10.0}, ("x", "y"), 0.0, 10.0) == {
        "a": "x", "b": "y", "c": "y",
    }  # fmt: skip


def calls_at(times, waiting_s=()):
    """Return calls with these response times, and some that nobody had reached at the end."""
    response = np.concatenate([times, np.full(len(waiting_s), np.nan)])
    t_call = np.concatenate([np.zeros(len(times)), 7200.0 - np.asarray(waiting_s)])
    return pd.DataFrame({"t_call": t_call, "response_s": response, "fate": "closed"})


def test_a_curve_ends_at_the_share_that_was_reached():
    times = np.arange(60.0, 660.0, 60.0)
    some = [calls_at(times, [3600.0] * 30)]
    curves = [
        curve("all", [calls_at(times)], 7200.0),
        curve("most", some, 7200.0),
        curve("none", [calls_at(times[:0], [3600.0])], 7200.0),
    ]
    picture = ecdf(curves)
    Strict(picture)
    assert picture.count("V") == 20
    first, second = re.findall(r'd="(M[^"]*)"', picture)
    heights = [float(path.rsplit("V", 1)[1]) for path in (first, second)]
    assert heights == [22.0, 22.0 + 220.0 * 0.75]
    assert "all: 80.0% of 10 calls † within 8 min" in picture
    assert "most: 20.0% of 40 calls within 8 min" in picture
    assert picture.count('stroke-dasharray="5 3"') == 2


def test_at_the_target_a_curve_stands_where_the_table_says():
    # Two replications of unequal size, one call that waited for long and three that did not.
    runs = [
        calls_at(np.array([100.0, 500.0, 300.0]), [600.0, 60.0]),
        calls_at(np.array([100.0, 200.0]), [10.0, 479.0]),
    ]
    table = np.mean([share_within(calls, 7200.0) for calls in runs])
    drawn = curve("both", runs, 7200.0)
    assert drawn.within == pytest.approx(table) == pytest.approx((2 / 4 + 1) / 2)
    assert drawn.calls == 6


def test_the_map_holds_its_districts_and_marks_what_is_new():
    city = small_city()
    peak = shapely.Polygon([(126.98, 37.48), (127.0, 37.54), (127.02, 37.48)])
    city.tables["districts"].loc[0, "polygon_wkb"] = shapely.to_wkb(peak)
    drawing = Drawing(city)
    drawing.districts({}, lambda name: name)
    changes = [
        {"kind": "add-station", "station_id": "n", "name": "New", "lon": 127.0, "lat": 37.5},
        {"kind": "add-units", "station": "n"},
        {"kind": "remove-units", "units": ["a1"]},
    ]
    entries = drawing.changed(small_scenario(changes=changes).changes)
    assert [shape for shape, _, _ in entries] == ["star", "saltire"]
    found = Strict(drawing.svg("map"))
    text = "".join(found.text)
    assert "New" in text
    assert "One" in text  # the station that lost a unit
    assert "west" in text
    heights = [
        float(v[1:].split("l")[0].split()[1]) for k, v in found.attributes
        if k == "d" and v.startswith("M")
    ]  # fmt: skip
    assert min(heights) > 0.0


def test_the_legend_draws_the_marks_of_the_map():
    city = small_city()
    drawing = Drawing(city)
    drawing.places()
    drawing.calls(np.array([127.0]), np.array([37.5]), ["c"], colour="#123456", radius=2.0)
    drawn = Strict(drawing.svg("map"))
    said = Strict(legend([*PLACES, ("dot", "#123456", "call")]))

    def marks(found):
        paths = [v for k, v in found.attributes if k == "fill" and v in {"#1b7837", "#762a83"}]
        shapes = ["".join(re.findall(r"[a-zA-Z][^a-zA-Z]*", v)[1:])
                  for k, v in found.attributes if k == "d" and v.endswith("Z")]  # fmt: skip
        return set(paths), set(shapes)

    assert marks(drawn) == marks(said)
    assert len(marks(said)[1]) == 2
    assert "circle" in said.tags


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


def test_a_title_says_the_period_that_was_set():
    scenario = small_scenario(title={"en": "Peak", "ko": "첨두"})
    assert heading(scenario, "en", ["seed = 3"]) == "Peak"
    period = f"({scenario.period.start} to {scenario.period.end})"
    assert heading(scenario, "en", ["period.end = 20:00"]) == f"Peak {period}"
    assert (
        heading(scenario, "ko", ["period.start = 17:00"])
        == f"첨두 ({scenario.period.start}~{scenario.period.end})"
    )
