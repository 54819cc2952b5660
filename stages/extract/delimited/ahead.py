"""A stream whose lines can be looked at many at once before they are taken."""

from __future__ import annotations

from typing import BinaryIO


class Ahead:
    """Reads lines of a stream, or looks at what comes next in large pieces."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._held, self._at = stream, b"", 0

    def readline(self, size: int) -> bytes:
        """The next line with its end, or so many bytes of it."""
        if self._at == len(self._held):
            return self._stream.readline(size)
        end = self._held.find(b"\n", self._at, self._at + size) + 1
        if not end:
            end = min(len(self._held), self._at + size)
        line = self._held[self._at : end]
        self._at = end
        if line.endswith(b"\n") or len(line) == size:
            return line
        return line + self._stream.readline(size - len(line))

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end."""
        held = self._held[self._at : self._at + size]
        self._at += len(held)
        return held + self._stream.read(size - len(held)) if len(held) < size else held

    def look(self, size: int) -> bytes:
        """What comes next, without taking it: so many bytes, fewer only at the end."""
        held = len(self._held) - self._at
        if held < size:
            self._held = self._held[self._at :] + self._stream.read(size - held)
            self._at = 0
        return self._held[self._at : self._at + size]

    def skip(self, size: int) -> None:
        """Take so many bytes of what was looked at."""
        self._at += size
