"""COPY … FROM stdin of PostgreSQL: the text form, with its options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from stages.base import Fault
from stages.errors import Unreadable
from stages.extract.sqldump import clean_copy
from stages.extract.sqldump.charset import pairs
from stages.extract.sqldump.columns import copy_converter
from stages.extract.sqldump.escapes import substituted
from stages.extract.sqldump.insert import WIDTH, Plan
from stages.extract.sqldump.lexer import NAME, NAMES, split_names
from stages.extract.sqldump.rows import Block, Row, refusal
from stages.extract.sqldump.statements import pass_copy_row
from stages.extract.sqldump.window import TooLong

if TYPE_CHECKING:
    from stages.extract.sqldump.reader import Reader

HEAD = re.compile(
    rb"(?is)COPY\s+(?P<table>" + NAMES + rb")\s*(?P<columns>\(\s*(?:" + NAME
    + rb"(?:\s*,\s*" + NAME + rb")*+)?\s*\))?\s*FROM\s+STDIN\b"
    rb"(?P<options>(?:[^;']++|'(?:[^']|'')*+')*+);[ \t]*+\r?(?:\n|\Z)"
)  # fmt: skip
_LONG = 1 << 16  # where memory is looked after, not only time
_DELIMITER = re.compile(rb"(?is)\bDELIMITERS?\s+(?:AS\s+)?E?'(\\?.)'")
_NULL = re.compile(rb"(?is)\bNULL\s+(?:AS\s+)?E?'((?:[^']|'')*)'")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def _unescape(data: bytes) -> bytes:
    def one(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes([int(match[1], 8) & 255])
        if match[2]:
            return bytes([int(match[2], 16)])
        return _LETTERS.get(match[3], match[3])

    return substituted(_ESCAPE, one, data)


def _open(field: bytes) -> bool:
    """Whether a field ends in a backslash that takes the delimiter into the data."""
    return _backslashes(field, 0, len(field)) % 2 == 1


def _backslashes(data: bytes, start: int, end: int) -> int:
    """How many backslashes stand before `end`."""
    at = end
    while at > start and data[at - 1] == 92:
        at -= 1
    return end - at


def _end(data: bytes, start: int, scanned: int, paired: bool) -> tuple[int, int]:
    """(index of the newline that ends the row, or -1; from where to look on when more is read)."""
    at = scanned
    while True:
        end = data.find(b"\n", at)
        if end < 0 or paired or data[end - 1 : end] != b"\\":
            return end, max(at, len(data) - 1)
        # a backslash takes the newline into the data; one alone on its line does not
        if _backslashes(data, start, end) % 2 == 0 or end - start == 1:
            return end, end
        at = end + 1


def copy(reader: Reader) -> Iterator[Row | Block | Fault] | None:
    """The rows of the COPY statement at the window's position; None when it is no COPY of data."""
    head = HEAD.match(reader.window.data, reader.window.pos)
    if head is None:
        return None
    return _rows(reader, head)


