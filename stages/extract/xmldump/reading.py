"""A stream of XML as elements of a kind, one after the other, whatever its size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from stages.extract.xml_events import Events

_CHUNK = 1 << 16
# What is in no XML and in exports all the same: as a space, so that what follows can be read.
_OUTSIDE = 100  # elements outside of those that are wanted whose text is held
_CONTROL = bytes.maketrans(bytes(set(range(32)) - set(b"\t\n\r")), b" " * (32 - len(b"\t\n\r")))
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\0<", b"<\0")


@dataclass
class Found:
    """An element: where it stands in bytes, its attributes, the text of the elements within it.

    values: path below it, as `revision/text` → text, of the last one where there are several.
    lists: the texts of all, of those paths that are asked for, each with its attributes.
    oversize: whether its text passed the limit.
    """

    name: str
    offset: int
    line: int
    attributes: Mapping[str, str]
    size: int = 0
    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[tuple[Mapping[str, str], str]]] = field(default_factory=dict)
    oversize: bool = False


class Reader:
    """wanted: names of the elements that are given. listed: paths of which all are kept.

    spaces: prefixes of namespaces. limit: characters of one element's text, beyond which it is
    `oversize` and ends there. outside: the first text of each element that is in none of them.
    """

    def __init__(
        self,
        wanted: Sequence[str],
        listed: Sequence[str] = (),
        spaces: Sequence[tuple[str, str]] = (),
        limit: int = 1 << 20,
    ) -> None:
        self._wanted, self._listed, self._limit = frozenset(wanted), frozenset(listed), limit
        self._events = Events(self._start, self._end, self._text, spaces)
        self._ready: list[Found] = []
        self._open: Found | None = None
        self._path: list[str] = []
        self._pieces: list[list[str]] = []
        self._attributes: list[Mapping[str, str]] = []
        self._held = 0
        self._leaf: list[str] | None = None
        self.outside: dict[str, str] = {}

    def read(self, stream: BinaryIO) -> Iterator[Found]:
        """The elements. Unreadable where the XML ends; what was whole before has been given."""
        head = stream.read(_CHUNK)
        wide = head.startswith(_WIDE)
        data = head
        while data:
            try:
                self._events.feed(data if wide else data.translate(_CONTROL))
            finally:
                ready, self._ready = self._ready, []
                yield from ready
            data = stream.read(_CHUNK)
        self._events.feed(b"", last=True)

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._open is None:
            if name in self._wanted:
                self._open = Found(name, self._events.offset, self._events.line, attributes)
                self._held = 0
                self._path, self._pieces, self._attributes = [], [[]], []
                self._leaf = None
            else:
                self._leaf = []
            return
        if not self._path:  # one more of these: nothing of the last one is left
            for path in [path for path in self._open.values if path.startswith(f"{name}/")]:
                self._held -= len(self._open.values.pop(path))
        self._path.append(name)
        self._pieces.append([])
        self._attributes.append(attributes)

    def _text(self, characters: str) -> None:
        if self._open is None:
            if self._leaf is not None and len(self._leaf) < _OUTSIDE:
                self._leaf.append(characters)
            return
        self._held += len(characters)
        if self._held <= self._limit:
            self._pieces[-1].append(characters)
        else:
            self._open.oversize = True

    def _end(self, name: str) -> None:
        found = self._open
        if found is None:
            if self._leaf is not None and len(self.outside) < _OUTSIDE:
                self.outside.setdefault(name, "".join(self._leaf).strip())
            self._leaf = None
            return
        text = "".join(self._pieces.pop())
        if not self._path:
            found.size = self._events.offset + len(f"</{name}>") - found.offset
            found.values[""] = text
            self._open = None
            self._ready.append(found)
            return
        path = "/".join(self._path)
        self._path.pop()
        attributes = self._attributes.pop()
        if path in self._listed:
            found.lists.setdefault(path, []).append((attributes, text))
        else:
            if path in found.values:  # an older one, whose text is held no longer
                self._held -= len(found.values[path])
            found.values[path] = text
