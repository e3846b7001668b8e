"""What OpenStreetMap's tags of a road mean for cars."""

from __future__ import annotations

import re
from dataclasses import dataclass

from twin.core.errors import InputError
from twin.core.units import KMH, MPH
from twin.network.graph import RoadClass
from twin.network.raw import MAX_LANES, MAX_SPEED_MPS

HIGHWAY: dict[str, RoadClass] = {
    "motorway": RoadClass.MOTORWAY,
    "trunk": RoadClass.TRUNK,
    "primary": RoadClass.PRIMARY,
    "secondary": RoadClass.SECONDARY,
    "tertiary": RoadClass.TERTIARY,
    "unclassified": RoadClass.RESIDENTIAL,
    "residential": RoadClass.RESIDENTIAL,
    "living_street": RoadClass.SERVICE,
    "road": RoadClass.RESIDENTIAL,
    "service": RoadClass.SERVICE,
}
_SPEED = re.compile(r"(-?\d+(?:\.\d+)?)\s*(km/?h|kmh|kph|mph|knots)?", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
NO_CARS = {"no", "private", "agricultural", "forestry", "delivery", "emergency"}
_ACCESS = ("motorcar", "motor_vehicle", "vehicle", "access")
# Both directions of a wide toll plaza; more than that is a slip of the hand.
MAX_TAGGED_LANES = 2 * MAX_LANES


def road_class(highway: str) -> tuple[RoadClass, bool] | None:
    """Return the class of a `highway` value and whether it is a slip road; None if not for cars."""
    ramp = highway.endswith("_link")
    found = HIGHWAY.get(highway.removesuffix("_link"))
    return None if found is None else (found, ramp)


@dataclass(frozen=True, slots=True)
class WayTags:
    """A road that cars may use.

    Attributes
    ----------
    road_class, ramp, roundabout
        See `RawRoads`.
    forward, backward
        Whether it may be driven in the direction of its nodes, and against.
    lanes
        Lanes in the direction of its nodes and against it; 0 is unknown.
    speed
        Free-flow speed in both directions, m/s; nan is unknown.
    name
        Street name, or an empty text.
    bus
        Bits of the lanes that are for buses, in both directions (`osm_bus_lanes`).
    """

    road_class: RoadClass
    ramp: bool
    roundabout: bool
    forward: bool
    backward: bool
    lanes: tuple[int, int]
    speed: tuple[float, float]
    name: str
    bus: tuple[int, int] = (0, 0)


def way_tags(tags: dict[str, str], *, file: str, row: str) -> WayTags | None:
    """Return what the tags of a way mean, or None when cars may not use it.

    A value that cannot be read counts as unknown, as is usual in a map that people draw by hand;
    a number that cannot be is refused.

    Raises
    ------
    InputError
        If lanes or speed are absurd.
    """
    found = road_class(tags.get("highway", ""))
    # Service ways are yards, car parks and drives: they carry no traffic of the city.
    if found is None or tags["highway"] == "service":
        return None
    if tags.get("area") == "yes" or not _cars_may(tags):
        return None
    roundabout = tags.get("junction") in {"roundabout", "circular"}
    forward, backward = _directions(tags, found[0], roundabout)
    both = forward and backward
    total = lane_count(tags.get("lanes", ""), file=file, row=row, field="lanes")
    ahead = lane_count(tags.get("lanes:forward", ""), file=file, row=row, field="lanes:forward")
    against = lane_count(tags.get("lanes:backward", ""), file=file, row=row, field="lanes:backward")
    if both:
        ahead = ahead or (total - against if against and total > against else total // 2)
        against = against or (total - ahead if total > ahead else total // 2)
        # One lane for both directions still lets one vehicle through at a time each way.
        ahead, against = max(ahead, min(total, 1)), max(against, min(total, 1))
    else:
        ahead = against = total or ahead or against
    speed = speed_limit(tags.get("maxspeed", ""), file=file, row=row, field="maxspeed")
    speeds = []
    for way in ("forward", "backward"):
        field = f"maxspeed:{way}"
        own = speed_limit(tags.get(field, ""), file=file, row=row, field=field)
        speeds.append(own if own == own else speed)  # noqa: PLR0124 (nan differs from itself)
    return WayTags(
        road_class=found[0],
        ramp=found[1],
        roundabout=roundabout,
        forward=forward,
        backward=backward,
        lanes=(min(ahead, MAX_LANES), min(against, MAX_LANES)),
        speed=(speeds[0], speeds[1]),
        name=tags.get("name", ""),
    )


def _cars_may(tags: dict[str, str]) -> bool:
    """Return whether access tags let cars in; the most particular tag decides."""
    for key in _ACCESS:
        if key in tags:
            return tags[key] not in NO_CARS
    return True


def _directions(tags: dict[str, str], kind: RoadClass, roundabout: bool) -> tuple[bool, bool]:
    oneway = tags.get("oneway:motor_vehicle", tags.get("oneway", ""))
    if oneway in {"-1", "reverse"}:
        return False, True
    if oneway in {"yes", "true", "1"}:
        return True, False
    if oneway in {"no", "false", "0"}:
        return True, True
    implied = roundabout or kind == RoadClass.MOTORWAY
    return True, not implied


def lane_count(text: str, *, file: str, row: str, field: str) -> int:
    """Return a number of lanes, 0 where the text tells none.

    Raises
    ------
    InputError
        If the number is absurd.
    """
    found = _NUMBER.match(text.strip())
    if found is None:
        return 0
    value = float(found[0])
    if not 0.0 <= value <= MAX_TAGGED_LANES:
        why = f"{text!r} is not from 0 to {MAX_TAGGED_LANES} lanes"
        raise InputError(why, file=file, row=row, field=field)
    return int(value)


def speed_limit(text: str, *, file: str, row: str, field: str) -> float:
    """Return a speed in m/s, nan where the text tells none (`none`, `signals`, `walk`).

    Raises
    ------
    InputError
        If the number is absurd.
    """
    found = _SPEED.fullmatch(text.strip())
    if found is None:
        return float("nan")
    unit = (found[2] or "km/h").lower()
    factor = {"mph": MPH, "knots": 1852.0 / 3600.0}.get(unit, KMH)
    value = float(found[1]) * factor
    if not 0.0 < value <= MAX_SPEED_MPS:
        why = f"{text!r} is not a speed from 0 to {MAX_SPEED_MPS / KMH:.0f} km/h"
        raise InputError(why, file=file, row=row, field=field)
    return value
