"""`twin score` on runs made by hand."""

from __future__ import annotations

import json

import pytest

from tests.support.runs import small_run
from twin.metrics.standards import NAMES
from twin.recording.reader import RunReader


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(
        tmp_path_factory.mktemp("score") / "r", period={"start": "18:00", "end": "19:00"}
    )


def test_a_run_by_all_standards(twin, answer, run):
    got = answer("score", run)
    assert [card["name"] for card in got["standards"]] == list(NAMES)
    assert (got["calls"], got["replications"], got["from_s"]) == (40, 1, 64_800.0)
    calls = RunReader(run).table("calls")
    urgent = calls[(calls["kind"] == "medical") & (calls["priority"] == 1)]
    (line, _) = next(card for card in got["standards"] if card["name"] == "us-8-59")["lines"]
    assert line["value"] == pytest.approx((urgent["response_s"] <= 539.0).mean())
    assert line["few"]
    assert got["unit_hours"]["ambulance"]["units"] == 2
    assert got["lost_at_hospital"]["stays"] == (calls["t_hospital"] < 68_400.0).sum()
    status, out, _ = twin("score", run, "--standard", "korea-7-min")
    assert status == 0
    assert "Korea, golden time of 7 minutes" in out
    assert "unit-hour utilisation" in out
    assert "NFPA" not in out


def test_a_comparison_has_an_interval_on_each_side(twin, answer, tmp_path):
    for k in range(3):
        small_run(tmp_path / f"base-{k:03d}", seed=k)
        small_run(tmp_path / f"whatif-{k:03d}", seed=k, faster_s=200.0)
    found = {"schema_version": 1, "replications": 3, "command": []}
    (tmp_path / "compare.json").write_text(json.dumps(found))
    got = answer("score", tmp_path, "--standard", "us-8-59")
    before, after = (got[side]["standards"][0]["lines"][1] for side in ("base", "whatif"))
    assert before["n"] == after["n"]
    assert after["low"] <= after["value"] <= after["high"]
    assert after["value"] > before["value"]
    row = got["differences"]["us-8-59"][1]
    assert (row["base"], row["whatif"]) == (before["value"], after["value"])
    assert row["difference"] == pytest.approx(after["value"] - before["value"])
    assert row["low"] <= row["difference"] <= row["high"]
    status, out, _ = twin("score", tmp_path, "--standard", "us-8-59")
    assert (status, "8:59 at 90%: what-if minus base" in out) == (0, True)
    assert "met is unclear where" in out
    status, _, err = twin("score", tmp_path, "--by", "hour")
    assert (status, "one run" in err) == (2, True)


def test_the_beginning_is_left_out_on_request(twin, answer, run):
    assert answer("score", run, "--warm-up", "30")["from_s"] == 66_600.0
    assert answer("score", run, "--warm-up", "30")["calls"] < 40
    status, _, err = twin("score", run, "--warm-up", "mser-5")
    assert (status, "too short for the rule" in err) == (2, True)
    for wrong in ("soon", "-1", "60", "nan"):
        status, _, err = twin("score", run, f"--warm-up={wrong}")
        assert (status, "is no such time" in err) == (2, True)


def test_every_interval_by_group(twin, answer, run):
    got = answer("score", run, "--by", "district", "--by", "unit", "--target", "600")
    calls = RunReader(run).table("calls")
    west = calls[calls["district"] == "west"]
    row = got["by"]["district"]["west"]
    assert row["calls"] == len(west)
    assert row["share_within_target"] == pytest.approx((west["response_s"] <= 600.0).mean())
    scene = row["intervals"]["scene"]
    assert scene["n"] == len(west)
    assert (scene["mean"], scene["p95"]) == pytest.approx((600.0, 600.0))
    response = west["response_s"].quantile([0.5, 0.9, 0.95]).tolist()
    found = row["intervals"]["response"]
    assert [found[name] for name in ("p50", "p90", "p95")] == pytest.approx(response)
    assert list(got["by"]["unit"]) == ["a1", "a2"]
    assert "by" not in answer("score", run)
    status, out, _ = twin("score", run, "--by", "hour")
    assert status == 0
    assert "Response by hour" in out
    status, _, err = twin("score", run, "--by", "districts")
    assert (status, "did you mean 'district'" in err) == (2, True)


def test_what_cannot_be_scored_is_told_in_a_sentence(twin, run, tmp_path):
    for words, said in (
        ((tmp_path,), "is not a run folder"),
        ((run, "--standard", "nfpa"), "there is no standard 'nfpa'"),
    ):
        status, _, err = twin("score", *words)
        assert status == 2
        assert said in err
        assert err.count("\n") == 1
