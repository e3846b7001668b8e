"""The folder of a comparison: what stands in it, and under which names."""

from __future__ import annotations

from pathlib import Path

from twin.core.errors import InputError

FILE = "compare.json"
"""Name of the file of a comparison's figures."""
_PARTS = ("base-", "whatif-", FILE, "report.html", "branch.")
"""How the names in the folder of a comparison begin; `branch.` are those of a replay's."""


def run_folder(folder: Path, side: str, replication: int) -> Path:
    """Return the folder of one run of a comparison; `side` is `base` or `whatif`."""
    return folder / f"{side}-{replication:03d}"


def claim(folder: Path) -> None:
    """Make the folder of a comparison, or refuse one that holds something else.

    Raises
    ------
    InputError
        If it does, or cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strange = [
            entry.name for entry in sorted(folder.iterdir()) if not entry.name.startswith(_PARTS)
        ]
    except OSError as error:
        raise InputError(f"cannot be written to ({error.strerror})", file=folder) from error
    if strange:
        raise InputError(
            f"holds {strange[0]!r}, which is no part of a comparison",
            file=folder,
            hint="choose another --out",
        )
