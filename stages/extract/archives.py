"""What a file holds, by its first bytes: itself, or members of gzip, bzip2, xz, zstd, zip, tar.

A member is a bounded stream; its name is only a label, nothing is ever unpacked to a path. An
archive within an archive is not followed. What cannot be read is a Fault, after all that can.
"""

from __future__ import annotations

import bz2
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from stages.base import Fault
from stages.place import Place

REASONS = {
    "unreadable": "the file cannot be opened or read, or is no regular file",
    "truncated": "the file or archive ends before its end; what stands before the cut was read",
    "corrupt": "compressed data are damaged; what stands before the damage was read",
    "oversize": "more bytes or members than the limits allow; what stands before was read",
    "nested": "an archive within an archive, which is not followed",
    "no_members": "the archive holds no file of a kind that this source reads",
}

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_ARCHIVES = (
    ".zip",
    ".tar",
    ".tgz",
    ".tbz2",
    ".txz",
    *(".tar" + end for end in _COMPRESSED),
)

# Text compresses 3 to 20 times, logs and tables of one value up to 150; bombs 1,000 and more.
# Below the floor a ratio says nothing: it costs nobody anything.
RATIO = 300
RATIO_FLOOR = 64 << 20
# A header of a tar file (long names, attributes) beyond this is no header.
_HEADER_BYTES = 1 << 20
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


class _Broken(Exception):
    """Reading stops here; the reason and evidence of the fault."""

    def __init__(self, reason: str, **evidence: object) -> None:
        super().__init__(reason)
        self.reason, self.evidence = reason, evidence


class _Raw(io.RawIOBase):
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
        except _Broken as stop:
            return self._stop(stop.reason, **stop.evidence)
        except (EOFError, tarfile.ReadError) as error:
            return self._stop("truncated", error=str(error))
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError) as error:
            return self._stop("corrupt", error=str(error))
        except (OSError, RuntimeError, NotImplementedError) as error:
            # RuntimeError: a zip member with a password; NotImplementedError: its method
            return self._stop("unreadable", error=_sentence(error))
        if self._limit is not None and self._offset + len(data) > self._limit:
            data = data[: self._limit - self._offset]
            self._count(data)
            buffer[: len(data)] = data
            self._stop("oversize", limit=self._limit, of="bytes")
            return len(data)
        self._count(data)
        if self._ratio(self._offset):
            return self._stop("oversize", limit=RATIO, of="ratio")
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

    def __init__(self, raw: _Raw) -> None:
        super().__init__(raw, _CHUNK)

    @property
    def fault(self) -> Fault | None:
        """What stopped the reading; None at a true end."""
        assert isinstance(self.raw, _Raw)
        return self.raw.fault

    @property
    def file(self) -> BinaryIO | None:
        """The open file itself, which can seek; None for what is decompressed."""
        assert isinstance(self.raw, _Raw)
        return self.raw.file


