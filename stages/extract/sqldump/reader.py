"""A dump, statement by statement: which hold rows, which change the session, which are passed over.

Bodies of triggers, routines and events hold INSERTs that are no rows; they are skipped whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO, Any

from stages.base import Fault
from stages.errors import Unreadable
from stages.extract import file_kinds
from stages.extract.slices import Longer, Reach
from stages.extract.sqldump.between import (
    KNOWN,
    LOAD,
    MESSAGE,
    counted,
    data_lines,
    rows_in,
    session_line,
    unknown,
)
from stages.extract.sqldump.copy import copy
from stages.extract.sqldump.dialect import HEAD, Session
from stages.extract.sqldump.insert import Plans, insert
from stages.extract.sqldump.lexer import NAMES, blank, split_names
from stages.extract.sqldump.rows import Block, Row, Shape, refusal
from stages.extract.sqldump.schema import Column, Schema, create_table, table_key
from stages.extract.sqldump.statements import end_of_statement, pass_row, pass_statement, pass_to
from stages.extract.sqldump.window import ITEM_BYTES, TooLong, Watched, Window, as_utf8

_WHITE = re.compile(rb"[\s\x00\x1a]*+")
_WORD = re.compile(rb"[A-Za-z_]+")
VERSION = re.compile(rb"/\*M?!(\d{5,6})?[ \t]*")
# Of a version that no server will have: what MariaDB's tools say to its client alone.
NEVER = re.compile(rb"/\*M?![5-9]\d{5}")
_LONG = 1 << 16
_LINE = re.compile(rb"--|#|(?i:REM|PROMPT)")
_EMPTY = re.compile(rb"(?:[\s\x00]*+;)++")
_COPY_FILE = re.compile(
    rb"(?is)COPY\s+(" + NAMES + rb")\s*+"
    rb"(?:\((?:[^)\";]++|\"[^\"]{0,512}+\")*+\))?\s*+FROM\s+['$]"
)
_COPY_ROWS = re.compile(rb"(?i)COPY\s[^\n]{0,4096}\bstdin\b")
_CREATE_TABLE = re.compile(rb"(?i)CREATE\s+(?:\w+\s+){0,3}TABLE\s")
ROUTINE = re.compile(
    rb"(?is)(?:CREATE|ALTER)\s+(?:OR\s+(?:REPLACE|ALTER)\s+)?(?:\w+\s*=\s*(?:`[^`]*`|\w+)(?:@(?:`[^`]*`|\w+))?\s+)?"
    rb"(?:EDITIONABLE\s+|NONEDITIONABLE\s+|TEMP\s+|TEMPORARY\s+|AGGREGATE\s+|SQL\s+SECURITY\s+\w+\s+)*"
    rb"(?P<what>TRIGGER|PROC|PROCEDURE|FUNCTION|EVENT|PACKAGE|TYPE|VIEW)\b"
)
SLASH = re.compile(rb"(?m)^[ \t]*+/[ \t]*+\r?$\n?")
_GO_LINE = re.compile(rb"(?im)^[ \t]*+GO[ \t]*+\r?$\n?")
_END = re.compile(rb"(?is)\bEND\s*+;")
_NEXT = re.compile(
    rb"\n(?=(?:INSERT|REPLACE) (?:INTO|IGNORE)|CREATE TABLE|COPY |LOCK TABLES|UNLOCK TABLES"
    rb"|DROP TABLE)"
)
_INTO = re.compile(rb"(?i)(?:INSERT|REPLACE)\s+(?:\w+\s+){0,2}?INTO\s+(" + NAMES + rb")")
# Real dumps have some ten thousand; each is held to the end.
_COLUMNS = 1 << 19
# The tools that write a closing line, and that line.
_CLOSING = (
    (re.compile(rb"(?m)^-- (?:MySQL|MariaDB) dump "), b"-- Dump completed"),
    (
        re.compile(rb"(?m)^-- PostgreSQL database (?:cluster )?dump"),
        b"dump complete",
    ),
)  # fmt: skip


class Reader:
    """Reads one dump: iterate it for the rows and refusals in order; memory holds one row.

    dialect: one of DIALECTS, none: found by evidence. limit: bytes of one row or statement.
    charset: what the text is in until the dump says; none: UTF-8. at_once: whether rows of a table
    may come many at once, as a Block; none: of no table.
    """

    def __init__(
        self,
        stream: IO[bytes],
        dialect: str | None = None,
        limit: int = ITEM_BYTES,
        charset: str | None = None,
        at_once: Callable[[Shape], bool] | None = None,
    ) -> None:
        self.at_once, self.reach = at_once, Reach()
        self._watched = Watched(stream)
        self.window = Window(self._watched, limit)  # type: ignore[arg-type]
        self.window.ensure(HEAD)
        if self.window.data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            self.window = Window(as_utf8(self.window.data, self._watched), limit)  # type: ignore[arg-type]
            self.window.wide = True
            self.window.ensure(HEAD)
        head = self.window.data[:HEAD].removeprefix(b"\xef\xbb\xbf")
        self.session = Session.of(dialect, head, charset)
        self.session.declared |= self.window.wide
        closing = next((end for begin, end in _CLOSING if begin.search(head[:4096])), None)
        self.by_tool = closing is not None
        if closing is not None:
            self._watched.closing = closing
            self._watched.closed = closing in self.window.data
            self._watched.before(self.window.data)
        self.schemas: dict[str, Schema] = {}
        self.plans = Plans()
        self._by_names: dict[int, tuple[Schema, dict[str, Column]]] = {}
        self._columns = 0  # of all tables
        self.was_cut = False
        self._told_cut = False
        self._numbers: dict[str, int] = {}
        self._versioned = 0
        self._unclosed: Fault | None = None  # a comment
        self.known = self._told_unknown = False

    def __iter__(self) -> Iterator[Row | Block | Fault]:
        if (fault := self.no_text()) is not None:
            yield fault
            return
        yield from self._statements()
        if self._unclosed is not None:
            yield self._unclosed
        elif not self._told_cut and self.by_tool and not self._watched.closed:
            yield self.cut(None)
        elif not self.known and not self._told_unknown:
            text = self.window.data[:80].decode("utf-8", "replace")
            yield refusal(None, "unparsed", {"text": text}, 0, 1)

    def no_text(self) -> Fault | None:
        """The refusal of a file that is no text."""
        head = self.window.data[: file_kinds.HEAD]
        told = file_kinds.binary(head) if b"\0" in head[:4096] else None
        return None if told is None else refusal(None, "binary", told, 0, 1)

    # --- what insert and copy use -----------------------------------------------------------------

    def shape(self, name: bytes, columns: list[bytes] | None) -> Shape:
        """The table as it is called outside, and its columns as far as they are known."""
        schema = self.schema(name)
        table = self._table_name(name, schema)
        if columns is not None:
            names = tuple(column.decode("utf-8", "replace") for column in columns)
            by_name = self._by_name(schema)
            return Shape(table, names, tuple(by_name.get(name.lower()) for name in names))
        if schema is None:
            return Shape(table, None, ())
        return Shape(table, tuple(c.name for c in schema.columns), schema.columns)

    def _by_name(self, schema: Schema | None) -> dict[str, Column]:
        if schema is None:
            return {}
        found = self._by_names.get(id(schema))  # held, so that no other has its number
        if found is None:
            found = schema, {c.name.lower(): c for c in schema.columns}
            self._by_names[id(schema)] = found
        return found[1]

    def named_schemas(self) -> Iterator[tuple[str, Schema]]:
        """The tables that the dump creates, by the names that their rows have."""
        for schema in {id(schema): schema for schema in self.schemas.values()}.values():
            parts = schema.name.split(".")
            if len(parts) > 1 and parts[0].lower() in ("public", "dbo"):
                parts = parts[1:]
            yield ".".join(parts), schema

    def schema(self, name: bytes) -> Schema | None:
        """The table as it was created last; None when it was not."""
        key = table_key(name)
        if "." not in key and self.session.database:
            found = self.schemas.get(f"{self.session.database.lower()}.{key}")
            if found is not None:
                return found
        return self.schemas.get(key) or self.schemas.get(key.rpartition(".")[2])

    def _table_name(self, name: bytes, schema: Schema | None) -> str:
        parts = [part.decode("utf-8", "replace") for part in split_names(name)]
        if schema is not None and self.session.dialect in ("oracle", "db2", "mssql"):
            parts = schema.name.split(".") if len(parts) == 1 else parts
        if len(parts) == 1 and self.session.database and self.session.dialect == "mysql":
            parts = [self.session.database, *parts]
        if len(parts) > 1 and parts[0].lower() in ("public", "dbo"):
            parts = parts[1:]
        return ".".join(parts)

    def numbered(self, shape: Shape, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """NULL (and 0 in MySQL) in a column that numbers itself: the next number."""
        found = list(values)
        for index, column in enumerate(shape.kinds):
            if column is None or not column.auto:
                continue
            value = found[index]
            if value is None or (value == 0 and self.zero_is_next):
                found[index] = value = self._numbers.get(shape.table, 0) + 1
            if isinstance(value, int):
                self.note_number(shape.table, value)
        return tuple(found)

    @property
    def zero_is_next(self) -> bool:
        """Whether 0 in a column that numbers itself stands for the next number."""
        return self.session.dialect == "mysql" and self.session.zero_is_next

    def note_number(self, table: str, number: int) -> None:
        """A number that a row has in the column that numbers itself."""
        if number > self._numbers.get(table, 0):
            self._numbers[table] = number

    def many(self, read: Callable[[int], tuple[Block, bool] | None]) -> Block | None:
        """Rows at once: what `read` takes of so many bytes from the window's position on, and
        whether the next is unusual; of more where it raises Longer. None: the next row is to be
        read alone."""
        window, reach = self.window, self.reach
        begun, size, taken = window.start, 0, None
        wanted = 0 if window.wide else reach.wanted(begun)
        while wanted:
            wanted = min(wanted, window.limit)
            window.ensure(wanted)
            there = min(len(window.data) - window.pos, wanted)
            if there == size or not reach.enough(there):
                break
            size = there
            try:
                taken = read(size)
                break
            except Longer:
                wanted = reach.longer(begun, size)
        if taken is None:
            if size:
                reach.learn(begun, size, 0, 0, True)
            return None
        block, unusual = taken
        cells = len(block.begins) * len(block.cells)
        reach.learn(begun, size, window.start - begun, cells, unusual)
        return block

    def refused(self, table: str | None, error: Exception, pos: int, raw: bytes) -> Fault:
        """A refusal of the row at an index of the window."""
        window = self.window
        if isinstance(error, Unreadable):
            reason, evidence = error.reason, dict(error.evidence)
        else:
            reason, evidence = "value", {"error": str(error)[:200]}
        raw = window.raw(raw)
        return refusal(table, reason, evidence, window.offset(pos), window.line(pos), raw)

    def cut(self, table: str | None) -> Fault:
        """The refusal of what has no end: to the file's end, or to the next statement of data that
        begins a line, since what stands before it took it in (a quote, a bracket without an end).
        """
        if (found := self._resumed(table)) is not None:
            return found
        window = self.window
        self._told_cut = True
        self.was_cut = False
        found = refusal(table, "truncated", {"left": len(window.data) - window.pos},
                        window.offset(window.pos), window.line(window.pos),
                        window.data[window.pos : window.pos + 4096])  # fmt: skip
        window.pos = len(window.data)
        return found

    def _resumed(self, table: str | None) -> Fault | None:
        """The refusal of what stands between the position and the next statement of data for a
        table of the dump, to which it goes; None where the window shows no such."""
        window = self.window
        for match in _NEXT.finditer(window.data, window.pos):
            named = _INTO.match(window.data, match.end())
            if named is None or not self.schemas or self.schema(named[1]) is not None:
                break
        else:
            return None
        raw = window.data[window.pos : match.end()]
        evidence = {"statement": raw[:200].decode("utf-8", "replace")}
        at = window.offset(window.pos), window.line(window.pos)
        found = refusal(table, "unparsed", evidence, *at, window.raw(raw))
        window.pos = match.end()
        return counted(found, rows_in(raw))

    def too_long(self, table: str | None, what: str) -> Fault:
        """Go behind the row or statement at the position, which is longer than the limit, without
        holding it; its refusal."""
        if (found := self._resumed(table)) is not None:
            return found
        window = self.window
        shown = window.data[window.pos : window.pos + 4096]
        offset, line, begun = window.offset(window.pos), window.line(window.pos), window.start
        passed = pass_row if what == "row" else pass_statement
        ended = passed(window, self.session)
        evidence = {"limit": window.limit, "bytes": window.start - begun, "of": what}
        if not ended:
            evidence["ended"] = False
            self.was_cut = True
        return refusal(table, "too_long", evidence, offset, line, window.raw(shown))

    def refuse_statement(self, reason: str, name: bytes | None) -> Iterator[Fault]:
        """Refuse the statement at the window's position whole."""
        window = self.window
        table = None if name is None else self._table_name(name, self.schema(name))
        offset, line = window.offset(window.pos), window.line(window.pos)
        try:
            text = self.statement_text()
        except TooLong:
            yield self.too_long(table, "statement")
            return
        if text is None:
            yield self.cut(table)
            return
        shown = text[:200].decode("utf-8", "replace")
        yield refusal(table, reason, {"statement": shown}, offset, line, text)

    def statement_text(self) -> bytes | None:
        """The statement at the position, which goes behind it; None when the file ends before."""
        size = self._size()
        if size is None:
            return None
        window = self.window
        text = window.data[window.pos : window.pos + size]
        window.pos += size
        return text

    def _size(self) -> int | None:
        """The length of the statement at the position; None when the file ends before."""
        window, session, done = self.window, self.session, 0
        while True:
            done, ended = end_of_statement(window, session, done)
            if ended and done > window.limit:
                raise TooLong
            if ended:
                return done
            if window.eof:
                whole = window.pos + done >= len(window.data)
                needs = session.dialect in ("mysql", "postgres") and self.by_tool
                return done if whole and not needs else None
            window.more()

    def skip_statement(self) -> bool:
        """Go behind the statement at the position; False when the file ends before."""
        size = self._size()
        self.window.pos += size or 0
        return size is not None

    def _others_within(self, text: bytes, offset: int, line: int) -> Fault | None:
        """The refusal of the statement just passed where it took others in, as a quote without its
        end does; reading goes on at the first of them."""
        begun = _NEXT.search(text)
        if begun is None:
            return None
        self.window.pos -= len(text) - begun.end()
        shown = text[:200].decode("utf-8", "replace")
        return refusal(None, "unparsed", {"statement": shown}, offset, line, text[: begun.end()])

    def skip_comments(self) -> bool:
        """Go behind blanks and whole comments; whether there were any."""
        window, moved = self.window, False
        pattern = blank(self.session.dialect)
        while True:
            match = _WHITE.match(window.data, window.pos)
            assert match is not None
            moved = moved or match.end() > window.pos
            window.pos = match.end()
            match = pattern.match(window.data, window.pos)
            assert match is not None
            if match.end() == len(window.data) and not window.eof:
                # the last one may go on; where it is long, it is a comment to the line's end
                begun = window.pos
                window.pos = max(begun, match.start(1))
                if len(window.data) - window.pos > _LONG and _LINE.match(window.data, window.pos):
                    pass_to(window, b"\n")
                moved = moved or window.pos > begun
                window.more()
                continue
            moved = moved or match.end() > window.pos
            window.pos = match.end()
            if window.data.startswith(b"/*", window.pos) and (
                NEVER.match(window.data, window.pos) or not VERSION.match(window.data, window.pos)
            ):
                self._pass_comment()
                moved = True
                continue
            return moved

    def _pass_comment(self) -> None:
        """Go behind the comment at the position; one without an end takes all that follows."""
        window = self.window
        at = window.offset(window.pos), window.line(window.pos)
        shown = window.data[window.pos : window.pos + 4096]
        window.pos += 2
        if not pass_to(window, b"*/"):
            told = {"error": "a comment without an end", "bytes": window.start - at[0]}
            self._unclosed = refusal(None, "truncated", told, *at, shown)

    def resync(self) -> int:
        """After bytes that are no SQL: go to the next line that begins a statement of data; how
        many rows seem to stand before it."""
        window, rows = self.window, 0
        while True:
            match = _NEXT.search(window.data, window.pos)
            end = match.end() if match else max(window.pos, len(window.data) - 64)
            rows += rows_in(window.data[window.pos : end])
            window.pos = end
            if match is not None:
                return rows
            if not window.more():
                rows += rows_in(window.data[window.pos :])
                window.pos = len(window.data)
                return rows

    # --- statements -------------------------------------------------------------------------------

    def _statements(self) -> Iterator[Row | Block | Fault]:
        window = self.window
        while True:
            window.ensure(1 << 16)
            if self._skip_blank():
                continue
            if window.pos >= len(window.data):
                return
            try:
                yield from self._statement()
            except TooLong:
                yield self.too_long(None, "statement")

    def _statement(self) -> Iterator[Row | Block | Fault]:
        data, pos = self.window.data, self.window.pos
        match = _WORD.match(data, pos)
        word = match[0].lower() if match is not None else b""
        if word in KNOWN and not MESSAGE.match(data, pos):
            self.known = True
        if word in (b"insert", b"replace"):
            yield from insert(self)
        elif word == b"copy" and (rows := copy(self)) is not None:
            yield from rows
        elif word == b"copy" and (named := _COPY_FILE.match(data, pos)) is not None:
            yield from self.refuse_statement("elsewhere", named[1])
        elif word == b"copy" and _COPY_ROWS.match(data, pos):
            for fault in self.refuse_statement("unparsed", None):
                yield counted(fault, data_lines(self))
        elif word == b"create" or word == b"alter":
            yield from self._create()
        elif word == b"load" and (named := LOAD.match(data, pos)) is not None:
            yield from self.refuse_statement("elsewhere", named[1])
        elif session_line(self, word):
            return
        elif word in KNOWN and not MESSAGE.match(data, pos):
            if not self.skip_statement():
                yield self.cut(None)
        else:
            self._told_unknown = True
            yield from unknown(self)

    def _skip_blank(self) -> bool:
        """Pass over blanks, comments, and the marks of versioned comments; True: look again."""
        window = self.window
        if self.skip_comments():
            return True
        pos = window.pos
        if window.data.startswith(b"/*", pos):
            return self._comment()
        if window.data.startswith(b"*/", pos) and self._versioned:
            self._versioned -= 1
            window.pos = pos + 2
            return True
        if window.data.startswith(self.session.terminator, pos):
            empty = _EMPTY.match(window.data, pos) if self.session.terminator == b";" else None
            window.pos = empty.end() if empty else pos + len(self.session.terminator)
            return True
        return False

    def _comment(self) -> bool:
        window = self.window
        match = VERSION.match(window.data, window.pos)
        if match is not None and self.session.runs(int(match[1]) if match[1] else None):
            window.pos = match.end()
            self._versioned += 1
            return True
        self._pass_comment()
        return True

    def _create(self) -> Iterator[Fault]:
        window, session = self.window, self.session
        routine = ROUTINE.match(window.data, window.pos)
        if routine is not None and self._skip_routine(routine["what"].upper()):
            return
        offset, line = window.offset(window.pos), window.line(window.pos)
        text = self.statement_text()
        if text is None:
            yield self.cut(None)
            return
        session.alter(text)
        if _CREATE_TABLE.match(text) and (others := self._others_within(text, offset, line)):
            yield others
            return
        schema = create_table(session.syntax, text, self.schemas)
        if schema is not None:
            self._columns += len(schema.columns)
            if self._columns > _COLUMNS:
                evidence = {"limit": _COLUMNS, "of": "columns of all tables", "table": schema.name}
                yield refusal(schema.name, "too_long", evidence, offset, line)
                return
            key = schema.name.lower()
            if "." not in key and session.database:
                self.schemas[f"{session.database.lower()}.{key}"] = schema
            else:
                self.schemas[key] = schema
            if session.dialect != "mysql":
                self.schemas.setdefault(key.rpartition(".")[2], schema)

    def _skip_routine(self, what: bytes) -> bool:
        """Skip a body that holds statements of its own; False where it is one plain statement."""
        end = self.body_end(what)
        return end is not None and self._skip_past(end)

    def body_end(self, what: bytes) -> re.Pattern[bytes] | None:
        """What ends the body of the routine at the position; None where it is a plain statement."""
        dialect = self.session.dialect
        if dialect == "mssql":
            return _GO_LINE
        if dialect == "oracle" and what not in (b"VIEW", b"TYPE"):
            return SLASH
        compound = dialect in ("sqlite", "mysql", "db2") and what != b"VIEW"
        begins = self.window.data[self.window.pos : self.window.pos + 4096]
        if compound and self.session.terminator == b";" and re.search(rb"(?i)\bBEGIN\b", begins):
            return _END
        return None

    def _skip_past(self, pattern: re.Pattern[bytes]) -> bool:
        window = self.window
        while True:
            data = window.data
            match = pattern.search(data, window.pos)
            if match is not None and (match.end() < len(data) or window.eof):
                window.pos = match.end()
                return True
            if window.eof:
                window.pos = len(data)
                return True
            line = data.rfind(b"\n", max(window.pos, len(data) - _LONG), len(data) - 64)
            window.pos = max(window.pos, line if line >= 0 else len(data) - 64)
            window.more()
