"""DuckDB files: opened read-only, read in one transaction, nothing beside them within reach.

Values of columns that are no number, truth value, text or bytes are what DuckDB prints of them;
lists and structs are JSON. A sort that is larger than memory goes to a temporary folder.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stages.base import Fault
from stages.errors import StageFailed, UsageError
from stages.extract.databases.rows import BATCH, Batch, checked_key, chosen, quoted, unread
from stages.extract.files import opened
from stages.extract.select_text import bare
from stages.require import require

BESIDE = (".wal",)  # what a database's content is made of beside its file
_MARK = b"DUCK"  # bytes 8 to 12 of a file
_MEMORY = "512MB"
_TABLES = """
    SELECT schema_name, {name} FROM {tables} WHERE database_name = current_database()
    AND NOT internal ORDER BY ALL
"""
_KEY = """
    SELECT unnest(constraint_column_names) FROM duckdb_constraints()
    WHERE constraint_type = 'PRIMARY KEY' AND schema_name = ? AND table_name = ?
"""
_INTS = "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT"
_AS_THEY_ARE = frozenset(f"{_INTS} BOOLEAN FLOAT DOUBLE VARCHAR BLOB".split())
_NESTED = ("[", "STRUCT(", "MAP(", "UNION(")


def is_one(path: Path) -> bool:
    """Whether a file begins as DuckDB's do."""
    try:
        with opened(path) as file:
            return file.read(12)[8:] == _MARK
    except OSError:
        return False


def read(
    path: Path, table: str | None, query: str | None, key: Sequence[str], few: int | None = None
) -> Iterator[Batch | Fault]:
    """Batches of the rows of tables or of a query; of each the first `few`, in any order."""
    duckdb = require("duckdb", "dev")
    with tempfile.TemporaryDirectory(prefix="seedbed-") as beside:
        try:
            connection = duckdb.connect(str(path), read_only=True, config=_config(beside))
        except duckdb.IOException as error:
            if "lock" in str(error):
                raise StageFailed(
                    f"{path}: {_sentence(error)}: run again when no other program holds the file"
                ) from None
            yield unread("unreadable", {"error": _sentence(error)})
            return
        except duckdb.Error as error:
            yield unread("unreadable", {"error": _sentence(error)})
            return
        try:
            with contextlib.suppress(duckdb.Error):  # without calendars it knows no other zone
                connection.execute("SET TimeZone = 'UTC'")
            for setting in ("enable_progress_bar = false", "enable_external_access = false"):
                connection.execute(f"SET {setting}")
            connection.execute("SET lock_configuration = true")
            yield from _Base(duckdb, connection).read(table, query, key, few)
        finally:
            with contextlib.suppress(duckdb.Error):
                connection.close()


class _Base:
    """An open file."""

    def __init__(self, duckdb: Any, connection: Any) -> None:
        self._error, self._connection = duckdb.Error, connection
        self._mistakes = (duckdb.ProgrammingError, duckdb.NotSupportedError)

    def read(
        self, table: str | None, query: str | None, key: Sequence[str], few: int | None
    ) -> Iterator[Batch | Fault]:
        self._connection.execute("BEGIN TRANSACTION READ ONLY")
        if query is not None:
            yield from self._select(None, bare(query), key, few)
            return
        try:
            found = self._run(_TABLES.format(name="table_name", tables="duckdb_tables()"))
            if table is not None:
                found += self._run(_TABLES.format(name="view_name", tables="duckdb_views()"))
        except self._error as error:
            yield unread("unreadable", {"error": _sentence(error)})
            return
        known = {
            name if schema == "main" else f"{schema}.{name}": (schema, name)
            for schema, name in found
        }
        for called in chosen(list(known), table):
            schema, name = known[called]
            primary = key or [row[0] for row in self._run(_KEY, schema, name)]
            select = f"SELECT * FROM {quoted(schema)}.{quoted(name)}"
            yield from self._select(called, select, primary, few)

    def _run(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        return list(self._connection.execute(statement, list(values)).fetchall())

    def _select(
        self, table: str | None, select: str, key: Sequence[str], few: int | None
    ) -> Iterator[Batch | Fault]:
        try:
            described = self._run(f"DESCRIBE SELECT * FROM (\n{select}\n) AS q")
        except self._error as error:
            if table is None:
                raise UsageError(f"query: {_sentence(error)}") from None
            yield unread("unreadable", {"error": _sentence(error)}, table)
            return
        columns = tuple(str(row[0]) for row in described)
        names = checked_key(key, columns)
        kinds = [str(row[1]) for row in described]
        told = ", ".join(map(_printed, columns, kinds))
        order = [*names, *(name for name in columns if name not in names)]
        by = " ORDER BY " + ", ".join(f"q.{quoted(name)} NULLS FIRST" for name in order)
        by = by if few is None else f" LIMIT {few}"
        first = 1
        try:
            cursor = self._connection.execute(f"SELECT {told} FROM (\n{select}\n) AS q{by}")
            while rows := cursor.fetchmany(BATCH):
                yield Batch(table, columns, names, rows, first)
                first += len(rows)
        except self._mistakes as error:
            if table is None:
                raise UsageError(f"query: {_sentence(error)}") from None
            yield unread("unreadable", {"error": _sentence(error), "rows": first - 1}, table)
        except self._error as error:
            yield unread("unreadable", {"error": _sentence(error), "rows": first - 1}, table)


def _config(beside: str) -> dict[str, Any]:
    return {
        "temp_directory": beside,
        "memory_limit": _MEMORY,
        "threads": 1,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
    }


def _printed(name: str, kind: str) -> str:
    """How a column is selected, so that Python gets what DuckDB prints."""
    column = f"q.{quoted(name)}"
    if kind in _AS_THEY_ARE:
        return column
    if kind.startswith(_NESTED) or kind.endswith("]"):
        return f"to_json({column})::VARCHAR"
    return f"{column}::VARCHAR"


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split("\n\n")[0].split())[:300]
