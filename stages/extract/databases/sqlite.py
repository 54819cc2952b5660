"""SQLite files: opened read-only, read in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stages.errors import UsageError
from stages.extract.databases.rows import BATCH, Batch, Unread, checked_key, chosen, quoted
from stages.extract.select_text import bare


def read(
    path: Path, table: str | None, query: str | None, key: Sequence[str]
) -> Iterator[Batch | Unread]:
    """Batches of the rows of tables or of a query."""
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None
        )
    except sqlite3.Error as error:
        yield Unread("unreadable", {"error": str(error)})
        return
    try:
        connection.text_factory = _text
        try:
            connection.execute("PRAGMA query_only = 1")
            connection.execute("BEGIN")
            kinds = "('table')" if table is None else "('table', 'view')"
            found = connection.execute(
                f"SELECT name FROM sqlite_master WHERE type IN {kinds} "
                "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
            )
            names = [str(row[0]) for row in found]
        except sqlite3.DatabaseError as error:
            yield Unread("unreadable", {"error": str(error)})
            return
        if query is not None:
            yield from _select(connection, None, bare(query), key)
            return
        for name in chosen(names, table):
            yield from _table(connection, name, key)
    finally:
        connection.close()


class _NotText(bytes):
    """Text of the file that is no UTF-8."""


def _text(value: bytes) -> str | _NotText:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return _NotText(value)


def _checked(row: tuple[Any, ...], columns: Sequence[str]) -> tuple[Any, ...] | Unread:
    for name, value in zip(columns, row, strict=True):
        if isinstance(value, _NotText):
            return Unread("encoding", {"column": name, "bytes": value[:16].hex()})
    return row


def _table(
    connection: sqlite3.Connection, name: str, key: Sequence[str]
) -> Iterator[Batch | Unread]:
    info = connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
    if not key:
        primary = sorted((row[5], str(row[1])) for row in info if row[5])
        key = [column for _, column in primary]
    yield from _select(connection, name, f"SELECT * FROM {quoted(name)}", key)


def _select(
    connection: sqlite3.Connection, table: str | None, select: str, key: Sequence[str]
) -> Iterator[Batch | Unread]:
    try:
        described = connection.execute(f"SELECT * FROM (\n{select}\n) LIMIT 0").description
        columns = tuple(str(column[0]) for column in described)
        order = [columns.index(name) for name in checked_key(key, columns)]
        order += [n for n in range(len(columns)) if n not in order]
        cursor = connection.execute(
            f"SELECT * FROM (\n{select}\n) ORDER BY " + ", ".join(str(n + 1) for n in order)
        )
    except (sqlite3.OperationalError, sqlite3.Warning, sqlite3.ProgrammingError) as error:
        raise UsageError(f"{'query' if table is None else table}: {error}") from None
    first = 1
    while True:
        try:
            rows = cursor.fetchmany(BATCH)
        except sqlite3.DatabaseError as error:
            yield Unread("unreadable", {"error": str(error), "rows": first - 1}, table)
            return
        if not rows:
            return
        yield Batch(table, columns, tuple(key), [_checked(row, columns) for row in rows], first)
        first += len(rows)
