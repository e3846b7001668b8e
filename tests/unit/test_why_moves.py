"""Every choice of where a unit waits can be told in plain words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from apps.cli.main import main
from apps.web.texts import LANGUAGES, words
from apps.why_moves import moves_told
from tests.support.emergency import QUIET, plan
from tests.support.move_up import moved

COLUMNS = {
    "t": 60.0, "unit_id": "u", "policy": "p", "reason": "free", "from_station": "a",
    "station_id": "a", "eta_s": 0.0, "score": 0.0, "chosen": False, "made": False,
}  # fmt: skip


def rows(*each: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([COLUMNS | one for one in each])


MADE = {"station_id": "b", "eta_s": 90.0, "score": -2.0, "chosen": True, "made": True}


@pytest.mark.parametrize(
    ("each", "said"),
    [
        (
            [{"score": -1.0}, MADE],
            (
                "u was sent from a to wait at b, a drive of 1 min 30 s. It was free after a call."
                " Next best was a, a drive of 0 min 0 s. Rule “p”; stations weighed: 2."
            ),
        ),
        (
            [MADE | {"made": False, "reason": "shift"}, {"eta_s": np.inf, "reason": "shift"}],
            (
                "u was wanted at b, a drive of 1 min 30 s, and stayed with a: the limit on moves"
                " was reached. Others had come on duty or gone off it."
                " Rule “p”; stations weighed: 2."
            ),
        ),
        (
            [{"chosen": True, "reason": "dispatch"}],
            "u stayed with a. Others had been sent to calls. Rule “p”; stations weighed: 1.",
        ),
    ],
)
def test_what_was_decided_is_said(each: list[dict[str, Any]], said: str) -> None:
    (found,) = moves_told(rows(*each), "u", words("en"))
    assert found.sentence == said
    assert found.made == any(one.get("made", False) for one in each)


def test_both_languages_have_every_sentence() -> None:
    for lang in LANGUAGES:
        for reason in ("free", "dispatch", "shift"):
            for made in (True, False):
                table = rows(MADE | {"made": made, "reason": reason}, {"reason": reason})
                (found,) = moves_told(table, "u", words(lang))
                assert "{" not in found.sentence
    assert moves_told(rows(MADE), "v", words("en")) == []


def test_stations_are_called_by_their_names() -> None:
    named = {"a": "Jongno Fire Station (a)", "b": "Jongno Fire Station (b)"}
    (found,) = moves_told(rows({"score": -1.0}, MADE), "u", words("en"), named)
    assert found.sentence.startswith(
        "u was sent from Jongno Fire Station (a) to wait at Jongno Fire Station (b), a drive"
    )
    assert "Next best was Jongno Fire Station (a), a drive" in found.sentence


def test_the_command_tells_of_a_unit(tmp_path, capsys, monkeypatch) -> None:
    class Reader:
        folder = tmp_path
        scenario = plan(calls=QUIET)

        def __init__(self, _: Any) -> None:
            policy = {"moveup": "dmexclp"}
            _, self.recorder = moved(
                tmp_path, [0, 2, 1], "1,0,p3,0,60,no,,\n2,0,p5,0,80000,no,,\n",
                policy=policy, coverage={"busy": 0.3},
            )  # fmt: skip

        def table(self, name: str) -> pd.DataFrame:
            return self.recorder.frame(name)

    monkeypatch.setattr("apps.cli.why.RunReader", Reader)
    assert main(["why", str(tmp_path), "u0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (move,) = found["moves"]
    assert move["made"]
    assert "u0 was sent from p0 to wait at p1" in move["sentence"]
    assert [row["station_id"] for row in move["stations"]] == ["p1", "p0", "p2"]
    assert main(["why", str(tmp_path), "u0"]) == 0
    assert "Next best was p0, a drive of 1 min 40 s." in capsys.readouterr().out
