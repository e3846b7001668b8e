"""Whether links, lanes and turns that somebody names are there: numpy would count back from -1."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from twin.core.errors import InputError
from twin.network.graph import Network


def check_link(network: Network, link: int) -> None:
    """Check that there is a link of this index.

    Raises
    ------
    InputError
        If there is none.
    """
    if not (0 <= link < network.n_links and link % 1 == 0):
        raise InputError(f"there is no link {link}", field="link")


def check_closing(network: Network, link: int, lanes: int | None) -> None:
    """Check that `lanes` lanes of a link, or all of it, can be closed.

    Raises
    ------
    InputError
        If there is no such link, or the lanes are not one or more.
    """
    check_link(network, link)
    if lanes is not None and not (lanes >= 1 and lanes % 1 == 0):
        raise InputError(f"{lanes} lanes cannot be closed", field="lanes")


def check_lanes(network: Network, link: int, lanes: Iterable[int]) -> tuple[int, ...]:
    """Return lanes of a link that are all there.

    Raises
    ------
    InputError
        If there is no such link, or one of them is not a lane of it.
    """
    check_link(network, link)
    count = int(network.link_lanes[link])
    named = tuple(lanes)
    for lane in named:
        if not (0 <= lane < count and lane % 1 == 0):
            text = f"link {link} has no lane {lane}: its lanes are 0 to {count - 1}"
            raise InputError(text, field="lanes")
    return tuple(int(lane) for lane in named)


def check_turns(network: Network, turns: ArrayLike) -> None:
    """Check that there are turns of these indices.

    Raises
    ------
    InputError
        If there is none of one of them.
    """
    index = np.asarray(turns)
    unknown = index[(index < 0) | (index >= network.n_turns)]
    if len(unknown):
        raise InputError(f"there is no turn {unknown[0]}", field="turns")
