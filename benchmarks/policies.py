"""Rules compared on the same calls: `python -m benchmarks.policies BASE FIDELITY PAIRS [RULE ...]`.

Every rule is the base (the unit that is there first by the times of now; nobody moves up) with
one rule changed, on the same calls and the same service times. `seoul-day table 100` and
`sf-day table 100` are a weekday each; `sf-evening table,learned,meso,micro 4` is one evening under
each fidelity, and says whether the order of the rules is the same.

Each run is kept (`--keep`, `runs/policies` if left out), so a study that was stopped goes on where
it was; a run of other inputs or versions is made anew. Each rule's line is printed when its runs
are there; `--kept` runs nothing and reports what there is. `docs/explanation/rules-compared.md` is
made of these tables.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.learned_times import model_of, seconds_of
from benchmarks.ranking import F64, STATISTICS, Order, agreement, differences, interval, order
from twin.city.library import get_city
from twin.city.model import City
from twin.metrics.summary import share_within
from twin.recording.memory import MemoryRecorder
from twin.recording.provenance import city_checksum, scenario_checksum, versions
from twin.scenarios.load import load_scenario
from twin.scenarios.spec import Scenario

USUAL = "closest-idle"
NEARER = ["coverage.within_s=300"]
"""About what is left of 480 s for the drive once the call is taken and the crew turned out."""
RULES = {
    USUAL: [],
    "closest-free-flow": ["policy.dispatch=closest-free-flow"],
    "closest-straight-line": ["policy.dispatch=closest-straight-line"],
    "soonest": ["policy.dispatch=soonest"],
    "least-loss": ["policy.dispatch=least-loss"],
    "dmexclp-dispatch": ["policy.dispatch=dmexclp-dispatch"],
    "preparedness": ["policy.dispatch=preparedness"],
    "dmexclp": ["policy.moveup=dmexclp"],
    "compliance-table": ["policy.moveup=compliance-table"],
    "least-loss, 300 s": ["policy.dispatch=least-loss", *NEARER],
    "dmexclp-dispatch, 300 s": ["policy.dispatch=dmexclp-dispatch", *NEARER],
    "dmexclp, 300 s": ["policy.moveup=dmexclp", *NEARER],
    "compliance-table, 300 s": ["policy.moveup=compliance-table", *NEARER],
    "dmexclp both": ["policy.dispatch=dmexclp-dispatch", "policy.moveup=dmexclp"],
}
"""What each rule sets of the scenario; the base first."""
QUIET = ["record.decisions=false", "record.events=false", "record.trips=false"]
BASES = {
    "seoul-day": ["seoul-year-of-calls", "period.start=00:00", "period.end=24:00"],
    "sf-day": [
        "sf-2017-01-04",
        "period.start=00:00",
        "period.end=24:00",
        "calls.source=generated",
        "record.frame_every_s=600",
        *QUIET,
    ],
    # Collisions come of traffic, so they would not be the same calls under every fidelity.
    "sf-evening": [
        "sf-2017-01-04",
        "period.start=17:00",
        "period.end=19:00",
        "period.warm_up_min=45",
        "calls.source=generated",
        "calls.collisions=false",
        "record.frame_every_s=600",
        "record.links_every_s=3600",
        *QUIET,
    ],
}
"""A catalogue scenario and settings, by a short name; another name is a scenario as it stands."""
COLUMNS = ["call_id", "t_call", "kind", "fate", "response_s"]
FIDELITIES = ("table", "learned", "meso", "micro")
"""`learned` is by table, with the mean link times of lane traffic instead of delay curves."""


class Run(NamedTuple):
    """Calls of a run, and the CPU seconds that it took."""

    calls: pd.DataFrame
    cpu_s: float


class Study:
    """Runs of one base under one fidelity.

    Parameters
    ----------
    base
        One of `BASES`, or a scenario.
    fidelity
        One of `FIDELITIES`.
    keep
        Folder of the runs.
    """

    def __init__(self, base: str, fidelity: str, keep: Path) -> None:
        self._name, *settings = BASES.get(base, [base])
        moved = "table" if fidelity == "learned" else fidelity
        self._settings = [*settings, f"traffic.fidelity={moved}"]
        self.fidelity = fidelity
        self._folder = keep / base / fidelity
        self.scenario = load_scenario(self._name, self._settings)
        self._city: City = get_city(self.scenario.city)
        self._sha = city_checksum(self._city)
        self._learned: F64 | None = None

    def runs(self, rule: str, pairs: int, *, run: bool) -> list[Run | None]:
        """Return the run of each replication; None where there is none and none is to be made."""
        scenario = load_scenario(self._name, [*self._settings, *RULES[rule]])
        parts = [self._sha, scenario_checksum(scenario), self.fidelity, versions()]
        key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        folder = self._folder / rule.replace(", ", "-").replace(" ", "-")
        found = []
        for replication in range(pairs):
            file = folder / f"{replication:03d}.parquet"
            kept = read(file, f"{key}{replication}")
            if kept is None and run:
                kept = self._made(scenario, replication)
                write(file, f"{key}{replication}", kept)
            found.append(kept)
        return found

    def _made(self, scenario: Scenario, replication: int) -> Run:
        if self.fidelity == "learned" and self._learned is None:
            self._learned = self._seconds()
        before, recorder = _cpu(), MemoryRecorder()
        model = model_of(self._learned)(
            self._city, scenario, recorder=recorder, replication=replication
        )
        model.run()
        return Run(recorder.frame("calls")[COLUMNS], _cpu() - before)

    def _seconds(self) -> F64:
        """Return the link times of lane traffic, kept beside the runs."""
        name = hashlib.sha256(f"{self._sha}{scenario_checksum(self.scenario)}".encode()).hexdigest()
        file = self._folder / f"seconds-{name[:16]}.npy"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            np.save(file, seconds_of(self._city, self.scenario))
        return np.asarray(np.load(file), np.float64)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def write(file: Path, key: str, run: Run) -> None:
    """Keep a run, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(run.calls, preserve_index=False)
    about = {"key": key, "cpu_s": f"{run.cpu_s:.3f}"}
    hidden = file.with_suffix(".tmp")
    pq.write_table(table.replace_schema_metadata(about), hidden)
    hidden.rename(file)


