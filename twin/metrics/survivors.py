"""How many patients are expected to live, from the `patients` table."""

from __future__ import annotations

from typing import Any

import pandas as pd


def survivors(patients: pd.DataFrame) -> dict[str, Any] | None:
    """Return the expected number of survivors; None where no patients were followed.

    Parameters
    ----------
    patients
        The `patients` table.

    Returns
    -------
    dict
        `patients`; `judged`, those whose chance is known (arrests, and incidents with triage, that
        were reached in time to know); `expected`, the sum of their chances; and the same of each
        `condition`, in `by_condition`.
    """
    if patients.empty:
        return None
    groups = patients.groupby("condition", sort=True)
    by_condition = {str(name): _figures(group) for name, group in groups}
    return {**_figures(patients), "by_condition": by_condition}


def _figures(patients: pd.DataFrame) -> dict[str, float | int]:
    known = patients["survival"].dropna()
    return {
        "patients": len(patients),
        "judged": len(known),
        "expected": float(known.sum()),
    }
