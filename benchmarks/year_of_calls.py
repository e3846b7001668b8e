"""A year of Seoul's calls by table on one core: `python -m benchmarks.year_of_calls [DAYS]`.

The whole command `twin run seoul-year-of-calls --json` in a process of its own that may use one
core: calls drawn, every call lived through, tables written and merged, summary made. A peer that
would live through the same calls on the same streets is not at hand, so no ratio is printed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measured import one_core, twin

YEAR_DAYS = 365


def main() -> None:
    """Print calls, wall-clock and CPU seconds, and memory."""
    asked = sys.argv[-1]
    days = int(asked) if asked.isdigit() else YEAR_DAYS
    # Kernels are compiled and the city is built before the clock starts.
    short = ["run", "seoul-year-of-calls", "--json", "--set"]
    with tempfile.TemporaryDirectory() as name:
        twin([*short, "period.end=01:00", "--out", str(Path(name) / "warm")])
        out = str(Path(name) / "year")
        found = twin([*short, f"period.end={24 * days}:00", "--out", out], start=one_core)
        size = sum(file.stat().st_size for file in Path(out).iterdir())
    calls = found.answer["calls"]
    print(
        f"{days} days of calls in Seoul, by table, one core: {calls:,} calls, "
        f"mean response {found.answer['response']['mean']:.0f} s"
    )
    print(f"  wall clock            {found.wall_s:8.1f} s")
    print(f"  a call                {1e3 * found.wall_s / calls:8.3f} ms")
    print(f"  CPU                   {found.cpu_s:8.1f} s")
    print(f"  most memory           {found.peak_mb:8.0f} MB")
    print(f"  run folder            {size / 1e6:8.0f} MB")


if __name__ == "__main__":
    main()
