"""The sheets of a workbook as rows of text: values as they are meant, not as they are formatted.

Read by pandas with calamine: .xlsx, .xlsm, .xls, .ods. A formula is the value that was stored with
it; an error such as #N/A is no value.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from stages.errors import Unreadable
from stages.extract import file_kinds, files
from stages.extract.delimited.header import looks_like_header, preamble
from stages.extract.delimited.sheet import unique_names
from stages.extract.spreadsheet import bounds
from stages.require import require

SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods")
_SAMPLE = 250  # rows that header and preamble are found from
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BYTES = 1 << 30  # of the file

Cells = list[str | None]


class Sheet(NamedTuple):
    """name: of the sheet. columns: names, made up where there are none. before: rows above the
    table; rows: of the table; each with its number in the sheet, from 1."""

    name: str
    columns: list[str]
    before: list[tuple[int, Cells]]
    rows: list[tuple[int, Cells]]


def is_one(name: str) -> bool:
    """Whether a file is called like a workbook."""
    return name.lower().endswith(SUFFIXES)


def reader() -> str:
    """What reads workbooks, with versions; MissingExtra when it is not installed."""
    for module in ("pandas", "python_calamine"):
        require(module, "sheets")
    names = ("pandas", "python-calamine")
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def sheets(
    path: Path, header: Literal["auto", "yes", "no"], null: str | None, only: str | None
) -> Iterator[Sheet | str]:
    """The sheets of a workbook; a name alone for one without values. Unreadable: corrupt,
    oversize, wrong_kind, no_form; OSError where the file cannot be opened."""
    pandas = require("pandas", "sheets")
    with files.opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(len(_OLE))
        if size > BYTES:
            raise Unreadable("oversize", limit=BYTES, of="bytes")
        if head.startswith(b"PK"):
            bounds.check(file, size)
        elif head != _OLE:
            if (other := file_kinds.other(head + file.read(file_kinds.HEAD), "csv")) is not None:
                raise Unreadable("wrong_kind", **other)
            raise Unreadable("corrupt", error="it is no workbook", begins=head.hex(" "))
        file.seek(0)
        with _guarded():
            book = pandas.ExcelFile(file, engine="calamine")
        names = book.sheet_names
        if only is not None and only not in names:
            raise Unreadable("no_form", missing=[only], sheets=names[:50])
        for name in names if only is None else [only]:
            with _guarded():
                frame = pandas.read_excel(
                    book, sheet_name=name, header=None, dtype=object, na_filter=False
                )
            rows = [
                (number, cells)
                for number, values in enumerate(frame.to_numpy(), 1)
                if any(cells := [as_shown(value, null) for value in values])
            ]
            yield _shaped(name, rows, header) if rows else name


class _guarded:
    """What calamine raises of a damaged workbook, panics of its code too, is corrupt."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        panic = error is not None and type(error).__name__ == "PanicException"
        if panic or (isinstance(error, Exception) and not isinstance(error, MemoryError | OSError)):
            raise Unreadable("corrupt", error=f"{type(error).__name__}: {error}"[:200]) from None


def _shaped(
    name: str, rows: list[tuple[int, Cells]], header: Literal["auto", "yes", "no"]
) -> Sheet:
    width = len(rows[0][1])
    used = [at for at in range(width) if any(cells[at] is not None for _, cells in rows)]
    if len(used) < width:
        rows = [(number, [cells[at] for at in used]) for number, cells in rows]
    sample = [[cell or "" for cell in cells] for _, cells in rows[:_SAMPLE]]
    skip = preamble(sample, len(used))
    named = looks_like_header(sample[skip:]) if header == "auto" else header == "yes"
    names: Sequence[str] = sample[skip] if named else [""] * len(used)
    return Sheet(name, unique_names(list(names)), rows[:skip], rows[skip + named :])


def as_shown(value: Any, null: str | None = None) -> str | None:
    """A cell as text: 3 for 3.0, 15 digits at most as Excel has them, TRUE, 2024-05-01."""
    if isinstance(value, str):
        return None if value in ("", null) else value
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return repr(float(f"{value:.15g}"))
    if isinstance(value, datetime.timedelta):
        seconds = value.total_seconds()
        hours, rest = divmod(abs(round(seconds)), 3600)
        return f"{'-' * (seconds < 0)}{hours}:{rest // 60:02}:{rest % 60:02}"
    if isinstance(value, datetime.datetime):
        whole = value.time() == datetime.time()
        return value.date().isoformat() if whole else value.isoformat()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
