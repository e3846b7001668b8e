"""The vehicle types of SUMO's route files as types that our traffic drives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from twin.demand.sumo_routes import SumoDemand
from twin.demand.sumo_types import VehicleType
from twin.demand.trips import Trips, VehicleKind
from twin.scenarios.vehicle_types import Model
from twin.traffic.kernels.layout import N_KINDS
from twin.traffic.types import LONGEST_STANDSTILL_M, MOST_ROWS, FileType, Fleet, Kind, Kinds

LEAST_GAP_M = 0.1
MOST_TYPES = MOST_ROWS - N_KINDS
DIGITS = (6, 3, 2, 1)
"""Significant digits to which types are rounded, one after the other, until they are few enough."""
_MODELS: dict[str, Model] = {
    "Krauss": "krauss",
    "KraussOrig1": "krauss",
    "KraussPS": "krauss",
    "KraussX": "krauss",
    "IDM": "idm",
    "IDMM": "idm",
    "EIDM": "idm",
}
"""Which of our models each of SUMO's is driven by; the others have none."""


class _Class(NamedTuple):
    length_m: float
    accel: float
    brake: float
    top_mps: float
    speed_sd: float


_CAR = _Class(5.0, 2.6, 4.5, 55.56, 0.1)
_CLASSES = {
    "taxi": _CAR._replace(speed_sd=0.05),
    "motorcycle": _Class(2.2, 6.0, 10.0, 55.56, 0.1),
    "moped": _Class(2.1, 1.1, 7.0, 16.67, 0.1),
    "truck": _Class(7.1, 1.3, 4.0, 36.11, 0.05),
    "trailer": _Class(16.5, 1.1, 4.0, 36.11, 0.05),
    "delivery": _Class(6.5, 2.6, 4.5, 55.56, 0.05),
    "bus": _Class(12.0, 1.2, 4.0, 27.78, 0.0),
    "coach": _Class(14.0, 2.0, 4.0, 27.78, 0.05),
    "emergency": _Class(6.5, 2.6, 4.5, 55.56, 0.0),
    "army": _CAR._replace(speed_sd=0.0),
    "authority": _CAR._replace(speed_sd=0.0),
}
"""What SUMO 1.28 gives to classes that state nothing, as it says itself (TraCI); others are cars.
Gap 2.5 m, tau 1 s and sigma 0.5 are those of all."""


class Driven(NamedTuple):
    """Trips whose `kind` is the number of a type of `types`; what was left aside, by what it is."""

    trips: Trips
    types: tuple[FileType, ...]
    left_out: Counter[str]

    @property
    def space_share(self) -> float:
        """What a standing vehicle takes of a lane on average over a car (`Fleet.space_share`)."""
        count = np.bincount(self.trips.kind)
        share = (count / max(len(self.trips), 1)).tolist()
        return Fleet(more=self.types).space_share(enumerate(share)) if len(self.trips) else 1.0


def unknown_to_queues(trips: Trips, types: Sequence[FileType]) -> Counter[str]:
    """Return how many vehicles are of types that say what queues do not know, by what it is."""
    count = np.bincount(trips.kind, minlength=N_KINDS + len(types))[N_KINDS:].tolist()
    left: Counter[str] = Counter()
    for own, vehicles in zip(types, count, strict=True):
        kind = own.parameters
        left["vehicles faster than the road, as fast as it in meso"] += vehicles * (
            kind.speed_mean > 1.0
        )
        left["vehicles that dawdle (sigma), not in meso"] += vehicles * (kind.imperfection > 0.0)
    return +left


def driven(demand: SumoDemand, model: Model = "idm") -> Driven:
    """Return trips as their file describes their vehicles.

    Where a type states no car-following model, `model` is its. Drivers by Krauss have SUMO's
    parameters where theirs are not stated; those of the IDM ours, with the length and the top speed
    of the class. What is stated holds for both.

    Raises
    ------
    InputError
        If the types are too many even when they are rounded to a digit.
    """
    left: Counter[str] = Counter()
    count = np.bincount(demand.type_of, minlength=len(demand.types)).tolist()
    for own, vehicles in zip(demand.types, count, strict=True):
        if own.model is not None and own.model not in _MODELS:
            left[f"vehicles by carFollowModel {own.model}"] += vehicles
        if own.vclass == "emergency":
            left["sirens of vehicles of class emergency, which drive as ordinary ones"] += vehicles
    made = [(own.kind or VehicleKind.CAR, _parameters(own, model)) for own in demand.types]
    for digits in DIGITS:
        rounded = [FileType(kind, _rounded(own, digits)) for kind, own in made]
        types = tuple(dict.fromkeys(rounded))
        if len(types) <= MOST_TYPES:
            break
    if digits != DIGITS[0]:
        left[f"digits of types beyond {digits}"] += 1
    number = np.array([N_KINDS + types.index(own) for own in rounded] or [0], np.uint8)
    return Driven(replace(demand.trips, kind=number[demand.type_of]), types, left)


def _parameters(own: VehicleType, model: Model) -> Kind:
    model = model if own.model is None else _MODELS.get(own.model, model)
    usual = _CLASSES.get(own.vclass, _CAR)
    kind = Kinds()[own.kind or VehicleKind.CAR]._replace(
        length_m=usual.length_m, top_mps=usual.top_mps, model=model
    )
    if model == "krauss":
        kind = Kind(*usual[:3], 1.0, 2.5, 1.0, usual.speed_sd, top_mps=usual.top_mps, model=model)
        kind = kind._replace(imperfection=0.5 if own.sigma is None else own.sigma)
    stated: dict[str, Any] = {
        "length_m": own.length_m,
        "accel": own.accel,
        "brake": own.brake,
        "headway_s": own.headway_s,
        "standstill_m": own.gap_m,
        "speed_mean": own.speed_mean,
        "speed_sd": own.speed_sd,
        "top_mps": own.max_speed,
    }
    kind = kind._replace(**{name: value for name, value in stated.items() if value is not None})
    gap = min(max(kind.standstill_m, LEAST_GAP_M), LONGEST_STANDSTILL_M)
    return kind._replace(standstill_m=gap)


def _rounded(kind: Kind, digits: int) -> Kind:
    return Kind._make(
        float(f"{part:.{digits}g}") if isinstance(part, float) else part for part in kind
    )
