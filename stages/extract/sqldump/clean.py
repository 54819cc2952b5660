"""Rows of INSERT array-wise, while they are as the dumping tools write them: the quick way.

Quotes and backslashes are found in a whole region; which backslashes escape is told by the parity
of their runs, which quotes begin a string by that of the quotes. Only what stands outside of
strings is looked at for the marks of rows, which must come in one order. What is taken is the rows
up to the first that differs in anything; that one is left to the reader of single rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.arrays import Cells, Numbers
from stages.extract.slices import (
    Bytes,
    Flags,
    Longer,
    Slices,
    Unusual,
    before_bad,
    check_decimals,
    float_texts,
    outside,
    places_of,
    quoted,
    some,
    whole_numbers,
)
from stages.extract.sqldump.charset import decoder, undeclared
from stages.extract.sqldump.rows import Block, Shape
from stages.extract.sqldump.schema import Column

if TYPE_CHECKING:
    from stages.extract.sqldump.dialect import Session
    from stages.extract.sqldump.insert import Plan
    from stages.extract.sqldump.reader import Reader

_QUOTE, _BACKSLASH, _OPEN, _CLOSE, _COMMA, _END = b"'\\(),;"
_MARKS = (_OPEN, _CLOSE, _COMMA, _END)
_NULL = np.frombuffer(b"NULL", np.uint8)
_LETTERS = np.arange(256, dtype=np.uint8)
for _letter, _byte in zip(b"0bnrtZ", b"\0\b\n\r\t\x1a", strict=True):
    _LETTERS[_letter] = _byte
_DIGITS = np.zeros(256, np.bool_)
_DIGITS[list(b"-0123456789")] = True
_TEXTS = ("text", "time", "sqlite_text", "decimal")
_KINDS = (*_TEXTS, "int", "float", "any", "sqlite_int", "sqlite_numeric", "sqlite_real")
_NONE: Numbers = np.empty(0, np.int64)
_HEAD = 4096  # bytes of the head of a statement
_WIDTH = 512


def suits(session: Session, plan: Plan, start: bytes) -> bool:
    """Whether rows of a plan, behind a head, may be read so."""
    kinds = [_kind(column, session) for column in plan.shape.kinds]
    return (
        session.dialect in ("mysql", "postgres", "sqlite")
        and session.terminator == b";"
        and (session.dialect == "mysql" or not session.backslash)
        and is_utf8(session)
        and b"'" not in start
        and len(start) < _HEAD
        and plan.keep is None
        and plan.shape.columns is not None
        and 0 < len(plan.shape.columns) <= _WIDTH
        and len(plan.shape.columns) == plan.width
        and all(kind is None or kind in _KINDS for kind in kinds)
    )


def is_utf8(session: Session) -> bool:
    """Whether texts that are UTF-8 are read as that."""
    return session.decode in (undeclared, decoder("utf8"))


def _kind(column: Column | None, session: Session) -> str | None:
    if column is not None:
        return column.kind
    return "any" if session.dialect == "sqlite" else None


def rows(reader: Reader, plan: Plan, start: bytes, size: int) -> tuple[Block, bool] | None:
    """The rows of a region that begins at the window's position, and whether the next is unusual;
    goes behind them. None where the first is. start: the head of the statement, which may come
    again. Raises Longer where no row ends."""
    window, session = reader.window, reader.session
    data = np.frombuffer(window.data, np.uint8)[window.pos : window.pos + size]
    taken = _found(data, session, plan, start)
    if taken is None:
        return None
    found, columns = taken
    try:
        cells = [
            _cells(_kind(kind, session), column, found, at)
            for at, (kind, column) in enumerate(zip(plan.shape.kinds, columns, strict=True))
        ]
        if plan.numbers:
            _number(reader, plan.shape, cells)
    except Unusual:
        return None
    end = int(found.marks[-1, -1]) + 1
    begins, ends = found.marks[:, 0], found.marks[:, -2] + 1
    if int((ends - begins).max()) > window.limit:
        return None
    return block_of(reader, plan.shape, cells, begins, ends, end), found.unusual


def block_of(
    reader: Reader, shape: Shape, cells: list[Cells], begins: Numbers, ends: Numbers, size: int
) -> Block:
    """Rows in the `size` bytes at the window's position; goes behind them."""
    window = reader.window
    data = memoryview(window.data)[window.pos : window.pos + size]
    feeds = places_of(np.frombuffer(data, np.uint8), 10)
    lines = np.searchsorted(feeds, begins) + window.line(window.pos)
    block = Block(shape, cells, data, begins, ends, window.start, lines)
    window.advance(size, len(feeds))
    return block


