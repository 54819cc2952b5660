"""The bytes that gzip, bzip2, xz or zstd hold, to the last before a damage."""

from __future__ import annotations

import bz2
import lzma
import os
import re
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from stages.errors import SeedbedError, Unreadable
from stages.extract.packed.streams import CHUNK, Budget, Limits, Member, Raw
from stages.place import Place

_LEAST = 1 << 16  # bytes that one reading gives, if there are so many
_FIRST = 512  # bytes that a new stream is given: more, and a million tiny ones are copied on and on
_ZSTD_MEMORY = 128 << 20  # the library's own limit
MEMORY = 256 << 20  # of a decompressor; xz -9 needs 65 MB


class Damage(Unreadable):
    """What the decompressor unpacked in the same call is lost with it."""


_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")  # a zstd frame of other data


def compression(head: bytes) -> str | None:
    """gzip, bzip2, xz, zstd, zip, tar, or None for a plain file, from its first 512 bytes."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    if head.startswith(b"\xfd7zXZ\0"):
        return "xz"
    if head.startswith(b"\x28\xb5\x2f\xfd") or _SKIPPABLE.match(head):
        return "zstd"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return "tar" if _is_tar(head) else None


def _is_tar(head: bytes) -> bool:
    return is_tar_header(head) or (head[257:262] == b"ustar" and 0 in head[:257])


def is_tar_header(block: bytes) -> bool:
    """Whether a block of 512 bytes is a whole header of a tar file, by its checksum."""
    if len(block) < 512 or not block[0]:
        return False
    try:
        told = int(block[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    sum_ = sum(block[:148]) + 8 * 32 + sum(block[156:512])
    if told == sum_:
        return True
    signed = sum(byte > 127 for byte in block[:148] + block[156:512])  # as old writers summed
    return signed > 0 and told == sum_ - 256 * signed


class _Zlib:
    """zlib's decompressor in the form of bz2's and lzma's."""

    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(window)

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


def decompressor(kind: str) -> Any:
    """A new decompressor of one stream; `deflate` and `lzma` stand in zip files only."""
    if kind in ("gzip", "deflate"):
        return _Zlib(31 if kind == "gzip" else -15)
    if kind == "bzip2":
        return bz2.BZ2Decompressor()
    form = lzma.FORMAT_XZ if kind == "xz" else lzma.FORMAT_ALONE
    return lzma.LZMADecompressor(form, memlimit=MEMORY)


# What the first bytes of a further stream must be, as far as the file goes.
_MAGIC = {"gzip": b"\x1f\x8b\x08", "bzip2": b"BZh", "xz": b"\xfd7zXZ\0"}
_MARK = 5  # bytes of its content by which a further stream is known as one of the same kind
_HEAD = 16  # bytes that tell the kind of all that can be concatenated


