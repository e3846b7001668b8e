"""Waits of the chain as an M/M/c queue: known in closed form, met within three standard errors."""

from __future__ import annotations

import pytest

from tests.support.queueing import waits, within
from twin.queueing.erlang import erlang_c


def test_waits_of_an_m_m_3_queue() -> None:
    chance = erlang_c(1.5, 3)
    assert chance == pytest.approx(0.236842, abs=1e-6)
    runs = waits(1.5, 3, shares={"1": 1.0})
    assert within([float((w > 1e-9).mean()) for w, _ in runs], chance)
    assert within([float(w.mean()) for w, _ in runs], chance / (3 - 1.5))