class _Found(NamedTuple):
    """Rows of a region. marks: places of the marks of each: what opens it, the commas, what closes
    it, what follows; string, null: cells that are one; unusual: whether the next row is."""

    marks: Numbers
    string: Flags
    null: Flags
    unusual: bool


def _found(
    data: Bytes, session: Session, plan: Plan, start: bytes
) -> tuple[_Found, list[Any]] | None:
    width = plan.width or 0
    places = places_of(data, *_MARKS, _QUOTE, *([_BACKSLASH] if session.backslash else []))
    kinds = data[places]
    quotes, escapes = _unescaped_quotes(places, kinds)
    strings = quoted(places[quotes])
    which = outside(quotes) & (kinds != _QUOTE) & (kinds != _BACKSLASH)
    marks, kinds = _without_heads(places[which], kinds[which], start)
    number = len(marks) // (width + 2)
    if not number:
        raise Longer
    if marks[0] != 0:
        return None
    whole, marks = number, marks[: number * (width + 2)].reshape(number, width + 2)
    kinds = kinds[: number * (width + 2)].reshape(number, width + 2)
    wanted = np.array([_OPEN, *[_COMMA] * (width - 1), _CLOSE], np.uint8)
    good = (kinds[:, :-1] == wanted).all(axis=1)
    good &= ((kinds[:, -1] == _COMMA) | (kinds[:, -1] == _END)) & (marks[:, -1] - marks[:, -2] == 1)
    number = before_bad(good)
    number = min(number, _following(data, marks[:number], kinds[:number], start))
    if not number:
        return None
    marks = marks[:number]
    begins, ends = marks[:, :width] + 1, marks[:, 1 : width + 1]
    begins += data[begins] == 32
    first = data[begins]
    string = first == _QUOTE
    good = strings.are_whole(string, begins, ends)
    null = (first == _NULL[0]) & (ends - begins == 4)
    if null.any():
        at = begins[null]
        null[null] = (data[at + 1] == _NULL[1]) & (data[at + 2] == 76) & (data[at + 3] == 76)
    good &= (string | null | _DIGITS[first]).all(axis=1)
    number = before_bad(good)
    if not number:
        return None
    found = _Found(marks[:number], string[:number], null[:number], number < whole)
    end = int(marks[number - 1, -1]) + 1
    doubled = strings.doubled[strings.doubled < end]
    left_out, data = _unescaped(data[:end], escapes[escapes < end], doubled)
    slices = Slices(data, left_out)
    begins, ends = begins[:number] + found.string, ends[:number] - found.string
    try:
        return found, [
            slices.texts(begins[:, at], ends[:, at], found.null[:, at]) for at in range(width)
        ]
    except Unusual:
        return None


def _unescaped_quotes(places: Numbers, kinds: Bytes) -> tuple[Flags, Numbers]:
    """(which of some places are quotes that no backslash escapes, the backslashes that escape)."""
    slash, quote = kinds == _BACKSLASH, kinds == _QUOTE
    if not slash.any():
        return quote, _NONE
    next_to = np.zeros(len(places), np.bool_)
    next_to[1:] = places[1:] == places[:-1] + 1
    begin = slash.copy()
    begin[1:] &= ~(next_to[1:] & slash[:-1])
    index = np.arange(len(places))
    run = np.maximum.accumulate(np.where(begin, index, 0))
    escaping = slash & (((index - run) & 1) == 0)
    escaped = next_to
    escaped[1:] &= escaping[:-1]
    return quote & ~escaped, places[escaping]


