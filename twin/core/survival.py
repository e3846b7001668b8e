"""Chance of survival by how long care takes to come, as published; each on its own clock.

The curves for cardiac arrest ask for different times. `Arrest` holds them all since the collapse,
and each curve takes those that it was fitted to: to mix the clocks shifts a curve by minutes.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Curve = Literal["de-maio", "larsen", "valenzuela", "waalewijn"]
CURVES: tuple[Curve, ...] = get_args(Curve)

WOUNDED: dict[str, tuple[float, float, float]] = {
    "immediate": (0.3510, 35.838, 1.9886),
    "delayed": (0.9124, 213.5976, 2.3445),
}
"""Coefficients of `wounded`: greatest chance, minutes at which half of it is left, steepness.

Of penetrating trauma, fitted to the expert estimates of Sacco et al. (2005), as several public
codes of the triage model of Mills, Argon and Ziya (2013) carry them."""


class Arrest(NamedTuple):
    """When help came to a cardiac arrest, minutes since the collapse; infinite if it never came."""

    call: float
    cpr: float
    defib: float
    als: float
    ems: float


def de_maio(call_to_defib: ArrayLike) -> NDArray[np.float64]:
    """Return the chance of survival to discharge, minutes from the call to a defibrillator there.

    1 / (1 + exp(0.679 + 0.262 t)) (De Maio et al. 2003, "Optimal defibrillation response intervals
    for maximum out-of-hospital cardiac arrest survival rates"). The clock starts when the call is
    received and not at the collapse.
    """
    t = np.asarray(call_to_defib, np.float64)
    return _logistic(-(0.679 + 0.262 * t))


def larsen(cpr: ArrayLike, defib: ArrayLike, als: ArrayLike) -> NDArray[np.float64]:
    """Return the chance of survival to discharge, minutes since the collapse.

    0.67 - 0.023 cpr - 0.011 defib - 0.021 als, not below 0 (Larsen et al. 1993, "Predicting
    survival from out-of-hospital cardiac arrest: a graphic model"), `als` being advanced care.
    """
    late = (
        0.023 * np.asarray(cpr, np.float64)
        + 0.011 * np.asarray(defib, np.float64)
        + 0.021 * np.asarray(als, np.float64)
    )
    return np.clip(0.67 - late, 0.0, 1.0)


def valenzuela(cpr: ArrayLike, defib: ArrayLike) -> NDArray[np.float64]:
    """Return the chance of survival to discharge, minutes since the collapse.

    1 / (1 + exp(-0.260 + 0.106 cpr + 0.139 defib)) (Valenzuela et al. 1997, "Estimating
    effectiveness of cardiac arrest interventions"); of witnessed ventricular fibrillation.
    """
    cpr, defib = np.asarray(cpr, np.float64), np.asarray(defib, np.float64)
    return _logistic(0.260 - 0.106 * cpr - 0.139 * defib)


def waalewijn(cpr: ArrayLike, ems: ArrayLike) -> NDArray[np.float64]:
    """Return the chance of survival to discharge, minutes since the collapse.

    1 / (1 + exp(0.04 + 0.3 cpr + 0.14 (ems - cpr))) (Waalewijn et al. 2001, "Survival models for
    out-of-hospital cardiopulmonary resuscitation", model of the bystander), `ems` being the
    arrival of an emergency unit, which gives the CPR that nobody gave before.
    """
    ems = np.asarray(ems, np.float64)
    cpr = np.minimum(np.asarray(cpr, np.float64), ems)
    known = np.isfinite(ems)
    after = np.where(known, 0.04 + 0.16 * np.where(known, cpr, 0.0) + 0.14 * ems, np.inf)
    return _logistic(-after)


def of_arrest(curve: Curve, arrest: Arrest) -> float:
    """Return the chance of survival by a curve, each on the clock that it was fitted to."""
    if curve == "de-maio":
        return float(de_maio(max(arrest.defib - arrest.call, 0.0)))
    if curve == "larsen":
        return float(larsen(arrest.cpr, arrest.defib, arrest.als))
    if curve == "valenzuela":
        return float(valenzuela(arrest.cpr, arrest.defib))
    return float(waalewijn(arrest.cpr, arrest.ems))


def wounded(condition: str, minutes: ArrayLike) -> NDArray[np.float64]:
    """Return the chance of survival of who is treated so many minutes after the injury.

    b0 / (1 + (t / b1)^b2) of `WOUNDED` (Mills, Argon and Ziya 2013, "Resource-based patient
    prioritization in mass-casualty incidents", section 5) for the classes `immediate` and `delayed`
    of triage; 1 for `minor` and 0 for `dead`, as there.

    Raises
    ------
    ValueError
        If there is no such class.
    """
    t = np.asarray(minutes, np.float64)
    if condition in WOUNDED:
        most, half, steep = WOUNDED[condition]
        return most / (1.0 + (np.maximum(t, 0.0) / half) ** steep)
    if condition in {"minor", "dead"}:
        return np.full(t.shape, 1.0 if condition == "minor" else 0.0)
    raise ValueError(f"there is no class {condition!r} of the wounded")


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -x)), np.float64)
