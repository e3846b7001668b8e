"""Lanes that only buses may use, as OpenStreetMap's tags tell them.

A set of lanes is the bits of a number, the lowest being lane 0 at the kerb. The tags are those of
wiki.openstreetmap.org/wiki/Bus_lanes. A bus lane has no hours here: one that is for buses by its
plain tag is so all day, and one that is so at some hours only (`:conditional`) is none and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from twin.core.errors import InputError
from twin.network.raw import MAX_LANES
from twin.network.tags import MAX_TAGGED_LANES, NO_CARS, lane_count

AGAINST = "bus lanes left out: against the way of cars"
BOTH_WAYS = "bus lanes left out: their direction is not said"
BY_THE_HOUR = "roads whose bus lanes of some hours only (`:conditional`) are left unread"
UNFIT = "bus lanes left out: more than their road has"

_SIDES = (":forward", ":backward")
_VEHICLES = ("bus", "psv")
_ACCESS = ("motorcar:lanes", "motor_vehicle:lanes", "vehicle:lanes", "access:lanes")
_BUS, _CAR, _NEITHER = range(3)


class BusLanes(NamedTuple):
    """Of a way: lanes along its nodes and against them, and which of them are for buses."""

    lanes: tuple[int, int]
    bits: tuple[int, int]


class BusLaneReader:
    """Reads the bus lanes of ways.

    Parameters
    ----------
    file
        Named in messages.

    Attributes
    ----------
    left_out
        Counts what is left out, by reason.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._row = ""
        self._tags: Mapping[str, str] = {}
        self.left_out: Counter[str] = Counter()

    def read(
        self, tags: Mapping[str, str], drives: tuple[bool, bool], lanes: tuple[int, int], row: str
    ) -> BusLanes:
        """Return lanes and bus lanes of a way.

        Parameters
        ----------
        tags
            Of the way.
        drives
            Whether cars drive along its nodes, and against them.
        lanes
            Lanes along them and against, 0 where unknown: then there are as many as the tag of
            bus lanes says one by one.
        row
            Names the way in messages.

        Raises
        ------
        InputError
            If a number of lanes is absurd.
        """
        if not any("bus" in key or "psv" in key for key in tags):
            return BusLanes(lanes, (0, 0))
        self._tags, self._row = tags, row
        self.left_out[BY_THE_HOUR] += any(map(_is_by_the_hour, tags))
        numbers, ways = self._numbers(drives), self._busways(drives)
        count, bits = list(lanes), [0, 0]
        for side in (0, 1):
            each = self._each(side, drives)
            if not drives[side]:
                self.left_out[AGAINST] += numbers[side] + each.count(_BUS)
                continue
            if _BUS in each:
                if lanes[side] and len(each) > lanes[side]:
                    # Lanes for cyclists are told among them and are not counted as lanes.
                    each = [whose for whose in each if whose != _NEITHER]
                count[side] = lanes[side] or min(len(each), MAX_LANES)
                fits = len(each) == count[side]
                bits[side] = sum(1 << n for n, whose in enumerate(each[::-1]) if whose == _BUS)
            else:
                bits[side] = (1 << numbers[side]) - 1
                if not bits[side]:
                    kerb, median = ways[side]
                    bits[side] = int(kerb) | int(median) << max(lanes[side], 1) - 1
                fits = not lanes[side] or not bits[side] >> lanes[side]
            if not fits:
                self.left_out[UNFIT] += bits[side].bit_count()
                bits[side] = 0
        return BusLanes((count[0], count[1]), (bits[0], bits[1]))

    def _each(self, side: int, drives: tuple[bool, bool]) -> list[int]:
        """Return for whom each lane of a direction is, from the left; nothing where not told."""
        alone = drives[side] and not drives[1 - side]
        for end in (_SIDES[side], "") if alone else (_SIDES[side],):
            buses = [self._split(f"{of}:lanes{end}") for of in _VEHICLES]
            cars = [self._split(f"{key}{end}") for key in _ACCESS]
            count = max(len(column) for column in buses)
            if count:
                return [_whose(buses, cars, lane) for lane in range(count)]
        return []

    def _split(self, key: str) -> list[str]:
        if key not in self._tags:
            return []
        parts = [part.strip() for part in self._tags[key].split("|")]
        if len(parts) > MAX_TAGGED_LANES:
            why = f"{len(parts)} lanes are more than {MAX_TAGGED_LANES}"
            raise InputError(why, file=self._file, row=self._row, field=key)
        return parts

    def _numbers(self, drives: tuple[bool, bool]) -> tuple[int, int]:
        """Return how many lanes at the kerb of both directions are for buses."""

        def most(end: str) -> int:
            keys = [f"lanes:{of}{end}" for of in _VEHICLES]
            return max(
                lane_count(self._tags.get(key, ""), file=self._file, row=self._row, field=key)
                for key in keys
            )

        along, against, total = most(":forward"), most(":backward"), most("")
        if along or against or not total:
            return along, against
        if not all(drives):
            return total * drives[0], total * drives[1]
        self.left_out[BOTH_WAYS] += total % 2
        return total // 2, total // 2

    def _busways(self, drives: tuple[bool, bool]) -> tuple[tuple[bool, bool], tuple[bool, bool]]:
        """Return whether the lanes at the kerb and at the median of both directions are."""
        said = {end: self._tags.get(f"busway{end}") for end in ("", ":left", ":right", ":both")}
        self.left_out[AGAINST] += "opposite_lane" in said.values()
        plain, left, right = (
            "lane" in (said[end], said[":both"]) for end in ("", ":left", ":right")
        )
        if all(drives):
            return (right or plain, False), (left or plain, False)
        # The right side of a road of one way is its kerb, unless its nodes are drawn against it.
        if drives[0]:
            return (right or plain, left), (False, False)
        return (False, False), (left or plain, right)


def _whose(buses: list[list[str]], cars: list[list[str]], lane: int) -> int:
    """Return for whom a lane is: a bus lane is designated, or bars cars and lets buses in."""

    def values(columns: list[list[str]]) -> list[str]:
        return [column[lane] for column in columns if lane < len(column) and column[lane]]

    # Of the tags of access the most particular one decides.
    car = next(iter(values(cars)), "")
    barred = car in NO_CARS
    if "designated" in values(buses) and (barred or not car):
        return _BUS
    if barred:
        return _BUS if "yes" in values(buses) else _NEITHER
    return _CAR


def _is_by_the_hour(key: str) -> bool:
    """Return whether a tag tells of lanes for buses at some hours, or under another condition."""
    told = key.startswith(("busway", "lanes:bus", "lanes:psv", "bus:lanes", "psv:lanes"))
    return told and key.endswith(":conditional")
