"""What is offered where a street is not found."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from twin.core.errors import InputError
from twin.network.generate import grid
from twin.scenarios.named_roads import links_named


@pytest.mark.parametrize(
    ("wrong", "offered"),
    [
        ("Banpo Bridge", "did you mean 'Banpo' or 'Banpo/Jamsu Bridge'"),
        ("mapo", "did you mean 'Mapo Bridge' or 'Mapo-daero'"),
        ("Mappo Bridge", "did you mean 'Mapo Bridge'"),
        ("Nowhere", "lists those that it has"),
        (" ", "lists those that it has"),
    ],
)
def test_a_street_of_the_same_first_word_is_offered_before_another_bridge(wrong, offered):
    names = ("Mapo Bridge", "Banpo/Jamsu Bridge", "Mapo-daero")
    roads = grid(2, 2)
    roads = dataclasses.replace(
        roads, names=names, link_name=(np.arange(roads.n_links) % 3).astype(np.int32)
    )
    with pytest.raises(InputError) as found:
        links_named(roads, wrong)
    assert offered in str(found.value)
