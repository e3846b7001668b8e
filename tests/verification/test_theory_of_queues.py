"""The chain as queues of theory: exactly what a plain queue does, which does what formulas say.

A run of the chain holds some thousand calls, too few to tell a percent. So every law is shown in
two steps: with the calls and jobs of a run, the chain and a queue of a few plain lines agree on
every single wait and loss; and the plain queue, over millions of calls, is within three standard
errors and one percent of the formula.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.support.emergency import constant
from tests.support.queueing import close, jobs, plain_lost, plain_waits
from twin.city.model import Distribution
from twin.queueing.erlang import erlang_b, erlang_c, mean_wait, waits_by_class

pytestmark = pytest.mark.verify

MEAN_S = 6.0
CV2 = math.sqrt(math.log(5.0))
"""Sigma of a lognormal whose standard deviation is twice its mean."""
SCENE = {
    "exponential": Distribution(family="exponential", a=MEAN_S, high=1e9),
    "the same for all": constant(MEAN_S),
    "lognormal": Distribution(
        family="lognormal", a=math.log(MEAN_S) - CV2**2 / 2.0, b=CV2, high=1e9
    ),
}
THREE = {"1": 0.4, "2": 1.0 / 3.0, "3": 0.8 / 3.0}


@pytest.mark.parametrize("shares", [{"1": 1.0}, THREE])
@pytest.mark.parametrize("scene", SCENE)
@pytest.mark.parametrize(("load", "servers"), [(1.5, 3), (3.0, 4), (8.0, 10)])
def test_every_wait_of_the_chain_is_that_of_a_plain_queue(load, servers, scene, shares):
    got = jobs(load, servers, SCENE[scene], mean_s=MEAN_S, shares=shares)
    kept = got["t_clear"] - got["t_dispatch"]
    ended = ~np.isnan(kept)
    assert ended.sum() > 1500
    plain = plain_waits(got["t_call"], np.where(ended, kept, 1e9), got["priority"], servers)
    assert (plain > 1e-9).any()
    waited = got["t_dispatch"] - got["t_call"]
    assert np.abs(plain - waited)[ended].max() < 1e-9


@pytest.mark.parametrize("scene", SCENE)
@pytest.mark.parametrize(("load", "servers"), [(1.5, 3), (8.0, 10)])
def test_every_loss_of_the_chain_is_that_of_a_plain_queue(load, servers, scene):
    got = jobs(load, servers, SCENE[scene], mean_s=MEAN_S, losing=True)
    sent = ~np.isnan(got["t_dispatch"])
    kept = np.where(np.isnan(got["t_clear"]), 1e9, got["t_clear"]) - got["t_dispatch"]
    plain = plain_lost(got["t_call"], np.where(sent, kept, 0.0), servers)
    assert 100 < plain.sum() < 0.2 * len(plain)
    assert (plain == ~sent).all()


def poisson(rng: np.random.Generator, rate: float, n: int) -> np.ndarray:
    return np.cumsum(rng.exponential(1.0 / rate, n))


@pytest.mark.parametrize(
    ("load", "servers", "n"),
    [(1.5, 3, 2_000_000), (5.0, 8, 2_000_000), (8.0, 10, 5_000_000), (16.0, 20, 5_000_000)],
)
def test_waits_of_m_m_c(load, servers, n):
    chance, mean = [], []
    for seed in range(20):
        rng = np.random.default_rng([servers, seed])
        waits = plain_waits(
            poisson(rng, load, n), rng.exponential(1.0, n), np.ones(n, np.int64), servers
        )[1000:]
        chance.append(float((waits > 0.0).mean()))
        mean.append(float(waits.mean()))
    assert close(chance, erlang_c(load, servers))
    assert close(mean, mean_wait(load, servers))


def test_waits_by_priority_are_cobhams():
    loads, n = (1.2, 1.0, 0.8), 2_000_000
    means: list[list[float]] = [[], [], []]
    together = []
    for seed in range(20):
        rng = np.random.default_rng([54, seed])
        kind = rng.choice(3, n, p=np.array(loads) / sum(loads))
        waits = plain_waits(poisson(rng, sum(loads), n), rng.exponential(1.0, n), kind, 4)
        for k in range(3):
            means[k].append(float(waits[kind == k].mean()))
        together.append(float(waits.mean()))
    for found, expected in zip(means, waits_by_class(loads, 4), strict=True):
        assert close(found, expected)
    # Who goes first changes who waits, not how long all wait together.
    assert close(together, mean_wait(3.0, 4))


@pytest.mark.parametrize("job", ["exponential", "the same for all", "lognormal"])
@pytest.mark.parametrize(("load", "servers"), [(1.5, 3), (8.0, 10)])
def test_losses_do_not_depend_on_the_kind_of_job(load, servers, job):
    n = 2_000_000
    lost = []
    for seed in range(20):
        rng = np.random.default_rng([servers, seed])
        arrival = poisson(rng, load, n)
        if job == "exponential":
            lasts = rng.exponential(1.0, n)
        elif job == "lognormal":
            lasts = rng.lognormal(-(CV2**2) / 2.0, CV2, n)
        else:
            lasts = np.ones(n)
        lost.append(float(plain_lost(arrival, lasts, servers)[1000:].mean()))
    assert close(lost, erlang_b(load, servers))
