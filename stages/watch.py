"""What a reading process shows the one that watches it: that it moves on.

Four numbers in shared memory: the file under way, its items so far, a tick for all other work that
moves on (bytes read, rows passed over), and whether the deadline rests. Elsewhere all of it is
nothing: a reader may tick wherever it runs.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import tempfile
from collections.abc import Iterator

_FORM = struct.Struct("<QQQQ")  # file, items, ticks, resting
_TICKS = struct.Struct("<Q")


class Board:
    """The numbers, seen by the processes that hold the descriptor."""

    def __init__(self, descriptor: int | None = None) -> None:
        if descriptor is None:
            if hasattr(os, "memfd_create"):
                descriptor = os.memfd_create("seedbed")
            else:
                with tempfile.TemporaryFile() as file:
                    descriptor = os.dup(file.fileno())
            os.ftruncate(descriptor, _FORM.size)
        self.descriptor = descriptor
        self._map = mmap.mmap(descriptor, _FORM.size)
        self._ticks = 0

    def read(self) -> tuple[int, int, int, int]:
        """(file, items of it, ticks, whether the deadline rests)."""
        return _FORM.unpack(self._map[: _FORM.size])

    def item(self, file: int, items: int) -> None:
        """So many items of a file of the part have been read."""
        _FORM.pack_into(self._map, 0, file, items, self._ticks, 0)

    def tick(self) -> None:
        """Something moved on."""
        self._ticks += 1
        _TICKS.pack_into(self._map, 16, self._ticks)

    def rest(self, resting: bool) -> None:
        """Whether the time that passes is not the document's."""
        _TICKS.pack_into(self._map, 24, int(resting))

    def close(self) -> None:
        """Give the memory back."""
        self._map.close()
        os.close(self.descriptor)


_board: Board | None = None


def show_on(board: Board | None) -> None:
    """From now on this process shows what it does on a board."""
    global _board
    _board = board


def board() -> Board:
    """The board of this process."""
    assert _board is not None
    return _board


def tick() -> None:
    """Bytes were read, or rows passed over that become no items."""
    if _board is not None:
        _board.tick()


@contextlib.contextmanager
def untimed() -> Iterator[None]:
    """Within it no deadline passes: work that a user asked for, such as a query of his own."""
    if _board is None:
        yield
        return
    _board.rest(True)
    try:
        yield
    finally:
        _board.rest(False)
