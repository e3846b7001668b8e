"""Cities by name: built in, built by a recipe, imported."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Literal

import twin.city
import twin.network
from twin.city.bundle import HEAD, OtherVersionError, load_city, read_meta, save_city
from twin.city.model import City
from twin.core.errors import InputError, NotFoundError, did_you_mean
from twin.core.paths import city_home

Progress = Callable[[str], None]
Origin = Literal["built in", "recipe", "imported"]

_SEOUL = "twin.city.seoul"
BUILT_IN: dict[str, dict[str, bool]] = {"seoul": {"core": False}, "seoul-core": {"core": True}}
"""Cities that Twin draws itself, with what their builder is told."""

BY_RECIPE = ("san-francisco", "seoul-downtown")
"""Cities that `twin city build` makes from data files."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list of cities.

    Attributes
    ----------
    name, title
        Name to use; name to show, by language code.
    origin
        Where the city comes from.
    folder
        Where it is stored, or None while it has not been built.
    synthesised
        Whether its network is our own drawing.
    """

    name: str
    title: dict[str, str]
    origin: Origin
    folder: Path | None
    synthesised: bool


def get_city(
    name_or_folder: str | Path, *, progress: Progress | None = None, renew: bool = True
) -> City:
    """Return a city by name, or the one stored in a folder.

    A built-in city is built on first use and kept. It is built again when its files were damaged.

    Parameters
    ----------
    name_or_folder
        The city.
    progress
        Told why a city is built, and each step of it.
    renew
        Whether a built-in city is built again when the code that draws it has changed; if not, it
        is taken as it is stored, which `progress` is told.

    Raises
    ------
    NotFoundError
        If there is no such city; the message tells how to get it.
    InputError
        If its files are damaged, or of another version of Twin; the message tells how to build it
        again.
    """
    name = str(name_or_folder)
    if (Path(name) / HEAD).is_file():
        return _stored(Path(name))
    if name in BUILT_IN:
        return _built_in(name, progress or _silent, renew=renew)
    if name in known_names():
        return _stored(city_home() / name)
    if name in BY_RECIPE:
        raise NotFoundError(
            f"the city '{name}' has not been built yet", hint=f"run: twin city build {name}"
        )
    known = sorted({*BUILT_IN, *BY_RECIPE, *known_names()})
    near = did_you_mean(name, known)
    raise NotFoundError(
        f"there is no city '{name}'", hint=near or f"known cities: {', '.join(known)}"
    )


def known_names() -> list[str]:
    """Return the names of the cities that are stored, in order."""
    home = city_home()
    return sorted(path.parent.name for path in home.glob(f"*/{HEAD}")) if home.is_dir() else []


def is_unbuilt(name: str) -> bool:
    """Return whether a city is one that Twin can build and has not built yet."""
    return name in {*BUILT_IN, *BY_RECIPE} - set(known_names())


def store_city(city: City) -> Path:
    """Keep a city under its name and return its folder.

    Raises
    ------
    InputError
        If the name belongs to a built-in city, or the city is faulty.
    """
    if city.meta.name in BUILT_IN:
        raise InputError(
            f"the name '{city.meta.name}' belongs to a built-in city", field="meta.name"
        )
    return _keep(city)


def list_cities() -> list[Entry]:
    """Return every city that is stored or can be built, ordered by name."""
    entries = []
    stored = known_names()
    for name in sorted({*BUILT_IN, *BY_RECIPE, *stored}):
        origin: Origin = (
            "built in" if name in BUILT_IN else "recipe" if name in BY_RECIPE else "imported"
        )
        if name in stored:
            folder = city_home() / name
            try:
                meta = read_meta(folder)
            except InputError as error:
                # One damaged city must not hide the others.
                entries.append(
                    Entry(name, {"en": f"damaged: {error.message}"}, origin, folder, False)
                )
            else:
                entries.append(Entry(name, meta.title, origin, folder, meta.synthesised))
        else:
            entries.append(Entry(name, {}, origin, None, name in BUILT_IN))
    return entries


def _stored(folder: Path) -> City:
    """Load a city that is not renewed by itself, telling how to renew it."""
    try:
        return load_city(folder)
    except OtherVersionError as error:
        hint = _again(folder)
        raise InputError(error.message, file=error.file, hint=hint) from error


def _again(folder: Path) -> str:
    """Return how to build the city of a folder again."""
    kept = folder.resolve().parent == city_home().resolve()
    try:
        name = folder.resolve().name if kept else read_meta(folder).name
    except InputError:
        return "build or import it again"
    if name in BUILT_IN:
        return f"name the city {name}, which builds itself again, not its folder"
    if name in BY_RECIPE:
        copy = "" if kept else f", and name the city {name}, not this folder"
        return f"run: twin city build {name}{copy}"
    return f"import it again: twin city import --help, --name {name}"


def _built_in(name: str, tell: Progress, *, renew: bool) -> City:
    folder = city_home() / name
    stamp = f"{_SEOUL} {_source_mark()}"
    try:
        current = read_meta(folder).built_by == stamp
        if current or not renew:
            stored = load_city(folder)
            if not current:
                tell(f"the city '{name}' was built with another version of Twin; taken as stored")
            return stored
        tell(f"the city '{name}' was built with another version of Twin; building it again")
    except NotFoundError:
        tell(f"building the city '{name}', once")
    except OtherVersionError:
        tell(f"the city '{name}' was built with another version of Twin; building it again")
    except InputError as error:
        tell(f"the stored city '{name}' is damaged ({error}); building it again")
    # Imported by name, since a stored city does not need the code that draws it.
    build = partial(import_module(_SEOUL).build_seoul, **BUILT_IN[name])
    city: City = build(progress=tell)
    city.meta = city.meta.model_copy(update={"built_by": stamp})
    _keep(city)
    return city


def _keep(city: City) -> Path:
    """Store a city under its name in Twin's own folder, where a damaged one may be replaced."""
    folder = city_home() / city.meta.name
    try:
        read_meta(folder)
    except InputError:
        (folder / HEAD).unlink(missing_ok=True)
    save_city(city, folder)
    return folder


def _silent(_: str) -> None:
    pass


@lru_cache(maxsize=1)
def _source_mark() -> str:
    """Return a short hash of the code and facts that a built-in city is made from.

    Once a process: what it has built stays current until it ends.
    """
    digest = hashlib.sha256()
    for package in (twin.network, twin.city):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix in {".py", ".csv", ".toml", ".json"}:
                digest.update(f"{path.relative_to(root)}".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
