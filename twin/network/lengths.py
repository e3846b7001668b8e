"""Lengths that cannot be what they say, beside the line that a link is drawn as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

STRAIGHT_SHARE = 0.95
LENGTH_GAP = 0.25
NEAR_M = 15.0
LEAST_M = 1.0
"""A link is at least this long: what is shorter is taken to be so."""


def shorter_than_straight(length: F64, straight: F64) -> Flags:
    """Return which links are shorter than their ends are apart, by more than rounding; metres."""
    flags: Flags = (length < STRAIGHT_SHARE * straight) & (straight - length > 2.0)
    return flags


def drawn_otherwise(length: F64, drawn: F64) -> Flags:
    """Return which links are drawn more than a quarter longer or shorter than said; metres."""
    flags: Flags = np.abs(drawn - length) > LENGTH_GAP * np.maximum(length, NEAR_M)
    return flags


def stated_faults(length: F64, straight: F64, drawn: F64) -> dict[str, Flags]:
    """Return the lengths of a source that cannot be right, by what is wrong with them.

    Parameters
    ----------
    length
        (L,) metres as the source states them, nan where it does not.
    straight, drawn
        (L,) metres between the ends, straight and along the drawing.
    """
    return {
        "raw links too short": length < LEAST_M,
        "raw links shorter than the straight line": shorter_than_straight(length, straight),
        "raw links drawn otherwise than said": drawn_otherwise(length, drawn),
    }
