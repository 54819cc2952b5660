"""One page: bytes in, main text, Markdown and metadata out, or the reason why there is none."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

from stages.counts import TextCount
from stages.extract import file_kinds
from stages.extract.packed.archives import compression
from stages.extract.webpage import (
    boilerplate,
    formulas,
    kinds,
    limits,
    metadata,
    posts,
    select,
    tree,
    xhtml,
)
from stages.extract.webpage.account import Content, Passage
from stages.extract.webpage.blocks import blocks_of
from stages.extract.webpage.cuts import Cut
from stages.extract.webpage.decode import decode
from stages.extract.webpage.fragment import all_shown
from stages.extract.webpage.markdown import markdown, plain

REASONS = {
    "empty": "no bytes, or nothing but white space",
    "binary": "a picture, a program, an archive: no page at all, whatever it is called",
    "no_text": "nothing but navigation and other boilerplate, or no text at all",
    "needs_script": "an empty shell that a script would fill; there is no text in it",
    "no_match": "the selector matches no element with text on this page",
    "markup": "more tags than a page may have, or long tags without an end: its cost has no bound",
    "too_short": "fewer words than min_words",
}
# Pages that were read and hold nothing that is wanted: left out by rule, not failed.
WITHOUT_TEXT = ("no_text", "needs_script", "no_match")


# Characters under which the choice is made again with fewer rules.
_LITTLE = 300
_FULLER = 2  # times as much text as such a choice must bring
# A page that is nine tenths links, and the rest not a sentence, is navigation.
_FEW = 80
_LINKED = 0.9


@dataclass
class Page:
    """text: plain; markdown: with structure; reason: why there is no text, else None.

    content: all text of the tree; unseen: characters that never came there, by reason; around:
    their text, if it was asked for. No content: the page was not parsed. thread: the posts that
    the content is, of a page of a forum that was asked for them.
    """

    text: str = ""
    markdown: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    content: Content | None = None
    unseen: dict[str, int] = field(default_factory=dict)
    around: list[Passage] = field(default_factory=list)
    thread: posts.Thread | None = None

    @property
    def title(self) -> str:
        """The page's title."""
        return str(self.meta.get("title", ""))

    @property
    def author(self) -> str:
        """The page's author."""
        return str(self.meta.get("author", ""))

    @property
    def date(self) -> str:
        """The day of publication, YYYY-MM-DD."""
        return str(self.meta.get("date", ""))

    def counted(self, markdown: bool, made: str | None = None) -> TextCount | None:
        """The account of its text, whose record is `made`: `markdown` or `text` unless given;
        None: not parsed."""
        if made is None:
            made = self.markdown if markdown else self.text
        return self.content.counted(self.unseen, made, markdown) if self.content else None

    def passages(self, markdown: bool) -> list[Passage]:
        """(reason, text) of all text in the page's order, of a page that was read to trace it."""
        return self.content.passages(self.around, markdown) if self.content else []


def page(
    data: bytes,
    content_type: str | None = None,
    *,
    charset: str | None = None,
    comments: bool = False,
    selector: str | None = None,
    whole: bool = False,
    conversations: bool = False,
    trace: bool = False,
) -> Page:
    """The main text of a page. Never raises on bad input.

    content_type: the HTTP header of that name. charset: of the bytes, if it is known better than
    declared. comments: keep readers' comments. selector: CSS of the elements that are content.
    whole: all that is shown is content, as in a chapter of a book. conversations: of a page of a
    forum the posts are the content. trace: so that the page's
    passages can be told.
    """
    with tree.uncollected():
        return _read(data, content_type, charset, comments, selector, whole, conversations, trace)


