"""Which elements are not content, by their tag, role, class and id words, and by what they hold."""

from __future__ import annotations

import re

from stages.extract.webpage.kinds import Kind
from stages.extract.webpage.tree import Node

# Tag → reason, role → reason.
_TAGS = {
    **dict.fromkeys(("nav", "menu"), "navigation"),
    **dict.fromkeys(("form", "button", "input", "label"), "form"),
    "footer": "footer",
    "aside": "aside",
    "dialog": "notice",
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
# Words of class and id values, as sites call the parts that are not the page's own text.
_WORDS = (
    r"recently-?viewed|up-?sells?|cross-?sells?|also-?(?:like|bought|viewed)|"
    r"nav|navi|navbar|navigation|topnav|subnav|menu|submenu|breadcrumbs?|crumbs?|side-?bar"
    r"|footer|foot|site-?header|masthead|top-?bar|cookies?|consent|gdpr|ccpa|pop-?up|modal"
    r"|lightbox|newsletter|subscribe|subscription|sign-?up|login|sign-?in|share|sharing"
    r"|addtoany|sharedaddy|share-?buttons?|related|recommend(?:ed|ations?)|more-?from"
    r"|read-?more|you-?may|promoted|sponsor(?:ed)?|advert(?:s|isement|ising)?|ads?|adsense|dfp"
    r"|outbrain|taboola|pagination|pager|paging|prev-?next|skip-?(?:link|to)"
    r"|screen-?reader(?:-text)?|sr-?only|visually-?hidden|toolbar|print-?only|no-?print"
    r"|tag-?(?:list|cloud|links)|author-?(?:bio|box|info)|about-?author|byline|post-?meta"
    r"|entry-?meta|article-?meta|jump-?links?|edit-?section|mw-?editsection|navbox|catlinks"
    r"|paywall"
)
# Words that are boilerplate beside an article and content on a shop's or a company's page.
_BESIDE = (
    r"overlay|social|recirc|promo|widgets?|tags|credits?|dateline|copyright|disclaimer|rating"
    r"|reactions|popular|trending|most-?read|latest|carousel|slider|banner|toc|hidden|hide"
    r"|search|feedback|survey|donate"
)
_UNLIKELY = re.compile(rf"(?:^|[\s_-])(?:{_WORDS})(?=$|[\s_\d-])")
_ASIDE = re.compile(rf"(?:^|[\s_-])(?:{_WORDS}|{_BESIDE})(?=$|[\s_\d-])")
_NOT = re.compile(
    r"(?:has|no|with|without|hide|show|content)-?(?:side-?bar|nav|menu|header|footer)\S*"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COMMENTS = re.compile(
    r"(?:^|[\s_-])(?:comments?|comment-?(?:list|section|area)|disqus|respond|replies|fb-?comments)"
    r"(?=$|[\s_\d-])"
)
# Shares of the page's text outside links.
_MOST = 0.4
_SHARE = 0.3
_HIDDEN = re.compile(r"display:\s*none|visibility:\s*hidden")


def mark(order: list[Node], kind: Kind, comments: bool) -> None:
    """Set `dropped`, the reason, on elements that are not content and on all within them.

    What has most of the page's text, or the page's article, is content whatever it is called.
    """
    total = max(1, order[0].chars - order[0].links)
    holders = _holders(order)
    unlikely = _ASIDE if kind == "article" else _UNLIKELY
    known: dict[str, str] = {}
    for node in order[1:]:
        if node.parent.dropped:
            node.dropped = node.parent.dropped
        elif node.chars and node not in holders:
            reason = _suspect(node, unlikely, known, comments)
            if reason and node.chars - node.links < _MOST * total:
                node.dropped = reason


def unmark(order: list[Node]) -> None:
    """Drop only what its tag says is no content: for pages of which nothing was left."""
    for node in order[1:]:
        by_tag = "" if node.tag == "form" else _TAGS.get(node.tag, "")
        node.dropped = node.parent.dropped or by_tag


def _holders(order: list[Node]) -> set[Node]:
    """The elements around the page's article, where it has just one with a share of the text."""
    total = max(1, order[0].chars - order[0].links)
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


def _suspect(node: Node, unlikely: re.Pattern[str], known: dict[str, str], comments: bool) -> str:
    """The reason why an element may be no content, else nothing."""
    if node.tag in _TAGS:
        return _TAGS[node.tag]
    attributes = node.attributes
    if not attributes:
        return ""
    if node.tag in ("html", "body", "main", "article"):
        return ""
    hidden = "hidden" in attributes or attributes.get("aria-hidden") == "true"
    if hidden and attributes.get("role") != "tabpanel":
        return "hidden"
    if attributes.get("role") in _ROLES:
        return _ROLES[attributes["role"]]
    if "style" in attributes and _HIDDEN.search(attributes["style"]):
        return "hidden"
    names = node.names
    if names == " ":
        return ""
    found = known.get(names)
    if found is None:
        cleaned = _NOT.sub(" ", names)
        found = "furniture" if unlikely.search(cleaned) else ""
        if not comments and not found:
            found = "comments" if _COMMENTS.search(cleaned) else ""
        known[names] = found
    return found
