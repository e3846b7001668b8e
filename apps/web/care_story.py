"""What the story of a call says of its answer, its plan, its patients and its fire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from apps.why import duration

if TYPE_CHECKING:
    from apps.web.feed import RunFeed

_TAGS = ("immediate", "delayed", "minor", "dead")


def care_facts(feed: RunFeed, row: pd.Series, words: dict[str, Any]) -> list[tuple[str, str]]:
    """Return facts of a row of `calls`; those that say nothing are left out.

    Parameters
    ----------
    feed
        The run.
    row
        The call.
    words
        The words of a language.
    """
    say = words["story"]
    facts: list[tuple[str, str]] = []
    if isinstance(row["type"], str):
        facts.append((say["type"], row["type"]))
    after = row["priority_after"]
    if pd.notna(after) and after != row["priority"]:
        facts.append((say["priority_after"], f"{after:.0f}"))
    waited = row["t_answer"] - row["t_call"]
    if waited > 0.5:
        facts.append((say["answer"], duration(waited, words)))
    if row["t_first"] < row["t_onscene"]:
        facts.append((say["first_of_any"], duration(row["t_first"] - row["t_call"], words)))
    if row["t_full"] > row["t_first"]:
        facts.append((say["full"], duration(row["t_full"] - row["t_call"], words)))
    if row["false_alarm"]:
        facts.append((say["false_alarm"], say["yes"]))
    return [*facts, *_patients(feed, row, say), *_fire(feed, row, say)]


def _patients(feed: RunFeed, row: pd.Series, say: dict[str, str]) -> list[tuple[str, str]]:
    found = feed.reader.table("patients", ["call_id", "tag", "survival"])
    found = found[found["call_id"] == row["call_id"]]
    if found.empty:
        return []
    facts = []
    tags = found["tag"].value_counts()
    if len(tags):
        colours = ", ".join(f"{say[f'tag_{t}']} {tags[t]}" for t in _TAGS if t in tags)
        facts.append((say["triage"], colours))
    if found["survival"].notna().any():
        known = found["survival"].dropna()
        value = say["survivors_of"].format(expected=f"{known.sum():.2f}", n=len(known))
        facts.append((say["survivors"], value))
    return facts


def _fire(feed: RunFeed, row: pd.Series, say: dict[str, str]) -> list[tuple[str, str]]:
    if row["kind"] != "fire":
        return []
    found = feed.reader.table("fires", ["call_id", "alarm", "burnt_m2"])
    found = found[found["call_id"] == row["call_id"]]
    if found.empty:
        return []
    fire = found.iloc[0]
    facts = [(say["alarm"], f"{fire['alarm']:.0f}")]
    if pd.notna(fire["burnt_m2"]):
        facts.append((say["burnt"], f"{fire['burnt_m2']:.0f} m\u00b2"))
    return facts
