"""Lines of a printed page as paragraphs: where a line ends because it was full, the text goes on.

A hyphen at the end of a line is taken away only where the document itself has the whole word
elsewhere; where it has the word with a hyphen, that is kept; all others stay as they stand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from stages.extract.document.sections import Heading

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LAST, _FIRST = re.compile(r"[^\W\d_]+$"), re.compile(r"[^\W\d_]+")
_ITEM = re.compile(r"(?:[•◦▪‣●○■–—*·-]|\(?\d{1,3}[.)]|\d{1,3}(?:\.\d{1,3})+\.?|\(?[a-z][.)])\s")
_LEADERS = re.compile(r"\.(?: ?\.){4}")  # of a table of contents
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff00-\uff60]")
_NUMBERS = re.compile(r"\d+|\b[ivxlc]+\b")
_SAME_SIZE = 0.15  # of a font, as a share: words of a program within a sentence are smaller
_LOOSE = 1.35  # times the usual distance of lines, and a paragraph ends
_INDENT = 0.8  # of the font's size
_FULL, _FULL_WIDE = 20, 8  # characters that a full line has at least: cells of tables have fewer
_EDGE = 2  # lines at the top and at the bottom of a page that may be running heads
_NEAR = 3.0  # points within which they stand at the same height
_NEARLY = 0.75  # of the right edge, to which a line reaches that goes on on the next page
_RUNNING = 3  # pages that have a running head
_MOST = 0.2  # share of a document's characters that running heads are at most; forms repeat more


class Line(NamedTuple):
    """A line of a page: its text, where it stands in points (base from below), its font's size.

    hyphen: whether a hyphen at its end, which is not in the text, divides a word. fixed: whether
    its font has one width for all letters, as programs have. level: of a heading; 0: it is none.
    """

    text: str
    left: float
    right: float
    base: float
    size: float
    hyphen: bool = False
    fixed: bool = False
    level: int = 0


def running(pages: Sequence[Sequence[Line]]) -> list[set[int]]:
    """The numbers of each page's lines that are running heads, feet and page numbers: the same but
    for numbers, at the same height, on three pages or on both of two; none where that is much of
    the text: pages of one form are no running heads."""
    edges: list[list[tuple[int, tuple[str, int]]]] = []
    seen: Counter[tuple[str, int]] = Counter()
    for lines in pages:
        order = sorted(range(len(lines)), key=lambda number: -lines[number].base)
        chosen = order if len(order) <= 2 * _EDGE else [*order[:_EDGE], *order[-_EDGE:]]
        found = [(number, _key(lines[number])) for number in chosen if not lines[number].level]
        edges.append(found)
        seen.update({key for _, key in found})
    needed = min(_RUNNING, max(2, len(pages)))
    heads = [{number for number, key in found if seen[key] >= needed} for found in edges]
    whole = sum(len(line.text) for lines in pages for line in lines)
    within = sum(
        len(lines[at].text) for lines, found in zip(pages, heads, strict=True) for at in found
    )
    return heads if within <= _MOST * whole else [set() for _ in pages]


def _key(line: Line) -> tuple[str, int]:
    return _NUMBERS.sub("#", " ".join(line.text.lower().split())), round(line.base / _NEAR)


def words(pages: Iterable[Sequence[Line]]) -> frozenset[str]:
    """The words of a document, in small letters, but those that a line divides."""
    found: set[str] = set()
    for lines in pages:
        cut = False
        for line in lines:
            whole = _WORD.findall(line.text.lower())
            begin = 1 if cut and whole else 0
            cut = line.hyphen
            found.update(whole[begin : len(whole) - line.hyphen])
    return frozenset(found)


class Joined:
    """Text put together line by line. headings: those in it. removed: hyphens taken away."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self._pieces: list[str] = []
        self._last: Line | None = None
        self._edge = 0.0  # the right edge of the last page
        self.headings: list[Heading] = []
        self.length = self.removed = self.marks = 0

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def page(self, lines: Sequence[Line]) -> int:
        """Add the lines of a page; where in the text it begins."""
        runs = _runs(lines)
        begins = self.length
        for number, line in enumerate(lines):
            begin, right = runs[number]
            before = self._last
            if before is None:
                between = ""
            elif number == 0:
                between = self._between_pages(before, line)
            elif line.level or before.level or begin == number:
                between = "\n\n"
            else:
                between = _between(before, line, right)
            start = self._join(before, line, between)
            begins = begins if number else start
        self._edge = max((line.right for line in lines), default=0.0)
        return begins

    def _join(self, before: Line | None, line: Line, between: str) -> int:
        """Add a line behind what stands between; where it begins."""
        if before is not None and before.hyphen:
            between = self._hyphen(before, line, between)
        self._add(between)
        start = self.length
        if line.level:
            self._add("#" * line.level + " ")
            self.marks += line.level
        self._add(line.text)
        if line.level:
            self.headings.append(Heading(start, self.length, line.level, line.text))
        self._last = line
        return start

    def _hyphen(self, before: Line, line: Line, between: str) -> str:
        end, begin = _LAST.search(before.text), _FIRST.match(line.text)
        if end and begin and between != "\n\n":
            one, other = end[0].lower(), begin[0].lower()
            if one + other in self._known:
                self.removed += 1
                return ""
            if f"{one}-{other}" in self._known:
                return "-"
        return "-" + (between if between != " " else "\n")

    def _between_pages(self, before: Line, line: Line) -> str:
        """A sentence that goes on behind the page's end is not broken by it."""
        full = before.right >= _NEARLY * self._edge and not (before.fixed or line.fixed)
        goes_on = full and line.text[:1].islower() and not before.text.rstrip().endswith(_ENDS)
        if before.level or line.level or not (goes_on or before.hyphen):
            return "\n\n"
        return " "

    def _add(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self.length += len(text)


_ENDS = (".", "!", "?", ":", ";", "…", "”", '"', "»", ")", "。")


def _runs(lines: Sequence[Line]) -> list[tuple[int, float]]:
    """For each line the number of the first of its run, and the run's right edge: lines of one
    size at the usual distance."""
    gaps: dict[tuple[int, bool], list[float]] = {}  # of each kind of letters
    for one, other in pairwise(lines):
        if 0.5 * one.size < one.base - other.base < 3 * one.size and _alike(one, other):
            gaps.setdefault(_letters(one), []).append(one.base - other.base)
    usual = {letters: sorted(found)[len(found) // 5] for letters, found in gaps.items()}
    begins: list[int] = []
    rights: dict[int, float] = {}
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else None
        goes_on = (
            before is not None
            and 0 < before.base - line.base <= _LOOSE * usual.get(_letters(before), 0.0)
            and _alike(before, line)
        )
        begin = begins[-1] if goes_on else number
        begins.append(begin)
        rights[begin] = max(rights.get(begin, line.right), line.right)
    return [(begin, rights[begin]) for begin in begins]


def _letters(line: Line) -> tuple[int, bool]:
    return round(line.size), line.fixed


def _alike(one: Line, other: Line) -> bool:
    return abs(one.size - other.size) <= _SAME_SIZE * max(one.size, other.size)


def _between(before: Line, line: Line, right: float) -> str:
    """What stands between two lines of one run: nothing or a space within a paragraph."""
    if line.fixed or before.fixed or _ITEM.match(line.text) or _LEADERS.search(before.text):
        return "\n"
    indented = line.left > before.left + _INDENT * before.size
    if indented and not _ITEM.match(before.text):
        return "\n\n"
    word = line.text.split(maxsplit=1)[0] if line.text.strip() else ""
    if _WIDE.match(line.text):
        word = line.text[0]
    share = (len(word) + 1) / max(1, len(line.text))
    if before.right + share * (line.right - line.left) <= right and not before.hyphen:
        return "\n"  # the next word had room: the line was ended on purpose
    wide = _WIDE.match(before.text[-1:]) and _WIDE.match(line.text)
    if len(before.text) < (_FULL_WIDE if wide else _FULL):
        return "\n"
    return "" if wide else " "
