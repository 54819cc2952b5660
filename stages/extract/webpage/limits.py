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


def capped(text: str) -> str:
    """The page's text with deep nesting, open formatting and surplus attributes left out."""
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


def _step(depth: int, closing: bool, limit: int) -> tuple[int, bool]:
    """(new depth, whether the tag lies beyond the limit)."""
    if closing:
        return max(0, depth - 1), depth > limit
    return depth + 1, depth >= limit


def _few_attributes(text: str) -> str:
    pieces: list[str] = []
    cut = 0
    for place in _MAYBE_LONG.finditer(text):
        named = _TAG.match(text, place.start())
        if place.start() < cut or named is None or named[2].lower() in _RAW:
            continue
        match = _OPENING.match(text, place.start())
        kept = _ATTRIBUTE.findall(match[0][1:-1]) if match else ()
        if match and len(kept) > ATTRIBUTES:
            pieces += [text[cut : match.start()], "<", " ".join(kept[: ATTRIBUTES + 1]), ">"]
            cut = match.end()
    return "".join([*pieces, text[cut:]]) if pieces else text
