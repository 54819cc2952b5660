"""INSERT and REPLACE: the header, then rows, the plain ones by one pattern a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from stages.base import Fault
from stages.errors import Unreadable
from stages.extract.sqldump import clean
from stages.extract.sqldump.between import counted, rows_in
from stages.extract.sqldump.columns import coerce, converter
from stages.extract.sqldump.dialect import Session
from stages.extract.sqldump.functions import Literal
from stages.extract.sqldump.lexer import NAME, NAMES, Syntax, row, split_names, unquoted
from stages.extract.sqldump.literals import Short, Values
from stages.extract.sqldump.rows import Block, Row, Shape
from stages.extract.sqldump.schema import Schema
from stages.extract.sqldump.statements import end_of_row, pass_to
from stages.extract.sqldump.window import TooLong

if TYPE_CHECKING:
    from stages.extract.sqldump.reader import Reader

_LIST = rb"\(\s*+" + NAME + rb"(?:\s*+,\s*+" + NAME + rb")*+\s*+,?+\s*+\)"
_INTO = rb"(?P<table>" + NAMES + rb")\s*+(?P<columns>" + _LIST + rb")?\s*+"
_HEAD = re.compile(
    rb"(?is)(?:INSERT|REPLACE)(?:\s++(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE|ALL|FIRST"
    rb"|OR\s++\w++)(?=\s))*+\s++(?:INTO\s++)?+" + _INTO
    + rb"(?:OVERRIDING\s++\w++\s++VALUE\s++)?+(?P<how>VALUES?+(?!\w)|SET\b)\s*+"
)  # fmt: skip
_AGAIN = re.compile(rb"(?is)INTO\s++" + _INTO + rb"VALUES\s*+")
_DEFAULTS = re.compile(rb"(?is)INSERT\s+INTO\s+(" + NAMES + rb")\s+DEFAULT\s+VALUES\s*;")
_VALUES = re.compile(rb"(?i)VALUES")
_VERSIONED = re.compile(rb"/\*M?!(\d{5,6})?+|\*/")
_SETTING = re.compile(rb"(?s)\s*+(" + NAME + rb")\s*+=\s*+")
# After a failure this close to the end of what is held, the bytes that follow may matter.
_NEAR = 4096
_END = ord(";")
_HEAD_BYTES = 1 << 16
_LIST_BYTES = 1 << 20  # a head with its list of columns
# SQLite takes 32,767 columns at most, the others far fewer.
WIDTH = 32767
# A pattern costs as much as 300 to 500 rows read token by token, and memory by its width.
_ROWS_FIRST, _PATTERN_WIDTH = 256, 512
_PATTERNS = 1 << 15  # columns of all patterns
_DEFAULTS_WIDTH = 64  # columns of a row that is written as DEFAULT VALUES: each is worked out
_PLANNED = 1 << 17  # columns of all plans


class Plans:
    """Plans of the heads seen, the patterns of rows, and how many rows of a width had none."""

    def __init__(self) -> None:
        self._found: dict[Any, Plan] = {}
        self._size = 0
        self._patterns: dict[tuple[Syntax, int], re.Pattern[bytes]] = {}
        self._rows: dict[tuple[Syntax, int], int] = {}

    def of(self, key: Any, schema: Schema | None, make: Callable[[], Plan]) -> Plan:
        """The plan that was kept for this table as it was created last, else a new one."""
        found = self._found.get(key)
        if found is None or found.schema is not schema:
            found = make()._replace(key=key, schema=schema)
            self.keep(found)
        return found

    def keep(self, plan: Plan) -> None:
        """Keep a plan; when there are too many, this one alone."""
        before = self._found.pop(plan.key, None)
        self._size += _weight(plan) - (_weight(before) if before is not None else 0)
        if self._size > _PLANNED:
            self._found.clear()
            self._size = _weight(plan)
        self._found[plan.key] = plan

    def pattern(self, syntax: Syntax, width: int) -> re.Pattern[bytes] | None:
        """The pattern of a row; None until there were rows enough to make one worth while."""
        key = (syntax, width)
        found = self._patterns.get(key)
        if found is None:
            self._rows[key] = self._rows.get(key, 0) + 1
            if self._rows[key] < _ROWS_FIRST:
                return None
            if sum(kept for _, kept in self._patterns) + width > _PATTERNS:
                self._patterns, self._rows = {}, {}
            found = self._patterns[key] = row(syntax, width)
        return found


class Plan(NamedTuple):
    """What the rows of one header are read by."""

    shape: Shape
    width: int | None
    pattern: re.Pattern[bytes] | None
    convert: list[Any]
    keep: list[int] | None  # which values stay: generated columns go
    numbers: bool  # whether a column numbers itself
    key: Any = None
    schema: Schema | None = None


def _weight(plan: Plan) -> int:
    return 64 + len(plan.convert)


def insert(reader: Reader) -> Iterator[Row | Block | Fault]:
    """The rows of the INSERT at the window's position, and of those with the same head after it."""
    window, session = reader.window, reader.session
    head = _HEAD.match(window.data, window.pos)
    if head is None and not window.eof and len(window.data) - window.pos < _LIST_BYTES:
        window.ensure(_LIST_BYTES)
        head = _HEAD.match(window.data, window.pos)
    if head is None and (blanked := _blanked(window.data, window.pos, session)) is not None:
        head = _HEAD.match(blanked)
    if head is None and (found := _DEFAULTS.match(window.data, window.pos)) is not None:
        yield from _defaults(reader, found)
        return
    if head is None:
        name = re.search(
            rb"(?is)\bINTO\s+(" + NAMES + rb")", window.data[window.pos : window.pos + 999]
        )
        yield from reader.refuse_statement("expression", name[1] if name else None)
        return
    if head["how"].upper() == b"SET":
        yield from _settings(reader, head)
        return
    plan = _plan(reader, head)
    begun = window.pos
    window.pos += head.end() - head.start()
    start = window.data[begun : window.pos]
    while True:
        plan = yield from _rows(reader, plan, start)
        again = _AGAIN.match(window.data, window.pos) if session.dialect == "oracle" else None
        if again is not None:
            start = b"\0"
            plan = _plan(reader, again)
            window.pos = again.end()
        elif window.data.startswith(start, window.pos):
            window.pos += len(start)
        else:
            return


