"""Bounded streams: a plain file, or gzip, bzip2, xz or zstd, that end where reading must stop.

An error of the reader is an end of the data and a Fault that says where and why; no exception.
"""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from stages.base import Fault
from stages.place import Place

# Text compresses 3 to 20 times, logs and tables of one value up to 150; bombs 1,000 and more.
# Below the floor a ratio says nothing: it costs nobody anything.
RATIO = 300
RATIO_FLOOR = 64 << 20
_CHUNK = 1 << 18
_XZ_MEMORY = 256 << 20  # xz -9 needs 65 MB


@dataclass(frozen=True)
class Limits:
    """Bounds on what is read out of compressed files; plain files have none.

    member: bytes of one member after decompression. members: number of members of an archive.
    ratio: decompressed bytes per compressed byte, once RATIO_FLOOR bytes have come out.
    """

    member: int = 2 << 30
    members: int = 1_000_000
    ratio: int = RATIO

    def bomb(self, out: int, packed: int) -> bool:
        """Whether so many bytes out of so many compressed ones are too many."""
        return out > RATIO_FLOOR and out > self.ratio * packed


class Broken(Exception):
    """Reading stops here; the reason and evidence of the fault."""

    def __init__(self, reason: str, **evidence: object) -> None:
        super().__init__(reason)
        self.reason, self.evidence = reason, evidence


class Raw(io.RawIOBase):
    """Counts, bounds, and turns an error of the reader into an end of data and a fault."""

    def __init__(
        self,
        read: Callable[[int], bytes],
        place: Place,
        limit: int | None = None,
        ratio: Callable[[int], bool] = lambda size: False,
        file: BinaryIO | None = None,
    ) -> None:
        self.file = file
        self._read, self._place, self._limit, self._ratio = read, place, limit, ratio
        self._offset, self._line = 0, 1
        self.fault: Fault | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.fault is not None:
            return 0
        try:
            data = self._read(len(buffer))
        except Broken as stop:
            return self._stop(stop.reason, **stop.evidence)
        except (EOFError, tarfile.ReadError) as error:
            return self._stop("truncated", error=str(error))
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError) as error:
            return self._stop("corrupt", error=str(error))
        except (OSError, RuntimeError, NotImplementedError) as error:
            # RuntimeError: a zip member with a password; NotImplementedError: its method
            return self._stop("unreadable", error=sentence(error))
        if self._limit is not None and self._offset + len(data) > self._limit:
            data = data[: self._limit - self._offset]
            self._count(data)
            buffer[: len(data)] = data
            self._stop("oversize", limit=self._limit, of="bytes")
            return len(data)
        if self._ratio(self._offset + len(data)):
            return self._stop("oversize", bytes=self._offset + len(data), of="ratio")
        self._count(data)
        buffer[: len(data)] = data
        return len(data)

    def _count(self, data: bytes) -> None:
        self._offset += len(data)
        self._line += data.count(b"\n")

    def _stop(self, reason: str, **evidence: object) -> int:
        place = Place(self._place.path, self._place.member, self._offset, 0, self._line)
        self.fault = Fault(place, reason, evidence)
        return 0


class Member(io.BufferedReader):
    """The bytes of a file or member after decompression.

    When reading stops early, the stream just ends and `fault` says why; `members` yields that
    fault after the stream, so a reader need only know whether its last item may be cut.
    """

    def __init__(self, raw: Raw) -> None:
        super().__init__(raw, _CHUNK)

    @property
    def fault(self) -> Fault | None:
        """What stopped the reading; None at a true end."""
        assert isinstance(self.raw, Raw)
        return self.raw.fault

    @property
    def file(self) -> BinaryIO | None:
        """The open file itself, which can seek; None for what is decompressed."""
        assert isinstance(self.raw, Raw)
        return self.raw.file


def compression(head: bytes) -> str | None:
    """gzip, bzip2, xz, zstd, zip, tar, or None for a plain file, from its first 512 bytes."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    if head.startswith(b"\xfd7zXZ\0"):
        return "xz"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return "tar" if _is_tar(head) else None


def _is_tar(head: bytes) -> bool:
    if len(head) < 512 or not head[0]:
        return False
    try:
        told = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return told == sum(head[:148]) + 8 * 32 + sum(head[156:512])


def sentence(error: BaseException) -> str:
    """The message of an error, without the path of this machine."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


class _Zlib:
    """zlib's decompressor in the form of bz2's and lzma's."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)

    def decompress(self, data: bytes, size: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, size)

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "gzip": _Zlib,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY),
}


class _Packed:
    """Reads one or more compressed streams, one after the other, as gzip and xz allow."""

    def __init__(self, kind: str, file: BinaryIO) -> None:
        self._kind, self._file = kind, file
        self._make = _DECOMPRESSORS[kind]
        self._state: Any = self._make()
        self._waiting = b""
        self.taken = 0

    def read(self, size: int) -> bytes:
        while True:
            if self._state.eof:
                rest = self._state.unused_data or self._take()
                while rest and not rest.strip(b"\0"):  # padding, as tapes and xz have it
                    rest = self._take()
                if not rest:
                    return b""
                rest = rest.lstrip(b"\0")
                if compression(rest[:16]) != self._kind:
                    raise Broken("corrupt", error="bytes follow that are not compressed")
                self._state, self._waiting = self._make(), rest
            if self._state.needs_input and not self._waiting:
                self._waiting = self._take()
                ended = not self._waiting
            else:
                ended = False
            given, self._waiting = self._waiting, b""
            try:
                data = bytes(self._state.decompress(given, size))
            except OSError as error:  # bz2 says so of damaged data
                raise Broken("corrupt", error=str(error)) from None
            if data:
                return data
            if ended and not self._state.eof:
                raise Broken("truncated", error="the compressed data end before their end")

    def _take(self) -> bytes:
        data = self._file.read(_CHUNK)
        self.taken += len(data)
        return data


def decompressed(kind: str, file: BinaryIO, place: Place, limits: Limits) -> Member:
    if kind == "zstd":
        return _zstd(file, place, limits)
    packed_ = _Packed(kind, file)

    return Member(
        Raw(packed_.read, place, limits.member, lambda size: limits.bomb(size, packed_.taken))
    )


def _zstd(file: BinaryIO, place: Place, limits: Limits) -> Member:
    import pyarrow as pa

    stream = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")

    def read(size: int) -> bytes:
        try:
            return bytes(stream.read(size))
        except OSError as error:
            cut = "ends" in str(error) or "truncated" in str(error).lower()
            raise Broken("truncated" if cut else "corrupt", error=str(error)) from None

    return Member(Raw(read, place, limits.member, lambda size: limits.bomb(size, file.tell())))
