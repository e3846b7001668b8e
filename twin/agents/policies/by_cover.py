"""Of the units that are in time, the one that the rest of the city misses least."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from twin.agents.deployment.cover import I64, Cover
from twin.agents.policies.dispatch import turnout
from twin.agents.policies.registry import register
from twin.agents.policies.scores import F64, Scores
from twin.core.errors import InputError

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.units.unit import Unit
    from twin.agents.world import World

Within = Annotated[
    float | None,
    Field(
        gt=0.0,
        le=86_400.0,
        description="A unit is in time that is expected within so many seconds, turnout and drive "
        "together; if left out, as many as `coverage.within_s`, which elsewhere is a drive alone.",
    ),
]
UrgentTo = Annotated[
    int,
    Field(
        ge=0,
        le=9,
        description="Calls down to this priority have the unit that is there first; 0: none.",
    ),
]
_FEW = 16
"""Among so many bases are the nearest units of a point, as a rule."""
_DIGITS = 9
"""Values that agree to so many digits are equal: the first on scene goes."""


def prepare(world: World) -> None:
    """Compute the cover by each kind of unit, which fails where the demand is not known."""
    for kind in sorted({unit.kind for unit in world.units}):
        world.cover(kind)


def judge(
    world: World,
    task: Task,
    units: Sequence[Unit],
    *,
    cost: F64,
    term: tuple[str, F64],
    why: str,
    within_s: float | None,
    urgent_to: int,
    all_when_late: bool,
) -> Scores:
    """Return scores: the cost of those in time, the arrival when the call is urgent.

    Parameters
    ----------
    world, task, units
        Who is judged for what.
    cost
        (N,) what each unit's leaving costs.
    term
        What the rule weighs by name, and (N,) its values.
    why
        Word for a unit that is chosen by its cost.
    within_s, urgent_to
        Parameters of the rule.
    all_when_late
        Whether the cost decides among all when nobody is in time; else the first on scene goes.
    """
    incident = task.incident
    wait = turnout(world, task, units)
    limit = world.scenario.coverage.within_s if within_s is None else within_s
    urgent = incident.priority <= urgent_to
    drives = partial(
        world.mobility.etas, [u.handle for u in units], incident.place, siren=incident.siren
    )
    # Where nobody keeps the candidates, no more drives are asked for than decide.
    if world.scenario.record.decisions:
        eta = drives()
    else:
        eta = drives(beside=wait) if urgent else drives(within_s=limit)
    arrival = wait + eta
    if urgent:
        return Scores(eta, arrival, wait, *term, "urgent")
    in_time = arrival <= limit
    if not in_time.any():
        eta = drives()
        arrival = wait + eta
    cost = np.round(cost, _DIGITS)
    if in_time.any():
        return Scores(eta, np.where(in_time, cost, np.inf), wait, *term, why)
    late = np.where(np.isfinite(arrival), cost, np.inf) if all_when_late else arrival
    return Scores(eta, late, wait, *term, "late")


def loss_of(world: World, cover: Cover, units: Sequence[Unit]) -> F64:
    """Return (N,) the cover that each unit's leaving costs, of all that are free now."""
    kind = units[0].kind
    loss = cover.loss(cover.counts(unit for unit in world.units if unit.kind == kind))
    rows = [cover.number.get(unit.base.station_id) for unit in units]
    return np.array([0.0 if row is None else float(loss[row]) for row in rows])


