"""The words of the page in a chosen language; `i18n/*.toml` holds them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = {"en": "EN", "ko": "한국어"}
"""Languages that can be chosen, by the name that their readers know."""

_FOLDER = Path(__file__).parent / "i18n"


@cache
def words(lang: str) -> dict[str, Any]:
    """Return the words of a language by section and key.

    Raises
    ------
    KeyError
        If the page does not speak it.
    """
    if lang not in LANGUAGES:
        raise KeyError(lang)
    return tomllib.loads((_FOLDER / f"{lang}.toml").read_text("utf-8"))


def pick(by_lang: dict[str, str], lang: str) -> str:
    """Return the text in `lang`, else in English, else in any language; "" if there is none."""
    return by_lang.get(lang) or by_lang.get("en") or next(iter(by_lang.values()), "")
