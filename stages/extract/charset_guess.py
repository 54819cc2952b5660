"""Which charset a text is in that is no UTF-8 and says nothing of itself: by its bytes alone.

Each charset reads the sample, and what it reads costs bits: letters by how common they are in a
language that is written in it, marks by where they stand, capitals within words and letters of two
scripts in one word more. The cheapest wins; `margin` says by how much.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from stages.extract.charset_letters import IN_USE, LATIN, OTHER

_WEST = ("west", "fr", "de", "es", "pt", "it", "nl", "sv", "da", "fi", "is", "ca")
_CENTRAL = ("central", "pl", "cs", "sk", "hu", "ro", "hr", "sl", "de")
_CYRILLIC = ("ru", "uk", "bg", "sr", "mk", "be")
# charset → (bits that it costs beforehand, the languages written in it)
_SINGLE: Mapping[str, tuple[float, tuple[str, ...]]] = {
    "cp1252": (0, _WEST),
    "cp1251": (2, _CYRILLIC),
    "cp1250": (2, _CENTRAL),
    "mac-roman": (4, _WEST),
    "koi8-r": (4, ("ru", "bg")),
    "koi8-u": (6, ("uk",)),
    "cp1253": (7, ("el",)),
    "cp1254": (3, ("tr", "west")),
    "cp1255": (5, ("he",)),
    "cp1256": (6, ("ar", "fa")),
    "cp1257": (4, ("et", "lv", "lt")),
    "cp874": (5, ("th",)),
    "cp850": (6, _WEST),
    "cp866": (5, ("ru", "uk", "bg", "be")),
    "iso8859-2": (5, _CENTRAL),
    "cp852": (7, _CENTRAL),
    "iso8859-5": (7, _CYRILLIC),
    "mac-cyrillic": (7, _CYRILLIC),
    "iso8859-15": (8, _WEST),
}
_DOUBLE = {"gb18030": 2.0, "cp932": 3.0, "big5": 4.0, "cp949": 4.0, "euc_jp": 5.0}
# charset of a page's language
_BY_LANG = {
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl", "hr", "ro"), "cp1250"),
    **dict.fromkeys(("ru", "uk", "bg", "be", "sr", "mk"), "cp1251"),
    "el": "cp1253",
    "tr": "cp1254",
    "he": "cp1255",
    "ar": "cp1256",
    "fa": "cp1256",
    **dict.fromkeys(("et", "lv", "lt"), "cp1257"),
    "vi": "cp1258",
    "th": "cp874",
    "zh": "gb18030",
    "ja": "cp932",
    "ko": "cp949",
}
_KNOWN_LANG = 12.0  # bits that a language brings that is known

_SAMPLE = 4000  # bytes beyond ASCII that are looked at, and eight times as many in all
_UNDEFINED, _RARE, _SYMBOL = 24.0, 10.0, 12.0
_CAPITAL_INSIDE, _SMALL_INSIDE, _TWO_SCRIPTS, _NEIGHBOURS = 6.0, 4.0, 8.0, 2.0
_MARK, _MARK_ASTRAY = 4.0, 9.0
_IN_USE, _COMMON, _SELDOM, _SYLLABLE = 8.0, 11.0, 20.0, 6.0
_BEFORE = 64  # bytes of a line that are kept before one beyond ASCII
_PIECE = re.compile(rb"[\x80-\xff][^\n]{0,999}+\n?")
_CONTRACTED = re.compile(r"(?i)(?:[nst]|re|ve|ll|[dm])(?![^\W\d_])")
_ELIDED = re.compile(r"(?i)(?:^|[^\w])(?:[ldcjmnsto]|qu|jusqu|lorsqu|puisqu|dell|nell|all|un)$")
_OPENING, _CLOSING, _DASHES = frozenset("“„‘‚«‹¿¡"), frozenset("”’»›…"), frozenset("–—•·")
_BY_NUMBERS = frozenset("€£¥¢°±×÷½¼¾²³¹ºª§µ‰©®™№")


class Guess(NamedTuple):
    """A charset; margin: bits by which it beats the best one that reads the bytes otherwise."""

    charset: str
    margin: float


def guess(text: bytes, lang: str | None = None) -> str:
    """The charset of text without markup. lang: two letters of the language, where it is known."""
    return guessed(text, lang).charset


def guessed(text: bytes, lang: str | None = None) -> Guess:
    """The charset of a text, and how sure it is."""
    known = _BY_LANG.get(lang or "")
    sample = _sample(text)
    if not sample:
        return Guess(known or "cp1252", 0.0)
    costs = {name: cost + _reads(sample, name, tables) for name, (cost, tables) in _SINGLE.items()}
    for name, cost in _DOUBLE.items():
        costs[name] = cost + _reads_double(sample, name)
    if known in costs:
        costs[known] -= _KNOWN_LANG
    best = min(costs, key=lambda name: costs[name])
    read = sample.decode(best, "replace")
    others = [
        cost
        for name, cost in costs.items()
        if name != best and cost < costs[best] + 100 and sample.decode(name, "replace") != read
    ]
    return Guess(best, min(others, default=costs[best] + 100) - costs[best])


def _sample(text: bytes) -> bytes:
    """The lines that hold bytes beyond ASCII, as far as they are needed."""
    kept, high, size, last = [], 0, 0, 0
    for found in _PIECE.finditer(text):
        begun = max(last, found.start() - _BEFORE)
        begun = max(begun, text.rfind(b"\n", begun, found.start()) + 1)
        last = found.end()
        piece = text[begun:last]
        kept.append(piece)
        size += len(piece)
        high += len(piece) - len(piece.translate(None, _HIGH))
        if high >= _SAMPLE or size >= 8 * _SAMPLE:
            break
    return b"".join(kept)


_HIGH = bytes(range(0x80, 0x100))


def _reads(sample: bytes, charset: str, languages: tuple[str, ...]) -> float:
    """The bits of what a charset of single bytes makes of a sample."""
    text = sample.decode(charset, "replace")
    letters: Counter[str] = Counter()
    cost = 0.0
    latin = languages[0] in LATIN
    for at, char in enumerate(text):
        if char < "\x80":
            continue
        if char == "\ufffd" or "\x80" <= char <= "\x9f":
            cost += _UNDEFINED
        elif char.isalpha() or char in _THAI:
            small = char.lower()
            letters[small] += 1
            cost += _stands(text, at, char, small, latin)
        else:
            cost += _mark(text, at, char)
    if not letters:
        return cost
    return cost + min(
        sum(number * bits.get(letter, _RARE) for letter, number in letters.items())
        for bits in (_table(name) for name in languages)
    )


_WORDS = frozenset("àèéóíòáåæöúâ")  # letters that are words
_THAI = frozenset("ัิีึืฺุู็่้๊๋์ํ๎")


@cache
def _table(language: str) -> Mapping[str, float]:
    return LATIN.get(language) or OTHER[language]


def _stands(text: str, at: int, char: str, small: str, latin: bool) -> float:
    """What a letter costs by its neighbours."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    cost = 0.0
    if small != char:
        if before.islower():
            cost += _CAPITAL_INSIDE
        if not after.isalpha() and not before.isupper():
            cost += 1.0
        cost += 1.0
    elif before.isupper() and (after.isupper() or text[max(0, at - 2) : at - 1].isupper()):
        cost += _SMALL_INSIDE
    if latin:
        if before > "\x7f" and before.isalpha():
            cost += _NEIGHBOURS
        if not (before.isalpha() or after.isalpha()):
            cost += 0.0 if small in _WORDS else 3.0
    elif (before < "\x80" and before.isalpha()) or (after < "\x80" and after.isalpha()):
        cost += _TWO_SCRIPTS
    elif not (before.isalpha() or after.isalpha() or before in _THAI or after in _THAI):
        cost += 2.0
    return cost