def _blanked(data: bytes, pos: int, session: Session) -> bytes | None:
    """The head of a statement with /*!NNNNN … */ replaced by blanks; None: it has none."""
    end = data.find(b";", pos, pos + _HEAD_BYTES)
    end = end if end >= 0 else pos + _HEAD_BYTES
    values = _VALUES.search(data, pos, end)
    end = values.start() if values is not None else end
    if data.find(b"/*", pos, end) < 0:
        return None
    out, depth, begin, runs = bytearray(data[pos : pos + _HEAD_BYTES]), 0, 0, False
    for match in _VERSIONED.finditer(data, pos, end):
        if match[0] != b"*/":
            depth, begin = 1, match.start() - pos
            runs = session.runs(int(match[1]) if match[1] else None)
        elif depth:
            depth = 0
            close = match.end() - pos
            for a, b in ((begin, begin + 8), (close - 2, close)) if runs else ((begin, close),):
                out[a:b] = b" " * (b - a)
    return bytes(out)


def _plan(reader: Reader, head: re.Match[bytes]) -> Plan:
    columns = split_names(head["columns"][1:-1]) if head["columns"] is not None else None

    def make() -> Plan:
        shape = reader.shape(head["table"], columns)
        if columns is None:
            shape = _without_numbers(shape)
        certain = columns is not None or (
            shape.columns is not None and not any(c and c.generated for c in shape.kinds)
        )
        return _plan_of(reader.session, shape, len(shape.kinds) if certain else None)

    session = reader.session
    text = (session.charset, session.declared)
    key = (head["table"], head["columns"], session.syntax, session.database, text)
    return reader.plans.of(key, reader.schema(head["table"]), make)


def _without_numbers(shape: Shape) -> Shape:
    """A table as an INSERT without names of columns sees it: SQL Server gives the numbers."""
    if not any(column is not None and column.identity for column in shape.kinds):
        return shape
    kinds = [c._replace(generated=c.generated or c.identity) if c else c for c in shape.kinds]
    return shape._replace(kinds=tuple(kinds))


