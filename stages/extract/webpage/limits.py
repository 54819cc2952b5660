"""Bounds on what the parser is given, kept by one linear scan over the text of a page.

The parser takes time by the square of the attributes of an element, of the depth of nesting, and
of formatting elements that are never closed. Nothing that a reader would see is taken away.
"""

from __future__ import annotations

import re

from stages.extract.webpage.tree import words

# Measured on 823 pages of the web: the deepest has 133 levels, the most attributes are 120.
DEPTH = 400
FORMATTING = 60
ATTRIBUTES = 300
# Pages with fewer tags than this cannot be deep enough to cost anything.
_FEW_TAGS = 1000
_LONG_TAG = 4000  # characters; a tag with 300 attributes has more

_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|textarea|title|xmp)\b.*?(?:</\1|\Z)"
    r"|<(/?)([a-zA-Z][^\s/>]{0,40})[^<>]*>?",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""[^\s=>/"']+(?:\s*=\s*(?:"[^"]*+"|'[^']*+'|[^\s>]+))?""")
# A quote that is never closed ends the search with the page, so that it is made only once.
_OPENING = re.compile(
    r"""<[a-zA-Z][^>"']*+(?:(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))[^>"']*+)*+(?:>|\Z)"""
)
_FORMATTING = words("a b big code em font i nobr s small strike strong tt u")
# Void elements, and those whose end tag may be left out: a second one closes the first.
_FLAT = words(
    "area base br col embed frame hr img input link meta param source track wbr p li dt dd"
    " tr td th option optgroup thead tbody tfoot html head body rp rt"
)


def capped(text: str) -> str:
    """The page's text with deep nesting, open formatting and surplus attributes left out."""
    if text.count("<") > _FEW_TAGS:
        text = _flattened(text)
    return _few_attributes(text)


def _flattened(text: str) -> str:
    depth = formatting = cut = 0
    pieces: list[str] = []
    for match in _TAG.finditer(text):
        name = match[3]
        if name is None:
            continue
        name = name.lower()
        if name in _FLAT:
            continue
        if name in _FORMATTING:
            formatting, over = _step(formatting, match[2] == "/", FORMATTING)
        else:
            depth, over = _step(depth, match[2] == "/", DEPTH)
        if over:
            pieces.append(text[cut : match.start()])
            cut = match.end()
    return "".join([*pieces, text[cut:]]) if pieces else text


def _step(depth: int, closing: bool, limit: int) -> tuple[int, bool]:
    """(new depth, whether the tag lies beyond the limit)."""
    if closing:
        return max(0, depth - 1), depth > limit
    return depth + 1, depth >= limit


def _few_attributes(text: str) -> str:
    pieces: list[str] = []
    cut = 0
    for match in _OPENING.finditer(text):
        if match.end() - match.start() <= _LONG_TAG:
            continue
        kept = _ATTRIBUTE.findall(match[0][1:-1])
        if len(kept) > ATTRIBUTES:
            pieces += [text[cut : match.start()], "<", " ".join(kept[: ATTRIBUTES + 1]), ">"]
            cut = match.end()
    return "".join([*pieces, text[cut:]]) if pieces else text
