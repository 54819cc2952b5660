"""Word documents (.docx, ISO/IEC 29500): the parts of the package, what styles and numbering say.

The zip file is read within the bounds of all archives; parts that hold no text are not unpacked.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stages.base import Fault
from stages.errors import Unreadable
from stages.extract.document.front import named
from stages.extract.packed import zips
from stages.extract.packed.streams import Limits
from stages.extract.xml_events import Events
from stages.place import Place

SPACES = (
    ("/wordprocessingml/", "w"),
    ("/officeDocument/2006/math", "m"),
    ("/officeDocument/math", "m"),
    ("/markup-compatibility/", "mc"),
    ("/officeDocument/2006/relationships", "r"),
    ("/officeDocument/relationships", "r"),
)
_LIMITS = Limits(total=512 << 20, members=20_000)
PART = 64 << 20  # bytes of one part's XML
# The end of a part's content type → what it is here.
_KINDS = {
    "wordprocessingml.document.main+xml": "main",
    "document.macroEnabled.main+xml": "main",
    "wordprocessingml.template.main+xml": "main",
    "template.macroEnabledTemplate.main+xml": "main",
    "wordprocessingml.styles+xml": "styles",
    "wordprocessingml.numbering+xml": "numbering",
    "wordprocessingml.footnotes+xml": "footnotes",
    "wordprocessingml.endnotes+xml": "endnotes",
    "wordprocessingml.comments+xml": "comments",
    "wordprocessingml.header+xml": "header",
    "wordprocessingml.footer+xml": "footer",
    "core-properties+xml": "core",
    "spreadsheetml.sheet.main+xml": "Excel workbook",
    "presentationml.presentation.main+xml": "PowerPoint presentation",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True)
class Style:
    """What a paragraph style says: its name, its level as a heading (0: none), its list."""

    name: str
    level: int
    list: tuple[str, int] | None


@dataclass
class Package:
    """The parts of a Word document: kind → XML of each part of the kind."""

    parts: dict[str, list[bytes]] = field(default_factory=dict)

    def first(self, kind: str) -> bytes:
        """The first part of a kind; no bytes where there is none."""
        return next(iter(self.parts.get(kind, ())), b"")


def is_encrypted(raw: bytes) -> bool:
    """Whether an office document needs a password."""
    return raw.startswith(_OLE) and _ENCRYPTED in raw


def package(raw: bytes) -> Package:
    """The parts of a document that hold text or say how it is laid out.

    Unreadable: binary (another kind of office document), corrupt, truncated, oversize.
    """
    kinds: dict[str, str] = {}
    found = Package()
    # What the parts are may stand behind them: the list of types first.
    for _, data in _members(raw, {"[Content_Types].xml"}):
        kinds = _types(data)
    others = [kind for kind in kinds.values() if " " in kind]
    mains = [name for name, kind in kinds.items() if kind == "main"]
    if not mains:
        if others:
            raise Unreadable("binary", kind=others[0], **_remedy(others[0]))
        raise Unreadable("corrupt", error="it names no part that holds the document")
    for name, data in _members(raw, set(kinds)):
        found.parts.setdefault(kinds[name], []).append(data)
    if not found.first("main"):
        raise Unreadable("corrupt", error=f"the part {mains[0]} is missing")
    return found


def _remedy(kind: str) -> dict[str, str]:
    return {"read_by": "csv"} if kind == "Excel workbook" else {"remedy": "save it as PDF"}


def _members(raw: bytes, wanted: set[str]) -> list[tuple[str, bytes]]:
    """The parts with these names."""
    found = []
    for item in zips.members(io.BytesIO(raw), Place(), _LIMITS, ()):
        if isinstance(item, Fault):
            if item.place.member in wanted or item.place.member is None:
                raise Unreadable(item.reason, **{**item.evidence, "part": item.place.member or ""})
            continue
        place, stream = item
        if place.member not in wanted:
            continue
        data = stream.read(PART + 1)
        if len(data) > PART:
            raise Unreadable("oversize", limit=PART, of=f"bytes of the part {place.member}")
        if stream.fault is not None:
            fault = stream.fault
            raise Unreadable(fault.reason, **{**fault.evidence, "part": place.member})
        found.append((place.member, data))
    return found


def _types(data: bytes) -> dict[str, str]:
    """part → kind, as [Content_Types].xml has it."""
    found: dict[str, str] = {}

    def start(name: str, attributes: Mapping[str, str]) -> None:
        if name != "Override":
            return
        told = attributes.get("ContentType", "")
        kind = next((kind for end, kind in _KINDS.items() if told.endswith(end)), None)
        if kind is not None:
            found[attributes.get("PartName", "").lstrip("/")] = kind

    _read(data, start)
    return found


def _read(data: bytes, start: Any, end: Any = None, text: Any = None) -> None:
    events = Events(start, end or _nothing, text or _nothing, SPACES)
    events.feed(data, last=True)


def _nothing(_: str) -> None: ...


# --- properties ---------------------------------------------------------------------------------

_CORE = {
    "title": "title",
    "creator": "author",
    "created": "date",
    "language": "language",
    "keywords": "tags",
    "description": "description",
    "category": "category",
    "rights": "license",
}


def properties(data: bytes) -> dict[str, Any]:
    """What the core properties say, under the keys of meta in use."""
    found: dict[str, str] = {}
    inside: list[str] = []

    def start(name: str, _: Mapping[str, str]) -> None:
        inside.append(name)

    def end(_: str) -> None:
        inside.pop()

    def text(characters: str) -> None:
        if inside and inside[-1] in _CORE:
            key = _CORE[inside[-1]]
            found[key] = found.get(key, "") + characters

    if data:
        _read(data, start, end, text)
    meta: dict[str, Any] = {k: " ".join(v.split()) for k, v in found.items() if v.strip()}
    if "date" in meta:
        meta["date"] = meta["date"][:10]
    if "tags" in meta:
        tags = (tag.strip() for tag in re.split("[,;]", meta["tags"]))
        meta["tags"] = [tag for tag in tags if tag]
    return named(meta)


# --- styles and numbering -----------------------------------------------------------------------

_HEADING = re.compile(r"heading ?([1-9])$", re.IGNORECASE)


def styles(data: bytes) -> dict[str, Style]:
    """style id → what it says, what it is based on included."""
    names: dict[str, str] = {}
    based: dict[str, str] = {}
    levels: dict[str, int] = {}
    lists: dict[str, list[str]] = {}
    current = [""]

    def start(name: str, attributes: Mapping[str, str]) -> None:
        value = attributes.get("w:val", "")
        if name == "w:style":
            current[0] = attributes.get("w:styleId", "")
        elif name == "w:name":
            names[current[0]] = value
        elif name == "w:basedOn":
            based[current[0]] = value
        elif name == "w:outlineLvl" and value.isdecimal():
            levels[current[0]] = int(value) + 1
        elif name == "w:numId":
            lists.setdefault(current[0], ["", "0"])[0] = value
        elif name == "w:ilvl" and value.isdecimal():
            lists.setdefault(current[0], ["", "0"])[1] = value

    if data:
        _read(data, start)

    found: dict[str, Style] = {}
    for identity, name in names.items():
        level, numbered = 0, None
        seen: set[str] = set()
        at = identity
        while at and at not in seen and len(seen) < 20:
            seen.add(at)
            heading = _HEADING.match(names.get(at, ""))
            level = level or (int(heading[1]) if heading else levels.get(at, 0))
            if numbered is None and at in lists and lists[at][0]:
                numbered = (lists[at][0], int(lists[at][1][:2]))
            at = based.get(at, "")
        if name.lower() == "title":
            level = 1
        found[identity] = Style(name, 0 if level > 9 else min(level, 6), numbered)
    return found


class Numbering:
    """Which lists are numbered, and the number of each item as they come."""

    def __init__(self, data: bytes) -> None:
        self._abstract: dict[str, str] = {}  # list → its definition
        self._levels: dict[tuple[str, int], list[str]] = {}  # (definition, level) → format, start
        self._starts: dict[tuple[str, int], int] = {}  # (list, level) → start that it sets anew
        self._at: dict[str, dict[int, int]] = {}  # definition → level → number of its last item
        self._seen: set[str] = set()
        definition, number, level = "", "", 0

        def start(name: str, attributes: Mapping[str, str]) -> None:
            nonlocal definition, number, level
            value = attributes.get("w:val", "")
            if name == "w:abstractNum":
                definition, number = attributes.get("w:abstractNumId", ""), ""
            elif name == "w:num":
                number = attributes.get("w:numId", "")
            elif name == "w:abstractNumId":
                self._abstract[number] = value
            elif name in ("w:lvl", "w:lvlOverride"):
                told = attributes.get("w:ilvl", "0")
                level = int(told) if told.isdecimal() and len(told) < 3 else 0
            elif name == "w:startOverride" and value.isdecimal() and len(value) < 7:
                self._starts[number, level] = int(value)
            elif not number and name in ("w:numFmt", "w:start"):
                known = self._levels.setdefault((definition, level), ["decimal", "1"])
                known[name == "w:start"] = value

        if data:
            _read(data, start)

    def item(self, number: str, level: int) -> tuple[bool, int | None]:
        """(whether it is an item at all, its number or None for a bullet) of the next item."""
        definition = self._abstract.get(number)
        if definition is None:
            return number not in ("", "0"), None
        form, first = self._levels.get((definition, level), ["decimal", "1"])
        if form == "none":
            return False, None
        if form == "bullet":
            return True, None
        counts = self._at.setdefault(definition, {})
        begin = int(first) if first.isdecimal() and len(first) < 7 else 1
        if number not in self._seen and (number, level) in self._starts:
            begin = self._starts[number, level]
            counts.pop(level, None)
        self._seen.add(number)
        for deeper in [one for one in counts if one > level]:
            del counts[deeper]
        counts[level] = counts[level] + 1 if level in counts else begin
        return True, counts[level]
