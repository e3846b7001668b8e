"""A city of a SUMO network: what it is made of, and what its edges are called."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from twin.city.model import City, Meta
from twin.core.errors import InputError
from twin.network.sumo import read_sumo


def name_of(file: Path) -> str:
    """Return a name for the city of a file: its own, in the letters that names have.

    Raises
    ------
    InputError
        If nothing of it can stand in a name.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", file.name.split(".")[0].lower()).strip("-")
    if not plain:
        raise InputError("no name can be made of it", file=file, hint="give one with --name")
    return plain


def sumo_city(file: Path, meta: Meta) -> City:
    """Return the city of a `.net.xml` file.

    Raises
    ------
    InputError
        Naming the file, the element and the attribute of the first fault.
    """
    network, report, edges, actuated = read_sumo(file)
    modes = pd.DataFrame({"signal": actuated, "mode": ["actuated"] * len(actuated)})
    table = pd.DataFrame(
        {
            "link": np.arange(network.n_links, dtype=np.int32),
            "edge": edges.edge,
            "entry_m": edges.entry_m.astype(np.float32),
            "lanes": [" ".join(str(lane) for lane in lanes) for lanes in edges.lanes],
        }
    )
    return City(meta=meta, network=network, tables={"edges": table, "signals": modes}, build=report)
