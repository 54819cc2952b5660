"""A file that is one object holding the only list of objects, too large to be held as a whole.

The object is looked through once: what stands beside the list is parsed, of the list only where
its elements begin. Then the elements are read one by one, each a value of its own.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from stages import watch
from stages.errors import Unreadable
from stages.extract import forms
from stages.extract.jsontext import json_values
from stages.extract.jsontext.json_values import SPACE, Readable, Value, Window, scan
from stages.extract.packed.streams import Member, Raw
from stages.place import Place


class Opened(NamedTuple):
    """stream: to be read in place of the one given. key, elements: the list of a wrapper too
    large to be held as a whole, to be read instead."""

    stream: Member
    key: str = ""
    elements: Iterator[Value] | None = None


def opened(
    stream: Member, place: Place, names: forms.Names, limit: int, mark: int, spool: IO[bytes]
) -> Opened:
    """Look whether a stream of which `mark` bytes were read is a wrapper of more than `limit`.

    spool: an empty file, for what cannot be read twice."""
    head = stream.peek(1)
    if head.lstrip()[:1] != b"{" or _ends(head[:limit]):
        return Opened(stream)
    file: IO[bytes] | None = stream.file
    at = mark
    if file is not None:
        at = file.tell()
        file.seek(mark)
        alone = _alone(_Ticking(file), limit)
    else:
        file = spool
        spool.write(b" " * mark)
        alone = _alone(_Ticking(stream, spool), limit) and stream.fault is None
        stream = Member(_Again(spool, stream, place))
    found = _found(file, mark, names, limit) if alone else None
    if found is None:
        file.seek(at)
        return Opened(stream)
    key, begin = found
    file.seek(begin)
    return Opened(stream, key, json_values.elements(_window(file, begin), True, limit))


class _Ticking:
    """A file or stream that is read, copied into another when one is given; reading is progress."""

    def __init__(self, source: Readable, copy: IO[bytes] | None = None) -> None:
        self._source, self._copy = source, copy

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        if self._copy is not None:
            self._copy.write(data)
        watch.tick()
        return data


class _Again(Raw):
    """A stream from its beginning on: first what was copied of it."""

    def __init__(self, copied: IO[bytes], stream: Member, place: Place) -> None:
        super().__init__(stream.read, place)
        self._copied, self._stream = copied, stream

    def readinto(self, buffer: Any) -> int:
        data = self._copied.read(len(buffer)) or self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.fault = self._stream.fault
        return len(data)


def _window(file: IO[bytes], offset: int) -> Window:
    return Window(_Ticking(file), offset, 1)


def _ends(head: bytes) -> bool:
    """Whether the first value ends within these bytes."""
    window = Window(io.BytesIO(head), 0, 1)
    return window.skip(SPACE) and scan(window, False, len(head))[1]


def _alone(stream: Readable, limit: int) -> bool:
    """Whether there is one value and no other, of more than `limit` bytes."""
    window = Window(stream, 0, 1)
    if not window.skip(SPACE):
        return False
    end, closed, size = scan(window, False, limit)
    window.begin = end
    return closed and size > limit and not window.skip(SPACE)


def _found(file: IO[bytes], begin: int, names: forms.Names, limit: int) -> tuple[str, int] | None:
    """(key, where its first element begins) of the only list of objects of an object, when the
    object is no record."""
    file.seek(begin)
    window = _window(file, begin)
    found: tuple[str, int] | None = None
    beside: dict[str, Any] = {}
    left = limit
    window.skip(SPACE)
    window.begin += 1
    try:
        while window.skip(SPACE) and not window.data.startswith(b"}", window.begin):
            if beside and not _taken(window, b","):
                return None
            raw = _value(window, left)
            left -= len(raw)
            key = json_values.parse(raw.decode())
            if not isinstance(key, str) or key in beside or not _taken(window, b":"):
                return None
            at = window.offset() + 1
            behind = _behind_objects(window, file, limit)
            if behind is not None:
                if found is not None:
                    return None
                found, window = (key, at), behind
                beside[key] = [{}]  # a record that would use it is noticed
                continue
            raw = _value(window, left)
            left -= len(raw)
            beside[key] = json_values.parse(raw.decode())
        forms.Layout(tuple(beside), names).read(beside)
    except UnicodeDecodeError:
        return None
    except Unreadable as error:
        nameless = error.reason == "no_form" and "field" not in error.evidence
        return found if nameless else None
    return None


def _taken(window: Window, mark: bytes) -> bool:
    """Whether a mark comes next; it is left behind, with the space around it."""
    if not window.skip(SPACE) or not window.data.startswith(mark, window.begin):
        return False
    window.begin += 1
    return window.skip(SPACE)


def _value(window: Window, most: int) -> bytes:
    """The bytes of the value that comes next. Unreadable when there are too many."""
    end, closed, size = scan(window, False, most)
    if size > most or not closed:
        raise Unreadable("oversize")
    raw = window.data[window.begin : end]
    window.begin = end
    return raw


def _behind_objects(window: Window, file: IO[bytes], limit: int) -> Window | None:
    """A view behind the list that comes next; None when it is no list of objects."""
    if not window.data.startswith(b"[", window.begin):
        return None
    at, offset = file.tell(), window.offset() + 1
    file.seek(offset)
    inner = _window(file, offset)
    found = False
    for value in json_values.elements(inner, True, limit):
        found = value.closed and (not value.raw or value.raw.startswith(b"{"))
        if not found:
            break
    if found and inner.data.startswith(b"]", inner.begin):
        inner.begin += 1
        return inner
    file.seek(at)
    return None
