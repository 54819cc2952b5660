"""PostgreSQL: one read-only transaction at REPEATABLE READ, a cursor on the server, values as text.

Every column is cast to text by the server, so a value is what the server prints, under fixed
settings of dates, time zone and numbers. The driver is pg8000 (BSD).
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from stages.base import Fault
from stages.errors import StageFailed, UsageError
from stages.extract.databases.rows import (
    BATCH,
    NONSENSE,
    Batch,
    NotText,
    checked,
    checked_key,
    chosen,
    quoted,
    unreachable,
)
from stages.extract.databases.tls import context
from stages.extract.select_text import bare
from stages.require import require

# What changes how values are printed.
_SETTINGS = (
    "SET default_transaction_read_only = on",
    "SET datestyle = 'ISO, MDY'",
    "SET intervalstyle = 'postgres'",
    "SET timezone = 'UTC'",
    "SET extra_float_digits = 1",
    "SET bytea_output = 'hex'",
    "SET xmloption = 'content'",
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
)
_TABLES = """
    SELECT n.nspname, c.relname, c.oid::bigint FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ({kinds}) AND NOT c.relispartition
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
_KEY = """
    SELECT a.attname FROM pg_catalog.pg_index i
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indisprimary AND i.indrelid = {oid} ORDER BY k.place
"""
_INTS = frozenset((20, 21, 23, 26))
_FLOATS = frozenset((700, 701))
_BOOL, _BYTEA = 16, 17
# Types whose own order is total and the same on every server; others are ordered by their text.
_ORDERED = _INTS | _FLOATS | {_BOOL, _BYTEA, 1700, 1082, 1083, 1114, 1184, 2950}
# SQLSTATEs of a server that is stopping, starting, full, out of memory, or that cancels: nothing
# that the data or the call could mend.
_ENDED = ("08", "53", "57", "58", "40", "25P03", "25P04", "72000")
_FEW_MS = 8000  # for a statement of a look, where the server would go on after we have left


def read(
    url: str, table: str | None, query: str | None, key: Sequence[str], few: int | None = None
) -> Iterator[Batch | Fault]:
    """Batches of the rows of tables or of a query; of each the first `few`, in any order."""
    server = _Server(url)
    try:
        for statement in _SETTINGS:
            server.run(statement)
        if few is not None:
            server.run(f"SET statement_timeout = {_FEW_MS}")
        if query is not None:
            yield from server.select(None, bare(query), key, few)
            return
        kinds = "'r', 'p'" if table is None else "'r', 'p', 'v', 'm', 'f'"
        known = {
            name if schema == "public" else f"{schema}.{name}": (schema, name, oid)
            for schema, name, oid in server.run(_TABLES.format(kinds=kinds))
        }
        for called in chosen(list(known), table):
            schema, name, oid = known[called]
            primary = key or [row[0] for row in server.run(_KEY.format(oid=oid))]
            select = f"SELECT * FROM {quoted(schema)}.{quoted(name)}"
            yield from server.select(called, select, primary, few)
    finally:
        server.close()


