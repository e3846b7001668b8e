"""Faults of XML that is read, said in a sentence; document types and entities are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException

from twin.core.errors import InputError


@contextmanager
def xml_faults(path: Path | str, content: bytes) -> Iterator[None]:
    """Turn what defusedxml finds wrong in the content of a file into an error that names it.

    Raises
    ------
    InputError
        If the content is not well-formed, or declares a document type or entities.
    """
    try:
        yield
    except DefusedXmlException as error:
        raise InputError(
            "the XML declares a document type or entities, which are refused",
            file=path,
            row=content.partition(b"<!DOCTYPE")[0].count(b"\n") + 1,
        ) from error
    except (ParseError, LookupError, ValueError) as error:
        line = error.position[0] if isinstance(error, ParseError) else None
        raise InputError(f"it is not well-formed XML ({error})", file=path, row=line) from error
