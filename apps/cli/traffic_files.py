"""Which files `twin traffic` may write: none that it reads, none twice, none of its city."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from twin.city.bundle import HEAD
from twin.core.errors import InputError
from twin.core.paths import city_home


def refuse_clashes(written: Mapping[str, Path | None], read: Sequence[Path], city: str) -> None:
    """Refuse outputs that would overwrite an input, one another, or a file of the city.

    Parameters
    ----------
    written
        File of each option, None for those that were not given.
    read
        The route files.
    city
        Name or folder of the city.

    Raises
    ------
    InputError
        Naming the file and the option, before anything is written.
    """
    folder = (Path(city) if (Path(city) / HEAD).is_file() else city_home() / city).resolve()
    taken: list[tuple[str, Path]] = []
    for option, path in written.items():
        if path is None:
            continue
        hint = f"give {option} another file"
        if path.is_dir():
            raise InputError(
                "cannot be written, it is a folder", file=path, field=option, hint=hint
            )
        if any(_same(path, file) for file in read):
            raise InputError("is a route file that is read", file=path, field=option, hint=hint)
        for other, file in taken:
            if _same(path, file):
                raise InputError(f"is what {other} writes", file=path, field=option, hint=hint)
        if path.resolve().is_relative_to(folder):
            raise InputError("is in the folder of the city", file=path, field=option, hint=hint)
        taken.append((option, path))


def _same(one: Path, other: Path) -> bool:
    """Return whether two paths are one file, by whatever names or links."""
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
