"""SQLite files: opened read-only, read in one transaction.

A file in WAL mode is opened as one that rests, where its log holds nothing: else SQLite would
leave a log and a table of locks beside it. That takes no locks, so a change is looked for after.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from stages.base import Fault
from stages.errors import Changed, StageFailed, UsageError
from stages.extract.databases.rows import (
    BATCH,
    Batch,
    NotText,
    checked,
    checked_key,
    chosen,
    decoded,
    quoted,
    unread,
)
from stages.extract.files import opened
from stages.extract.select_text import bare
from stages.stamps import stamp_of

BESIDE = ("-wal", "-journal")  # what a database's content is made of beside its file
_WAL = b"\2\2"  # bytes 18 and 19 of a file in WAL mode


def read(
    path: Path, table: str | None, query: str | None, key: Sequence[str], few: int | None = None
) -> Iterator[Batch | Fault]:
    """Batches of the rows of tables or of a query. Of each the first `few`, in any order.
    Changed for a file that was written to while it was read without locks."""
    before = stamp_of(path)
    rests = _rests(path)
    yield from _read(path, "immutable=1" if rests else "mode=ro", table, query, key, few)
    if rests and stamp_of(path) != before:
        raise Changed(f"{path} changed while it was read")


def _rests(path: Path) -> bool:
    """Whether a file is in WAL mode and all of its content in itself."""
    if any((stamp_of(f"{path}{end}") or [0])[0] for end in BESIDE):
        return False
    try:
        with opened(path) as file:
            return file.read(20)[18:] == _WAL
    except OSError:
        return False


def _read(
    path: Path,
    how: str,
    table: str | None,
    query: str | None,
    key: Sequence[str],
    few: int | None,
) -> Iterator[Batch | Fault]:
    try:
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(path))}?{how}", uri=True, isolation_level=None
        )
    except sqlite3.Error as error:
        yield _unreadable(path, error)
        return
    try:
        connection.text_factory = decoded
        try:
            connection.execute("PRAGMA query_only = 1")
            connection.execute("BEGIN")
            kinds = "('table')" if table is None else "('table', 'view')"
            found = connection.execute(
                f"SELECT name FROM sqlite_master WHERE type IN {kinds} "
                "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
            )
            names = [row[0] for row in found]
        except sqlite3.DatabaseError as error:
            yield _unreadable(path, error)
            return
        if query is not None:
            yield from _select(path, connection, None, bare(query), key, few)
            return
        for name in names:
            if isinstance(name, NotText):
                yield unread("encoding", {"table": name[:64].hex()})
        for name in chosen([str(name) for name in names if isinstance(name, str)], table):
            yield from _table(path, connection, name, key, few)
    finally:
        connection.close()


# What SQLite says of the machine, not of the file's content: PERM, BUSY, LOCKED, NOMEM, INTERRUPT,
# IOERR, FULL, CANTOPEN, PROTOCOL, AUTH.
_MACHINE = frozenset((3, 5, 6, 7, 9, 10, 13, 14, 15, 23))
_UNFINISHED = 776  # READONLY_ROLLBACK: a writer was killed, and its journal waits
_MISTAKE = 1  # SQLITE_ERROR: the statement cannot be done


def _unreadable(
    path: Path, error: Exception, table: str | None = None, rows: int | None = None
) -> Fault:
    """The fault of a damaged file; StageFailed for what the next run may read."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code == _UNFINISHED:
        raise StageFailed(
            f"{path} holds a change that its writer did not finish: open it once with a program "
            f"that may write (`sqlite3 {path} 'PRAGMA user_version'`), then run again"
        ) from None
    if code & 0xFF in _MACHINE:
        raise StageFailed(
            f"{path}: {error}: nothing of it is taken for damage; run again when no other program "
            "holds the file and it can be opened"
        ) from None
    told = {} if rows is None else {"rows": rows}
    return unread("unreadable", {"error": str(error), **told}, table)


def _table(
    path: Path, connection: sqlite3.Connection, name: str, key: Sequence[str], few: int | None
) -> Iterator[Batch | Fault]:
    try:
        info = connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
    except sqlite3.DatabaseError as error:
        yield _unreadable(path, error, name, 0)
        return
    if not key:
        primary = sorted((row[5], str(row[1])) for row in info if row[5])
        key = [column for _, column in primary]
    yield from _select(path, connection, name, f"SELECT * FROM {quoted(name)}", key, few)


def _select(
    path: Path,
    connection: sqlite3.Connection,
    table: str | None,
    select: str,
    key: Sequence[str],
    few: int | None,
) -> Iterator[Batch | Fault]:
    try:
        described = connection.execute(f"SELECT * FROM (\n{select}\n) LIMIT 0").description
        columns = tuple(str(column[0]) for column in described)
        order = [columns.index(name) for name in checked_key(key, columns)]
        order += [n for n in range(len(columns)) if n not in order]
        by = "ORDER BY " + ", ".join(str(n + 1) for n in order)
        by = by if few is None else f"LIMIT {few}"
        cursor = connection.execute(f"SELECT * FROM (\n{select}\n) {by}")
    except UnicodeDecodeError as error:
        yield unread("encoding", {"error": f"the name of a column: {error.reason}"}, table)
        return
    except (sqlite3.Error, sqlite3.Warning) as error:
        if table is None and getattr(error, "sqlite_errorcode", _MISTAKE) & 0xFF == _MISTAKE:
            raise UsageError(f"query: {error}") from None
        yield _unreadable(path, error, table, 0)
        return
    first = 1
    while True:
        try:
            rows = cursor.fetchmany(BATCH)
        except sqlite3.DatabaseError as error:
            yield _unreadable(path, error, table, first - 1)
            return
        if not rows:
            return
        yield Batch(table, columns, tuple(key), [checked(row, columns) for row in rows], first)
        first += len(rows)
