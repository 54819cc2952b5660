"""Texts as sets of hashed word 3-grams, for a whole batch at once in NumPy.

Words are runs of \\w after casefolding; each Han, kana or hangul character is a word of its own.
Punctuation and white space do not count; what operators a text has is told apart. Where a text is
read as code (`code_words`), case and signs count. Hashes are 64 bits and the same on every machine.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.clean import code_words
from stages.clean.code_words import Reading

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

SHINGLE = 3  # words of a shingle; 2 to 5 are usual, 3 is what the figures were measured with
MIN_WORDS = 5  # below this any edit breaks most shingles: such texts are compared whole
CHUNK = 1 << 18  # characters worked on at once: the arrays stay in the processor's cache

# Ranges whose characters are words of their own: kana, CJK with extension A, hangul,
# compatibility ideographs, and the planes of further ideographs.
_ALONE = (
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xAC00, 0xD7AF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_BASE = 0x9E3779B97F4A7C15  # odd, so it has an inverse modulo 2**64


class Words(NamedTuple):
    """The words of some texts: hashes one after the other, and how many each text has."""

    hashes: Hashes
    counts: Ints


class Digests(NamedTuple):
    """16 bytes a text that are equal for equal texts (white space at the ends of lines does not
    count), and 16 that are equal for texts below MIN_WORDS without regard to case and white space
    too."""

    exact: list[bytes]
    alike: list[bytes]


def mixed(values: Hashes) -> Hashes:
    """Each value scrambled (the finaliser of splitmix64), so that every bit counts."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@lru_cache(maxsize=2)
def _characters(signs: bool) -> tuple[npt.NDArray[np.uint8], Hashes]:
    """For each code point its kind (0 no word, 1 word, 2 a word of its own) and a number.

    signs: whether signs that were moved (`code_words`) are words.
    """
    kinds = np.zeros(0x110000, dtype=np.uint8)
    for match in re.finditer(r"\w+", "".join(map(chr, range(0x110000)))):
        kinds[match.start() : match.end()] = 1
    for first, last in _ALONE:
        kinds[first : last + 1] *= 2
    if signs:
        kinds[code_words.ALONE[0] : code_words.ALONE[1] + 1] = 2
    numbers = mixed(np.arange(1, 0x110001, dtype=np.uint64) * np.uint64(_BASE))
    numbers[kinds == 0] = 0
    return kinds, numbers


