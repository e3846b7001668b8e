"""Where an OpenStreetMap file is broken, looked for once the parser has refused it.

The parser says what is wrong but seldom where. XML is read again with an eye on lines and
attributes; of a PBF file the blocks are walked, which are a length, a header and a compressed blob
(wiki.openstreetmap.org/wiki/PBF_Format).
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, Locator

import defusedxml.sax
from defusedxml.common import DefusedXmlException

from twin.network.files import GZIP_MAGIC

MAX_HEADER_BYTES = 64 << 10
MAX_BLOB_BYTES = 32 << 20
_LIMITS = {"lat": 90.0, "lon": 180.0}
_LARGEST_ID = 1 << 63


class Fault(NamedTuple):
    """Where and, if more is known than the parser says, why a file cannot be read."""

    row: int | str | None = None
    field: str | None = None
    why: str | None = None


def find_fault(path: Path) -> Fault:
    """Return where a file that cannot be read is broken, as far as that can be found out."""
    if path.name.endswith(".pbf"):
        return _pbf_fault(path)
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            return _xml_fault(cast("BinaryIO", stream))
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return Fault(why="the compressed file is cut short or damaged")


class _FoundError(SAXException):
    """Ends the reading at the first fault."""

    def __init__(self, field: str | None) -> None:
        super().__init__("")
        self.field = field


class _Watch(ContentHandler):
    """Stops at the first element that no map has, and at the first attribute that is no number."""

    def __init__(self) -> None:
        super().__init__()
        self.line = 1
        self._locator: Locator | None = None
        self._depth = 0

    def setDocumentLocator(self, locator: Locator) -> None:  # noqa: N802 (a name of SAX)
        self._locator = locator

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 (a name of SAX)
        self.line = (self._locator.getLineNumber() if self._locator else None) or self.line
        if self._depth == 0 and name not in {"osm", "osmChange"}:
            raise _FoundError(None)
        self._depth += 1
        numbers = {"node": ("id", "lat", "lon"), "nd": ("ref",), "member": ("ref",)}
        for field in numbers.get(name, ("id",)):
            if (text := attrs.get(field)) is not None and not _sound(field, str(text)):
                raise _FoundError(field)


def _sound(field: str, text: str) -> bool:
    try:
        if field in _LIMITS:
            value = float(text)
            return math.isfinite(value) and abs(value) <= _LIMITS[field]
        return abs(int(text)) < _LARGEST_ID
    except ValueError:
        return False


def _xml_fault(stream: BinaryIO) -> Fault:
    watch = _Watch()
    parser = defusedxml.sax.make_parser()
    parser.setContentHandler(watch)
    try:
        parser.parse(stream)
    except _FoundError as found:
        return Fault(watch.line, found.field)
    except SAXParseException as error:
        return Fault(error.getLineNumber())
    except DefusedXmlException:
        return Fault(parser.getLineNumber())
    except (SAXException, ValueError, LookupError):
        return Fault()
    return Fault()


def _pbf_fault(path: Path) -> Fault:
    """Return the first block that is cut short or damaged, by number and byte."""
    size = path.stat().st_size
    with path.open("rb") as file:
        number = at = 0
        while at < size:
            number += 1
            if not _block_is_whole(file):
                return Fault(f"block {number} at byte {at:,}")
            at = file.tell()
    return Fault()


def _block_is_whole(file: BinaryIO) -> bool:
    length = int.from_bytes(file.read(4), "big")
    if not 0 < length <= MAX_HEADER_BYTES:
        return False
    try:
        blob_bytes = _fields(file.read(length))[3]
        if not isinstance(blob_bytes, int) or blob_bytes > MAX_BLOB_BYTES:
            return False
        blob = file.read(blob_bytes)
        if len(blob) < blob_bytes:
            return False
        packed = _fields(blob).get(3)
        if isinstance(packed, bytes):
            zlib.decompress(packed)
    except (IndexError, KeyError, ValueError, zlib.error):
        return False
    return True


def _fields(message: bytes) -> dict[int, int | bytes]:
    """Return the fields of a protobuf message by number: whole numbers and byte strings."""
    found: dict[int, int | bytes] = {}
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        value, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            found[key >> 3] = value
        elif kind == 2 and at + value <= len(message):
            found[key >> 3] = message[at : at + value]
            at += value
        else:
            raise ValueError("no block holds such a field")
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, least first, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
