"""SQL dumps: exact rows of mysqldump, pg_dump, SQLite's .dump and INSERT scripts of other servers.

The rows are read by scanning bytes (`sqldump`), never by loading the dump into a server. What a
value needs a server for is refused row by row. A query joins the tables of one dump in DuckDB.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from stages import records
from stages.base import ISOLATION_REASONS, Fault, Item, Part, Rows, RowSource
from stages.errors import UsageError
from stages.extract import file_kinds, forms
from stages.extract.files import find, left_out
from stages.extract.forms import as_json, key_text
from stages.extract.forms.at_once import AtOnce
from stages.extract.packed import archives, pg_archives
from stages.extract.query import PLACE, Tables, names_table, problem_with
from stages.extract.select_text import frozen
from stages.extract.sqldump.charset import decoder
from stages.extract.sqldump.reader import Reader
from stages.extract.sqldump.rows import REASONS, Block, Row, Shape
from stages.extract.sqldump.script import Script
from stages.extract.sqldump.window import ITEM_BYTES
from stages.place import Place
from stages.sql_text import formatted

_NOTES = 3  # in a line
_SUFFIXES = (".sql", ".dump", ".mysql", ".pgsql", ".psql", ".ddl", ".backup", ".pgdump")


@dataclass(frozen=True)
class SqlExtract(RowSource):
    """Rows of SQL dumps (MySQL, MariaDB, PostgreSQL, SQLite, and scripts of other servers). The
    custom, tar and directory formats of pg_dump are read through pg_restore, where it is installed.
    Dates that TO_DATE, STR_TO_DATE, CONVERT and their kin read by a model are ISO 8601; one of a
    model that is not understood stays as it is written, and the line of the form says so.

    table: the table whose rows are wanted, with or without its schema; none: the rows of all.
    query: one SELECT over the tables of each dump, run by DuckDB in process; its rows become the
        records, in order of `key`, else of all columns. Each table has a column `_place`; a result
        column `place` that holds it gives the record the place of that row. What comes in is then
        the result's rows and the refused rows of the tables that the query names; a table it does
        not name is not looked at. None: rows of tables.
    key: columns of the query's result that name a row, order the result and stand in its place.
    prompt: column of the prompt, or a template like "{title}: {body}"; none: by known names, such
        as question beside answer, or prompt beside completion.
    completion: column of the completion, or a template; none: by known names.
    text: column of the text, or a template; none: text, content or body; without any of these,
        each row is one text of lines `column: value`. Other columns go to meta.
    messages: column of messages: JSON text, or a list of structs that the query makes, like
        list({'role': role, 'content': body}); none: messages, conversations or conversation, or a
        list of structs with role and content.
    statements: whether the SQL text itself is the corpus: each statement is a record, its text as
        it is written, its first word in meta. Comments between statements are no part of it.
    format: whether a statement is laid out by sqlparse, a clause a line; one of more than 65,536
        characters or 10,000 tokens, or deeper than 100 levels, stays as it is.
    dialect: server that the dump was written for; auto finds it by evidence in the first 256 KB,
        outside strings and comments, which was right for all 77 dumps of the development set.
        Where nothing speaks for one, digits stay as they stand.
    charset: character set of the text, by the server's name for it, until the dump says another;
        none: UTF-8, and windows-1252 for values that are not, until the dump says one. Dumps made
        with --compatible or --skip-set-charset do not say (often latin1).
    row_limit: bytes that one row or statement may have, 16 MB unless given: one takes up to six
        times its size in memory while it is read. What is longer is refused alone.
    query_memory: megabytes that the query may use before it goes to disk, and four times as many
        there.
    """

    name: ClassVar[str] = "sql"
    reasons: ClassVar[Mapping[str, str]] = {
        **archives.REASONS,
        **ISOLATION_REASONS,
        **file_kinds.WRONG_KIND,
        **REASONS,
        "truncated": "the file or the archive ends before its end: within a row, a statement, or "
        "before the closing line that the dumping tool writes",
        "unsuited": "the query cannot be run over this dump, one of several",
        **forms.REASONS,
    }
    cuts: ClassVar[Mapping[str, str]] = forms.ROW_CUTS
    libraries: ClassVar[tuple[str, ...]] = ("duckdb", "sqlparse")
    suffixes: ClassVar[tuple[str, ...]] = (*archives.packed(_SUFFIXES), pg_archives.TOC)

    table: str | None = None
    query: str | None = field(default=None, metadata={"language": "sql"})
    key: tuple[str, ...] = ()
    prompt: str | None = None
    completion: str | None = None
    text: str | None = None
    messages: str | None = None
    statements: bool = False
    format: bool = False
    dialect: Literal["auto", "mysql", "postgres", "sqlite", "mssql", "oracle", "db2"] = "auto"
    charset: str | None = None
    row_limit: int = field(default=ITEM_BYTES, metadata={"range": (1 << 20, 1 << 30)})
    query_memory: int = field(default=1024, metadata={"range": (64, 1 << 20)})

    def named(self) -> Mapping[str, str]:
        """Columns that the parameters name."""
        return self._names.columns()

    @property
    def _names(self) -> forms.Names:
        return forms.Names("auto", self.prompt, self.completion, self.text, self.messages)

    def contradictions(self) -> tuple[str, ...]:
        """Sentences on parameters that do not go together."""
        problems = list(self._names.contradictions())
        named = self._names.columns()
        if self.query is not None:
            if self.table is not None:
                problems.append("table and query are two ways to choose rows: give one")
            problem = problem_with(self.query)
            problems += [problem] if problem else []
        elif named and self.table is None:
            problems.append(
                f"{' and '.join(dict.fromkeys(named.values()))} name columns of a table: give "
                "table or query"
            )
        wanted = (
            self.query_memory * 3 // 2 + 512
        )  # DuckDB's, what a value may add, and the reader's
        if self.query is not None and wanted > self.memory:
            problems.append(
                f"query_memory {self.query_memory} needs a memory of at least {wanted} for the "
                f"reading process, not {self.memory}"
            )
        if self.charset and not any(decoder(self.charset, postgres) for postgres in (False, True)):
            problems.append(f"charset {self.charset!r} is none that MySQL or PostgreSQL has")
        if self.statements and (self.table or self.query or named):
            problems.append(
                "statements takes the SQL text, not rows: give no table, query or columns"
            )
        if self.format and not self.statements:
            problems.append("format lays out statements: give statements")
        if self.key and self.query is None:
            problems.append("key names columns of a query's result: give query")
        return tuple(problems)

    def tell(self, row: Mapping[str, Any]) -> list[str]:
        """The query that made the record."""
        return [] if self.query is None else ["query:", *formatted(self.query).split("\n")]

    def notes(self) -> tuple[str, ...]:
        """Sentences on what in the query is no function of the dump."""
        return frozen(self.query, "later runs take from the store")

    def parts(self, path: str, size: int) -> list[Part]:
        """One part a file, for statements before a byte decide how it is read; of pg_dump's
        archives one a folder."""
        root, names, left = find(path, self.suffixes)
        names = [
            name
            for name in names
            if Path(name).name != pg_archives.TOC or pg_archives.is_folder(root / name)
        ]
        several = {"several": True} if len(names) > 1 and self.query is not None else {}
        parts = [self._part(root, name, several) for name in names]
        return parts + left_out(root, left)

    @staticmethod
    def _part(root: Path, name: str, detail: Mapping[str, Any]) -> Part:
        if (tool := pg_archives.restorer_of(root / name)) is not None:
            detail = {**detail, "pg_restore": tool}
        if Path(name).name != pg_archives.TOC:
            return Part(str(root), (name,), detail=detail)
        folder = Path(name).parent
        own = pg_archives.files_of(root / folder)
        files = tuple((folder / one).as_posix() for one in own)
        return Part(str(root), files, detail={**detail, "folder": True})

    def read(self, part: Part) -> Iterator[Item | Fault | Rows]:
        """The rows of a dump, or of the query over its tables."""
        if "folder" in part.detail:
            part = replace(part, files=part.files[:1])
        return archives.read(part, _SUFFIXES, partial(self._member, part.detail))

    def _member(
        self, detail: Mapping[str, Any], place: Place, stream: archives.Member
    ) -> Iterator[Item | Fault | Rows]:
        if (other := file_kinds.other(stream.peek(file_kinds.HEAD), self.name)) is not None:
            yield Fault(place, "wrong_kind", other)
            return
        dialect = None if self.dialect == "auto" else self.dialect
        if self.statements:
            script = Script(stream, dialect, self.row_limit, self.charset)
            yield from self._statements(place, script, stream)
            return
        if self.query is None:
            yield from self._rows(place, stream, dialect, detail.get("sample"))
            return
        reader = Reader(stream, dialect, self.row_limit, self.charset)
        events = _Events(reader, detail.get("sample"))
        try:
            yield from self._joined(place, events, stream, self.query)
        except UsageError as error:
            alone = place.member in (None, pg_archives.RESTORED)
            if "several" not in detail and alone:
                raise
            yield Fault(place, "unsuited", {"error": str(error)})

    def _statements(
        self, place: Place, script: Script, stream: archives.Member
    ) -> Iterator[Item | Fault]:
        for event in script:
            if isinstance(event, Fault):
                yield from _fault(place, event, stream)
                continue
            at = replace(place, offset=event.offset, length=len(event.raw), line=event.line)
            text = formatted(event.text) if self.format else event.text
            record = {"text": text, "meta": {"statement": event.word}}
            yield Item(at, event.raw, [record], "text ← each statement; meta ← its first word")

    # --- rows of tables ---------------------------------------------------------------------------

    def _rows(
        self, place: Place, stream: archives.Member, dialect: str | None, sample: int | None
    ) -> Iterator[Item | Fault | Rows]:
        layouts = forms.Layouts(self._names, rows=True)
        at_once = lru_cache(maxsize=64)(lambda *names: AtOnce(layouts.of(*names), names[1]))

        def fits(shape: Shape) -> bool:
            if not self._wanted(shape.table):
                return True
            return shape.columns is not None and at_once(shape.columns, shape.table).fits

        alone = sample is not None
        reader = Reader(stream, dialect, self.row_limit, self.charset, None if alone else fits)
        shape: Shape | None = None
        layout: forms.Layout | None = None
        flags: list[str] = []
        for event in _Events(reader, sample):
            if isinstance(event, Fault):
                if self._wanted(event.place.table):
                    yield from _fault(place, event, stream)
                continue
            if isinstance(event, Block):
                table = event.shape.table
                if self._wanted(table):
                    assert event.shape.columns is not None
                    made = at_once(event.shape.columns, table)
                    yield from made.items(replace(place, table=table), *event[1:])
                continue
            if event.shape is not shape or layout is None or shape.columns is None:
                shape = event.shape
                layout = layouts.of(_names(event), shape.table)
                bits = [column is not None and column.kind == "bits" for column in shape.kinds]
                flags = list(itertools.compress(layout.columns, bits))
                if self._wanted(shape.table) and (wrong := layout.mistake(shape.table)):
                    raise UsageError(wrong)
            if self._wanted(shape.table):
                at = _place(place, event)
                values = dict(zip(layout.columns, event.values, strict=True))
                for name in flags:  # MySQL's BIT: its bytes are a number
                    if isinstance(value := values[name], bytes):
                        values[name] = int.from_bytes(value, "big")
                yield _noted(layout.item(at, event.raw, values), event.notes)

    def _wanted(self, table: str | None) -> bool:
        if self.table is None or table is None:
            return True
        wanted, name = self.table.lower(), table.lower()
        return wanted in (name, name.rpartition(".")[2])

    # --- a query ----------------------------------------------------------------------------------

    def _joined(
        self, place: Place, events: _Events, stream: archives.Member, text: str
    ) -> Iterator[Item | Fault]:
        with Tables(self.query_memory) as tables:
            named = lru_cache(maxsize=4096)(partial(names_table, text))
            notes: dict[str, None] = {}
            for event in events:
                if isinstance(event, Fault):
                    if event.place.table is None or named(event.place.table):
                        yield from _fault(place, event, stream)
                elif isinstance(event, Row) and named(event.shape.table):
                    tables.add(event, str(_place(place, event)))
                    if event.notes and len(notes) < _NOTES:
                        notes.update(dict.fromkeys(event.notes))
            tables.finish(events.reader.named_schemas(), text)
            try:
                names = tables.columns(text)
            except UsageError:
                if events.cut:
                    return  # a table of the query may stand further behind
                raise
            if wrong := forms.Layout(names, self._names, rows=True).mistake("the result"):
                raise UsageError(wrong)
            for item in self._results(place, tables, text):
                yield _noted(item, tuple(notes))

    def _results(self, place: Place, tables: Tables, text: str) -> Iterator[Item | Fault]:
        known: forms.Layout | None = None
        place_at: str | None = None
        for number, (names, row) in enumerate(tables.select(text, self.key)):
            values = dict(zip(names, row, strict=True))
            if known is None:
                place_at = _place_column(values)
                skip = () if place_at is None else (place_at,)
                known = forms.Layout(names, self._names, skip=skip, rows=True)
            at = _place_of(values.pop(place_at)) if place_at is not None else None
            if at is None:
                key = [(name, row[names.index(name)]) for name in self.key]
                at = replace(place, table="query", key=key_text(key or [("row", number + 1)]))
            values = {name: as_json(value) for name, value in values.items()}
            yield known.item(at, records.to_json(values).encode(), values)


class _Events:
    """The rows and refusals of a dump; of a sample those that begin before a byte, and `cut` says
    whether there are more."""

    def __init__(self, reader: Reader, sample: int | None) -> None:
        self.reader, self._sample, self.cut = reader, sample, False

    def __iter__(self) -> Iterator[Row | Block | Fault]:
        if self._sample is None:
            return iter(self.reader)
        return itertools.takewhile(self._within, self.reader)

    def _within(self, event: Row | Block | Fault) -> bool:
        assert self._sample is not None
        offset = (event.place.offset or 0) if isinstance(event, Fault) else event.offset
        self.cut = offset > self._sample
        return not self.cut


def _place_column(values: Mapping[str, Any]) -> str | None:
    """The column of a result that holds places."""
    named = (name for name in values if name.lower() in ("place", PLACE))
    return next((name for name in named if _place_of(values[name]) is not None), None)


def _names(row: Row) -> tuple[str, ...]:
    return row.shape.columns or tuple(f"c{n + 1}" for n in range(len(row.values)))


def _place(place: Place, row: Row) -> Place:
    table = row.shape.table
    return Place(place.path, place.member, row.offset, len(row.raw), row.line, table)


def _place_of(value: Any) -> Place | None:
    """The place that a value of `_place` is; None for any other value."""
    if not isinstance(value, str):
        return None
    try:
        place = Place.parse(value)
    except ValueError:
        return None
    return place if place.offset is not None and place.table is not None else None


def _noted(item: Item | Fault, notes: tuple[str, ...]) -> Item | Fault:
    """An item whose line says what stays as it is written."""
    if not notes or isinstance(item, Fault):
        return item
    told = f"as written: {', '.join(notes[:_NOTES])}"
    return item._replace(form=forms.noted(item.form, told))


def _fault(place: Place, fault: Fault, stream: archives.Member) -> Iterator[Fault]:
    """A refusal of the reader's at its place in the file."""
    if fault.reason in ("truncated", "unparsed") and stream.fault is not None:
        return  # the archive's own fault says why the text ends
    text = fault.raw[: records.REJECT_TEXT].decode("utf-8", "replace")
    at = replace(fault.place, path=place.path, member=place.member)
    failed = fault.reason != "data"
    yield fault._replace(place=at, text=text, failed=failed, characters=len(fault.raw))
