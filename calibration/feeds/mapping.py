"""Mapping files: which column of an agency's export holds what, and what its codes mean."""

from __future__ import annotations

import codecs
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from twin.core.errors import InputError, NotFoundError

Stamp = Literal[
    "t_call", "t_entry", "t_dispatch", "t_enroute", "t_onscene", "t_leave", "t_hospital", "t_clear"
]
STAMPS: tuple[str, ...] = get_args(Stamp)
"""The stamps of a unit's response, in the order in which they happen."""
REQUIRED = ("call_id", "unit_id", "nature", "unit_type", "t_call", "t_dispatch")
"""Columns without which a table is no dispatch export."""
OPTIONAL = (
    *("row_id", "sequence", "priority_code", "determinant", "district", "station_area"),
    *("disposition", "location", "lon", "lat"),
    *(stamp for stamp in STAMPS if stamp not in REQUIRED),
)

ISO = "ISO8601"
"""Form of time stamps that name their zone: `2017-01-04T17:05:09-08:00`, maybe with fractions."""
_Priority = Annotated[int, Field(ge=1, le=4)]
_Kind = Literal["medical", "fire", "collision", "other"]


class Priorities(BaseModel):
    """Codes to priorities 1 (most urgent) to 4; `determinant` is looked up before `code`.

    Calls down to priority `siren_to` are answered under siren.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    determinant: dict[str, _Priority] = {}
    code: dict[str, _Priority] = {}
    default: int = Field(default=2, ge=1, le=4)
    siren_to: int = Field(default=4, ge=0, le=4)


class CadMapping(BaseModel):
    """How to read one agency's computer-aided-dispatch export.

    `timestamp_format` is one of Python's, or `ISO8601`. Where stamps name their zone (`%z`,
    `ISO8601`), `timezone` may be left out. `bounds` are west, south, east and north in degrees, the
    whole world if left out. Natures of calls that `kinds` does not name are of `kind_otherwise`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    timezone: str = ""
    timestamp_format: str
    encoding: str = "utf-8"
    bounds: tuple[float, float, float, float] = (-180.0, -90.0, 180.0, 90.0)
    location_pattern: str | None = Field(
        default=None, description="Regular expression with groups `lat` and `lon`."
    )
    columns: dict[str, str]
    priorities: Priorities = Priorities()
    unit_kinds: dict[str, str]
    kinds: dict[str, _Kind]
    kind_otherwise: _Kind = "other"

    @property
    def zoned(self) -> bool:
        """Whether stamps name their zone."""
        return self.timestamp_format == ISO or "%z" in self.timestamp_format

    def sample(self) -> str:
        """Return a stamp as it should be written."""
        if self.timestamp_format == ISO:
            return "2017-01-04T17:05:09-08:00"
        return datetime(2017, 1, 4, 17, 5, 9, tzinfo=UTC).strftime(self.timestamp_format)

    @field_validator("timestamp_format")
    @classmethod
    def _format(cls, value: str) -> str:
        if value == ISO:
            return value
        moment = datetime(2017, 1, 4, 17, 5, tzinfo=UTC)
        try:
            read = datetime.strptime(moment.strftime(value), value)  # noqa: DTZ007
        except ValueError as error:
            raise ValueError(f"{value!r} is no form of time stamps") from error
        if read.replace(tzinfo=UTC) != moment:
            raise ValueError(f"{value!r} does not hold day, month, year, hour and minute")
        return value

    @field_validator("encoding")
    @classmethod
    def _encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError as error:
            raise ValueError(f"{value!r} is no encoding") from error
        return value

    @field_validator("bounds")
    @classmethod
    def _bounds(cls, value: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        west, south, east, north = value
        if not (-180.0 <= west < east <= 180.0 and -90.0 <= south < north <= 90.0):
            raise ValueError("must be west, south, east, north in degrees")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if not value:
            return value
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not a time zone") from error
        return value

    @field_validator("location_pattern")
    @classmethod
    def _pattern(cls, value: str | None) -> str | None:
        try:
            groups = set() if value is None else set(re.compile(value).groupindex)
        except re.error as error:
            raise ValueError(f"it is no regular expression ({error})") from error
        if value is not None and not {"lat", "lon"} <= groups:
            raise ValueError("the pattern needs groups named `lat` and `lon`")
        return value

    @model_validator(mode="after")
    def _complete(self) -> CadMapping:
        known = set(REQUIRED) | set(OPTIONAL)
        if unknown := sorted(set(self.columns) - known):
            raise ValueError(f"unknown canonical columns {unknown}")
        if missing := [name for name in REQUIRED if name not in self.columns]:
            raise ValueError(f"no source column for {missing}")
        if "location" not in self.columns and not {"lon", "lat"} <= set(self.columns):
            raise ValueError("name a `location` column, or `lon` and `lat`")
        if "location" in self.columns and self.location_pattern is None:
            raise ValueError("a `location` column needs a `location_pattern`")
        if not self.timezone and not self.zoned:
            raise ValueError("`timezone` is needed: the stamps name no zone")
        return self


def load_mapping(name_or_path: str | Path) -> CadMapping:
    """Return a mapping that ships with Twin, by name, or one from a TOML file.

    Raises
    ------
    NotFoundError
        If there is no such mapping or file.
    InputError
        If the file is not TOML or not a mapping; names the field.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = Path(__file__).parent / "mappings" / f"{name_or_path}.toml"
    if not path.is_file():
        raise NotFoundError("there is no such mapping file", file=path)
    try:
        return CadMapping.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not a TOML file: {error}", file=path) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        raise InputError(first["msg"], file=path, field=field) from error
