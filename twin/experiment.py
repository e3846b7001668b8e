"""Scenarios and replications: one run, or a what-if beside its base.

A comparison is a set of run folders. A replication whose folder is finished and was made from the
same inputs by the same software is not run again, so an interrupted comparison goes on where it
stopped, and more replications are added to those that are there.
"""

from __future__ import annotations

import atexit
import gc
import logging
import math
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any

import dask
from distributed import Client, LocalCluster, as_completed, get_worker

from twin.agents.policies import check_policies
from twin.city.library import get_city
from twin.city.model import City
from twin.core.errors import InputError, TwinError
from twin.metrics.comparison import Comparison, compare_runs
from twin.metrics.crews import crew_figures
from twin.metrics.fires import fire_figures
from twin.metrics.hospitals import emergency_rooms
from twin.metrics.intervals import interval_table
from twin.metrics.road_speeds import PublishedSpeed, published_beside_simulated
from twin.metrics.sent import units_sent
from twin.metrics.service import service_figures
from twin.metrics.summary import queueing, summarise
from twin.metrics.survivors import survivors
from twin.recording.comparison_folder import claim, run_folder
from twin.recording.done_before import is_done, refuse_strangers
from twin.recording.provenance import city_checksum
from twin.recording.reader import RunReader
from twin.recording.store import RunWriter
from twin.scenarios.changes import check
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel
from twin.traffic.assignment_files import check_assignment

Progress = Callable[[CityModel], None]
RunsProgress = Callable[[int, int], None]
"""Told how many of how many runs are there."""


Watch = Callable[[str, float, float], None]
"""Told of a run under way: its folder's name, the city time that it has reached, the share done."""
WATCH_EVERY_S = 5.0
"""Seconds by the clock between two such messages of a run."""
_TOPIC = "twin-runs"


def run_scenario(
    scenario: Scenario,
    out: Path | str,
    *,
    city: City | None = None,
    replication: int = 0,
    progress: Progress | None = None,
    command: Sequence[str] = (),
) -> dict[str, Any]:
    """Run a scenario into a run folder and return its summary.

    Parameters
    ----------
    scenario
        What to run.
    out
        The run folder; a finished run that stands there is replaced when the new one has finished.
    city
        The city, if it is loaded already.
    replication
        Replications of one seed differ only by this number.
    progress
        Called with the model as it goes.
    command
        The command line, kept for the report.

    Raises
    ------
    InputError
        If the scenario cannot be run, or `out` is not a place for a run.
    """
    if city is None:
        city = get_city(scenario.city)
    check(scenario, city)
    check_policies(scenario)
    if scenario.traffic.routes is not None:
        check_assignment(Path(scenario.traffic.routes), city.network)
    with RunWriter(out, scenario, city, replication=replication, command=command) as writer:
        model = CityModel(city, scenario, recorder=writer, replication=replication)
        result = model.run(progress)
        writer.flush()
        reader = RunReader(writer.path)
        calls, events = reader.table("calls"), None
        if scenario.record.events:
            events = reader.table("unit_events", ["t", "unit_id", "kind", "state", "call_id"])
        recorded = scenario.calls.source == "recorded"
        intervals: dict[str, Any] = dict(
            interval_table(calls, city["history"] if recorded else None, walks=scenario.chain.walks)
        )
        if not recorded:
            intervals = {name: {**row, "observed": None} for name, row in intervals.items()}
        counters = model.traffic.counters if model.traffic else None
        waiting = 0 if counters is None else int(counters.waiting_to_insert)
        summary = {
            "scenario": scenario.name,
            "city": city.meta.name,
            "synthesised": city.meta.synthesised,
            "seed": scenario.seed,
            "replication": replication,
            "run": str(writer.folder),
            **summarise(calls, scenario.period.end_s),
            "queued": result.queued,
            "queue": queueing(reader.table("pulse", ["calls_waiting"])),
            "intervals": intervals,
            "sent": units_sent(calls, city["history"], city["units"]) if recorded else {},
            **service_figures(
                reader, calls, events, scenario.period.start_s, scenario.period.end_s
            ),
            "fires": fire_figures(reader.table("fires", ["alarm", "burnt_m2"])),
            "survivors": survivors(reader.table("patients", ["condition", "survival"])),
            "hospitals": emergency_rooms(reader),
            "crews": crew_figures(
                reader.table("crew_shifts"),
                events,
                scenario.period.start_s,
                scenario.period.end_s,
            ),
            "vehicles": {
                "inserted": result.vehicles_inserted,
                "finished": result.vehicles_finished,
                "running": result.vehicles_running,
                "waiting": waiting,
                "removed": 0 if counters is None else int(counters.removed),
                "without_route": result.vehicles_without_route,
                "detoured": result.vehicles_detoured,
                "cleared_red": result.vehicles_cleared_red,
                "turned_on_red": result.vehicles_turned_on_red,
            },
            "preemptions": result.preemptions,
            "assumed_intervals": result.assumed,
            "unasked_orders": result.unasked_orders,
            "without_hospital": result.without_hospital,
            "speeds": _speeds(city, reader) if model.traffic else [],
            "emitted_kg": result.emitted_kg,
            "buses": result.buses,
            "simulated_s": result.simulated_s,
            "wall_s": result.wall_s,
            "real_time_factor": result.realtime_factor,
            "peak_rss_mb": _peak_rss_mb(),
            "phases": result.phase_seconds,
        }
        writer.finish(summary, result.phase_seconds)
    return summary


