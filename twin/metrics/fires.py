"""What fires that grow have cost, from the `fires` table."""

from __future__ import annotations

import pandas as pd


def fire_figures(fires: pd.DataFrame) -> dict[str, float | int | None] | None:
    """Return what became of the fires; None where none were followed.

    Parameters
    ----------
    fires
        The `fires` table.

    Returns
    -------
    dict
        `fires`; `held`, those that came under control; the sum (`burnt_m2`) and the mean
        (`mean_burnt_m2`) of the area that these burnt; `later_alarms`, fires with a second alarm.
    """
    if fires.empty:
        return None
    burnt = fires["burnt_m2"].dropna()
    return {
        "fires": len(fires),
        "held": len(burnt),
        "burnt_m2": float(burnt.sum()),
        "mean_burnt_m2": float(burnt.mean()) if len(burnt) else None,
        "later_alarms": int((fires["alarm"] > 1).sum()),
    }
