"""Others make way for a siren: on a road without lights, where nothing else could help the unit."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.sirens import road_time


@pytest.mark.parametrize("flow", [400.0, 600.0])
def test_a_siren_is_faster_than_the_same_unit_without_it(flow):
    # Measured: 11% and 10% faster. When nobody makes way it is 2% faster and 4% slower: then this
    # fails.
    siren, without = (
        np.mean([road_time(flow, seed, siren=siren) for seed in range(1, 9)])
        for siren in (True, False)
    )
    assert siren < 0.95 * without
