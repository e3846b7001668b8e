"""A first start compiles every kernel of a tick once, in two processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.verify

TICKS = """
import numpy as np
from twin.network.generate import grid
from twin.traffic.micro import MicroTraffic
traffic = MicroTraffic(grid(3, 3, 100.0, 2, 13.89), seed=np.uint64(1))
traffic.advance(2)
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor compiles alone")
def test_each_kernel_is_compiled_for_one_set_of_types(tmp_path: Path) -> None:
    """A part named with other types than the tick's would be compiled for nothing."""
    environment = os.environ | {"TWIN_CACHE": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    subprocess.run([sys.executable, "-c", TICKS], check=True, env=environment)
    kernels = [
        "lanes.change_lanes",
        "insertion.enter_waiting",
        "step.tidy",
        "lane_space.make_space",
    ]
    kernels += [
        "lane_space.make_space",
        "step.decide",
        "step.follow",
        "step.pass_nodes",
        "plan.set_signals",
    ]
    kernels += ["times.update_turn_times", "times.update_travel_times", "step._advance"]
    compiled = {name: len(list(tmp_path.rglob(f"{name}-*.nbc"))) for name in kernels}
    assert compiled == dict.fromkeys(kernels, 1)
