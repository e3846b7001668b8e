"""Rows of XML made of columns at once, and the head and foot of SUMO's output files."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast
from xml.sax.saxutils import quoteattr

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.core.errors import InputError

Column = NDArray[Any] | pa.Array


def texts(values: NDArray[Any], digits: int = 2) -> pa.Array:
    """Return numbers as text with at most so many decimals."""
    if values.dtype.kind in "iu":
        return pa.array(values).cast(pa.string())
    # Adding 0 turns -0.0 into 0.0.
    return pa.array(np.round(values.astype(np.float64), digits) + 0.0).cast(pa.string())


def quoted(names: list[str]) -> pa.Array:
    """Return names as they may stand in an attribute, without the quotes around them."""
    return pa.array([quoteattr(name, {'"': "&quot;"})[1:-1] for name in names], pa.string())


def rows(tag: str, fields: dict[str, pa.Array], indent: int) -> bytes:
    """Return one empty element for each row of the columns."""
    first = next(iter(fields.values()))
    if not len(first):
        return b""
    parts: list[Any] = []
    for place, (name, column) in enumerate(fields.items()):
        before = f"{' ' * indent}<{tag} " if place == 0 else '" '
        parts += [pa.scalar(f'{before}{name}="'), column]
    lines = pc.binary_join_element_wise(*parts, pa.scalar('"/>\n'), "")
    data: bytes = lines.cast(pa.large_string()).buffers()[2].to_pybytes()
    return data


class XmlFile:
    """A file of SUMO's that is written piece by piece; complete once it is closed.

    Parameters
    ----------
    path
        Where it goes; packed by gzip if it ends in `.gz`.
    root
        Its root element.

    Raises
    ------
    InputError
        If it cannot be written.
    """

    def __init__(self, path: Path, root: str) -> None:
        self.path = path
        self._root = root
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = _opened(path)
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", file=path) from error
        self.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>\n'.encode())

    def write(self, content: bytes) -> None:
        """Append to the file."""
        try:
            self._file.write(content)
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", file=self.path) from error

    def close(self) -> None:
        """Write the end."""
        if self._file.closed:
            return
        self.write(f"</{self._root}>\n".encode())
        try:
            self._file.close()
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", file=self.path) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _opened(path: Path) -> IO[bytes]:
    if path.suffix.lower() != ".gz":
        return path.open("wb")
    # Equal runs have equal bits, so the file does not say when it was written.
    return cast(IO[bytes], gzip.GzipFile(path, "wb", compresslevel=6, mtime=0))
