"""Web pages as records of Markdown text. Archives are read through, each page is bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from stages.base import ISOLATION_REASONS, DocumentSource, Fault, Item, Part
from stages.extract import charsets, file_kinds, files
from stages.extract.packed import archives
from stages.extract.webpage import page
from stages.extract.webpage.cuts import CUTS
from stages.place import Place

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")


@dataclass(frozen=True)
class HtmlExtract(DocumentSource):
    """The main text of web pages with its structure, without menus, notices and advertisements.

    comments: what becomes of readers' comments below an article; default drop, for they are
        seldom worth training on. Posts of a forum are its text and stay.
    selector: CSS of the elements that are the content, in place of finding it; default none.
    format: markdown keeps headings, lists, tables and code, text only their words.
    charset: the charset of all pages; default: what each page is, which it may declare wrongly.
    min_words: words that a page must have, 0 to 100000, a character of Chinese or Japanese being
        one; default 10: of 455 annotated pages of the web none has fewer.
    max_bytes: the largest page, in bytes; default 16 MB. Whatever it is made of it takes less than
        1 GB of memory; one of more than 1,048,576 tags is refused.
    deadline: CPU seconds for one page in the killable child; default 20, where a page of the web
        takes .015 on average and the worst of 104 hostile ones 5.
    memory: megabytes that the child may take for what it reads; default 2048.
    """

    name: ClassVar[str] = "html"
    libraries: ClassVar[tuple[str, ...]] = ("selectolax",)
    suffixes: ClassVar[tuple[str, ...]] = (".html", ".htm", ".xhtml", ".shtml")
    usual: ClassVar[tuple[str, ...]] = (
        "navigation", "aside", "footer", "banner", "form", "notice", "hidden", "furniture",
        "comments", "links", "related", "title", "heading", "fallback", "backticks", "permalink",
        "line_number", "formula",
    )  # fmt: skip
    reasons: ClassVar[Mapping[str, str]] = {
        **archives.REASONS,
        **page.REASONS,
        **ISOLATION_REASONS,
        **file_kinds.WRONG_KIND,
    }
    cuts: ClassVar[Mapping[str, str]] = CUTS

    comments: Literal["drop", "keep"] = "drop"
    selector: str | None = None
    format: Literal["markdown", "text"] = "markdown"
    charset: str | None = None
    min_words: int = field(default=10, metadata={"range": (0, 100_000)})
    max_bytes: int = field(default=16 << 20, metadata={"range": (1, 1 << 30)})

    def contradictions(self) -> tuple[str, ...]:
        found = []
        if self.charset is not None and charsets.known(self.charset) is None:
            found.append(f"charset {self.charset!r} is not known")
        if self.selector is not None:
            import soupsieve

            try:
                soupsieve.compile(self.selector)
            except soupsieve.SelectorSyntaxError as error:
                found.append(f"selector is not CSS: {str(error).splitlines()[0]}")
        return tuple(found)

    def forms(self) -> tuple[str, ...]:
        return ("text",)

    def parts(self, path: str, size: int) -> list[Part]:
        root, names, left = files.find(path, archives.packed(self.suffixes))
        return files.bundles(root, names, size) + files.left_out(root, left)

    def items(self, part: Part) -> Iterator[tuple[Place, bytes] | Fault]:
        for name, _ in part.paths():
            yield from archives.documents(part.root, name, None, self.suffixes, self.max_bytes)

    def extract(self, place: Place, raw: bytes) -> Item | Fault:
        if (other := file_kinds.other(raw[: file_kinds.HEAD], self.name)) is not None:
            return Fault(place, "wrong_kind", other, raw=raw)
        return self._judged(place, raw, self._page(raw))

    def passages(self, place: Place, raw: bytes) -> list[tuple[str, str]]:
        found = self._page(raw, trace=True)
        judged = self._judged(place, raw, found)
        fate = judged.reason if isinstance(judged, Fault) else ""
        return [(reason or fate, text) for reason, text in found.passages(self._markdown)]

    def _judged(self, place: Place, raw: bytes, found: page.Page) -> Item | Fault:
        text = found.counted(self._markdown)
        reason, evidence, failed = found.reason, found.evidence, False
        if reason is None:
            words = len(_WORD.findall(found.text))
            if words < self.min_words:
                reason, evidence = "too_short", {"score": words, "limit": self.min_words}
        else:
            failed = reason not in page.WITHOUT_TEXT
        if reason is not None:
            characters = text.seen if text is not None else None
            return Fault(place, reason, evidence, "", failed, raw, characters)
        made = found.markdown if self._markdown else found.text
        content = "its main part" if self.selector is None else self.selector
        form = f"text ← {content}; meta ← what the page says of itself"
        return Item(place, raw, [{"text": made, "meta": found.meta}], form, text)

    @property
    def _markdown(self) -> bool:
        return self.format == "markdown"

    def _page(self, raw: bytes, trace: bool = False) -> page.Page:
        return page.page(
            raw,
            charset=self.charset,
            comments=self.comments == "keep",
            selector=self.selector,
            trace=trace,
        )
