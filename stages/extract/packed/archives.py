"""What a file holds, by its first bytes: itself, or members of gzip, bzip2, xz, zstd, zip, tar.

A member is a bounded stream; its name is only a label, nothing is ever unpacked to a path. An
archive within an archive is not followed. What cannot be read is a Fault, after all that can.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from stages.base import Border, Fault, Item, Part, Rows
from stages.errors import SeedbedError, StageFailed
from stages.extract import files
from stages.extract.packed import pg_archives, tars, zips
from stages.extract.packed.compressed import compression, decompressed
from stages.extract.packed.labels import is_package, packed
from stages.extract.packed.streams import Limits, Member, Raw, from_system
from stages.place import Place

__all__ = ["REASONS", "Limits", "Member", "compression", "document", "documents"]
__all__ += ["is_plain", "members", "packed", "plain", "read", "read_at"]

REASONS = {
    **files.REASONS,
    "truncated": "the file or archive ends before its end; what stands before the cut was read",
    "corrupt": "the file, or what is packed in it, is damaged; what stands before was read",
    "oversize": "more bytes or members than the limits allow; what stands before was read",
    "nested": "an archive within an archive, which is not followed",
    "no_members": "the archive holds no file of a kind that this source reads",
}

Found = TypeVar("Found", bound=Item | Fault | Rows | Border)
_CHUNK = 1 << 18
# What the machine lacks, not the file: never booked as the file's fault.
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_OF_THE_MACHINE |= {errno.EROFS}


def plain(file: BinaryIO, place: Place) -> Member:
    """An open file that is neither compressed nor an archive, from where it stands."""
    return Member(Raw(file.read, place, file=file))


def is_plain(path: Path) -> bool:
    """Whether a regular file can be read that is neither compressed nor an archive."""
    try:
        with files.opened(path) as file:
            return not compression(file.read(512))
    except OSError:
        return False


def members(
    root: Path | str,
    name: str,
    limits: Limits | None = None,
    suffixes: tuple[str, ...] = (),
    packages: bool = False,
) -> Generator[tuple[Place, Member] | Fault]:
    """What the file `name` below `root` holds: itself, or the members of the archive it is.

    Each stream must be read before the next item is asked for. suffixes: which members of an
    archive are wanted; none: all. Folders and hidden members are left out, as in a folder.
    packages: whether an office document, which is a zip file, is itself and no archive.
    """
    limits = limits or Limits()
    place = Place(name)
    path = Path(root) / name
    try:
        file = files.opened(path)
    except OSError as error:
        yield Fault(place, "unreadable", from_system(error))
        return
    with file:
        try:
            head = file.read(512)
            file.seek(0)
        except OSError as error:
            yield Fault(place, "unreadable", from_system(error))
            return
        kind = compression(head)
        if packages and is_package(head):
            yield place, plain(file, place)
            return
        if kind == "zip":
            yield from zips.members(file, place, limits, suffixes, packages)
            return
        if kind == "tar" or kind is None:
            stream = plain(file, place)
        else:
            stream = decompressed(kind, file, place, limits)
        head = stream.peek(1024)[:1024]
        inner = compression(head[:512])
        if head.startswith(pg_archives.MAGIC) or (inner == "tar" and pg_archives.is_tar(head)):
            own = path if stream.file is not None else None
            yield from pg_archives.members(stream, place, limits, own)
        elif inner == "tar":
            size = os.fstat(file.fileno()).st_size
            whole = stream.file is not None

            def unread(at: int) -> int:
                return size - (at if whole else file.tell())

            yield from tars.members(stream, place, limits, suffixes, size, unread, packages)
        elif kind is not None and inner is not None and not (packages and is_package(head)):
            yield Fault(place, "nested", {"kind": inner})
        else:
            yield place, stream
            if stream.fault is not None:
                yield stream.fault


def read(
    part: Part,
    suffixes: tuple[str, ...],
    member: Callable[[Place, Member], Iterator[Found]],
    limits: Limits | None = None,
) -> Iterator[Found | Fault]:
    """The items that `member` reads from each member of a part's files, and all faults.

    What `member` raises of a file is `corrupt` at that file or member; the others are read.
    """
    for name in part.files:
        for found in members(part.root, name, limits, suffixes):
            if isinstance(found, Fault):
                yield found
                continue
            place, stream = found
            try:
                yield from member(place, stream)
            except (SeedbedError, MemoryError, ImportError):
                raise
            except Exception as error:  # the border around a reader of foreign data
                if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
                    raise StageFailed(f"{place}: {error.strerror} while it was read") from error
                told = f"{type(error).__name__}: {error}"[:200]
                yield Fault(place, "corrupt", {"error": told})


def documents(
    root: Path | str,
    name: str,
    limits: Limits | None = None,
    suffixes: tuple[str, ...] = (),
    size: int = 64 << 20,
    packages: bool = False,
) -> Iterator[tuple[Place, bytes] | Fault]:
    """The members as whole documents; one of more than `size` bytes is a fault, a cut one too."""
    for item in members(root, name, limits, suffixes, packages):
        if isinstance(item, Fault):
            yield item
        else:
            yield from document(*item, size)


def document(place: Place, stream: Member, size: int) -> Iterator[tuple[Place, bytes] | Fault]:
    """A member as a whole; one of more than `size` bytes is a fault, and of a cut one `members`
    tells it."""
    raw = stream.read(size + 1)
    if len(raw) > size:
        yield Fault(place, "oversize", {"limit": size, "of": "bytes"})
    elif stream.fault is None:
        yield place, raw


def read_at(root: Path | str, place: Place, limits: Limits | None = None) -> bytes:
    """The bytes that a place names, through archives: all of the file when it has no offset.

    FileNotFoundError when file or member are not there, EOFError when they are shorter.
    """
    for item in members(root, place.path, limits, packages=True):
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
            if not data and stream.go_on():  # it begins behind a damage
                data = stream.read(place.length)
        if len(data) != place.length:
            raise EOFError(f"{place}: the file is shorter than that")
        return data
    raise FileNotFoundError(f"{place}: there is no such member")


def _skip(stream: Member, size: int) -> None:
    while size > 0 and ((data := stream.read(min(size, _CHUNK))) or stream.go_on()):
        size -= len(data)
