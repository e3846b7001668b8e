"""Rules compared on the same calls: `python -m benchmarks.policies BASE FIDELITY PAIRS [RULE ...]`.

Every rule is a what-if of one base (closest idle unit by current times, nobody moves up), paired by
common random numbers, 95% intervals. `python -m benchmarks.policies seoul-day table 100` and
`sf-day table 100` are a weekday each; `seoul-core-evening-peak` with `table`, `meso` and
`micro` shows whether traffic changes the ranking.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measured import twin

RULES = {
    "closest-free-flow": 'dispatch = "closest-free-flow"',
    "closest-straight-line": 'dispatch = "closest-straight-line"',
    "soonest": 'dispatch = "soonest"',
    "least-loss": 'dispatch = "least-loss"',
    "dmexclp-dispatch": 'dispatch = "dmexclp-dispatch"',
    "preparedness": 'dispatch = "preparedness"',
    "dmexclp": 'moveup = "dmexclp"',
    "compliance-table": 'moveup = "compliance-table"',
    "dmexclp both": 'dispatch = "dmexclp-dispatch"\nmoveup = "dmexclp"',
}
"""What each what-if sets of the base's `[policy]`."""
BASES = {
    "seoul-day": ["seoul-year-of-calls", "period.start=00:00", "period.end=24:00"],
    "sf-day": [
        "sf-2017-01-04",
        "period.start=00:00",
        "period.end=24:00",
        "calls.source=generated",
        "record.frame_every_s=600",
        "record.decisions=false",
    ],
}
"""A catalogue scenario and settings, by a short name; another name is a scenario as it stands."""
STATISTICS = ("mean", "p90", "share_within_target")


def main(asked: Sequence[str] = ("seoul-core-evening-peak", "table", "4")) -> None:
    """Print a line for each rule as it is known."""
    base, fidelity, pairs, *wanted = asked
    scenario, *settings = BASES.get(base, [base])
    settings.append(f"traffic.fidelity={fidelity}")
    sets = [part for setting in settings for part in ("--set", setting)]
    print(f"{scenario}, {', '.join(settings)}: {pairs} pairs")
    print(f"{'rule':<22} {'calls':>8} {'mean, s':>24} {'90th pct., s':>24} {'in time, %':>24}")
    with tempfile.TemporaryDirectory() as name:
        for rule in wanted or RULES:
            whatif = Path(name) / "whatif.toml"
            content = f'name = "other-rule"\nbase = "{scenario}"\n[policy]\n{RULES[rule]}\n'
            whatif.write_text(content, encoding="utf-8")
            command = ["compare", scenario, str(whatif), *sets, "--replications", pairs]
            # One folder for all: the base's runs in it are kept from rule to rule.
            found = twin([*command, "--out", str(Path(name) / "compared"), "--json"]).answer
            cells, calls = [], 0
            for row in found["rows"]:
                if row["group"] == "overall" and row["statistic"] in STATISTICS:
                    scale = 100.0 if row["statistic"] == "share_within_target" else 1.0
                    low, high = (
                        "" if row[end] is None else f"{scale * row[end]:+.1f}"
                        for end in ("low", "high")
                    )
                    cells.append(f"{scale * row['difference']:+.1f} [{low}, {high}]")
                    calls = row["calls"]
            print(f"{rule:<22} {calls:>8} {' '.join(f'{cell:>24}' for cell in cells)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