def read(file: Path, key: str) -> Run | None:
    """Return a run that was kept; None if there is none of this key."""
    if not file.is_file():
        return None
    table = pq.read_table(file)
    about = table.schema.metadata or {}
    if about.get(b"key") != key.encode():
        return None
    return Run(table.to_pandas(), float(about[b"cpu_s"]))


class Found(NamedTuple):
    """What a fidelity's runs say."""

    fidelity: str
    rules: list[str]
    apart: dict[str, F64]


def of_fidelity(
    base: str, fidelity: str, pairs: int, rules: list[str], keep: Path, *, run: bool
) -> Found:
    """Run a base under one fidelity, and print a line for each rule as it is known."""
    study = Study(base, fidelity, keep)
    end_s = study.scenario.period.end_s
    print(f"\n{base}, {fidelity}: every rule against {USUAL}, 95% intervals\n")
    print("| rule | pairs | calls | mean, s | 90th percentile, s | in time, points | CPU s a run |")
    print("|---|---|---|---|---|---|---|")
    tables: list[list[pd.DataFrame | None]] = []
    for rule in rules:
        found = study.runs(rule, pairs, run=run)
        tables.append([None if each is None else each.calls for each in found])
        made = [each for each in found if each is not None]
        cpu = f"{np.median([each.cpu_s for each in made]):.1f}" if made else "-"
        calls = sum(len(each.calls) for each in made)
        cells = _level(made, end_s)
        if rule != USUAL:
            two = differences([tables[0], tables[-1]], end_s)
            cells = [shown(two[name][1, 0]) for name in STATISTICS]
        print(f"| `{rule}` | {len(made)} | {calls:,} | {' | '.join(cells)} | {cpu} |", flush=True)
    return Found(fidelity, rules, differences(tables, end_s))


def _level(runs: Sequence[Run], end_s: float) -> list[str]:
    """Return the figures of the base itself."""
    seconds = [run.calls["response_s"].dropna() for run in runs]
    if not any(map(len, seconds)):
        return ["-"] * len(STATISTICS)
    mean = np.mean([each.mean() for each in seconds if len(each)])
    p90 = np.mean([each.quantile(0.9) for each in seconds if len(each)])
    shares = [share_within(run.calls, end_s) for run in runs]
    share = np.mean([each for each in shares if each is not None])
    return [f"{mean:.1f}", f"{p90:.1f}", f"{100.0 * share:.1f}%"]


def shown(sample: F64) -> str:
    """Return a difference with its interval."""
    found = interval(sample)
    if not found.n:
        return "-"
    ends = "" if found.n < 2 else f" [{found.low:+.1f}, {found.high:+.1f}]"
    return f"{found.mean:+.1f}{ends}"


