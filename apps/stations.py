"""What the stations of a run are called, those that changes open among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from twin.city.model import City
from twin.city.names import Names, by_language, station_name
from twin.scenarios.change_kinds import AddStation, Change


def station_names(city: City, changes: Sequence[Change]) -> dict[str, Names]:
    """Return the names of the stations by id and language, no two of them alike.

    Where several have the same name in a language (centres are called after their fire station in
    English), the id stands behind it.
    """
    called = _short(city, changes)
    whole = {str(key): name for key, name in zip(*_columns(city), strict=True)}
    alike = {
        lang: Counter(name[lang].casefold() for name in called.values()) for lang in ("en", "ko")
    }
    return {
        key: {
            lang: f"{shown}, {key}" if alike[lang][short[lang].casefold()] > 1 else shown
            for lang, shown in (station_name(whole[key]) if key in whole else short).items()
        }
        for key, short in called.items()
    }


def station_labels(city: City, changes: Sequence[Change], lang: str) -> dict[str, str]:
    """Return the names of the stations in one language by id, each with its id in brackets."""
    return {
        key: f"{name[lang]} ({key})" if name[lang] != key else key
        for key, name in _short(city, changes).items()
    }


def _columns(city: City) -> tuple[list[str], list[str]]:
    stations = city["stations"]
    return stations["station_id"].astype(str).tolist(), stations["name"].astype(str).tolist()


def _short(city: City, changes: Sequence[Change]) -> dict[str, Names]:
    names = {key: by_language(name or key) for key, name in zip(*_columns(city), strict=True)}
    for change in changes:
        if isinstance(change, AddStation):
            names[change.station_id] = by_language(change.name or change.station_id)
    return names
