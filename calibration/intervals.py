"""Durations of the emergency chain, fitted to recorded calls, with each day held out in turn.

Only what a feed shows is fitted. A dispatch export has one stamp at the hospital's door and one
when the unit is available again, so `handover` holds both and `wrap_up` is nothing. `handling`
runs from receipt to the first dispatch of a unit of the fitting kind; where every unit was busy it
holds the wait for one too, for the export does not tell them apart.

An observation counts when it is longer than nothing and shorter than `LONGEST_S`; a turnout of
nothing counts as half a second, because stamps are whole seconds and a crew that is on the road
when it is sent turns out at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from twin.city.model import Distribution, Service

LONGEST_S = 14_400.0
"""A duration of four hours or more is a forgotten button, not an observation."""
FEWEST = 30
"""A stratum with fewer observations takes the fit of its kind."""

# interval: (from, to, of calls that were transported / were not / either)
_INTERVALS: dict[str, tuple[str, str, bool | None]] = {
    "handling": ("t_call", "t_first_dispatch", None),
    "turnout": ("t_dispatch", "t_enroute", None),
    "scene": ("t_onscene", "t_clear", False),
    "scene_transport": ("t_onscene", "t_leave", True),
    "handover": ("t_hospital", "t_clear", True),
}
_CHAIN = {"medical": "ambulance", "collision": "ambulance", "fire": "engine"}


@dataclass(frozen=True, slots=True)
class Fit:
    """One fitted duration.

    Attributes
    ----------
    distribution
        The family with the smallest Akaike criterion.
    aic
        Akaike's criterion of every family that was tried (Akaike 1974: 2k - 2 ln L).
    ks
        Kolmogorov-Smirnov distance between the sample and the chosen family.
    """

    distribution: Distribution
    aic: dict[str, float]
    ks: float


def fit_duration(seconds: NDArray[np.float64], *, source: str) -> Fit:
    """Fit a lognormal, a gamma and an exponential by maximum likelihood and keep the best.

    The lognormal's parameters are the mean and standard deviation of the logarithms; the
    exponential's is the mean; the gamma's shape solves ln k - digamma(k) = ln(mean) - mean(ln x)
    by Newton's method (Minka 2002, "Estimating a gamma distribution", eq. 6). Draws are held
    within the sample's own range.

    Parameters
    ----------
    seconds
        (N,) durations, all positive; at least two different ones.
    source
        Where they come from.

    Raises
    ------
    ValueError
        If a duration is not positive and finite, or all are equal.
    """
    x = np.asarray(seconds, dtype=np.float64)
    if len(x) < 2 or not np.all(np.isfinite(x)) or x.min() <= 0.0 or x.min() == x.max():
        raise ValueError("a fit needs two different positive, finite durations")
    logs = np.log(x)
    mean, mean_log, sd_log = float(x.mean()), float(logs.mean()), float(logs.std())
    shape = _gamma_shape(mean, mean_log)
    families = {
        "lognormal": (mean_log, sd_log, stats.lognorm(s=sd_log, scale=np.exp(mean_log))),
        "gamma": (shape, mean / shape, stats.gamma(a=shape, scale=mean / shape)),
        "exponential": (mean, 0.0, stats.expon(scale=mean)),
    }
    aic = {
        name: float(2.0 * (1 if name == "exponential" else 2) - 2.0 * frozen.logpdf(x).sum())
        for name, (_, _, frozen) in families.items()
    }
    best = min(aic, key=aic.__getitem__)
    a, b, frozen = families[best]
    fitted = Distribution.model_validate(
        {
            "family": best,
            "a": a,
            "b": b,
            "low": float(x.min()),
            "high": float(x.max()),
            "n": len(x),
            "source": source,
        }
    )
    return Fit(fitted, aic, float(stats.kstest(x, frozen.cdf).statistic))


def _gamma_shape(mean: float, mean_log: float) -> float:
    gap = np.log(mean) - mean_log
    shape = (3.0 - gap + np.sqrt((gap - 3.0) ** 2 + 24.0 * gap)) / (12.0 * gap)
    for _ in range(20):
        slope = 1.0 / shape - special.polygamma(1, shape)
        step = (np.log(shape) - special.digamma(shape) - gap) / slope
        shape -= step
        if abs(step) < 1e-12 * shape:
            break
    return float(shape)


def durations(calls: pd.DataFrame, interval: str) -> pd.Series:
    """Return the observed seconds of an interval by call; what does not count is left out.

    Only the chain of a fitting unit counts: an ambulance's for medical calls and collisions, an
    engine's for fires.
    """
    start, end, transported = _INTERVALS[interval]
    use = calls[calls["unit_kind"] == calls["kind"].map(_CHAIN)]
    if transported is not None:
        use = use[use["transported"] == transported]
    seconds = (use[end] - use[start]).dt.total_seconds()
    if interval == "turnout":
        seconds = seconds.mask(seconds == 0.0, 0.5)
    return seconds[(seconds > 0.0) & (seconds < LONGEST_S)]


def fit_service(calls: pd.DataFrame, *, source: str) -> tuple[Service, Mapping[str, Fit]]:
    """Fit every interval by kind, and by priority where there are `FEWEST` observations.

    Parameters
    ----------
    calls
        Table of calls (see `calibration.feeds.calls`).
    source
        Written into every distribution.

    Returns
    -------
    tuple
        The service, and the fit behind each of its durations.
    """
    fits: dict[str, Fit] = {}
    p_transport: dict[str, float] = {}
    p_priority: dict[str, dict[str, float]] = {}
    for kind in _CHAIN:
        ours = calls[calls["kind"] == kind]
        if ours.empty:
            continue
        for interval in _INTERVALS:
            seconds = durations(ours, interval)
            if len(seconds) < FEWEST:
                continue
            fits[f"{kind}.{interval}"] = fit_duration(seconds.to_numpy(), source=source)
            for priority in sorted(ours["priority"].unique()):
                some = seconds[ours.loc[seconds.index, "priority"] == priority]
                if len(some) >= FEWEST:
                    key = f"{kind}.{interval}.{priority}"
                    fits[key] = fit_duration(some.to_numpy(), source=source)
        arrived = ours[ours["t_onscene"].notna()]
        if len(arrived):
            p_transport[kind] = float(arrived["transported"].mean())
        shares = ours["priority"].value_counts(normalize=True).sort_index()
        p_priority[kind] = {str(priority): float(share) for priority, share in shares.items()}
    # A kind with too few observations of its own takes the fit of all ambulances together.
    ambulances = calls[calls["kind"].map(_CHAIN) == "ambulance"]
    for interval in _INTERVALS:
        seconds = durations(ambulances, interval)
        if len(seconds) >= FEWEST:
            fits[interval] = fit_duration(seconds.to_numpy(), source=source)
    nothing = Distribution(family="constant", a=0.0, source="held in handover by the feed's stamps")
    service = Service(
        durations={key: fit.distribution for key, fit in fits.items()} | {"wrap_up": nothing},
        p_transport=p_transport,
        p_priority=p_priority,
    )
    return service, fits


def fit_held_out(
    calls: pd.DataFrame, *, timezone: str, source: str
) -> tuple[dict[str, Service], Mapping[str, Fit]]:
    """Fit on all days (key `""`) and, for each city date, on all the others.

    Parameters
    ----------
    calls
        Table of calls.
    timezone
        The city's zone: a call belongs to the city date of its receipt.
    source
        Written into every distribution.

    Returns
    -------
    tuple
        Service by held-out day, and the fits on all days.
    """
    dates = calls["t_call"].dt.tz_convert(timezone).dt.strftime("%Y-%m-%d")
    service, fits = fit_service(calls, source=source)
    services = {"": service}
    for day in sorted(dates.unique()):
        others = f"{source}, without {day}"
        services[day], _ = fit_service(calls[dates != day], source=others)
    return services, fits


def fit_table(fits: Mapping[str, Fit]) -> pd.DataFrame:
    """Return one row a fit: key, n, family, median, ks, and the criterion of each family."""
    rows = [
        {
            "key": key,
            "n": fit.distribution.n,
            "family": fit.distribution.family,
            "median_s": median(fit.distribution),
            "ks": fit.ks,
            **{f"aic_{family}": value for family, value in fit.aic.items()},
        }
        for key, fit in fits.items()
    ]
    return pd.DataFrame(rows)


def median(distribution: Distribution) -> float:
    """Return the median of a distribution in seconds, before its range is cut."""
    if distribution.family == "lognormal":
        return float(np.exp(distribution.a))
    if distribution.family == "gamma":
        return float(stats.gamma.ppf(0.5, distribution.a, scale=distribution.b))
    if distribution.family == "exponential":
        return float(distribution.a * np.log(2.0))
    return distribution.a
