"""Bounded streams: the bytes of a file or of what is unpacked, that end where reading must stop.

An error of the reader is an end of the data and a Fault that says where and why; no exception.
"""

from __future__ import annotations

import io
import lzma
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from stages import watch
from stages.base import Fault
from stages.errors import SeedbedError, Unreadable
from stages.place import Place

# Text compresses 3 to 20 times, logs and tables of one value up to 150; bombs 1,000 and more.
# Below the floor a ratio says nothing: it costs nobody anything.
RATIO = 300
RATIO_FLOOR = 64 << 20
CHUNK = 1 << 18


@dataclass(frozen=True)
class Limits:
    """Bounds on what is read out of compressed files; plain files have none.

    ratio: bytes that come out for each that is packed, of a member and of the whole, once
    RATIO_FLOOR bytes have come out. members: number of members of an archive. total: bytes that
    come out of one file, all its members together; none: the ratio alone bounds them, so that a
    shard of a corpus may be as large as it is.
    """

    ratio: int = RATIO
    members: int = 1_000_000
    total: int | None = None

    def bomb(self, out: int, packed: int) -> bool:
        """Whether so many bytes out of so many packed ones are too many."""
        return out > RATIO_FLOOR and out > self.ratio * packed


class Budget:
    """What may come out of so many packed bytes; shared by all members of an archive.

    size: all packed bytes, where `packed` says how many were taken so far."""

    def __init__(
        self, limits: Limits, packed: int | Callable[[], int], whole: str, size: int = 0
    ) -> None:
        self._limits, self._packed, self._whole, self._size = limits, packed, whole, size
        self.out = 0
        self.spent = False

    def spend(self, size: int) -> dict[str, Any] | None:
        """Count bytes; the evidence of a fault when they are too many."""
        self.out += size
        total = self._limits.total
        if total is not None and self.out > total:
            self.spent = True
            return {"limit": total, "of": f"bytes of the {self._whole}"}
        if self.out > RATIO_FLOOR:
            packed = self._packed if isinstance(self._packed, int) else self._packed()
            if self._limits.bomb(self.out, packed):
                self.spent = True
                told = {"limit": self._limits.ratio, "of": f"ratio of the {self._whole}"}
                left = {"unread_bytes": self._size - packed} if self._size else {}
                return {**told, "bytes": self.out, "packed": packed, **left}
        return None


class Raw(io.RawIOBase):
    """Counts, bounds, and turns an error of the reader into an end of data and a fault."""

    def __init__(
        self,
        read: Callable[[int], bytes],
        place: Place,
        budgets: tuple[Budget, ...] = (),
        file: BinaryIO | None = None,
        go_on: Callable[[], dict[str, int] | None] | None = None,
    ) -> None:
        self.file = file
        self._go_on = go_on
        self._read, self._place, self._budgets = read, place, budgets
        self._offset, self._line = 0, 1
        self.fault: Fault | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.fault is not None:
            return 0
        try:
            data = self._read(len(buffer))
        except (SeedbedError, MemoryError):
            raise
        except Exception as error:  # the border around a foreign decompressor
            return self._stop(*trouble(error))
        for budget in self._budgets:
            if (evidence := budget.spend(len(data))) is not None:
                return self._stop("oversize", evidence)
        watch.tick()
        self._offset += len(data)
        self._line += data.count(b"\n")
        buffer[: len(data)] = data
        return len(data)

    def go_on(self) -> Fault | None:
        """Read on behind a damage; see `Member.go_on`."""
        if self.fault is None or self.fault.reason != "corrupt" or self._go_on is None:
            return None
        if (passed := self._go_on()) is None:
            return None
        fault, self.fault = self.fault, None
        return fault._replace(evidence={**fault.evidence, **passed})

    def _stop(self, reason: str, evidence: Mapping[str, Any]) -> int:
        place = Place(self._place.path, self._place.member, self._offset, 0, self._line)
        self.fault = Fault(place, reason, evidence)
        return 0


class Member(io.BufferedReader):
    """The bytes of a file or member after decompression.

    When reading stops early, the stream just ends and `fault` says why; `members` yields that
    fault after the stream, so a reader need only know whether its last item may be cut.
    """

    def __init__(self, raw: Raw) -> None:
        super().__init__(raw, CHUNK)

    @property
    def fault(self) -> Fault | None:
        """What stopped the reading; None at a true end."""
        assert isinstance(self.raw, Raw)
        return self.raw.fault

    def go_on(self) -> Fault | None:
        """Go on behind the damage that ended the reading, at the next stream of a gzip file that
        begins as the first one does: for files of records of which each is a stream of its own.
        The fault, with what was passed over; None where the data just ended, or nothing follows."""
        assert isinstance(self.raw, Raw)
        return self.raw.go_on()

    @property
    def file(self) -> BinaryIO | None:
        """The open file itself, which can seek; None for what is decompressed."""
        assert isinstance(self.raw, Raw)
        return self.raw.file


def trouble(error: Exception) -> tuple[str, dict[str, Any]]:
    """The reason and evidence of an exception that the reader of a foreign format raised."""
    if isinstance(error, Unreadable):
        return error.reason, dict(error.evidence)
    if isinstance(error, EOFError):
        return "truncated", {"error": sentence(error)}
    if isinstance(error, OSError) and error.errno is not None:
        return "unreadable", from_system(error)
    if isinstance(error, (ValueError, zlib.error, lzma.LZMAError, OSError)):
        return "corrupt", {"error": sentence(error)}
    return "corrupt", {"error": f"{type(error).__name__}: {error}"[:200]}


def from_system(error: OSError) -> dict[str, Any]:
    """The evidence of what the operating system said; its number marks a fault of the moment."""
    return {"error": sentence(error), "errno": error.errno}


def sentence(error: BaseException) -> str:
    """The message of an error, without the path of this machine."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)[:200] or type(error).__name__
