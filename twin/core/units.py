"""Factors between SI, which is used inside, and what people read and write."""

from __future__ import annotations

KMH = 1.0 / 3.6
"""m/s in one km/h."""
MPH = 0.44704
"""m/s in one mile per hour (exact by definition)."""
MILE_M = 1_609.344
"""metres in one mile (exact by definition)."""
