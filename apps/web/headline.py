"""What the comparison that a run belongs to has shown, in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from apps.report.words import signed
from apps.web.runs import is_side
from apps.web.texts import LANGUAGES, words
from twin.metrics.summary import FEW_CALLS, few_calls


def headline(run: Path) -> dict[str, dict[str, str]] | None:
    """Return what to say by language; None if the run is in no comparison.

    Each holds `figure`, `interval` (empty without one), `verdict`, `about`, and `few` (warnings:
    of too few calls, and the comparison's notes; empty where there are none). It is
    also None while a comparison is not finished, or where no call was reached on both sides.

    Parameters
    ----------
    run
        Folder of a run, beside whose folder `compare.json` may stand.
    """
    if not is_side(run.name):
        return None
    try:
        found: dict[str, Any] = json.loads((run.parent / "compare.json").read_text("utf-8"))
        row = found["overall"]
        return (
            None
            if row is None
            else {lang: _say(row, found.get("notes", []), lang) for lang in LANGUAGES}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # a run is shown though the file beside it is not there or damaged


def _say(row: dict[str, Any], notes: list[dict[str, Any]], lang: str) -> dict[str, str]:
    text = words(lang)["compared"]
    low, high = row["low"], row["high"]
    few = few_calls(row["calls"])
    if not row["changed"]:
        verdict = text["unchanged"]
    elif low is None or high is None:
        verdict = text["single"]
    elif few:
        verdict = text["too_few"]
    else:
        verdict = text["clear"] if row["shown"] else text["unclear"]
    warnings = [text["few"].format(n=FEW_CALLS)] if few else []
    warnings += [text[note["code"]].format(**note["numbers"]) for note in notes]
    figure = text["figure"].format(difference=signed(float(row["difference"])))
    interval = ""
    if row["changed"] and low is not None and high is not None:
        interval = text["interval"].format(low=signed(float(low)), high=signed(float(high)))
    return {
        "figure": figure,
        "interval": interval,
        "verdict": verdict,
        "about": text["about"].format(pairs=row["replications"], calls=row["calls"]),
        "few": " ".join(warnings),
    }