def print_order(found: Found) -> None:
    """Print the rules from the best mean to the worst, and which are clearly better than which."""
    orders = {name: order_of(found, name, together=True) for name in STATISTICS}
    by_mean = orders["mean"].rules
    place = {rule: k for k, rule in enumerate(by_mean, start=1)}
    print(f"\n{found.fidelity}, from the best mean to the worst; all intervals together 95%\n")
    heads = " | ".join(f"clearly better by {title.split(',')[0]}" for title in STATISTICS.values())
    print(f"| place | rule | {heads} |")
    print("|---" * (len(STATISTICS) + 2) + "|")
    for rule in by_mean:
        cells = []
        for name, best in orders.items():
            better = 1 if name == "share" else -1
            worse = sorted(place[i] for i in by_mean if best.signs[rule, i] == better)
            cells.append(", ".join(spans(worse)) or "-")
        print(f"| {place[rule]} | `{found.rules[rule]}` | {' | '.join(cells)} |")


def order_of(found: Found, name: str, *, together: bool) -> Order:
    """Return the order by a statistic."""
    return order(found.apart[name], less_is_better=name != "share", together=together)


def spans(numbers: Sequence[int]) -> Iterator[str]:
    """Yield runs of numbers that follow one another: 2-4, 7."""
    begin = 0
    for k in range(len(numbers)):
        if k + 1 == len(numbers) or numbers[k + 1] != numbers[k] + 1:
            first, last = numbers[begin], numbers[k]
            yield f"{first}" if first == last else f"{first}-{last}"
            begin = k + 1


def print_across(found: Sequence[Found]) -> None:
    """Print what each fidelity says of each rule, and how alike their orders are."""
    first = found[0]
    for name, title in STATISTICS.items():
        print(f"\nAgainst {USUAL}, {title}, and how far that is from what {first.fidelity} says\n")
        heads = [each.fidelity for each in found]
        heads += [f"{each.fidelity} less {first.fidelity}" for each in found[1:]]
        print(f"| rule | {' | '.join(heads)} |")
        print("|---" * (len(heads) + 1) + "|")
        for k, rule in enumerate(first.rules):
            if rule == USUAL:
                continue
            cells = [shown(each.apart[name][k, 0]) for each in found]
            cells += [shown(each.apart[name][k, 0] - first.apart[name][k, 0]) for each in found[1:]]
            print(f"| `{rule}` | {' | '.join(cells)} |")
    print("\nHow alike the orders are; a pair is clear by its own 95% interval\n")
    print("| by | fidelities | tau | pairs clear in both | same way | opposite | clear in one |")
    print("|---|---|---|---|---|---|---|")
    for name, title in STATISTICS.items():
        orders = [order_of(each, name, together=False) for each in found]
        for j in range(1, len(found)):
            for i in range(j):
                like = agreement(orders[i], orders[j])
                both = f"{found[i].fidelity}, {found[j].fidelity}"
                print(
                    f"| {title} | {both} | {like.tau:.2f} | {like.clear} of {like.pairs} | "
                    f"{like.same} | {like.opposite} | {like.only_one} |"
                )


def main(asked: Sequence[str] = ("seoul-core-evening-peak", "table", "4")) -> None:
    """Run what is asked for and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", help=f"{', '.join(BASES)}, or a scenario")
    parser.add_argument("fidelities", help=f"of {', '.join(FIDELITIES)}, with commas between")
    parser.add_argument("pairs", type=int)
    parser.add_argument("rules", nargs="*", metavar="RULE", help=f"of {', '.join(RULES)}")
    parser.add_argument("--keep", type=Path, default=Path("runs/policies"))
    parser.add_argument("--kept", action="store_true", help="run nothing")
    given = parser.parse_args(asked)
    fidelities = given.fidelities.split(",")
    if unknown := ({*fidelities} - {*FIDELITIES}) | ({*given.rules} - {*RULES}):
        parser.error(f"there is no {min(unknown)!r}")
    rules = [rule for rule in RULES if rule == USUAL or rule in (given.rules or RULES)]
    found = []
    for fidelity in fidelities:
        found.append(
            of_fidelity(given.base, fidelity, given.pairs, rules, given.keep, run=not given.kept)
        )
        print_order(found[-1])
    if len(found) > 1:
        print_across(found)


if __name__ == "__main__":
    main(sys.argv[1:])