class _Server:
    """One connection; every error of the server is a UsageError without secrets."""

    def __init__(self, url: str) -> None:
        pg8000 = require("pg8000.native", "db")
        parts = urlsplit(url)
        options = parse_qs(parts.query)
        host, port = parts.hostname or "localhost", parts.port or 5432
        user = unquote(parts.username or os.environ.get("PGUSER") or os.environ.get("USER") or "")
        database = unquote(parts.path[1:]) or user
        self._shown = f"postgresql://{user}@{host}:{port}/{database}"
        self._password = password_of(host, port, database, user)
        self._lost = (pg8000.InterfaceError, OSError)
        self._errors = (pg8000.DatabaseError, *self._lost)
        socket = options.get("host", [""])[0]
        try:
            self._connection = pg8000.Connection(
                user=user,
                password=self._password,
                host=host,
                port=port,
                database=database,
                unix_sock=f"{socket}/.s.PGSQL.{port}" if socket.startswith("/") else None,
                ssl_context=context(options.get("sslmode", ["prefer"])[0]),
                timeout=30,
                application_name="seedbed",
            )
        except self._errors as error:
            if _code(error).startswith(_ENDED):
                raise StageFailed(f"{self._shown}: {self._sentence(error)}") from None
            away = isinstance(error, self._lost)
            raise unreachable(self._shown, self._sentence(error), away) from None
        except NONSENSE:
            raise UsageError(f"{self._shown}: what answers there is no PostgreSQL") from None
        self._connection._usock.settimeout(None)
        if self._connection._client_encoding == "ascii":  # SQL_ASCII promises nothing
            self._connection._client_encoding = "utf-8"
        self._connection.message_types[b"D"] = self._row

    def run(self, statement: str) -> list[list[Any]]:
        """The rows of one statement; the extended protocol takes no second one."""
        return list(self._execute(statement).rows or ())

    def _execute(self, statement: str, what: str = "") -> Any:
        try:
            return self._connection.execute_unnamed(statement)
        except self._errors as error:
            if isinstance(error, self._lost) or _code(error).startswith(_ENDED):
                raise StageFailed(
                    f"{self._shown}: the server ended the reading ({self._sentence(error)}); what "
                    "was finished is kept, the same command reads this database again"
                ) from None
            raise UsageError(f"{what or self._shown}: {self._sentence(error)}") from None
        except UnicodeDecodeError as error:
            raise UsageError(f"{what or self._shown}: a name is not in {error.encoding}") from None
        except NONSENSE as error:
            raise StageFailed(
                f"{self._shown}: the server's answer cannot be understood ({error!r}); run again"
            ) from None

    def _row(self, data: memoryview, wanted: Any) -> None:
        """Take a row apart; what is not in the client's encoding keeps its bytes as surrogates."""
        encoding, at = self._connection._client_encoding, 2
        row: list[Any] = []
        for turn in wanted.input_funcs:
            (size,) = struct.unpack_from("!i", data, at)
            at += 4
            if size < 0:
                row.append(None)
                continue
            raw = bytes(data[at : at + size])
            at += size
            try:
                row.append(turn(raw.decode(encoding)))
            except UnicodeDecodeError:
                row.append(NotText(raw))
        wanted.rows.append(row)

    def close(self) -> None:
        """End the session."""
        with contextlib.suppress(*self._errors, *NONSENSE):
            self._connection.close()

    def _sentence(self, error: BaseException) -> str:
        found = error.args[0] if error.args else error
        text = str(found.get("M", found)) if isinstance(found, dict) else str(found)
        if text == "network error":  # the driver's word for an end of the stream
            text = "the connection broke off"
        return text.replace(self._password, "***") if self._password else text

    def select(
        self, table: str | None, select: str, key: Sequence[str], few: int | None
    ) -> Iterator[Batch]:
        """The rows of a SELECT in the order of the key, then of all columns."""
        what = "query" if table is None else table
        described = self._execute(f"SELECT * FROM (\n{select}\n) AS q LIMIT 0", what)
        columns = tuple(str(column["name"]) for column in described.columns)
        kinds = {str(column["name"]): int(column["type_oid"]) for column in described.columns}
        if len(kinds) < len(columns):
            raise UsageError(f"query: two columns have one name: {', '.join(columns)}; use AS")
        names = checked_key(key, columns)
        order = [*names, *(name for name in columns if name not in names)]
        told = ", ".join(f"q.{quoted(name)}::text" for name in columns)
        by = ", ".join(_order(name, kinds[name]) for name in order)
        by = f" ORDER BY {by}" if by else ""
        by = by if few is None else f" LIMIT {few}"
        self.run(
            f"DECLARE seedbed_rows NO SCROLL CURSOR FOR SELECT {told} FROM (\n{select}\n) AS q" + by
        )
        turns = [_turn(kinds[name]) for name in columns]
        first = 1
        while rows := self.run(f"FETCH FORWARD {BATCH} FROM seedbed_rows"):
            values = [_turned(row, turns, columns) for row in rows]
            yield Batch(table, columns, names, values, first)
            first += len(rows)
        self.run("CLOSE seedbed_rows")


def _turned(
    row: Sequence[Any], turns: Sequence[Any], columns: Sequence[str]
) -> tuple[Any, ...] | Fault:
    if isinstance(found := checked(tuple(row), columns), Fault):
        return found
    return tuple(None if v is None else turn(v) for turn, v in zip(turns, row, strict=True))


def _code(error: BaseException) -> str:
    """The server's SQLSTATE."""
    found = error.args[0] if error.args else None
    return str(found.get("C", "")) if isinstance(found, dict) else ""


def _order(name: str, kind: int) -> str:
    if kind in _ORDERED:
        return f"q.{quoted(name)}"
    return f'q.{quoted(name)}::text COLLATE "C"'


def _turn(kind: int) -> Any:
    if kind in _INTS:
        return int
    if kind in _FLOATS:
        return float
    if kind == _BOOL:
        return _bool
    return _bytes if kind == _BYTEA else str


def _bool(text: str) -> bool:
    return text == "true"


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def password_of(host: str, port: int, database: str, user: str) -> str | None:
    """PGPASSWORD, or the first line of the password file (PGPASSFILE, ~/.pgpass) that fits."""
    if "PGPASSWORD" in os.environ:
        return os.environ["PGPASSWORD"]
    path = Path(os.environ.get("PGPASSFILE") or Path.home() / ".pgpass")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    wanted = (host, str(port), database, user)
    for line in lines:
        fields = _fields(line)
        if len(fields) == 5 and all(
            given in ("*", value) for given, value in zip(fields, wanted, strict=False)
        ):
            return fields[4]
    return None


def _fields(line: str) -> list[str]:
    """The fields of a line of a password file: colons apart, \\: and \\\\ escaped."""
    fields, field, escaped = [], "", False
    for letter in line:
        if escaped or letter not in ":\\":
            field, escaped = field + letter, False
        elif letter == "\\":
            escaped = True
        else:
            fields.append(field)
            field = ""
    return [*fields, field] if not line.startswith("#") else []
