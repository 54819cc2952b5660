"""PDF files: the text of their pages, read by PDFium.

Of 10 manuals and forms of Debian's packages (973 pages, 257,000 words) PDFium reads 23,300 words
that pypdf 7.1 glues or breaks (seeSection, speci), in a fifteenth of the time (2026-11-30).
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from stages import watch
from stages.errors import Unreadable
from stages.extract.document.lines import Joined, Line, running, words
from stages.extract.document.order import reading
from stages.extract.document.written import Document, Page
from stages.extract.webpage.tree import nonspace
from stages.require import require

MAGIC = b"%PDF-"
MAGIC_WITHIN = 1024  # bytes, of which mails and printers put some before it
CHARACTERS = 64 << 20  # of all pages
_OUTLINE = 50_000  # entries that are looked at
_LISTED = 1000  # numbers of pages in meta
_GARBLED = 0.3  # share of characters without a meaning above which a text is none
_JUMP = 0.9  # of the font's size, by which a line is none: powers and indices jump less
_HIGHEST = 0x10FFFF  # of Unicode; a file may name more
_HYPHEN = "\x02"  # by which PDFium shows a word that a line divides
_LINE_END = re.compile("\r\n|[\r\n\x02]")
_MEANINGLESS = re.compile(
    "[\0\x01\x03-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufffd-\uffff]"
)
_FILE = re.compile(
    r"(?i)untitled\b.*|microsoft word - .*|.*\.(?:docx?|indd|dvi|tex|pdf|p?s|qxd|odt|rtf)"
)
_FIXED = re.compile(rb"(?i)mono|courier|consol|cmtt|typewriter")
_FONT_NAME = 100  # bytes
_DATE = re.compile(r"D:(\d{4})(?:(\d\d)(?:(\d\d))?)?")
_PASSWORD = (4, 5)  # PDFium's errors for a password and for another security handler


def document(raw: bytes) -> Document:
    """A PDF file as text, with headings where its outline names lines of it.

    Unreadable: encrypted, corrupt, oversize, no_text (the pages are pictures, or their letters
    have no meaning). MissingExtra without PDFium.
    """
    pdfium = require("pypdfium2", "documents")
    try:
        opened = pdfium.PdfDocument(raw)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) in _PASSWORD:
            remedy = "save a copy without a password"
            raise Unreadable("encrypted", remedy=remedy) from None
        raise Unreadable("corrupt", error=str(error)) from None
    try:
        return _document(pdfium, opened, raw)
    finally:
        opened.close()


def _document(pdfium: Any, opened: Any, raw: bytes) -> Document:
    reader = _Pages(pdfium, opened)
    pages = list(reader.read())
    characters = sum(nonspace(line.text) for lines in pages for line in lines)
    meaningless = sum(len(_MEANINGLESS.findall(line.text)) for lines in pages for line in lines)
    told: dict[str, Any] = {"pages": len(pages), "pictures": len(reader.pictures)}
    if not characters:
        raise Unreadable("no_text", **told, remedy="OCR makes text of pictures of pages")
    if meaningless > _GARBLED * characters:
        told = {**told, "characters": characters, "without_meaning": meaningless}
        raise Unreadable("no_text", **told, remedy="its fonts name no letters: OCR reads them")
    meta = _meta(pdfium, opened, raw)
    if "title" not in meta and pages and (title := _largest(pages[0])):
        meta["title"] = title
    _mark_headings(opened, pages)
    heads = running(pages)
    made = Joined(words(pages))
    begins: list[Page] = []
    dropped = 0
    for number, (lines, gone) in enumerate(zip(pages, heads, strict=True), 1):
        kept = [line for at, line in enumerate(lines) if at not in gone]
        dropped += sum(nonspace(lines[at].text) for at in gone)
        if kept:
            begins.append(Page(made.page(kept), number))
    form = "text ← PDF pages; meta ← its properties"
    if reader.pictures:
        meta["pages_without_text"] = reader.pictures[:_LISTED]
        form = form.replace("pages", "pages, some without text (pictures)", 1)
    if meaningless:
        meta["undecodable"] = meaningless
    removed = {"running": dropped, "hyphen": made.removed}
    return Document(
        made.text,
        form,
        meta,
        marks=made.marks,
        removed={reason: count for reason, count in removed.items() if count},
        headings=made.headings,
        pages=begins,
    )


class _Pages:
    """Reads the pages. pictures: numbers of those that show something and have no text."""

    def __init__(self, pdfium: Any, opened: Any) -> None:
        self._pdfium, self._raw, self._opened = pdfium, pdfium.raw, opened
        self.pictures: list[int] = []
        self._characters = 0

    def read(self) -> Iterator[list[Line]]:
        for number in range(len(self._opened)):
            watch.tick()
            try:
                page = self._opened[number]
                text = page.get_textpage()
            except self._pdfium.PdfiumError:
                self.pictures.append(number + 1)
                yield []
                continue
            lines = self._lines(text)
            if not lines and self._raw.FPDFPage_CountObjects(page):
                self.pictures.append(number + 1)
            yield lines
            text.close()
            page.close()

    def _lines(self, page: Any) -> list[Line]:
        count = page.count_chars()
        self._characters += count
        if self._characters > CHARACTERS:
            raise Unreadable("oversize", limit=CHARACTERS, of="characters of all pages")
        code = self._raw.FPDFText_GetUnicode
        # Each at its own place: PDFium's text leaves out what has no meaning.
        text = "".join([chr(min(code(page, at), _HIGHEST)) for at in range(count)])
        found = []
        at = 0
        for end in _LINE_END.finditer(text + "\n"):
            line, start = text[at : end.start()], at
            at = end.end()
            pieces = list(self._level(page, line, start)) if line.strip() else []
            for piece in pieces:
                hyphen = end[0] == _HYPHEN and piece == pieces[-1]
                found.append(self._line(page, *piece, hyphen))
        return reading(found)

    def _level(self, page: Any, line: str, at: int) -> Iterator[tuple[str, int]]:
        """The pieces of a line that stand at one height, with the number of their first letter:
        what was drawn one after the other PDFium may take for one line."""
        first, last = len(line) - len(line.lstrip()), len(line.rstrip()) - 1
        height = _JUMP * self._raw.FPDFText_GetFontSize(page, at + first)
        base = self._base(page, at + first)
        if abs(self._base(page, at + last) - base) <= height:
            yield line, at
            return
        begin = 0
        for number in range(first + 1, last + 1):
            if line[number].isspace() or not line[number - 1].isspace():
                continue  # letters of one word stay together
            here = self._base(page, at + number)
            if abs(here - base) > height:
                yield line[begin:number], at + begin
                begin, base = number, here
        yield line[begin:], at + begin

    def _base(self, page: Any, at: int) -> float:
        x, y = ctypes.c_double(), ctypes.c_double()
        self._raw.FPDFText_GetCharOrigin(page, at, x, y)
        return y.value

    def _line(self, page: Any, line: str, at: int, hyphen: bool) -> Line:
        first = at + len(line) - len(line.lstrip())
        last = at + len(line.rstrip()) - 1
        left, _ = self._box(page, first)
        _, right = self._box(page, last)
        base = self._base(page, first)
        inner = (first, (first + last) // 2, last)
        size = sorted(self._raw.FPDFText_GetFontSize(page, one) for one in inner)[1]
        fixed = all(self._fixed(page, one) for one in inner)
        text = line.strip()
        if not hyphen and text.endswith("-") and text[-2:-1].isalpha():
            text, hyphen = text[:-1], True
        if max(text) >= "\ud800" and min(text) <= "\udfff":
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        text = text.replace("\0", "\ufffd")
        return Line(text, left, right, base, size, hyphen, fixed)

    def _fixed(self, page: Any, at: int) -> bool:
        flags, name = ctypes.c_int(), ctypes.create_string_buffer(_FONT_NAME)
        self._raw.FPDFText_GetFontInfo(page, at, name, _FONT_NAME, flags)
        return bool(flags.value & 1) or _FIXED.search(name.value) is not None

    def _box(self, page: Any, at: int) -> tuple[float, float]:
        """(left, right) of a character."""
        box = self._raw.FS_RECTF()
        self._raw.FPDFText_GetLooseCharBox(page, at, box)
        return box.left, box.right


# --- what the file says of itself ---------------------------------------------------------------


def _meta(pdfium: Any, opened: Any, raw: bytes) -> dict[str, Any]:
    told = {key: " ".join(value.split()) for key, value in opened.get_metadata_dict().items()}
    meta: dict[str, Any] = {}
    if (title := told.get("Title", "")) and not _FILE.fullmatch(title):
        meta["title"] = title
    for key, name in (("Author", "author"), ("Subject", "description")):
        if told.get(key):
            meta[name] = told[key]
    if told.get("Keywords"):
        meta["tags"] = [tag.strip() for tag in re.split("[,;]", told["Keywords"]) if tag.strip()]
    if date := _DATE.match(told.get("CreationDate", "")):
        meta["date"] = "-".join(part for part in date.groups() if part)
    if language := _language(pdfium, opened):
        meta["language"] = language
    return {**meta, **_rights(raw)}


def _language(pdfium: Any, opened: Any) -> str:
    size = pdfium.raw.FPDFCatalog_GetLanguage(opened, None, 0)
    if not 2 < size < 200:
        return ""
    buffer = ctypes.create_string_buffer(size)
    pdfium.raw.FPDFCatalog_GetLanguage(
        opened, ctypes.cast(buffer, ctypes.POINTER(pdfium.raw.FPDF_WCHAR)), size
    )
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\0").strip()


_XMP = 64 << 10  # bytes of XMP that are looked at
_LICENSE = re.compile(
    rb"""(?:cc:license|xmpRights:WebStatement)[^<>]{0,200}?(?:"|>)(https?://[^"<\s]+)"""
)
_RIGHTS = re.compile(rb"<dc:rights>[^a-z]{0,20}<rdf:Alt>\s*<rdf:li[^>]{0,100}>([^<]{1,500})<")


def _rights(raw: bytes) -> dict[str, str]:
    """The licence that XMP, which stands uncompressed in the file, names."""
    at = raw.find(b"<x:xmpmeta")
    if at < 0:
        return {}
    found = raw[at : at + _XMP]
    told = _LICENSE.search(found) or _RIGHTS.search(found)
    return {"license": " ".join(told[1].decode("utf-8", "replace").split())} if told else {}


_TITLE_SIZE, _TITLE_LINES = 1.2, 3  # times the usual size on the first page; lines at most


def _largest(lines: list[Line]) -> str:
    """The title, where the first page's largest letters are few lines and well above the usual."""
    if not lines:
        return ""
    sizes = sorted(line.size for line in lines for _ in line.text)
    size = sizes[-1]
    found = [line.text for line in lines if line.size > 0.99 * size]
    large = size >= _TITLE_SIZE * sizes[len(sizes) // 2]
    return " ".join(found) if large and len(found) <= _TITLE_LINES else ""


def _mark_headings(opened: Any, pages: list[list[Line]]) -> None:
    """Mark the lines that the outline names as headings."""
    try:
        entries = list(islice(opened.get_toc(), _OUTLINE))
    except (ValueError, UnicodeError, OSError):  # a broken outline is none
        return
    for entry in entries:
        wanted = _bare(entry.get_title() or "")
        target = entry.get_dest()
        number = target.get_index() if target is not None else None
        if not wanted or number is None or not 0 <= number < len(pages):
            continue
        lines = pages[number]
        for at, line in enumerate(lines):
            found = _bare(line.text)
            if not line.level and (found == wanted or _numbered(found, wanted)):
                lines[at] = line._replace(level=min(entry.level + 1, 6))
                break


def _bare(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _numbered(found: str, wanted: str) -> bool:
    """Whether a line is a heading with its number before it."""
    before = found.removesuffix(wanted)
    return found != before and len(before) < 8 and any(char.isdigit() for char in before)
