"""Survival by published curves, at values worked out from their papers and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twin.core.survival import (
    CURVES,
    Arrest,
    de_maio,
    larsen,
    of_arrest,
    valenzuela,
    waalewijn,
    wounded,
)


def test_de_maio_by_minutes_from_the_call() -> None:
    assert de_maio([4.0, 6.0, 8.0, 10.0]) == pytest.approx(
        [0.1510, 0.0953, 0.0587, 0.0356], abs=5e-5
    )


def test_larsen_by_minutes_since_the_collapse() -> None:
    assert larsen(4.0, 6.0, 8.0) == pytest.approx(0.344)
    assert larsen(0.0, 0.0, 0.0) == pytest.approx(0.67)
    t = 0.67 / 0.055
    assert t == pytest.approx(12.18, abs=0.005)
    assert larsen(t, t, t) == pytest.approx(0.0, abs=1e-12)
    assert larsen(30.0, 30.0, 30.0) == 0.0


def test_valenzuela_by_minutes_since_the_collapse() -> None:
    assert valenzuela([1.0, 5.0], [5.0, 8.0]) == pytest.approx([0.3680, 0.2007], abs=5e-5)


def test_waalewijn_by_minutes_since_the_collapse() -> None:
    assert waalewijn([1.0, 8.0, 0.0], [8.0, 8.0, 0.0]) == pytest.approx(
        [0.2108, 0.0802, 0.4900], abs=5e-5
    )
    # Nobody pressed before the crew did: CPR began with the crew.
    assert waalewijn(math.inf, 8.0) == pytest.approx(waalewijn(8.0, 8.0))


def test_clocks_are_not_mixed() -> None:
    """A minute from collapse to call moves the curves since the collapse and not De Maio's."""
    soon = Arrest(call=0.0, cpr=8.0, defib=8.0, als=8.0, ems=8.0)
    late = Arrest(call=1.0, cpr=9.0, defib=9.0, als=9.0, ems=9.0)
    assert (
        of_arrest("de-maio", soon) == of_arrest("de-maio", late) == pytest.approx(0.0587, abs=5e-5)
    )
    for curve in CURVES[1:]:
        assert of_arrest(curve, late) < of_arrest(curve, soon)
    assert of_arrest("larsen", Arrest(1.0, 4.0, 6.0, 8.0, 6.0)) == pytest.approx(0.344)
    assert of_arrest("valenzuela", Arrest(1.0, 1.0, 5.0, 9.0, 9.0)) == pytest.approx(
        0.3680, abs=5e-5
    )
    assert of_arrest("waalewijn", Arrest(1.0, 1.0, 9.0, 9.0, 8.0)) == pytest.approx(
        0.2108, abs=5e-5
    )


@pytest.mark.parametrize("curve", CURVES)
def test_help_that_never_comes_saves_nobody(curve) -> None:
    never = Arrest(1.0, math.inf, math.inf, math.inf, math.inf)
    assert of_arrest(curve, never) == 0.0


@pytest.mark.parametrize("curve", CURVES)
def test_later_is_never_better(curve) -> None:
    chances = [of_arrest(curve, Arrest(0.0, t, t, t, t)) for t in np.linspace(0.0, 40.0, 50)]
    assert all(0.0 <= c <= 1.0 for c in chances)
    assert (np.diff(chances) <= 0.0).all()


def test_the_wounded_lose_half_of_their_chance_at_the_half_time() -> None:
    assert wounded("immediate", [0.0, 35.838]) == pytest.approx([0.3510, 0.1755])
    assert wounded("delayed", [0.0, 213.5976]) == pytest.approx([0.9124, 0.4562])
    assert wounded("minor", [0.0, 500.0]).tolist() == [1.0, 1.0]
    assert float(wounded("dead", 0.0)) == 0.0
    # The immediate lose faster at first: they go first.
    lost = [wounded(c, 0.0) - wounded(c, 20.0) for c in ("immediate", "delayed")]
    assert lost[0] > lost[1]
    with pytest.raises(ValueError, match="no class 'well'"):
        wounded("well", 1.0)