def _speeds(city: City, reader: RunReader) -> list[PublishedSpeed]:
    """Return the published speeds beside the run's; nothing is read where none are published."""
    if not len(city["published_speeds"]):
        return []
    links = reader.table("links", ["t", "link", "vehicles", "speed_mps"])
    period = reader.scenario.period
    return published_beside_simulated(city, links, period.start_s, period.end_s)


def compare(
    base: Scenario,
    whatif: Scenario,
    out: Path | str,
    *,
    replications: int = 8,
    workers: int | None = None,
    progress: RunsProgress | None = None,
    watch: Watch | None = None,
    watch_every_s: float = WATCH_EVERY_S,
    command: Sequence[str] = (),
) -> Comparison:
    """Run a base and a what-if with common random numbers and compare them.

    Both sides take the seed of the base: the same calls, draws of durations and trips.

    Parameters
    ----------
    base, whatif
        Two scenarios of one city and period.
    out
        Folder of the runs.
    replications
        Pairs of runs.
    workers
        Processes; 1 runs everything in this one, and `None` takes one for each CPU.
    progress
        Told how many runs are there, after each.
    watch
        Told how far each run under way has come: at once, every `watch_every_s` seconds and at its
        end; from another thread when there are several processes.
    watch_every_s
        Seconds by the clock.
    command
        The command line, kept for the report.

    Raises
    ------
    InputError
        If the scenarios cannot be paired, or one cannot be run.
    """
    whatif = whatif.model_copy(update={"seed": base.seed})
    check_pair(base, whatif)
    folder = Path(out)
    claim(folder)
    todo = []
    total = 2 * replications
    for side, scenario in (("base", base), ("whatif", whatif)):
        city, city_sha = _city(scenario.city)
        check(scenario, city)
        check_policies(scenario)
        for replication in range(replications):
            place = run_folder(folder, side, replication)
            if not is_done(place, scenario, city_sha, replication):
                todo.append((scenario, place, replication))
        refuse_strangers(folder, side, scenario, city_sha, replications)
    # Pair by pair, so that an interrupted comparison holds whole pairs.
    todo.sort(key=lambda task: task[2])
    _tell(progress, total - len(todo), total)
    told = None if watch is None else (watch, watch_every_s)
    for done, _ in enumerate(_carry_out(todo, workers, command, told), start=total - len(todo) + 1):
        _tell(progress, done, total)
    found = compare_runs(base, whatif, folder, replications, command)
    found.write()
    return found


