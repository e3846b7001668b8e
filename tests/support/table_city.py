"""Cities of travel times made of a few rows, and their replay in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from tests.support.emergency import DAY
from twin.city.model import City, Meta
from twin.city.travel_table import read_table_city
from twin.demand.call_file import read_calls
from twin.recording.memory import MemoryRecorder
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel

META = Meta(name="region", title={"en": "Region"}, timezone="UTC")


def region(
    folder: Path,
    times: Sequence[Sequence[float]],
    bases: Sequence[int | str],
    hospitals: Sequence[int],
    *,
    xy: ArrayLike | None = None,
) -> City:
    """Return a city of places p0, p1, ...; units u0, u1, ...; hospitals h0, h1, ...

    A base is the number of a place, or that and a shift, as in `"2,08:00,20:00"`.
    """
    n = len(times)
    where = [(100.0 * k, 0.0) for k in range(n)] if xy is None else xy
    files = {
        "times": "from,to,seconds\n"
        + "".join(f"p{a},p{b},{times[a][b]!r}\n" for a in range(n) for b in range(n)),
        "places": "id,x,y\n" + "".join(f"p{k},{x!r},{y!r}\n" for k, (x, y) in enumerate(where)),
        "units": "id,base,on,off\n"
        + "".join(
            f"u{k},p{base}{'' if ',' in str(base) else ',,'}\n" for k, base in enumerate(bases)
        ),
        "hospitals": "id,place\n" + "".join(f"h{k},p{at}\n" for k, at in enumerate(hospitals)),
    }
    paths = {name: folder / f"{name}.csv" for name in files}
    for name, text in files.items():
        paths[name].write_text(text)
    return read_table_city(META, **paths)


def replayed(city: City, folder: Path, calls: str, **fields: Any) -> tuple[pd.DataFrame, CityModel]:
    """Return the table of calls by id of a replay of the file text `calls`, and the model."""
    own, scenario = replay_of(city, folder, calls, **fields)
    recorder = MemoryRecorder()
    model = CityModel(own, scenario, recorder=recorder)
    model.run()
    table = recorder.frame("calls").set_index("call_id")
    return table.loc[own["history"]["call_id"]], model


def replay_of(city: City, folder: Path, calls: str, **fields: Any) -> tuple[City, Scenario]:
    """Return the city with the calls of a file text, and the scenario that replays them."""
    file = folder / "calls.csv"
    file.write_text(calls)
    own = City(city.meta, city.network, dict(city.tables), city.service)
    own.tables["history"] = read_calls(file, city, DAY)
    last = (own["history"]["t_call"].max() - pd.Timestamp(DAY, tz="UTC")).total_seconds()
    plan = {
        "name": "test",
        "city": "region",
        "period": {"day": DAY, "start": "00:00", "warm_up_min": 0.0,
                   "end": f"{int(last // 3600) + 72}:00"},
        "traffic": {"fidelity": "table"},
        "calls": {"source": "recorded", "collisions": False, "held_out_fit": False,
                  "intervals": "recorded"},
        "policy": {"hospital": "recorded"},
        "record": {"frame_every_s": 600.0},
    }  # fmt: skip
    for name, value in fields.items():
        plan[name] = {**plan.get(name, {}), **value} if isinstance(value, dict) else value
    return own, Scenario.model_validate(plan)
