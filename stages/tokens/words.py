"""Token ids of byte-level BPE by a table of words: the tokenizer is asked once for each word.

A pre-tokenizer cuts text into words that are encoded on their own, and few words make most of a
text. Exact by construction where the cutting is: it is compared with the tokenizer's own when
the table is made, and texts with characters that this Python's Unicode data does not know are
left to the tokenizer.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WORDS = 300_000  # words that are remembered; at most about 60 MB
WORD_CHARS = 48  # longer words seldom come twice
GROUP_CHARS = 1 << 20  # characters whose words are held at once, about 20 MB

LAST = 0x3FFFF  # no letters or digits beyond: tags, variation selectors, private use

# Unicode's White_Space; Python's \s has four control characters more.
_SPACE = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"

_DIGITS = {"type": "Digits", "individual_digits": True}
_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}


class WordTable:
    """Ids of texts in which no control token is looked for."""

    def __init__(self, tokenizer: Tokenizer, patterns: Sequence[re.Pattern[str]]) -> None:
        self._tokenizer = tokenizer
        self._cuts = [pattern.findall for pattern in patterns]
        self._known: dict[str, bytes] = {}
        self._beyond, self._strange = _beyond()

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """The ids of each text, 32 bits each."""
        out: list[bytes] = []
        begin = size = 0
        for number, text in enumerate(texts):
            size += len(text)
            if size >= GROUP_CHARS or number + 1 == len(texts):
                out += self._group(texts[begin : number + 1])
                begin, size = number + 1, 0
        return out

    def _group(self, texts: Sequence[str]) -> list[bytes]:
        cut = [self._words(text) for text in texts]
        wanted = {word for words in cut if words is not None for word in words}
        if len(self._known) + len(wanted) > WORDS:
            self._known.clear()
        new = [word for word in wanted if word not in self._known]
        long: dict[str, bytes] = {}
        for word, ids in zip(new, self._ask(new), strict=True):
            (self._known if len(word) <= WORD_CHARS else long)[word] = ids
        known = {**self._known, **long} if long else self._known
        strange = iter(self._ask([t for t, words in zip(texts, cut, strict=True) if words is None]))
        look = known.__getitem__
        return [next(strange) if words is None else b"".join(map(look, words)) for words in cut]

    def _words(self, text: str) -> list[str] | None:
        """The words of a text; None when it holds a character that is not known."""
        if text.isascii():
            return self._cuts[0](text)
        if not self._beyond.search(text):
            return self._cuts[1](text)
        return None if self._strange.search(text) else self._cuts[2](text)

    def _ask(self, texts: list[str]) -> list[bytes]:
        found = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.int32).tobytes() for encoding in found]


def word_table(plain: Tokenizer, layout: Mapping[str, object]) -> WordTable | None:
    """A table for a tokenizer (in which control tokens are off), where its way of cutting is
    known and ours proves equal to it; else None."""
    added = layout.get("added_tokens")
    if not isinstance(added, list) or not all(
        token["special"] and not (token["lstrip"] or token["rstrip"] or token["single_word"])
        for token in added
    ):
        return None
    before = _plainly(layout.get("pre_tokenizer"))
    if before == [_DIGITS, _BYTE_LEVEL]:
        patterns = _patterns(digits_first=True)
    elif before == [_BYTE_LEVEL]:
        patterns = _patterns(digits_first=False)
    else:
        return None
    table = WordTable(plain, patterns)
    texts = proof()
    expected = [e.ids for e in plain.encode_batch_fast(texts, add_special_tokens=False)]
    got = [np.frombuffer(ids, dtype=np.int32).tolist() for ids in table.encode(texts)]
    return table if got == expected else None


def _plainly(step: object) -> list[dict[str, object]]:
    """The steps of a pre-tokenizer, without what does not matter to ids."""
    if not isinstance(step, dict):
        return []
    steps = step["pretokenizers"] if step.get("type") == "Sequence" else [step]
    return [{key: v for key, v in one.items() if key != "trim_offsets"} for one in steps]


@lru_cache(maxsize=2)
def _patterns(digits_first: bool) -> list[re.Pattern[str]]:
    """GPT-2's pattern; with digits first, each of them is a word and ends the one before.

    Three times, for text up to U+007F, U+FFFF and beyond: `re` looks a character up in a table,
    but those beyond U+FFFF in a list, which makes the third ten times slower.
    """
    return [
        _pattern(_class("L", last), _class("N", last), digits_first)
        for last in (0x7F, 0xFFFF, LAST)
    ]


def _pattern(letter: str, number: str, digits_first: bool) -> re.Pattern[str]:
    # A contraction begins as no other word but the last kind does, so the most frequent is first.
    blank = f"[{_SPACE}]+(?![^{_SPACE}{number if digits_first else ''}])|[{_SPACE}]+"
    digits = f"[{number}]" if digits_first else f" ?[{number}]+"
    return re.compile(
        f" ?[{letter}]+|{digits}|'(?:s|t|re|ve|m|ll|d)| ?[^{_SPACE}{letter}{number}]+|{blank}"
    )


@lru_cache(maxsize=1)
def _beyond() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Characters that the second pattern does not know, and those that none knows."""
    unknown = _class("Cn", 0xFFFF)
    return (
        re.compile(f"[{unknown}\U00010000-\U0010ffff]"),
        re.compile(f"[{_class('Cn', LAST)}\\U{LAST + 1:08x}-\\U0010ffff]"),
    )


@cache
def _class(category: str, last: int) -> str:
    """The characters of a Unicode category up to `last`, as ranges for a pattern."""
    ranges = []
    mine = (unicodedata.category(chr(n)).startswith(category) for n in range(last + 1))
    begin = 0
    for inside, run in groupby(mine):
        end = begin + sum(1 for _ in run)
        if inside:
            ranges.append(f"\\U{begin:08x}-\\U{end - 1:08x}")
        begin = end
    return "".join(ranges)


@lru_cache(maxsize=1)
def proof() -> list[str]:
    """Texts that show a difference in cutting: odd digits, every kind of space, a long document."""
    pieces = [
        "\u00bd \u2167 \u0663 10  20\n\n1. it's IT'S they'll we'Re 'tis",
        "a\x1c b\x85c\xa0\xa0d\u2003e\u200bf\u2028g\u3000 h\ufeffi",
        "\u65e5\u672c\u8a9e \u306e\u30c6\u30ad\u30b9\u30c8\u3002",
        "\ud55c\uad6d\uc5b4, \u05e2\u05d1\u05e8\u061f",
        "\u0939\u093f\u0928\u094d\u0926\u0940 \u0928\u092e\u0938\u094d\u0924\u0947",
        "e\u0301 n\u0303o \ufb01 \u01c5",
        "\U0001f469\u200d\U0001f467 \u00aa \u00ba \u00b2 \u2153 \u4e00 \u3007",
        "\U0001d7d8\U0001d7d9 \U00010348",
        "x = {\n\t'k': [1,  2,\r\n   3],\n}  \t \n\n\n  end   ",
        "<|im_end|> _snake_case__ --- ... 'quoted' \"x\" http://a.b/c?d=1&e=%20",
    ]
    document = []
    state = 12345
    for _ in range(4000):
        state = (state * 1103515245 + 12345) % (1 << 31)
        text = pieces[state >> 8 & 3]
        begin = (state >> 12) % len(text)
        document.append(text[begin : begin + 1 + (state >> 20) % 9])
    return [*pieces, "", " ", "".join(document), json.dumps(pieces)]
