"""Many lines of JSON at once, as arrays: where lines and strings stand, and what escapes mean.

Every line is looked at for itself, so that a broken one costs no other. A line is `odd` where its
strings are none of JSON's: an odd number of quotes, a control character, an unknown escape, half a
surrogate pair. What stands between strings is not looked at here.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Numbers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

_QUOTE, _BACKSLASH, _LINE_END, _U = 0x22, 0x5C, 0x0A, 0x75
# What stands behind a backslash → the byte that is meant; 0: `\u` and what JSON does not have.
_MEANT = np.zeros(256, np.uint8)
for _letter, _byte in zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True):
    _MEANT[_letter] = _byte
# The digits of hexadecimal numbers, the first … fourth of four; any other makes one too large.
_DIGITS = np.full((4, 256), 1 << 20, np.int32)
for _value, _letters in enumerate(zip(b"0123456789abcdef", b"0123456789ABCDEF", strict=True)):
    for _place in range(4):
        _DIGITS[_place, list(_letters)] = _value << 4 * (3 - _place)
_HEADS = (0, 0, 0xC0, 0xE0, 0xF0)  # of the first of so many bytes of a character


class Block:
    """Whole lines, each with its end. data: UTF-8 bytes. begins, ends: of each line without its
    end. quotes: places of those that open and close strings; first: the number of each line's
    first, and one more. odd: lines that are to be read one by one."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes = np.frombuffer(data, np.uint8)
        low = np.flatnonzero(self.bytes < 0x20)
        self.line_ends = low[self.bytes[low] == _LINE_END]
        self.begins = np.concatenate((np.zeros(1, np.int64), self.line_ends[:-1] + 1))
        returns = self.bytes[np.maximum(self.line_ends - 1, 0)] == 0x0D
        self.ends = self.line_ends - (returns & (self.line_ends > self.begins))
        self.odd = np.zeros(len(self), np.bool_)
        if len(low) > len(self) + np.count_nonzero(self.ends < self.line_ends):
            control = low[self.bytes[low] != _LINE_END]
            self._mark(control[control != self.ends[self._lines_of(control)]])
        self._escapes = self._find_escapes()
        self.quotes = self._find_quotes()
        self.first = np.searchsorted(self.quotes, np.append(self.begins, len(data)))
        self.odd |= (self.first[1:] - self.first[:-1]) % 2 == 1

    def __len__(self) -> int:
        return len(self.line_ends)

    def _lines_of(self, places: Numbers) -> Any:
        return np.searchsorted(self.line_ends, places)

    def _mark(self, places: Numbers) -> None:
        self.odd[self._lines_of(places)] = True

    def _find_escapes(self) -> Any:
        """The backslashes that escape what follows: the first, third … of each row of them."""
        found = np.flatnonzero(self.bytes == _BACKSLASH)
        if not len(found):
            return found
        begins = np.append(True, np.diff(found) != 1)
        if begins.all():
            return found
        number = np.arange(len(found))
        first = np.maximum.accumulate(np.where(begins, number, 0))
        return found[(number - first) % 2 == 0]

    def _find_quotes(self) -> Any:
        found = np.flatnonzero(self.bytes == _QUOTE)
        if not len(self._escapes):
            return found
        behind = self._escapes + 1  # a line's end at the least
        escaped = behind[self.bytes[behind] == _QUOTE]
        return np.delete(found, np.searchsorted(found, escaped))

    # --- texts ------------------------------------------------------------------------------------

    @cached_property
    def _plain(self) -> tuple[Any, Numbers, Numbers]:
        """The bytes with escapes replaced by what they mean; where bytes went, and how many before
        each of these places and in all. It may mark lines as odd."""
        escapes = self._escapes
        if not len(escapes):
            return pa.py_buffer(self.data), escapes, np.zeros(1, np.int64)
        data = self.bytes.copy()
        letters = data[escapes + 1]
        meant = _MEANT[letters]
        data[escapes + 1] = np.where(meant, meant, letters)
        begins, sizes = escapes, np.ones(len(escapes), np.int64)
        wide = letters == _U
        self._mark(escapes[(meant == 0) & ~wide])
        if wide.any():
            begins, sizes = self._write_characters(data, np.flatnonzero(wide))
        offsets = np.empty(2 * len(begins) + 2, np.int64)
        offsets[0], offsets[-1] = 0, len(data)
        offsets[1:-1:2], offsets[2:-1:2] = begins, begins + sizes
        kept = _strings(pa.py_buffer(data), offsets)
        return kept.buffers()[2], begins, np.append(0, np.cumsum(sizes))

    def _write_characters(self, data: Bytes, wide: Numbers) -> tuple[Numbers, Numbers]:
        """Write what `\\uXXXX` means over it; where bytes are left over after all escapes, and how
        many. wide: numbers of these among the escapes."""
        at = self._escapes[wide]
        code = np.zeros(len(at), np.int32)
        for digit in range(4):
            code |= _DIGITS[digit][self.bytes.take(at + (2 + digit), mode="clip")]
        used = np.full(len(at), 6, np.int64)
        if code.max() > 0xFFFF:
            unknown = code > 0xFFFF
            self._mark(at[unknown])
            code[unknown], used[unknown] = 0, 1  # it is not written over what may be another's
        halves = np.flatnonzero((code & 0xF800) == 0xD800)
        if len(halves):
            self._join_halves(at, code, used, halves)
        length = 1 + (code > 0x7F).astype(np.int64) + (code > 0x7FF) + (code > 0xFFFF)
        length[used <= 1] = 0
        for size in (1, 2, 3, 4):
            some = np.flatnonzero(length == size)
            place, value = at[some], code[some]
            for number in range(size if len(some) else 0):
                bits = value >> 6 * (size - 1 - number)
                data[place + number] = bits | _HEADS[size] if number == 0 else (bits & 0x3F) | 0x80
        begins, sizes = self._escapes.copy(), np.ones(len(self._escapes), np.int64)
        begins[wide], sizes[wide] = at + length, used - length
        kept = sizes > 0
        return (begins, sizes) if kept.all() else (begins[kept], sizes[kept])

    def _join_halves(self, at: Numbers, code: Any, used: Numbers, halves: Numbers) -> None:
        """Put the two escapes of a character beyond U+FFFF in the place of the first."""
        first = halves[:-1][(np.diff(halves) == 1) & (np.diff(at[halves]) == 6)]
        first = first[(code[first] < 0xDC00) & (code[first + 1] >= 0xDC00)]
        single = np.ones(len(at), np.bool_)
        single[first] = single[first + 1] = False
        self._mark(at[halves[single[halves]]])
        code[first] = 0x10000 + ((code[first] & 0x3FF) << 10) + (code[first + 1] & 0x3FF)
        used[first], used[first + 1] = 12, 0

    def check_escapes(self) -> None:
        """Mark the lines with escapes that JSON does not have."""
        _ = self._plain

    def texts(self, opens: Numbers, closes: Numbers) -> pa.Array:
        """The strings between quotes at these places, which are in order, as texts."""
        data, begins, before = self._plain
        offsets = np.empty(2 * len(opens), np.int64)
        offsets[0::2], offsets[1::2] = opens + 1, closes
        if len(begins):
            offsets -= before[np.searchsorted(begins, offsets)]
        return _strings(data, offsets)


def _strings(data: pa.Buffer, offsets: Numbers) -> pa.Array:
    """The first, third … of the stretches between offsets, as texts."""
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), data]
    pieces = pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)
    return pieces.take(pa.array(np.arange(0, len(offsets) - 1, 2)))
