"""A SELECT over the tables of a dump, run by DuckDB in this process on a temporary file.

One thread and a full order, so equal input gives equal rows in equal order: DuckDB's joins and
groups come in any order otherwise. Files, the network and this program's own variables are out of
the query's reach. DuckDB's limit leaves out single values and lists that grow, so while the query
runs the address space of the process is limited as well.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from stages.errors import UsageError
from stages.extract.in_duckdb import SETTINGS, check_room, first_line
from stages.extract.select_text import bare
from stages.extract.sqldump.rows import Row
from stages.extract.sqldump.schema import Column, Schema
from stages.require import require
from stages.watch import untimed

PLACE = "_place"
_BATCH_ROWS, _BATCH_BYTES, _BATCH_CELLS = 4096, 8 << 20, 1 << 20
_COLUMNS = 4096  # of a table; DuckDB looks at all of them for each batch
_MANY = 16  # new columns of a table that is there
_FETCHED = 128  # rows of the result at a time
_DISK = 4  # temporary files on disk, as a multiple of the memory
_DESCRIBED = 30  # tables that a message names
_INT64 = 1 << 63
_Kind = tuple[str, pa.DataType]
_KINDS: dict[str, _Kind] = {
    "int": ("BIGINT", pa.int64()),
    "sqlite_int": ("BIGINT", pa.int64()),
    "float": ("DOUBLE", pa.float64()),
    "sqlite_real": ("DOUBLE", pa.float64()),
    "bool": ("BOOLEAN", pa.bool_()),
    "bytes": ("BLOB", pa.binary()),
    "bits": ("BLOB", pa.binary()),
}
_TEXT = ("VARCHAR", pa.string())


def quoted(name: str) -> str:
    """A name for DuckDB and the servers that follow the standard."""
    return '"' + name.replace('"', '""') + '"'


def problem_with(query: str) -> str | None:
    """Why a text is not one SELECT; None when it is."""
    duckdb = require("duckdb", "dev")
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        return f"the query cannot be read: {first_line(error)}"
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        return "the query must be one SELECT statement"
    return None


def names_table(query: str, table: str) -> bool:
    """Whether the query's text names a table, with or without its schema."""
    name, text = table.rpartition(".")[2].lower(), query.lower()
    return any(_stands_in(text, word) for word in {name, name.replace('"', '""')})


def _stands_in(text: str, word: str) -> bool:
    at = text.find(word)  # a dump may have more tables than patterns could be made of
    while at >= 0:
        end = at + len(word)
        if not (text[at - 1 : at].isalnum() or text[at - 1 : at] == "_") and not (
            text[end : end + 1].isalnum() or text[end : end + 1] == "_"
        ):
            return True
        at = text.find(word, at + 1)
    return False


