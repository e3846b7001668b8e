"""How long a comparison may still take, told while it runs."""

from __future__ import annotations

from apps.cli.estimate import Estimate


def test_what_is_left_is_told_from_what_was_done():
    now = 100.0
    left = Estimate(lambda: now)
    left.count(2, 10)  # two are there from an earlier comparison
    assert left.words() == ""
    left.reach("base-001", 0.0)
    now += 600.0  # to make ready
    left.reach("base-001", 0.25)
    left.reach("whatif-001", 0.25)
    now += 60.0
    left.reach("base-001", 0.5)
    left.reach("whatif-001", 0.75)
    # A run in a minute since the first sign: 6.75 are left of eight.
    assert left.words() == "; about 7 min more"
    now += 60.0
    left.reach("base-001", 1.0)
    left.count(3, 10)
    assert left.words() == ""  # from here on the pace is measured anew
    left.reach("whatif-001", 1.0)
    left.count(4, 10)
    left.reach("base-002", 0.5)
    now += 30.0
    # Three quarters of a run in half a minute: five and a half are left.
    assert left.words() == "; about 4 min more"
    left.count(10, 10)
    assert left.words() == ""


def test_what_is_soon_done_or_just_begun_is_not_estimated():
    now = 0.0
    left = Estimate(lambda: now)
    left.count(0, 2)
    left.reach("base-000", 0.1)
    now = 15.0
    left.reach("base-000", 0.2)
    assert left.words() == ""
    now = 40.0
    left.reach("base-000", 0.9)
    assert left.words() == ""
    now = 40_000.0
    assert left.words() == "; about 15 h more"
