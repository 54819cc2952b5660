"""Cells cut out of a buffer array-wise: bytes of which some are left out become an Arrow array."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.arrays import Cells, Numbers

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
# What Python writes with as many digits, so that the text of a float is the text of its value.
_FLOAT = r"^-?(0|[1-9][0-9]*)\.([0-9]*[1-9]|0)$"
_WHOLE = r"^-?(0|[1-9][0-9]{0,14})$"
_FLOAT_CHARS, _SMALL = 16, r"^-?0\.0000"


class Unusual(Exception):
    """The bytes are not of the usual form: whoever reads them one by one must look at them."""


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


def _every_other(data: pa.Buffer, borders: npt.NDArray[np.int32], null: Flags | None = None) -> pa.Array:
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


def as_integers(texts: pa.Array) -> tuple[Cells, pa.Array]:
    """A column of integers, and their values."""
    return Cells(texts, True), whole_numbers(texts)
