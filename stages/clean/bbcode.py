"""Posts of boards as HTML: BBCode as it was typed, and the XML in which phpBB stores it (s9e).

Only tags that are opened and closed are tags: `a[i]` is text. What names a picture is no text of
a post, as it is none of a page. https://www.bbcode.org/reference.php
"""

from __future__ import annotations

import html
import re

from stages.markup import BBCODE

# BBCode → HTML; others that are known change letters but no structure.
_TAGS = {
    **{name: name for name in ("b", "i", "u", "s", "sup", "sub", "pre", "table", "tr", "td", "th")},
    **{f"h{level}": f"h{level}" for level in range(1, 7)},
    **dict.fromkeys(("strike", "del"), "s"),
    **dict.fromkeys(("center", "left", "right", "justify", "indent", "spoiler", "hide"), "div"),
    **dict.fromkeys(("code", "php", "html", "noparse"), "pre"),
    "quote": "blockquote",
    "list": "ul",
}
# What stands in these is no BBCode.
_VERBATIM = ("code", "php", "html", "noparse", "pre")
_PICTURES = ("img", "attachment", "youtube", "video", "media")
_NO_ENTITY = re.compile(r"&(?!#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,30};)")
_XML = re.compile(r"<(/?)([A-Za-z][\w.:-]*)([^<>]*)>")
_MARKS = re.compile(r"<([sei])>[^<]*</\1>")  # what was typed to begin and end a tag
LINE_ENDS = re.compile(r"[\r\n]++")  # any number of them divides two lines
_IS_BREAK = re.compile(r"<br\s*/?>\n?")


def bbcode(text: str, within_html: bool = False) -> str:
    """A post as HTML, each of whose line ends is one; within HTML only the tags change."""
    tags = list(BBCODE.finditer(text))
    ends = _ends(tags)
    pieces: list[str] = []
    at = number = 0
    while number < len(tags):
        tag = tags[number]
        name = tag[2].lower()
        pieces.append(_shown(text[at : tag.start()], within_html))
        at = tag.end()
        if number not in ends:
            pieces.append(_shown(tag[0], within_html))
        elif not tag[1] and (name in _VERBATIM or name in _PICTURES):
            number = ends[number]
            inner = text[at : tags[number].start()]
            at = tags[number].end()
            if name not in _PICTURES:
                pieces.append(f"<pre>{inner if within_html else html.escape(inner, False)}</pre>")
        elif name == "*":
            pieces.append("<li>")
        else:
            pieces.append(f"<{tag[1]}{_name(tag, tags[ends[number]])}>")
        number += 1
    pieces.append(_shown(text[at:], within_html))
    return "".join(pieces)


def _name(tag: re.Match[str], other: re.Match[str]) -> str:
    """The HTML of a tag. other: the one that it belongs to."""
    name = tag[2].lower()
    if name == "list":
        kind = (other if tag[1] else tag)[3]
        return "ul" if not kind or kind.strip("\"' ") in ("disc", "circle", "square", "*") else "ol"
    return _TAGS.get(name, "span")


def _ends(tags: list[re.Match[str]]) -> dict[int, int]:
    """Numbers of the tags that are such → that of the tag that each belongs to."""
    last = {tag[2].lower(): number for number, tag in enumerate(tags) if tag[1]}
    found: dict[int, int] = {}
    opened: dict[str, list[int]] = {}
    verbatim = ""
    for number, tag in enumerate(tags):
        name = tag[2].lower()
        if verbatim and not (tag[1] and name == verbatim):
            continue
        if name == "*":
            if opened.get("list") and not tag[1]:
                found[number] = number
        elif not tag[1]:
            opened.setdefault(name, []).append(number)
            if name in _VERBATIM and last.get(name, 0) > number:
                verbatim = name
        elif opened.get(name):
            begin = opened[name].pop()
            found[begin], found[number] = number, begin
            verbatim = ""
    return found


def _shown(text: str, within_html: bool) -> str:
    if within_html:
        return text
    text = _NO_ENTITY.sub("&amp;", text).replace("<", "&lt;")
    return LINE_ENDS.sub("<br>", text)


def phpbb(text: str) -> str:
    """A post that phpBB stored as HTML: names of its elements are those of BBCode."""
    text = _IS_BREAK.sub("<br>", _MARKS.sub("", text))
    lists: list[str] = []

    def element(match: re.Match[str]) -> str:
        closing, name, attributes = match.groups()
        name = name.lower()
        if name in ("br", "p", "li"):
            return match[0].lower() if name != "li" else f"<{closing}li>"
        if name == "list":
            if not closing:
                plain = re.search(r"\btype=\"(?!disc|circle|square)", attributes) is None
                lists.append("ul" if plain else "ol")
            return f"<{closing}{lists[-1] if not closing else lists.pop() if lists else 'ul'}>"
        if name in _PICTURES:
            return f"<{closing}template>"  # which is no text
        return f"<{closing}{_TAGS.get(name, 'span')}>"

    return _XML.sub(element, text)