class Packed:
    """Reads one stream, or several one after the other as gzip, bzip2 and xz allow.

    take(size): more packed bytes, none at their end. Nothing depends on where its pieces end.
    alone: whether one stream is all. slow: packed bytes after which each is given by itself.
    begin: of the stream that is read, among the packed bytes.
    """

    def __init__(
        self, kind: str, take: Callable[[int], bytes], alone: bool = False, slow: int | None = None
    ) -> None:
        self._kind, self._more, self._alone, self._slow = kind, take, alone, slow
        self._state: Any = decompressor(kind)
        self._held, self._at, self._feed = b"", 0, _FIRST
        self.taken = self.last = self.begin = 0
        self._failed: Exception | None = None

    def read(self, size: int) -> bytes:
        if self._failed is not None:
            raise self._failed
        found: list[bytes] = []
        wanted = min(size, _LEAST)
        try:
            while wanted > 0 and (data := self._read(size)):
                found.append(data)
                size -= len(data)
                wanted -= len(data)
        except (Unreadable, EOFError) as error:
            if not found:
                raise
            self._failed = error
        return b"".join(found)

    def _read(self, size: int) -> bytes:
        while True:
            if self._state.eof:
                if self._alone or not self._another():
                    return b""
                self._state, self._feed = decompressor(self._kind), _FIRST
            given = b""
            ended = False
            if self._state.needs_input:
                ended = not self._gather(1)
                given = self._held[self._at : self._at + self._feed]
                self.last = self.taken - len(self._held) + self._at
                if self._slow is not None and self.last + self._feed > self._slow:
                    given = given[: max(1, self._slow - self.last)]
                self._at += len(given)
                self._feed = min(2 * self._feed, CHUNK)
            data = self._unpacked(given, size)
            if self._state.eof:
                self._at -= len(self._state.unused_data)
            if data:
                return data
            if ended and not self._state.eof:
                raise EOFError("the compressed data end before their end")

    def _unpacked(self, given: bytes, size: int) -> bytes:
        try:
            return bytes(self._state.decompress(given, size))
        except (SeedbedError, MemoryError):
            raise
        except Exception as error:  # the border around a foreign decompressor
            if isinstance(error, lzma.LZMAError) and "emory" in str(error):
                raise Damage("oversize", limit=MEMORY, of="bytes of memory to unpack it") from None
            raise Damage("corrupt", error=str(error)) from None

    def _another(self) -> bool:
        """Whether a further stream follows; zeros are padding, as tapes and xz have it."""
        while self._gather(1) and not self._held[self._at]:
            self._at = len(self._held) - len(self._held[self._at :].lstrip(b"\0"))
        if not self._gather(1):
            return False
        self.begin = self.taken - len(self._held) + self._at
        self._gather(_HEAD)
        head = self._held[self._at : self._at + _HEAD]
        kind = compression(head)
        if kind == self._kind:
            return True
        magic = _MAGIC[self._kind]
        if len(head) < _HEAD and (head.startswith(magic) or magic.startswith(head)):
            raise EOFError("the compressed data end within the head of a further stream")
        told = f"{kind} data follow" if kind else "bytes follow that are not compressed"
        raise Unreadable("corrupt", error=told)

    def _gather(self, size: int) -> bool:
        """Hold so many bytes ahead if the file has them; whether there is one."""
        while len(self._held) - self._at < size:
            data = self._more(CHUNK)
            if not data:
                break
            self.taken += len(data)
            self._held, self._at = self._held[self._at :] + data, 0
        return self._at < len(self._held)


# Arrow unpacks with none.
_OF_DICTIONARY = {
    "error": "it was packed with a dictionary",
    "remedy": "unpack it first: zstd -d -D DICTIONARY FILE; web archives have theirs in their "
    "first frame, behind 8 bytes",
}


class _Zstd:
    """Reads frames of zstd, skippable ones between them."""

    def __init__(self, take: Callable[[int], bytes], slow: int | None = None) -> None:
        import pyarrow as pa

        self._feed = _Feed(take, slow)
        self._slow = slow is not None
        self._failed: Damage | None = None
        self._stream = pa.CompressedInputStream(pa.PythonFile(self._feed, "r"), "zstd")

    @property
    def taken(self) -> int:
        return self._feed.taken

    @property
    def last(self) -> int:
        return self._feed.last

    def read(self, size: int) -> bytes:
        if not self._slow:
            return self._unpacked(size)
        if self._failed is not None:
            raise self._failed
        found: list[bytes] = []
        try:
            while len(found) < size and (data := self._unpacked(1)):
                found.append(data)
        except Damage as error:
            self._failed = error
        return self.read(size) if self._failed and not found else b"".join(found)

    def _unpacked(self, size: int) -> bytes:
        try:
            return bytes(self._stream.read(size))
        except OSError as error:
            if error.errno is not None:
                raise
            if "too much memory" in str(error):
                told = {"limit": _ZSTD_MEMORY, "of": "bytes of memory to unpack it"}
                raise Damage("oversize", **told) from None
            if "ictionary" in str(error):
                raise Unreadable("unreadable", **_OF_DICTIONARY) from None
            cut = "ends" in str(error) or "truncated" in str(error).lower()
            raise Damage("truncated" if cut else "corrupt", error=str(error)) from None


