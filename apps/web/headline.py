"""What the comparison that a run belongs to has shown, in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from apps.report.differences import stands_instead
from apps.report.run_differences import READ, counted_since
from apps.report.words import signed, signed_whole
from apps.web.changes import change_list
from apps.web.runs import is_side
from apps.web.texts import LANGUAGES, words
from twin.city.model import City
from twin.city.names import by_language
from twin.core.errors import InputError
from twin.metrics.compare import DECIMALS, excludes_zero
from twin.metrics.run_differences import SPEED
from twin.metrics.summary import FEW_CALLS, few_calls
from twin.recording.comparison_folder import FILE, run_folder
from twin.recording.reader import RunReader
from twin.scenarios.spec import Period


def headline(run: Path, city: City | None = None) -> dict[str, dict[str, str]] | None:
    """Return what to say by language; None if the run is in no comparison.

    Each holds `figure`, `interval` (empty without one), `verdict`, `about` (which scenario stands
    against which, and what only the base changes), and `few` (warnings: of too few calls, of
    traffic that differs clearly, of the streets that gain and lose most, and the comparison's
    notes; empty where there are none). It is also None while a comparison is not finished, or where
    no call was reached on both sides.

    Parameters
    ----------
    run
        Folder of a run, beside whose folder `compare.json` may stand.
    city
        City of the run, which knows the names of places; without it the sides are not named.
    """
    if not is_side(run.name):
        return None
    try:
        found: dict[str, Any] = json.loads((run.parent / FILE).read_text("utf-8"))
        row = found["overall"]
        if row is None:
            return None
        notes, traffic = found.get("notes", []), found.get("traffic", [])
        streets = found.get("streets")
        period = Period.model_validate(found["period"]) if traffic else None
        since = None if period is None else counted_since(period)
        said = {lang: _say(row, notes, (traffic, since, streets), lang) for lang in LANGUAGES}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # a run is shown though the file beside it is not there or damaged
    sides = {} if city is None else _sides(run.parent, city)
    return {
        lang: {**each, "about": " ".join([*sides.get(lang, ()), each["about"]])}
        for lang, each in said.items()
    }


def _sides(folder: Path, city: City) -> dict[str, list[str]]:
    """Return by language which scenario stands against which, and what only the base changes."""
    try:
        base, whatif = (RunReader(run_folder(folder, s, 0)).scenario for s in ("base", "whatif"))
        instead = change_list(base, city) if stands_instead(base, whatif) else []
    except InputError:
        return {}  # a run is shown though the one beside it is not there or damaged
    said: dict[str, list[str]] = {}
    for lang in LANGUAGES:
        text = words(lang)["compared"]
        names = {"base": base.title.get(lang, base.name)}
        names["whatif"] = whatif.title.get(lang, whatif.name)
        said[lang] = [text["sides"].format(**names)]
        if instead:
            changes = "; ".join(f"{mark['words'][lang]} ({mark['when'][lang]})" for mark in instead)
            said[lang].append(text["instead"].format(changes=changes))
    return said


def _say(
    row: dict[str, Any],
    notes: list[dict[str, Any]],
    moved: tuple[list[dict[str, Any]], str | None, dict[str, Any] | None],
    lang: str,
) -> dict[str, str]:
    """Return what to say in a language.

    `moved` are the traffic, since when its trips are counted if not from the period's start, and
    the streets, if any.
    """
    text = words(lang)["compared"]
    low, high = row["low"], row["high"]
    in_all = few_calls(row["calls"])
    # A comparison that was stored before 2026-11-23 does not say how few calls a replication has.
    few = in_all or few_calls(row.get("weighs_as", row["calls"]))
    if not row["changed"]:
        verdict = text["unchanged"]
    elif low is None or high is None:
        verdict = text["single"]
    elif few:
        verdict = text["too_few"]
    else:
        verdict = text["clear"] if excludes_zero(low, high, 1.0, DECIMALS) else text["unclear"]
    warnings = [text["few" if in_all else "few_in_one"].format(n=FEW_CALLS)] if few else []
    traffic, since, streets = moved
    warnings += _traffic(traffic, since, text)
    warnings += [] if streets is None else _streets(streets, text, lang)
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


def _traffic(rows: list[dict[str, Any]], since: str | None, text: dict[str, str]) -> list[str]:
    """Return one sentence on the traffic that differs clearly, where it does."""
    counted = "" if since is None else text["traffic-since"].format(time=since)
    said = []
    for row in rows:
        if row["measure"] not in READ or not row["shown"]:
            continue
        values = [float(row[name]) for name in ("difference", "low", "high")]
        speed = row["measure"] == SPEED
        shown = [signed(value) for value in values] if speed else signed_whole(*values)
        numbers = dict(zip(("difference", "low", "high"), shown, strict=True))
        said.append(text[f"traffic-{row['measure']}"].format(**numbers, since=counted))
    return [text["traffic"].format(what=", ".join(said))] if said else []


def _streets(found: dict[str, Any], text: dict[str, str], lang: str) -> list[str]:
    """Return one sentence on the streets that gain and lose most of those that differ clearly."""
    said = [
        text[f"street-{way}"].format(
            street=_street(row, text, lang), difference=signed(row["flow"]["difference"])
        )
        for way in ("gained", "lost")
        for row in [each for each in found[way] if each["clear"]][:1]
    ]
    return [text["streets"].format(what=", ".join(said))] if said else []


def _street(row: dict[str, Any], text: dict[str, str], lang: str) -> str:
    if row["name"] is not None:
        return by_language(row["name"])[lang]
    kind = text[f"class-{row['road_class']}"]
    return text["unnamed"].format(kind=kind, lat=f"{row['lat']:.4f}", lon=f"{row['lon']:.4f}")
