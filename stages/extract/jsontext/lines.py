"""Lines of a file with exact byte offsets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

# A longer line is refused: it is held in memory up to six times over while it is parsed.
LINE_BYTES = 16 << 20
_CHUNK = 1 << 18
_FIRST, _BLOCK = 1 << 17, 6 << 20  # bytes that are read at once: more from block to block
LARGE = 1 << 18  # bytes of a line of which no reader holds a second copy


class Line(NamedTuple):
    """offset: of its first byte. number: from 1. raw: without the line end. size: bytes of it,
    more than raw has when the line is too long to be held. ended: whether a line end follows."""

    offset: int
    number: int
    raw: bytes
    size: int
    ended: bool


class Readable(Protocol):
    """What gives bytes in order."""

    def read(self, size: int, /) -> bytes: ...
    def readline(self, size: int, /) -> bytes: ...


def lines(
    stream: Readable,
    offset: int = 0,
    number: int = 1,
    charset: str = "utf-8",
    limit: int = LINE_BYTES,
) -> Iterator[Line]:
    """The lines of a stream; line ends are LF and CR LF."""
    wide = charset.startswith(("utf-16", "utf-32"))
    end, back = "\n".encode(charset if wide else "ascii"), "\r".encode(charset if wide else "ascii")
    for data, taken in pieces(stream, end, limit, len(end)):
        ended = data.endswith(end) if data else True
        raw = data.removesuffix(end).removesuffix(back) if ended else data
        data = data and b"."
        yield Line(offset, number, raw, len(raw) if data else taken, ended)
        offset += taken
        number += 1


class Whole(NamedTuple):
    """Lines with their ends. offset: of their first byte. number: of the first, from 1."""

    offset: int
    number: int
    data: bytes

    @property
    def lines(self) -> int:
        """How many there are."""
        return int(np.count_nonzero(np.frombuffer(self.data, np.uint8) == 0x0A))


def blocks(
    stream: Readable,
    offset: int = 0,
    number: int = 1,
    stop: int | None = None,
    limit: int = LINE_BYTES,
) -> Iterator[Whole | Line]:
    """The lines of a stream that begin before `stop`, in UTF-8, many at once; by itself comes one
    that is too long, and the last where it has no end."""
    size = min(limit, _FIRST if stop is None else _BLOCK)
    while stop is None or offset < stop:
        data = stream.read(size if stop is None else min(size, stop - offset))
        size = min(limit, 8 * size, _BLOCK)
        if data and not data.endswith(b"\n"):
            held = len(data) - data.rfind(b"\n") - 1
            data += stream.readline(limit + 2 - held)
        if not data:
            return
        cut = data.rfind(b"\n") + 1
        last = data[cut:]
        if cut:
            whole = Whole(offset, number, data[:cut] if last else data)
            yield whole
            offset, number = offset + cut, number + whole.lines
            del whole
        if last:
            del data
            for line in lines(_Begun(last, stream), offset, number, limit=limit):
                yield line
                # One that is too long comes with its end in its size; any other has no end.
                offset, number = offset + line.size, line.number + 1
                break


class _Begun:
    """A stream of which something was read."""

    def __init__(self, begun: bytes, stream: Readable) -> None:
        self._begun, self._stream = begun, stream

    def read(self, size: int, /) -> bytes:
        raise AssertionError("only lines of it are read")

    def readline(self, size: int, /) -> bytes:
        begun, self._begun = self._begun, b""
        return begun or self._stream.readline(size)


def pieces(
    stream: Readable, end: bytes, limit: int = LINE_BYTES, unit: int = 1
) -> Iterator[tuple[bytes, int]]:
    """(line with its end, bytes taken) until the stream ends; a line of more than `limit` bytes
    is given as nothing with its size. `end` is whole characters of `unit` bytes each."""
    if end != b"\n":
        yield from _wide_pieces(stream, end, unit, limit)
        return
    while data := stream.readline(limit + 2):
        taken = len(data)
        if taken > limit + 1 and not data.endswith(end):
            more = data
            while more and not more.endswith(end):
                more = stream.readline(_CHUNK)
                taken += len(more)
            data = b""
        if taken < LARGE:
            yield data, taken
        else:
            ready = [data]
            del data
            yield ready.pop(), taken


def _wide_pieces(
    stream: Readable, end: bytes, unit: int, limit: int
) -> Iterator[tuple[bytes, int]]:
    held = b""
    at = searched = dropped = 0
    while True:
        found = held.find(end, searched)
        while found >= 0 and (found - at) % unit:
            found = held.find(end, found + 1)
        if found >= 0:
            stop = found + len(end)
            yield (b"" if dropped else held[at:stop]), dropped + stop - at
            at = searched = stop
            dropped = 0
            continue
        if len(held) - at > limit:  # what may be the begin of an end is kept
            keep = (len(held) - at) % unit + len(end) - unit
            dropped += len(held) - at - keep
            at = len(held) - keep
        held = held[at:]
        searched = max(0, len(held) - len(held) % unit - len(end))
        at = 0
        chunk = stream.read(_CHUNK)
        held += chunk
        if not chunk:
            if held or dropped:
                yield (b"" if dropped else held), dropped + len(held)
            return
