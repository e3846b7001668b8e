"""The files of a GTFS feed, in a folder or a ZIP archive, as tables of text.

Nothing is ever unpacked to disk: of an archive only files with the names of GTFS are read, into
memory, and no more of them than `MAX_BYTES` and `MAX_RATIO` times the archive, whatever it says of
their size.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.core.errors import InputError, NotFoundError
from twin.network.graph import F64

MAX_BYTES = 1 << 30
"""Most bytes of one file of a feed: as a table it takes several times as much."""
MAX_RATIO = 100
"""Most bytes of one file for each byte of the archive; timetables pack by 5 to 30."""
SMALL_BYTES = 16 << 20
"""No file is too large below this, however well it is packed."""
MAX_ENTRIES = 10_000
HEADER_ROW = 1
_WRONG_WIDTH = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_TIME = r"(\d{1,3}):([0-5]\d):([0-5]\d)"


class Table:
    """A file of a feed held by column, all of it text.

    Parameters
    ----------
    frame
        The columns.
    name
        What messages call the file.
    """

    def __init__(self, frame: pd.DataFrame, name: str) -> None:
        self.frame = frame
        self.name = name

    def __len__(self) -> int:
        return len(self.frame)

    def text(self, field: str, default: str | None = None) -> pd.Series[str]:
        """Return a column without surrounding blanks; `default` where there is no such column.

        Raises
        ------
        InputError
            If there is none and no default.
        """
        if field in self.frame:
            return self.frame[field].str.strip()
        if default is None:
            raise InputError(
                "the column is missing",
                file=self.name,
                row=HEADER_ROW,
                field=field,
                hint=f"found: {', '.join(map(str, self.frame.columns))}",
            )
        return pd.Series([default] * len(self), index=self.frame.index, dtype=object)

    def refuse(self, bad: NDArray[np.bool_] | pd.Series[bool], field: str, why: str) -> None:
        """Raise an `InputError` at the first row where `bad` holds, if any; `{}` is its value."""
        where = np.asarray(bad, np.bool_)
        if where.any():
            at = int(np.argmax(where))
            value = self.frame[field].iloc[at] if field in self.frame else ""
            # The index counts empty rows, which the table does not hold.
            row = int(self.frame.index[at]) + HEADER_ROW + 1
            raise InputError(why.format(repr(value)), file=self.name, row=row, field=field)

    def numbers(self, field: str, low: float, high: float, default: str | None = None) -> F64:
        """Return a column of numbers from `low` to `high`; blanks are nan when there is a default.

        Raises
        ------
        InputError
            At the first value that is not one.
        """
        text = self.text(field, default)
        blank = (text == "").to_numpy()
        values = pd.to_numeric(text.where(~blank), errors="coerce").to_numpy(np.float64)
        if default is None:
            self.refuse(blank, field, "the value is missing")
        self.refuse(~blank & np.isnan(values), field, "{} is not a number")
        outside = ~blank & ~((values >= low) & (values <= high))
        self.refuse(outside, field, f"{{}} is not from {low:g} to {high:g}")
        return values

    def times(self, field: str, *, blank: bool = False) -> F64:
        """Return a column of HH:MM:SS as seconds; blanks are nan where they may be.

        Raises
        ------
        InputError
            At the first value that is not one.
        """
        text = self.text(field)
        empty = (text == "").to_numpy()
        if not blank:
            self.refuse(empty, field, "the value is missing")
        parts = text.str.extract(f"^{_TIME}$")
        self.refuse(~empty & parts[0].isna().to_numpy(), field, "{} is not HH:MM:SS")
        clock = parts.astype(np.float64).to_numpy()
        seconds: F64 = clock @ np.array([3600.0, 60.0, 1.0])
        return seconds

    def unique(self, field: str) -> pd.Series[str]:
        """Return a column of different names that are all present.

        Raises
        ------
        InputError
            At the first that is missing or stood there before.
        """
        text = self.text(field)
        self.refuse(text == "", field, "the value is missing")
        self.refuse(text.duplicated(), field, "{} occurs twice")
        return text


class Feed:
    """A GTFS feed.

    Parameters
    ----------
    path
        A folder or a ZIP archive.

    Raises
    ------
    InputError
        If it is neither.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._names: dict[str, str] = {}
        if self.path.is_dir():
            return
        if not self.path.is_file():
            raise NotFoundError("there is no such file or folder", file=path, field="transit.gtfs")
        try:
            with zipfile.ZipFile(self.path) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise InputError(f"it is not a ZIP archive ({error})", file=path) from error
        if len(entries) > MAX_ENTRIES:
            raise InputError(f"the archive holds more than {MAX_ENTRIES} files", file=path)
        # Some feeds stand in a folder of the archive; no path of an entry is ever used on disk.
        for entry in entries:
            if not entry.is_dir() and ".." not in entry.filename:
                self._names.setdefault(entry.filename.rpartition("/")[2], entry.filename)

    def table(self, name: str) -> Table | None:
        """Return the table of `name`.txt; None when the feed has none.

        Raises
        ------
        InputError
            If the file is no table or too large.
        """
        file = f"{name}.txt"
        content = self._content(file)
        if content is None:
            return None
        label = f"{self.path}/{file}"
        try:
            content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            row = content.count(b"\n", 0, error.start) + 1
            raise InputError("the text is not UTF-8", file=label, row=row) from error
        try:
            # Without names a row sets the width, so that no value is taken for the name of its row.
            frame = pd.read_csv(
                io.BytesIO(content),
                header=None,
                dtype=str,
                keep_default_na=False,
                skipinitialspace=True,
                skip_blank_lines=False,
                encoding="utf-8-sig",
            )
        except pd.errors.EmptyDataError as error:
            raise InputError("the file is empty", file=label) from error
        except (pd.errors.ParserError, ValueError) as error:
            found = _WRONG_WIDTH.search(str(error))
            if found:
                why = f"the row has {found[3]} values, the header {found[1]}"
                raise InputError(why, file=label, row=int(found[2])) from error
            raise InputError(f"it is not CSV ({error})", file=label) from error
        frame = frame.fillna("")
        header = [str(name).strip() for name in frame.iloc[0]]
        for field in header:
            if header.count(field) > 1:
                why = "the column occurs twice"
                raise InputError(why, file=label, row=HEADER_ROW, field=field)
        frame.columns = header
        frame = frame.iloc[1:].reset_index(drop=True)
        return Table(frame[(frame != "").any(axis=1)], label)

    def need(self, name: str) -> Table:
        """Return the table of `name`.txt.

        Raises
        ------
        InputError
            If the feed has none.
        """
        table = self.table(name)
        if table is None:
            raise InputError(f"the feed has no {name}.txt", file=self.path)
        return table

    def _content(self, file: str) -> bytes | None:
        if self.path.is_dir():
            path = self.path / file
            if not path.is_file():
                return None
            if path.stat().st_size > MAX_BYTES:
                raise InputError("the file is larger than 1 GiB", file=path)
            return path.read_bytes()
        if file not in self._names:
            return None
        label = f"{self.path}/{file}"
        most = min(MAX_BYTES, max(SMALL_BYTES, MAX_RATIO * self.path.stat().st_size))
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self._names[file]) as entry:
                content = entry.read(most + 1)
        except (RuntimeError, NotImplementedError) as error:
            raise InputError(
                "the file is encrypted or packed in a way that is not known", file=label
            ) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise InputError(f"the archive is damaged ({error})", file=label) from error
        if len(content) > most:
            why = "1 GiB" if most == MAX_BYTES else f"{MAX_RATIO} times its archive"
            raise InputError(f"the file unpacks to more than {why}", file=label)
        return content
