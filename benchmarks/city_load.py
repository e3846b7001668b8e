"""How long a stored city of 60,000 links takes to load: `python -m benchmarks.city_load`."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from twin.city.bundle import load_city, save_city
from twin.city.model import City, Meta
from twin.network.generate import grid

ROUNDS = 5
SIDE = 124
VERTICES = 8


def large_city() -> City:
    """Return a grid city of some 61,000 links, with demand."""
    rng = np.random.default_rng(1)
    plain = grid(SIDE, SIDE, 150.0)
    # Surveyed lines bend: eight vertices a link that do not compress.
    vertices = plain.n_links * VERTICES
    network = replace(
        plain,
        geom_ptr=np.arange(plain.n_links + 1, dtype=np.int32) * VERTICES,
        geom_x=rng.uniform(-1e4, 1e4, vertices).astype(np.float32),
        geom_y=rng.uniform(-1e4, 1e4, vertices).astype(np.float32),
        link_length=rng.uniform(50.0, 300.0, plain.n_links).astype(np.float32),
    )
    zones, pairs = 500, 100_000
    tables = {
        "od": pd.DataFrame(
            {
                "origin": rng.integers(0, zones, pairs).astype(np.int32),
                "destination": rng.integers(0, zones, pairs).astype(np.int32),
                "trips_per_day": rng.uniform(0.0, 60.0, pairs).astype(np.float32),
            }
        )
    }
    meta = Meta(name="large", title={"en": "Large"}, timezone="UTC", synthesised=True)
    return City(meta=meta, network=network, tables=tables)


def main() -> None:
    """Print the median load time."""
    city = large_city()
    with tempfile.TemporaryDirectory() as folder:
        save_city(city, folder)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        wall, cpu = [], []
        for _ in range(ROUNDS):
            t, c = time.perf_counter(), time.process_time()
            load_city(folder)
            wall.append(time.perf_counter() - t)
            cpu.append(time.process_time() - c)
    print(
        f"city load: {city.network.n_links:,} links, {city.network.n_turns:,} turns, "
        f"{size / 1e6:.1f} MB: median {statistics.median(wall):.3f} s wall, "
        f"{statistics.median(cpu):.3f} s CPU of {ROUNDS}"
    )


if __name__ == "__main__":
    main()
