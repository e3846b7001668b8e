"""`twin report`: one self-contained HTML file of a run or a comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from apps.cli.common import AsJson, answers, end_with_json, notes
from apps.report.comparison import write_comparison_report
from apps.report.run import write_run_report
from twin.city.library import get_city
from twin.core.errors import InputError
from twin.experiment import read_comparison


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
    if (folder / "compare.json").is_file():
        found = read_comparison(folder)
        city = get_city(found.base.city, progress=notes.print)
        command = json.loads((folder / "compare.json").read_text("utf-8"))["command"]
        file = write_comparison_report(found, city, target, command)
    else:
        file = write_run_report(folder, target, progress=notes.print)
    if as_json:
        end_with_json({"report": str(file)})
    else:
        answers().print(str(file))
