"""What a document became: its text with the account of it, cut into records as the user wants."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from stages.counts import TextCount
from stages.extract.document import front, sections
from stages.extract.document.decode import Decoded
from stages.extract.document.sections import Heading, Section
from stages.extract.webpage.tree import nonspace
from stages.place import Place

Records = Literal["file", "heading", "page"]

_LINE_END = re.compile(r"\r\n?|\f")
_EMPTY_LINES = re.compile(r"(?:[^\S\n]*\n)*+")


class Page(NamedTuple):
    """A page of a PDF file: where it begins in the document's text, and its number from 1."""

    start: int
    number: int


@dataclass
class Document:
    """text: of the document, Markdown or plain. form: how it was understood, in words.

    begins: where the text begins behind front matter. marks: characters of the text, without white
    space, that are none of the document's. removed: reason → characters that are not in the text.
    headings: where they are known; None: those of Markdown. pages: of a PDF file; others have form
    feeds. source: the bytes that the text itself stands in; None: it was made of something else.
    """

    text: str
    form: str
    meta: dict[str, Any] = field(default_factory=dict)
    begins: int = 0
    marks: int = 0
    removed: dict[str, int] = field(default_factory=dict)
    headings: Sequence[Heading] | None = None
    pages: Sequence[Page] = ()
    source: Decoded | None = None


def of_text(found: Decoded, markdown: bool) -> Document:
    """A file of Markdown or plain text, as it stands."""
    meta = dict(found.meta)
    if not markdown:
        return Document(found.text, "text ← plain text", meta, headings=(), source=found)
    made = Document(found.text, "text ← Markdown", meta, source=found)
    matter = front.front_of(found.text)
    if matter is not None:
        made.begins = matter.stop
        made.meta |= matter.meta
        made.removed["meta"] = nonspace(found.text[: matter.stop])
        made.form += "; meta ← front matter"
    first = next(sections.headings(found.text, made.begins), None)
    if first is not None and first.text:
        made.meta.setdefault("title", first.text)
    return made


def records_of(
    document: Document, place: Place, records: Records, level: int
) -> tuple[list[dict[str, Any]], TextCount]:
    """The records of a document and the account of its characters, white space not counted.

    level: down to which headings begin a record, where `records` is heading.
    """
    count = TextCount()
    for reason, characters in document.removed.items():
        count.remove(reason, characters)
    made: list[dict[str, Any]] = []
    kept = 0
    places = _Places(document, place)
    for section in _cut(document, records, level):
        text = _clean(document.text[section.start : section.stop])
        if not text:
            continue
        if not section.body:
            heading = text if document.source is not None else text.lstrip("#")
            count.remove("heading", nonspace(heading))
            kept += nonspace(text) - nonspace(heading)
            continue
        kept += nonspace(text)
        meta: dict[str, Any] = dict(document.meta)
        if section.headings:
            meta["headings"] = list(section.headings)
        record: dict[str, Any] = {"text": text, "meta": meta}
        if records != "file" and (own := places.of(section)) is not None:
            record["place"] = str(own)
        made.append(record)
    count.kept = kept - document.marks
    count.added = sum(len(record["text"]) for record in made) - count.kept
    count.seen = count.kept + sum(count.removed.values())
    return made, count


def _cut(document: Document, records: Records, level: int) -> list[Section]:
    """The sections of a document's text."""
    text, begins = document.text, document.begins
    if records == "heading":
        known = document.headings
        found = sections.headings(text, begins) if known is None else known
        return sections.by_heading(text, found, level, begins)
    if records == "page" and document.pages:
        starts = [page.start for page in document.pages]
        stops = [*starts[1:], len(text)]
        return [Section(start, stop) for start, stop in zip(starts, stops, strict=True)]
    if records == "page":
        return sections.by_page(text, begins)
    return [Section(begins, len(text))]


class _Places:
    """The places of sections, asked for in their order: bytes of the file, or a page."""

    def __init__(self, document: Document, place: Place) -> None:
        self._document, self._place = document, place
        self._starts = [page.start for page in document.pages]
        found = document.source
        self._charset = found.charset if found is not None else None
        self._at = 0
        self._offset, self._line = found.mark if found is not None else 0, 1

    def of(self, section: Section) -> Place | None:
        """None for a section that is the whole file, or where its bytes cannot be told."""
        path, member = self._place.path, self._place.member
        if self._starts:
            page = self._document.pages[max(0, bisect_right(self._starts, section.start) - 1)]
            return Place(path, member, table="", key=f"page={page.number}")
        if self._charset is None or (section.start, section.stop) == (0, len(self._document.text)):
            return None
        self._pass(section.start)
        offset, line = self._offset, self._line
        self._pass(section.stop)
        return Place(path, member, offset, self._offset - offset, line)

    def _pass(self, stop: int) -> None:
        assert self._charset is not None
        text = self._document.text[self._at : stop]
        self._offset += len(text.encode(self._charset))
        self._line += text.count("\n")
        self._at = stop


def _clean(text: str) -> str:
    """A text whose lines end in line feeds, without empty lines around it."""
    text = _LINE_END.sub("\n", text).rstrip()
    empty = _EMPTY_LINES.match(text)
    return text[empty.end() :] if empty else text
