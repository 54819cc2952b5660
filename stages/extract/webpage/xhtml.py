"""Pages that are XML, as the chapters of books are: what XML writes otherwise, as HTML has it."""

from __future__ import annotations

import html
import re

from stages.extract.webpage.tree import words

_HEAD = 4096
_NAMESPACE = "http://www.w3.org/1999/xhtml"
_PREFIXED = re.compile(
    r"\sxmlns:([a-zA-Z]\w{0,19})=[\"'](?:http://www\.w3\.org/1999/xhtml"
    r"|http://www\.w3\.org/1998/Math/MathML)[\"']"
)
_VOID = words("area base basefont br col embed frame hr img input link meta param source track wbr")
# Drawings and formulas have elements that close themselves in HTML too.
_PIECE = re.compile(
    r"<([a-zA-Z][\w:.-]{0,60})((?:\s(?:[^<>\"'/]++|/(?!>)|\"[^\"<]{0,4000}+\"|'[^'<]{0,4000}+')*+)?+)/>"
    r"|<!--.*?(?:-->|\Z)|<!\[CDATA\[(.*?)(?:\]\]>|\Z)"
    r"|<(script|style)(?=[\s>])[^>]*+>.*?(?:</\4|\Z)",
    re.DOTALL | re.IGNORECASE,
)


def as_html(text: str) -> str:
    """The page with end tags of empty elements, and without marked sections and prefixes."""
    head = text[:_HEAD]
    if _NAMESPACE not in head and not head.lstrip("\ufeff \t\r\n").startswith("<?xml"):
        return text
    for prefix in {match[1] for match in _PREFIXED.finditer(head)}:
        text = re.sub(rf"<(/?){prefix}:(?=[a-zA-Z])", r"<\1", text)
    return _PIECE.sub(_written, text)


def _written(match: re.Match[str]) -> str:
    tag, attributes, marked, _ = match.groups()
    if marked is not None:
        return html.escape(marked, quote=False)
    if tag is None or tag.lower() in _VOID:
        return match[0]
    return f"<{tag}{attributes}></{tag}>"