def _plan_of(session: Session, shape: Shape, width: int | None) -> Plan:
    """The plan for rows of `width` values; None: the first row will tell."""
    if width is None:
        return Plan(shape, None, None, [], None, False)
    kinds = shape.kinds
    own = [n for n, column in enumerate(kinds) if not (column and column.generated)]
    keep = None
    if shape.columns is not None and len(own) < len(kinds):
        names = tuple(shape.columns[n] for n in own)
        shape = Shape(shape.table, names, tuple(kinds[n] for n in own))
        if width == len(own):
            kinds = shape.kinds
        else:
            keep = own
    elif shape.columns is None:
        kinds = (None,) * width
    numbers = any(column is not None and column.auto for column in shape.kinds)
    return Plan(shape, width, None, [converter(kind, session) for kind in kinds], keep, numbers)


def _at_once(reader: Reader, plan: Plan, start: bytes) -> tuple[Block, bool] | None:
    """Rows that come at once, and whether the statement ends with them; None: the next row is to be
    read alone."""
    at_once = reader.at_once
    if at_once is None:
        return None

    def read(size: int) -> tuple[Block, bool] | None:
        if clean.suits(reader.session, plan, start) and at_once(plan.shape):
            return clean.rows(reader, plan, start, size)
        return None

    block = reader.many(read)
    if block is None:
        return None
    ended = reader.window.data[reader.window.pos - 1] == _END
    reader.skip_comments()
    return block, ended


def _rows(reader: Reader, plan: Plan, start: bytes) -> Generator[Row | Block | Fault, None, Plan]:
    """The rows behind a head; gives back the plan, which the first row may have completed."""
    window, session = reader.window, reader.session
    while True:
        if (taken := _at_once(reader, plan, start)) is not None:
            yield taken[0]
            if taken[1]:
                return plan
            continue
        plan = _with_pattern(reader, plan)
        state = "odd"
        if plan.pattern is not None and len(window.data) - window.pos <= window.limit:
            state = yield from _plain_rows(reader, plan)
        if state == "end":
            return plan
        if state == "odd":
            data, pos = window.data, window.pos
            try:
                found, end = _slow_row(session, data, pos, window.eof)
                if end - pos > window.limit:
                    raise TooLong
            except Short:
                del data
                try:
                    if not window.eof:
                        window.more()  # or learn that there is no more
                        continue
                except TooLong:
                    yield reader.too_long(plan.shape.table, "row")
                else:
                    yield reader.cut(plan.shape.table)
                    return plan
            except TooLong:
                del data
                yield reader.too_long(plan.shape.table, "row")
            else:
                raw = data[pos:end]
                del data
                if plan.width is None and isinstance(found, list):
                    plan = _with_width(reader, plan, len(found))
                if isinstance(found, Unreadable):
                    fault = reader.refused(plan.shape.table, found, pos, raw)
                    if found.reason == "unparsed":
                        yield counted(fault, reader.resync())
                        return plan
                    yield counted(fault, rows_in(raw))
                else:
                    yield _built(reader, plan, found, pos, raw)
                window.pos = end
        if not _goes_on(reader):
            if reader.was_cut:
                yield reader.cut(plan.shape.table)
            return plan


def _with_width(reader: Reader, plan: Plan, found: int) -> Plan:
    """The plan of a head whose first row has `found` values."""
    return reader.plans.of(
        (plan.key, found),
        plan.schema,
        lambda: _plan_of(reader.session, plan.shape, _width(plan.shape, found)),
    )


def _with_pattern(reader: Reader, plan: Plan) -> Plan:
    """The plan with a pattern of its rows, once there were rows enough to make one worth while."""
    width, syntax = plan.width, reader.session.syntax
    if plan.pattern is not None or not width or width > _PATTERN_WIDTH:
        return plan
    pattern = reader.plans.pattern(syntax, width)
    if pattern is None:
        return plan
    plan = plan._replace(pattern=pattern)
    reader.plans.keep(plan)
    return plan


