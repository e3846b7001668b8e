"""When the vehicles of a flow in SUMO's route files depart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.network.sumo_xml import MAX_TIME_S, Fields

MAX_VEHICLES = 50_000_000
_RATES = ("period", "vehsPerHour", "perHour", "probability")


def moments(fields: Fields, rng: np.random.Generator, end_s: float) -> NDArray[np.float64]:
    """Return the departures of a flow that lie before the end of the run, seconds.

    Raises
    ------
    InputError
        If the flow does not say when and how many, or says it twice.
    """
    element = fields.element
    begin = 0.0 if element.get("begin") == "begin" else fields.seconds("begin", 0.0)
    rated = any(what in element.attrib for what in _RATES)
    # As in SUMO, so many vehicles are spread out until the run ends.
    end = fields.seconds("end", MAX_TIME_S if rated else max(begin, end_s))
    if end < begin:
        fields.refuse("end", "the flow ends before it begins")
    stop = min(end, end_s)
    number = fields.whole("number", 0, MAX_VEHICLES, -1)
    given = [w for w in _RATES if w in element.attrib]
    if len(given) > 1:
        fields.refuse(given[1], f"the flow has {given[0]} already")
    period = (end - begin) / max(number, 1)
    if given == ["probability"]:
        chance = fields.number("probability", 0.0, 1.0)
        steps = begin + np.arange(max(0, int(np.ceil(stop - begin))))
        happens = steps[rng.random(len(steps)) < chance].astype(np.float64)
        return happens if number < 0 else happens[:number]
    if given in (["vehsPerHour"], ["perHour"]):
        period = 3600.0 / max(fields.number(given[0], 0.0, 1e6), 1e-9)
    elif given == ["period"]:
        text = fields.text("period")
        if text.startswith("exp(") and text.endswith(")"):
            return _random_moments(fields, text[4:-1], rng, (begin, stop), number)
        period = fields.number("period", 1e-3, MAX_TIME_S)
    elif number < 0:
        fields.refuse("number", "the flow does not say how many depart")
    count = max(0, int(np.ceil((stop - begin) / max(period, 1e-9) - 1e-9)))
    if number >= 0:
        count = min(count, number)
    if count > MAX_VEHICLES:
        fields.refuse(None, f"the flow has more than {MAX_VEHICLES} vehicles")
    return np.asarray(begin + period * np.arange(count), np.float64)


def _random_moments(
    fields: Fields,
    rate_text: str,
    rng: np.random.Generator,
    span: tuple[float, float],
    number: int,
) -> NDArray[np.float64]:
    try:
        rate = float(rate_text)
    except ValueError:
        rate = -1.0
    if not 0.0 < rate <= 1e3:
        fields.refuse("period", f"exp({rate_text}) has no rate from 0 to 1000 a second")
    expected = rate * max(span[1] - span[0], 0.0)
    draws = rng.exponential(1.0 / rate, int(expected + 10.0 * np.sqrt(expected) + 20.0))
    moments = np.asarray(span[0] + np.cumsum(draws), np.float64)
    moments = moments[moments < span[1]]
    return moments if number < 0 else moments[:number]
