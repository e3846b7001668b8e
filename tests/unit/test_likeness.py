"""Only what is near is suggested in the place of a name that is not there."""

from __future__ import annotations

import pytest

from twin.core.errors import did_you_mean, nearest


@pytest.mark.parametrize(
    ("wrong", "known", "meant"),
    [
        ("wether", ["weather", "toll"], "weather"),
        ("SEOL-core", ["seoul-core", "seoul"], "seoul-core"),
        # One letter in the place of another is half of a short id, and near all the same.
        ("s3", ["s1", "h1"], "s1"),
        ("H9", ["s1", "h1"], "h1"),
        ("x", ["y"], None),
        # Half alike is not near.
        ("nosuchthing", ["oncoming", "incident"], None),
        ("c060-A1", ["M-306-0-4", "X-1"], None),
        ("s3", ["s21", "hh"], None),
    ],
)
def test_what_is_near(wrong, known, meant):
    assert nearest(wrong, known) == meant
    assert did_you_mean(wrong, known) == (meant and f"did you mean '{meant}'?")


def test_a_caller_may_ask_for_more_likeness():
    assert nearest("nearest", ["nearest-suitable"], alike=0.6) == "nearest-suitable"
    assert nearest("nearest", ["nearest-suitable"], alike=0.7) is None
