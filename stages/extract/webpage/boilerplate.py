"""Which elements are not content, by their tag, role, class and id words, and by what they hold."""

from __future__ import annotations

import re
from functools import cached_property

from stages.extract.webpage.evidence import (
    HEADINGS,
    SLUG,
    OwnText,
    inner,
    is_amid,
    is_hidden,
    is_number,
    is_permalink,
    is_prose,
    is_slug,
    on_comments,
    within_text,
)
from stages.extract.webpage.kinds import POST, Kind
from stages.extract.webpage.names import LINE_NUMBER, meaning, of_large, speaks, suspicious
from stages.extract.webpage.region import article
from stages.extract.webpage.teasers import leads_away, notice
from stages.extract.webpage.tree import BLOCK, Node, text_of, words

# Tag → reason, role → reason.
_TAGS = {
    **dict.fromkeys(("nav", "menu"), "navigation"),
    **dict.fromkeys(("form", "button", "input", "label"), "form"),
    "footer": "footer",
    "aside": "aside",
    "dialog": "notice",
    "noscript": "fallback",
}
_ROLES = {
    **dict.fromkeys(("navigation", "search", "menu", "menubar"), "navigation"),
    **dict.fromkeys(("toolbar", "tablist"), "navigation"),
    **dict.fromkeys(("dialog", "alertdialog", "alert"), "notice"),
    "contentinfo": "footer",
    "complementary": "aside",
    "banner": "banner",
    "button": "form",
}
# Text that no name drops.
_NEVER = HEADINGS | words("html body main article p")
_ANSWERED = words("button label input")
_CONTROLS = words("form button input label")
# Reasons that hold whatever is left.
_SURE = ("formula", "permalink", "line_number", "notice", "footer")
# Shares of the page's text outside links.
_MOST = 0.4
_SHARE = 0.3
# Characters that must be left where furniture of any size goes.
_REST = 250
_ROUNDS = 3
# What is called furniture and holds nothing but paragraphs: it stays.
_PLAIN = "plain"
# Suspects within one another that are looked through: each costs what it holds. Of 823 pages of
# the web none has more than 9 that stay.
_NESTED = 24
_PARAGRAPHS = HEADINGS | words("p pre code kbd samp sup sub br ul ol li blockquote q cite abbr")
_BLOCK_CODE = words("pre listing")
# Somebody who is quoted: a name and a colon.
_SAID = re.compile(r"\w[^\s:]{0,20}(?: [^\s:]{1,20}){0,2}: ")
_CODE = words("pre listing code kbd samp")
_MATHJAX = words("mathjax mathjax_display mathjax_preview mathjax_svg mathjax_chtml")


class _Page:
    def __init__(self, order: list[Node], kind: Kind, comments: bool) -> None:
        self.total = max(1, order[0].chars - order[0].links)
        self.comments = comments
        self.posts = _posts(order) if kind == "forum" and not comments else set()
        self.kind = kind
        self.holders = _holders(order, self.total)
        self.article = article(order)
        self.inside: set[Node] = {self.article} if self.article is not None else set()
        self.code: set[Node] = set()  # within code, where names are those of its tokens
        self.first: dict[Node, set[Node]] = {}
        self.own_text: dict[Node, OwnText] = {}
        self.known: dict[str, str] = {}
        self.void: frozenset[str] = frozenset()
        self.mathjax = any([node.tag == "math" and node.names == "mathjax " for node in order])
        self._order = order

    @cached_property
    def around_code(self) -> set[Node]:
        return {node.parent for node in self._order if node.tag in ("pre", "code")}


def mark(order: list[Node], kind: Kind, comments: bool) -> None:
    """Set `dropped`, the reason, on elements that are not content and on all within them.

    What has most of the page's text, or the page's article, is content whatever it is called; and
    a word that names most of the text means nothing on this page.
    """
    page = _Page(order, kind, comments)
    for _ in range(_ROUNDS):
        named = _marked(order, page)
        void = {word for word, own in named.items() if own > _MOST * page.total}
        if not void:
            break
        page.void |= void
        page.known.clear()
        for node in order:
            node.dropped = ""


