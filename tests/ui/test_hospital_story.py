"""The panel says how full an emergency room is, and why a patient went there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from apps.web.hospital_story import emergency_room, why_there
from apps.web.texts import LANGUAGES, words
from tests.support.emergency import QUIET, FixedModel, inject, plan, run, sure, town


@pytest.fixture(scope="module")
def feed() -> Any:
    rooms = {"beds": 1, "refusal": 1.0, "enquiry_s": 30.0, "most_refusals": 1, "stay_min": 60}
    calls = [inject(town(), t, priority=1) for t in ("07:00", "07:10")]
    city = town(service=sure(1.0))
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=calls, hospitals=rooms))

    def table(name: str, columns: Any = None) -> Any:
        found = recorder.frame(name)
        return found if columns is None else found[columns]

    return SimpleNamespace(reader=SimpleNamespace(table=table))


def test_why_a_patient_went_there(feed: Any) -> None:
    asked = feed.reader.table("hospital_enquiries").iloc[0]
    taken = feed.reader.table("hospital_patients").set_index("call_id")["hospital_id"]
    call = asked["call_id"]
    ((label, said),) = why_there(feed, call, taken[call], words("en"))
    assert label == "Chosen by"
    assert said == (
        "the policy “nearest-suitable”: estimated drive 2 min 0 s; 1 came into question. Expected "
        "wait for a bed 0 min 0 s. Refusals before: 1."
    )
    assert why_there(feed, "nobody", "H0", words("en")) == []


def test_how_full_it_is(feed: Any) -> None:
    facts = dict(emergency_room(feed, "H1", words("en")))
    assert facts["Beds taken, last"] in {"0 / 1", "1 / 1"}
    assert facts["Door to treatment, mean"].endswith("s")
    assert emergency_room(feed, "H9", words("en")) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_word_is_there_in_every_language(feed: Any, lang: str) -> None:
    call = feed.reader.table("hospital_patients").iloc[0]
    said = [
        *why_there(feed, call["call_id"], call["hospital_id"], words(lang)),
        *emergency_room(feed, call["hospital_id"], words(lang)),
    ]
    assert len(said) == 4
    assert not any("{" in text for pair in said for text in pair)
