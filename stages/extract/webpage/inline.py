"""Text within a line: powers and indices with their marks, formulas, and all else as it stands."""

from __future__ import annotations

import re
from collections.abc import Callable

from stages.extract.webpage.formulas import latex
from stages.extract.webpage.tree import BLOCK, Node, text_of

_SIMPLE = re.compile(r"[+\-−–]?[\w.,′*]+|[+\-−–]")
# Raised letters that belong to the word before them: 1st, 2e, Mme, ™.
_PART_OF_WORD = re.compile(
    r"(?:st|nd|rd|th|e|er|ers|re|res|ère|ème|es|nde?|de|te|os?|as?|mes?|lles?|gr|r|tm|sm|®|™|©|ª|º|℠)\.?",
    re.IGNORECASE,
)
_LONGEST = 40  # characters of a power or index


class Added(str):
    """A piece of text that is not the page's own."""

    __slots__ = ()


_PLAIN = frozenset((str,))
CutOut = Callable[[str, Node], None]  # reason, element


def pieces_of(node: Node, cut: CutOut, raw: bool = False, before: str = "") -> list[str]:
    """The text of an element with the marks of powers, and formulas as LaTeX.

    cut: is given what is left out. raw: lines stay lines. before: the text before it.
    """
    pieces: list[str] = []
    stack: list[Node | str] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            pieces.append(item)
            before = item or before
            continue
        tag = item.tag
        if item.dropped:
            cut(item.dropped, item)
        elif tag == "math":
            found = formula(item, cut)
            pieces.append(found)
            before = found or before
        elif tag == "br" or (raw and tag in ("div", "li", "p", "tr") and pieces):
            pieces.append("\n" if raw else " ")
            before = " "
            stack.extend(reversed(item.children))
        elif tag in ("sup", "sub"):
            opening, closing = marks(item, before)
            if opening:
                pieces.append(Added(opening))
            if closing:
                stack.append(Added(closing))
            stack.extend(reversed(item.children))
        else:
            if not raw and tag in BLOCK:
                pieces.append(" ")
                before = " "
            stack.extend(reversed(item.children))
    return pieces


def formula(node: Node, cut: CutOut) -> str:
    """The LaTeX of a formula, in whose place its own text is cut; of one that is too long its text
    as it stands."""
    found = latex(node)
    if found is None:
        return text_of(node)
    cut("formula", node)
    return Added(found)


def marks(node: Node, before: str) -> tuple[str, str]:
    """What shows that an element is a power, an index or the number of a note: 2^10 is not 210."""
    if not before or before[-1].isspace() or node.chars > _LONGEST:
        return "", ""
    text = text_of(node)
    if (
        not text
        or text[0] in "[(^_†‡*"
        or not (before[-1].isalnum() or before[-1] in ")]}.,;:!?’”\"'")
    ):
        return "", ""
    if node.tag == "sup":
        if node.links and text.isdigit():
            return "[", "]"
        letters = text.isalpha() or text.rstrip(".").isalpha()
        if letters and _PART_OF_WORD.fullmatch(text):
            return "", ""
        if not (before[-1].isalnum() or before[-1] in ")]}"):
            return ("[", "]") if text.isdigit() else ("", "")
    mark = "^" if node.tag == "sup" else "_"
    return (mark, "") if _SIMPLE.fullmatch(text) else (f"{mark}(", ")")


def joined(pieces: list[str]) -> tuple[str, tuple[str, ...] | None]:
    """One line of text; and its pieces that are the page's own, if others are among them.

    Own pieces are divided where letters were added, so that each stands in the text as it is.
    """
    if set(map(type, pieces)) <= _PLAIN:
        return " ".join("".join(pieces).split()), None
    own = [""]
    for piece in pieces:
        if not isinstance(piece, Added):
            own[-1] += piece
        elif not piece or any(map(str.isalnum, piece)):
            own.append("")
    clean = (" ".join(piece.split()) for piece in own)
    return " ".join("".join(pieces).split()), tuple(piece for piece in clean if piece)
