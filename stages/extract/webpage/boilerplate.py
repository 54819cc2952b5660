"""Which elements are not content, by their tag, role, class and id words, and by what they hold."""

from __future__ import annotations

import re

from stages.extract.webpage.inline import BLOCK, text_of
from stages.extract.webpage.kinds import POST, Kind
from stages.extract.webpage.names import LINE_NUMBER, PERMALINK, meaning, of_large, suspicious
from stages.extract.webpage.region import article
from stages.extract.webpage.teasers import leads_away, notice
from stages.extract.webpage.tree import Node, words

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
_HEADINGS = words("h1 h2 h3 h4 h5 h6")
# Text that no name drops.
_NEVER = _HEADINGS | words("html body main article p")
_ANSWERED = words("button label input")
_CONTROLS = words("form button input label")
# Reasons that hold whatever is left.
_SURE = ("formula", "permalink", "line_number")
# Shares of the page's text outside links.
_MOST = 0.4
_SHARE = 0.3
# Characters that must be left where furniture of any size goes.
_REST = 250
_ROUNDS = 3
_HIDDEN = re.compile(r"display:\s*none|visibility:\s*hidden")
# Elements that a framework fills while the page comes, and shows by a script.
_STREAMED = re.compile(r"[SPB]:[\da-z]+")
_SENTENCE = re.compile(r"\S.{40,}[.!?…:][\"'”’»)\]]*(?:\s|$)|[^。！？]{12,}[。！？]", re.DOTALL)
_PROSE, _LINKED = 60, 0.3
_SIGN = re.compile(
    r"\W{0,3}|\[?(?:edit|link|permalink|anchor|copy link)\]?|(?:permalink|link|direct link|anchor)"
    r" (?:to|for) .{0,80}",
    re.IGNORECASE | re.DOTALL,
)
_SIGNS = frozenset("¶#§🔗⚓∞")
_NUMBERS = re.compile(r"[\d\s]*")
_SLUG = re.compile(r"[\W_]+")
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
        self.known: dict[str, str] = {}
        self.void: frozenset[str] = frozenset()
        self.mathjax = any(node.tag == "math" and node.names == "mathjax " for node in order)


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
    for node in order[1:]:
        parent = node.parent
        if parent in inside:
            inside.add(node)
        if parent.dropped:
            node.dropped = parent.dropped
        elif node.chars and node not in holders:
            reason = _suspect(node, page)
            if not reason:
                continue
            own = node.chars - node.links
            large = own >= _MOST * page.total
            if large and not _large(node, reason, page):
                continue
            node.dropped = reason
            if reason == "furniture" and not large and not of_large(node.names):
                for word in suspicious(node.names, page.kind):
                    named[word] = named.get(word, 0) + own
    return named


def unmark(order: list[Node]) -> None:
    """Drop only what its tag says is no content: for pages of which nothing was left."""
    for node in order[1:]:
        by_tag = "" if node.tag in ("form", "noscript") else _TAGS.get(node.tag, "")
        if node.dropped in _SURE:
            by_tag = node.dropped
        if node.tag in _ANSWERED and _within_text(node):
            by_tag = ""
        node.dropped = node.parent.dropped or by_tag


