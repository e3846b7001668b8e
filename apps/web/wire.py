"""One binary message: a small JSON header and arrays. `components/map/src/wire.js` reads it.

    u32 length of the header | header, JSON, padded with blanks | arrays, each at 8 bytes

The header is `{"meta": {...}, "arrays": {name: [type, offset, length]}}`; offsets count from the
end of the header. Everything is little-endian.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGN = 8
_TYPES = {"u1": "<u1", "u2": "<u2", "u4": "<u4", "i4": "<i4", "f4": "<f4"}


def pack(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return a message.

    Parameters
    ----------
    meta
        What JSON can hold; NaN cannot.
    arrays
        Arrays of the types u1, u2, u4, i4 and f4; they arrive flat.

    Raises
    ------
    TypeError
        If an array has another type.
    ValueError
        If `meta` holds NaN or an infinity.
    """
    body = bytearray()
    index: dict[str, list[Any]] = {}
    for name, array in arrays.items():
        kind = array.dtype.str[1:]
        if kind not in _TYPES:
            raise TypeError(f"array {name!r} has type {array.dtype}, which the page cannot read")
        index[name] = [kind, len(body), int(array.size)]
        body += np.ascontiguousarray(array, dtype=_TYPES[kind]).tobytes()
        body += b"\0" * (-len(body) % _ALIGN)
    header = json.dumps(
        {"meta": dict(meta), "arrays": index},
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
    ).encode()
    header += b" " * (-(4 + len(header)) % _ALIGN)
    return struct.pack("<I", len(header)) + header + bytes(body)


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what was packed, as the page sees it: flat arrays that share the message's memory."""
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    arrays = {
        name: np.frombuffer(message, _TYPES[kind], count, 4 + length + offset)
        for name, (kind, offset, count) in header["arrays"].items()
    }
    return header["meta"], arrays
