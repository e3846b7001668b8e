"""START: the cases of the published card, and vitals that lead back to the tag."""

from __future__ import annotations

import numpy as np
import pytest

from twin.agents.incidents.triage import RANK, Tag, Vitals, draw_vitals, start


@pytest.mark.parametrize(
    ("vitals", "tag"),
    [
        (Vitals(walks=True, breaths=20.0), Tag.MINOR),
        # Who walks is green whatever else is found.
        (Vitals(walks=True, breaths=36.0, pulse=False, obeys=False), Tag.MINOR),
        (Vitals(walks=False, breaths=0.0), Tag.DEAD),
        (Vitals(walks=False, breaths=0.0, breathes_opened=True), Tag.IMMEDIATE),
        (Vitals(walks=False, breaths=31.0), Tag.IMMEDIATE),
        (Vitals(walks=False, breaths=30.0), Tag.DELAYED),
        (Vitals(walks=False, breaths=24.0, pulse=False), Tag.IMMEDIATE),
        (Vitals(walks=False, breaths=24.0, pulse=None, refill_s=2.5), Tag.IMMEDIATE),
        (Vitals(walks=False, breaths=24.0, pulse=None, refill_s=2.0), Tag.DELAYED),
        # The pulse decides where it was felt for (Benson, Koenig and Schultz 1996).
        (Vitals(walks=False, breaths=24.0, pulse=True, refill_s=4.0), Tag.DELAYED),
        (Vitals(walks=False, breaths=24.0, obeys=False), Tag.IMMEDIATE),
        (Vitals(walks=False, breaths=24.0, obeys=True), Tag.DELAYED),
    ],
)
def test_start_asks_in_its_order(vitals, tag) -> None:
    assert start(vitals) is tag


@pytest.mark.parametrize("tag", list(Tag))
def test_drawn_vitals_lead_back_to_the_tag(tag) -> None:
    rng = np.random.default_rng(4)
    drawn = [draw_vitals(tag, rng) for _ in range(200)]
    assert all(start(vitals) is tag for vitals in drawn)
    if tag is Tag.IMMEDIATE:
        assert {v.breaths > 30.0 for v in drawn} == {True, False}
        assert {v.obeys for v in drawn} == {v.pulse for v in drawn} == {True, False}


def test_colours_are_served_in_their_order() -> None:
    assert sorted(Tag, key=RANK.__getitem__) == ["immediate", "delayed", "minor", "dead"]
