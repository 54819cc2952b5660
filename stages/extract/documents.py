"""Documents of people as records of Markdown text: Markdown, plain text, Word documents, PDF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from itertools import groupby
from typing import ClassVar

from stages.base import ISOLATION_REASONS, DocumentSource, Fault, Item, Part
from stages.errors import Unreadable
from stages.extract import charsets, file_kinds, files
from stages.extract.document import pdf, word, word_text, written
from stages.extract.document.decode import decoded
from stages.extract.packed import archives
from stages.place import Place

_TEXT = (".md", ".markdown", ".txt", ".text")
_MARKDOWN = (".md", ".markdown")


@dataclass(frozen=True)
class DocumentExtract(DocumentSource):
    """The text of Markdown, plain text, Word documents (.docx) and PDF files, with its structure.

    What a file is, is known by its content, and by its name only whether text is Markdown. PDF
    needs the extra `documents`. Front matter and properties go to meta.

    records: file makes a record of each file, heading one of each section, whose path of headings
        stands in meta, page one of each page of a PDF or between the form feeds of a text;
        default file. A PDF has the headings that its outline names.
    level: down to which level a heading begins a section, 1 to 6; default 2.
    encoding: charset of texts; default none: mark, UTF-8, or a guess, which stands in the records'
        meta; what is too close to call is refused.
    max_bytes: the largest document, in bytes; default 67108864 (64 MB).
    deadline: CPU seconds for a document in the killable child, for a PDF for a page; default 20,
        where a page of a manual takes .003.
    memory: megabytes that the child may take for what it reads; default 2048.
    """

    name: ClassVar[str] = "documents"
    extra: ClassVar[str | None] = "documents"
    suffixes: ClassVar[tuple[str, ...]] = (*_TEXT, ".docx", ".docm", ".dotx", ".pdf")
    usual: ClassVar[tuple[str, ...]] = (
        "meta", "running", "hyphen", "contents", "header_footer", "heading",
    )  # fmt: skip
    reasons: ClassVar[Mapping[str, str]] = {
        **archives.REASONS,
        **ISOLATION_REASONS,
        **file_kinds.WRONG_KIND,
        "empty": "no bytes, or nothing but white space",
        "binary": "a picture, a program, a document of another kind",
        "encoding": "bytes of a charset that cannot be told",
        "encrypted": "the document needs a password",
        "no_text": "pictures of pages without text, or nothing but headings",
    }
    cuts: ClassVar[Mapping[str, str]] = {
        "meta": "front matter: its values stand in the record's meta",
        "heading": "headings that only further headings follow: they stand in the path of those",
        "running": "running heads and feet and page numbers of a PDF file",
        "hyphen": "hyphens at the end of a line within a word that the file has in one piece too",
        "contents": "the table of contents, or an index, that Word makes",
        "header_footer": "headers and footers of Word's pages",
        "comment": "comments beside the text of a Word document",
        "deleted": "what was deleted or moved away while changes were tracked",
        "hidden": "what Word does not show",
        "note": "notes of a Word document that nothing in its text refers to",
        "symbol": "signs of a font of their own, which no character stands for",
    }

    records: written.Records = "file"
    level: int = field(default=2, metadata={"range": (1, 6)})
    encoding: str | None = None
    max_bytes: int = field(default=64 << 20, metadata={"range": (1, 1 << 30)})

    def contradictions(self) -> tuple[str, ...]:
        if self.encoding is not None and charsets.known(self.encoding) is None:
            return (f"encoding {self.encoding!r} is not known",)
        return ()

    def forms(self) -> tuple[str, ...]:
        return ("text",)

    def parts(self, path: str, size: int) -> list[Part]:
        root, names, left = files.find(path, archives.packed(self.suffixes))
        parts: list[Part] = []
        for texts, found in groupby(names, lambda name: name.lower().endswith(_TEXT)):
            for part in files.bundles(root, found, size):
                # The reader's version is part of the key of what may be a PDF file.
                told = {} if texts else {"reader": _reader()}
                parts.append(Part(part.root, part.files, detail=told))
        return parts + files.left_out(root, left)

    def items(self, part: Part) -> Iterator[tuple[Place, bytes] | Fault]:
        for name, _ in part.paths():
            yield from archives.documents(
                part.root, name, None, self.suffixes, self.max_bytes, packages=True
            )

    def extract(self, place: Place, raw: bytes) -> Item | Fault:
        try:
            document = self._document(place, raw)
        except Unreadable as error:
            failed = error.reason not in ("empty", "no_text")
            return Fault(place, error.reason, error.evidence, "", failed, raw)
        made, count = written.records_of(document, place, self.records, self.level)
        if not made:
            told = {"characters": count.seen}
            return Fault(place, "no_text", told, "", False, raw, count.seen)
        return Item(place, raw, made, document.form, count)

    def _document(self, place: Place, raw: bytes) -> written.Document:
        head = raw[: file_kinds.HEAD]
        if pdf.MAGIC in head[: pdf.MAGIC_WITHIN]:
            return pdf.document(raw)
        if archives.compression(head[:512]) == "zip":
            return word_text.document(raw)
        if word.is_encrypted(raw):
            raise Unreadable("encrypted", remedy="save a copy without a password")
        if (told := file_kinds.binary(head)) is not None:
            raise Unreadable("binary", **told)
        if not raw.strip():
            raise Unreadable("empty", bytes=len(raw))
        if (told := file_kinds.other(head, self.name)) is not None:
            raise Unreadable("wrong_kind", **told)
        found = decoded(raw, self.encoding)
        name = (place.member or place.path).lower()
        markdown = name.endswith(archives.packed(_MARKDOWN)) or file_kinds.is_markdown(found.text)
        return written.of_text(found, markdown)


def _reader() -> str | None:
    """The name and version of what reads PDF files; None where it is not installed."""
    try:
        return f"pypdfium2 {metadata.version('pypdfium2')}"
    except metadata.PackageNotFoundError:
        return None
