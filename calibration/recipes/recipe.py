"""What a recipe is: files that a user fetches once, and the function that makes a city of them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twin.city.model import City
from twin.core.errors import NotFoundError

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that a recipe reads.

    Attributes
    ----------
    path
        Where it must lie, from the data folder.
    what
        What it holds.
    source
        The public place where a user gets it.
    licence
        Under which terms its owner gives it.
    """

    path: str
    what: str
    source: str
    licence: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """A city made from public files.

    Attributes
    ----------
    name
        Name of the city.
    files
        What it reads.
    make
        What makes it of the folder that holds the files; it tells each step.
    """

    name: str
    files: tuple[SourceFile, ...]
    make: Callable[[Path, Progress], City]

    def build(self, data_dir: Path | str, progress: Progress | None = None) -> City:
        """Return the city of the files below a folder, telling `progress` of each step.

        Raises
        ------
        NotFoundError
            If a file is missing; tells where to get it.
        InputError
            If a file holds something else.
        """
        require_files(Path(data_dir), self.files)
        return self.make(Path(data_dir), progress or _silent)


def _silent(_: str) -> None:
    pass


def require_files(data_dir: Path, files: tuple[SourceFile, ...]) -> None:
    """Check that the files of a recipe are there.

    Raises
    ------
    NotFoundError
        Naming the first that is missing, and where to get it.
    """
    for file in files:
        if not (data_dir / file.path).is_file():
            raise NotFoundError(
                f"the recipe needs this file ({file.what})",
                file=data_dir / file.path,
                hint=f"get it from {file.source}, or set TWIN_DATA to the folder that holds it",
            )


def assumptions(module: str) -> list[str]:
    """Return the sentences of `assumptions.toml` beside a module, subject by subject."""
    text = Path(module).with_name("assumptions.toml").read_text(encoding="utf-8")
    return [sentence for subject in tomllib.loads(text).values() for sentence in subject]
