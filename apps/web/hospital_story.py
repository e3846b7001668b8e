"""What the panel says of hospitals: why a patient went there, how full it is, how long it took."""

from __future__ import annotations

from typing import Any

import pandas as pd

from apps.web.feed import RunFeed
from apps.why import duration


def why_there(
    feed: RunFeed, call_id: str, hospital_id: str, words: dict[str, Any]
) -> list[tuple[str, str]]:
    """Return why a patient went to a hospital: rule, drive, expected wait, refusals before."""
    say = words["story"]
    rows = feed.reader.table("hospital_choices")
    rows = rows[rows["call_id"] == call_id]
    chosen = rows[rows["chosen"] & (rows["hospital_id"] == hospital_id)]
    if not len(chosen):
        return []
    last = chosen.iloc[-1]
    together = rows[(rows["t"] == last["t"]) & (rows["unit_id"] == last["unit_id"])]
    said = say["why_hospital"].format(
        policy=last["policy"], eta=duration(last["eta_s"], words), n=len(together)
    )
    if pd.notna(last["wait_s"]):
        said = f"{said} {say['expected_wait'].format(wait=duration(last['wait_s'], words))}"
    asked = feed.reader.table("hospital_enquiries")
    refused = int((asked["refused"] & (asked["call_id"] == call_id)).sum())
    if refused:
        said = f"{said} {say['refused_before'].format(n=refused)}"
    return [(say["chosen_by"], said)]


def emergency_room(feed: RunFeed, hospital_id: str, words: dict[str, Any]) -> list[tuple[str, str]]:
    """Return how full the emergency room was last, and how long crews and patients waited."""
    say = words["story"]
    status = feed.reader.table("hospital_status", ["t", "hospital_id", "beds", "occupied"])
    status = status[(status["hospital_id"] == hospital_id) & status["beds"].notna()]
    if not len(status):
        return []
    last = status.iloc[-1]
    full = f"{last['occupied']:.0f} / {last['beds']:.0f}"
    facts = [(say["beds"], full)]
    seen = feed.reader.table("hospital_patients")
    seen = seen[seen["hospital_id"] == hospital_id]
    for label, seconds in (
        ("offload", seen["t_released"] - seen["t_door"]),
        ("door_to_treatment", seen["door_to_treatment_s"]),
    ):
        if seconds.notna().any():
            facts.append((say[label], duration(float(seconds.mean()), words)))
    return facts