class _Feed:
    """The packed bytes as Arrow asks for them; each by itself after `slow` of them."""

    closed = False

    def __init__(self, take: Callable[[int], bytes], slow: int | None) -> None:
        self._more, self._slow = take, slow
        self.taken = self.last = 0

    def read(self, size: int) -> bytes:
        self.last = self.taken
        if self._slow is not None:
            size = max(1, min(size, self._slow - self.taken))
        data = self._more(size)
        self.taken += len(data)
        return data

    def close(self) -> None:
        """Who opened the file closes it."""


class ToTheDamage:
    """Reads to the last byte before a damage, by reading once more, byte by byte at the end.

    A decompressor that meets damage does not give what it unpacked before it in the same call.
    open(slow): a reader from the begin that takes each packed byte by itself after so many.
    """

    def __init__(self, open_: Callable[[int | None], Any]) -> None:
        self._open, self.source = open_, open_(None)
        self._given, self._damaged = 0, False

    def read(self, size: int) -> bytes:
        try:
            data: bytes = self.source.read(size)
        except Damage:
            if self._damaged:
                raise
            self._damaged = True
            self.source = self._open(self.source.last)
            left = self._given
            while left and (data := self.source.read(min(left, CHUNK))):
                left -= len(data)
            return self.read(size)
        self._given += len(data)
        return data


class _File:
    """The bytes that a compressed file holds, from the begin of one of its streams on."""

    def __init__(self, kind: str, file: BinaryIO) -> None:
        self._kind, self._file, self._base, self._first = kind, file, 0, b""
        self._reader = ToTheDamage(self._open)

    def _open(self, slow: int | None) -> Packed | _Zstd:
        self._file.seek(self._base)
        if self._kind == "zstd":
            return _Zstd(self._file.read, slow)
        return Packed(self._kind, self._file.read, slow=slow)

    def read(self, size: int) -> bytes:
        data = self._reader.read(size)
        self._first = self._first or data[:_MARK]
        return data

    @property
    def taken(self) -> int:
        return self._base + int(self._reader.source.taken)

    def go_on(self) -> dict[str, int] | None:
        """Go on at the next gzip stream that begins as the first one does; what is passed over:
        `packed` bytes from `at` on. None, where there is no such stream."""
        if self._kind != "gzip":
            return None
        damaged = self._base + self._reader.source.begin
        found = _next_gzip(self._file, damaged + 1, self._first)
        if found is None:
            return None
        self._base = found
        self._reader = ToTheDamage(self._open)
        return {"at": damaged, "packed": found - damaged}


def _next_gzip(file: BinaryIO, at: int, first: bytes) -> int | None:
    """Where the next gzip stream begins that has content, and whose content begins with `first`."""
    magic = _MAGIC["gzip"]
    file.seek(at)
    held, last = b"", False
    while not last:
        data = file.read(CHUNK)
        held, last = held + data, not data
        found = held.find(magic)
        while found >= 0 and (last or found <= len(held) - _FIRST):
            stream = zlib.decompressobj(31)
            try:
                head = stream.decompress(held[found : found + _FIRST], max(1, len(first)))
            except zlib.error:
                head = b""
            if head and head.startswith(first):
                return at + found
            found = held.find(magic, found + 1)
        cut = found if found >= 0 else max(0, len(held) - len(magic) + 1)
        at, held = at + cut, held[cut:]
    return None


def decompressed(kind: str, file: BinaryIO, place: Place, limits: Limits) -> Member:
    """The bytes of a compressed file."""
    reader = _File(kind, file)
    size = os.fstat(file.fileno()).st_size
    budget = Budget(limits, lambda: reader.taken, "file", size)
    return Member(Raw(reader.read, place, (budget,), go_on=reader.go_on))