def _marked(order: list[Node], page: _Page) -> dict[str, int]:
    """Word → characters outside links of what was dropped because of it."""
    named: dict[str, int] = {}
    inside, holders = page.inside, page.holders
    stayed: dict[Node, int] = {}  # element → suspects that stayed, of itself and those around it
    for node in order[1:]:
        parent = node.parent
        if parent in inside:
            inside.add(node)
        if parent.tag in _CODE or parent in page.code:
            page.code.add(node)
        if parent in stayed:
            stayed[node] = stayed[parent]
        if parent.dropped:
            node.dropped = parent.dropped
        elif node.chars and node not in holders and stayed.get(node, 0) < _NESTED:
            reason = _suspect(node, page)
            own = node.chars - node.links
            if reason == _PLAIN:
                _count(named, node, page, own)
                reason = ""
            large = own >= _MOST * page.total
            if not reason or (large and not _large(node, reason, page)):
                if reason or page.known.get(node.names) or _is_special(node):
                    stayed[node] = stayed.get(node, 0) + 1
                continue
            node.dropped = reason
            if reason == "furniture" and not large and not of_large(node.names):
                _count(named, node, page, own)
    return named


def _count(named: dict[str, int], node: Node, page: _Page, own: int) -> None:
    for word in suspicious(node.names, page.kind):
        named[word] = named.get(word, 0) + own


def _is_special(node: Node) -> bool:
    """Whether an element is looked through whatever it is called."""
    return node.tag in _TAGS or "role" in node.attributes


def hide(order: list[Node]) -> None:
    """Drop only what is not shown."""
    for node in order[1:]:
        node.dropped = node.parent.dropped or ("hidden" if is_hidden(node) else "")


def unmark(order: list[Node]) -> None:
    """Drop only what its tag says is no content: for pages of which nothing was left."""
    own_text: dict[Node, OwnText] = {}
    for node in order[1:]:
        by_tag = "" if node.tag in ("form", "noscript") else _TAGS.get(node.tag, "")
        if node.dropped in _SURE or (node.dropped == "furniture" and of_large(node.names)):
            by_tag = node.dropped
        if node.tag in _ANSWERED and within_text(node, own_text):
            by_tag = ""
        node.dropped = node.parent.dropped or by_tag


def _holders(order: list[Node], total: int) -> set[Node]:
    """The elements around the page's article, where it has just one with a share of the text."""
    found = [
        node
        for node in order
        if node.chars - node.links > _SHARE * total
        and (node.tag in ("article", "main") or node.attributes.get("itemprop") == "articleBody")
    ]
    holders: set[Node] = set()
    for node in found[:3]:
        while node is not None:
            holders.add(node)
            node = node.parent
    return holders


def _posts(order: list[Node]) -> set[Node]:
    """The posts of a forum and all around them; none where comments are the posts."""
    found = [node for node in order if POST.search(node.names)]
    posts: set[Node] = set()
    for node in found if len(found) > 1 else []:
        above = node
        while above is not None and above not in posts:
            posts.add(above)
            above = above.parent
    return posts


def _large(node: Node, reason: str, page: _Page) -> bool:
    """Whether an element goes though it has much of the text: what is left is the page's."""
    if page.total - (node.chars - node.links) < _REST or _holds_article(node, page):
        return False
    if reason in ("footer", "notice", "banner", "aside", "navigation", "fallback"):
        return True
    if reason == "hidden":
        return page.total > 3 * (node.chars - node.links) or bool(page.holders)
    return reason == "furniture" and of_large(node.names)


def _holds_article(node: Node, page: _Page) -> bool:
    return page.article is not None and page.article is not node and node in _above(page.article)


def _above(node: Node) -> set[Node]:
    found = set()
    while node is not None:
        found.add(node)
        node = node.parent
    return found


def _suspect(node: Node, page: _Page) -> str:
    """The reason why an element may be no content, else nothing."""
    tag = node.tag
    if tag in _TAGS:
        return _of_tag(node, page)
    attributes = node.attributes
    if not attributes:
        return ""
    if is_hidden(node):
        return "hidden"
    if tag == "a" and "href" in attributes and is_permalink(node):
        return "permalink"
    role = attributes.get("role")
    if role in _ROLES:
        if role == "button":
            return "" if within_text(node, page.own_text) or is_prose(node) else "form"
        if role == "complementary":
            return "" if _is_note(node, page) else "aside"
        return _ROLES[role]
    if tag in _NEVER or node.names == " ":
        return ""
    return _of_names(node, page)


def _of_tag(node: Node, page: _Page) -> str:
    tag = node.tag
    if tag in _ANSWERED and within_text(node, page.own_text):
        return ""
    if tag == "button" and is_prose(node):
        return ""
    if tag == "aside" and _is_note(node, page):
        return ""
    if tag == "noscript":
        own = node.chars - node.links
        return "" if own > _REST and own > 0.6 * page.total and is_prose(node) else "fallback"
    if tag == "footer" and node in page.inside and node.parent.tag == "blockquote":
        return ""
    return _TAGS[tag]


