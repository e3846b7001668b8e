"""What the verbs share: where output goes, options, progress, finding the line of a mistake."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from apps.cli.estimate import Estimate
from twin.city.library import get_city
from twin.city.model import City
from twin.core.clock import format_clock
from twin.core.errors import InputError
from twin.scenarios.load import load_scenario
from twin.scenarios.settings import Option
from twin.scenarios.spec import Scenario

if TYPE_CHECKING:  # it takes Dask along, which most verbs do without
    from twin.experiment import RunsProgress, Watch

notes = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
"""Everything that is not the answer: progress, where files went."""

LINE_EVERY_S = 30.0
"""Seconds between lines on runs under way, where there is no terminal."""
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Set a field; may be given again."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="End with one JSON object on stdout, and nothing else there.")
]


def out_folder(given: str | Path) -> Path:
    """Return the folder that `--out` names, refusing what can never be one, before any work.

    Raises
    ------
    InputError
        If it has no name, is the root of the file system, or a file stands in its way.
    """
    if not str(given).strip():
        raise InputError("names no folder", field="--out", hint="write . for the current one")
    folder = Path(given)
    if folder.name in {"", ".."}:
        folder = folder.resolve()
    if folder == folder.parent and folder.is_absolute():
        raise InputError(
            "is the root of the file system, not a folder to write to",
            file=folder,
            field="--out",
            hint="name a folder in it",
        )
    there = next((each for each in (folder, *folder.parents) if each.exists()), None)
    if there is not None and not there.is_dir():
        raise InputError("is a file, not a folder to write to", file=there, field="--out")
    return folder


def out_option(otherwise: str) -> Any:
    """Return the option `--out`; `otherwise` says what holds where nobody gives it."""
    return typer.Option(
        "--out",
        parser=out_folder,
        metavar="<path>",
        help=f"Folder to write to; {otherwise}.",
    )


Seed = Annotated[
    int | None,
    typer.Option(
        "--seed", help="Seed of the random streams; the scenario's if left out (1 by default)."
    ),
]


def answers() -> Console:
    """Return the console of the answer, on stdout as it is now."""
    width = None if sys.stdout.isatty() else 140
    return Console(highlight=False, markup=False, soft_wrap=True, file=sys.stdout, width=width)


def end_with_json(content: dict[str, Any]) -> None:
    """Print the one JSON object of `--json`."""
    print(json.dumps(content, ensure_ascii=False, allow_nan=False, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot stand in JSON")


def command_line() -> list[str]:
    """Return the command as it was given, for the report."""
    return ["twin", *sys.argv[1:]]


def seeded(seed: int | None) -> list[Option]:
    """Return what `--seed` sets."""
    return [] if seed is None else [Option("--seed", "seed", seed)]


def read_scenario(name: str, settings: list[str] | None, seed: int | None) -> Scenario:
    """Return a scenario with the settings of the command line on top."""
    return load_scenario(name, settings or [], seeded(seed))


def load(city: str, *, renew: bool = True) -> City:
    """Return a city by name or folder, showing what is done when it has to be built first."""
    with long_job() as tell:
        return get_city(city, progress=tell, renew=renew)


def read_day(text: str) -> date:
    """Return a day written YYYY-MM-DD.

    Raises
    ------
    InputError
        If it is not one.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{text!r} is not a day", field="--day", hint="write YYYY-MM-DD"
        ) from error


@contextmanager
def long_job() -> Iterator[Callable[[str], None]]:
    """Print each step of a job that takes long over a bar that moves; no step, no bar."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=notes,
        transient=True,
        disable=not notes.is_terminal,
    ) as bar:

        def tell(step: str) -> None:
            for task in bar.task_ids:
                bar.remove_task(task)
            notes.print(step)
            bar.add_task(step, total=None)

        yield tell


def _bar_of_time() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=notes,
    )


@contextmanager
def run_progress(title: str) -> Iterator[Any]:
    """Show a bar of simulated time; yields what `run_scenario` wants as `progress`.

    Where nobody sees a bar move (a file, a pipe), each tenth of the time is a line.
    """
    if not notes.is_terminal:
        tenths = -1

        def line(model: Any) -> None:
            nonlocal tenths
            now = int(10.0 * (model.t - model.begin_s) / (model.end_s - model.begin_s))
            if now > tenths:
                tenths = now
                notes.print(f"{title}: {10 * now}% done, {format_clock(model.t)} city time")

        yield line
        return
    with _bar_of_time() as bar:
        task = bar.add_task(title, total=None, state="preparing")

        def show(model: Any) -> None:
            bar.update(
                task,
                total=model.end_s - model.begin_s,
                completed=model.t - model.begin_s,
                state=f"{format_clock(model.t)}  {model.realtime_factor:.0f}x real time"
                f"{'' if model.traffic is None else f'  {model.n_vehicles:,} vehicles'}",
            )

        yield show


@contextmanager
def seconds_progress(title: str, end_s: float) -> Iterator[Any]:
    """Show a bar of simulated seconds; yields a function of (second, vehicles on the road)."""
    with _bar_of_time() as bar:
        task = bar.add_task(title, total=end_s, state="")

        def show(t: float, running: int) -> None:
            bar.update(task, completed=t, state=f"{format_clock(t)}  {running:,} vehicles")

        yield show


@contextmanager
def count_progress(title: str) -> Iterator[Any]:
    """Show a bar of runs done; yields a function of (done, total).

    Where nobody sees a bar move (a file, a pipe), each run that is done is a line.
    """
    if not notes.is_terminal:
        begun = monotonic()

        def line(done: int, total: int) -> None:
            notes.print(f"{title}: {done} of {total} done after {monotonic() - begun:.0f} s")

        yield line
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total}"),
        TimeElapsedColumn(),
        console=notes,
    ) as bar:
        # Not before the total is known: who fails earlier has done nothing of nothing.
        task = bar.add_task(title, total=None, visible=False)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        yield show


@contextmanager
def runs_progress(title: str) -> Iterator[tuple[RunsProgress, Watch]]:
    """Show runs done and how far those under way have come; yields what `compare` wants.

    Where nobody sees a bar move (a file, a pipe), each run that is done is a line, and so is the
    city time of those under way, every `LINE_EVERY_S` seconds, with how long it may still take.
    """
    under_way: dict[str, str] = {}
    left = Estimate()

    def where(run: str, t: float, share: float) -> str:
        left.reach(run, share)
        under_way[run] = f"{run} at {format_clock(t)} ({100.0 * share:.0f}%)"
        if share >= 1.0:
            del under_way[run]
        return ", ".join(text for _, text in sorted(under_way.items())) + left.words()

    if not notes.is_terminal:
        last = monotonic()
        with count_progress(title) as line:

            def count(done: int, total: int) -> None:
                left.count(done, total)
                line(done, total)

            def watch(run: str, t: float, share: float) -> None:
                nonlocal last
                said = where(run, t, share)
                if said and monotonic() - last >= LINE_EVERY_S:
                    last = monotonic()
                    notes.print(f"{title}: {said}")

            yield count, watch
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}"),
        console=notes,
    ) as bar:
        # Not before the total is known: who fails earlier has done nothing of nothing.
        task = bar.add_task(title, total=None, visible=False, state="")

        def show(done: int, total: int) -> None:
            left.count(done, total)
            bar.update(task, completed=done, total=total, visible=True)

        def reach(run: str, t: float, share: float) -> None:
            bar.update(task, state=where(run, t, share))

        yield show, reach
