"""Statistics of texts first, thresholds after: length, repetition, symbols, letters.

The measures of repetition and words are those of Gopher (Rae et al. 2021, 2112.11446, table A1),
for any script: characters that are written without spaces count as words. Code and short factual
answers are meant to pass; whether a text is true or well written is not judged.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

import pyarrow as pa

from stages.base import Map
from stages.clean.published import Rules, broken
from stages.clean.structure import is_structured
from stages.verdicts import Verdicts


class Statistics(NamedTuple):
    """What is measured of one text; shares are of characters unless said otherwise.

    words; word_length: mean characters of a word; letters, digits, symbols: shares of the
    characters that are no white space (symbols: all but letters, digits and accents);
    longest_word; duplicate_lines: share of the characters in lines that occurred before;
    top_trigram: share of the words that the most frequent word 3-gram covers; compressed: bytes
    after zlib over bytes before; replaced: share of U+FFFD; ended: whether the last character
    ends a sentence, a list, a block or a quotation.
    """

    words: int
    word_length: float
    letters: float
    digits: float
    symbols: float
    longest_word: int
    duplicate_lines: float
    top_trigram: float
    compressed: float
    replaced: float
    ended: bool


_NOTHING = (None,) * len(Statistics._fields)
STATISTICS = pa.struct(
    [
        ("words", pa.int32()),
        ("word_length", pa.float32()),
        ("letters", pa.float32()),
        ("digits", pa.float32()),
        ("symbols", pa.float32()),
        ("longest_word", pa.int32()),
        ("duplicate_lines", pa.float32()),
        ("top_trigram", pa.float32()),
        ("compressed", pa.float32()),
        ("replaced", pa.float32()),
        ("ended", pa.bool_()),
    ]
)

# Scripts without spaces between words: each character counts as a word.
_SINGLE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
_UNSPACED = re.compile(f"[{_SINGLE}\U00020000-\U0003134f]")
_WORD = re.compile(f"[{_SINGLE}\U00020000-\U0003134f]|[^\\s{_SINGLE}\U00020000-\U0003134f]+")
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")
_WIDE = re.compile("[^\x00-\x7f]+")
_SPACE = re.compile(r"\s")
_ASCII_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ASCII_DIGITS = b"0123456789"
_ASCII_SPACE = b" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"
_ENDINGS = frozenset(".!?…。！？।؟\"'”’»)]}`>*|:;~")

# Repetition is measured on texts of at least so many words: below, one repeated phrase is most of
# the text ("no, no, no" answers of 3 words) and says nothing.
REPETITION_WORDS = 50
# Shares of letters and symbols mean nothing in "42", "O(n²)" or "<p>".
_SHARE_WORDS = 20
_MEASURED = 1 << 20  # characters; what follows is not measured, so one record costs under a second


def measured(text: str) -> Statistics:
    """The statistics of one text."""
    text = text[:_MEASURED]
    words = words_of(text)
    count = len(words)
    if text.isascii():
        raw = text.encode()
        letters = _count(raw, _ASCII_LETTERS)
        digits = _count(raw, _ASCII_DIGITS)
        full = len(raw) - _count(raw, _ASCII_SPACE)
        marks = 0
    else:
        raw = text.encode("utf-8", "replace")
        plain = text.encode("ascii", "ignore")
        wide = "".join(_WIDE.findall(text))  # of most texts a few quotes and dashes
        letters = _count(plain, _ASCII_LETTERS) + len(_LETTER.findall(wide))
        digits = _count(plain, _ASCII_DIGITS) + len(_DIGIT.findall(wide))
        full = len(text) - _count(plain, _ASCII_SPACE) - len(_SPACE.findall(wide))
        # accents that stand for themselves are no symbols (Devanagari, Thai, decomposed Latin)
        marks = sum(1 for char in set(text) if char > "\u02ff" and _is_mark(char))
        if marks:
            marks = sum(1 for char in text if char > "\u02ff" and _is_mark(char))
    share = 1.0 / full if full else 0.0
    last = text.rstrip()[-1:]
    return Statistics(
        words=count,
        word_length=full / count if count else 0.0,
        letters=(letters + marks) * share,
        digits=digits * share,
        symbols=max(0, full - letters - digits - marks) * share,
        longest_word=max(map(len, words), default=0),
        duplicate_lines=_duplicate_lines(text),
        top_trigram=_top_trigram(words) if count >= REPETITION_WORDS else 0.0,
        compressed=len(zlib.compress(raw, 1)) / len(raw) if raw else 0.0,
        replaced=text.count("\ufffd") * share,
        ended=last in _ENDINGS or not last.isalnum(),
    )


def _count(text: bytes, characters: bytes) -> int:
    """How many of some ASCII characters a text has."""
    return len(text) - len(text.translate(None, characters))


def words_of(text: str) -> list[str]:
    """Words by white space; characters of scripts that are written without spaces one by one."""
    if text.isascii() or not _UNSPACED.search(text):
        return text.split()
    return _WORD.findall(text)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in ("Mn", "Mc")


def _duplicate_lines(text: str) -> float:
    lines = [line for line in (line.strip() for line in text.split("\n")) if line]
    if len(lines) < 2:
        return 0.0
    seen: set[str] = set()
    again = whole = 0
    for line in lines:
        whole += len(line)
        if line in seen:
            again += len(line)
        else:
            seen.add(line)
    return again / whole


def _top_trigram(words: list[str]) -> float:
    # two characters of a script without spaces are about one word: six of them for three
    length = 3 if sum(map(len, words)) >= 2 * len(words) else 6
    counts = Counter(zip(*(words[begin:] for begin in range(length)), strict=False))
    most = max(counts.values())
    return min(1.0, length * most / len(words)) if most > 1 else 0.0


_LENGTH = ("too_short", "too_long")
_OF_RUNNING_TEXT = ("no_letters", "symbols")  # what code, tables and numbers are not held to


@dataclass(frozen=True)
class QualityFilter(Map):
    """Measure every text, write the statistics down, and drop what is outside the limits.

    on: which text: target (the output, or the text of a plain record), input, output or all.
        Default target: what the model is to learn. A conversation is measured as one text.
    action: drop, or tag (only the columns are written). Default drop.
    rules: whose rules: own (the limits below), gopher (Rae et al. 2021, table A1), or c4 (Raffel et
        al. 2020, without its list of words; lines are judged and not cut). The last two are for
        English documents and take the place of the limits, which still make the score. Default
        own.
    min_words: fewest words. Default 1: one word is an answer; documents want 20 and more.
    max_words: most words; for a higher limit raise it, nothing is cut. Default 50000.
    max_word_length: mean length of a word, characters; long means are data, hashes and base64.
        Default 100, so that an answer of one URL or one regular expression passes (Gopher: 10 for
        documents).
    min_letters: smallest share of letters, for texts of 20 words and more that are not JSON, code,
        a table or a list of numbers. Default 0.15 (1 of 2,000 answers is below).
    max_symbols: largest share of symbols, for the same texts. Default 0.6 (1 of 1,000 answers is
        over 0.49).
    max_duplicate_lines: largest share of characters in lines that occurred before, for texts of 50
        words and more. Default 0.5 (Gopher: 0.2 for documents; verse, tables and code repeat).
    max_top_trigram: largest share of words within the most frequent 3-gram of words, for texts of
        50 words and more. Default 0.3 (Gopher: 0.18 for documents).
    min_compressed: smallest size after compression as a share, for texts of 50 words and more; a
        loop compresses to a tenth. Default 0.12.
    max_replaced: largest share of U+FFFD, the mark of bytes that could not be read. Default 0.01.
    complete: whether a text of 20 words and more must end like a sentence, a list or a block.
        Default no: headings and lists end otherwise.
    """

    name: ClassVar[str] = "quality"
    reasons: ClassVar[Mapping[str, str]] = {
        "too_short": "fewer words than min_words",
        "too_long": "more words than max_words",
        "long_words": "the mean word is longer than max_word_length",
        "no_letters": "the share of letters is under min_letters",
        "symbols": "the share of symbols is over max_symbols",
        "duplicate_lines": "too much of the text is lines that occurred before",
        "repetitive": "one 3-gram of words makes up too much of the text",
        "compressible": "the text compresses further than running text does",
        "unreadable": "too many characters that could not be read",
        "unfinished": "the text ends in the middle of a sentence",
        "published": "a rule of Gopher or C4 is broken; the evidence names it",
    }
    stays: ClassVar[Mapping[str, str]] = {
        "too_short": "min_words <=",
        "too_long": "max_words >=",
        "long_words": "max_word_length >=",
        "no_letters": "min_letters <=",
        "symbols": "max_symbols >=",
        "duplicate_lines": "max_duplicate_lines >=",
        "repetitive": "max_top_trigram >=",
        "compressible": "min_compressed <=",
        "unreadable": "max_replaced >=",
        "unfinished": "complete: no",
        "published": "rules: own",
    }

    on: Literal["target", "input", "output", "all"] = "target"
    action: Literal["drop", "tag"] = "drop"
    rules: Rules = "own"
    min_words: int = field(default=1, metadata={"range": (0, 1_000_000)})
    max_words: int = field(default=50_000, metadata={"range": (1, 100_000_000)})
    max_word_length: float = field(default=100.0, metadata={"range": (1, 1_000_000)})
    min_letters: float = field(default=0.15, metadata={"range": (0, 1)})
    max_symbols: float = field(default=0.6, metadata={"range": (0, 1)})
    max_duplicate_lines: float = field(default=0.5, metadata={"range": (0, 1)})
    max_top_trigram: float = field(default=0.3, metadata={"range": (0, 1)})
    min_compressed: float = field(default=0.12, metadata={"range": (0, 1)})
    max_replaced: float = field(default=0.01, metadata={"range": (0, 1)})
    complete: bool = False

    def makes(self) -> Mapping[str, pa.DataType]:
        """quality: 0 to 1, the distance from the nearest limit that is not one of length;
        statistics: what was measured."""
        return {"quality": pa.float32(), "statistics": STATISTICS}

    def contradictions(self) -> tuple[str, ...]:
        """A shortest text that is longer than the longest."""
        if self.min_words > self.max_words:
            return (f"quality.min_words {self.min_words} is over max_words {self.max_words}",)
        return ()

    def judge(self, verdicts: Verdicts) -> None:
        """Measure each row, then hold the measures against the limits."""
        scores: list[float | None] = []
        measures: list[Statistics | None] = []
        for row, text in enumerate(self._texts(verdicts)):
            if text is None:
                verdicts.inapplicable(row)
                scores.append(None)
                measures.append(None)
                continue
            found = measured(text)
            used = self.used(found)
            passed = [name for name in _OF_RUNNING_TEXT if name in used and used[name][0] > 1]
            if passed and is_structured(text):
                used = {name: one for name, one in used.items() if name not in passed}
            # length is no quality: an answer of one word is as good as it is right
            worst = max(one[0] for reason, one in used.items() if reason not in _LENGTH)
            scores.append(max(0.0, 1.0 - worst))
            measures.append(found)
            against = broken(self.rules, text) if self.action == "drop" else None
            if against is not None:
                verdicts.drop(row, "published", **against._asdict())
            elif self.action == "drop" and self.rules == "own":
                over = next((reason for reason, one in used.items() if one[0] > 1), None)
                if over is not None:
                    _, score, limit = used[over]
                    verdicts.drop(row, over, score=score, limit=limit)
        verdicts.set("quality", scores)
        verdicts.set("statistics", _as_column(measures))

    def _texts(self, verdicts: Verdicts) -> list[str | None]:
        if self.on != "target":
            return verdicts.texts(self.on)
        outputs = verdicts.texts("output")
        if all(text is not None for text in outputs):
            return outputs
        wholes = verdicts.texts("all")
        plain = [[name for name, _ in verdicts.fields(row)] for row in range(len(verdicts))]
        return [
            whole if output is None and names == ["text"] else output
            for output, whole, names in zip(outputs, wholes, plain, strict=True)
        ]

    def used(self, found: Statistics) -> dict[str, tuple[float, float, float]]:
        """reason → (share of the limit that is used up, over 1 when it is passed; score; limit)."""
        words = found.words
        used = {
            "too_short": (_under(words, self.min_words), words, self.min_words),
            "too_long": (_over(words, self.max_words), words, self.max_words),
            "unreadable": (
                _over(found.replaced, self.max_replaced),
                found.replaced,
                self.max_replaced,
            ),
            "long_words": (
                _over(found.word_length, self.max_word_length),
                found.word_length,
                self.max_word_length,
            ),
        }
        if words >= _SHARE_WORDS:
            used["no_letters"] = (
                _under(found.letters, self.min_letters),
                found.letters,
                self.min_letters,
            )
            used["symbols"] = (
                _over(found.symbols, self.max_symbols),
                found.symbols,
                self.max_symbols,
            )
            if self.complete:
                used["unfinished"] = (0.0 if found.ended else 2.0, float(found.ended), 1.0)
        if words >= REPETITION_WORDS:
            used["duplicate_lines"] = (
                _over(found.duplicate_lines, self.max_duplicate_lines),
                found.duplicate_lines,
                self.max_duplicate_lines,
            )
            used["repetitive"] = (
                _over(found.top_trigram, self.max_top_trigram),
                found.top_trigram,
                self.max_top_trigram,
            )
            used["compressible"] = (
                _under(found.compressed, self.min_compressed),
                found.compressed,
                self.min_compressed,
            )
        return used


def _as_column(measures: Sequence[Statistics | None]) -> pa.Array:
    """Statistics as Arrow has them, null where nothing was measured."""
    columns = zip(*(found or _NOTHING for found in measures), strict=True)
    kinds = [STATISTICS.field(number) for number in range(STATISTICS.num_fields)]
    arrays = [pa.array(values, kind.type) for values, kind in zip(columns, kinds, strict=False)]
    if not arrays:
        return pa.array([], STATISTICS)
    missing = pa.array([found is None for found in measures])
    return pa.StructArray.from_arrays(arrays, fields=kinds, mask=missing)


def _over(value: float, limit: float) -> float:
    if value <= limit:
        return value / limit if limit else 0.0
    return max(value / limit, 1.0001) if limit else 2.0


def _under(value: float, limit: float) -> float:
    if value >= limit:
        return limit / value if value and limit else 0.0
    return max(limit / value, 1.0001) if value else 2.0
