"""A light tree of a parsed page: elements with their share of text, built in one flat pass.

The parser's own tree is written out and read as a list of tags, which costs a third of walking
it node by node, and no nesting can exhaust the stack.
"""

from __future__ import annotations

import gc
import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Imported here and not where it is used: before a child's memory is limited.
from selectolax.lexbor import LexborHTMLParser

# A quotation mark begins a value behind a name and `=`; elsewhere it is part of a name, as pages
# with a mark too many have them.
_TOKEN = re.compile(
    r"<!--.*?-->|<(/?)([a-zA-Z][^\s/>]*+)"
    r"([^>\"]*+(?:\"(?:(?<=[^ ]=\")[^\"]*+\"|)[^>\"]*+)*+)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r" (class|id|role|style|hidden|aria-hidden|itemprop|itemtype|start|lang|data-lang|data-language"
    r'|data-code-language|href|summary|alttext|encoding|display|colspan|rowspan)="([^"]*)"'
)
# Pictures of formulas, which have the LaTeX as their alternative text.
_PICTURED = re.compile(
    r'(?=[^>]* class="(?:[^"]*[\s_-])?(?:latex|tex|math|equation|mwe-math-fallback\S*|ql-img\S*)'
    r'(?=[\s_"-])|[^>]* src="[^"]*(?:latex|codecogs|mathtex|mimetex|/math/render|tex\.cgi))'
    r'[^>]* alt="([^"]+)"'
)
# What is no text of the page.
_NO_TEXT = ["script", "style", "template", "iframe", "noembed", "noframes", "head"]
# Elements whose text is not read → the reason.
_UNSEEN = {
    **dict.fromkeys(("select", "datalist", "textarea"), "form"),
    **dict.fromkeys(("object", "canvas", "audio", "video"), "fallback"),
    **dict.fromkeys(("map", "xmp", "plaintext"), "unread"),
    "svg": "drawing",
}
_SELECTOR = ", ".join(_UNSEEN)
_LONG = 1 << 16
_RAW = frozenset(("pre", "listing"))
# Tags that are read at once: all pages but the largest are one list of pieces.
_AT_ONCE = 1 << 15
# What `build` is given for signs of a text, and no others; "&" itself last.
_REFERENCES = tuple(
    (f"&{name};", sign)
    for name, sign in zip(["lt", "gt", "nbsp", "quot", "#x27", "amp"], "<>\xa0\"'&", strict=True)
)


def words(text: str) -> frozenset[str]:
    """The words of a string, for tables of names."""
    return frozenset(text.split())


# What begins and ends a line.
BLOCK = words(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset"
    " figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr li listing main"
    " menu nav noscript ol p pre section summary table tbody td tfoot th thead tr caption ul"
    " option legend"
)
_VOID = words("br hr")
_SPECIAL = _VOID | _RAW | {"a"}
# Void elements without text, and those that change letters but no structure.
_IGNORED = words(
    "area base col embed img input link meta param source track wbr b i em strong u font big s"
)


class Node:
    """An element. chars, links: characters of its text, and of that within links.

    nonspace: those other than white space. dropped: the reason why it is no content, else empty.
    """

    __slots__ = (
        *("attributes", "chars", "children", "dropped", "links", "names", "nonspace", "parent"),
        "tag",
    )

    def __init__(
        self, tag: str, names: str, attributes: dict[str, str], parent: Any, nonspace: int = 0
    ) -> None:
        self.tag = tag
        self.names = names
        self.attributes = attributes
        self.parent = parent
        self.children: list[Node | str] = []
        self.chars = 0
        self.links = 0
        self.nonspace = nonspace
        self.dropped = ""

    def __repr__(self) -> str:
        return f"<{self.tag} {self.names!r} {self.chars}/{self.links}>"


def text_of(node: Node) -> str:
    """All text of an element in one string, as the page has it."""
    pieces: list[str] = []
    stack: list[Node | str] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            pieces.append(item)
        else:
            if item.tag == "br" or item.tag in BLOCK:
                pieces.append(" ")
            stack.extend(reversed(item.children))
    return " ".join("".join(pieces).split())


def parse(text: str) -> Any:
    """The parser's document."""
    return LexborHTMLParser(text)


def nonspace(text: str) -> int:
    """Characters other than white space."""
    if len(text) <= _LONG:  # nearly all
        return len("".join(text.split()))
    return sum(len("".join(piece.split())) for piece in _pieces(text))


def _collapsed(text: str) -> tuple[str, int]:
    """A text with each run of white space as one space, and `nonspace` of it."""
    clean: list[str] = []
    seen, space = 0, False
    for piece in _pieces(text):
        words = piece.split()
        space = space or piece[0].isspace()
        if words:
            clean += (" ", " ".join(words)) if space else (" ".join(words),)
            seen += len(clean[-1]) - len(words) + 1
            space = piece[-1].isspace()
    return "".join([*clean, " "] if space else clean), seen


def _pieces(text: str) -> Iterator[str]:
    """A text in pieces whose words may be listed: those of all of a long one take ten times it."""
    for begin in range(0, len(text), _LONG):
        yield text[begin : begin + _LONG]


def without_frames(document: Any) -> None:
    """Take away what is no text of the page: scripts, styles, templates, frames, the head."""
    document.strip_tags(_NO_TEXT, recursive=True)


def unseen(document: Any) -> dict[str, int]:
    """Take away the elements that are not read: reason → characters other than white space."""
    found: dict[str, int] = {}
    for node in reversed(document.css(_SELECTOR)):  # what is in an element before it
        characters = nonspace(node.text_lexbor())
        if characters:
            reason = _UNSEEN[node.tag]
            found[reason] = found.get(reason, 0) + characters
        node.decompose()
    return found


def unseen_passages(document: Any) -> list[tuple[str, str]]:
    """(reason, text) of the elements that are not read, in order, with the runs of all other text
    between them, which have no reason."""
    found: list[tuple[str, str]] = []
    root = document.body
    reasons = {root.mem_id: ""} if root is not None else {}  # element → reason of its text
    for node in root.traverse(include_text=True) if root is not None else ():
        if node.mem_id in reasons:
            continue
        above = reasons.get(node.parent.mem_id, "")
        if not node.is_text_node:
            reasons[node.mem_id] = _UNSEEN.get(node.tag, above)
        elif found and found[-1][0] == above:
            found[-1] = (above, found[-1][1] + (node.text_content or ""))
        else:
            found.append((above, node.text_content or ""))
    return [(reason, " ".join(text.split())) for reason, text in found]


def body_of(document: Any) -> str:
    """The HTML of the body."""
    body = document.body
    return (body.html if body is not None else None) or ""


def build(source: str) -> list[Node]:
    """All elements of HTML as `body_of` writes it, in document order; the first one is a root of
    its own. Of what texts hold, `_REFERENCES` alone are written as references."""
    root = node = Node("body", "", {}, None, 0)
    order = [root]
    known: dict[str, tuple[str, dict[str, str]]] = {"": ("", {})}
    raw = in_link = seen = 0
    while len(tokens := _TOKEN.split(source, _AT_ONCE)) > 1:
        source = tokens.pop()  # in the end nothing: the body's own end is the last tag
        after = iter(tokens)
        for text, closing, tag, written in zip(after, after, after, after, strict=True):
            if "&" in text:
                for reference, sign in _REFERENCES:
                    text = text.replace(reference, sign)
            if not raw and text.isspace():
                node.children.append(" ")
            elif text:
                if raw:
                    clean, size = text, len(text)
                    seen += nonspace(text)
                elif len(text) > _LONG:
                    clean, here = _collapsed(text)
                    size = len(clean)
                    seen += here
                else:
                    words = text.split()
                    clean = " ".join(words)
                    size = len(clean)
                    seen += size - len(words) + 1
                    if clean != text:
                        if text[0].isspace():
                            clean = " " + clean
                        if text[-1].isspace():
                            clean += " "
                node.children.append(clean)
                node.chars += size
                if in_link:
                    node.links += size
            if closing:
                if tag != node.tag or node is root:
                    continue
                if tag == "a":
                    in_link -= "href" in node.attributes
                elif tag in _RAW:
                    raw -= 1
                parent = node.parent
                parent.chars += node.chars
                parent.links += node.links
                node.nonspace += seen
                node = parent
                continue
            if tag is None or tag in _IGNORED:
                if tag == "img" and (pictured := _formula(written, node)):
                    node.children.append(pictured)
                    order.append(pictured)
                continue
            attributes = known.get(written)
            if attributes is None:
                attributes = known[written] = _read(written)
            child = Node(tag, attributes[0], attributes[1], node, -seen)
            node.children.append(child)
            order.append(child)
            if tag in _SPECIAL:
                if tag in _VOID:
                    child.nonspace = 0
                    continue
                if tag == "a":
                    in_link += "href" in child.attributes
                else:
                    raw += 1
            node = child
    while node is not root:
        node.parent.chars += node.chars
        node.parent.links += node.links
        node.nonspace += seen
        node = node.parent
    root.nonspace = seen
    return order


@contextmanager
def uncollected() -> Iterator[None]:
    """Python looks for cycles among all elements of a page again and again while they are made, a
    tenth of the time, and there are none to be freed: a tree is let go with its page."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def let_go(order: list[Node]) -> None:
    """Forget the parents, so that a tree that is no longer used goes at once, and does not wait
    with its text for the collector of cycles."""
    for node in order:
        node.parent = None


def _formula(written: str, around: Node) -> Node | None:
    """The formula that a picture shows, unless it stands beside it as well."""
    if ' alt="' not in written or not (pictured := _PICTURED.match(written)):
        return None
    if "mwe-math-element" in around.names and around.chars:
        return None
    return Node("math", "img", {"alttext": html.unescape(pictured[1])}, around, 0)


def _read(written: str) -> tuple[str, dict[str, str]]:
    attributes = dict(_ATTRIBUTE.findall(written))
    names = f"{attributes.get('class', '')} {attributes.get('id', '')}"[:400].lower()
    return names, attributes
