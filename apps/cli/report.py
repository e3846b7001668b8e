"""`twin report`: one self-contained HTML file of a run or a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apps.cli.common import AsJson, answers, end_with_json, load, notes
from apps.report.comparison import write_comparison_report
from apps.report.run import write_run_report
from apps.report.stored import read_origin
from twin.city.model import City
from twin.core.errors import InputError
from twin.metrics.comparison import read_comparison
from twin.recording.comparison_folder import FILE
from twin.recording.provenance import city_checksum
from twin.recording.reader import RunReader


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run or comparison folder.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="File; RUN/report.html if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the report and print its path."""
    target = out or folder / "report.html"
    if target.is_dir():
        raise InputError("is a folder; name a file", file=target, field="--out")
    if target.exists() and target.suffix.lower() not in {".html", ".htm"}:
        raise InputError("is not a report, so it is not replaced", file=target, field="--out")
    if (folder / FILE).is_file():
        found = read_comparison(folder)
        city = _city_of(RunReader(found.runs("base")[0]))
        file = write_comparison_report(found, city, target)
    else:
        file = write_run_report(folder, target, city=_city_of(RunReader(folder)))
    if as_json:
        end_with_json({"report": str(file)})
    else:
        answers().print(str(file))


def _city_of(run: RunReader) -> City:
    """Return the city of a run as it is stored; tell if that is no longer the one that was run."""
    city = load(run.scenario.city, renew=False)
    if city_checksum(city) != read_origin(run).inputs.city:
        notes.print(
            f"The city {city.meta.name} has changed since the run: the report draws the streets "
            "and places of the one that is stored now."
        )
    return city
