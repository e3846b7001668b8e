"""How emergency rooms fared: waits of crews and patients, beds, diversion, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.core.clock import HOUR_S
from twin.metrics.summary import figures
from twin.metrics.units import HANDOVER_STANDARD_S
from twin.recording.reader import RunReader

_STATUS = ["t", "hospital_id", "status", "beds", "occupied", "waiting"]


def emergency_rooms(reader: RunReader) -> dict[str, Any] | None:
    """Return the figures of `all` emergency rooms of a run and of `each`; None without any."""
    period = (reader.scenario.period.start_s, reader.scenario.period.end_s)
    patients = reader.table("hospital_patients")
    status, enquiries = (
        reader.table("hospital_status", _STATUS), reader.table("hospital_enquiries")
    )  # fmt: skip
    each = hospital_figures(patients, status, enquiries, *period)
    return {"all": all_hospitals(patients, each, *period), "each": each} if each else None


def hospital_figures(
    patients: pd.DataFrame,
    status: pd.DataFrame,
    enquiries: pd.DataFrame,
    start_s: float,
    end_s: float,
) -> dict[str, dict[str, Any]]:
    """Return the figures of each hospital that has an emergency room or was asked, by its id.

    Parameters
    ----------
    patients, status, enquiries
        The tables `hospital_patients`, `hospital_status` and `hospital_enquiries`.
    start_s, end_s
        What counts, seconds.

    Returns
    -------
    dict
        Of each hospital `beds`; `brought`, the patients of ambulances; `released`, of whom the crew
        was free again by the end, and the mean `offload_mean_s` and 90th percentile `offload_p90_s`
        of what that took from the door; `lost_h`, the hours of all crews beyond 15 minutes, those
        who still waited at the end included; `treatment_mean_s` and `treatment_p90_s` from the door
        to treatment, of those `treated`; `unable`, patients who needed what it cannot treat;
        `occupied` and `waiting`, the means over time; `diverted_h`, hours without new ambulances;
        `asked` and `refused`, how often crews asked it and were refused. Means of nobody are None.
    """
    found: dict[str, dict[str, Any]] = {}
    seen = patients[(patients["t_door"] >= start_s) & (patients["t_door"] < end_s)]
    brought = dict(list(seen.groupby("hospital_id")))
    asked = dict(list(enquiries[enquiries["t"] >= start_s].groupby("hospital_id")))
    for hospital, rows in status.groupby("hospital_id", sort=True):
        beds = rows["beds"].max()
        if not beds > 0 and hospital not in asked:
            continue
        mine = brought.get(hospital, seen.iloc[:0])
        questions = asked.get(hospital, enquiries.iloc[:0])
        found[str(hospital)] = {
            "beds": int(beds) if beds > 0 else None,
            **_of_patients(mine, end_s),
            **_over_time(rows, start_s, end_s),
            "asked": len(questions),
            "refused": int(questions["refused"].sum()),
        }
    return found


def all_hospitals(
    patients: pd.DataFrame, by_hospital: dict[str, dict[str, Any]], start_s: float, end_s: float
) -> dict[str, Any]:
    """Return the same of all these hospitals together."""
    inside = (patients["t_door"] >= start_s) & (patients["t_door"] < end_s)

    def total(name: str) -> Any:
        return sum(row[name] or 0 for row in by_hospital.values())

    return {
        "beds": total("beds"),
        **_of_patients(patients[inside], end_s),
        **{name: total(name) for name in ("occupied", "waiting", "diverted_h", "asked", "refused")},
    }


def _of_patients(patients: pd.DataFrame, end_s: float) -> dict[str, Any]:
    at_door = patients["t_door"].to_numpy(np.float64)
    kept = patients["t_released"].to_numpy(np.float64) - at_door
    lasted = np.where(np.isnan(kept), end_s - at_door, kept)
    offload, treatment = figures(kept), figures(patients["door_to_treatment_s"].to_numpy(float))
    return {
        "brought": len(patients),
        "released": offload["n"],
        "offload_mean_s": offload["mean"],
        "offload_p90_s": offload["p90"],
        "lost_h": float(np.maximum(lasted - HANDOVER_STANDARD_S, 0.0).sum()) / HOUR_S,
        "treated": treatment["n"],
        "treatment_mean_s": treatment["mean"],
        "treatment_p90_s": treatment["p90"],
        "unable": int((~patients["able"].astype(bool)).sum()),
    }


def _over_time(rows: pd.DataFrame, start_s: float, end_s: float) -> dict[str, Any]:
    t = np.clip(np.append(rows["t"].to_numpy(np.float64), end_s), start_s, end_s)
    lasts: NDArray[np.float64] = np.diff(t)
    whole = max(float(lasts.sum()), 1e-9)

    def mean(column: str) -> float | None:
        values = rows[column].to_numpy(np.float64)
        return None if np.isnan(values).any() else float(lasts @ values) / whole

    diverts = (rows["status"] == "divert").to_numpy()
    return {
        "occupied": mean("occupied"),
        "waiting": mean("waiting"),
        "diverted_h": float(lasts @ diverts) / HOUR_S,
    }
