"""Networks that SUMO ships come back from GMNS tables: turns, turn lanes, plans of signals."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.gmns import back, check_same
from twin.network.sumo import read_sumo

sumo = pytest.importorskip("sumo", reason="SUMO is not installed: benchmarks/requirements.lock")
pytestmark = pytest.mark.verify


@pytest.mark.parametrize(
    "name",
    ["DRT/osm", "bs3d/bs", "corridor/corridor", "cross/cross", "grid6/grid6", "ramp/ramp"],
)
def test_a_network_of_sumo_comes_back(name: str, tmp_path) -> None:
    network = read_sumo(Path(sumo.SUMO_HOME) / "tools" / "game" / f"{name}.net.xml").network
    check_same(network, back(network, tmp_path))
