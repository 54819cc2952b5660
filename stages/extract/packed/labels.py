"""What the readers of archives share: which members are wanted, and one label for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stages.base import Fault
from stages.extract.packed import pg_archives
from stages.extract.packed.compressed import compression
from stages.extract.packed.streams import Limits, Member
from stages.place import Place

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", *(".tar" + end for end in _COMPRESSED))


# How the first member of an office document in a zip file is called.
_PACKAGE = (
    *(b"[Content_Types].xml", b"_rels/.rels", b"docProps/app.xml", b"docProps/core.xml"),
    *(b"word/document", b"xl/workbook.xml", b"ppt/presentation.xml"),
)
# A part that says what a package is, and which stage reads it, which goes by the name.
_PARTS = {
    "word/document.xml": {
        "kind": "Word document",
        "read_by": "documents",
        "remedy": "under a name that ends in .docx",
    },
    "xl/workbook.xml": {
        "kind": "Excel workbook",
        "read_by": "csv",
        "remedy": "under a name that ends in .xlsx",
    },
}
_NAME_AT = 30  # in the header of a zip's first member


def is_package(head: bytes) -> bool:
    """Whether a zip file is an office document by the name of its first member, which is a
    document and no archive of files; head: its first 512 bytes."""
    return head.startswith(b"PK\x03\x04") and head.startswith(_PACKAGE, _NAME_AT)


def packed(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    """The suffixes, these compressed, and those of archives: what a folder is searched for. None
    where there are none: what the source lists is its own affair."""
    if not suffixes:
        return ()
    compressed = (suffix + end for suffix in suffixes for end in _COMPRESSED)
    return (*suffixes, *compressed, *_ARCHIVES)


class Labels:
    """Which members are wanted, and one label for each: a name that comes again gets ~2.

    packages: whether office documents are members to be read and no archives.
    """

    def __init__(
        self, place: Place, limits: Limits, suffixes: tuple[str, ...], packages: bool = False
    ) -> None:
        self.place, self.limits, self.suffixes = place, limits, packed(suffixes)
        self._packages = packages
        self.wanted_all = not suffixes
        self._again: dict[str, int] = {}
        self._others: list[str] = []
        self._seen = 0
        self._package: dict[str, str] = {}

    def wanted(self, name: str) -> Place | None:
        """The place of a member that is to be read."""
        self._seen += 1
        if not self.is_wanted(name):
            if not _hidden(name):
                self._others = [*self._others, name][:5]
                self._package = _PARTS.get(name, self._package)
            return None
        label, number = name, self._again.get(name, 0)
        while label in self._again:
            number += 1
            label = f"{name}~{number + 1}"
        self._again[name] = number
        self._again.setdefault(label, 0)
        return Place(self.place.path, label)

    def is_wanted(self, name: str) -> bool:
        """Whether a member's name is one of those to be read."""
        return not _hidden(name) and (self.wanted_all or name.lower().endswith(self.suffixes))

    def damage(self) -> None:
        """Count what is told and is no member: it is bounded with them."""
        self._seen += 1

    @property
    def full(self) -> dict[str, Any] | None:
        """The evidence where an archive has more members than the limit."""
        if self._seen < self.limits.members:
            return None
        return {"limit": self.limits.members, "of": "members"}

    def end(self) -> Iterator[Fault]:
        """The fault of an archive in which nothing was wanted."""
        if not self._again:
            found = {"members": self._seen, "first": self._others, **self._package}
            yield Fault(self.place, "no_members", found)

    def opened(self, place: Place, stream: Member) -> Iterator[tuple[Place, Member] | Fault]:
        """A member, then what ended it early; an archive within the archive is only told."""
        head = stream.peek(512)[:512]
        inner = compression(head)
        if inner is not None and not (self._packages and is_package(head)):
            yield Fault(place, "nested", {"kind": inner})
            return
        if head.startswith(pg_archives.MAGIC):
            yield from pg_archives.members(stream, place, self.limits)
            return
        yield place, stream
        if stream.fault is not None:
            yield stream.fault


def _hidden(name: str) -> bool:
    if "." not in name:
        return False
    parts = name.replace("\\", "/").split("/")
    return any(part.startswith(".") and part.strip(".") for part in parts)
