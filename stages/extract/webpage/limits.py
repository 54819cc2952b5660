"""Bounds on what the parser is given, kept by one linear scan over the text of a page.

The parser takes time by the square of the attributes of an element, of the depth of nesting, of
the options of a list, and of formatting elements that are never closed. Nothing that a reader
would see is taken away.
"""

from __future__ import annotations

import re

from stages.extract.webpage.tree import words

# Measured on 823 pages of the web: the deepest has 133 levels, the most attributes are 120.
DEPTH = 400
FORMATTING = 60
ATTRIBUTES = 300
OPTIONS = 1000
# Pages with fewer tags than this cannot be deep enough to cost anything.
_FEW_TAGS = 1000
_LONG_TAG = 4000  # characters; a tag with 300 attributes has more

# What the parser does not read as tags; unclosed, it goes on to the end of the page.
_RAW = r"<!--.*?(?:-->|\Z)|<(script|style|textarea|title|xmp)\b.*?(?:</\1|\Z)"
_TAG = re.compile(
    _RAW + r"|<(/?)([a-zA-Z][^\s/>]{0,40})[^<>]*>?",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""[^\s=>/"']+(?:\s*=\s*(?:"[^"]*+"|'[^']*+'|[^\s>]+))?""")
# A quote that is never closed ends the search with the page, so that it is made only once.
_OPENING = re.compile(
    _RAW + r"""|(<[a-z][^>"']*+(?:(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))[^>"']*+)*+(?:>|\Z))""",
    re.IGNORECASE | re.DOTALL,
)
_DRAWING = words("svg math")
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
    depth = formatting = options = cut = 0
    pieces: list[str] = []
    drawn = 0  # the end of a drawing, whose elements may close themselves
    for match in _TAG.finditer(text):
        name = match[3]
        if name is None or match.start() < drawn:
            continue
        name = name.lower()
        if name in _DRAWING and not match[2]:
            drawn = text.find(f"</{name}", match.end())
        if name in _FLAT:
            if name != "option":
                continue
            options += 1
            over = options > OPTIONS
        elif name in _FORMATTING:
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
        if match[2] is None or match.end() - match.start() <= _LONG_TAG:
            continue
        kept = _ATTRIBUTE.findall(match[0][1:-1])
        if len(kept) > ATTRIBUTES:
            pieces += [text[cut : match.start()], "<", " ".join(kept[: ATTRIBUTES + 1]), ">"]
            cut = match.end()
    return "".join([*pieces, text[cut:]]) if pieces else text
