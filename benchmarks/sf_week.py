"""San Francisco's recorded week beside the twin's: `python -m benchmarks sf_week`.

Eight days of dispatch records, 2016-12-31 to 2017-01-07, go through the city's streets by
travel-time table, twice:

trace-driven
    every call with its own recorded handling, turnout, scene and handover, so that only decisions
    and drives are the twin's;
held out
    durations drawn from fits to four of the days, and compared on the other four, both ways round.

Each interval stands with observed and simulated median and 90th percentile and the KS distance
between the two; and how often the twin sent a unit of the same type from the same station, or that
very unit, as was sent then. `docs/explanation/san-francisco.md` says what the figures mean.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from apps.report.service import sent_lines
from apps.report.words import clock
from calibration.feeds.cad import read_cad
from calibration.feeds.calls import calls_of
from calibration.feeds.mapping import load_mapping
from calibration.intervals import fit_service
from calibration.recipes.san_francisco.files import CALLS
from twin.city.library import get_city
from twin.city.model import City, Service
from twin.core.paths import data_dir
from twin.metrics.intervals import INTERVALS, interval_table, ks_distance
from twin.metrics.sent import units_sent
from twin.recording.memory import MemoryRecorder
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel

CITY = "san-francisco"
FIRST = date(2016, 12, 31)
DAYS = 8
REPLICATIONS = 5
"""Of the held-out runs, whose durations are drawn."""


def main() -> None:
    """Print the tables."""
    if not (data_dir() / CALLS.path).is_file():
        print(f"sf_week: needs {CALLS.path} under TWIN_DATA ({CALLS.source})")
        return
    city = get_city(CITY)
    print("## Trace-driven: recorded handling, turnout, scene and handover")
    started = time.perf_counter()
    calls = replayed(city, intervals="recorded")
    print(f"{len(calls):,} calls of {DAYS} days in {time.perf_counter() - started:.0f} s\n")
    show_intervals([interval_table(calls, city["history"])])
    show_units(city, calls)
    for days in (range(0, DAYS, 2), range(1, DAYS, 2)):
        held_out(city, [day_text(k) for k in days])


def held_out(city: City, train: Sequence[str]) -> None:
    """Fit on some days and print what comes of it on the others."""
    zone = city.meta.timezone
    mapping = load_mapping(CITY)
    feed = calls_of(read_cad(data_dir() / CALLS.path, mapping))
    seen = feed["t_call"].dt.tz_convert(zone).dt.strftime("%Y-%m-%d").isin(train)
    fit, _ = fit_service(feed[seen], source=f"{', '.join(train)}")
    fit = fit.model_copy(update={"siren_to_priority": mapping.priorities.siren_to})
    history = city["history"]
    mine = history["t_call"].dt.tz_convert(zone).dt.strftime("%Y-%m-%d").isin(train)
    tests = history[~mine]
    print(f"\n## Fitted on {', '.join(train)}; compared on the other days")
    tables = []
    for replication in range(REPLICATIONS):
        calls = replayed(city, intervals="drawn", service=fit, replication=replication)
        tables.append(interval_table(calls[calls["call_id"].isin(tests["call_id"])], tests))
    apart = {
        name: ks_distance(recorded(history[mine], name), recorded(tests, name))
        for name in INTERVALS
    }
    show_intervals(tables, apart)


def replayed(
    city: City, *, intervals: str, service: Service | None = None, replication: int = 0
) -> pd.DataFrame:
    """Return the `calls` table of a run of the week."""
    fields = {
        "name": "sf-week",
        "city": CITY,
        "period": {"day": FIRST, "start": "00:00", "end": "200:00", "warm_up_min": 0.0},
        "traffic": {"fidelity": "table"},
        "calls": {
            "source": "recorded",
            "collisions": False,
            "held_out_fit": False,
            "intervals": intervals,
        },
        "record": {"frame_every_s": 600.0, "decisions": False},
    }
    if service is not None:
        city = City(city.meta, city.network, city.tables, {"": service}, city.build)
    recorder = MemoryRecorder()
    model = CityModel(
        city, Scenario.model_validate(fields), recorder=recorder, replication=replication
    )
    model.run()
    return recorder.frame("calls")


def recorded(history: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return the recorded seconds of an interval of medical calls with an ambulance's chain."""
    start, end = INTERVALS[name]
    chain = history[(history["kind"] == "medical") & (history["unit_kind"] == "ambulance")]
    seconds = np.asarray((chain[end] - chain[start]).dt.total_seconds(), np.float64)
    return seconds[seconds > 0.0]


def show_intervals(
    tables: Sequence[dict[str, Any]], days_apart: dict[str, float | None] | None = None
) -> None:
    """Print a row an interval; of several runs the means of their figures."""
    more = "" if days_apart is None else " KS of the days themselves |"
    print(
        "| interval, min:s | calls | observed median | simulated | observed 90th | simulated "
        f"| KS |{more}"
    )
    print("|---" * (7 if days_apart is None else 8) + "|")
    for name in tables[0]:
        rows = [table[name] for table in tables]
        if rows[0]["ks"] is None:
            continue
        cells = [f"{np.mean([row['simulated']['n'] for row in rows]):,.0f}"]
        cells += [
            clock(float(np.mean([row[side][what] for row in rows])))
            for what in ("p50", "p90")
            for side in ("observed", "simulated")
        ]
        cells.append(f"{np.mean([row['ks'] for row in rows]):.3f}")
        if days_apart is not None:
            apart = days_apart.get(name)
            cells.append("-" if apart is None else f"{apart:.3f}")
        print(f"| {name} | {' | '.join(cells)} |")


def show_units(city: City, calls: pd.DataFrame) -> None:
    """Print how often the twin sent what was sent then."""
    print()
    for line in sent_lines(units_sent(calls, city["history"], city["units"])):
        print(line)


def day_text(k: int) -> str:
    """Return the k-th day of the records as YYYY-MM-DD."""
    return date.fromordinal(FIRST.toordinal() + k).isoformat()


if __name__ == "__main__":
    main()