def _mark(text: str, at: int, char: str) -> float:
    """What a mark costs by where it stands."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    inside = before.isalpha() and after.isalpha()
    if char == "\xa0":
        return _MARK
    if char == "’" and inside:
        fits = _CONTRACTED.match(text, at + 1) or _ELIDED.search(text, max(0, at - 8), at)
        return _MARK - 3.0 if fits else _MARK_ASTRAY - 2.0
    if char in _OPENING:
        return _MARK if not before.isalnum() and not after.isspace() else _MARK_ASTRAY
    if char in _CLOSING:
        return _MARK if not after.isalpha() else _MARK_ASTRAY
    if char in _DASHES:
        return _MARK if not inside else _MARK_ASTRAY - 2.0 * (char == "—")
    if char in _BY_NUMBERS:
        near = before.isdigit() or after.isdigit()
        return _MARK if near else _SYMBOL if inside else _MARK_ASTRAY
    return _SYMBOL


def _reads_double(sample: bytes, charset: str) -> float:
    """The bits of what an East Asian charset makes of a sample."""
    text = sample.decode(charset, "replace")
    in_use, cost, kana, wide = IN_USE[charset], 0.0, 0, 0
    for char, number in Counter(char for char in text if char > "\x7f").items():
        if char == "\ufffd":
            cost += _UNDEFINED * number
            continue
        wide += number
        if "ぁ" <= char <= "ヿ":
            kana += number
            cost += _SYLLABLE * number if charset in ("cp932", "euc_jp") else _SELDOM * number
        elif char in in_use:
            cost += (_SYLLABLE if charset == "cp949" else _IN_USE) * number
        elif char in "，。、；：？！（）「」『』《》“”‘’…　・～":
            cost += _IN_USE * number
        else:
            cost += (_COMMON if _is_common(char, charset) else _SELDOM) * number
    if charset in ("cp932", "euc_jp") and wide > 8 and kana < wide / 10:
        cost += 3.0 * wide
    return cost


@cache
def _is_common(char: str, charset: str) -> bool:
    """Whether a character stands in the first level of its national set."""
    if charset == "gb18030":
        code = _encoded(char, "gb2312")
        return len(code) == 2 and 0xB0 <= code[0] <= 0xD7
    if charset == "big5":
        code = _encoded(char, "big5")
        return len(code) == 2 and 0xA4 <= code[0] <= 0xC6
    if charset == "cp949":
        return "가" <= char <= "힣" and bool(_encoded(char, "euc_kr"))
    code = _encoded(char, "euc_jp")
    return len(code) == 2 and (0xB0 <= code[0] <= 0xCF or 0xA1 <= code[0] <= 0xA3)


def _encoded(char: str, charset: str) -> bytes:
    try:
        return char.encode(charset)
    except UnicodeEncodeError:
        return b""
