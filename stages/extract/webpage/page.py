"""One page: bytes in, main text, Markdown and metadata out, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stages.extract import charsets
from stages.extract.packed.archives import compression
from stages.extract.webpage import boilerplate, kinds, limits, metadata, select, tree
from stages.extract.webpage.blocks import Block, blocks_of
from stages.extract.webpage.decode import decode
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
# A page that is nine tenths links, and the rest not a sentence, is navigation.
_FEW = 80
_LINKED = 0.9


@dataclass
class Page:
    """text: plain; markdown: with structure; reason: why there is no text, else None."""

    text: str = ""
    markdown: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)

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


def page(
    data: bytes,
    content_type: str | None = None,
    *,
    charset: str | None = None,
    comments: bool = False,
    selector: str | None = None,
) -> Page:
    """The main text of a page. Never raises on bad input.

    content_type: the HTTP header of that name. charset: of the bytes, if it is known better than
    declared. comments: keep readers' comments. selector: CSS of the elements that are content.
    """
    size = len(data)
    data = data.rstrip(b"\0")
    if not data.strip():
        return Page(reason="empty", evidence={"bytes": size})
    packed = compression(data[:512])
    kind = charsets.binary(data[:4096]) or (f"{packed} data" if packed else None)
    if kind is not None:
        return Page(reason="binary", evidence={"found": kind})
    decoded = decode(data, content_type, charset)
    del data
    tags, bad = limits.tags(decoded.text), decoded.bad
    if tags > limits.TAGS:
        return Page(reason="markup", evidence={"tags": tags, "limit": limits.TAGS, "bytes": size})
    text = limits.capped(decoded.text.replace("\0", ""))
    del decoded
    if text is None:
        return Page(reason="markup", evidence={"tags": tags, "of": "tags without an end"})
    document = tree.parse(text)
    del text
    told = metadata.metadata_of(document)
    meta: dict[str, Any] = told.as_dict()
    if bad:
        meta["undecodable"] = bad
    scripts = len(document.css("script"))
    source = tree.body_of(document)
    if selector is not None:
        blocks = _selected(document, selector)
        if not blocks:
            return Page(meta=meta, reason="no_match", evidence={"selector": selector})
    else:
        del document  # large pages are bounded by memory
        order = tree.build(source)
        del source
        kind = kinds.kind_of(order, told)
        boilerplate.mark(order, kind, comments or kind == "forum")
        blocks = select.content(order, kind)
        if _size(blocks) < _LITTLE:
            boilerplate.unmark(order)
            blocks = max(blocks, select.content(order, kind), key=_size)
        if not blocks or (_size(blocks) < _FEW and order[0].links > _LINKED * order[0].chars):
            return _without_text(order, meta, scripts)
    return Page(plain(blocks), markdown(blocks), meta)


def _size(blocks: list[Block]) -> int:
    return sum(len(block.text) for block in blocks)


def _selected(document: Any, selector: str) -> list[Block]:
    """The blocks of the elements that a user's CSS names; one within another counts once.

    Beautiful Soup selects, since its CSS is the fullest; the parser before it closed all tags.
    """
    from bs4 import BeautifulSoup

    found = BeautifulSoup(document.html or "", "html.parser").select(selector)
    chosen = {id(element) for element in found}
    return [
        block
        for element in found
        if not any(id(above) in chosen for above in element.parents)
        for block in blocks_of(tree.build(str(element))[0])
    ]


def _without_text(order: list[tree.Node], meta: dict[str, Any], scripts: int) -> Page:
    root = order[0]
    evidence = {"characters": root.chars, "in_links": root.links, "scripts": scripts}
    reason = "needs_script" if scripts and root.chars < 200 and not root.links else "no_text"
    return Page(meta=meta, reason=reason, evidence=evidence)
