"""The runs that can be shown: folders with a `run.json`, newest first, comparisons as one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.web.texts import LANGUAGES, pick, words

_SIDE = re.compile(r"(?P<side>base|whatif)-(?P<number>\d+)")
"""Names of the runs of a comparison, see `twin.recording.comparison_folder.run_folder`."""


def is_side(name: str) -> bool:
    """Return whether a run's folder has the name of a run of a comparison."""
    return _SIDE.fullmatch(name) is not None


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
        Title of its scenario by language, else its name; may be empty.
    status
        running, finished or failed.
    started
        When it was started, as `run.json` has it.
    city
        Title of its city by language.
    fidelity
        micro, meso or table; may be empty.
    period
        Day, start and end, as in `2025-03-05 18:00-19:00`; may be empty.
    """

    run_id: str
    folder: Path
    title: Mapping[str, str]
    status: str
    started: str
    city: Mapping[str, str]
    fidelity: str
    period: str

    @property
    def side(self) -> tuple[str, int] | None:
        """`base` or `whatif` and the number of the replication, if it is part of a comparison."""
        named = _SIDE.fullmatch(self.folder.name)
        return None if named is None else (named["side"], int(named["number"]))

    def name(self, lang: str) -> str:
        """Return the title, or the id of a run that has none."""
        return pick(dict(self.title), lang) or self.run_id

    def about(self, lang: str) -> list[str]:
        """Return city, fidelity and period, those that are known."""
        fidelity = words(lang)["page"].get(f"fidelity_{self.fidelity}", "")
        return [fact for fact in (pick(dict(self.city), lang), fidelity, self.period) if fact]

    def part(self, lang: str) -> str:
        """Return its name within its comparison, such as `What-if 3`."""
        if self.side is None:
            return self.name(lang)
        side, number = self.side
        text = words(lang)["page"][f"side_{side}"].format(n=number + 1)
        return " · ".join([text, *_unusual([self], lang)])


@dataclass(frozen=True, slots=True)
class Listing:
    """One row of the list: a run, or all runs of a comparison.

    Attributes
    ----------
    key
        Id of the run, or of the folder of the comparison.
    entries
        The run; or base and what-if of each replication in turn.
    """

    key: str
    entries: tuple[RunEntry, ...]

    @property
    def compares(self) -> bool:
        """Whether it is a comparison."""
        return len({each.side[0] for each in self.entries if each.side}) > 1

    @property
    def shown(self) -> RunEntry:
        """The run to show when it is chosen: of a comparison the first what-if."""
        whatifs = (each for each in self.entries if each.side and each.side[0] == "whatif")
        return next(whatifs, self.entries[0]) if self.compares else self.entries[0]

    def label(self, lang: str) -> str:
        """Return what the list shows: name, status unless finished, city, fidelity, period, id."""
        page = words(lang)["page"]
        shown = self.shown
        facts = [*_unusual(self.entries, lang), *shown.about(lang)]
        if not self.compares:
            named = [] if shown.run_id == shown.name(lang) else [shown.run_id]
            return " · ".join([shown.name(lang), *facts, *named])
        base = next(each for each in self.entries if each.side and each.side[0] == "base")
        pairs = len({each.side[1] for each in self.entries if each.side})
        title = page["comparison"].format(whatif=shown.name(lang), base=base.name(lang))
        return " · ".join([title, page["pairs"].format(n=pairs), *facts, self.key])


def _unusual(entries: Sequence[RunEntry], lang: str) -> list[str]:
    """Return in words what is running or has failed, if anything."""
    status = {each.status for each in entries}
    return [words(lang)["page"][each] for each in ("running", "failed") if each in status][:1]


def listings(entries: Sequence[RunEntry]) -> list[Listing]:
    """Return runs as rows of the list, in their order; the runs of a comparison are one row."""
    together: dict[tuple[Path, bool], list[RunEntry]] = {}
    for entry in entries:
        part = entry.side is not None
        place = entry.folder.parent if part else entry.folder
        together.setdefault((place.resolve(), part), []).append(entry)
    rows: list[Listing] = []
    for (_, part), runs in together.items():
        if not part or len({each.side[0] for each in runs if each.side}) < 2:
            rows += [Listing(each.run_id, (each,)) for each in runs]
            continue
        order = sorted(runs, key=lambda each: (each.side or ("", 0))[::-1])
        above = order[0].run_id.rpartition("/")[0] or order[0].folder.parent.name
        rows.append(Listing(above, tuple(order)))
    return rows


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


def _named(scenario: dict[str, Any]) -> dict[str, str]:
    """Return the name of a scenario as its title in every language; none if it has no name."""
    return dict.fromkeys(LANGUAGES, str(scenario["name"])) if scenario.get("name") else {}


def _entry(head: Path, runs: Path) -> RunEntry | None:
    try:
        meta: dict[str, Any] = json.loads(head.read_text("utf-8"))
        scenario = meta["scenario"]
        folder = head.parent
        below = folder.relative_to(runs).as_posix()
        city = meta.get("city") or {}
        period = scenario.get("period") or {}
        return RunEntry(
            run_id=folder.name if below == "." else below,
            folder=folder,
            title=scenario.get("title") or _named(scenario),
            status=str(meta["status"]),
            started=str(meta.get("started_utc", "")),
            city=city.get("title") or {},
            fidelity=str((scenario.get("traffic") or {}).get("fidelity", "")),
            period=f"{period['day']} {period['start']}-{period['end']}" if period else "",
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
