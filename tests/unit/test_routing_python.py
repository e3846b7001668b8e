"""The routing kernels' plain-Python form; `make test` runs it with the compiler switched off."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.test_router import noisy, oracle
from twin.network.generate import grid
from twin.network.graph import Place

pytestmark = pytest.mark.pyfunc


def test_searches_agree_with_scipy():
    network = grid(3, 4, 200.0, 2, 10.0, signals=False)
    router = noisy(network, 3, 0.1)
    truth = oracle(router)
    rng = np.random.default_rng(3)
    origins, goals = rng.integers(0, network.n_links, (2, 25))
    label, _ = router.tree_to(int(goals[0]))
    np.testing.assert_allclose(label, truth[:, goals[0]], rtol=1e-4, atol=1e-3)
    for areas in (None, np.zeros(25, int)):
        ptr, links = router.routes(origins, goals, areas=areas)
        times = router.times_of(ptr, links)
        for i, (a, b) in enumerate(zip(origins, goals, strict=True)):
            path = links[ptr[i] : ptr[i + 1]]
            if a == b:
                assert path.tolist() == [a]
            elif np.isinf(truth[a, b]):
                assert len(path) == len(router.route(int(a), int(b))) == 0
            else:
                assert (path[0], path[-1]) == (a, b)
                assert times[i] >= truth[a, b] * (1 - 1e-4) - 1e-3
                if areas is None:
                    assert times[i] == pytest.approx(truth[a, b], rel=1e-4, abs=1e-3)
    assert not router.through_closed(ptr, links).any()
    places = [Place(int(k), 50.0) for k in origins]
    there = router.etas(places, places[0])
    back = [router.travel_times(p, places[:1])[0] for p in places]
    np.testing.assert_allclose(there, back, rtol=1e-4)
