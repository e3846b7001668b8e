"""The public facts that the built-in city is synthesised from, one small table a subject.

Every row of `facts/*.csv` names its source (a key of `facts/sources.csv`) and the confidence in it.
They are single facts, re-typed; no survey, polygon or road data set is part of Twin.
"""

from __future__ import annotations

from importlib import resources
from typing import Any, cast

import pandas as pd


def fact_table(name: str) -> pd.DataFrame:
    """Return the table `facts/<name>.csv` with its `source` and `confidence` columns."""
    with (
        resources.files("twin.city.seoul")
        .joinpath(f"facts/{name}.csv")
        .open(encoding="utf-8") as file
    ):
        return pd.read_csv(file)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    return cast("list[dict[str, Any]]", table.to_dict("records"))


def targets() -> dict[str, float]:
    """Return the published totals, speeds and shares of `facts/targets.csv` by name."""
    table = fact_table("targets")
    return {str(row["key"]): float(row["value"]) for row in records(table)}


def both_names(ko: str, en: str) -> str:
    """Return the one string that a lookup in either language finds: `마포대교 (Mapo Bridge)`."""
    return f"{ko} ({en})"
