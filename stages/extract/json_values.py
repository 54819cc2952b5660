"""JSON beyond one object a line: the elements of an array, or values one after the other.

Elements are found by brackets and strings alone, so each has its exact bytes, whatever its size,
and a malformed one does not end the reading. The values themselves are parsed by `json`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from stages.errors import Unreadable

_CHUNK = 1 << 16
_MARK = re.compile(rb'["{}\[\]]')
_STRING_END = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SCALAR_END = re.compile(rb"[\s,\]}{\[]")
_BETWEEN = re.compile(rb"[\s,]*")


class Value(NamedTuple):
    """Bytes of one value; closed: whether it has its end."""

    offset: int
    line: int
    raw: bytes
    closed: bool


class NotANumber(str):
    """NaN or Infinity, which JSON does not have: kept as text in meta, no text of a record."""


def parse(text: str) -> Any:
    """A JSON value. Unreadable: malformed (error, column), duplicate_key (key).

    Integers are exact; other numbers are doubles, or text when beyond a double's range.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Unreadable("malformed", error=error.msg, column=error.pos + 1) from None
    except RecursionError:
        raise Unreadable("malformed", error="nested too deeply", column=1) from None
    except ValueError as error:  # an integer of more digits than Python converts
        raise Unreadable("malformed", error=str(error).partition(";")[0], column=1) from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unreadable("duplicate_key", key=twice)
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


class _Window:
    """A growing view on a stream: reads twice as much each time, so rescans stay linear."""

    def __init__(self, stream: BinaryIO, offset: int, line: int) -> None:
        self.stream, self.data, self.at = stream, b"", 0
        self.offset, self.line = offset, line  # of data[0]

    def more(self) -> bool:
        chunk = self.stream.read(max(_CHUNK, len(self.data) - self.at))
        self.data += chunk
        return bool(chunk)

    def drop(self) -> None:
        """Forget what stands before `at`."""
        self.line += self.data.count(b"\n", 0, self.at)
        self.offset += self.at
        self.data, self.at = self.data[self.at :], 0


def values(
    stream: BinaryIO, array: bool, limit: int, offset: int = 0, line: int = 1
) -> Iterator[Value]:
    """The values of a stream; array: what stands within its outermost brackets.

    Unreadable: oversize for a value of more than `limit` bytes, truncated for an array without
    its end, malformed for text after it. The reading ends there.
    """
    window = _Window(stream, offset, line)
    if array:
        while window.data.find(b"[") < 0 and window.more():
            pass
        window.at = window.data.find(b"[") + 1
    while True:
        found = _BETWEEN.match(window.data, window.at)
        window.at = found.end() if found else window.at
        if window.at > _CHUNK:
            window.drop()
        if window.at == len(window.data):
            if window.more():
                continue
            if array:
                raise Unreadable("truncated", error="the array has no end", offset=window.offset)
            return
        if array and window.data[window.at] == 0x5D:
            window.at += 1
            while not (rest := window.data[window.at :].strip()) and window.more():
                pass
            if rest:
                raise Unreadable("malformed", error="text follows the array", column=1)
            return
        window.drop()
        closed = _scan(window, limit)
        yield Value(window.offset, window.line, window.data[: window.at], closed)
        window.drop()


def _scan(window: _Window, limit: int) -> bool:
    """Move `at` behind the value that begins at 0; False when the stream ends within it."""
    depth = at = 0
    while True:
        if window.data[at : at + 1] in (b"", b'"', b"{", b"}", b"[", b"]") or depth:
            mark = _MARK.search(window.data, at)
        else:
            end = _SCALAR_END.search(window.data, at)
            if end is not None:
                window.at = end.start()
                return True
            mark = None
        if mark is not None and mark[0] == b'"':
            string = _STRING_END.match(window.data, mark.end())
            if string is not None:
                at = string.end()
                if not depth:
                    window.at = at
                    return True
                continue
            at = mark.start()
        elif mark is not None:
            depth += 1 if mark[0] in b"{[" else -1
            at = mark.end()
            if depth <= 0:
                window.at = at
                return True
            continue
        elif depth:
            at = len(window.data)
        if len(window.data) > limit:
            raise Unreadable("oversize", limit=limit, of="bytes of a value", offset=window.offset)
        if not window.more():
            window.at = len(window.data)
            return not depth and mark is None
