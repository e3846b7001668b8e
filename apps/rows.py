"""The rows of a table one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pandas as pd


def rows_of(table: pd.DataFrame) -> Iterable[Any]:
    """Return the rows as named tuples; a column's type is known to whoever made the table."""
    return cast("Iterable[Any]", table.itertuples(index=False))
