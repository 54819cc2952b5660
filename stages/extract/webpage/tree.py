"""A light tree of a parsed page: elements with their share of text, built in one flat pass.

The parser's own tree is written out and read as a list of tags, which costs a third of walking
it node by node, and no nesting can exhaust the stack.
"""

from __future__ import annotations

import html
import re
from typing import Any

# Imported here and not where it is used: before a child's memory is limited.
from selectolax.lexbor import LexborHTMLParser

_TOKEN = re.compile(
    r"<!--.*?-->|<(/?)([a-zA-Z][^\s/>]*+)([^>\"]*+(?:\"[^\"]*+\"[^>\"]*+)*+)>", re.DOTALL
)
_ATTRIBUTE = re.compile(
    r" (class|id|role|style|hidden|aria-hidden|itemprop|start|lang|data-lang|data-language"
    r'|data-code-language)="([^"]*)"'
)
# Text that is not shown, or not text.
_UNSEEN = [
    *("script", "style", "noscript", "template", "iframe", "svg", "math", "object", "canvas"),
    *("select", "datalist", "textarea", "noembed", "noframes", "plaintext", "xmp", "audio"),
    *("video", "map", "head"),
]
_LONG = 1 << 16
_SPACE = re.compile(r"\s+")
_RAW = frozenset(("pre", "listing"))


def words(text: str) -> frozenset[str]:
    """The words of a string, for tables of names."""
    return frozenset(text.split())


_VOID = words("br hr")
# Void elements without text, and those that change letters but no structure.
_IGNORED = words(
    "area base col embed img input link meta param source track wbr b i em strong u font big s"
)


class Node:
    """An element. chars, links: characters of its text, and of that within links."""

    __slots__ = ("attributes", "chars", "children", "dropped", "links", "names", "parent", "tag")

    def __init__(self, tag: str, names: str, attributes: dict[str, str], parent: Any) -> None:
        self.tag, self.names, self.attributes, self.parent = tag, names, attributes, parent
        self.children: list[Node | str] = []
        self.chars = self.links = 0
        self.dropped = False

    def __repr__(self) -> str:
        return f"<{self.tag} {self.names!r} {self.chars}/{self.links}>"


def parse(text: str) -> Any:
    """The parser's document."""
    return LexborHTMLParser(text)


def body_of(document: Any) -> str:
    """The HTML of the body without what is never shown."""
    document.strip_tags(_UNSEEN, recursive=True)
    body = document.body
    return (body.html if body is not None else None) or ""


def build(source: str) -> list[Node]:
    """All elements of well-formed HTML in document order; the first one is a root of its own."""
    root = node = Node("body", "", {}, None)
    order = [root]
    known: dict[str, tuple[str, dict[str, str]]] = {"": ("", {})}
    end = 0
    raw = in_link = 0
    for match in _TOKEN.finditer(source):
        start = match.start()
        if start > end:
            text = source[end:start]
            if "&" in text:
                text = html.unescape(text)
            if len(text) > _LONG and not raw:  # a list of its words would take ten times as much
                text = _SPACE.sub(" ", text)
                node.children.append(text)
                size = len(text)
            elif raw:
                node.children.append(text)
                size = len(text)
            else:
                words = text.split()
                if words:
                    clean = " ".join(words)
                    size = len(clean)
                    if text[0] <= " ":
                        clean = " " + clean
                    if text[-1] <= " ":
                        clean += " "
                    node.children.append(clean)
                else:
                    node.children.append(" ")
                    size = 0
            node.chars += size
            if in_link:
                node.links += size
        end = match.end()
        closing, tag, written = match.groups()
        if tag is None or tag in _IGNORED:
            continue
        if closing:
            if tag != node.tag or node.parent is None:
                continue
            if tag == "a":
                in_link -= 1
            elif tag in _RAW:
                raw -= 1
            parent = node.parent
            parent.chars += node.chars
            parent.links += node.links
            node = parent
            continue
        attributes = known.get(written)
        if attributes is None:
            attributes = known[written] = _read(written)
        child = Node(tag, attributes[0], attributes[1], node)
        node.children.append(child)
        order.append(child)
        if tag in _VOID:
            continue
        node = child
        if tag == "a":
            in_link += 1
        elif tag in _RAW:
            raw += 1
    while node.parent is not None:
        node.parent.chars += node.chars
        node.parent.links += node.links
        node = node.parent
    return order


def _read(written: str) -> tuple[str, dict[str, str]]:
    attributes = dict(_ATTRIBUTE.findall(written))
    names = f"{attributes.get('class', '')} {attributes.get('id', '')}"[:400].lower()
    return names, attributes
