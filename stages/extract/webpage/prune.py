"""The fast mode: menus, footers and lists of links leave a page before it is built as a tree.

The page that the parser wrote out is looked at as arrays: where its tags stand, which belong
together, how much text each element has and how much of that in links. What `boilerplate` would
take away by its tag, its role, or a name that no prose speaks against, is cut out of the HTML; an
empty element with its number stands in its place, so that the account of text stays whole.
"""

from __future__ import annotations

import html
import re
from typing import Any, NamedTuple

import numpy as np

from stages.extract.webpage.boilerplate import ROLES, TAGS
from stages.extract.webpage.names import meaning
from stages.extract.webpage.tree import LEFT_OUT, Node, words

Array = Any

# Tags within an element that are worth cutting it out.
_WORTH = 8
_MOST, _HOLDS = 0.4, 0.3  # shares of the page's text outside links
_LINKED, _FEW = 0.3, 25  # what no prose has: so much of it in links, or so few letters
_NAMED = 0.3  # share of the text beyond which names mean nothing on a page
_BY_TAG = words("nav menu footer aside dialog form")
# Left to be judged by what is around them.
_WITHIN = words("footer aside complementary")
_DECLARED = (b"article", b"main")
_VOID = words("area base br col embed frame hr img input link meta param source track wbr")
_NAME = re.compile(rb"</?([a-z][^\s/>]*)")
_CLASS = re.compile(r' (class|role|id)="([^"]*)"')
_TRIED = 64  # ends of a tag that are tried


class Part(NamedTuple):
    """What was cut out. reason: why; characters: other than white space; text: its HTML."""

    reason: str
    names: str
    characters: int
    text: bytes


def _weights() -> Array:
    """1 for what begins a character that is no white space."""
    found = np.ones(256, np.uint8)
    found[0x80:0xC0] = 0
    found[[*range(9, 14), *range(28, 33)]] = 0
    return found


_WEIGHTS = _weights()
# Entities of the parser's, by their second letter: letters that are none, and the first's weight.
_ENTITIES = ((b"a", 5, 1), (b"l", 4, 1), (b"g", 4, 1), (b"n", 6, 0))
# White space of two and three bytes.
_SPACES = (b"\xc2\x85", b"\xc2\xa0", b"\xe1\x9a\x80", b"\xe2\x81\x9f", b"\xe3\x80\x80") + tuple(
    bytes((0xE2, 0x80, last)) for last in (*range(0x80, 0x8B), 0xA8, 0xA9, 0xAF)
)


class _Page:
    """A page's HTML as arrays. tags: (begin, end) of each, in bytes; closing: which are ends;
    partner: of each opening tag that has one its closing one, else -1; before: characters, and of
    those the ones in links, before each."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.letters = np.frombuffer(data, np.uint8)
        self.good = self._tags() and self._pairs()
        if self.good:
            self._texts()

    def _tags(self) -> bool:
        begin = np.flatnonzero(self.letters == 60)
        ends = np.flatnonzero(self.letters == 62)
        if not len(begin) or not len(ends) or begin[-1] > ends[-1]:
            return False
        end = ends[np.searchsorted(ends, begin)]
        quotes = np.flatnonzero(self.letters == 34)
        count = np.searchsorted(quotes, end) - np.searchsorted(quotes, begin)
        second = self.letters[begin + 1]
        odd = (count % 2 == 1) | (second == 33) | (np.append(begin[1:], len(self.data)) < end)
        live = np.ones(len(begin), bool)
        behind = 0
        for number in np.flatnonzero(odd).tolist():
            at = int(begin[number])
            if at < behind:
                live[number] = False
                continue
            found = self._end(at, int(end[number]))
            if found < 0:
                return False
            end[number] = behind = found
            live[number] = second[number] != 33
            within = slice(number + 1, np.searchsorted(begin, behind))
            live[within] = False
        self.comments = begin[~live & (second == 33)], end[~live & (second == 33)]
        self.begin, self.end = begin[live], end[live]
        self.closing = second[live] == 47
        return True

    def _end(self, at: int, end: int) -> int:
        """Where a tag with quotations, or a comment, ends; -1 where that is not clear."""
        if self.data.startswith(b"<!--", at):
            return self.data.find(b"-->", at) + 2 if b"-->" in self.data[at:] else -1
        for _ in range(_TRIED):
            if self.data.count(b'"', at, end) % 2 == 0:
                return end
            end = self.data.find(b">", end + 1)
            if end < 0:
                break
        return -1

    def _pairs(self) -> bool:
        """Which tags belong together; False where they do not all."""
        known: dict[bytes, bool] = {}
        void = np.zeros(len(self.begin), bool)
        self.names: list[bytes] = []
        for number, at in enumerate(self.begin.tolist()):
            match = _NAME.match(self.data, at)
            if match is None:
                return False
            name = match[1]
            self.names.append(name)
            if name not in known:
                known[name] = name.decode("utf-8", "replace") in _VOID
            void[number] = known[name]
        step = np.where(self.closing, -1, 1)
        step[void] = 0
        depth = np.cumsum(step)
        paired = np.flatnonzero(~void)
        level = (depth + self.closing)[paired]
        paired = paired[np.argsort(level, kind="stable")]
        if len(paired) % 2 or self.closing[paired[::2]].any():
            return False
        if not self.closing[paired[1::2]].all():
            return False
        self.partner = np.full(len(self.begin), -1)
        self.partner[paired[::2]] = paired[1::2]
        return True

    def _texts(self) -> None:
        weight = _WEIGHTS[self.letters]
        ampersands = np.flatnonzero(self.letters[:-6] == 38)
        second = self.letters[ampersands + 1]
        for letter, size, first in _ENTITIES:
            at = ampersands[second == letter[0]]
            for offset in range(1, size):
                weight[at + offset] = 0
            weight[at] = first
        for space in _SPACES:
            at = np.flatnonzero(self.letters[: 1 - len(space)] == space[0]) if _has(self, space[0]) else []
            for place in at:
                if self.data.startswith(space, int(place)):
                    weight[place] = 0
        for begin, end in zip(*self.comments, strict=True):
            weight[begin : end + 1] = 0
        total = np.append(0, np.cumsum(weight, dtype=np.int64))
        gaps = total[np.append(self.begin[1:], len(self.data))] - total[self.end + 1]
        self.before = np.append(total[self.begin[0]], gaps).cumsum()  # of text before each tag
        linked = np.zeros(len(self.begin) + 1, np.int64)
        for number, name in enumerate(self.names):
            if name == b"a" and self.partner[number] >= 0:
                linked[number] += 1
                linked[self.partner[number]] -= 1
        inside = np.cumsum(linked[:-1]) > 0
        self.linked = np.append(0, np.where(inside, gaps, 0)).cumsum()