def _is_note(node: Node, page: _Page) -> bool:
    """Whether an aside is part of the text around it: words without links or controls."""
    if node not in page.inside or node.links > 0.2 * node.chars or node.chars < 10:
        return False
    if meaning(node.names, page.kind) not in ("", "frame"):
        return False
    found = list(inner(node))
    if any(one.tag in _CONTROLS for one in found):
        return False
    first = next((one for one in found if one.tag in HEADINGS), None)
    text = text_of(node)
    return not (first is not None and leads_away(text_of(first))) and not notice(text)


def _of_names(node: Node, page: _Page) -> str:
    names = node.names
    found = page.known.get(names)
    if found is None:
        if page.mathjax and not _MATHJAX.isdisjoint(names.split()):
            found = "formula"
        elif not speaks(names, page.kind):
            found = ""
        else:
            found = meaning(names, page.kind, page.void)
            if LINE_NUMBER.search(names):
                found += " line_number"
        page.known[names] = found
    if not found:
        return ""
    if found.endswith("line_number"):
        if is_number(node, page.around_code, page.first):
            return "line_number"
        found = found.removesuffix("line_number").strip()
    if found in ("", "formula"):
        return found
    if (node in page.code and node.tag not in BLOCK) or _is_code(node):
        return ""
    if found == "comments":
        if page.comments or is_slug(node) or (page.kind == "forum" and not page.posts):
            return ""
        stays = node in page.posts or on_comments(node) or _is_plain(node, found, page)
        stays = stays or (page.kind == "manual" and _is_of_manual(node))  # on what is documented
        return "" if stays else "comments"
    if is_slug(node) or _stays(node, found, page):
        return ""
    return _PLAIN if _is_plain(node, found, page) else "furniture"


def _is_plain(node: Node, found: str, page: _Page) -> bool:
    """Whether an element holds paragraphs alone, which link to nothing and ask nothing.

    What readers wrote stands at the end, and so do footers: of these it must be amid the text.
    """
    if node.links or not is_prose(node) or (page.article is not None and node not in page.inside):
        return False
    text = text_of(node)
    if found == "comments" and _SAID.match(text):
        return False
    if (found == "comments" or of_large(node.names)) and not is_amid(node):
        return False
    return all(one.tag in _PARAGRAPHS for one in inner(node)) and not notice(text)


def _is_of_manual(node: Node) -> bool:
    """Whether a part of a manual asks for nothing and is no list of links: a book's sidebar."""
    controls = any(one.tag in _CONTROLS for one in inner(node))
    return not controls and node.links < 0.5 * node.chars and not notice(text_of(node))


def _is_code(node: Node) -> bool:
    """Whether an element is what is around code."""
    inside = any(isinstance(one, Node) and one.tag in _BLOCK_CODE for one in node.children)
    return inside and 2 * node.links < node.chars


def _stays(node: Node, found: str, page: _Page) -> bool:
    """Whether an element is prose in spite of its name."""
    inside = node in page.inside
    if of_large(node.names) and node.chars - node.links >= _MOST * page.total and not inside:
        head = next((one for one in inner(node) if one.tag in ("h1", "h2")), None)
        return head is not None and of_large(SLUG.sub("-", text_of(head).lower())) is False
    if page.article is not None and not inside:
        return False
    if found == "frame" and not inside and node.tag != "section":
        beside = "sidebar" in node.names  # what books put beside their text
        return beside and page.kind == "manual" and is_prose(node) and _is_of_manual(node)
    if not is_prose(node):
        return False
    below = list(inner(node))
    heads = [one for one in below if one.tag in HEADINGS]
    if found == "asks":
        if of_large(node.names) and not (inside or heads or is_amid(node)):
            return False  # terms and consent at the page's edge
        return not any(one.tag in _CONTROLS for one in below) and not notice(text_of(node))
    if sum(one.links > 0.5 * one.chars for one in heads) > 1:
        return False  # cards of other pages
    if heads and leads_away(text_of(heads[0])) and node.links:
        return False
    if any(one.tag in _CONTROLS for one in below):
        return False
    # notes about the text, and who wrote it, have few words and small headings if any
    return bool(heads and heads[0].tag in ("h1", "h2", "h3")) or node.chars > 600
