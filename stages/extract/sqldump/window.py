"""A moving piece of a byte stream, with the absolute offset and the line of any place in it."""

from __future__ import annotations

import codecs
from typing import IO

CHUNK = 1 << 20
# One row or statement is held in memory; MySQL's max_allowed_packet and PostgreSQL's field limit
# are both 1 GB, and real rows stay far below.
ITEM_BYTES = 1 << 28


class Utf16:
    """A UTF-16 stream as UTF-8; what is no character becomes a lone surrogate, so none is lost."""

    def __init__(self, stream: IO[bytes], big: bool) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-16-be" if big else "utf-16-le")(
            "surrogatepass"
        )

    def read(self, size: int) -> bytes:
        """About `size` bytes."""
        data = self._stream.read(max(2, size))
        text: str = self._decoder.decode(data, final=not data)
        return text.encode("utf-8", "surrogatepass")


def narrow(data: bytes) -> bytes:
    """UTF-8 as UTF-16."""
    return data.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")


class Watched:
    """A stream that notices the closing line of the tool that wrote it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._tail, self.closed = stream, b"", False
        self.closing: bytes | None = None

    def read(self, size: int) -> bytes:
        """Read on."""
        data = self._stream.read(size)
        if self.closing is not None and not self.closed:
            self.closed = self.closing in self._tail + data
            self.before(data)
        return data

    def before(self, data: bytes) -> None:
        """What was read before the next read; the closing line may stand across the two."""
        self._tail = data[-len(self.closing or b"") :]


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
        """Read on: at least as much as is held, so that retries cost no more than the first try."""
        if self.eof:
            return False
        held = len(self.data) - self.pos
        if held > self.limit:
            raise TooLong
        read = self._stream.read(max(self._chunk, held))
        if not read:
            self.eof = True
            return False
        self.line(self.pos)
        self.offset(self.pos)
        self._measured -= self.pos
        self.base += self.pos
        self._counted -= self.pos
        self.data = self.data[self.pos :] + read
        self.pos = 0
        return True

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
            self._offset += len(narrow(self.data[self._measured : index]))
        else:
            self._offset -= len(narrow(self.data[index : self._measured]))
        self._measured = index
        return self._offset

    def raw(self, data: bytes) -> bytes:
        """The file's bytes for a piece of `data`."""
        return narrow(data) if self.wide else data
