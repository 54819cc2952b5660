"""What a file holds, by its first bytes: itself, or members of gzip, bzip2, xz, zstd, zip, tar.

A member is a bounded stream; its name is only a label, nothing is ever unpacked to a path. An
archive within an archive is not followed. What cannot be read is a Fault, after all that can.
"""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from stages.base import Fault
from stages.extract.compressed import (
    Limits,
    Member,
    Raw,
    compression,
    decompressed,
    sentence,
)
from stages.place import Place

__all__ = ["REASONS", "Limits", "Member", "compression", "documents", "is_plain", "members"]
__all__ += ["packed", "read_at"]

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

# A header of a tar file (long names, attributes) beyond this is no header.
_HEADER_BYTES = 1 << 20
_CHUNK = 1 << 18


def packed(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    """The suffixes, these compressed, and those of archives: what a folder is searched for."""
    compressed = (suffix + end for suffix in suffixes for end in _COMPRESSED)
    return (*suffixes, *compressed, *_ARCHIVES)


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
        yield Fault(place, "unreadable", {"error": sentence(error)})
        return
    with file:
        try:
            head = file.read(512)
            file.seek(0)
        except OSError as error:
            yield Fault(place, "unreadable", {"error": sentence(error)})
            return
        kind = compression(head)
        if kind == "zip":
            yield from _zip(file, place, limits, suffixes)
            return
        if kind == "tar" or kind is None:
            stream = Member(Raw(file.read, place, file=file))
        else:
            stream = decompressed(kind, file, place, limits)
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
                yield from _opened(label, Member(Raw(opened.read, label, limits.member, too_much)))
    yield from labels.end()


def _ratio_of(size: int, limits: Limits) -> Callable[[int], bool]:
    return lambda out: limits.bomb(out, size)


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
                member = Member(Raw(opened.read, label, limits.member))
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
