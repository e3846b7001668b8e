"""Reports of comparisons: read again as they were stored, and what is damaged is named."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from apps.cli.compare import show
from apps.report.comparison import comparison_page
from tests.support.html import is_self_contained
from tests.support.runs import calls_rows, small_city, small_run
from twin.core.errors import InputError
from twin.metrics.compare import compare
from twin.metrics.comparison import Comparison, read_comparison
from twin.metrics.pairing import reach


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
        "calls reached in both runs, all 3 replications",
        "Each figure is rounded by itself",
        "where they are few, a difference rests on them",
    ):
        assert needed in text
    assert re.search(r"calls\s+changed\s+result", text)
    # What is for statisticians is folded away at the end, after how to get the figures again.
    assert page.index("The same figures again") < page.index("For statisticians: what running both")
    assert page.index("<summary>For stat") < page.index("correlation of the two runs")


def test_what_changed_counts_is_said_of_each_table(comparison, capsys):
    found = read_comparison(comparison)
    assert any(row.changed for row in found.chain)
    show(found, comparison / "report.html")
    out = " ".join(capsys.readouterr().out.split())
    first, second = "Changed, of response times: calls", "Changed, of an interval: calls in which"
    assert out.index("Medical calls, each interval") < out.index(second) < out.index(first)
    page = is_self_contained(comparison_page(found, small_city()))
    assert first in page
    assert second in page


def test_a_whatif_that_only_takes_back_is_not_called_the_same_scenario(comparison):
    found = read_comparison(comparison)
    back = replace(found, base=found.whatif, whatif=found.base)
    page = is_self_contained(comparison_page(back, small_city()))
    assert "Nothing of its own." in page
    assert "both runs are of one scenario" not in page
    same = is_self_contained(comparison_page(replace(found, whatif=found.base), small_city()))
    assert "Nothing: both runs are of one scenario." in same


def test_a_group_of_few_calls_in_one_replication_is_marked(comparison, capsys):
    for side in ("base", "whatif"):
        file = comparison / f"{side}-002" / "calls.parquet"
        calls = pd.read_parquet(file)
        calls["priority"] = np.where(np.arange(len(calls)) == 0, 1, 2).astype(np.int32)
        calls.to_parquet(file)
    for k in range(2):
        for side in ("base", "whatif"):
            file = comparison / f"{side}-{k:03d}" / "calls.parquet"
            pd.read_parquet(file).assign(priority=np.int32(1)).to_parquet(file)
    found = read_comparison(comparison)
    page = is_self_contained(comparison_page(found, small_city()))
    reached = page[page.index("Calls that each run reached") :]
    assert re.search(r"priority 1\s+81\s+81\s.*?% †\s+\d[\d.]*% †", reached)
    assert "weighs as much as one of fewer" in reached[: reached.index("Where it changes")]
    show(found, comparison / "report.html")
    out = " ".join(capsys.readouterr().out.split())
    assert "as much as one of fewer: too few to rely on. Each replication counts the same" in out
    assert re.search(r"priority 1 .* 81 †", out)


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
