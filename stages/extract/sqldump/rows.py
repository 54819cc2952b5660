"""What reading a dump gives: rows and refusals, in the order of the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.arrays import Cells, Numbers
from stages.base import Fault
from stages.extract.sqldump.schema import Column
from stages.place import Place

REASONS = {
    "expression": "a value needs a server: NOW(), a sub-select, INSERT ... SELECT, DEFAULT",
    "elsewhere": "the statement takes its rows from another file",
    "wrong_width": "the row has more or fewer values than the table has columns, or over 32,767",
    "encoding": "text is not in the character set that the dump says",
    "value": "a value is not of its column's type",
    "unparsed": "the bytes are no SQL that this reader knows; it went on at the next statement",
    "truncated": "the dump ends within a row, a statement, or before its closing line",
    "too_long": "one row or statement is longer than the limit, and was passed over",
    "data": "rows that follow a COPY statement are no SQL (statements: yes)",
    "binary": "the file is no text",
}


class Shape(NamedTuple):
    """The table of a row, the names of its values (None: the dump does not say), their columns."""

    table: str
    columns: tuple[str, ...] | None
    kinds: tuple[Column | None, ...]


class Row(NamedTuple):
    """One row: its values, and its bytes with offset and line of the first. notes: what of it stays
    as it is written, since it was not understood."""

    shape: Shape
    values: tuple[Any, ...]
    offset: int
    line: int
    raw: bytes
    notes: tuple[str, ...] = ()


class Block(NamedTuple):
    """Many rows of one table at once: their cells, a column each. data: a piece of the dump that
    begins at an offset; row i lies in it from begins[i] to ends[i], on a line of the dump."""

    shape: Shape
    cells: list[Cells]
    data: memoryview
    begins: Numbers
    ends: Numbers
    offset: int
    lines: Numbers


def refusal(
    table: str | None,
    reason: str,
    evidence: Mapping[str, Any],
    offset: int,
    line: int,
    raw: bytes = b"",
) -> Fault:
    """What was seen and cannot be given, at its place in the dump: a key of REASONS, evidence."""
    at = Place("", offset=offset, length=len(raw), line=line, table=table)
    return Fault(at, reason, evidence, raw=raw)
