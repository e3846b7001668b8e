"""What a run was made of: checksums of its inputs and versions of the software."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pyarrow as pa

from twin.agents.policies.own import code_checksum
from twin.city.model import City
from twin.scenarios.policy import own_rules
from twin.scenarios.spec import Scenario
from twin.traffic.assignment_files import assignment_checksum

_PACKAGES = ("twin-city", "numpy", "numba", "mesa", "simpy", "pandas", "pyarrow", "duckdb", "scipy")


def city_checksum(city: City) -> str:
    """Return the SHA-256 of everything in a city that a run can read.

    It depends on the content only, not on the folder or on when the city was built.
    """
    digest = hashlib.sha256()
    digest.update(city.meta.model_dump_json(exclude={"built_by", "known_gaps"}).encode())
    for field in fields(city.network):
        value = getattr(city.network, field.name)
        digest.update(field.name.encode())
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype.str}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).data)
        else:
            digest.update(json.dumps(value).encode())
    for name in sorted(city.tables):
        table = pa.Table.from_pandas(city.tables[name], preserve_index=False)
        digest.update(name.encode())
        with pa.ipc.new_stream(_Sink(digest), table.schema.remove_metadata()) as stream:
            stream.write_table(table.replace_schema_metadata(None).combine_chunks())
    for day in sorted(city.service):
        digest.update(day.encode())
        digest.update(city.service[day].model_dump_json().encode())
    return digest.hexdigest()


def scenario_checksum(scenario: Scenario) -> str:
    """Return the SHA-256 of what a scenario asks for; titles and questions do not count.

    Learned routes and rules of the user's own count by their content.
    """
    asked = scenario.model_dump(mode="json", exclude={"title", "question", "base", "name"})
    if scenario.traffic.routes is not None:
        asked["traffic"]["routes"] = assignment_checksum(Path(scenario.traffic.routes))
    if names := own_rules(scenario):
        asked["code"] = {name: code_checksum(name) for name in names}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide the numbers."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


class _Sink:
    """A file that hashes what is written to it."""

    closed = False

    def __init__(self, digest: hashlib._Hash) -> None:
        self._digest = digest

    def write(self, data: bytes) -> int:
        """Hash `data`."""
        self._digest.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""
