"""Books (EPUB 2 and 3): what their package says of them, and their chapters in reading order.

A book is a zip file whose META-INF/container.xml names its package, which lists the files and
their order. https://www.w3.org/TR/epub-33/
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote
from xml.etree import ElementTree

from stages.base import Fault
from stages.errors import Unreadable
from stages.extract import files
from stages.extract.packed.archives import document
from stages.extract.packed.streams import Limits
from stages.extract.packed.zips import Directory
from stages.place import Place

CONTAINER = "META-INF/container.xml"
_LARGEST = 16 << 20  # bytes of a package; that of a bible in 1,200 files has 300 kB
_CHAPTERS = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
# What a guide calls the pages that are no text of the book.
_BESIDE = {"cover": "the cover", "toc": "the table of contents"}
# Fields of a package → keys of `meta`.
_FIELDS = {
    "title": "title",
    "creator": "author",
    "language": "language",
    "date": "date",
    "rights": "license",
}
_DAY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")
_LONGEST = 500  # characters of a value


class Chapter(bytes):
    """The bytes of a chapter. about: what its book says of itself, for `meta`."""

    about: Mapping[str, str]


class Book(bytes):
    """The bytes of all chapters of a book. about: what it says of itself, for `meta`."""

    about: Mapping[str, str]
    chapters: list[Chapter]


@dataclass
class _Package:
    about: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # id → name, type, what
    order: list[str] = field(default_factory=list)


def read(
    root: str, name: str, largest: int, whole: bool
) -> Generator[tuple[Place, Chapter | Book] | Fault, None, bool]:
    """The chapters of a book in their order, and a fault for each page that is none or is damaged.

    Returns whether the file is a book that says what its chapters are; what else it is, others
    read. largest: bytes of a chapter. whole: all of them as one.
    """
    place = Place(name)
    try:
        file = files.opened(Path(root) / name)
    except OSError:
        return False
    with file:
        try:
            directory = _opened(file, place)
        except OSError:
            return False
        if directory is None:
            return False
        try:
            found = _chapters(directory, place, largest)
            yield from (_whole(found, place, largest) if whole else found)
        except Unreadable as broken:
            yield Fault(place, broken.reason, broken.evidence)
            return False
    return True


def _opened(file: BinaryIO, place: Place) -> Directory | None:
    """The members of a book; None for another file, and a zip file whose list cannot be read."""
    if not file.read(4).startswith(b"PK\3\4"):
        return None
    try:
        directory = Directory(file, place, Limits())
    except Unreadable:
        return None
    return directory if CONTAINER in directory else None


def _chapters(
    directory: Directory, place: Place, largest: int
) -> Iterator[tuple[Place, Chapter] | Fault]:
    """Raises Unreadable where nothing says what its chapters are."""
    package = _package(directory)
    if not package.order:
        raise Unreadable("corrupt", error="the book's package names no chapters")
    read: set[str] = set()
    listed_ids = set(package.order)
    for number in dict.fromkeys([*package.order, *package.files]):
        name, kind, beside = package.files.get(number, (number, "", "nothing of the book"))
        if name in read:
            continue
        read.add(name)
        label = Place(place.path, name)
        listed = number in listed_ids
        if kind not in _CHAPTERS:
            if listed:
                told = {"is": "no chapter", "content_type": kind or "not said"}
                yield Fault(label, "no_page", told, failed=False, characters=0)
            continue
        if beside or not listed:
            told = {"is": beside or "not in the reading order"}
            yield Fault(label, "no_page", told, failed=False, characters=0)
            continue
        yield from _chapter(directory, label, package.about, largest)


def _whole(
    found: Iterator[tuple[Place, Chapter] | Fault], place: Place, largest: int
) -> Iterator[tuple[Place, Book] | Fault]:
    """All chapters as one document, behind the faults of those that are damaged."""
    chapters: list[Chapter] = []
    size = 0
    for one in found:
        if isinstance(one, Fault):
            yield one
            continue
        chapters.append(one[1])
        size += len(one[1])
        if size > largest:
            yield Fault(place, "oversize", {"limit": largest, "of": "bytes of all chapters"})
            return
    if not chapters:
        yield Fault(place, "no_members", {"members": 0})
        return
    book = Book(b"\0".join(chapters))
    book.about, book.chapters = chapters[0].about, chapters
    yield place, book


def _chapter(
    directory: Directory, label: Place, about: Mapping[str, str], largest: int
) -> Iterator[tuple[Place, Chapter] | Fault]:
    try:
        stream = directory.open(label.member or "")
    except Unreadable as broken:
        yield Fault(label, broken.reason, broken.evidence)
        return
    for found in document(label, stream, largest):
        if isinstance(found, Fault):
            yield found
            continue
        chapter = Chapter(found[1])
        chapter.about = about
        yield label, chapter
    if stream.fault is not None:
        yield stream.fault


def _package(directory: Directory) -> _Package:
    container = _xml(directory, CONTAINER)
    name = next((one.get("full-path") for one in _all(container, "rootfile")), None)
    if not name:
        raise Unreadable("corrupt", error="the book names no package")
    root = _xml(directory, name)
    found = _Package(_about(root))
    base = posixpath.dirname(name)
    guide = {
        _name(base, one.get("href", "")): _BESIDE[kind]
        for one in _all(root, "reference")
        if (kind := one.get("type", "").lower()) in _BESIDE
    }
    for one in _all(root, "item"):
        member = _name(base, one.get("href", ""))
        beside = guide.get(member, "")
        if "nav" in one.get("properties", "").split():
            beside = _BESIDE["toc"]
        found.files.setdefault(
            one.get("id", member), (member, one.get("media-type", "").lower(), beside)
        )
    found.order = [one.get("idref", "") for one in _all(root, "itemref")]
    return found


def _about(root: ElementTree.Element) -> dict[str, str]:
    """What a package says of its book; of several authors all, of other fields the first."""
    found: dict[str, list[str]] = {}
    for one in root.iter():
        space, _, tag = str(one.tag).rpartition("}")
        value = " ".join((one.text or "").split())[:_LONGEST]
        if tag in _FIELDS and value and "purl.org/dc" in space:
            found.setdefault(_FIELDS[tag], []).append(value)
    about = {
        key: ", ".join(values[:5]) if key == "author" else values[0]
        for key, values in found.items()
    }
    if "date" in about:
        day = _DAY.match(about.pop("date"))
        about |= {"date": day[0]} if day else {}
    return about


def described(meta: Mapping[str, Any], about: Mapping[str, str]) -> dict[str, Any]:
    """The `meta` of a chapter: its book's title and author, and what it says of itself beside."""
    own = meta.get("title", "")
    title = about.get("title", own)
    return {**meta, **about, **({"chapter": own} if own and own != title else {})}


def _name(base: str, href: str) -> str:
    """The member that a package's link means."""
    return posixpath.normpath(posixpath.join(base, unquote(href.partition("#")[0])))


def _all(root: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    return (one for one in root.iter() if str(one.tag).rpartition("}")[2] == tag)


def _xml(directory: Directory, name: str) -> ElementTree.Element:
    """A small file of the book; a document type could make it large, so it may have no entities."""
    stream = directory.open(name)
    data = stream.read(_LARGEST + 1)
    told: dict[str, Any] = {"file": name[:200]}
    if len(data) > _LARGEST:
        raise Unreadable("oversize", limit=_LARGEST, of="bytes", **told)
    if stream.fault is not None:
        raise Unreadable(stream.fault.reason, **{**stream.fault.evidence, **told})
    if b"<!ENTITY" in data:
        raise Unreadable("corrupt", error="entities of its own", **told)
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Unreadable("corrupt", error=str(error)[:200], **told) from error
