"""Names that a city gives in two languages at once, such as `마포대교 (Mapo Bridge)`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from twin.core.errors import did_you_mean

Names = dict[str, str]

_CENTRE = "119안전센터"
_NUMBER = re.compile(r"\d+")
_BOTH = re.compile(r"(?P<ko>[^()]*[가-힣][^()]*?)\s*\((?P<en>[^()가-힣]+)\)")


def by_language(name: str) -> Names:
    """Return a name by language; one that has a single form is the same in both.

    Parameters
    ----------
    name
        `한글 (Latin)`, or any other name.
    """
    both = _BOTH.fullmatch(name.strip())
    return {"en": name, "ko": name} if both is None else {"en": both["en"], "ko": both["ko"]}


def station_name(name: str, station_id: str) -> Names:
    """Return the name of a station by language.

    What stands in brackets behind a Korean 119 safety centre is the fire station that it belongs
    to, which has several: English readers get both, with the id in the place of the centre's name.
    """
    names = by_language(name)
    if names["ko"].endswith(_CENTRE) and names["en"] != names["ko"]:
        names["en"] = f"119 Safety Center {station_id} of {names['en']}"
    return names


def unit_like(wrong: str, kinds: Mapping[str, str], kind: str = "") -> str | None:
    """Return a hint with the nearest id of a unit; `None` when none is near.

    Ids that differ in nothing but numbers come first: `c001-A9` is meant for an ambulance where
    those are called `c001-A1` and engines `c001-E1`. Then those of a kind.

    Parameters
    ----------
    wrong
        What was written.
    kinds
        The kind of each unit, by id.
    kind
        Of the units that are in question; empty if of any.
    """
    shape = _NUMBER.sub("0", wrong.casefold())
    alike = [unit for unit in kinds if _NUMBER.sub("0", unit.casefold()) == shape]
    return did_you_mean(
        wrong, sorted(alike or (unit for unit, its in kinds.items() if kind in {"", its}))
    )


def district_names(districts: pd.DataFrame) -> dict[str, Names]:
    """Return the names of a city's districts by id and language."""
    return {
        str(row.district): {
            "en": str(row.name_en or row.district),
            "ko": str(row.name_ko or row.name_en or row.district),
        }
        for row in districts.itertuples(index=False)
    }
