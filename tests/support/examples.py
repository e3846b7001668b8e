"""How many examples a property of a whole run of traffic is tried on."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

few_examples = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