@register("dispatch")
class LeastLoss:
    """Of the units in time, the one without which the least demand is out of reach.

    A point of demand is lost when the unit is the only free one, at the station where it stands or
    for which it heads, that reaches it in time (`coverage`). When nobody is in time, the first on
    scene goes.
    """

    name = "least-loss"
    hold_s = 0.0

    def __init__(self, *, within_s: Within = None, urgent_to: UrgentTo = 0) -> None:
        self._within_s, self._urgent_to = within_s, urgent_to
        self._once: dict[str, Cover] = {}

    def check(self, world: World) -> None:
        """Refuse a city of which it is not known where calls come from."""
        prepare(world)

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Judge the free units for a task."""
        kind = task.unit_kind
        if kind not in self._once:
            by = world.cover(kind)
            # With q = 0 the k-th unit at a point adds nothing unless it is the first.
            self._once[kind] = Cover(
                by.bases, by.seconds, by.weight, within_s=by.within_s, busy=0.0
            )
        lost = loss_of(world, self._once[kind], units)
        return judge(
            world, task, units, cost=lost, term=("cover_lost", lost), why="cover",
            within_s=self._within_s, urgent_to=self._urgent_to, all_when_late=False,
        )  # fmt: skip


@register("dispatch")
class DmexclpDispatch:
    """Of the units in time, the one whose leaving costs the least expected cover.

    With k_i free units that reach point i in time, counted at the stations where they stand or for
    which they head, a unit costs the sum of d_i (1 - q) q^(k_i - 1) over the points in its reach;
    reach and q are those of `coverage`. When nobody is in time, the cost decides among all
    (Jagtenberg, Bhulai and van der Mei 2017, "Dynamic ambulance dispatching: is the closest-idle
    policy always optimal?", Health Care Management Science 20(4)).
    """

    name = "dmexclp-dispatch"
    hold_s = 0.0

    def __init__(self, *, within_s: Within = None, urgent_to: UrgentTo = 0) -> None:
        self._within_s, self._urgent_to = within_s, urgent_to

    def check(self, world: World) -> None:
        """Refuse a city of which it is not known where calls come from."""
        prepare(world)

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Judge the free units for a task."""
        lost = loss_of(world, world.cover(task.unit_kind), units)
        return judge(
            world, task, units, cost=lost, term=("cover_lost", lost), why="cover",
            within_s=self._within_s, urgent_to=self._urgent_to, all_when_late=True,
        )  # fmt: skip


@register("dispatch")
class Preparedness:
    """Urgent calls have the first on scene, others the unit in time that leaves the city readiest.

    The preparedness of point j is p_j = (1 / c_j) sum_l g_l / t_jl over its L nearest free units,
    with c_j its share of the demand, t_jl the drive of the l-th in minutes from the station where
    it stands or for which it heads, and g_1 > g_2 > ... what each contributes (Andersson and
    Varbrand 2007, "Decision support tools for ambulance dispatch and relocation", Journal of the
    Operational Research Society 58, equation 1). The unit goes without which the least p_j is
    greatest. When nobody is in time, the first on scene goes. The authors leave L and g to the
    service; the defaults here are assumptions.
    """

    name = "preparedness"
    hold_s = 0.0

    def __init__(
        self,
        *,
        within_s: Within = None,
        urgent_to: UrgentTo = 1,
        contributions: Annotated[
            list[Annotated[float, Field(gt=0.0, le=1000.0)]],
            Field(
                min_length=1,
                max_length=20,
                description="g: what the nearest unit, the next and so on contribute; falling.",
            ),
        ] = [1.0, 0.5, 0.25],  # noqa: B006  # nobody changes it
        least_drive_min: Annotated[
            float,
            Field(gt=0.0, le=60.0, description="A shorter drive counts as one of so many minutes."),
        ] = 1.0,
    ) -> None:
        if any(b >= a for a, b in pairwise(contributions)):
            raise InputError(
                f"what units contribute must fall, not {contributions}",
                field=f"policy.parameters.{self.name}.contributions",
            )
        self._within_s, self._urgent_to = within_s, urgent_to
        self._g = contributions
        self._least_min = least_drive_min
        self._nearest: dict[str, tuple[Cover, I64, F64]] = {}

    def check(self, world: World) -> None:
        """Refuse a city of which it is not known where calls come from."""
        prepare(world)

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Judge the free units for a task."""
        left = self._left(world, units)
        return judge(
            world, task, units, cost=-left, term=("preparedness", left), why="prepared",
            within_s=self._within_s, urgent_to=self._urgent_to, all_when_late=False,
        )  # fmt: skip

    def _left(self, world: World, units: Sequence[Unit]) -> F64:
        """Return (N,) the least preparedness of any point without each unit."""
        kind = units[0].kind
        cover = world.cover(kind)
        counts = cover.counts(unit for unit in world.units if unit.kind == kind)
        if self._nearest.get(kind, (None,))[0] is not cover:
            minutes = np.maximum(cover.seconds / 60.0, self._least_min)
            order = np.argsort(minutes, axis=0, kind="stable")
            self._nearest[kind] = cover, order, np.take_along_axis(minutes, order, axis=0)
        _, order, minutes = self._nearest[kind]
        left = preparedness_without(order, minutes, counts, cover.weight, self._g)
        return left[[cover.number.get(unit.base.station_id, -1) for unit in units]]


def preparedness_without(
    order: I64, minutes: F64, counts: I64, weight: F64, contributions: Sequence[float]
) -> F64:
    """Return (B + 1,) the least preparedness of any point with a unit less at a base.

    The last is that with all units.

    Parameters
    ----------
    order, minutes
        (B, P) bases of every point, the nearest first, and how far each is.
    counts
        (B,) units at the bases.
    weight
        (P,) shares of the demand.
    contributions
        What the nearest unit, the next and so on contribute.
    """
    n_bases, n_points = order.shape
    nearest = len(contributions)
    # (L + 1, P) bases of the nearest units, and their drives; infinite where there are fewer.
    point = np.arange(n_points)
    rows = min(_FEW, n_bases)
    upto = np.cumsum(counts[order[:rows]], axis=0)
    if rows < n_bases and (upto[-1] <= nearest).any():
        upto = np.cumsum(counts[order], axis=0)
    place = np.array([(upto <= k).sum(axis=0) for k in range(nearest + 1)])
    there = place < len(upto)
    place = np.minimum(place, n_bases - 1)
    base = np.where(there, order[place, point], -1)
    drive = np.where(there, minutes[place, point], np.inf)

    def value(out: int) -> F64:
        p = np.zeros(n_points)
        for k, g in enumerate(contributions):
            p += g / drive[k + 1 if out <= k else k]
        least: F64 = p / weight
        return least

    # Most points lack nothing without a unit; those do that have it among their nearest.
    needs = np.zeros((n_bases + 1, n_points), np.bool_)
    least = np.full(n_bases + 1, np.inf)
    for k in range(nearest):
        first = ~needs[base[k], point] & there[k]
        np.minimum.at(least, base[k, first], value(k)[first])
        needs[base[k, first], point[first]] = True
    found: F64 = np.minimum(least, np.where(needs, np.inf, value(nearest)).min(axis=1))
    return found
