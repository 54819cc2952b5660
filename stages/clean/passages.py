"""A text as paragraphs and lines, and which of them repeat: what `repeats` counts and cuts.

Lines are compared by their words, without case, and with every number as 0, so that a page's number
or a year makes no difference (after CCNet, Wenzek et al. 2020, arXiv 1911.00359). What stands
between code fences is content: it has no lines here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from stages.clean import shingles
from stages.clean.code_words import is_code
from stages.clean.shingles import Hashes, Ints

# Inside a text only paragraphs of so many words are cut: headings repeat, and are content.
INSIDE = 10
_FENCES = ("```", "~~~")
_NUMBER = re.compile(r"\d+")
LINE, PARAGRAPH = "repeated_line", "repeated_paragraph"


class Span(NamedTuple):
    """Where something stands in a text, and the number of its unit; -1: none."""

    begin: int
    end: int
    unit: int


@dataclass
class Passage:
    """A paragraph: its lines, and itself where it has several. Without lines it is fenced."""

    whole: Span
    lines: list[Span]


class Units(NamedTuple):
    """The lines and paragraphs of some texts: passages a text, whose units are numbered from 0 in
    each text; of each unit what it says, which text it is of, a hash that is equal where the words
    are, and how many words it has, numbers left out."""

    passages: list[list[Passage]]
    spoken: list[str]
    rows: Ints
    hashes: Hashes
    words: Ints


class Cut(NamedTuple):
    """What is left of a text, the characters removed by cut, and the spans that went."""

    text: str
    removed: dict[str, int]
    spans: list[tuple[int, int]]


def units_of(texts: Sequence[str]) -> Units:
    """All units of some texts."""
    spoken: list[str] = []
    rows: list[int] = []
    found = []
    for row, text in enumerate(texts):
        passages, said = _passages(text)
        found.append(passages)
        spoken += said
        rows += [row] * len(said)
    hashes, words = [], []
    for part in shingles.chunks(spoken):
        own = shingles.words_of([_NUMBER.sub("0", text) for text in spoken[part.start : part.stop]])
        hashes.append(shingles.wholes_of(own))
        words.append(own.counts - _numbers(own))
    none = np.empty(0, dtype=np.int64)
    return Units(
        found,
        spoken,
        np.array(rows, dtype=np.int64),
        np.concatenate([*hashes, none.astype(np.uint64)]),
        np.concatenate([*words, none]),
    )


@lru_cache(maxsize=1)
def _zero() -> Hashes:
    return shingles.words_of(["0"]).hashes


def _numbers(words: shingles.Words) -> Ints:
    """How many of the words of each text are numbers: a row of them says nothing by itself."""
    ends = np.cumsum(words.counts)
    before = np.concatenate([[0], np.cumsum(np.isin(words.hashes, _zero()))])
    found: Ints = before[ends] - before[ends - words.counts]
    return found


def _passages(text: str) -> tuple[list[Passage], list[str]]:
    """The passages of a text, and what their units say."""
    found: list[Passage] = []
    spoken: list[str] = []
    lines: list[tuple[int, int]] = []
    fence, begin = "", 0

    def close() -> None:
        if not lines:
            return
        spans = []
        for one, other in lines:
            spans.append(Span(one, other, len(spoken)))
            spoken.append(text[one:other])
        whole = Span(lines[0][0], lines[-1][1], spans[0].unit)
        if len(lines) > 1:
            whole = whole._replace(unit=len(spoken))
            spoken.append(text[whole.begin : whole.end])
        found.append(Passage(whole, spans))
        lines.clear()

    for line in text.split("\n"):
        end = begin + len(line)
        head = line.lstrip()[:3]
        if fence or head in _FENCES:
            close()
            if not fence:
                found.append(Passage(Span(begin, end, -1), []))
            found[-1].whole = Span(found[-1].whole.begin, end, -1)
            fence = "" if head == fence else fence or head
        elif head:
            lines.append((begin, end))
        else:
            close()
        begin = end + 1
    close()
    return found, spoken


def without(
    text: str,
    passages: Sequence[Passage],
    repeats: Sequence[bool],
    words: Sequence[int],
    lines: Literal["ends", "everywhere", "never"],
) -> Cut | None:
    """A text without what repeats; None where nothing does, nothing would be left, or it is code.

    repeats, words: of each unit, by its number. lines: which of those that repeat go.
    """
    gone: list[tuple[int, int, str]] = []
    going = {number for number, one in enumerate(repeats) if one and lines == "everywhere"}
    if lines == "ends":
        going = _edge(passages, repeats, words) | _edge(passages[::-1], repeats, words, -1)
    for passage in passages:
        whole, ends = passage.whole, all(line.unit in going for line in passage.lines)
        if whole.unit >= 0 and repeats[whole.unit] and (ends or words[whole.unit] >= INSIDE):
            # A block of code that many texts show is still what the text around it speaks of.
            if ends or not is_code(text[whole.begin : whole.end]):
                gone.append((whole.begin, whole.end, PARAGRAPH))
            continue
        gone += [(line.begin, line.end, LINE) for line in passage.lines if line.unit in going]
    if not gone or is_code(text):
        return None
    kept, removed, at = [], dict.fromkeys((LINE, PARAGRAPH), 0), 0
    for begin, end, reason in gone:
        end = _next(text, end)
        kept.append(text[at:begin])
        removed[reason] += end - begin
        at = end
    kept.append(text[at:])
    left = "".join(kept)
    if not left.strip():
        return None
    if at == len(text):  # what stood between the rest and what went
        short = left.rstrip()
        removed[gone[-1][2]] += len(left) - len(short)
        left = short
    return Cut(left, {name: n for name, n in removed.items() if n}, [(b, e) for b, e, _ in gone])


def _next(text: str, end: int) -> int:
    """Where the next line with anything in it begins."""
    while end < len(text) and text[end].isspace():
        end += 1
    return text.rfind("\n", 0, end) + 1 if end < len(text) else end


def _edge(
    passages: Sequence[Passage], repeats: Sequence[bool], words: Sequence[int], step: int = 1
) -> set[int]:
    """The units of lines from an end of a text up to the first that does not repeat; a line
    without a word (a rule, dashes) goes with what stands before it."""
    found: set[int] = set()
    for passage in passages:
        if not passage.lines:
            return found
        if passage.whole.unit >= 0 and repeats[passage.whole.unit]:
            found.update(line.unit for line in passage.lines)
            continue
        for line in passage.lines[::step]:
            if not repeats[line.unit] and not (found and not words[line.unit]):
                return found
            found.add(line.unit)
    return found
