"""Says what is wrong with a file that Twin wrote and somebody or something changed."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from twin.core.errors import InputError


def damaged(error: ValidationError, file: Path) -> InputError:
    """Return the error that names the file, and the first field that is missing or malformed."""
    first = error.errors()[0]
    # Pydantic goes on with the name of a class, which is nothing to somebody who reads a file.
    said = first["msg"].split(" or instance of ")[0]
    return InputError(
        f"is damaged: {said[:1].lower()}{said[1:]}",
        file=file,
        field=".".join(str(part) for part in first["loc"]) or None,
    )
