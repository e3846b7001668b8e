"""The National Early Warning Score 2 of the Royal College of Physicians (2017)."""

from __future__ import annotations

from bisect import bisect_left

# Upper ends of the bands but the last, and the points of each band; chart 1 of the report.
_RESPIRATION = ((8.0, 11.0, 20.0, 24.0), (3, 1, 0, 2, 3))
_SATURATION = ((91.0, 93.0, 95.0), (3, 2, 1, 0))
_SYSTOLIC = ((90.0, 100.0, 110.0, 219.0), (3, 2, 1, 0, 3))
_PULSE = ((40.0, 50.0, 90.0, 110.0, 130.0), (3, 1, 0, 1, 2, 3))

HIGH = 7
"""From so many points on the risk is high."""
MEDIUM = 5
"""And from so many medium; below it is low."""


def news2(*, respiration: float, saturation: float, systolic: float, pulse: float) -> int:
    """Return the score of a patient who is alert, warm and breathes air.

    Parameters
    ----------
    respiration, pulse
        Breaths and beats a minute.
    saturation
        Oxygen in the blood, per cent (scale 1).
    systolic
        Blood pressure, mmHg.
    """
    seen = (
        (_RESPIRATION, respiration), (_SATURATION, saturation),
        (_SYSTOLIC, systolic), (_PULSE, pulse),
    )  # fmt: skip
    # Devices show whole numbers, and the bands are made of these.
    return sum(points[bisect_left(ends, float(round(value)))] for (ends, points), value in seen)
