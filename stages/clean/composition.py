"""Unicode normal forms in time that grows with the text alone.

`unicodedata` puts the marks after a letter in order by moving each one past those before it: a
letter with 100,000 marks takes minutes. Here long runs of marks are sorted before it sees them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

# Real text has four marks on a letter, and UAX 15 calls more than 30 no text.
_MARKS = 32


def composed(form: Literal["NFC", "NFKC"], text: str) -> str:
    """The text in a normal form, as unicodedata.normalize gives it."""
    if unicodedata.is_normalized(form, text):
        return text
    apart: Literal["NFD", "NFKD"] = "NFKD" if form == "NFKC" else "NFD"
    text = _runs().sub(lambda run: _in_order(run[0], apart), text)
    return unicodedata.normalize(form, text)


@lru_cache(maxsize=1)
def _runs() -> re.Pattern[str]:
    """Runs of characters that are, or decompose into, marks with an order.

    What lies beyond U+FFFF is taken as a whole: a list of its ranges makes `re` ten times slower.
    """
    marks = "".join(
        char
        for char in map(chr, range(0x300, 0x10000))
        if _is_mark(unicodedata.normalize("NFD", char))
    )
    return re.compile(f"[{marks}\U00010000-\U0010ffff]{{{_MARKS},}}+")


def _is_mark(decomposed: str) -> bool:
    return unicodedata.combining(decomposed[0]) > 0


def _in_order(text: str, form: Literal["NFD", "NFKD"]) -> str:
    """A run decomposed, its marks stably sorted by their class (UAX 15, D108)."""
    classes: dict[str, int] = {}
    known: dict[str, str] = {}  # one object a character: a run may be the whole of a long text
    pieces: list[str] = []
    marks: list[str] = []
    decompositions = {char: unicodedata.normalize(form, char) for char in set(text)}
    for char in "".join(map(decompositions.__getitem__, text)):
        order = classes.get(char)
        if order is None:
            order = classes[char] = unicodedata.combining(char)
            known[char] = char
        char = known[char]
        if order:
            marks.append(char)
            continue
        if marks:
            pieces += sorted(marks, key=classes.__getitem__)
            marks = []
        pieces.append(char)
    pieces += sorted(marks, key=classes.__getitem__)
    return "".join(pieces)
