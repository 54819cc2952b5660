"""What the readers of archives share: which members are wanted, and one label for each."""

from __future__ import annotations

from collections.abc import Iterator

from stages.base import Fault
from stages.extract.packed import pg_archives
from stages.extract.packed.compressed import compression
from stages.extract.packed.streams import Limits, Member
from stages.place import Place

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", *(".tar" + end for end in _COMPRESSED))


def packed(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    """The suffixes, these compressed, and those of archives: what a folder is searched for."""
    compressed = (suffix + end for suffix in suffixes for end in _COMPRESSED)
    return (*suffixes, *compressed, *_ARCHIVES)


class Labels:
    """Which members are wanted, and one label for each: a name that comes again gets ~2."""

    def __init__(self, place: Place, limits: Limits, suffixes: tuple[str, ...]) -> None:
        self.place, self.limits, self.suffixes = place, limits, packed(suffixes)
        self.wanted_all = not suffixes
        self._again: dict[str, int] = {}
        self._others: list[str] = []
        self._seen = 0

    def wanted(self, name: str) -> Place | None:
        """The place of a member that is to be read."""
        self._seen += 1
        if not self.is_wanted(name):
            if not _hidden(name):
                self._others = [*self._others, name][:5]
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
    def full(self) -> Fault | None:
        """The fault of an archive with more members than the limit."""
        if self._seen < self.limits.members:
            return None
        evidence = {"limit": self.limits.members, "of": "members"}
        return Fault(self.place, "oversize", evidence)

    def end(self) -> Iterator[Fault]:
        """The fault of an archive in which nothing was wanted."""
        if not self._again:
            yield Fault(self.place, "no_members", {"members": self._seen, "first": self._others})


def _hidden(name: str) -> bool:
    if "." not in name:
        return False
    parts = name.replace("\\", "/").split("/")
    return any(part.startswith(".") and part.strip(".") for part in parts)


def opened(place: Place, stream: Member, limits: Limits) -> Iterator[tuple[Place, Member] | Fault]:
    """A member, then what ended it early; an archive within the archive is only told."""
    inner = compression(stream.peek(512)[:512])
    if inner is not None:
        yield Fault(place, "nested", {"kind": inner})
        return
    if stream.peek(len(pg_archives.MAGIC)).startswith(pg_archives.MAGIC):
        yield from pg_archives.members(stream, place, limits)
        return
    yield place, stream
    if stream.fault is not None:
        yield stream.fault
