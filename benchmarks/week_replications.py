"""100 replications of a Seoul week of calls on two cores: `python -m benchmarks.week_replications`.

`twin compare` of the week with a what-if of one more ambulance, 50 pairs: 100 weeks lived through,
written, summarised and compared.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measured import twin

PAIRS = 50
ONE_MORE = """name = "one-more"
base = "seoul-year-of-calls"

[[changes]]
kind = "add-units"
station = "c023"
"""


def main() -> None:
    """Print what the comparison took and found."""
    asked = sys.argv[-1]
    pairs = int(asked) if asked.isdigit() else PAIRS
    week = ["--set", "period.end=168:00", "--json"]
    with tempfile.TemporaryDirectory() as name:
        whatif, out = Path(name) / "one-more.toml", Path(name) / "compared"
        whatif.write_text(ONE_MORE, encoding="utf-8")
        # Kernels are compiled and the city is built before the clock starts.
        warm = ["--set", "period.end=01:00", "--out", str(Path(name) / "warm")]
        twin(["run", "seoul-year-of-calls", "--json", *warm])
        asked_for = ["compare", "seoul-year-of-calls", str(whatif), *week]
        found = twin([*asked_for, "--replications", str(pairs), "--out", str(out)])
    print(f"{2 * pairs} weeks of calls in Seoul, by table, {pairs} pairs by `twin compare`:")
    print(
        f"  wall clock            {found.wall_s:8.1f} s = {found.wall_s / 2 / pairs:.2f} s a week"
    )
    print(f"  CPU                   {found.cpu_s:8.1f} s")
    print(f"  most memory           {found.peak_mb:8.0f} MB in one process")


if __name__ == "__main__":
    main()
