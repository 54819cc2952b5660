"""A moving piece of a byte stream, with the absolute offset and the line of any place in it."""

from __future__ import annotations

from typing import IO

CHUNK = 1 << 20
# One row or statement is held in memory; MySQL's max_allowed_packet and PostgreSQL's field limit
# are both 1 GB, and real rows stay far below.
ITEM_BYTES = 1 << 28


class TooLong(Exception):
    """One row or statement is longer than the limit."""


class Window:
    """`data[pos:]` is what has not been used yet; `more` reads on and drops what was used."""

    def __init__(self, stream: IO[bytes], limit: int = ITEM_BYTES, chunk: int = CHUNK) -> None:
        self._stream, self._chunk, self.limit = stream, chunk, limit
        self.data, self.pos, self.base, self.eof = b"", 0, 0, False
        self._line, self._counted = 1, 0

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

    @property
    def left(self) -> bool:
        """Whether bytes are left."""
        return self.pos < len(self.data) or self.more()
