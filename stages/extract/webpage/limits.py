"""Bounds on what the parser is given, kept by one linear scan over the text of a page.

The parser takes time by the square of the attributes of an element, of the depth of nesting, of
the options of a list, and of formatting elements that are never closed. Nothing that a reader
would see is taken away.
"""

from __future__ import annotations

import re

from stages.extract.webpage.tree import words

# Of 823 pages of the web the deepest has 583 levels and the longest list 1,515 options. At these
# bounds each costs the parser less than a tenth of a second.
DEPTH = 1000
# Tags, opening and closing, and comments: each costs up to 1,000 bytes and 20 microseconds.
TAGS = 1 << 20
FORMATTING = 60
# Times the page that is looked at in search of the ends of long tags within long tags; pages of the
# web have none.
_AGAIN = 8
ATTRIBUTES = 1000
OPTIONS = 2000
# With fewer tags than this nothing grows beyond half a second: 2,000 elements left open, each
# opened again in 2,000 paragraphs.
_FEW_TAGS = 4000

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,40})")
_MARKUP = re.compile("<[a-zA-Z/!?]")
# Comments, and what stands in an element of raw text, with its opening tag.
_UNPARSED = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))|<(script|style|textarea|title|xmp)(?=[\s/>])[^>]*+>?.*?(?:</\1|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_MAYBE_LONG = re.compile(r"<[a-zA-Z][^<]{2000}")  # a tag with 1,000 attributes is longer
# What the parser does not read as tags.
_RAW = words("script style textarea title xmp")
_ATTRIBUTE = re.compile(r"""[^\s=>/"']+(?:\s*=\s*(?:"[^"]*+"|'[^']*+'|[^\s>]+))?""")
# A quote that is never closed ends the search with the page, so that it is made only once.
_OPENING = re.compile(
    r"""<[a-zA-Z][^>"']*+(?:(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))[^>"']*+)*+(?:>|\Z)"""
)
# Drawings have elements that close themselves.
_SKIPPED = _RAW | words("svg math")
_FORMATTING = words("a b big code em font i nobr s small strike strong tt u")
# Those that the parser opens again in each element behind them, attributes and all, until they
# are closed: characters that a page may have so, each tag counted as its own and _TAG_SIZE.
REOPENED, _TAG_SIZE = 1 << 24, 130
_FORMATS = re.compile(
    r"<(/?(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u))(?=[\s/>])"
    r"""(?:[\s/]++|(?:[^\s/>=]++|=[^\s/>=]*+)(?:\s*+=\s*+"""
    r"""(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+)?+)?+)*+(?:>|\Z)""",
    re.IGNORECASE,
)
# The others change letters but no structure.
_BARE = {tag: f"<{tag}>" for tag in ("a", "/a", "code", "/code")}
# Void elements, and those whose end tag may be left out: a second one closes the first.
_FLAT = words(
    "area base br col embed frame hr img input link meta param source track wbr p li dt dd"
    " tr td th option optgroup thead tbody tfoot html head body rp rt"
)


def tags(text: str) -> int:
    """About as many as the parser reads; of few, those in scripts and comments are counted too.

    A page that hides tags of its own behind a comment in an attribute meets the reader's limits.
    """
    found = text.count("<")
    if found <= TAGS:
        return found
    # What nothing of a tag follows is text.
    return sum(1 for _ in _MARKUP.finditer(_UNPARSED.sub("<!", text)))


def capped(text: str) -> str | None:
    """The page's text with deep nesting, open formatting and surplus attributes left out; None
    where long tags lie within one another without end, as quotes that are not closed make them."""
    if _reopened(text) > REOPENED:
        text = _FORMATS.sub(lambda tag: _BARE.get(tag[1].lower(), ""), text)
    if text.count("<") > _FEW_TAGS:
        text = _flattened(text)
    return _few_attributes(text)


def _flattened(text: str) -> str:
    depth = formatting = options = cut = position = 0
    low = text.lower()
    if len(low) != len(text):  # a letter whose small form is two
        low = text
    pieces: list[str] = []
    search = _TAG.search
    while match := search(text, position):
        position = match.end()
        closing, name = match.groups()
        name = name.lower()
        if name in _FLAT:
            if name != "option":
                continue
            options += 1
            over = options > OPTIONS
        elif name in _SKIPPED:
            if not closing:  # to its end, or to that of the page
                position = low.find(f"</{name}", position)
                if position < 0:
                    break
            continue
        elif name in _FORMATTING:
            formatting, over = _step(formatting, closing == "/", FORMATTING)
        else:
            depth, over = _step(depth, closing == "/", DEPTH)
        if over:
            pieces.append(text[cut : match.start()])
            end = text.find(">", position)
            cut = position = len(text) if end < 0 else end + 1
    return "".join([*pieces, text[cut:]]) if pieces else text


def _reopened(text: str) -> int:
    """Characters, at most, of the formatting elements that the parser opens again."""
    total = size = end = 0
    opened: dict[str, list[int]] = {}
    for match in _FORMATS.finditer(text):
        if size:
            total += size * text.count("<", end, match.start())
        end = match.end()
        name = match[1].lower()
        sizes = opened.setdefault(name.removeprefix("/"), [])
        if sizes and (name == "a" or name[0] == "/"):
            size -= sizes.pop()
        if name[0] != "/":
            sizes.append(_TAG_SIZE + end - match.start())
            size += sizes[-1]
    return total + size * text.count("<", end)


def _step(depth: int, closing: bool, limit: int) -> tuple[int, bool]:
    """(new depth, whether the tag lies beyond the limit)."""
    if closing:
        return max(0, depth - 1), depth > limit
    return depth + 1, depth >= limit


def _few_attributes(text: str) -> str | None:
    pieces: list[str] = []
    cut = behind = again = 0  # again: characters that were looked at more than once
    for place in _MAYBE_LONG.finditer(text):
        named = _TAG.match(text, place.start())
        if place.start() < cut or named is None or named[2].lower() in _RAW:
            continue
        match = _OPENING.match(text, place.start())
        if match:
            again += max(0, min(behind, match.end()) - place.start())
            behind = max(behind, match.end())
            if again > _AGAIN * len(text):
                return None
        kept = _ATTRIBUTE.findall(match[0][1:-1]) if match else ()
        if match and len(kept) > ATTRIBUTES:
            pieces += [text[cut : match.start()], "<", " ".join(kept[: ATTRIBUTES + 1]), ">"]
            cut = match.end()
    return "".join([*pieces, text[cut:]]) if pieces else text