def _plain_rows(reader: Reader, plan: Plan) -> Generator[Row | Fault, None, str]:
    """Rows while the pattern fits. "end": the statement is over; "odd": the window stands before a
    row of another kind; "behind": it stands behind a row that no comma or semicolon follows."""
    window, session = reader.window, reader.session
    assert plan.pattern is not None and plan.width is not None
    fits, convert, last = plan.pattern.match, plan.convert, plan.width + 1
    shape, simple, wide = plan.shape, plan.keep is None and not plan.numbers, window.wide
    ends = session.terminator == b";"
    while True:
        data, pos = window.data, window.pos
        match = fits(data, pos)
        if match is None or (match.end() == len(data) and not window.eof):
            return "odd"
        cells = match.groups()
        raw = data[pos : match.end(last)]
        try:
            values = tuple([turn(cell) for turn, cell in zip(convert, cells, strict=False)])
        except UnicodeDecodeError as error:
            yield reader.refused(shape.table, _encoding(session, error), pos, raw)
        except (Unreadable, ValueError, OverflowError) as error:
            yield reader.refused(shape.table, error, pos, raw)
        else:
            if simple and not wide:
                yield Row(shape, values, window.base + pos, window.line(pos), raw)
            else:
                yield _row(reader, plan, values, pos, raw)
        mark = cells[-1]
        if mark == b",":
            window.pos = match.end()
        elif mark and ends:
            window.pos = match.end()
            return "end"
        else:
            window.pos = match.end(last)
            return "behind"


def _width(shape: Shape, found: int) -> int:
    """How many values a row should have, from the first row and the columns known."""
    if shape.columns is None:
        return found
    own = sum(not (column and column.generated) for column in shape.kinds)
    return found if found in (own, len(shape.kinds)) else len(shape.kinds)


def _built(reader: Reader, plan: Plan, found: list[Literal], pos: int, raw: bytes) -> Row | Fault:
    session, kinds = reader.session, plan.shape.kinds
    if plan.width is not None and len(found) != plan.width:
        error = Unreadable("wrong_width", columns=plan.width, values=len(found))
        return reader.refused(plan.shape.table, error, pos, raw)
    if plan.keep is not None:
        found = [found[n] for n in plan.keep]
        plan = plan._replace(keep=None)
    if plan.shape.columns is None:
        kinds = (None,) * len(found)
    try:
        values = tuple(
            [coerce(kind, value, session) for kind, value in zip(kinds, found, strict=True)]
        )
    except UnicodeDecodeError as error:
        return reader.refused(plan.shape.table, _encoding(session, error), pos, raw)
    except (Unreadable, ValueError, OverflowError) as error:
        return reader.refused(plan.shape.table, error, pos, raw)
    row = _row(reader, plan, values, pos, raw)
    notes = tuple(dict.fromkeys([value.note for value in found if value.note]))
    return row._replace(notes=notes) if notes else row


def _encoding(session: Session, error: UnicodeDecodeError) -> Unreadable:
    bad = error.object[error.start : error.start + 8]
    return Unreadable("encoding", charset=session.charset, bytes=bad.hex())


def _row(reader: Reader, plan: Plan, values: tuple[Any, ...], pos: int, raw: bytes) -> Row:
    if plan.keep is not None:
        values = tuple([values[n] for n in plan.keep])
    if plan.numbers:
        values = reader.numbered(plan.shape, values)
    window = reader.window
    return Row(plan.shape, values, window.offset(pos), window.line(pos), window.raw(raw))


def _slow_row(
    session: Session, data: bytes, pos: int, eof: bool
) -> tuple[list[Literal] | Unreadable, int]:
    """(literals of the row or why not, where it ends); Short when it may go on."""
    values = Values(session, data, pos)
    try:
        if not values.is_mark(b"("):
            if not values.kind:
                raise Short
            raise Unreadable("unparsed", text=data[pos : pos + 80].decode("utf-8", "replace"))
        values.next()
        found: list[Literal] = []
        while not values.is_mark(b")"):
            found.append(values.value()[0])
            if len(found) > WIDTH:
                raise Unreadable("wrong_width", values=f"more than {WIDTH}")
            if values.is_mark(b","):
                values.next()
            elif not values.is_mark(b")"):
                if not values.kind:
                    raise Short
                raise Unreadable("expression", value=values.text[:120].decode("utf-8", "replace"))
        return found, values.at + 1
    except (Unreadable, ValueError, OverflowError) as error:
        if not eof and len(data) - values.pos < _NEAR:
            raise Short from None
        refused = (
            error if isinstance(error, Unreadable) else Unreadable("value", error=str(error)[:200])
        )
        return refused, pos if refused.reason == "unparsed" else _row_end(session, data, pos)


