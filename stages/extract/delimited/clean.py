"""Rows of CSV array-wise, while each quote stands around a whole field: the quick way.

What is taken of a region is the rows up to the first that differs in anything from what every
reader agrees on; that one is left to the careful way (`table`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.arrays import Cells, Numbers
from stages.extract.delimited.cells import Dialect
from stages.extract.jsontext.lines import LINE_BYTES
from stages.extract.slices import (
    Bytes,
    Flags,
    Longer,
    Quoted,
    Slices,
    Unusual,
    before_bad,
    outside,
    places_of,
    quoted,
)

_FEED, _RETURN, _MARK = 10, 13, 0xEF
# A row of more lines is a quote that was never closed; longest seen: 1,160.
OPEN_LINES = 20_000
_BYTES = LINE_BYTES - 4096  # of a row about as long as one may be the careful way judges
_WIDTH = 1024


class Block(NamedTuple):
    """Many rows at once: their cells, a column each. data: a piece of the file that begins at an
    offset; row i lies in it from begins[i] to ends[i], without the row end, on a line."""

    cells: list[Cells]
    data: bytes
    begins: Numbers
    ends: Numbers
    offset: int
    lines: Numbers


def suits(dialect: Dialect, charset: str, width: int) -> bool:
    """Whether rows of `width` fields in a dialect may be read so."""
    marks = dialect.delimiter + dialect.quote
    return (
        charset == "utf-8"
        and marks.isascii()
        and len(dialect.delimiter) == 1
        and not (dialect.escape or dialect.nulls or dialect.verbatim or dialect.letters)
        and dialect.end == "\n"
        and width == dialect.width
        and 0 < width <= _WIDTH
    )


def rows(
    region: bytes,
    dialect: Dialect,
    names: Sequence[str | None] | None,
    null: str | None,
    offset: int,
    line: int,
) -> tuple[Block, int, int, bool] | None:
    """The rows of a region that begins with one, at an offset and on a line; how many bytes and
    lines they are, and whether the next is unusual. None where the first is. names: the header,
    which is no row where it comes again. null: what stands for no value. Raises Longer where none
    ends, though one may."""
    data, width = np.frombuffer(region, np.uint8), dialect.width
    if b"\0" in region:
        return None
    quote, delimiter = dialect.quote.encode(), ord(dialect.delimiter)
    places = places_of(data, delimiter, _FEED, *quote)
    kinds = data[places]
    feeds, delimiters = places[kinds == _FEED], places[kinds == delimiter]
    which = kinds == (quote[0] if quote else 0)
    strings = quoted(places[which])
    which = outside(which) & ~which
    marks, kinds = places[which], kinds[which]
    number = len(marks) // width
    if not number:
        if len(feeds) < OPEN_LINES and len(data) < LINE_BYTES:
            raise Longer
        return None
    whole, table = number, marks[: number * width].reshape(number, width)
    wanted = np.array([delimiter] * (width - 1) + [_FEED], np.uint8)
    number = before_bad((kinds[: number * width].reshape(number, width) == wanted).all(axis=1))
    if not number:
        return None
    table = table[:number]
    begins = np.empty((number, width), np.int64)
    begins[:, 1:] = table[:, :-1] + 1
    begins[0, 0], begins[1:, 0] = 0, table[:-1, -1] + 1
    ends = table.copy()
    ends[:, -1] -= (data[table[:, -1] - 1] == _RETURN) & (table[:, -1] > begins[:, -1])
    string = np.zeros((number, width), np.bool_)
    if quote:
        string = (data[begins] == quote[0]) & (ends > begins)
    first = np.searchsorted(feeds, begins[:, 0])
    good = _usual(data, begins, ends, string, strings)
    several = np.searchsorted(feeds, table[:, -1]) - first
    good &= several < OPEN_LINES
    if (several > 0).any():
        good &= (several == 0) | ~_swallowing(data, begins, ends, dialect, several + 1, delimiters)
    number = before_bad(good)
    if not number:
        return None
    end = int(table[number - 1, -1]) + 1
    try:
        texts = _texts(data[:end], begins[:number], ends[:number], string[:number], strings)
    except Unusual:
        return None
    if names is not None and (again := _equal(texts, names, null)).any():
        number = int(again.argmax())
        if not number:
            return None
        end = int(table[number - 1, -1]) + 1
        texts = [column.slice(0, number) for column in texts]
    if null is not None:
        texts = [pc.if_else(pc.equal(column, null), None, column) for column in texts]
    lines = first[:number] + line
    cells = [Cells(column) for column in texts]
    block = Block(cells, region, begins[:number, 0], ends[:number, -1], offset, lines)
    return block, end, int(np.searchsorted(feeds, end)), number < whole


def _usual(
    data: Bytes,
    begins: Numbers,
    ends: Numbers,
    string: Flags,
    strings: Quoted,
) -> Flags:
    """Which rows have quotes around whole fields alone, no mark of another file, and some bytes,
    though not too many."""
    last = ends[:, -1]
    good = strings.are_whole(string, begins, ends)
    # a quote within a field that has none around it
    good &= np.searchsorted(strings.opens, last) == np.cumsum(string.sum(axis=1))
    size = last - begins[:, 0]
    good &= (size > 0) & (size < _BYTES) & (data[begins[:, 0]] != _MARK)
    good &= data[last - 1] != _RETURN  # of which some readers make no text
    return good


def _swallowing(
    data: Bytes, begins: Numbers, ends: Numbers, dialect: Dialect, lines: Numbers, marks: Numbers
) -> Flags:
    """Which rows, each of so many lines, may be lines that a quote took in: see `swallowed`.
    marks: the delimiters, those in quotes, too."""
    width, first, last = begins.shape[1], begins[:, 0], ends[:, -1]
    found: Flags = np.searchsorted(marks, last) - np.searchsorted(marks, first) == (
        lines * (width - 1)
    )
    for row in np.flatnonzero(found & (lines > 1)).tolist():
        begun, *more = data[first[row] : last[row]].tobytes().decode("utf-8", "replace").split("\n")
        found[row] = swallowed([begun.removesuffix("\r"), *more], dialect, width)
    return found


def swallowed(lines: Sequence[str], dialect: Dialect, width: int) -> bool:
    """Whether a quote took in lines each of which has as many delimiters as a row: in tables that
    are cut by tabs, and in others where a quote stands alone between two of them."""
    mark = dialect.delimiter[:1]
    if not dialect.quote or width < 2 or any(line.count(mark) != width - 1 for line in lines):
        return False
    return mark == "\t" or dialect.quote in lines[0].split(mark)


def _texts(
    data: Bytes, begins: Numbers, ends: Numbers, string: Flags, strings: Quoted
) -> list[pa.Array]:
    slices = Slices(data, strings.doubled[strings.doubled < len(data)])
    begins, ends = begins + string, ends - string
    return [slices.texts(begins[:, at], ends[:, at]) for at in range(begins.shape[1])]


def _equal(columns: Sequence[pa.Array], names: Sequence[str | None], null: str | None) -> Flags:
    """Which rows are equal to the header, in which None stands for what is no value."""
    found = np.ones(len(columns[0]), np.bool_)
    for column, name in zip(columns, names, strict=True):
        found &= np.asarray(pc.equal(column, null if name is None else name), np.bool_)
        if not found.any():
            break
    return found
