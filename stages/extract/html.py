"""Web pages as records of Markdown text, those of forums as conversations. Archives are read
through, each page is bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from stages.base import ISOLATION_REASONS, DocumentSource, Fault, Item, Part
from stages.counts import TextCount
from stages.errors import Unreadable
from stages.extract import charsets, file_kinds, files
from stages.extract.packed import archives
from stages.extract.packed.streams import Member
from stages.extract.webpage import epub, mhtml, page, talk, warc
from stages.extract.webpage.cuts import CUTS
from stages.extract.webpage.markdown import markdown, plain
from stages.extract.webpage.mhtml import Web
from stages.place import Place
from stages.where import Where

_PARSERS = ("selectolax", "warcio", "brotli")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")


@dataclass(frozen=True)
class HtmlExtract(DocumentSource):
    """The main text of web pages with its structure, without menus, notices and advertisements.

    Pages are read out of web archives (WARC), of pages saved as mails (MHTML) and, a record a
    chapter, of books (EPUB), each known by its content.

    books: chapters makes a record of each chapter of a book, whole one of them all.
    comments: what becomes of readers' comments below an article; default drop, for they are
        seldom worth training on. Posts of a forum are its text and stay.
    conversations: what becomes of the pages of forums and of questions. messages: who opened the
        topic is the user, all others the assistant, what they say between two posts of the user one
        turn; each answer to a question (Stack Exchange) a record with it. Pages that are no such
        thing, a topic's later pages, and those of one person are left out. auto: the same, and the
        text of all other pages. text: the text of all. Default auto.
    selector: CSS of the elements that are the content, in place of finding it; default none.
    format: markdown keeps headings, lists, tables and code, text only their words.
    charset: the charset of all pages; default none: what each page is, which it may declare
        wrongly.
    min_words: words that a page must have, 0 to 100000, a character of Chinese or Japanese being
        one; default 10: of 455 annotated pages of the web none has fewer.
    max_bytes: the largest page, or all chapters of a whole book, in bytes; default 16777216 (16
        MB). Whatever it is made of it takes less than 1 GB of memory; one of more than 1,048,576
        tags is refused.
    deadline: CPU seconds for one page in the killable child; default 20, where a page of the web
        takes .015 on average and the worst of 104 hostile ones 5.
    memory: megabytes that the child may take for what it reads; default 2048.
    """

    name: ClassVar[str] = "html"
    libraries: ClassVar[tuple[str, ...]] = Where(  # type: ignore[assignment]
        _PARSERS, "selector", None, (*_PARSERS, "beautifulsoup4", "soupsieve")
    )
    suffixes: ClassVar[tuple[str, ...]] = (
        *(".html", ".htm", ".xhtml", ".shtml", ".mhtml", ".mht", ".warc", ".epub"),
    )
    usual: ClassVar[tuple[str, ...]] = (
        "navigation", "aside", "footer", "banner", "form", "notice", "hidden", "furniture",
        "comments", "links", "related", "title", "heading", "fallback", "backticks", "permalink",
        "line_number", "formula", "no_page", "deleted",
    )  # fmt: skip
    reasons: ClassVar[Mapping[str, str]] = {
        **archives.REASONS,
        **page.REASONS,
        **ISOLATION_REASONS,
        **file_kinds.WRONG_KIND,
        "no_page": "what an archive or a book holds beside its pages: requests, pictures, answers"
        " that are errors, covers",
        "no_conversation": "no topic's first page with posts of two people, where conversations are"
        " asked for",
    }
    stays: ClassVar[Mapping[str, str]] = {"too_short": "min_words <="}
    cuts: ClassVar[Mapping[str, str]] = CUTS

    books: Literal["chapters", "whole"] = "chapters"
    comments: Literal["drop", "keep"] = "drop"
    conversations: Literal["auto", "text", "messages"] = "auto"
    selector: str | None = None
    format: Literal["markdown", "text"] = "markdown"
    charset: str | None = None
    min_words: int = field(default=10, metadata={"range": (0, 100_000)})
    max_bytes: int = field(default=16 << 20, metadata={"range": (1, 1 << 30)})

    def contradictions(self) -> tuple[str, ...]:
        found = []
        if self.charset is not None and charsets.known(self.charset) is None:
            found.append(f"charset {self.charset!r} is not known")
        if self.selector is not None and self.conversations == "messages":
            found.append("selector chooses text, and conversations=messages wants none")
        if self.selector is not None:
            import soupsieve

            try:
                soupsieve.compile(self.selector)
            except soupsieve.SelectorSyntaxError as error:
                found.append(f"selector is not CSS: {str(error).splitlines()[0]}")
        return tuple(found)

    def forms(self) -> tuple[str, ...]:
        return {"auto": ("text", "messages"), "text": ("text",), "messages": ("messages",)}[
            self.conversations
        ]

    def parts(self, path: str, size: int) -> list[Part]:
        root, names, left = files.find(path, archives.packed(self.suffixes))
        return files.bundles(root, names, size) + files.left_out(root, left)

    def items(self, part: Part) -> Iterator[tuple[Place, bytes] | Fault]:
        for name, _ in part.paths():
            if (yield from epub.read(part.root, name, self.max_bytes, self.books == "whole")):
                continue
            for found in archives.members(part.root, name, None, self.suffixes):
                if isinstance(found, Fault):
                    yield found
                else:
                    yield from self._documents(*found)

    def _documents(self, place: Place, stream: Member) -> Iterator[tuple[Place, bytes] | Fault]:
        head = stream.peek(file_kinds.HEAD)[: file_kinds.HEAD]
        if not head and (fault := stream.go_on()) is not None:
            yield fault  # damaged from its first byte on; what goes on behind may be an archive
            head = stream.peek(file_kinds.HEAD)[: file_kinds.HEAD]
            if not warc.is_archive(head):
                return
        if warc.is_archive(head):
            yield from warc.records(place, stream, self.max_bytes)
        elif mhtml.is_saved(head):
            yield from archives.document(place, stream, max(self.max_bytes, mhtml.LARGEST))
        else:
            yield from archives.document(place, stream, self.max_bytes)

    def extract(self, place: Place, raw: bytes) -> Item | Fault:
        if (other := file_kinds.other(raw[: file_kinds.HEAD], self.name)) is not None:
            return Fault(place, "wrong_kind", other, raw=raw)
        if isinstance(raw, epub.Book):
            return self._book(place, raw)
        try:
            web = self._unwrapped(raw)
        except Unreadable as broken:
            return Fault(place, broken.reason, broken.evidence, raw=raw)
        return self._judged(place, raw, web, self._page(web, isinstance(raw, epub.Chapter)))

    def _book(self, place: Place, raw: epub.Book) -> Item | Fault:
        """All chapters of a book as one record."""
        texts: list[str] = []
        account = TextCount()
        for chapter in raw.chapters:
            found = self._page(Web(chapter, None, {}), True)
            text = found.counted(self._markdown)
            if text is not None:
                account.add(text)
                texts.append(found.markdown if self._markdown else found.text)
            elif found.reason != "empty":
                return Fault(place, str(found.reason), found.evidence, raw=raw)
        made = "\n\n".join(text for text in texts if text)
        account.added = len(made) - account.kept
        words = len(_WORD.findall(made))
        if words < max(1, self.min_words):
            evidence = {"score": words, "limit": max(1, self.min_words)}
            return Fault(place, "too_short", evidence, "", False, raw, account.seen)
        form = "text ← all chapters of a book; meta ← what it says of itself"
        return Item(place, raw, [{"text": made, "meta": {**raw.about}}], form, account)

    def passages(self, place: Place, raw: bytes) -> list[tuple[str, str]]:
        try:
            web = self._unwrapped(raw)
        except Unreadable:
            return []
        of_book = place.member is not None and place.path.lower().endswith(".epub")
        found = self._page(web, of_book, trace=True)
        judged = self._judged(place, raw, web, found)
        fate = judged.reason if isinstance(judged, Fault) else ""
        return [(reason or fate, text) for reason, text in found.passages(self._markdown)]

    def _unwrapped(self, raw: bytes) -> Web:
        """The page that a document holds; raises Unreadable."""
        head = raw[: file_kinds.HEAD]
        if warc.is_archive(head):
            return warc.page(raw, self.max_bytes)
        if mhtml.is_saved(head):
            web = mhtml.page(raw)
            if len(web.data) > self.max_bytes:
                raise Unreadable("oversize", limit=self.max_bytes, of="bytes")
            return web
        return Web(raw, None, {})

    def _judged(self, place: Place, raw: bytes, web: Web, found: page.Page) -> Item | Fault:
        talked = self._talked(found)
        made = found.markdown if self._markdown else found.text
        if talked is not None:
            made = "".join(m["content"] for one in talked.records for m in one["messages"])
        text = found.counted(self._markdown, made)
        reason, evidence, failed = found.reason, found.evidence, False
        if reason is None:
            words = len(_WORD.findall(found.text))
            if words < self.min_words:
                reason, evidence = "too_short", {"score": words, "limit": self.min_words}
            elif talked is None and self.conversations == "messages":
                reason, evidence = "no_conversation", {"words": words}
        else:
            failed = reason not in page.WITHOUT_TEXT
        if reason is not None:
            characters = text.seen if text is not None else None
            return Fault(place, reason, evidence, "", failed, raw, characters)
        content = "its main part" if self.selector is None else self.selector
        meta, told = {**found.meta}, "what the page says of itself"
        if isinstance(raw, epub.Chapter):
            content = "a chapter of a book" if self.selector is None else content
            told = "what book and chapter say of themselves"
            meta = epub.described(meta, raw.about)
        elif web.about:
            told += ", and its archive"
            meta = {**meta, "date": web.about.get("date", ""), **found.meta}
            meta["url"] = web.about.get("url") or meta.get("url", "")
            meta = {name: value for name, value in meta.items() if value}
        if talked is not None:
            records = [{**one, "meta": {**meta, **one["meta"]}} for one in talked.records]
            return Item(place, raw, records, f"messages ← {talked.of}; meta ← {told}", text)
        form = f"text ← {content}; meta ← {told}"
        return Item(place, raw, [{"text": made, "meta": meta}], form, text)

    def _talked(self, found: page.Page) -> talk.Talk | None:
        """The conversation that a page is."""
        if found.thread is None or found.reason is not None:
            return None
        written = markdown if self._markdown else plain
        thread = found.thread
        posts = [talk.Said(one.writer, written(one.blocks), one.accepted) for one in thread.posts]
        return talk.talk(posts, found.title, thread.answers)

    @property
    def _markdown(self) -> bool:
        return self.format == "markdown"

    def _page(self, web: Web, whole: bool, trace: bool = False) -> page.Page:
        found = self._read(web, whole, self.conversations != "text", trace)
        if found.thread is not None and self._talked(found) is None:
            return self._read(web, whole, False, trace)
        return found

    def _read(self, web: Web, whole: bool, conversations: bool, trace: bool) -> page.Page:
        return page.page(
            web.data,
            web.content_type,
            charset=self.charset,
            whole=whole,
            comments=self.comments == "keep",
            selector=self.selector,
            conversations=conversations,
            trace=trace,
        )
