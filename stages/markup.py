"""What markup a text of data is written in: HTML, BBCode, or what phpBB stores (s9e's XML).

Evidence is tags that are opened and closed, outside code. Text about tags, and Markdown, which may
hold a few, are neither.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

Written = Literal["", "html", "bbcode", "phpbb"]

_HTML = re.compile(
    r"<(/?)(p|br|hr|div|span|a|b|i|u|s|em|strong|small|big|ul|ol|li|dl|dt|dd|blockquote|pre|code|kbd"
    r"|tt|h[1-6]|table|thead|tbody|tr|td|th|img|sup|sub|font|center|del|ins|strike|figure|section"
    r"|article|html|body|head|title)(?=[\s/>])[^<>]*>",
    re.IGNORECASE,
)
# Tags that need no end to be one.
_ALONE = frozenset(("p", "br", "hr", "img", "li"))
_BBCODE_NAMES = (
    "b|i|u|s|url|email|img|quote|code|php|html|list|size|color|font|center|left|right|justify"
    "|indent|spoiler|hide|table|tr|td|th|sup|sub|pre|strike|del|youtube|video|media|attachment"
    "|user|mention|h[1-6]|noparse|highlight|background"
)
# A tag of BBCode; old boards end its name with a number of the post.
BBCODE = re.compile(
    rf"\[(/?)({_BBCODE_NAMES}|\*)(?::(?:[a-z]:)?[0-9a-z]{{5,10}})?(?:[=\s]([^\[\]\n]{{0,500}}))?\]",
    re.IGNORECASE,
)
_PHPBB = re.compile(r"\s*<([rt])>")
# Code within a line, by the marks of Markdown.
_CODE = re.compile(r"(?<!`)(`++)[^`\n]++\1(?!`)")
_FENCE = re.compile(r"(?m)^ {0,3}(?:```|~~~)")
_MARKDOWN = re.compile(
    r"(?m)^#{1,6} \S|^[*+-] \S|^\d+\. \S|\[[^\[\]\n]++\]\([^()\s]++\)|\*\*\w[^*\n]*\*\*"
)
# Of a text that may speak of tags, where there are few.
_ABOUT = re.compile(r"(?i)\b(?:x?html|xml|tags?|elements?|markup|css|jsx|bbcode)\b")
_FEW = 2


def written_in(text: str) -> Written:
    """The markup of a text; nothing where it is plain, Markdown, or not certain."""
    if "<" not in text and "[/" not in text:
        return ""
    if (match := _PHPBB.match(text)) is not None and text.rstrip().endswith(f"</{match[1]}>"):
        return "phpbb"
    if _FENCE.search(text):  # no board and no editor of HTML writes fences: Markdown
        return ""
    bare = _CODE.sub(" ", text) if "`" in text else text
    for kind, found in (("html", _html(bare)), ("bbcode", _bbcode(bare))):
        if not found or found <= len(_MARKDOWN.findall(bare)):
            continue
        if found > _FEW or not _ABOUT.search(bare):
            return "html" if kind == "html" else "bbcode"
    return ""


def _html(text: str) -> int:
    """Tags that are closed, or need no end."""
    if "<" not in text:
        return 0
    opened: Counter[str] = Counter()
    found = 0
    for match in _HTML.finditer(text):
        name = match[2].lower()
        if not match[1]:
            opened[name] += 1
            found += name in _ALONE
        elif opened[name]:
            opened[name] -= 1
            found += name not in _ALONE
    return found


def _bbcode(text: str) -> int:
    """Tags that are closed."""
    if "[/" not in text:
        return 0
    opened: Counter[str] = Counter()
    found = 0
    for match in BBCODE.finditer(text):
        name = match[2].lower()
        if not match[1]:
            opened[name] += 1
        elif opened[name]:
            opened[name] -= 1
            found += 1
    return found
