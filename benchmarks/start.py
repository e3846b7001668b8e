"""Seconds until a first result, cold and warm: `python -m benchmarks.start`.

`twin traffic` drives 600 s of a small SUMO network in a process of its own: first with an empty
cache, so that every kernel is compiled, then again with the cache filled.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.grid_demand import grid_trips
from benchmarks.sumo_files import write_network, write_trips
from twin.network.generate import grid

TWIN = "import sys; sys.argv[0] = 'twin'; from apps.cli.main import main; main()"


def main() -> None:
    """Print both times."""
    network = grid(5, 5, 200.0, 2, 13.89)
    trips = grid_trips(network, 5, 300, 300.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net, routes = write_network(network, folder), folder / "cars.rou.xml"
        write_trips(trips, routes)
        os.environ["TWIN_CACHE"] = str(folder / "cache")
        city = folder / "city"
        twin = [sys.executable, "-c", TWIN]
        run = [*twin, "traffic", str(city), "--routes", str(routes), "--end", "600", "--json"]
        subprocess.run(
            [*twin, "city", "import", "sumo", str(net), "--out", str(city)],
            check=True,
            capture_output=True,
        )
        for cache in ("empty", "filled"):
            start = time.perf_counter()
            subprocess.run(run, check=True, capture_output=True)
            print(f"start, cache {cache}: first result after {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
