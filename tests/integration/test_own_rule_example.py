"""The rule of the how-to page does what the page says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.table_city import region, replayed

FILES = Path(__file__).parents[2] / "docs" / "how-to" / "files"
RULE = "own_rules:LongestRested"
HEAD = "id,t,place,dispatch_delay_s,scene_s,transport\n"


@pytest.fixture
def _on_the_path(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(FILES))
    yield
    sys.modules.pop("own_rules", None)


@pytest.mark.usefixtures("_on_the_path")
@pytest.mark.parametrize(
    ("slack_s", "units"),
    [
        (0.0, ["u0", "u0", "u0"]),  # the nearest each time
        (120.0, ["u0", "u1", "u0"]),  # u1 is 100 s further, and has rested; then u0 has
    ],
)
def test_who_has_rested_longest_goes(tmp_path: Path, slack_s: float, units: list[str]) -> None:
    city = region(tmp_path, [[0.0, 100.0], [100.0, 0.0]], [0, 1], [0])
    rows = HEAD + "".join(f"{k},{3600 * k},p0,0,60,no\n" for k in range(1, 4))
    calls, model = replayed(
        city, tmp_path, rows,
        policy={"dispatch": RULE, "parameters": {RULE: {"slack_s": slack_s}}},
    )  # fmt: skip
    assert calls["unit_id"].tolist() == units
    decisions = model.recorder.frame("decisions")
    assert set(decisions["policy"]) == {RULE}
    assert set(decisions["term"]) == {"free_since"}


def test_the_page_shows_the_rule() -> None:
    page = (FILES.parent / "add-a-rule.md").read_text("utf-8")
    assert "files/own_rules.py" in page
    assert RULE in page
