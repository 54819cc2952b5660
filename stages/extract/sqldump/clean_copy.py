"""Rows of COPY array-wise, while they are as pg_dump writes them: the quick way.

Tabs and newlines are data only behind a backslash, so what lies between them is a field; a row in
which one is escaped, or any byte by its number, is left to the reader of single rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from stages.arrays import Cells, Numbers
from stages.extract.slices import (
    Bytes,
    Flags,
    Longer,
    Slices,
    Unusual,
    before_bad,
    float_texts,
    places_of,
    whole_numbers,
)
from stages.extract.sqldump.clean import block_of, is_utf8
from stages.extract.sqldump.rows import Block, Shape
from stages.extract.sqldump.schema import Column

if TYPE_CHECKING:
    from stages.extract.sqldump.dialect import Session
    from stages.extract.sqldump.reader import Reader

_TAB, _FEED, _RETURN, _BACKSLASH, _N, _DOT = b"\t\n\r\\N."
_LETTERS = np.arange(256, dtype=np.uint8)
for _letter, _byte in zip(b"bfnrtv", b"\b\f\n\r\t\v", strict=True):
    _LETTERS[_letter] = _byte
# An escape by number, or of what ends a field or a row.
_ODD = np.zeros(256, np.bool_)
_ODD[list(b"01234567x\t\n\r")] = True
_WIDTH = 1600  # columns of a table of PostgreSQL


def suits(session: Session, shape: Shape, delimiter: bytes, null: bytes) -> bool:
    """Whether rows of a table may be read so."""
    return (
        shape.columns is not None
        and 0 < len(shape.columns) <= _WIDTH
        and (delimiter, null) == (b"\t", rb"\N")
        and is_utf8(session)
        and all(column is None or column.kind != "bytes" for column in shape.kinds)
    )


def rows(reader: Reader, shape: Shape, size: int) -> tuple[Block, bool] | None:
    """The rows of a region that begins at the window's position, and whether the next is unusual;
    goes behind them. None where the first is. Raises Longer where none ends."""
    window, width = reader.window, len(shape.kinds)
    data = np.frombuffer(window.data, np.uint8)[window.pos : window.pos + size]
    found = places_of(data, _TAB, _FEED)
    number = len(found) // width
    if not number:
        raise Longer
    whole, marks = number, found[: number * width].reshape(number, width)
    good = (data[marks] == np.array([_TAB] * (width - 1) + [_FEED], np.uint8)).all(axis=1)
    begins = np.empty((number, width), np.int64)
    begins[:, 1:] = marks[:, :-1] + 1
    begins[0, 0], begins[1:, 0] = 0, marks[:-1, -1] + 1
    escapes = _escapes(data[: int(marks[-1, -1]) + 1])
    odd = escapes[_ODD[data[escapes + 1]]]
    good[np.searchsorted(marks[:, -1], odd)] = False
    last = marks[:, -1]
    good &= (data[last - 1] != _RETURN) & (last > begins[:, 0])
    short = (data[begins] == _BACKSLASH) & (marks - begins == 2)
    null = short.copy()
    behind = data[begins[short] + 1]
    null[short] = behind == _N
    short[short] = behind == _DOT
    good &= ~short.any(axis=1)
    number = before_bad(good)
    if not number:
        return None
    marks, begins, null = marks[:number], begins[:number], null[:number]
    end = int(marks[-1, -1]) + 1
    if int((marks[:, -1] - begins[:, 0]).max()) > window.limit:
        return None
    cells = _columns(data[:end], escapes[escapes < end], shape, begins, marks, null)
    if cells is None:
        return None
    return block_of(reader, shape, cells, begins[:, 0], marks[:, -1], end), number < whole


def _escapes(data: Bytes) -> Numbers:
    """The backslashes that escape the byte behind them."""
    slashes = places_of(data, _BACKSLASH)
    begin = np.ones(len(slashes), np.bool_)
    begin[1:] = slashes[1:] != slashes[:-1] + 1
    index = np.arange(len(slashes))
    run = np.maximum.accumulate(np.where(begin, index, 0))
    escapes: Numbers = slashes[((index - run) & 1) == 0]
    return escapes


def _columns(
    data: Bytes, escapes: Numbers, shape: Shape, begins: Numbers, ends: Numbers, null: Flags
) -> list[Cells] | None:
    if len(escapes):
        data = data.copy()
        data[escapes + 1] = _LETTERS[data[escapes + 1]]
    slices = Slices(data, escapes)
    try:
        return [
            _cells(column, slices.texts(begins[:, at], ends[:, at], null[:, at]))
            for at, column in enumerate(shape.kinds)
        ]
    except Unusual:
        return None


def _cells(column: Column | None, texts: Any) -> Cells:
    """The values of a column; Unusual where one is not plain."""
    kind = column.kind if column is not None else None
    if kind == "int":
        whole_numbers(texts)
        return Cells(texts, True)
    if kind == "float":
        return Cells(float_texts(texts), True)
    if kind == "bool":
        true = pc.equal(texts, "t")
        if pc.all(pc.or_(true, pc.equal(texts, "f"))).as_py() is False:
            raise Unusual
        return Cells(pc.if_else(true, "true", "false"), True)
    return Cells(texts)
