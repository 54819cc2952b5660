"""MySQL and MariaDB: one read-only transaction on one snapshot, rows as the server sends them.

The server prints numbers, decimals and dates as text, under a fixed time zone, and texts in UTF-8.
Rows are fetched while they are sent, so that none wait in memory. The driver is PyMySQL (MIT).
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from stages.base import Fault
from stages.errors import StageFailed, UsageError
from stages.extract.databases.rows import (
    BATCH,
    NONSENSE,
    Batch,
    checked,
    checked_key,
    chosen,
    decoded,
    unreachable,
)
from stages.extract.databases.tls import context
from stages.extract.select_text import bare
from stages.require import require

_SETTINGS = (
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION net_write_timeout = 86400",  # a reader that works between rows is no dead one
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
_TABLES = """
    SELECT TABLE_NAME FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ({kinds}) ORDER BY CAST(TABLE_NAME AS BINARY)
"""
_KEY = """
    SELECT COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s AND CONSTRAINT_NAME = 'PRIMARY'
    ORDER BY ORDINAL_POSITION
"""
_FEW_SECONDS = 8  # for a statement of a look, where the server would go on after we have left
_BINARY = 63  # the character set of bytes
# Types of the protocol (MySQL Internals, "Column Type").
_INTS = frozenset((1, 2, 3, 8, 9, 13))
_FLOATS = frozenset((4, 5))
_BIT, _JSON = 16, 245
_TEXTS = frozenset((15, 247, 248, 249, 250, 251, 252, 253, 254))
_GEOMETRY = 255
_AWAY = (2002, 2003, 2013)  # nothing answers there
# Errors of a server that is stopping, starting, full, out of memory, or that cancels: nothing that
# the data or the call could mend.
_ENDED = frozenset((1021, 1028, 1037, 1038, 1040, 1041, 1053, 1077, 1078, 1079, 1080, 1152, 1153,
                    1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1317, 1927, 1969, 2006, 2013,
                    2014, 2055, 3024))  # fmt: skip


def read(
    url: str, table: str | None, query: str | None, key: Sequence[str], few: int | None = None
) -> Iterator[Batch | Fault]:
    """Batches of the rows of tables or of a query; of each the first `few`, in any order."""
    server = _Server(url)
    try:
        for statement in _SETTINGS:
            server.run(statement)
        if few is not None:
            server.end_after(_FEW_SECONDS)
        if query is not None:
            yield from server.select(None, bare(query), key, few)
            return
        kinds = "'BASE TABLE'" if table is None else "'BASE TABLE', 'VIEW', 'SYSTEM VIEW'"
        known = [decoded(name) for (name,) in server.run(_TABLES.format(kinds=kinds))]
        for name in chosen([str(one) for one in known], table):
            yield from server.select(name, "", key or server.key_of(name), few)
    finally:
        server.close()


class _Server:
    """One connection; every error of the server is a UsageError without secrets."""

    def __init__(self, url: str) -> None:
        self._driver = pymysql = require("pymysql", "db")
        parts = urlsplit(url)
        options = parse_qs(parts.query)
        host, port = parts.hostname or "localhost", parts.port or 3306
        client = _client()
        user = unquote(parts.username or "") or client.get("user") or os.environ.get("USER") or ""
        database = unquote(parts.path[1:])
        self._shown = f"mysql://{user}@{host}:{port}/{database}"
        self._password = os.environ.get("MYSQL_PWD") or client.get("password")
        self._lost = (pymysql.InterfaceError, OSError, EOFError)
        self._errors = (pymysql.MySQLError, *self._lost)
        try:
            self._connection = pymysql.connect(
                user=user,
                password=(self._password or "").encode(),
                host=host,
                port=port,
                database=database,
                unix_socket=options.get("host", [None])[0],
                charset="utf8mb4",
                use_unicode=False,
                conv={},
                connect_timeout=30,
                program_name="seedbed",
                autocommit=True,
                **_ssl(options.get("sslmode", ["prefer"])[0]),
            )
        except self._errors as error:
            if self._ended(error) and _code(error) != 2013:
                raise StageFailed(f"{self._shown}: {self._sentence(error)}") from None
            raise unreachable(self._shown, self._sentence(error), _code(error) in _AWAY) from None
        except NONSENSE:
            raise UsageError(f"{self._shown}: what answers there is no MySQL") from None

    def run(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        with self._told(""), self._connection.cursor() as cursor:
            cursor.execute(statement, [value.encode() for value in values] or None)
            return list(cursor.fetchall() or ())

    def end_after(self, seconds: int) -> None:
        """Have the server end each statement of the session after so many seconds."""
        limit = f"max_execution_time = {1000 * seconds}"
        if b"mariadb" in self.run("SELECT VERSION()")[0][0].lower():
            limit = f"max_statement_time = {seconds}"
        with contextlib.suppress(UsageError):  # MySQL before 5.7.8 knows no limit
            self.run(f"SET SESSION {limit}")

    def close(self) -> None:
        """End the session, without waiting for rows that are still on their way."""
        if (result := self._connection._result) is not None:
            result.unbuffered_active = False
        with contextlib.suppress(*self._errors):
            self._connection._force_close()

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            if self._ended(error):
                raise StageFailed(
                    f"{self._shown}: the server ended the reading ({self._sentence(error)}); what "
                    "was finished is kept, the same command reads this database again"
                ) from None
            raise UsageError(f"{what or self._shown}: {self._sentence(error)}") from None
        except NONSENSE as error:
            raise StageFailed(
                f"{self._shown}: the server's answer cannot be understood ({error!r}); run again"
            ) from None

    def _ended(self, error: BaseException) -> bool:
        lost = isinstance(error, self._lost) and not isinstance(error, self._driver.DatabaseError)
        return lost or _code(error) in _ENDED

    def _sentence(self, error: BaseException) -> str:
        text = str(error.args[-1] if error.args else error) or "the connection broke off"
        return text.replace(self._password, "***") if self._password else text

    def select(
        self, table: str | None, query: str, key: Sequence[str], few: int | None
    ) -> Iterator[Batch]:
        """The rows of a table, or of a query, in the order of the key, then of all columns."""
        what = "query" if table is None else table
        inner = f"(\n{query}\n) AS q" if table is None else _quoted(table)
        with self._told(what), self._connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {inner} LIMIT 0")
            fields = list(cursor._result.fields)
        columns = tuple(str(field.name) for field in fields)
        names = checked_key(key, columns)
        turns = [_turn(field.type_code, field.charsetnr) for field in fields]
        unique = table is not None and names != () and list(names) == self.key_of(table)
        by = "" if few is not None else _order(names, columns, turns, unique)
        cursor = self._connection.cursor(self._driver.cursors.SSCursor)
        with self._told(what):
            limit = f" LIMIT {few}" if few is not None else ""
            cursor.execute(f"SELECT * FROM {inner}{by}{limit}")
        first = 1
        while True:
            with self._told(what):
                rows = cursor.fetchmany(BATCH)
            if not rows:
                return
            values = [checked(_turned(row, turns), columns) for row in rows]
            yield Batch(table, columns, names, values, first)
            first += len(rows)

    def key_of(self, table: str) -> list[str]:
        """The columns of a table's primary key."""
        return [str(decoded(row[0])) for row in self.run(_KEY, table)]