def _read(
    data: bytes,
    content_type: str | None,
    charset: str | None,
    comments: bool,
    selector: str | None,
    whole: bool,
    conversations: bool,
    trace: bool,
) -> Page:
    size = len(data)
    data = data.rstrip(b"\0")
    if not data.strip():
        return Page(reason="empty", evidence={"bytes": size})
    if (binary := file_kinds.binary(data[:4096])) is not None:
        return Page(reason="binary", evidence=binary)
    if (packed := compression(data[:512])) is not None:
        return Page(reason="binary", evidence={"kind": f"{packed} data"})
    decoded = decode(data, content_type, charset)
    del data
    tags, bad = limits.tags(decoded.text), decoded.bad
    if tags > limits.TAGS:
        return Page(reason="markup", evidence={"tags": tags, "limit": limits.TAGS, "bytes": size})
    text = limits.capped(xhtml.as_html(decoded.text.replace("\0", "")))
    del decoded
    if text is None:
        return Page(reason="markup", evidence={"tags": tags, "of": "tags without an end"})
    document = tree.parse(text)
    told = metadata.metadata_of(document, text)
    del text
    scripts = len(document.css("script"))
    if scripts:
        formulas.sources(document)
    tree.without_frames(document)
    around = tree.unseen_passages(document) if trace else []
    unseen = tree.unseen(document)
    source = tree.body_of(document)
    thread = None
    if selector is not None:
        content = _selected(document, selector)
        reason, evidence = "no_match", {"selector": selector}
        enough = bool(content.kept)
    else:
        del document  # large pages are bounded by memory
        order = tree.build(source)
        del source
        if whole:
            content = all_shown(order)
        else:
            thread, content = _chosen(order, told, comments, conversations)
        size = _size(content)
        reason, evidence = _without_text(order[0], scripts)
        few_links = whole or order[0].links <= _LINKED * order[0].chars
        enough = size >= _FEW or bool(size and few_links)
        tree.let_go(order)
    meta: dict[str, Any] = told.as_dict()
    if bad:
        meta["undecodable"] = bad
    found = Page(meta=meta, content=content, unseen=unseen, around=around, thread=thread)
    if enough:
        blocks = content.kept
        found.text, found.markdown = plain(blocks), markdown(blocks)
    else:
        found.reason, found.evidence = reason, evidence
    if not trace:
        content.let_go()
    return found


def _chosen(
    order: list[tree.Node], told: metadata.Metadata, comments: bool, conversations: bool
) -> tuple[posts.Thread | None, Content]:
    """The content of a page, and the posts that it is. told: is given who opened a topic."""
    kind = kinds.kind_of(order, told)
    if kind == "forum":
        told.author = posts.opener_of(order, told) or told.author
    if conversations and (found := posts.thread_of(order, told, kind == "forum")) is not None:
        return found
    boilerplate.mark(order, kind, comments)
    content = select.content(order, kind)
    if _size(content) < _LITTLE:
        boilerplate.unmark(order)
        fuller = select.content(order, kind)
        if _size(fuller) > _FULLER * _size(content):
            content = fuller
    return None, content


def _size(content: Content) -> int:
    return sum(len(block.text) for block in content.blocks if not block.cut)


def _selected(document: Any, selector: str) -> Content:
    """The content that a user's CSS names; an element within another counts once.

    Beautiful Soup selects, since its CSS is the fullest; the parser before it closed all tags.
    """
    from bs4 import BeautifulSoup
    from bs4.element import PreformattedString, Tag
    from bs4.formatter import HTMLFormatter

    written = HTMLFormatter(entity_substitution=html.escape)  # quotation marks too
    soup = BeautifulSoup(document.html or "", "html.parser")
    chosen = {id(element) for element in soup.select(selector)}
    content = Content([], [])
    outside: list[str] = []
    item: Any = soup.contents[0] if soup.contents else None
    while item is not None:
        if id(item) in chosen:
            _leave_out(outside, content)
            order = tree.build(item.decode(formatter=written))
            blocks, cuts = blocks_of(order[0])
            tree.let_go(order)
            before = len(content.blocks)
            content.cuts += [cut._replace(at=before + cut.at) for cut in cuts]
            content.blocks += blocks
            while isinstance(item, Tag) and item.contents:  # go on behind its last string
                item = item.contents[-1]
        elif isinstance(item, str) and not isinstance(item, PreformattedString):
            outside.append(item)
        item = item.next_element
    _leave_out(outside, content)
    return content


def _leave_out(outside: list[str], content: Content) -> None:
    """Cut what stands before, between or behind the chosen elements."""
    text = " ".join("".join(outside).split())
    outside.clear()
    if text:
        content.cuts.append(Cut(len(content.blocks), "outside", text))


def _without_text(root: tree.Node, scripts: int) -> tuple[str, dict[str, Any]]:
    """The reason of a page without text, and its evidence."""
    evidence = {"characters": root.chars, "in_links": root.links, "scripts": scripts}
    reason = "needs_script" if scripts and root.chars < 200 and not root.links else "no_text"
    return reason, evidence