class Tables:
    """Tables in a temporary DuckDB file; a context manager that removes it."""

    def __init__(self, memory: int) -> None:
        duckdb = require("duckdb", "dev")
        self._error, self._full = duckdb.Error, (duckdb.OutOfMemoryException, MemoryError)
        self._memory = memory
        self._folder = tempfile.TemporaryDirectory(prefix="seedbed-query-")
        self._tables: dict[str, _Table] = {}
        self._others: list[str] = []
        try:
            self._connection = self._opened(duckdb)
        except self._error as error:
            self._check_room(error)
            raise

    def _opened(self, duckdb: Any) -> Any:
        # what does not fit into the memory is written beside the file, in the same folder
        connection = duckdb.connect(
            str(Path(self._folder.name) / "tables.duckdb"),
            config={
                **SETTINGS,
                "memory_limit": f"{self._memory}MB",
                "max_temp_directory_size": f"{_DISK * self._memory}MB",
                "enable_external_access": False,
            },
        )
        # DuckDB takes a program without a file of its own, as our reader is, for a notebook.
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET lock_configuration = true")
        return connection

    def __enter__(self) -> Tables:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._folder.cleanup()

    def add(self, row: Row, place: str) -> None:
        """Put a row into its table."""
        table = self._tables.get(row.shape.table)
        if table is None:
            table = self._tables[row.shape.table] = _Table(self._connection, row.shape.table)
        try:
            table.add(row, place)
        except self._error as error:
            self._check_room(error)
            raise

    def finish(self, schemas: Iterable[tuple[str, Schema]], query: str) -> None:
        """Write what waits, make the tables that have no rows and that the query names, and short
        names for all."""
        try:
            self._finish(schemas, query)
        except self._error as error:
            self._check_room(error)
            raise

    def _finish(self, schemas: Iterable[tuple[str, Schema]], query: str) -> None:
        for name, schema in schemas:
            if name in self._tables:
                continue
            if not names_table(query, name):
                self._others.append(name)
            else:
                self._tables[name] = _Table(self._connection, name)
                self._tables[name].create(schema.columns)
        for table in self._tables.values():
            table.flush()
        tails: dict[str, list[str]] = {}
        for name in self._tables:
            tails.setdefault(name.rpartition(".")[2].lower(), []).append(name)
        for names in tails.values():
            if len(names) == 1 and "." in names[0]:
                self._connection.execute(
                    f"CREATE VIEW main.{quoted(names[0].rpartition('.')[2])} AS "
                    f"SELECT * FROM {_full(names[0])}"
                )

    def columns(self, query: str) -> tuple[str, ...]:
        """The names of the result's columns."""
        with self._told(), limited(self._memory):
            described = self._connection.execute(f"DESCRIBE (\n{bare(query)}\n)").fetchall()
        return tuple(str(row[0]) for row in described)

    def select(
        self, query: str, key: Sequence[str]
    ) -> Iterator[tuple[tuple[str, ...], tuple[Any, ...]]]:
        """(column names, values) of each row of the result, in order of the key, then of all."""
        text, names = bare(query), self.columns(query)
        for name in key:
            if name not in names:
                raise UsageError(
                    f"key: there is no column {name!r} in the result; it has {', '.join(names)}"
                )
        rest = [n for n, name in enumerate(names) if name not in key]
        order = [names.index(name) for name in key] + rest
        by = ", ".join(str(n + 1) for n in order)
        with self._told(), untimed(), limited(self._memory):
            cursor = self._connection.execute(f"SELECT * FROM (\n{text}\n) ORDER BY {by}")
        while True:
            with self._told(), untimed(), limited(self._memory):
                rows = cursor.fetchmany(_FETCHED)
            if not rows:
                return
            for row in rows:
                yield names, row

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Within it what DuckDB raises is told as the mistake that it is."""
        try:
            yield
        except self._full as error:
            raise UsageError(
                f"query: it takes more than query_memory, {self._memory:,} MB, or {_DISK} times "
                f"that on disk ({first_line(error)}); give query_memory more, or let the query "
                "make less"
            ) from None
        except self._error as error:
            self._check_room(error)
            raise UsageError(f"query: {first_line(error)}; {self._described()}") from None

    def _check_room(self, error: BaseException) -> None:
        check_room(error, self._folder.name, "the tables that a query is asked of")

    def _described(self) -> str:
        told = [f"{table.name} ({', '.join(table.columns)})" for table in self._tables.values()]
        told = [*told, *self._others][:_DESCRIBED]
        return "the tables are " + ", ".join(told) if told else "there are no tables"


@contextlib.contextmanager
def limited(megabytes: int) -> Iterator[None]:
    """Let this process grow by so many megabytes and half of that, no more; Linux, else nothing."""
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError):
        yield
        return
    wanted = now + (megabytes * 3 // 2 + 128 << 20)
    if soft != resource.RLIM_INFINITY and soft <= wanted:
        yield
        return
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _full(name: str) -> str:
    schema, _, table = name.rpartition(".")
    return f"{quoted(schema)}.{quoted(table)}" if schema else f"main.{quoted(table)}"


class _Table:
    """One table: rows wait until there is a batch of them, whatever columns each of them has."""

    def __init__(self, connection: Any, name: str) -> None:
        self._connection, self.name = connection, name
        self.columns: dict[str, tuple[str, pa.DataType]] = {}
        self._by_lower: dict[str, str] = {}  # of the columns that are made
        self._known: dict[str, str] = {}  # and of those that wait; DuckDB ignores case
        self._made = False
        self._last: tuple[tuple[str, ...], Sequence[Column | None]] | None = None
        self._names: list[str] = []  # of the columns of the last row
        self._waiting: dict[str, list[Any]] = {}  # column → values, the last rows' may be missing
        self._kinds: dict[str, Column | None] = {}
        self._places: list[str] = []
        self._bytes = 0

    def create(self, columns: Sequence[Column]) -> None:
        """Make the table, or add the columns that it lacks."""
        self._make([(column.name, _type(column)) for column in columns])

    def add(self, row: Row, place: str) -> None:
        """Let a row wait."""
        names = row.shape.columns or tuple(f"c{n + 1}" for n in range(len(row.values)))
        layout = (names, row.shape.kinds or (None,) * len(names))
        if layout != self._last:
            self._last = layout
            self._names = [self._known.setdefault(n.lower(), n) for n in _distinct(names)]
            for name, kind in zip(self._names, layout[1], strict=True):
                if self._kinds.setdefault(name, kind) is None:
                    self._kinds[name] = kind
        rows = len(self._places)
        for name, value in zip(self._names, row.values, strict=True):
            values = self._waiting.get(name)
            if values is None:
                values = self._waiting[name] = []
            if len(values) < rows:
                values.extend([None] * (rows - len(values)))
            values.append(value)
        self._places.append(place)
        self._bytes += len(row.raw)
        if (
            rows + 1 >= _BATCH_ROWS
            or self._bytes >= _BATCH_BYTES
            or (rows + 1) * len(self._waiting) >= _BATCH_CELLS
        ):
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait."""
        if not self._places:
            return
        waiting, rows = self._waiting, len(self._places)
        for values in waiting.values():
            values.extend([None] * (rows - len(values)))
        wanted = []
        for name, values in waiting.items():
            kind = self._kinds[name]
            found = _type(kind) if kind is not None else None
            wanted.append((name, found or _inferred(values)))
        self._make(wanted)
        arrays = [self._array(name, values) for name, values in waiting.items()]
        names = list(waiting)
        if PLACE in self.columns and PLACE not in waiting:
            names.append(PLACE)
            arrays.append(pa.array(self._places, pa.string()))
        self._connection.register("waiting", pa.table(dict(zip(names, arrays, strict=True))))
        into = ", ".join(quoted(name) for name in names)
        self._connection.execute(
            f"INSERT INTO {_full(self.name)} ({into}) SELECT {into} FROM waiting"
        )
        self._connection.unregister("waiting")
        self._waiting, self._places, self._bytes = {}, [], 0
        if self._last is not None:  # the kinds of others are found again when they come
            self._kinds = dict(zip(self._names, self._last[1], strict=True))

    def _make(self, columns: Sequence[tuple[str, tuple[str, pa.DataType] | None]]) -> None:
        new = {n: kind or _TEXT for n, kind in columns if n.lower() not in self._by_lower}
        if len(self.columns) + len(new) > _COLUMNS:
            raise UsageError(
                f"query: table {self.name} has more than {_COLUMNS:,} columns; read the dump "
                "without a query"
            )
        if not self._made:
            if PLACE not in {name.lower() for name in new}:
                new[PLACE] = _TEXT
            schema = self.name.rpartition(".")[0]
            if schema:
                self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
            told = ", ".join(f"{quoted(name)} {kind}" for name, (kind, _) in new.items())
            self._connection.execute(f"CREATE TABLE {_full(self.name)} ({told})")
            self._made = True
        else:
            self._widen(new)
        self.columns.update(new)
        self._by_lower.update({name.lower(): name for name in new})

    def _widen(self, new: Mapping[str, tuple[str, pa.DataType]]) -> None:
        """Add columns; many at once by a copy, for each single one costs by the table's width."""
        table = _full(self.name)
        if len(new) < _MANY:
            for name, (kind, _) in new.items():
                self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(name)} {kind}")
            return
        made = (f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, (kind, _) in new.items())
        wider = _full(f"{self.name} wider")
        self._connection.execute(
            f"CREATE TABLE {wider} AS SELECT *, {', '.join(made)} FROM {table}"
        )
        self._connection.execute(f"DROP TABLE {table}")
        name = quoted(self.name.rpartition(".")[2])
        self._connection.execute(f"ALTER TABLE {wider} RENAME TO {name}")

    def _array(self, name: str, values: Sequence[Any]) -> pa.Array:
        """The values in the column's type; a column that they do not fit becomes text for good."""
        known = self._by_lower[name.lower()]
        kind, arrow = self.columns[known]
        try:
            if pa.types.is_decimal(arrow):
                return pa.array(values, pa.string()).cast(arrow)
            return pa.array(values, arrow)
        except (pa.ArrowException, TypeError, OverflowError):
            if kind != "VARCHAR":
                self._connection.execute(
                    f"ALTER TABLE {_full(self.name)} ALTER COLUMN {quoted(known)} TYPE VARCHAR"
                )
                self.columns[known] = _TEXT
            return pa.array([_plain(value) for value in values], pa.string())


def _plain(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, numbered where DuckDB, which ignores case, would take two for one."""
    seen: set[str] = set()
    last: dict[str, int] = {}
    out = []
    for name in names:
        new, number = name, last.get(name, 1)
        while new.lower() in seen:
            number += 1
            new = f"{name}_{number}"
        last[name] = number
        seen.add(new.lower())
        out.append(new)
    return out


def _type(column: Column) -> tuple[str, pa.DataType] | None:
    if column.kind == "decimal" and len(column.width) == 2 and column.width[0] <= 38:
        digits, scale = column.width
        if scale <= digits:
            return f"DECIMAL({digits},{scale})", pa.decimal128(digits, scale)
    if column.kind in ("any", "sqlite_numeric"):
        return None
    found: _Kind = _KINDS.get(column.kind, _TEXT)
    return found


def _inferred(values: Sequence[Any]) -> tuple[str, pa.DataType]:
    """A type for a column without one, from its first values."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int} and all(v is None or -_INT64 <= v < _INT64 for v in values):
        return _KINDS["int"]
    if kinds and kinds <= {int, float}:
        return _KINDS["float"]
    for kind, known in ((bool, "bool"), (bytes, "bytes")):
        if kinds == {kind}:
            return _KINDS[known]
    return _TEXT