def packed(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    """The suffixes, these compressed, and those of archives: what a folder is searched for."""
    compressed = (suffix + end for suffix in suffixes for end in _COMPRESSED)
    return (*suffixes, *compressed, *_ARCHIVES)


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


def is_plain(path: Path) -> bool:
    """Whether a regular file can be read that is neither compressed nor an archive."""
    try:
        with open(path, "rb") as file:
            return stat.S_ISREG(os.fstat(file.fileno()).st_mode) and not compression(file.read(512))
    except OSError:
        return False


def members(
    root: Path | str,
    name: str,
    limits: Limits | None = None,
    suffixes: tuple[str, ...] = (),
) -> Iterator[tuple[Place, Member] | Fault]:
    """What the file `name` below `root` holds: itself, or the members of the archive it is.

    Each stream must be read before the next item is asked for. suffixes: which members of an
    archive are wanted; none: all. Folders and hidden members are left out, as in a folder.
    """
    limits = limits or Limits()
    place = Place(name)
    path = Path(root) / name
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            yield Fault(place, "unreadable", {"error": "not a regular file"})
            return
        file = open(path, "rb")  # noqa: SIM115 - closed below; errors of opening are faults
    except OSError as error:
        yield Fault(place, "unreadable", {"error": _sentence(error)})
        return
    with file:
        try:
            head = file.read(512)
            file.seek(0)
        except OSError as error:
            yield Fault(place, "unreadable", {"error": _sentence(error)})
            return
        kind = compression(head)
        if kind == "zip":
            yield from _zip(file, place, limits, suffixes)
            return
        if kind == "tar" or kind is None:
            stream = Member(_Raw(file.read, place, file=file))
        else:
            stream = _decompressed(kind, file, place, limits)
        head = stream.peek(512)[:512]
        inner = compression(head)
        if inner == "tar":
            yield from _tar(stream, place, limits, suffixes)
        elif kind is not None and inner is not None:
            yield Fault(place, "nested", {"kind": inner})
        else:
            yield place, stream
            if stream.fault is not None:
                yield stream.fault


def documents(
    root: Path | str,
    name: str,
    limits: Limits | None = None,
    suffixes: tuple[str, ...] = (),
    size: int = 64 << 20,
) -> Iterator[tuple[Place, bytes] | Fault]:
    """The members as whole documents; one of more than `size` bytes is a fault, a cut one too."""
    for item in members(root, name, limits, suffixes):
        if isinstance(item, Fault):
            yield item
            continue
        place, stream = item
        raw = stream.read(size + 1)
        if len(raw) > size:
            yield Fault(place, "oversize", {"limit": size, "of": "bytes"})
            _drain(stream)
        elif stream.fault is None:
            yield place, raw


def read_at(root: Path | str, place: Place, limits: Limits | None = None) -> bytes:
    """The bytes that a place names, through archives: all of the file when it has no offset.

    FileNotFoundError when file or member are not there, EOFError when they are shorter.
    """
    for item in members(root, place.path, limits):
        if isinstance(item, Fault):
            if item.place.member == place.member:
                raise FileNotFoundError(f"{place}: {item.reason} {dict(item.evidence)}")
            continue
        found, stream = item
        if found.member != place.member:
            continue
        if place.offset is None:
            return stream.read()
        if found.member is None and is_plain(Path(root) / place.path):
            with open(Path(root) / place.path, "rb") as file:
                file.seek(place.offset)
                data = file.read(place.length)
        else:
            _skip(stream, place.offset)
            data = stream.read(place.length)
        if len(data) != place.length:
            raise EOFError(f"{place}: the file is shorter than that")
        return data
    raise FileNotFoundError(f"{place}: there is no such member")


def _skip(stream: Member, size: int) -> None:
    while size > 0 and (data := stream.read(min(size, _CHUNK))):
        size -= len(data)


def _drain(stream: Member) -> None:
    while stream.read(_CHUNK):
        pass


def _sentence(error: BaseException) -> str:
    """The message of an error, without the path of this machine."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


# --- compressed files ---------------------------------------------------------------------------


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
                    raise _Broken("corrupt", error="bytes follow that are not compressed")
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
                raise _Broken("corrupt", error=str(error)) from None
            if data:
                return data
            if ended and not self._state.eof:
                raise _Broken("truncated", error="the compressed data end before their end")

    def _take(self) -> bytes:
        data = self._file.read(_CHUNK)
        self.taken += len(data)
        return data


def _decompressed(kind: str, file: BinaryIO, place: Place, limits: Limits) -> Member:
    if kind == "zstd":
        return _zstd(file, place, limits)
    packed_ = _Packed(kind, file)

    def too_much(size: int) -> bool:
        return size > RATIO_FLOOR and size > limits.ratio * packed_.taken

    return Member(_Raw(packed_.read, place, limits.member, too_much))


def _zstd(file: BinaryIO, place: Place, limits: Limits) -> Member:
    import pyarrow as pa

    stream = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")

    def read(size: int) -> bytes:
        try:
            return bytes(stream.read(size))
        except OSError as error:
            cut = "ends" in str(error) or "truncated" in str(error).lower()
            raise _Broken("truncated" if cut else "corrupt", error=str(error)) from None

    def too_much(size: int) -> bool:
        return size > RATIO_FLOOR and size > limits.ratio * file.tell()

    return Member(_Raw(read, place, limits.member, too_much))


# --- archives -----------------------------------------------------------------------------------


class _Labels:
    """Which members are wanted, and one label for each: a name that comes again gets ~2."""

    def __init__(self, place: Place, limits: Limits, suffixes: tuple[str, ...]) -> None:
        self.place, self.limits, self.suffixes = place, limits, suffixes
        self.given: dict[str, int] = {}
        self.others: list[str] = []
        self.seen = 0

    def wanted(self, name: str) -> Place | None:
        self.seen += 1
        parts = name.replace("\\", "/").split("/")
        if any(part.startswith(".") and part.strip(".") for part in parts):
            return None
        if self.suffixes and not name.lower().endswith(packed(self.suffixes)):
            self.others = [*self.others, name][:5]
            return None
        number = self.given[name] = self.given.get(name, 0) + 1
        label = name if number == 1 else f"{name}~{number}"
        return Place(self.place.path, label)

    @property
    def full(self) -> Fault | None:
        if self.seen < self.limits.members:
            return None
        evidence = {"limit": self.limits.members, "of": "members"}
        return Fault(self.place, "oversize", evidence)

    def end(self) -> Iterator[Fault]:
        if not self.given:
            yield Fault(self.place, "no_members", {"members": self.seen, "first": self.others})


def _opened(place: Place, stream: Member) -> Iterator[tuple[Place, Member] | Fault]:
    inner = compression(stream.peek(512)[:512])
    if inner is not None:
        yield Fault(place, "nested", {"kind": inner})
        return
    yield place, stream
    if stream.fault is not None:
        yield stream.fault


def _zip(
    file: BinaryIO, place: Place, limits: Limits, suffixes: tuple[str, ...]
) -> Iterator[tuple[Place, Member] | Fault]:
    labels = _Labels(place, limits, suffixes)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        # the list of members stands at the end of a zip file
        cut = "not a zip file" in str(error)
        yield Fault(place, "truncated" if cut else "corrupt", {"error": str(error)})
        return
    with archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if (fault := labels.full) is not None:
                yield fault
                return
            label = labels.wanted(info.filename)
            if label is None:
                continue
            try:
                opened = archive.open(info)
            except (
                zipfile.BadZipFile,
                RuntimeError,
                NotImplementedError,
                OSError,
            ) as error:
                known = isinstance(error, zipfile.BadZipFile)
                yield Fault(label, "corrupt" if known else "unreadable", {"error": str(error)})
                continue
            size = max(info.compress_size, 1)
            with opened:
                too_much = _ratio_of(size, limits)
                yield from _opened(label, Member(_Raw(opened.read, label, limits.member, too_much)))
    yield from labels.end()


def _ratio_of(size: int, limits: Limits) -> Callable[[int], bool]:
    return lambda out: out > RATIO_FLOOR and out > limits.ratio * size


def _tar(
    stream: Member, place: Place, limits: Limits, suffixes: tuple[str, ...]
) -> Iterator[tuple[Place, Member] | Fault]:
    labels = _Labels(place, limits, suffixes)
    last = b""

    class Header(tarfile.TarInfo):
        """Remembers the last header: only a block of zeros is a true end."""

        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Header:
            nonlocal last
            last = bytes(buf)
            header = super().frombuf(buf, encoding, errors)
            plain = header.isreg() or header.isdir() or header.issym() or header.islnk()
            if not plain and header.size > _HEADER_BYTES:
                raise tarfile.ReadError(f"a header of {header.size} bytes")
            return header

    try:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=Header) as archive:
            while (info := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]
                if info.isdir():
                    continue
                if (fault := labels.full) is not None:
                    yield fault
                    return
                label = labels.wanted(info.name)
                if label is None:
                    continue
                opened = archive.extractfile(info) if info.isreg() else None
                if opened is None:
                    yield Fault(label, "unreadable", {"error": "a link or device"})
                    continue
                member = Member(_Raw(opened.read, label, limits.member))
                for item in _opened(label, member):
                    if member.fault is None or not isinstance(item, Fault):
                        yield item
                    else:  # the archive's own end is the better reason, at the member's place
                        fault = stream.fault or member.fault
                        yield Fault(item.place, fault.reason, fault.evidence)
                if member.fault is not None and member.fault.reason != "oversize":
                    return
    except (tarfile.TarError, OSError, ValueError) as error:
        if stream.fault is None:
            cut = "unexpected end" in str(error)
            yield Fault(place, "truncated" if cut else "corrupt", {"error": str(error)})
            return
    if stream.fault is not None:
        yield stream.fault
    elif last.strip(b"\0") or not last:
        reason = "truncated" if len(last) < tarfile.BLOCKSIZE else "corrupt"
        yield Fault(place, reason, {"error": "the archive does not end with its end mark"})
    else:
        yield from labels.end()
