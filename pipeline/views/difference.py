"""What became of a text, word by word: what stayed, what was removed, what was added.

Words are matched as `difflib` does it, between what both texts begin and end with. Where the rest
is long it is matched by lines first; what is longer still is shown as taken out and put in whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Fate = Literal["", "removed", "added"]

_WORD = re.compile(r"(?:\w+|[^\w\s])\s*|\s+")
_WORDS = 4000  # of either text that are matched: the work grows with their product
_PAIRS = 1 << 20  # of equal words that are looked at
_NEAR = 60  # characters of what stayed that are shown beside a change
_MOST = 4000  # characters of all that is shown


class Piece(NamedTuple):
    """A stretch of text. fate: "" for what stayed."""

    fate: Fate
    text: str


def pieces(old: str, new: str) -> list[Piece]:
    """The stretches of both texts in their order; without those that were added they are the old
    text, without those that were removed the new one."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    middle = _matched(old[head : len(old) - tail], new[head : len(new) - tail])
    ends = Piece("", old[:head]), Piece("", old[len(old) - tail :])
    return list(_joined([ends[0], *middle, ends[1]]))


def shown(found: Sequence[Piece]) -> list[Piece]:
    """The pieces for people: of what stayed only what is near a change, and not too much of all."""
    out: list[Piece] = []
    room = _MOST
    for number, (fate, text) in enumerate(found):
        if not fate:
            first, last = number == 0, number == len(found) - 1
            text = _near(text, 0 if first else _NEAR, 0 if last else _NEAR)
        if len(text) > room:
            return [*out, Piece(fate, text[:room]), Piece("", " …")]
        room -= len(text)
        out.append(Piece(fate, text))
    return out


def _near(text: str, before: int, behind: int) -> str:
    """The begin and end of a text that stayed, as far as they are near a change."""
    if len(text) <= before + behind + 20:
        return text
    begin = f"{text[:before]} " if before else ""
    return begin + "…" + (f" {text[len(text) - behind :]}" if behind else "")


def _common(one: str, other: str) -> int:
    """How many characters both begin with, to the end of a word."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    while 0 < low < max(len(one), len(other)) and one[low - 1].isalnum():
        low -= 1
    return low


def _matched(old: str, new: str) -> Iterator[Piece]:
    one, other = _WORD.findall(old), _WORD.findall(new)
    if not _is_little(one, other):
        one, other = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if not _is_little(one, other):
        yield from (Piece("removed", old), Piece("added", new))
        return
    for what, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        before, behind = "".join(one[a:b]), "".join(other[c:d])
        if what == "equal":
            yield Piece("", before)
        else:
            yield from (Piece("removed", before), Piece("added", behind))


def _is_little(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two rows of words are matched in a moment."""
    if max(len(one), len(other)) > _WORDS:
        return False
    mine, its = Counter(one), Counter(other)
    return sum(count * its[word] for word, count in mine.items()) <= _PAIRS


def _joined(found: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbours as one: changes with nothing but white space between them are one change, and
    white space that both sides of it end with has stayed."""
    kept = removed = added = space = ""
    for fate, text in [*found, Piece("", "")]:
        if fate:
            removed, added, space = removed + space, added + space, ""
            removed += text if fate == "removed" else ""
            added += text if fate == "added" else ""
        elif (removed or added) and text.isspace():
            space += text
        elif (removed or added) and text:
            yield from (some := _change(kept, removed, added))[:-1]
            kept, removed, added, space = some[-1].text + space + text, "", "", ""
        else:
            kept += text
    *some, last = _change(kept, removed, added)
    for piece in (*some, Piece("", last.text + space)):
        if piece.text:
            yield piece


def _change(kept: str, removed: str, added: str) -> list[Piece]:
    """What stayed, what changed, and the white space behind, which may be none."""
    size = 0
    while size < min(len(removed), len(added)) and removed[-1 - size] == added[-1 - size]:
        if not removed[-1 - size].isspace():
            break
        size += 1
    behind = removed[len(removed) - size :]
    sides = (
        Piece("removed", removed.removesuffix(behind)),
        Piece("added", added.removesuffix(behind)),
    )
    some = [piece for piece in (Piece("", kept), *sides) if piece.text]
    return [*some, Piece("", behind)]
