"""Reference pages written from the declarations themselves, so that they cannot disagree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from twin.agents.policies import rule_groups
from twin.recording.meanings import MEANINGS, unit_of
from twin.recording.tables import RUN_TABLES
from twin.scenarios.declared import Line, groups
from twin.scenarios.places import LISTS

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def _rows(lines: Sequence[Line]) -> list[str]:
    rows = ["| field | type | range | default | meaning |", "|---|---|---|---|---|"]
    for line in lines:
        default = {"required": "required", "table": "see below"}.get(
            line.default, f"`{line.default}`"
        )
        meaning = line.meaning.replace("|", "\\|")
        rows.append(f"| `{line.name}` | {line.type} | {line.range} | {default} | {meaning} |")
    return rows


def scenario_page() -> str:
    """Return the reference of the scenario file in Markdown."""
    lines = ["# Scenario file", ""]
    lines += ["A TOML file; every field, with its unit, range and default.", ""]
    listed = ""
    for group in groups():
        if group.list != listed:
            listed = group.list
            noun = LISTS[tuple(listed.split("."))][0]
            lines += [f"## `[[{listed}]]`", "", f"Each {noun} has a `kind`.", ""]
        inner = bool(group.list) or "." in "".join(group.keys[:1])
        title = ", ".join(f"`{key}`" if group.list else f"`[{key}]`" for key in group.keys)
        lines += [f"{'###' if inner else '##'} {title or 'Top level'}", ""]
        lines += [group.meaning, "", *_rows(group.lines), ""]
    lines += ["## Rules", "", "Each with its table of parameters, if it has any.", ""]
    for group in rule_groups():
        lines += [f"### `{group.keys[0].rpartition('.')[2]}`", "", group.meaning, ""]
        if group.lines:
            lines += [f"`[{group.keys[0]}]`:", "", *_rows(group.lines), ""]
    return "\n".join(lines) + "\n"


def tables_page() -> str:
    """Return the reference of a run's tables in Markdown."""
    lines = [
        "# Tables of a run",
        "",
        "Parquet files in the run's folder. Times are seconds since city midnight of day one.",
    ]
    for table, columns in RUN_TABLES.items():
        said = MEANINGS[table]
        lines += [
            "",
            f"## `{table}`",
            "",
            "| column | type | unit | meaning |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| `{name}` | {kind} | {unit_of(name)} | {said[name]} |"
            for name, kind in columns.items()
        ]
    return "\n".join(lines) + "\n"


def _write(app: Sphinx) -> None:
    folder = Path(app.srcdir) / "reference" / "declared"
    folder.mkdir(exist_ok=True)
    for name, text in (("scenario", scenario_page()), ("tables", tables_page())):
        page = folder / f"{name}.md"
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True}
