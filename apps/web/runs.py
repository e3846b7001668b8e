"""The runs that can be shown: folders with a `run.json`, newest first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.web.texts import pick, words


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run in the list.

    Attributes
    ----------
    run_id
        Name in the address of the page: the folder below the folder of runs.
    folder
        Where it is.
    title
        Title of its scenario by language; may be empty.
    status
        running, finished or failed.
    started
        When it was started, as `run.json` has it.
    """

    run_id: str
    folder: Path
    title: Mapping[str, str]
    status: str
    started: str

    def label(self, lang: str) -> str:
        """Return what the list shows."""
        page = words(lang)["page"]
        title = pick(dict(self.title), lang)
        name = f"{title} ({self.run_id})" if title and title != self.run_id else self.run_id
        return f"{name} · {page[self.status]}" if self.status in {"running", "failed"} else name


def list_runs(runs: Path, extra: Path | None = None) -> list[RunEntry]:
    """Return the runs below a folder, at most three levels down, and one more; newest first.

    Folders whose `run.json` cannot be read are left out: a run may just be starting there.
    """
    heads = [head for depth in ("*", "*/*", "*/*/*") for head in runs.glob(f"{depth}/run.json")]
    if (runs / "run.json").is_file():
        heads.append(runs / "run.json")
    entries = {head.parent.resolve(): _entry(head, runs) for head in heads}
    if extra is not None and extra.resolve() not in entries:
        entries[extra.resolve()] = _entry(extra / "run.json", extra.parent)
    found = [entry for entry in entries.values() if entry is not None]
    return sorted(found, key=lambda entry: (entry.started, entry.run_id), reverse=True)


def _entry(head: Path, runs: Path) -> RunEntry | None:
    try:
        meta: dict[str, Any] = json.loads(head.read_text("utf-8"))
        scenario = meta["scenario"]
        folder = head.parent
        below = folder.relative_to(runs).as_posix()
        return RunEntry(
            run_id=folder.name if below == "." else below,
            folder=folder,
            title=scenario.get("title") or {},
            status=str(meta["status"]),
            started=str(meta.get("started_utc", "")),
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
