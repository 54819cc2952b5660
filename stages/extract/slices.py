"""Cells cut out of a buffer array-wise: strings between quotes, bytes of which some are left out.

What the quick ways of dumps and CSV share: which regions are tried, where quotes open and close,
texts as an Arrow array, numbers whose text is that of their value.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.arrays import Numbers

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
# What Python writes with as many digits, so that the text of a float is the text of its value.
_FLOAT = r"^-?(0|[1-9][0-9]*)\.([0-9]*[1-9]|0)$"
_WHOLE = r"^-?(0|[1-9][0-9]{0,14})$"
_FLOAT_CHARS, _SMALL = 16, r"^-?0\.0000"


_LEAST, _REACH, _MOST = 1 << 13, 1 << 16, 1 << 21  # bytes of a region: tried, at first, at most
_CELLS = 1 << 17  # of a region: each takes some hundred bytes while it is cut out
_LOOKED_AT = 1 << 18  # bytes that are compared at once


class Reach:
    """How large a region is tried at once, and where none is: behind one that was left early, for
    longer each time."""

    def __init__(self) -> None:
        self._size, self._failed, self._until, self._long = _REACH, 0, 0, 0

    def wanted(self, start: int) -> int:
        """Bytes that are to be there for a region that begins at a place of the file; 0: none."""
        return self._size if start >= self._until else 0

    @staticmethod
    def enough(there: int) -> bool:
        """Whether so many bytes are worth a try."""
        return there >= _LEAST

    def longer(self, start: int, size: int) -> int:
        """Bytes of a region in which a row may end that does not in so many; 0: no more are tried.

        What was looked at in vain is not looked at for another row's end.
        """
        return size + size // 2 if start >= self._long else 0

    def learn(self, start: int, size: int, taken: int, cells: int, unusual: bool) -> None:
        """What became of a region: how many of its bytes were taken, as so many cells, and whether
        the row behind them is unusual."""
        if size > self._size and not taken:
            self._long, self._until = start + size, start + 1
        elif not taken or (unusual and 4 * taken < max(size, _REACH)):
            self._failed = min(self._failed + 1, 8)
            self._size = max(self._size // 2, _REACH)
            self._until = start + taken + (1 if self._failed == 1 else _REACH << self._failed >> 3)
        else:
            self._failed = 0
            if unusual:  # go behind it first
                self._until = start + taken + 1
            if cells > _CELLS:
                self._size = max(self._size // 2, _REACH)
            elif 2 * taken >= size and 2 * cells <= _CELLS:
                self._size = min(2 * size, _MOST)


class Unusual(Exception):
    """The bytes are not of the usual form: whoever reads them one by one must look at them."""


class Longer(Exception):
    """The first row does not end in the region."""


def places_of(data: Bytes, *wanted: int) -> Numbers:
    """The places of some bytes, in order."""
    found = []
    for begin in range(0, len(data), _LOOKED_AT):
        piece = data[begin : begin + _LOOKED_AT]
        flags = piece == wanted[0]
        for byte in wanted[1:]:
            flags |= piece == byte
        found.append(np.flatnonzero(flags) + begin)
    return np.concatenate(found) if found else np.empty(0, np.int64)


def outside(quotes: Flags) -> Flags:
    """Which of some places lie outside of strings, those that are quotes told."""
    found: Flags = (np.cumsum(quotes, dtype=np.int32) & 1) == 0
    return found


class Quoted(NamedTuple):
    """Strings of a region. opens, closes: places of their quotes; doubled: of each first of two
    quotes within one that stand for one."""

    opens: Numbers
    closes: Numbers
    doubled: Numbers

    def are_whole(self, string: Flags, begins: Numbers, ends: Numbers) -> Flags:
        """Of which rows each cell that begins with a quote (`string`) is one whole string, where
        the rows before them are such."""
        good = np.ones(len(string), np.bool_)
        which = np.flatnonzero(string)
        there = which[: len(self.opens)]
        whole = (self.opens[: len(there)] == begins.ravel()[there]) & (
            self.closes[: len(there)] == ends.ravel()[there] - 1
        )
        good[there[~whole] // string.shape[1]] = False
        good[which[len(self.opens) :] // string.shape[1]] = False
        return good


def quoted(quotes: Numbers) -> Quoted:
    """The strings of a region that close in it, from its quotes that are not escaped."""
    quotes = quotes[: len(quotes) & ~1]
    opens, closes = quotes[0::2], quotes[1::2]
    again = np.flatnonzero(opens[1:] == closes[:-1] + 1)
    doubled = closes[again]
    if len(again):
        opens, closes = np.delete(opens, again + 1), np.delete(closes, again)
    return Quoted(opens, closes, doubled)


def before_bad(good: Flags) -> int:
    """How many rows stand before the first that is not good."""
    return len(good) if good.all() else int(good.argmin())


class Slices:
    """Slices of a buffer without the bytes at some places, which rise."""

    def __init__(self, data: Bytes, left_out: Numbers) -> None:
        self._cuts = left_out
        if not len(left_out):
            self._buffer = pa.py_buffer(np.ascontiguousarray(data))
            return
        borders = np.empty(2 * len(left_out) + 2, np.int32)
        borders[0], borders[-1] = 0, len(data)
        borders[1:-1:2], borders[2:-1:2] = left_out, left_out + 1
        self._buffer = _every_other(pa.py_buffer(np.ascontiguousarray(data)), borders).buffers()[2]

    def texts(self, begins: Numbers, ends: Numbers, null: Flags | None = None) -> pa.Array:
        """The texts from each begin to its end, which rise and lie apart. Raises Unusual for bytes
        that are no UTF-8."""
        if len(self._cuts):
            begins = begins - np.searchsorted(self._cuts, begins)
            ends = ends - np.searchsorted(self._cuts, ends)
        borders = np.empty(2 * len(begins), np.int32)
        borders[0::2], borders[1::2] = begins, ends
        found = _every_other(self._buffer, borders, null)
        try:
            return found.cast(pa.string())
        except pa.ArrowInvalid:
            raise Unusual from None


def _every_other(
    data: pa.Buffer, borders: npt.NDArray[np.int32], null: Flags | None = None
) -> pa.Array:
    """What stands between borders 0 and 1, 2 and 3 …"""
    count = len(borders) // 2
    whole = pa.Array.from_buffers(
        pa.binary(), len(borders) - 1, [None, pa.py_buffer(borders), data]
    )
    places = np.arange(count, dtype=np.int32) * np.int32(2)
    return whole.take(pa.array(places, mask=null if null is not None and null.any() else None))


def whole_numbers(texts: pa.Array) -> pa.Array:
    """Texts as integers of 64 bits. Raises Unusual where one is not written as Python writes it."""
    try:
        numbers = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        raise Unusual from None
    if not numbers.cast(pa.string()).equals(texts):
        raise Unusual
    return numbers


def float_texts(texts: pa.Array) -> pa.Array:
    """The texts that Python gives to the floats that are written so."""
    whole = pc.match_substring_regex(texts, _WHOLE)
    if pc.all(whole).as_py() is not False:
        return pc.binary_join_element_wise(texts, ".0", "")
    written = pc.match_substring_regex(texts, _FLOAT)
    short = pc.less_equal(pc.binary_length(texts), _FLOAT_CHARS)
    plain = pc.and_(pc.and_(written, short), pc.invert(pc.match_substring_regex(texts, _SMALL)))
    if pc.all(pc.or_(plain, whole)).as_py() is False:
        raise Unusual
    return pc.if_else(whole, pc.binary_join_element_wise(texts, ".0", ""), texts)


def some(texts: pa.Array, which: Flags) -> pa.Array:
    """The texts at some rows."""
    return texts if which.all() else texts.filter(pa.array(which))


def check_decimals(texts: pa.Array) -> None:
    """Raises Unusual for a number that has an exponent, or is none."""
    if pc.all(pc.match_substring_regex(texts, _DECIMAL)).as_py() is False:
        raise Unusual