_Turn = Callable[[bytes], Any]


def _turned(row: Sequence[bytes | None], turns: Sequence[_Turn]) -> tuple[Any, ...]:
    return tuple(
        None if value is None else turn(value) for value, turn in zip(row, turns, strict=True)
    )


def _turn(kind: int, charset: int) -> _Turn:
    """How bytes of the protocol become a value of a column's type."""
    if kind in _INTS:
        return int
    if kind in _FLOATS:
        return float
    if kind == _BIT:
        return _number
    if kind == _GEOMETRY or (kind in _TEXTS and charset == _BINARY):
        return bytes
    return decoded


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _order(names: Sequence[str], columns: Sequence[str], turns: Sequence[Any], unique: bool) -> str:
    """The order of rows: by what is unique, else by the bytes of all columns. Of long texts a sort
    sees the first kilobyte (max_sort_length), so that hashes decide between what begins alike."""
    if unique:
        return " ORDER BY " + ", ".join(map(_quoted, names))
    kinds = dict(zip(columns, turns, strict=True))
    order = [*names, *(name for name in columns if name not in names)]
    texts = [name for name in order if kinds[name] in (decoded, bytes)]
    by = [f"CAST({_quoted(name)} AS BINARY)" if name in texts else _quoted(name) for name in order]
    return " ORDER BY " + ", ".join([*by, *(f"MD5({_quoted(name)})" for name in texts)])


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _code(error: BaseException) -> int:
    found = error.args[0] if error.args else 0
    return found if isinstance(found, int) else 0


def _ssl(mode: str) -> dict[str, Any]:
    """The driver's settings; where none is given it uses TLS if the server does."""
    found = context(mode)
    if found is False:
        return {"ssl_disabled": True}
    return {} if found is None else {"ssl": found}


def _client() -> dict[str, str]:
    """What ~/.my.cnf says of [client]."""
    parser = configparser.ConfigParser(strict=False, allow_no_value=True, interpolation=None)
    with contextlib.suppress(OSError, UnicodeDecodeError, configparser.Error):
        lines = (Path.home() / ".my.cnf").read_text(encoding="utf-8").splitlines()
        parser.read_string("\n".join(one for one in lines if not one.lstrip().startswith("!")))
    found = parser["client"] if parser.has_section("client") else {}
    return {name: _unquoted(value) for name, value in found.items() if value is not None}


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"') and value[0] in value[1:]:
        return value[1:].partition(value[0])[0]
    return re.split(r"\s#", value, maxsplit=1)[0].rstrip()