def _rows(reader: Reader, head: re.Match[bytes]) -> Iterator[Row | Block | Fault]:
    window, session = reader.window, reader.session
    columns = split_names(head["columns"][1:-1]) if head["columns"] is not None else None

    def make() -> Plan:
        shape = reader.shape(head["table"], columns)
        convert = [copy_converter(kind, session) for kind in shape.kinds]
        return Plan(shape, None, None, convert, None, False)

    key = ("copy", head["table"], head["columns"], session.database, session.charset)
    plan = reader.plans.of(key, reader.schema(head["table"]), make)
    shape, convert = plan.shape, plan.convert
    options = head["options"]
    delimiter = match[1][-1:] if (match := _DELIMITER.search(options)) else b"\t"
    if match and match[1] == rb"\t":
        delimiter = b"\t"
    null = match[1].replace(rb"\\", b"\\") if (match := _NULL.search(options)) else rb"\N"
    if re.search(rb"(?i)\bCSV\b|\bBINARY\b", options):
        yield refusal(
            shape.table, "unparsed", {"options": options.strip().decode("utf-8", "replace")},
            window.offset(window.pos), window.line(window.pos), head[0],
        )  # fmt: skip
        shape = None  # type: ignore[assignment]
    window.pos = head.end()
    width = len(shape.kinds) if shape and (shape.columns is not None) else None
    recode = not session.declared or session.charset not in ("UTF8", "UNICODE", "SQL_ASCII")
    paired = pairs(session.charset.lower()) is not None
    limit = window.limit
    quick = (
        reader.at_once is not None
        and shape is not None
        and clean_copy.suits(session, shape, delimiter, null)
        and reader.at_once(shape)
    )
    scanned = 0  # bytes of the row that hold no end
    while True:
        if quick and shape is not None and not scanned:
            block = reader.many(partial(clean_copy.rows, reader, shape))
            if block is not None:
                yield block
                del block
                continue
        data, start = window.data, window.pos
        end, looked = data.find(b"\n", start + scanned), start
        if end < 0 or data[end - 1] == 92:
            end, looked = _end(data, start, start + scanned, paired)
        if end < 0 or end - start > limit:
            del data
            scanned = looked - window.pos
            try:
                if end >= 0:
                    raise TooLong
                if window.more():
                    continue
            except TooLong:
                yield _too_long(reader, shape.table if shape else None, paired)
                scanned = 0
                continue
            if window.data[window.pos :].strip() == rb"\.":
                window.pos = len(window.data)
                return
            yield reader.cut(shape.table if shape else None)
            return
        scanned = 0
        line = data[start:end]
        del data
        window.pos = end + 1
        text = line[:-1] if line.endswith(b"\r") else line
        if text == rb"\.":
            return
        if shape is None:
            continue
        offset, number = window.offset(start), window.line(start)
        if end - start > _LONG:
            window.release()
        try:
            if recode and (session.decode is None or not text.isascii()):
                if session.decode is None:
                    raise Unreadable("encoding", charset=session.charset)
                text = session.decode(text).encode()
            found = text.count(delimiter) + 1
            if len(text) > _LONG and (found := text.count(delimiter) + 1) > WIDTH:
                raise Unreadable("wrong_width", columns=width, values=found)
            fields: list[bytes] = text.split(delimiter)
            if not text and (width == 0 or (width is None and columns is None)):
                width, fields = 0, []  # pg_dump leaves the list out for a table without columns
            if b"\\" in text:
                fields = _joined(fields, delimiter)
            if width is None:
                width = len(fields)
                convert = [copy_converter(None, session)] * width
            if len(fields) != width or width > WIDTH:
                raise Unreadable("wrong_width", columns=width, values=len(fields))
            values: tuple[Any, ...] = tuple(
                None if field == null else turn(_unescape(field) if b"\\" in field else field)
                for turn, field in zip(convert, fields, strict=True)
            )
        except UnicodeDecodeError as error:
            refused = Unreadable("encoding", charset=session.charset, at=error.start)
        except Unreadable as error:
            refused = error
        except ValueError as error:
            refused = Unreadable("value", error=str(error)[:200])
        else:
            del text, fields
            yield Row(shape, values, offset, number, line)
            del values
            continue
        yield refusal(shape.table, refused.reason, dict(refused.evidence), offset, number, line)


def _too_long(reader: Reader, table: str | None, paired: bool) -> Fault:
    window = reader.window
    shown = window.data[window.pos : window.pos + 4096]
    offset, line, begun = window.offset(window.pos), window.line(window.pos), window.start
    ended = pass_copy_row(window, paired)
    evidence = {"limit": window.limit, "bytes": window.start - begun, "of": "row"}
    if not ended:
        evidence["ended"] = False
    return refusal(table, "too_long", evidence, offset, line, shown)


def _joined(fields: list[bytes], delimiter: bytes) -> list[bytes]:
    """Fields that were cut at an escaped delimiter, put together again."""
    if not any(_open(field) for field in fields[:-1]):
        return fields
    out: list[bytes] = []
    held: list[bytes] = []
    for field in fields:
        held.append(field)
        if not _open(field):
            out.append(delimiter.join(held))
            held = []
    return [*out, delimiter.join([*held, b""])] if held else out