def _row_end(session: Session, data: bytes, pos: int) -> int:
    """Where the row ends; Short when it may go on."""
    if session.dialect in ("mysql", "postgres"):
        end = end_of_row(session, data, pos)
        if end < 0:
            raise Short
        return end
    values, depth = Values(session, data, pos), 0
    while values.kind:
        if values.is_mark(b"("):
            depth += 1
        elif values.is_mark(b")"):
            depth -= 1
            if not depth:
                return values.at + 1
        values.next()
    raise Short


def _goes_on(reader: Reader) -> bool:
    """After a row: whether another follows. Leaves the window after the comma or the end."""
    window, session = reader.window, reader.session
    window.ensure(_NEAR)
    while True:
        reader.skip_comments()
        # within a list of rows a versioned comment holds what other versions alone would read
        if session.dialect != "mysql" or not window.data.startswith(b"/*", window.pos):
            break
        window.pos += 2
        pass_to(window, b"*/")
    data, pos = window.data, window.pos
    if data.startswith(b",", pos):
        window.pos = pos + 1
        reader.skip_comments()
        return True
    if data.startswith(session.terminator, pos):
        window.pos = pos + len(session.terminator)
        reader.skip_comments()
        return False
    if pos >= len(data):
        reader.was_cut = session.dialect in ("mysql", "postgres") and reader.by_tool
        return False
    if session.dialect == "mssql" or (session.dialect == "oracle" and _AGAIN.match(data, pos)):
        return False
    reader.skip_statement()
    return False


def _defaults(reader: Reader, head: re.Match[bytes]) -> Iterator[Row | Fault]:
    """INSERT … DEFAULT VALUES."""
    window, session = reader.window, reader.session
    start, raw = window.pos, head[0]

    def make() -> Plan:
        shape = reader.shape(head[1], None)
        return _plan_of(session, shape, len(shape.kinds))

    text = (session.charset, session.declared)
    key = (head[1], None, session.syntax, session.database, text, "defaults")
    plan = reader.plans.of(key, reader.schema(head[1]), make)
    shape = plan.shape
    if shape.columns is None or len(shape.columns) > _DEFAULTS_WIDTH:
        refused = Unreadable("expression", value="DEFAULT VALUES")
        yield reader.refused(shape.table, refused, start, raw)
    else:
        yield _built(reader, plan, [Literal("word", b"DEFAULT")] * (plan.width or 0), start, raw)
    window.pos = head.end()


def _settings(reader: Reader, head: re.Match[bytes]) -> Iterator[Row | Fault]:
    """INSERT … SET a=1, b=2."""
    window, session = reader.window, reader.session
    begun = head.end() - head.start()
    text = reader.statement_text()
    if text is None:
        yield reader.cut(reader.shape(head["table"], []).table)
        return
    start = window.pos - len(text)
    pos, names, values = begun, [], []
    try:
        while match := _SETTING.match(text, pos):
            names.append(unquoted(match[1]))
            reading = Values(session, text, match.end())
            values.append(reading.value()[0])
            pos = reading.at + reading.is_mark(b",")
            if len(names) > WIDTH:
                raise Unreadable("wrong_width", values=f"more than {WIDTH}")
        raw = text[:pos]
        plan = _plan_of(session, reader.shape(head["table"], names), len(names))
        yield _built(reader, plan, values, start, raw)
    except (Unreadable, Short, ValueError, OverflowError) as error:
        refused = error if isinstance(error, Unreadable) else Unreadable("unparsed")
        name = reader.shape(head["table"], []).table
        yield reader.refused(name, refused, start, text)