@lru_cache(maxsize=4)
def _powers(length: int, base: int) -> Hashes:
    factors = np.full(length, base, dtype=np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


def chunks(texts: Sequence[str]) -> Iterator[range]:
    """Ranges of texts of about CHUNK characters together; a longer text comes alone."""
    begin = characters = 0
    for number, text in enumerate(texts):
        if len(text) > CHUNK and begin < number:
            yield range(begin, number)
            begin = number
        characters += len(text)
        if characters >= CHUNK:
            yield range(begin, number + 1)
            begin, characters = number + 1, 0
    if begin < len(texts):
        yield range(begin, len(texts))


def words_of(texts: Sequence[str], reading: Reading = "prose") -> Words:
    """The words of the texts of one chunk; a text longer than CHUNK should come alone."""
    folded = [_folded(text, reading) for text in texts]
    if len(folded) == 1 and len(folded[0]) > CHUNK:
        hashes = _hashes_of_long(folded[0], reading != "prose")
        return Words(hashes, np.array([len(hashes)]))
    return Words(*_hashed(folded, reading != "prose"))


def _folded(text: str, reading: Reading) -> str:
    """A text of which the words are runs of \\w and characters of their own."""
    if code_words.read_as_code(text, reading):
        return code_words.signs_as_words(text)
    return text.casefold()


def digests_of(
    texts: Sequence[str], counts: Ints, seeds: Sequence[int] | None, reading: Reading
) -> Digests:
    """The digests of texts of so many words, each of its seed (0: none)."""
    exact = [_digest(text) for text in texts]
    alike = list(exact)
    for row in np.flatnonzero(counts < MIN_WORDS).tolist():
        words = " ".join(_folded(texts[row], reading).split())
        alike[row] = _blake(b"short:" + words.encode("utf-8", "surrogatepass"))
    if seeds:
        exact, alike = _told_apart(exact, seeds), _told_apart(alike, seeds)
    return Digests(exact, alike)


def _told_apart(digests: Sequence[bytes], seeds: Sequence[int]) -> list[bytes]:
    pairs = zip(digests, seeds, strict=True)
    return [_blake(one + seed.to_bytes(8, "little")) if seed else one for one, seed in pairs]


def seed_of(text: str | None) -> int:
    """A number that tells texts with different ones apart; 0 for none."""
    if text is None:
        return 0
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def seeded(words: Words, seeds: Sequence[int] | None) -> Words:
    """Words that equal only those of the same seed; a seed of 0 changes nothing."""
    if not seeds or not any(seeds):
        return words
    numbers = np.array(seeds, dtype=np.uint64)
    return Words(words.hashes ^ np.repeat(numbers, words.counts), words.counts)


def _blake(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _digest(text: str) -> bytes:
    lines = text.strip()
    # White space that can be printed is the space alone: of most texts no line is looked at.
    if lines.replace("\n", "").isprintable():
        while " \n" in lines:
            lines = lines.replace(" \n", "\n")
    else:
        lines = "\n".join(line.rstrip() for line in lines.split("\n"))
    return _blake(lines.encode("utf-8", "surrogatepass"))


def _hashes_of_long(text: str, signs: bool) -> Hashes:
    """The same for one long text, cut between words so that memory stays a few megabytes."""
    gap, found, begin = re.compile(r"\W"), [], 0
    while begin < len(text):
        cut = gap.search(text, begin + CHUNK)
        end = cut.start() if cut else len(text)
        found.append(_hashed([text[begin:end]], signs)[0])
        begin = end
    return np.concatenate(found)


# What lays a page out: what begins a line of Markdown, a rule, bold.
_LAYOUT = re.compile(r"^[ \t]*[-*#>+|]+[ \t]|([-*#=_~|+>])\1{2,}|\*\*", re.MULTILINE)
_MINUS = re.compile(r"(?<!\w)-(?=\d)")  # a sign; between words it is mostly a dash
_ASCII = "+<>=|~^$*/%&@#\\\\"


@lru_cache(maxsize=1)
def _symbols() -> re.Pattern[str]:
    """ASCII's operators, and Unicode's signs of mathematics and currencies, and emoji.

    What lies beyond U+FFFF and is no word is taken as a whole: a list of its ranges makes `re`
    fifty times slower.
    """
    beyond = "".join(
        char
        for char in map(chr, range(0x80, 0x10000))
        if unicodedata.category(char) in ("Sm", "Sc", "So")
    )
    return re.compile(f"[{_ASCII}{beyond}]|(?!\\w)[\U00010000-\U0010ffff]")


def operators_of(text: str) -> str:
    """The operators and symbols of a text, sorted: what tells `x + y` from `x - y`, C# from C++."""
    if "**" in text or "\n" in text or text[:1] in "-*#>+| \t":
        text = _LAYOUT.sub("", text)
    signs = _MINUS.findall(text) if "-" in text else []
    return "".join(sorted([*_symbols().findall(text), *signs]))


def _hashed(folded: list[str], signs: bool) -> tuple[Hashes, Ints]:
    """Word hashes, and words a text."""
    kinds_of, numbers_of = _characters(signs)
    text = "\n".join(folded) + "\n"
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    at = codes.astype(np.intp)
    kinds = kinds_of[at]
    begins = kinds > 0
    begins[1:] &= (kinds[1:] != 1) | (kinds[:-1] != 1)
    starts = np.flatnonzero(begins)
    offsets = np.zeros(len(folded) + 1, dtype=np.int64)
    np.cumsum([len(piece) + 1 for piece in folded], out=offsets[1:])
    counts = np.diff(np.searchsorted(starts, offsets))
    if not len(starts):
        return np.empty(0, dtype=np.uint64), counts
    # A word's hash is a polynomial of its characters. Sums over the word at its place in the
    # text are brought back to place 0 by the inverse of the base.
    length = CHUNK * 2
    while length < len(codes):
        length *= 2
    values = numbers_of[at] * _powers(length, _BASE)[: len(codes)]
    sums = np.add.reduceat(values, starts)
    return mixed(sums * _powers(length, pow(_BASE, -1, 1 << 64))[starts]), counts


def shingles_of(words: Words) -> tuple[Hashes, Ints]:
    """All 3-grams of the texts one after the other, and how many each has: none for those with
    fewer than MIN_WORDS words."""
    hashes, counts = words.hashes, words.counts
    lengths = np.where(counts >= MIN_WORDS, counts - (SHINGLE - 1), 0)
    if not lengths.any():
        return np.empty(0, dtype=np.uint64), lengths
    first, second, third = hashes[:-2], hashes[1:-1], hashes[2:]
    grams = mixed(
        first * np.uint64(0xD6E8FEB86659FD93)
        + second * np.uint64(0xA0761D6478BD642F)
        + third * np.uint64(0xE7037ED1A0B428DB)
    )
    whole = np.repeat(counts >= MIN_WORDS, counts)
    ends = np.cumsum(counts)
    for back in range(1, SHINGLE):  # the last two words of a text begin no shingle
        last = ends - back
        whole[last[(last >= 0) & (counts >= back)]] = False
    return grams[whole[: len(grams)]], lengths


def wholes_of(words: Words) -> Hashes:
    """A hash of all words of each text in their order; 0 for a text without a word."""
    counts, hashes = words.counts, words.hashes
    found = np.zeros(len(counts), dtype=np.uint64)
    filled = np.flatnonzero(counts)
    if not len(filled):
        return found
    begins = np.cumsum(counts) - counts
    longest = CHUNK
    while longest < counts.max():
        longest *= 2
    places = np.arange(len(hashes)) - np.repeat(begins, counts)
    found[filled] = mixed(np.add.reduceat(hashes * _powers(longest, _BASE)[places], begins[filled]))
    return found


def runs_of(words: Words, length: int) -> tuple[Hashes, Ints]:
    """All runs of `length` words, one text after the other, and how many each text has."""
    counts, hashes = words.counts, words.hashes
    lengths: Ints = np.maximum(counts - (length - 1), 0)
    if not lengths.any():
        return np.empty(0, dtype=np.uint64), lengths
    # Sums over a run at its place among all words are brought back to place 0, as for words.
    size = CHUNK
    while size < len(hashes):
        size *= 2
    sums = np.zeros(len(hashes) + 1, dtype=np.uint64)
    np.cumsum(hashes * _powers(size, _BASE)[: len(hashes)], out=sums[1:])
    starts = np.arange(len(hashes) - length + 1)
    runs = sums[length:] - sums[:-length]
    ends = np.cumsum(counts)
    whole = starts + length <= np.repeat(ends, counts)[starts]
    backs = _powers(size, pow(_BASE, -1, 1 << 64))[starts]
    return mixed(runs * backs)[whole], lengths


def sets_of(words: Words) -> tuple[Hashes, Ints]:
    """The distinct 3-grams of each text in order, one text after the other, and their numbers."""
    grams, lengths = shingles_of(words)
    ends = np.cumsum(lengths)
    begins = ends - lengths
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        grams[begin:end].sort()
    fresh = np.ones(len(grams), dtype=bool)
    fresh[1:] = grams[1:] != grams[:-1]
    fresh[begins[lengths > 0]] = True
    sizes = np.zeros(len(lengths), dtype=np.int64)
    filled = lengths > 0
    if filled.any():
        sizes[filled] = np.add.reduceat(fresh, begins[filled], dtype=np.int64)
    return grams[fresh], sizes
