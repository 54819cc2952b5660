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
from stages.extract.in_duckdb import SETTINGS, check_room, first_line
from stages.extract.select_text import bare
from stages.require import require

BESIDE = (".wal",)  # what a database's content is made of beside its file
_MARK = b"DUCK"  # bytes 8 to 12 of a file
_MEMORY = "512MB"
_TABLES = """
    SELECT schema_name, {name} FROM {tables} WHERE database_name = current_database()
    AND NOT internal ORDER BY ALL
"""
_KEYS = """
    SELECT schema_name, table_name, unnest(constraint_column_names) FROM duckdb_constraints()
    WHERE constraint_type = 'PRIMARY KEY' AND database_name = current_database()
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
        told = _Told(duckdb, path, beside)
        config = {**SETTINGS, "temp_directory": beside, "memory_limit": _MEMORY}
        try:
            connection = duckdb.connect(str(path), read_only=True, config=config)
        except duckdb.Error as error:
            yield told.fault(error)
            return
        try:
            with contextlib.suppress(duckdb.Error):  # without calendars it knows no other zone
                connection.execute("SET TimeZone = 'UTC'")
            for setting in ("enable_progress_bar", "enable_external_access"):
                connection.execute(f"SET {setting} = false")
            connection.execute("SET lock_configuration = true")
            yield from _Base(duckdb, connection, told).read(table, query, key, few)
        finally:
            with contextlib.suppress(duckdb.Error):
                connection.close()


class _Told:
    """What errors mean: the machine's end the stage, a query's are mistakes, others are faults."""

    def __init__(self, duckdb: Any, path: Path, beside: str) -> None:
        self._full, self._path, self._beside = duckdb.OutOfMemoryException, path, beside
        self._damage = (duckdb.IOException, duckdb.InternalError, duckdb.FatalException)

    def fault(
        self,
        error: Exception,
        table: str | None = None,
        rows: int | None = None,
        query: bool = False,
    ) -> Fault:
        """The fault of a file; StageFailed and UsageError for what is none of the file's."""
        said = first_line(error)
        check_room(error, self._beside, "rows that are sorted")
        if "Could not set lock" in said:
            raise StageFailed(
                f"{self._path}: {said}: run again when no other program holds the file"
            ) from None
        if isinstance(error, self._full):
            raise StageFailed(f"{self._path}: {_MEMORY} of memory are too little: {said}") from None
        if query and not isinstance(error, self._damage):
            raise UsageError(f"query: {said}") from None
        evidence = {"error": said} if rows is None else {"error": said, "rows": rows}
        return unread("unreadable", evidence, table)


class _Base:
    """An open file."""

    def __init__(self, duckdb: Any, connection: Any, told: _Told) -> None:
        self._error, self._connection, self._told = duckdb.Error, connection, told

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
            keys: dict[tuple[str, str], list[str]] = {}
            for schema, name, column in self._run(_KEYS):
                keys.setdefault((schema, name), []).append(column)
        except self._error as error:
            yield self._told.fault(error)
            return
        known = {
            name if schema == "main" else f"{schema}.{name}": (schema, name)
            for schema, name in found
        }
        for called in chosen(list(known), table):
            schema, name = known[called]
            primary = key or keys.get((schema, name), ())
            select = f"SELECT * FROM {quoted(schema)}.{quoted(name)}"
            yield from self._select(called, select, primary, few)

    def _run(self, statement: str) -> list[tuple[Any, ...]]:
        return list(self._connection.execute(statement).fetchall())

    def _select(
        self, table: str | None, select: str, key: Sequence[str], few: int | None
    ) -> Iterator[Batch | Fault]:
        try:
            described = self._run(f"DESCRIBE SELECT * FROM (\n{select}\n) AS q")
        except self._error as error:
            yield self._told.fault(error, table, 0, query=table is None)
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
        except self._error as error:
            yield self._told.fault(error, table, first - 1, query=table is None)


def _printed(name: str, kind: str) -> str:
    """How a column is selected, so that Python gets what DuckDB prints."""
    column = f"q.{quoted(name)}"
    if kind in _AS_THEY_ARE:
        return column
    if kind.startswith(_NESTED) or kind.endswith("]"):
        return f"to_json({column})::VARCHAR"
    return f"{column}::VARCHAR"
