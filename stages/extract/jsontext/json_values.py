"""JSON beyond one object a line: the elements of an array, or values one after the other.

Elements are found by brackets and strings alone, so each has its exact bytes, whatever its size,
and a malformed one does not end the reading. The values themselves are parsed by `json`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, Protocol

from stages.errors import Unreadable

_CHUNK, _MOST = 1 << 16, 1 << 20
# Deeper than this is refused; Python's own readers and writers end at about 1,000.
DEPTH = 500
# A value of more values is refused: an empty list of two bytes takes 64 in memory.
VALUES = 1 << 20

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_IN_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
# Nothing is ever looked at twice: possessive, and broken off where the data ends.
_FLAT = rf'[^"{{}}\[\]]*+(?:{_STRING}[^"{{}}\[\]]*+)*+'.encode()
_BESIDE = _FLAT + rb"(?:[{\[]" + _FLAT + rb"[}\]]" + _FLAT + rb")*+"  # and what is not nested
_TO_BRACKET = re.compile(_BESIDE, re.DOTALL)
_WHOLE = re.compile(rb"[{\[]" + _BESIDE + rb"[}\]]", re.DOTALL)
_OPENING = re.compile(rb"[{\[]++")
_TO_QUOTE = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}{\[]*+")
_BETWEEN = re.compile(rb"[\s,]*+")
SPACE = re.compile(rb"\s*+")
_CLOSING = re.compile(rb"[}\]]++")
_BRACES = re.compile(rb"}++")


class Value(NamedTuple):
    """Bytes of one value; closed: whether it has its end. size: bytes of it, more than raw has
    when it is too long to be held."""

    offset: int
    line: int
    raw: bytes
    closed: bool
    size: int


class NotANumber(str):
    """NaN or Infinity, which JSON does not have: kept as text in meta, no text of a record."""


def parse(text: str) -> Any:
    """A JSON value. Unreadable: malformed (error, column), duplicate_key (key), oversize (limit).

    Integers are exact; other numbers are doubles, or text when beyond a double's range.
    """
    brackets = text.count("{") + text.count("[")
    if len(text) > VALUES and brackets + text.count(",") > VALUES:
        _check_values(text)
    try:
        value = _DECODER.decode(text)
        if brackets > DEPTH and _deeper(value):
            raise RecursionError
        return value
    except json.JSONDecodeError as error:
        raise Unreadable("malformed", error=error.msg, column=error.pos + 1) from None
    except RecursionError:
        raise Unreadable("malformed", error="nested too deeply", column=1) from None
    except ValueError as error:  # an integer of more digits than Python converts
        raise Unreadable("malformed", error=str(error).partition(";")[0], column=1) from None


def _check_values(text: str) -> None:
    """Refuse more than VALUES values; what stands within strings is none."""
    outside = _IN_STRING.sub("", text)
    if sum(outside.count(mark) for mark in ",{[") > VALUES:
        raise Unreadable("oversize", limit=VALUES, of="values in a value")


def _deeper(value: Any) -> bool:
    """Whether lists and objects are nested deeper than DEPTH: what parses may not be written."""
    level = [value]
    for _ in range(DEPTH):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += [v for v in item.values() if isinstance(v, dict | list)]
            elif isinstance(item, list):
                inner += [v for v in item if isinstance(v, dict | list)]
        if not inner:
            return False
        level = inner
    return True


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise Unreadable("duplicate_key", key=name)
            seen.add(name)
    return made


def _real(text: str) -> float | str:
    value = float(text)
    return text if math.isinf(value) else value


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=_real, parse_constant=NotANumber)


def layout(head: bytes) -> str:
    """lines, array or values, from the first bytes of a file (without a byte order mark)."""
    body = head.lstrip(b" \t\r\n")
    first, _, rest = body.partition(b"\n")
    first, rest = first.rstrip(), rest.lstrip()
    if not first.startswith((b"[", b"{")):
        return "lines"
    try:
        json.loads(first)
        complete = True
    except (ValueError, RecursionError):
        complete = False
    if first.startswith(b"["):
        return "lines" if complete and rest else "array"
    if complete or not rest:
        return "lines"
    spread = first == b"{" or (first.endswith((b",", b"{", b"[")) and rest[:1] in b'"{[}]')
    return "values" if spread else "lines"


def _end_of(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    found = pattern.match(data, at)
    return found.end() if found else at


class Readable(Protocol):
    """What gives bytes in order."""

    def read(self, size: int, /) -> bytes: ...


class Window:
    """A view on a stream from `begin` on: what stands before it is dropped when more is read.

    Reads as much as it keeps, up to a megabyte, so that copying stays linear."""

    def __init__(self, stream: Readable, offset: int, line: int) -> None:
        self.stream, self.data, self.begin = stream, b"", 0
        self._offset, self._line, self._counted = offset, line, 0  # of data[0], of data[counted]

    def more(self) -> bool:
        self.line()
        self._offset += self.begin
        self.data, self.begin, self._counted = self.data[self.begin :], 0, 0
        chunk = self.stream.read(max(_CHUNK, min(len(self.data), _MOST)))
        self.data += chunk
        return bool(chunk)

    def offset(self) -> int:
        return self._offset + self.begin

    def line(self) -> int:
        """The line of `begin`; asked for in order."""
        self._line += self.data.count(b"\n", self._counted, self.begin)
        self._counted = self.begin
        return self._line

    def skip(self, pattern: re.Pattern[bytes]) -> bool:
        """Move `begin` behind what the pattern takes; False at the end of the stream."""
        while True:
            self.begin = _end_of(pattern, self.data, self.begin)
            if self.begin < len(self.data):
                return True
            if not self.more():
                return False


def values(
    stream: BinaryIO, array: bool, limit: int, offset: int = 0, line: int = 1
) -> Iterator[Value]:
    """The values of a stream; array: what stands within its outermost brackets. A value of more
    than `limit` bytes is given as nothing with its size.

    Unreadable: truncated for an array without its end, malformed for text after it. The reading
    ends there.
    """
    window = Window(stream, offset, line)
    if array:
        while window.data.find(b"[") < 0 and window.more():
            pass
        window.begin = window.data.find(b"[") + 1
    yield from elements(window, array, limit)
    if array:
        if not window.data.startswith(b"]", window.begin):
            error = "the array has no end"
            raise Unreadable("truncated", error=error, offset=window.offset())
        window.begin += 1
        if window.skip(SPACE):
            raise Unreadable("malformed", error="text follows the array", column=1)


def elements(window: Window, array: bool, limit: int) -> Iterator[Value]:
    """The values from `begin` on, to the end of the stream or the bracket that ends the array."""
    while window.skip(_BETWEEN):
        if array and window.data[window.begin] == 0x5D:
            return
        offset, line = window.offset(), window.line()
        end, closed, size = scan(window, array, limit)
        raw = window.data[window.begin : end] if size <= limit else b""
        yield Value(offset, line, raw, closed, size)
        window.begin = end


def scan(window: Window, array: bool, limit: int) -> tuple[int, bool, int]:
    """(end, closed, size) of the value at `begin`; not closed when the stream ends within it.

    Of a value of more than `limit` bytes only what was read last is still there."""
    whole = _WHOLE.match(window.data, window.begin)
    if whole is not None:
        return whole.end(), True, whole.end() - window.begin
    first = window.data[window.begin : window.begin + 1]
    scalar = _SCALAR if first not in (b'"', b"{", b"[", b"}", b"]") else None
    if first in (b"}", b"]"):  # one mistake, however many there are
        scalar = _BRACES if array else _CLOSING
    quoted = first == b'"'
    depth, at, dropped = 0, window.begin + quoted, 0
    while True:
        data = window.data
        if scalar is not None:
            at = _end_of(scalar, data, at)
            if at < len(data):
                return at, True, dropped + at - window.begin
        while scalar is None and at < len(data):
            at = _end_of(_TO_QUOTE if quoted else _TO_BRACKET, data, at)
            mark = data[at : at + 1]
            if quoted and mark != b'"':
                break  # the string, or an escape in it, is cut
            if mark == b'"':
                quoted = not quoted
                at += 1
            elif mark in (b"{", b"["):
                end = _end_of(_OPENING, data, at)
                depth, at = depth + end - at, end
            elif mark:
                depth, at = depth - 1, at + 1
            if not quoted and depth <= 0 and mark:
                return at, True, dropped + at - window.begin
        held = at - window.begin
        if dropped + held > limit:
            dropped, window.begin, held = dropped + held, at, 0
        if not window.more():
            rest = len(window.data) - window.begin
            ended = scalar is not None
            return len(window.data), ended, dropped + rest
        at = window.begin + held
