"""What reading a live database gives."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from stages.base import Fault
from stages.check import nearest
from stages.errors import UsageError
from stages.place import Place

BATCH = 1000


def unread(reason: str, evidence: dict[str, Any], table: str | None = None) -> Fault:
    """A row or a file that cannot be given: a reason of the stage and evidence."""
    return Fault(Place("", table=table), reason, evidence)


def unreachable(shown: str, said: str, away: bool) -> UsageError:
    """A session that cannot begin. away: nothing answers at the address."""
    remedy = "; is the server running, and does it listen there?" if away else ""
    return UsageError(f"{shown}: {said.rstrip('.')}{remedy}")


# What a driver raises on bytes that are no answer of its server's.
NONSENSE = (LookupError, ValueError, TypeError, AttributeError, AssertionError, struct.error)


class NotText(bytes):
    """A value that is not in the character set that it should be in."""


def decoded(value: bytes) -> str | NotText:
    """The text of a value in UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return NotText(value)


def checked(row: tuple[Any, ...], columns: Sequence[str]) -> tuple[Any, ...] | Fault:
    """The row itself, or a fault where a value is no text."""
    for name, value in zip(columns, row, strict=True):
        if isinstance(value, NotText):
            return unread("encoding", {"column": name, "bytes": value[:16].hex()})
    return row


class Batch(NamedTuple):
    """Some rows of one table (None: of the query). key: the columns that name a row, if any do.
    first: the number of the first row, from 1."""

    table: str | None
    columns: tuple[str, ...]
    key: tuple[str, ...]
    rows: Sequence[tuple[Any, ...] | Fault]
    first: int


def chosen(tables: Sequence[str], wanted: str | None) -> list[str]:
    """The tables to read; UsageError when the one wanted is not there or not alone."""
    if wanted is None:
        if not tables:
            raise UsageError("the database has no tables")
        return list(tables)
    exact = [name for name in tables if name == wanted]
    found = exact or [
        name for name in tables if wanted.lower() in (name.lower(), name.rpartition(".")[2].lower())
    ]
    if len(found) > 1:
        raise UsageError(
            f"there are several tables {wanted!r}: {', '.join(found)}; name the schema"
        )
    if not found:
        known = ", ".join(tables) or "none"
        raise UsageError(
            f"there is no table {wanted!r}{nearest(wanted, tables)}; there are {known}"
        )
    return found


def checked_key(key: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """The key's columns; UsageError for one that is not there."""
    for name in key:
        if name not in columns:
            raise UsageError(
                f"key: there is no column {name!r}{nearest(name, columns)}; "
                f"there are {', '.join(columns)}"
            )
    return tuple(key)


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
