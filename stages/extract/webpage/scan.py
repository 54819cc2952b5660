"""A look at all tags of a page at once: whether it can exceed any of the bounds of `limits`.

Never too hopeful: where it says that a page is within a bound, reading tag by tag finds so too. Of
what it doubts the careful ways decide.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

Array = Any

FORMATTING_TAGS = "a b big code em font i nobr s small strike strong tt u"
# Void elements, and those whose end tag may be left out: a second one closes the first.
FLAT_TAGS = (
    "area base br col embed frame hr img input link meta param source track wbr p li dt dd"
    " tr td th optgroup thead tbody tfoot html head body rp rt"
)
# What is not read as tags, and drawings, which have elements that close themselves.
RAW_TAGS, DRAWN_TAGS = "script style textarea title xmp", "svg math"

_WIDEST = 8  # letters of a name that are told apart; longer names are of no table
_OTHER, _FLAT, _RAW, _DRAWN, _OPTION, _FORMAT = range(6)  # of formatting names _FORMAT and more


def _code(name: str) -> int:
    """A name of up to eight letters as a number."""
    return int.from_bytes(name.encode().ljust(_WIDEST, b"\0"), "little")


_KINDS = {
    **dict.fromkeys(FLAT_TAGS.split(), _FLAT),
    **dict.fromkeys(RAW_TAGS.split(), _RAW),
    **dict.fromkeys(DRAWN_TAGS.split(), _DRAWN),
    "option": _OPTION,
    **{name: _FORMAT + number for number, name in enumerate(FORMATTING_TAGS.split())},
}
_NAMED = sorted((_code(name), name) for name in _KINDS)
_CODES = np.array([code for code, _ in _NAMED], np.uint64)
_KIND = np.array([_KINDS[name] for _, name in _NAMED], np.int8)
_A = _KINDS["a"]
_SIGN = bytes(sign in b"<>\"'" for sign in range(256))
# Letters of names in small; zero for what ends a name.
_LETTER = bytes(0 if sign in b"\t\n\f\r />" else ord(chr(sign).lower()) for sign in range(128))
_LETTER += bytes(range(128, 256))
_ENDS = np.frombuffer(_LETTER, np.uint8) == 0
_ONES, _TOPS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
# A tag, in whose quotations a ">" may stand.
_WHOLE = re.compile(
    rb"""<[^\s/>]++(?:[\s/]++|(?:[^\s/>=]++|=[^\s/>=]*+)(?:\s*+=\s*+"""
    rb"""(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+)*+>"""
)
_ATTRIBUTE = re.compile(rb"""[^\s=>/"']+(?:\s*=\s*(?:"[^"]*+"|'[^']*+'|[^\s>]+))?""")
_LOOKED_AT, _AGAIN = 1000, 4  # tags; times the page
_PAD = b"\0" * (_WIDEST + 4)


def _codes(letters: Array, first: Array) -> Array:
    """The names that begin at these places, as `_code` has them; 0 for those too long for it.

    letters: bytes, with `_PAD` behind them.
    """
    names = np.lib.stride_tricks.sliding_window_view(letters, _WIDEST)[first].tobytes()
    codes = np.frombuffer(names.translate(_LETTER), "<u8")
    empty = (codes - _ONES) & ~codes & _TOPS  # its lowest bit: the first zero byte
    lowest = empty & (~empty + np.uint64(1))
    codes = codes & ((lowest >> np.uint64(7)) - np.uint64(1))
    full = np.flatnonzero(empty == 0)
    codes[full[~_ENDS[letters[first[full] + _WIDEST]]]] = 0
    return codes


class Tags:
    """The tags of a text, wherever they seem to stand: in scripts and comments too."""

    def __init__(self, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self.size = len(data)
        self.places = np.flatnonzero(np.frombuffer(data.translate(_SIGN), bool))
        self.signs = np.frombuffer(data, np.uint8)[self.places]
        self.marks = np.flatnonzero(self.signs == 60)  # of each "<", its place among all signs
        letters = np.frombuffer(data + _PAD, np.uint8)
        begin = self.places[self.marks]
        closing = letters[begin + 1] == 47
        first = begin + 1 + closing
        self.number = np.flatnonzero((letters[first] | 32) - np.uint8(97) < 26)
        self.at = begin[self.number]  # of each tag; number: its place among all "<"
        self.closing = closing[self.number]
        self.codes = _codes(letters, first[self.number])
        self.data = data
        place = np.minimum(np.searchsorted(_CODES, self.codes), len(_CODES) - 1)
        self.kind = np.where(_CODES[place] == self.codes, _KIND[place], _OTHER)

    def few_attributes(self, attributes: int) -> bool:
        """Whether no tag has more attributes than so many."""
        gaps = np.diff(self.places[self.marks], append=self.size)[self.number]
        looked = 0
        for at in self.at[~self.closing & (gaps > 2 * attributes) & (self.kind != _RAW)].tolist():
            whole = _WHOLE.match(self.data, at)
            if whole is None:
                return False
            looked += whole.end() - at
            if looked > _AGAIN * self.size or len(_ATTRIBUTE.findall(whole[0])) - 1 > attributes:
                return False
        return True

    def shallow(self, depth: int, formatting: int, options: int) -> bool:
        """Whether nothing is nested deeper than so, outside scripts and drawings."""
        read = self._read_as_tags()
        kind = self.kind[read]
        if np.count_nonzero(kind == _OPTION) > options:
            return False
        step = np.where(self.closing[read], -1, 1)
        formats = step[kind >= _FORMAT]
        return _deepest(formats) <= formatting and _deepest(step[kind == _OTHER]) <= depth

    def _read_as_tags(self) -> Array:
        """Which tags stand outside elements of raw text and drawings."""
        read = np.ones(len(self.at), bool)
        skipped = np.flatnonzero((self.kind == _RAW) | (self.kind == _DRAWN))
        opened: tuple[int, int] | None = None
        for tag, code, ends in zip(
            skipped.tolist(),
            self.codes[skipped].tolist(),
            self.closing[skipped].tolist(),
            strict=True,
        ):
            if opened is None and not ends:
                opened = tag, code
            elif opened is not None and ends and code == opened[1]:
                read[opened[0] : tag] = False
                opened = None
        if opened is not None:
            read[opened[0] :] = False
        return read

    def reopened(self, size_of_tag: int) -> int | None:
        """Characters, at most, of the formatting elements that the parser opens again; None where
        a quotation in a tag may hide another tag."""
        formats = np.flatnonzero(self.kind >= _FORMAT)
        if not len(formats):
            return 0
        begin = self.marks[self.number[formats]]  # places among the signs
        ends = np.append(np.flatnonzero(self.signs == 62), len(self.signs))
        end = ends[np.searchsorted(ends, begin)]
        following = np.append(self.marks, len(self.signs))[self.number[formats] + 1]
        if (following < end).any():
            return None
        double, single = (
            (before := np.append(0, np.cumsum(self.signs == sign)))[end] - before[begin]
            for sign in (34, 39)
        )
        last = np.append(self.places, self.size)[end]
        unclear = (double % 2 == 1) | (single % 2 == 1) | ((double > 0) & (single > 0))
        for tag in np.flatnonzero(unclear)[: _LOOKED_AT + 1].tolist():
            whole = _WHOLE.match(self.data, int(self.at[formats[tag]]))
            if whole is None or whole.end() != last[tag] + 1:
                return None
        if np.count_nonzero(unclear) > _LOOKED_AT:
            return None
        total = 0
        kinds, opening = self.kind[formats], ~self.closing[formats]
        size = last - self.at[formats] + 1
        for kind in np.unique(kinds).tolist():
            own = np.flatnonzero(kinds == kind)
            opens = opening[own]
            if not opens.any():
                continue
            held = opens if kind == _A else _clamped(np.where(opens, 1, -1))
            until = np.diff(self.number[formats[own]], append=len(self.marks))
            largest = size_of_tag + int(size[own][opens].max())
            total += int((held * until).sum()) * largest
        return total


def _clamped(step: Array) -> Array:
    """The height after each step of a walk that never falls below the ground."""
    height = np.cumsum(step)
    return height - np.minimum(np.minimum.accumulate(height), 0)


def _deepest(step: Array) -> int:
    return int(_clamped(step).max()) if len(step) else 0
