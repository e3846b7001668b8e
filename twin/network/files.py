"""Bytes and text of files that a user supplies, compressed or not."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from twin.core.errors import InputError, NotFoundError

GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 4 << 30


def require_file(path: Path) -> None:
    """Check that a path leads to a file.

    Raises
    ------
    InputError
        If there is nothing, or a folder.
    """
    if path.is_dir():
        raise InputError("is a folder, not a file", file=path)
    if not path.is_file():
        raise NotFoundError("there is no such file", file=path)


def read_bytes(path: Path | str) -> bytes:
    """Return the content of a file, unpacked when it is gzip.

    Raises
    ------
    InputError
        If there is no such file, it is empty, or it is cut short.
    """
    path = Path(path)
    require_file(path)
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    try:
        if packed:
            with gzip.open(path) as file:
                content = file.read(MAX_BYTES + 1)
        else:
            content = path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError("the compressed file is cut short or damaged", file=path) from error
    if len(content) > MAX_BYTES:
        raise InputError(f"the file unpacks to more than {MAX_BYTES >> 30} GiB", file=path)
    if not content.strip():
        raise InputError("the file is empty", file=path)
    return content


def read_text(path: Path | str) -> str:
    """Return the content of a UTF-8 file, unpacked when it is gzip.

    Raises
    ------
    InputError
        As `read_bytes`, and if it is not UTF-8, naming the line.
    """
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError("the text is not UTF-8", file=path, row=line) from error
