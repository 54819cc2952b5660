"""COPY … FROM stdin of PostgreSQL: the text form, with its options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from stages.extract.sqldump.charset import pairs
from stages.extract.sqldump.columns import copy_converter
from stages.extract.sqldump.lexer import NAME, NAMES, split_names
from stages.extract.sqldump.literals import Refused
from stages.extract.sqldump.rows import Refusal, Row

if TYPE_CHECKING:
    from stages.extract.sqldump.reader import Reader

_HEAD = re.compile(
    rb"(?is)COPY\s+(?P<table>" + NAMES + rb")\s*(?P<columns>\(\s*(?:" + NAME
    + rb"(?:\s*,\s*" + NAME + rb")*+)?\s*\))?\s*FROM\s+STDIN\b"
    rb"(?P<options>(?:[^;']++|'(?:[^']|'')*+')*+);[ \t]*+\r?(?:\n|\Z)"
)  # fmt: skip
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

    return _ESCAPE.sub(one, data)


def _open(line: bytes) -> bool:
    """Whether a line ends in a backslash that takes the newline into the data."""
    return (len(line) - len(line.rstrip(b"\\"))) % 2 == 1


def copy(reader: Reader) -> Iterator[Row | Refusal] | None:
    """The rows of the COPY statement at the window's position; None when it is no COPY of data."""
    head = _HEAD.match(reader.window.data, reader.window.pos)
    if head is None:
        return None
    return _rows(reader, head)


def _rows(reader: Reader, head: re.Match[bytes]) -> Iterator[Row | Refusal]:
    window, session = reader.window, reader.session
    columns = split_names(head["columns"][1:-1]) if head["columns"] is not None else None
    shape = reader.shape(head["table"], columns)
    options = head["options"]
    delimiter = match[1][-1:] if (match := _DELIMITER.search(options)) else b"\t"
    if match and match[1] == rb"\t":
        delimiter = b"\t"
    null = match[1].replace(rb"\\", b"\\") if (match := _NULL.search(options)) else rb"\N"
    if re.search(rb"(?i)\bCSV\b|\bBINARY\b", options):
        yield Refusal(
            shape.table, "unparsed", {"options": options.strip().decode("utf-8", "replace")},
            window.offset(window.pos), window.line(window.pos), head[0],
        )  # fmt: skip
        shape = None  # type: ignore[assignment]
    window.pos = head.end()
    width = len(shape.kinds) if shape and (shape.columns is not None) else None
    convert = [copy_converter(kind, session) for kind in shape.kinds] if shape else []
    wide = session.decode if session.charset not in ("UTF8", "UNICODE", "SQL_ASCII") else None
    recode = wide is not None
    paired = pairs(session.charset.lower()) is not None
    while True:
        end = window.data.find(b"\n", window.pos)
        if end < 0:
            if window.more():
                continue
            if window.data[window.pos :].strip() == rb"\.":
                window.pos = len(window.data)
                return
            yield reader.cut(shape.table if shape else None)
            return
        data, start = window.data, window.pos
        line = data[start:end]
        while not paired and line.endswith(b"\\") and _open(line) and line != b"\\":
            following = data.find(b"\n", end + 1)
            if following < 0:
                break
            end = following
            line = data[start:end]
        if following_needed(line, paired) and window.more():
            continue
        window.pos = end + 1
        text = line[:-1] if line.endswith(b"\r") else line
        if text == rb"\.":
            return
        if shape is None:
            continue
        offset, number = window.offset(start), window.line(start)
        try:
            if recode:
                if session.decode is None:
                    raise Refused("encoding", charset=session.charset)
                text = session.decode(text).encode()
            fields: list[bytes] = text.split(delimiter)
            if not text and (width == 0 or (width is None and columns is None)):
                width, fields = 0, []  # pg_dump leaves the list out for a table without columns
            if b"\\" in text:
                fields = _joined(fields, delimiter)
            if width is None:
                width = len(fields)
                convert = [copy_converter(None, session)] * width
            if len(fields) != width:
                raise Refused("wrong_width", columns=width, values=len(fields))
            values: tuple[Any, ...] = tuple(
                None if field == null else turn(_unescape(field) if b"\\" in field else field)
                for turn, field in zip(convert, fields, strict=True)
            )
        except UnicodeDecodeError as error:
            yield Refusal(shape.table, "encoding", {"charset": session.charset, "at": error.start},
                          offset, number, line)  # fmt: skip
        except Refused as error:
            yield Refusal(shape.table, error.reason, dict(error.evidence), offset, number, line)
        else:
            yield Row(shape, values, offset, number, line)


def following_needed(line: bytes, paired: bool) -> bool:
    """Whether the line goes on after the newline and its rest has not been read."""
    return not paired and line.endswith(b"\\") and line != b"\\" and _open(line)


def _joined(fields: list[bytes], delimiter: bytes) -> list[bytes]:
    """Fields that were cut at an escaped delimiter, put together again."""
    if not any(_open(field) for field in fields[:-1]):
        return fields
    out: list[bytes] = []
    held = b""
    for field in fields:
        held += field
        if _open(field):
            held += delimiter
        else:
            out.append(held)
            held = b""
    return [*out, held] if held else out
