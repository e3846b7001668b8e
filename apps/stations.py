"""What the stations of a run are called, those that changes open among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from twin.city.model import City
from twin.city.names import Names, station_name
from twin.scenarios.change_kinds import AddStation, Change


def station_names(city: City, changes: Sequence[Change]) -> dict[str, Names]:
    """Return the names of the stations by id and language, no two of them alike.

    Where several have the same name in a language, the id stands behind it.
    """
    called = _called(city, changes)
    alike = {
        lang: Counter(name[lang].casefold() for name in called.values()) for lang in ("en", "ko")
    }
    return {
        key: {
            lang: f"{shown}, {key}" if alike[lang][shown.casefold()] > 1 else shown
            for lang, shown in name.items()
        }
        for key, name in called.items()
    }


def station_labels(city: City, changes: Sequence[Change], lang: str) -> dict[str, str]:
    """Return the names of the stations in one language by id, each with its id.

    It stands in brackets behind a name that does not hold it.
    """
    return {
        key: name[lang] if key in name[lang].split() else f"{name[lang]} ({key})"
        for key, name in _called(city, changes).items()
    }


def _called(city: City, changes: Sequence[Change]) -> dict[str, Names]:
    stations = city["stations"]
    keys, names = stations["station_id"].astype(str), stations["name"].astype(str)
    called = {key: station_name(name or key, key) for key, name in zip(keys, names, strict=True)}
    for change in changes:
        if isinstance(change, AddStation):
            key = change.station_id
            called[key] = station_name(change.name or key, key)
    return called
