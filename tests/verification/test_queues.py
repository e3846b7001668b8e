"""Waits of the chain in busier queues and by priority, against their closed forms."""

from __future__ import annotations

import pytest

from tests.support.queueing import waits, within
from twin.queueing.erlang import erlang_c

pytestmark = pytest.mark.verify


@pytest.mark.parametrize(
    ("load", "servers", "known"),
    [(5.0, 8, 0.167267), (8.0, 10, 0.409180)],
)
def test_waits_of_an_m_m_c_queue(load: float, servers: int, known: float) -> None:
    chance = erlang_c(load, servers)
    assert chance == pytest.approx(known, abs=1e-6)
    runs = waits(load, servers, shares={"1": 1.0})
    assert within([float((w > 1e-9).mean()) for w, _ in runs], chance)
    assert within([float(w.mean()) for w, _ in runs], chance / (servers - load))


def test_waits_by_priority_follow_cobham() -> None:
    # Cobham 1954 for M/M/4 with rates 1.2, 1.0 and 0.8 of a unit server.
    shares = {"1": 0.4, "2": 1.0 / 3.0, "3": 0.8 / 3.0}
    runs = waits(3.0, 4, shares=shares)
    for priority, expected in ((1, 0.181941), (2, 0.404313), (3, 1.132075)):
        assert within([float(w[p == priority].mean()) for w, p in runs], expected)
    first_come = waits(3.0, 4, shares=shares, queue="first-come")
    for priority in (1, 2, 3):
        means = [float(w[p == priority].mean()) for w, p in first_come]
        assert within(means, 0.509434)
