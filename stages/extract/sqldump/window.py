"""A moving piece of a byte stream, with the absolute offset and the line of any place in it."""

from __future__ import annotations

import codecs
from typing import IO

CHUNK = 1 << 20
# One row or statement is held in memory, at up to six times its size. MySQL's max_allowed_packet is
# 64 MB by default and real rows stay far below 16.
ITEM_BYTES = 1 << 24
_CONTINUED = bytes(range(0x80, 0xC0))
_UP_TO_FFFF = bytes(range(0xF0))


class Utf16:
    """A UTF-16 stream as UTF-8; what is no character becomes a lone surrogate, so none is lost."""

    def __init__(self, stream: IO[bytes], big: bool) -> None:
        self._stream, self._codec = stream, "utf-16-be" if big else "utf-16-le"
        self._decoder = codecs.getincrementaldecoder(self._codec)("surrogatepass")

    def read(self, size: int) -> bytes:
        """About `size` bytes."""
        data = self._stream.read(max(2, size))
        text: str = self._decoder.decode(data)
        if not data:
            left = self._decoder.getstate()[0]
            self._decoder.reset()
            whole = len(left) // 2 * 2
            text = left[:whole].decode(self._codec, "surrogatepass")
            text += "".join(chr(0xDC00 + byte) for byte in left[whole:])
        return text.encode("utf-8", "surrogatepass")


def narrow(data: bytes) -> bytes:
    """UTF-8 as UTF-16."""
    return data.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")


def narrow_length(data: bytes) -> int:
    """The length of `narrow(data)`, found without making it."""
    length = 0
    for begin in range(0, len(data), CHUNK):
        piece = data[begin : begin + CHUNK]
        length += len(piece.translate(None, _CONTINUED)) + len(piece.translate(None, _UP_TO_FFFF))
    return 2 * length


class Watched:
    """A stream that notices the closing line of the tool that wrote it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._tail, self.closed = stream, b"", False
        self.closing: bytes | None = None

    def read(self, size: int) -> bytes:
        """Read on."""
        data = self._stream.read(size)
        if self.closing is not None and not self.closed:
            self.closed = self.closing in data or self.closing in self._tail + data[:64]
            self.before(data)
        return data

    def before(self, data: bytes) -> None:
        """What was read before the next read; the closing line may stand across several."""
        size = len(self.closing or b"")
        self._tail = (self._tail + data[-size:])[-size:]


class _Rest:
    """Bytes that were read already, then the rest of the stream."""

    def __init__(self, begun: bytes, stream: Watched) -> None:
        self._begun, self._stream = begun, stream

    def read(self, size: int) -> bytes:
        """What was read before, then as the stream gives it."""
        begun, self._begun = self._begun, b""
        return begun or self._stream.read(size)


def as_utf8(begun: bytes, stream: Watched) -> Utf16:
    """A UTF-16 stream of which `begun` has been read, as UTF-8."""
    return Utf16(_Rest(begun, stream), begun[:2] == b"\xfe\xff")  # type: ignore[arg-type]


class TooLong(Exception):
    """One row or statement is longer than the limit."""


class Window:
    """`data[pos:]` is what has not been used yet; `more` reads on and drops what was used."""

    def __init__(self, stream: IO[bytes], limit: int = ITEM_BYTES, chunk: int = CHUNK) -> None:
        self._stream, self._chunk, self.limit = stream, chunk, limit
        self.data, self.pos, self.base, self.eof = b"", 0, 0, False
        self._line, self._counted = 1, 0
        # set for a stream that was UTF-16: offsets then count its bytes, not those of `data`
        self.wide = False
        self._offset, self._measured = 0, 0

    def more(self) -> bool:
        """Read on: half of what is held or more, so that all retries cost three times the last."""
        if self.eof:
            return False
        held = len(self.data) - self.pos
        if held > self.limit:
            raise TooLong
        read = self._stream.read(max(self._chunk, held // 2))
        if not read:
            self.eof = True
            return False
        self._join(read)
        return True

    def release(self) -> None:
        """Give up the memory of what was used, where that is much."""
        if self.pos >= self._chunk:
            self._join(b"")

    def _join(self, read: bytes) -> None:
        self.line(self.pos)
        self.offset(self.pos)
        self._measured -= self.pos
        self.base += self.pos
        self._counted -= self.pos
        self.data = b"".join((memoryview(self.data)[self.pos :], read))
        self.pos = 0

    def advance(self, size: int, lines: int) -> None:
        """Go on by so many bytes, in which so many lines end."""
        self.line(self.pos)
        self.pos += size
        self._line += lines
        self._counted = self.pos

    @property
    def start(self) -> int:
        """Bytes of the text (UTF-8, also where the file is UTF-16) before the position."""
        return self.base + self.pos

    def ensure(self, size: int) -> None:
        """Have `size` bytes from `pos` on, unless the stream ends before."""
        while len(self.data) - self.pos < size and self.more():
            pass

    def line(self, index: int) -> int:
        """The line, from 1, of an index of `data`; asked for in rising order."""
        if index >= self._counted:
            self._line += self.data.count(b"\n", self._counted, index)
        else:
            self._line -= self.data.count(b"\n", index, self._counted)
        self._counted = index
        return self._line

    def offset(self, index: int) -> int:
        """The offset in the file of an index of `data`; asked for in rising order."""
        if not self.wide:
            return self.base + index
        if index > self._measured:
            self._offset += narrow_length(self.data[self._measured : index])
        else:
            self._offset -= narrow_length(self.data[index : self._measured])
        self._measured = index
        return self._offset

    def raw(self, data: bytes) -> bytes:
        """The file's bytes for a piece of `data`."""
        return narrow(data) if self.wide else data
