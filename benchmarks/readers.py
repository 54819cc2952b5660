"""Dumps and CSV files row by row, as the scorers of exact rows want them: without records."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from stages.base import Fault
from stages.errors import Unreadable, UsageError
from stages.extract.delimited.sheet import Reading, Sheet
from stages.extract.packed import archives, pg_archives
from stages.extract.sqldump.reader import Reader
from stages.extract.sqldump.rows import Row
from stages.place import Place


def rows(
    path: str | Path, rejects: list[Any], dialect: Mapping[str, Any] | None = None
) -> tuple[list[str] | None, Iterator[list[str | None]]]:
    """(header or None, rows) of a CSV file, every row as it stands.

    rejects: gets one dict for each row that was refused or is not of the table's width, and for
    what could not be read. dialect: delimiter, quotechar, escapechar, encoding, header_lines,
    preamble_lines, null where they are known.
    """
    path = Path(path)
    found = archives.members(path.parent, path.name)
    for member in found:
        if isinstance(member, Fault):
            rejects.append(_told(member))
            continue
        place, stream = member
        try:
            sheet = Sheet(stream, _reading_of(dialect) if dialect else None)
        except Unreadable as error:
            rejects.append(_told(Fault(place, error.reason, error.evidence)))
            continue
        return sheet.header, _rows(sheet, place, found, rejects)
    return None, iter(())


def _told(fault: Fault) -> dict[str, Any]:
    return {"place": str(fault.place), "reason": fault.reason, **fault.evidence}


def _rows(
    sheet: Sheet, place: Place, rest: Iterator[Any], rejects: list[Any]
) -> Iterator[list[str | None]]:
    for row, reason, evidence in sheet.judged():
        if reason is not None:
            here = Place(place.path, place.member, row.offset, row.size, row.line)
            rejects.append(_told(Fault(here, reason, evidence)))
        if reason not in ("preamble", "empty", "oversize", "encoding") and row is not sheet.head:
            yield row.cells
    rejects.extend(_told(fault) for fault in rest if isinstance(fault, Fault))


def _reading_of(dialect: Mapping[str, Any]) -> Reading:
    given = {
        "delimiter": dialect.get("delimiter") or ",",
        "quote": dialect.get("quotechar") or "",
        "escape": "\\" if dialect.get("escapechar") == "\\" else "",
    }
    return Reading(
        given,
        dialect.get("encoding"),
        "yes" if dialect.get("header_lines") else "no",
        None if dialect.get("null") == "\\N" else dialect.get("null"),
        dialect.get("preamble_lines"),
    )


def tables(
    path: str | Path, rejects: list[dict[str, Any]], dialect: str | None = None
) -> Iterator[tuple[str, tuple[str, ...] | None, Iterator[tuple[Any, ...]]]]:
    """(table, column names or None, rows) for each run of rows of a dump, in the file's order.

    Each iterator of rows must be run before the next table is asked for. rejects: gets a dict with
    line, offset, table, why and evidence for each row refused and for a file that is cut.
    Values are None, str, int, float, bool, bytes; decimals and times are the dump's text.
    """
    path = Path(path)
    if not path.exists():
        raise UsageError(f"{path}: not found")
    name = f"{path.name}/{pg_archives.TOC}" if path.is_dir() else path.name
    for item in archives.members(path.parent, name, suffixes=(".sql", ".dump")):
        if isinstance(item, Fault):
            rejects.append(_why(item, item.place))
            continue
        place, stream = item
        rows = _kept(Reader(stream, dialect), place, rejects)
        for shape, run in itertools.groupby(rows, key=lambda row: row.shape):
            yield shape.table, shape.columns, (row.values for row in run)


def _kept(reader: Reader, place: Place, rejects: list[dict[str, Any]]) -> Iterator[Row]:
    for event in reader:
        if isinstance(event, Row):
            yield event
        else:
            rejects.append(_why(event, replace(event.place, member=place.member)))


def _why(fault: Fault, place: Place) -> dict[str, Any]:
    return {
        "why": fault.reason,
        "line": place.line,
        "offset": place.offset or 0,
        "table": place.table,
        "member": place.member,
        "evidence": dict(fault.evidence),
    }
