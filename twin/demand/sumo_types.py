"""Vehicle types of SUMO's route files: which of our kinds they are, and what they state."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from twin.demand.trips import VehicleKind
from twin.network.sumo_xml import Fields

KIND_OF_CLASS = {
    "passenger": VehicleKind.CAR,
    "private": VehicleKind.CAR,
    "hov": VehicleKind.CAR,
    "vip": VehicleKind.CAR,
    "evehicle": VehicleKind.CAR,
    "emergency": VehicleKind.CAR,
    "authority": VehicleKind.CAR,
    "motorcycle": VehicleKind.MOTORCYCLE,
    "moped": VehicleKind.MOTORCYCLE,
    "custom1": VehicleKind.CAR,
    "custom2": VehicleKind.CAR,
    "ignoring": VehicleKind.CAR,
    "taxi": VehicleKind.TAXI,
    "delivery": VehicleKind.TRUCK,
    "truck": VehicleKind.TRUCK,
    "trailer": VehicleKind.TRUCK,
    "army": VehicleKind.TRUCK,
    "bus": VehicleKind.BUS,
    "coach": VehicleKind.BUS,
}
"""Our kind of each class of SUMO that drives on roads; the others are left out."""
DEFAULT_TYPES = {
    "DEFAULT_VEHTYPE": "passenger",
    "DEFAULT_TAXITYPE": "taxi",
    "DEFAULT_BIKETYPE": "bicycle",
    "DEFAULT_RAILTYPE": "rail",
}
_FACTOR = re.compile(r"(\w+)\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class VehicleType:
    """A type as its file states it; None is not stated.

    Attributes
    ----------
    kind
        Our kind, None for what does not drive on roads.
    length_m, gap_m, accel, brake, headway_s
        Length; gap at standstill; m/s²; time headway.
    speed_mean, speed_sd
        Factor on the speed limit.
    max_speed
        Top speed, m/s.
    sigma
        Imperfection, 0 to 1.
    model
        Name of the car-following model.
    """

    id: str
    vclass: str
    kind: VehicleKind | None
    length_m: float | None = None
    gap_m: float | None = None
    accel: float | None = None
    brake: float | None = None
    headway_s: float | None = None
    speed_mean: float | None = None
    speed_sd: float | None = None
    max_speed: float | None = None
    sigma: float | None = None
    model: str | None = None
    probability: float = 1.0


def default_type(name: str) -> VehicleType:
    """Return one of the types that SUMO has without a definition."""
    vclass = DEFAULT_TYPES[name]
    return VehicleType(name, vclass, KIND_OF_CLASS.get(vclass))


def read_type(fields: Fields) -> VehicleType:
    """Return the type of a `vType` element.

    Raises
    ------
    InputError
        If a value is no number or absurd.
    """
    name = fields.text("id")
    vclass = fields.element.get("vClass", "passenger")

    def stated(field: str, low: float, high: float) -> float | None:
        return None if fields.element.get(field) is None else fields.number(field, low, high)

    made = VehicleType(
        id=name,
        vclass=vclass,
        kind=KIND_OF_CLASS.get(vclass),
        length_m=stated("length", 0.1, 200.0),
        gap_m=stated("minGap", 0.0, 100.0),
        accel=stated("accel", 0.01, 50.0),
        brake=stated("decel", 0.01, 50.0),
        headway_s=stated("tau", 0.01, 60.0),
        max_speed=stated("maxSpeed", 0.01, 1_000.0),
        speed_sd=stated("speedDev", 0.0, 10.0),
        sigma=stated("sigma", 0.0, 1.0),
        model=fields.element.get("carFollowModel"),
        probability=fields.number("probability", 0.0, 1e9, 1.0),
    )
    return _with_factor(fields, made)


def _with_factor(fields: Fields, made: VehicleType) -> VehicleType:
    text = fields.element.get("speedFactor")
    if text is None:
        return made
    form = _FACTOR.fullmatch(text.strip())
    parts = [text] if form is None else form[2].split(",")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    named = form is None or form[1] in {"norm", "normc"}
    if not values or not named or not 0.0 < values[0] <= 10.0:
        fields.refuse("speedFactor", f"{text!r} is not a factor, norm(...) or normc(...)")
    spread = values[1] if len(values) > 1 else made.speed_sd
    if spread is not None and not 0.0 <= spread <= 10.0:
        fields.refuse("speedFactor", f"{text!r} has no deviation from 0 to 10")
    return replace(made, speed_mean=values[0], speed_sd=spread)


class Choice:
    """Types or routes of which one is drawn for every vehicle.

    Parameters
    ----------
    names
        What is drawn.
    weights
        Share of each, not all 0.
    """

    __slots__ = ("edges", "names")

    def __init__(self, names: list[str], weights: list[float]) -> None:
        self.names = names
        self.edges = np.cumsum(weights) / sum(weights)

    def draw(self, rng: np.random.Generator) -> str:
        """Return one of the names."""
        place = int(np.searchsorted(self.edges, rng.random(), side="right"))
        return self.names[min(place, len(self.names) - 1)]


def read_choice(fields: Fields, child: str, listed: str) -> Choice:
    """Return the choice of a distribution: listed by name, or of its children."""
    element = fields.element
    names = element.get(listed, "").split()
    weights = [1.0] * len(names)
    if "probabilities" in element.attrib:
        try:
            weights = [float(part) for part in fields.text("probabilities").split()]
        except ValueError:
            fields.refuse("probabilities", "they are not numbers")
        if len(weights) != len(names):
            fields.refuse("probabilities", f"there are {len(weights)} for {len(names)} {listed}")
    for inner in element.iterfind(child):
        inside = Fields(inner, fields.file)
        names.append(inner.get("id") or inside.text("refId"))
        weights.append(inside.number("probability", 0.0, 1e9, 1.0))
    if not names or not all(0.0 <= w <= 1e9 for w in weights) or sum(weights) <= 0.0:
        fields.refuse("probabilities", "there is nothing in it to draw")
    return Choice(names, weights)