def _carry_out(
    todo: Sequence[tuple[Scenario, Path, int]],
    workers: int | None,
    command: Sequence[str],
    told: tuple[Watch, float] | None,
) -> Iterator[Path]:
    """Run what is to be run and yield each folder when it is there."""
    processes = min(workers or os.cpu_count() or 1, len(todo))
    jobs = [(s.model_dump_json(), str(place), r, list(command)) for s, place, r in todo]
    if processes <= 1:
        for job in jobs:
            yield _one(*job, told)
        return
    with _cluster(processes) as client:
        far = None
        if told is not None:
            watch, every_s = told
            far = (_post, every_s)
            client.subscribe_topic(_TOPIC, lambda event: watch(*event[1]))
        # A run writes a folder, which Dask cannot know to be the same: `pure=False`.
        futures = [client.submit(_one, *job, far, pure=False, retries=0) for job in jobs]
        for future in as_completed(futures):
            yield future.result()


@contextmanager
def _cluster(processes: int) -> Iterator[Client]:
    quiet = {
        "distributed.worker.daemon": True,
        "distributed.worker.memory.terminate": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.target": False,
        "distributed.admin.tick.limit": "1h",
        # A run holds memory to its end: to give each array back to the system and ask for it anew,
        # as Dask has its workers do, costs a tenth of a week of calls.
        "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
        # Nobody reads what a worker finds when it looks a hundred times a second at what it does.
        "distributed.worker.profile.enabled": False,
        "distributed.admin.tick.interval": "1s",
        "distributed.admin.system-monitor.interval": "60s",
    }
    with (
        tempfile.TemporaryDirectory(prefix="twin-dask-") as scratch,
        dask.config.set(quiet),
        LocalCluster(
            n_workers=processes,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            local_directory=scratch,
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        client.run(_keep_imports)
        yield client


def _keep_imports() -> None:
    """Let no search for garbage look at what a worker has imported: that stays to its end.

    Then it is given back, or a library that counts what is left would report it as leaks.
    """
    gc.freeze()
    atexit.register(gc.unfreeze)


def _post(run: str, t: float, share: float) -> None:
    """Send how far a run has come from a worker to whoever watches."""
    get_worker().log_event(_TOPIC, (run, t, share))


def _told_of(run: str, watch: Watch, every_s: float) -> Progress:
    last = -math.inf

    def tell(model: CityModel) -> None:
        nonlocal last
        now = monotonic()
        if now - last >= every_s or not model.running:
            last = now
            watch(run, model.t, (model.t - model.begin_s) / (model.end_s - model.begin_s))

    return tell


def _one(
    scenario_json: str,
    folder: str,
    replication: int,
    command: list[str],
    told: tuple[Watch, float] | None,
) -> Path:
    scenario = Scenario.model_validate_json(scenario_json)
    city, _ = _city(scenario.city)
    try:
        run_scenario(
            scenario,
            folder,
            city=city,
            replication=replication,
            progress=None if told is None else _told_of(Path(folder).name, *told),
            command=command,
        )
    except TwinError as error:
        raise InputError(f"run {Path(folder).name} failed: {error}") from error
    return Path(folder)


@lru_cache(maxsize=2)
def _city(name: str) -> tuple[City, str]:
    """Load a city once in each process."""
    city = get_city(name)
    return city, city_checksum(city)


def check_pair(base: Scenario, whatif: Scenario) -> None:
    """Refuse two scenarios whose runs cannot have the same calls.

    Raises
    ------
    InputError
        If city, period or calls are not the same.
    """
    for field in ("city", "period", "calls"):
        if getattr(base, field) != getattr(whatif, field):
            raise InputError(
                f"{base.name} and {whatif.name} differ in it, so their calls cannot be paired",
                field=field,
                hint="make the what-if from the base (base = ...) and put the rest into changes",
            )


def _tell(progress: RunsProgress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _peak_rss_mb() -> float:
    """Return the most memory that this process has held, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024.0**2 if sys.platform == "darwin" else 1024.0)