def _without_heads(places: Numbers, kinds: Bytes, start: bytes) -> tuple[Numbers, Bytes]:
    """The marks outside of strings without those of the heads of statements behind a semicolon."""
    of_head = sum(start.count(mark) for mark in (b"(", b",", b")"))
    if of_head:
        heads = np.flatnonzero(kinds == _END)[:, None] + 1 + np.arange(of_head)
        keep = np.ones(len(kinds), np.bool_)
        keep[heads[heads < len(kinds)]] = False
        places, kinds = places[keep], kinds[keep]
    return places, kinds


def _following(data: Bytes, marks: Numbers, kinds: Bytes, start: bytes) -> int:
    """How many rows, from the first on, stand where a row should: behind a comma and at most a
    blank, or behind the head of a statement."""
    if len(marks) < 2:
        return len(marks)
    before, begin = marks[:-1, -1], marks[1:, 0]
    gap = begin - before - 1
    blank = (data[before + 1] == 10) | (data[before + 1] == 32)
    good = (gap == 0) | ((gap == 1) & blank)
    ends = np.flatnonzero(kinds[:-1, -1] == _END)
    if len(ends):
        head = np.frombuffer(b"\n" + start, np.uint8)
        fits = gap[ends] == len(head)
        at = np.where(fits, before[ends] + 1, 0)
        good[ends] = fits & (data[at[:, None] + np.arange(len(head))] == head).all(axis=1)
    return 1 + before_bad(good)


def _unescaped(data: Bytes, escapes: Numbers, doubled: Numbers) -> tuple[Numbers, Bytes]:
    """(places of bytes that are left out, the bytes with letters behind a backslash replaced)."""
    if len(escapes):
        letters = data[escapes + 1]
        escapes = escapes[(letters != 37) & (letters != 95)]  # \% and \_ stay as they are
        data = data.copy()
        data[escapes + 1] = _LETTERS[data[escapes + 1]]
    if not len(doubled):
        return escapes, data
    return np.sort(np.concatenate((escapes, doubled)), kind="stable"), data


# --- values -------------------------------------------------------------------------------------


def _cells(kind: str | None, texts: Any, found: _Found, at: int) -> Cells:
    """The values of a column; Unusual where one is not plain."""
    string, null = found.string[:, at], found.null[:, at]
    if string.all() or not (bare := ~string & ~null).any():
        if kind not in (*_TEXTS, "any", None) and string.any():
            raise Unusual
        return Cells(texts)
    if kind in _TEXTS:  # numbers as they are written
        check_decimals(some(texts, bare))
        return Cells(texts)
    if kind in ("float", "sqlite_real"):
        if string.any():
            raise Unusual
        return Cells(float_texts(texts), True)
    if not string.any():
        whole_numbers(texts)
        return Cells(texts, True)
    if kind not in ("any", None):
        raise Unusual
    whole_numbers(some(texts, bare))
    return Cells(texts, pa.array(bare))


def _number(reader: Reader, shape: Shape, cells: list[Cells]) -> None:
    """Note the numbers of columns that number themselves; Unusual where one is to be made."""
    for column, values in zip(shape.kinds, cells, strict=True):
        if column is None or not column.auto:
            continue
        if values.bare is not True or values.text.null_count:
            raise Unusual
        numbers = values.text.cast(pa.int64())
        bounds = pc.min_max(numbers).as_py()
        if reader.zero_is_next and pc.any(pc.equal(numbers, 0)).as_py():
            raise Unusual
        reader.note_number(shape.table, bounds["max"])
