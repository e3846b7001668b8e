"""The page never runs code that a run names: a run folder may come from anybody."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from made_run import make_city, make_run, scenario

from apps.cli.main import main
from apps.web.feed import RunFeed
from apps.web.runs import list_runs
from apps.web.story import tell
from apps.web.texts import words


def test_a_run_that_names_code_is_shown_and_its_code_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "explodes.py").write_text("raise SystemExit('the code of a run was run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = make_run(tmp_path / "runs" / "r", make_city(tmp_path / "c"), scenario(tmp_path / "c"))
    meta = json.loads((folder / "run.json").read_text("utf-8"))
    meta["scenario"]["policy"]["dispatch"] = "explodes:Rule"
    meta["scenario"]["changes"].append(
        {"kind": "set-policy", "at": "18:00", "queue": "explodes:Rule"}
    )
    (folder / "run.json").write_text(json.dumps(meta), "utf-8")
    feed = RunFeed(folder)
    assert feed.scenario.policy.dispatch == "explodes:Rule"
    assert tell(feed, "call:0001", words("en"))["decision"]
    assert list_runs(tmp_path / "runs")
    assert main(["why", str(folder), "0001"]) == 0
    assert "explodes" not in sys.modules
