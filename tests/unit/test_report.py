"""Reports: nothing from outside, nothing that a name can break, figures that are the run's."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from apps.report.charts import ecdf, ticks
from apps.report.comparison import comparison_page
from apps.report.html import Raw, tag
from apps.report.map import graded
from apps.report.run import run_page, write_run_report
from apps.report.words import clock, reading
from tests.support.runs import calls_rows, small_city, small_run, small_scenario
from twin.core.errors import InputError
from twin.experiment import Comparison, read_comparison
from twin.metrics.compare import Difference, compare, pair_calls
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
    text = is_self_contained(run_page(RunReader(run), small_city()))
    meta = RunReader(run).meta
    for needed in (
        "Synthesised city",
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
    (tmp_path / "compare.json").write_text('{"replications": 3}')
    return tmp_path


def test_a_comparison_is_read_again_and_reported(comparison):
    found = read_comparison(comparison)
    assert found.rows[0].difference == pytest.approx(11.0)
    page = comparison_page(found, small_city(), ["twin", "compare"])
    text = is_self_contained(page)
    for needed in (
        "The mean response time rises by 11 s (95% interval 9 to 13 s).",
        "close links",
        "closed in the what-if",
        "replication 2",
        "+11.0 s",
    ):
        assert needed in text


def test_a_comparison_without_answers_says_so(comparison):
    found = read_comparison(comparison)
    empty = Comparison(found.base, found.whatif, found.folder, 3, [])
    assert "No call was answered" in comparison_page(empty, small_city(), [])


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"replications": "many"}'])
def test_a_damaged_comparison_is_named(comparison, text):
    (comparison / "compare.json").write_text(text)
    with pytest.raises(InputError, match=r"compare\.json.*damaged"):
        read_comparison(comparison)


def line(difference, low, high):
    return Difference(
        group="overall", value="", statistic="mean", replications=4, calls=9, base=400.0,
        whatif=400.0 + difference, difference=difference, low=low, high=high,
        correlation=None, variance_reduction=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (line(-12.0, -21.0, -3.0), "falls by 12 s (95% interval 3 to 21 s)"),
        (line(12.0, 3.0, 21.0), "rises by 12 s (95% interval 3 to 21 s)"),
        (line(-12.0, -30.0, 6.0), "No difference in the mean response time can be shown"),
        (line(0.0, 0.0, 0.0), "No call was answered sooner or later"),
        (line(-12.0, None, None), "One replication gives no interval"),
        (line(0.0, None, None), "did not change"),
    ],
)
def test_the_reading_says_what_the_interval_allows(row, said):
    assert said in reading(row)


def test_durations_and_scales():
    assert [clock(v) for v in (0, 59.6, 61, -61, None, float("nan"))] == [
        "0:00", "1:00", "1:01", "-1:01", "-", "-",
    ]  # fmt: skip
    assert ticks(0.0, 10.0) == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert ticks(-3.0, 3.0, 3) == [-2.0, 0.0, 2.0]
    assert graded({"a": 0.0, "b": 9.9, "c": 10.0}, ("x", "y"), 0.0, 10.0) == {
        "a": "x", "b": "y", "c": "y",
    }  # fmt: skip


def test_ecdf_reaches_every_call():
    picture = ecdf([("all", np.arange(60.0, 660.0, 60.0))], 480.0)
    Strict(picture)
    assert picture.count("V") == 10
    assert compare([pair_calls(calls_rows(), calls_rows())])[0].difference == 0.0
