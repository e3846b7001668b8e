"""Move-up by the dynamic double standard model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack, kron
from scipy.sparse import eye_array as eye

from twin.agents.policies.registry import register
from twin.agents.policies.scores import Move
from twin.agents.states import UnitState

if TYPE_CHECKING:
    from twin.agents.units.unit import Unit
    from twin.agents.world import World

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

EXACT_SIZE = 600
"""`auto` solves exactly what has at most so many variables."""
SHORT = 1_000.0
"""What demand counts that lacks what must be covered, beside demand that is covered twice."""
_BETTER = 1e-9


class Positions(NamedTuple):
    """What is to be decided: where U units wait, out of B bases, for P points of demand.

    Attributes
    ----------
    cost
        (U, B) what the drive of each unit to each base counts; infinite where no road leads.
    weight
        (P,) weights of the points; they sum to 1.
    near, far
        (B, P) whether a base reaches a point within the first and the second standard.
    share
        Share of the weight that must be covered once within the first standard.
    """

    cost: F64
    weight: F64
    near: NDArray[np.bool_]
    far: NDArray[np.bool_]
    share: float


@register("moveup")
class DoubleStandard:
    """Free units wait where most demand is covered twice, for as little driving as may be.

    The weight of the points that two units or more reach within `coverage.within_s` is greatest,
    less `minute_cost` for every minute of driving; some unit must be within `far_s` of every point,
    and a `share` of the demand within `coverage.within_s`; what lacks of both counts a thousandfold
    (Gendreau, Laporte and Semet 2001, "A dynamic model and parallel tabu search heuristic for
    real-time ambulance relocation", Parallel Computing 27). It is solved by HiGHS where units times
    stations are few, and else by the best move of one unit while one helps.
    """

    name = "ddsm"
    triggers: ClassVar[frozenset[str]] = frozenset({"free", "dispatch", "shift"})

    def __init__(
        self,
        far_s: Annotated[
            float | None,
            Field(ge=0.0, le=86_400.0, description="Twice `coverage.within_s` if left out"),
        ] = None,
        share: Annotated[
            float, Field(ge=0.0, le=1.0, description="Of the demand, to be covered once")
        ] = 0.95,
        minute_cost: Annotated[
            float,
            Field(
                ge=0.0,
                le=1.0,
                description="Share of the demand that must be covered twice for a minute's drive",
            ),
        ] = 0.001,
        solver: Annotated[
            Literal["auto", "exact", "swaps"],
            Field(description="HiGHS always (exact), never (swaps), or where it is quick"),
        ] = "auto",
    ) -> None:
        self._far_s = far_s
        self._share = share
        self._minute_cost = minute_cost
        self._solver = solver

    def check(self, world: World) -> None:
        """Do nothing: no parameter depends on the city."""

    def moves(self, world: World, units: Sequence[Unit], freed: Unit | None) -> list[Move]:
        """Return the moves to the best positions, the one that gains most first."""
        if not units:
            return []
        cover = world.cover(units[0].kind)
        far_s = 2.0 * cover.within_s if self._far_s is None else self._far_s
        stations = [world.stations[base] for base in cover.bases]
        eta = world.deployer.drives.seconds(units, stations)
        wanted = Positions(
            self._minute_cost * eta / 60.0,
            cover.weight / cover.weight.sum(),
            cover.reach,
            cover.seconds <= far_s,
            self._share,
        )
        begin = np.array([_base(unit, cover.number, eta[k]) for k, unit in enumerate(units)])
        exact = self._solver == "exact" or (
            self._solver == "auto" and eta.size + 2 * len(cover.weight) <= EXACT_SIZE
        )
        best = positions_by_solver(wanted) if exact else positions_by_moves(wanted, begin)
        found = []
        for k in np.flatnonzero(best >= 0).tolist():
            unit, station = units[k], stations[int(best[k])]
            if station is not unit.base or unit is freed:
                left = best.copy()
                left[k] = begin[k]
                move = Move(unit, station, stations, eta[k], wanted.cost[k])
                found.append((worth(wanted, left), k, move))
        return [move for _, _, move in sorted(found, key=lambda each: each[:2])]


def worth(wanted: Positions, base: I64) -> float:
    """Return the objective of (U,) bases; a unit at -1 is nowhere."""
    there = base[base >= 0]
    near = wanted.near[there].sum(axis=0)
    far = wanted.far[there].sum(axis=0)
    cost = wanted.cost[np.flatnonzero(base >= 0), there].sum()
    return float(_value(wanted, near[None, :], far[None, :])[0] - cost)


def positions_by_solver(wanted: Positions) -> I64:
    """Return (U,) bases with the greatest `worth`, by HiGHS; -1 where a unit can go nowhere.

    max sum d_i z2_i - sum c_uj y_uj - M (sum s_i d_i + r) with sum_j y_uj = 1,
    z1_i + z2_i <= sum of y in near reach, z2_i <= z1_i, sum of y in far reach >= 1 - s_i and
    sum d_i z1_i >= share - r.
    """
    able = np.flatnonzero(np.isfinite(wanted.cost).any(axis=1))
    cost = wanted.cost[able]
    found: I64 = np.full(len(wanted.cost), -1, np.int64)
    units, bases = cost.shape
    if not units:
        return found
    points = len(wanted.weight)
    size = units * bases
    near = csr_array(np.tile(wanted.near.T.astype(np.float64), (1, units)))
    far = csr_array(np.tile(wanted.far.T.astype(np.float64), (1, units)))
    one, none = eye(points), csr_array((points, points))
    spare = csr_array((points, 1))
    d = wanted.weight
    variables = [-np.where(np.isfinite(cost), cost, 0.0).ravel(), np.zeros(points), d]
    variables += [-SHORT * d, np.array([-SHORT])]
    constraints = [
        LinearConstraint(hstack([-near, one, one, none, spare], "csr"), -np.inf, 0.0),
        LinearConstraint(
            hstack([csr_array((points, size)), -one, one, none, spare], "csr"), -np.inf, 0.0
        ),
        LinearConstraint(hstack([far, none, none, one, spare], "csr"), 1.0, np.inf),
        LinearConstraint(
            csr_array(np.concatenate([np.zeros(size), d, np.zeros(2 * points), [1.0]])[None, :]),
            wanted.share,
            np.inf,
        ),
        LinearConstraint(
            hstack(
                [kron(eye(units), np.ones((1, bases))), csr_array((units, 3 * points + 1))], "csr"
            ),
            1.0,
            1.0,
        ),
    ]
    upper = np.ones(size + 3 * points + 1)
    upper[:size] = np.isfinite(cost).ravel()
    whole = np.concatenate([np.ones(size + 2 * points), np.zeros(points + 1)]).astype(np.int64)
    solved = milp(
        -np.concatenate(variables),
        integrality=whole,
        bounds=Bounds(0.0, upper),
        constraints=constraints,
        options={"mip_rel_gap": 0.0},
    )
    if solved.x is None:
        raise RuntimeError(f"HiGHS found no solution: {solved.message}")
    found[able] = np.asarray(solved.x)[:size].reshape(units, bases).argmax(axis=1)
    return found


def positions_by_moves(wanted: Positions, begin: I64) -> I64:
    """Return (U,) bases from which no move of one unit has more `worth`, from those of `begin`."""
    base = begin.copy()
    near_area, far_area = wanted.near.astype(np.int64), wanted.far.astype(np.int64)
    there = base[base >= 0]
    near, far = near_area[there].sum(axis=0), far_area[there].sum(axis=0)
    now = float(_value(wanted, near[None, :], far[None, :])[0])
    while True:
        best, move = _BETTER, (-1, -1)
        for a in np.unique(base[base >= 0]).tolist():
            who = np.flatnonzero(base == a)
            # The unit of this base whose change of drive costs least, for each new base.
            change = wanted.cost[who] - wanted.cost[who, a][:, None]
            values = _value(wanted, near - near_area[a] + near_area, far - far_area[a] + far_area)
            better = values - now - change.min(axis=0)
            b = int(np.argmax(better))
            if b != a and better[b] > best:
                best, move = float(better[b]), (int(who[change[:, b].argmin()]), b)
        unit, b = move
        if unit < 0:
            return base
        near += near_area[b] - near_area[base[unit]]
        far += far_area[b] - far_area[base[unit]]
        base[unit] = b
        now = float(_value(wanted, near[None, :], far[None, :])[0])


def _value(wanted: Positions, near: I64, far: I64) -> F64:
    """Return (N,) what (N, P) numbers of units within both standards are worth, without drives."""
    d = wanted.weight
    twice: F64 = (near >= 2) @ d
    lacking = np.maximum(wanted.share - (near >= 1) @ d, 0.0) + (far == 0) @ d
    return np.asarray(twice - SHORT * lacking, np.float64)


def _base(unit: Unit, number: dict[str, int], eta: F64) -> int:
    """Return where a unit is or heads for; the nearest base if that is none of these; else -1."""
    base = number.get(unit.base.station_id, -1)
    if base >= 0 and (unit.state is UnitState.IDLE or np.isfinite(eta[base])):
        return base
    return int(np.argmin(eta)) if np.isfinite(eta).any() else -1
