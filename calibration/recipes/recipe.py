"""What a recipe is: files that a user fetches once, and the function that makes a city of them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from twin.city.model import City
from twin.core.errors import NotFoundError

Progress = Callable[[str], None]


class Build(Protocol):
    """Makes a city of the files below a folder."""

    def __call__(self, data_dir: Path, progress: Progress | None = None) -> City:
        """Build the city, telling `progress` of each step."""


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
    build
        What makes it.
    """

    name: str
    files: tuple[SourceFile, ...]
    build: Build


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