def _holders(order: list[Node], total: int) -> set[Node]:
    """The elements around the page's article, where it has just one with a share of the text."""
    found = [
        node
        for node in order
        if (node.tag in ("article", "main") or node.attributes.get("itemprop") == "articleBody")
        and node.chars - node.links > _SHARE * total
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
    if _is_hidden(node):
        return "hidden"
    if tag == "a" and "href" in attributes and _is_permalink(node):
        return "permalink"
    role = attributes.get("role")
    if role in _ROLES:
        if role == "button":
            return "" if _within_text(node) or _is_prose(node) else "form"
        if role == "complementary":
            return "" if _is_note(node, page) else "aside"
        return _ROLES[role]
    if tag in _NEVER or node.names == " ":
        return ""
    return _of_names(node, page)


def _of_tag(node: Node, page: _Page) -> str:
    tag = node.tag
    if tag in _ANSWERED and _within_text(node):
        return ""
    if tag == "button" and _is_prose(node):
        return ""
    if tag == "aside" and _is_note(node, page):
        return ""
    if tag == "noscript":
        own = node.chars - node.links
        return "" if own > _REST and own > 0.6 * page.total and _is_prose(node) else "fallback"
    if tag == "footer" and node in page.inside and node.parent.tag == "blockquote":
        return ""
    return _TAGS[tag]


def _is_hidden(node: Node) -> bool:
    attributes = node.attributes
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        if attributes.get("role") == "tabpanel" or attributes.get("hidden") == "until-found":
            return False
        if _STREAMED.fullmatch(attributes.get("id", "")):
            return False
    elif "style" not in attributes or not _HIDDEN.search(attributes["style"]):
        return False
    return not _only_formula(node)


def _only_formula(node: Node) -> bool:
    """Whether an element holds a formula alone, whose picture is shown in its place."""
    for _ in range(4):
        if node.tag == "math":
            return True
        inner = [child for child in node.children if not isinstance(child, str) or child.strip()]
        if len(inner) != 1 or isinstance(inner[0], str):
            return False
        node = inner[0]
    return node.tag == "math"


def _within_text(node: Node) -> bool:
    """Whether a control is a word of a sentence, or the text of a heading."""
    above = node.parent
    for _ in range(3):
        if above is None or above.tag in BLOCK:
            break
        above = above.parent
    if above is None:
        return False
    if above.tag in _HEADINGS or above.tag in ("dt", "summary", "caption", "figcaption"):
        return True
    if above.tag not in ("p", "li", "dd", "td", "blockquote", "div"):
        return False
    before = after = ""
    seen = False
    for child in above.children:
        if child is node or (
            isinstance(child, Node) and child.tag not in BLOCK and _holds(child, node)
        ):
            seen = True
        elif isinstance(child, str):
            if seen:
                after += child
            else:
                before += child
    letters = sum(map(str.isalpha, before + after))
    return letters >= 8 and (above.tag != "div" or (letters >= 20 and before.strip() != ""))


def _holds(node: Node, inner: Node) -> bool:
    above = inner.parent
    for _ in range(3):
        if above is node:
            return True
        if above is None:
            break
        above = above.parent
    return False


def _is_note(node: Node, page: _Page) -> bool:
    """Whether an aside is part of the text around it: words without links or controls."""
    if node not in page.inside or node.links > 0.2 * node.chars or node.chars < 20:
        return False
    if meaning(node.names, page.kind) not in ("", "frame"):
        return False
    found = list(_below(node))
    if any(one.tag in _CONTROLS for one in found):
        return False
    first = next((one for one in found if one.tag in _HEADINGS), None)
    text = text_of(node)
    return not (first is not None and leads_away(text_of(first))) and not notice(text)


def _below(node: Node) -> list[Node]:
    found: list[Node] = []
    stack = [node]
    while stack:
        one = stack.pop()
        inner = [child for child in one.children if isinstance(child, Node)]
        found += inner
        stack += inner
    return found


def _is_permalink(node: Node) -> bool:
    """Whether a link is the sign beside a heading that links to it."""
    if node.chars > 100:
        return False
    text = text_of(node).strip("\u200b ")
    if text and set(text) <= _SIGNS:
        return True
    if PERMALINK.search(node.names):
        return _SIGN.fullmatch(text) is not None
    return text.lower() in ("[edit]", "permalink", "[link]") and node.parent.tag in _HEADINGS


def _of_names(node: Node, page: _Page) -> str:
    names = node.names
    found = page.known.get(names)
    if found is None:
        if page.mathjax and not _MATHJAX.isdisjoint(names.split()):
            found = "formula"
        else:
            found = meaning(names, page.kind, page.void)
        if not found and LINE_NUMBER.search(names):
            found = "line_number"
        elif found != "formula" and LINE_NUMBER.search(names):
            found += " line_number"
        page.known[names] = found
    if not found:
        return ""
    if found.endswith("line_number"):
        if _is_number(node):
            return "line_number"
        found = found.removesuffix("line_number").strip()
    if found in ("", "formula"):
        return found
    if found == "comments":
        if page.comments or _is_slug(node) or (page.kind == "forum" and not page.posts):
            return ""
        return "" if node in page.posts else "comments"
    if _is_slug(node) or _stays(node, found, page):
        return ""
    return "furniture"


def _is_number(node: Node) -> bool:
    if not (node.chars and _NUMBERS.fullmatch(text_of(node))):
        return False
    above = node
    for _ in range(8):
        if above is None:
            return False
        if above.tag in ("pre", "code", "table", "figure") or "highlight" in above.names:
            return True
        above = above.parent
    return False


def _is_slug(node: Node) -> bool:
    """Whether the id is made of the heading within, and no class speaks against the element."""
    told = node.attributes.get("id", "")
    if not told or meaning(node.attributes.get("class", "").lower(), "article"):
        return False
    for child in node.children:
        if isinstance(child, Node):
            if child.tag in ("header", "div", "hgroup") and child.children:
                child = next((one for one in child.children if isinstance(one, Node)), child)
            if child.tag in _HEADINGS and child.chars < 200:
                heading = _SLUG.sub("-", text_of(child).lower()).strip("-")
                slug = _SLUG.sub("-", told.lower()).strip("-")
                return bool(heading) and (slug in heading or heading in slug)
            if child.chars:
                return False
    return False


def _stays(node: Node, found: str, page: _Page) -> bool:
    """Whether an element is prose in spite of its name."""
    inside = node in page.inside
    if of_large(node.names) and node.chars - node.links >= _MOST * page.total and not inside:
        head = next((one for one in _below(node) if one.tag in ("h1", "h2")), None)
        return head is not None and of_large(_SLUG.sub("-", text_of(head).lower())) is False
    if page.article is not None and not inside:
        return False
    if found == "frame" and not inside and node.tag != "section":
        return False
    if not _is_prose(node):
        return False
    below = _below(node)
    if found == "asks":
        return not any(one.tag in _CONTROLS for one in below) and not notice(text_of(node))
    heads = [one for one in below if one.tag in _HEADINGS]
    if sum(one.links > 0.5 * one.chars for one in heads) > 1:
        return False  # cards of other pages
    if heads and leads_away(text_of(heads[0])) and node.links:
        return False
    if any(one.tag in _CONTROLS for one in below):
        return False
    # notes about the text, and who wrote it, have few words and small headings if any
    return bool(heads and heads[0].tag in ("h1", "h2", "h3")) or node.chars > 600


def _is_prose(node: Node) -> bool:
    """Whether an element is mostly sentences outside links."""
    own = node.chars - node.links
    if own < 30 or node.links > _LINKED * node.chars:
        return False
    text = text_of(node)
    cjk = len(text.encode("utf-8", "replace")) - len(text)
    return own + cjk >= _PROSE and _SENTENCE.search(text[:4000]) is not None
