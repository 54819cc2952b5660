"""Rows of live PostgreSQL, MySQL, MariaDB, SQLite and DuckDB databases: read-only, in one snapshot,
with flat memory.

Values are exactly what the server prints. Passwords are no part of a URL here (`stages.secrets`):
PostgreSQL's own PGPASSWORD or password file, MYSQL_PWD or ~/.my.cnf give them. A server that ends
the reading, and a file that is locked, are no fault of the data: the stage fails, and the next run
reads again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from stages import records
from stages.base import FIRST, ISOLATION_REASONS, Fault, Item, Part, RowSource
from stages.errors import UsageError
from stages.extract import files, forms
from stages.extract.databases import duck, sqlite, urls
from stages.extract.databases.rows import Batch
from stages.extract.forms import as_json, key_text
from stages.extract.select_text import frozen
from stages.place import Place
from stages.sql_text import formatted

_SUFFIXES = (".db", ".sqlite", ".sqlite3", ".db3", ".duckdb", ".ddb")
_FEW = 20  # rows of each table, for a look


@dataclass(frozen=True)
class DatabaseExtract(RowSource):
    """Rows of live databases: postgresql://user@host:port/database, mysql://user@host:port/database,
    sqlite:///path, or a file of SQLite or DuckDB.

    table: the table whose rows are wanted, with or without its schema; none: all tables.
    query: one SELECT that the server runs; its rows become the records. None: rows of tables.
    key: columns that name a row and order the rows; none: the primary key, else all columns.
    prompt: column of the prompt, or a template like "{title}: {body}"; none: by known names, such
        as question beside answer, or prompt beside completion.
    completion: column of the completion, or a template; none: by known names.
    text: column of the text, or a template; none: text, content or body; without any of these,
        each row is one text of lines `column: value`. Other columns go to meta.
    messages: column of messages as JSON; none: messages, conversations or conversation.
    snapshot: label of a reading: a run with the same label takes what was read before and asks the
        server nothing; none: a server is read again each time, a SQLite file when it has changed.
    """

    name: ClassVar[str] = "database"
    reasons: ClassVar[Mapping[str, str]] = {
        **ISOLATION_REASONS,
        "oversize": "a text that a template makes is larger than the limit",
        **forms.REASONS,
        "encoding": "text is not in the database's character set",
        "unsuited": "the file, one of several, has no tables, or not those that were asked for",
        **files.REASONS,
        "unreadable": "no SQLite or DuckDB database, or a damaged one; rows before were read",
    }
    cuts: ClassVar[Mapping[str, str]] = forms.ROW_CUTS
    libraries: ClassVar[tuple[str, ...]] = ("duckdb",)
    extra: ClassVar[str | None] = "db"
    suffixes: ClassVar[tuple[str, ...]] = _SUFFIXES

    table: str | None = None
    query: str | None = field(default=None, metadata={"language": "sql"})
    key: tuple[str, ...] = ()
    prompt: str | None = None
    completion: str | None = None
    text: str | None = None
    messages: str | None = None
    snapshot: str | None = None

    def named(self) -> Mapping[str, str]:
        """Columns that the parameters name."""
        return self._names.columns()

    @property
    def _names(self) -> forms.Names:
        return forms.Names("auto", self.prompt, self.completion, self.text, self.messages)

    def contradictions(self) -> tuple[str, ...]:
        """Sentences on parameters that do not go together."""
        problems = list(self._names.contradictions())
        if self.query is not None and self.table is not None:
            problems.append("table and query are two ways to choose rows: give one")
        named = [*dict.fromkeys(self._names.columns().values()), *(["key"] if self.key else [])]
        if named and self.table is None and self.query is None:
            problems.append(f"{' and '.join(named)} name columns: give table or query")
        return tuple(problems)

    def tell(self, row: Mapping[str, Any]) -> list[str]:
        """The query that made the record."""
        return [] if self.query is None else ["query:", *formatted(self.query).split("\n")]

    def notes(self) -> tuple[str, ...]:
        """Sentences on what in the query is no function of the database."""
        how = "later runs with the same snapshot take from the store"
        if self.snapshot is None:
            how = "later runs take from the store as long as a file has not changed"
        return frozen(self.query, how)

    @classmethod
    def problem_with(cls, address: str) -> str | None:
        """Why a URL names no database that is read here, or more than its name."""
        return urls.problem_with(address)

    def parts(self, path: str, size: int) -> list[Part]:
        """One part a database, so that all of it is read in one snapshot.

        A server's part is named by its URL and the snapshot's label, or by a number that is new
        each time; a SQLite file's by its content (and its logs'), or by its name and the label.
        """
        if "://" not in path:
            return self._file_parts(path)
        if wrong := self.problem_with(path):
            raise UsageError(wrong)
        url = urlsplit(path)
        if url.scheme == "sqlite":
            return self._file_parts(unquote(url.path[1:]))
        mark = f"snapshot {self.snapshot}" if self.snapshot is not None else secrets.token_hex(16)
        return [Part("", (), detail={"url": path}, fingerprint=f"{path} {mark}")]

    def _file_parts(self, path: str) -> list[Part]:
        root, names, left = files.find(path, _SUFFIXES)
        several = {"several": True} if len(names) > 1 else {}
        parts = [self._file_part(str(root), name, several) for name in names]
        return parts + files.left_out(root, left)

    def _file_part(self, root: str, name: str, several: Mapping[str, bool]) -> Part:
        if self.snapshot is not None:
            mark = f"{name} snapshot {self.snapshot}"
            return Part(root, (), detail={"file": name, **several}, fingerprint=mark)
        kind = duck if duck.is_one(Path(root) / name) else sqlite
        beside = tuple(name + end for end in kind.BESIDE)
        return Part(root, (name,), detail={"file": name, **several}, beside=beside)

    def read(self, part: Part) -> Iterator[Item | Fault]:
        """The rows of the tables or of the query, in the order of their key."""
        try:
            yield from self._rows(part)
        except UsageError as error:
            if "several" not in part.detail:
                raise
            yield Fault(Place(part.detail["file"]), "unsuited", {"error": str(error)})

    def _rows(self, part: Part) -> Iterator[Item | Fault]:
        few = part.detail.get(FIRST, _FEW) if "sample" in part.detail else None
        if "url" in part.detail:
            base = Place()
            url = part.detail["url"]
            server = urls.SERVERS[urlsplit(url).scheme]
            batches = server.read(url, self.table, self.query, self.key, few)
        else:
            name = part.detail["file"]
            base = Place(name)
            path = Path(part.root) / name
            kind = duck if duck.is_one(path) else sqlite
            batches = kind.read(path, self.table, self.query, self.key, few)
        for batch in batches:
            if isinstance(batch, Fault):
                yield batch._replace(place=Place(base.path, table=batch.place.table))
            else:
                yield from self._made(base, batch)

    def _made(self, base: Place, batch: Batch) -> Iterator[Item | Fault]:
        layout = forms.Layout(batch.columns, self._names, table=batch.table, rows=True)
        if wrong := layout.mistake(batch.table or "the result"):
            raise UsageError(wrong)
        named = "query" if batch.table is None else batch.table
        for number, values in enumerate(batch.rows, batch.first):
            if isinstance(values, Fault):
                at = Place(base.path, table=named, key=f"row={number}")
                yield values._replace(place=at)
                continue
            row = {name: as_json(value) for name, value in zip(batch.columns, values, strict=True)}
            key = [(name, row[name]) for name in batch.key]
            at = Place(base.path, table=named, key=key_text(key or [("row", number)]))
            yield layout.item(at, records.to_json(row).encode(), row)
