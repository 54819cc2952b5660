"""Filters for documents as two papers state them: Gopher's and C4's rules, one verdict a text.

Gopher: Rae et al. 2021 (arXiv 2112.11446), appendix A.1.1 and table A1. C4: Raffel et al. 2020
(JMLR 21, section 2.2), except its list of bad words, which is not shipped; lines that C4 takes out
are not taken out here but do not count. Both were made for English web pages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

Rules = Literal["own", "gopher", "c4"]


class Broken(NamedTuple):
    """A rule that a text breaks: its name, what was measured, the limit."""

    rule: str
    score: float
    limit: float


_STOP_WORDS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))
_BULLETS = ("•", "-", "*", "‣", "●", "◦", "–")
_TOP = {2: 0.20, 3: 0.18, 4: 0.16}  # n → largest share of characters in the most frequent n-gram
_AGAIN = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}  # … in n-grams that came before
_POLICY = re.compile(
    r"terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies|javascript",
    re.I,
)
_SENTENCE = re.compile(r"[.!?][\"')\]”’]*(?=\s|$)")


def broken(rules: Rules, text: str) -> Broken | None:
    """The first rule that a text breaks; None where it keeps all of them."""
    if rules == "own":
        return None
    every: Callable[[str], Iterator[tuple[str, float, float, bool]]]
    every = _gopher if rules == "gopher" else _c4
    return next(
        (Broken(name, score, limit) for name, score, limit, bad in every(text) if bad), None
    )


def _gopher(text: str) -> Iterator[tuple[str, float, float, bool]]:
    words = text.split()
    count = len(words)
    yield "words", count, 50, count < 50
    yield "words", count, 100_000, count > 100_000
    mean = sum(map(len, words)) / max(1, count)
    yield "mean word length", mean, 3, mean < 3
    yield "mean word length", mean, 10, mean > 10
    for sign in ("#", "..."):
        share = (text.count(sign) + (text.count("…") if sign == "..." else 0)) / max(1, count)
        yield f"{sign} to words", share, 0.1, share > 0.1
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    yield _above("lines with a bullet", [line.startswith(_BULLETS) for line in lines], 0.9)
    yield _above("lines with an ellipsis", [line.endswith(("...", "…")) for line in lines], 0.3)
    letters = sum(any(map(str.isalpha, word)) for word in words) / max(1, count)
    yield "words with a letter", letters, 0.8, letters < 0.8
    stops = len(_STOP_WORDS.intersection(word.lower().strip(".,;:!?\"'()") for word in words))
    yield "kinds of stop words", stops, 2, stops < 2
    paragraphs = [one.strip() for one in re.split(r"\n\s*\n", text) if one.strip()]
    for name, parts in (("line", lines), ("paragraph", paragraphs)):
        again = _repeated(parts)
        yield _above(f"repeated {name}s", again, 0.3)
        size = sum(len(part) for part, one in zip(parts, again, strict=True) if one)
        share = size / max(1, len(text))
        yield f"characters in repeated {name}s", share, 0.2, share > 0.2
    yield from _ngrams(words)


def _above(name: str, marks: Sequence[bool], limit: float) -> tuple[str, float, float, bool]:
    share = sum(marks) / max(1, len(marks))
    return name, share, limit, share > limit


def _repeated(parts: Sequence[str]) -> list[bool]:
    seen: set[str] = set()
    return [part in seen or bool(seen.add(part)) for part in parts]  # type: ignore[func-returns-value]


def _ngrams(words: Sequence[str]) -> Iterator[tuple[str, float, float, bool]]:
    sizes = [len(word) for word in words]
    whole = max(1, sum(sizes))
    for length, limit in _TOP.items():
        counts = Counter(zip(*(words[at:] for at in range(length)), strict=False))
        gram, often = counts.most_common(1)[0] if counts else ((), 0)
        share = often * sum(map(len, gram)) / whole if often > 1 else 0.0
        yield f"most frequent {length}-gram", share, limit, share > limit
    for length, limit in _AGAIN.items():
        covered = [False] * len(words)
        seen: set[tuple[str, ...]] = set()
        for at in range(len(words) - length + 1):
            gram = tuple(words[at : at + length])
            if gram in seen:
                covered[at : at + length] = [True] * length
            seen.add(gram)
        share = sum(size for size, one in zip(sizes, covered, strict=True) if one) / whole
        yield f"repeated {length}-grams", share, limit, share > limit


def _c4(text: str) -> Iterator[tuple[str, float, float, bool]]:
    for name, sign in (("lorem ipsum", "lorem ipsum"), ("curly bracket", "{")):
        there = text.lower().count(sign)
        yield name, there, 0, there > 0
    kept = [
        line
        for line in map(str.strip, text.split("\n"))
        if line.endswith((".", "!", "?", '"', "”"))
        and not line.endswith("...")
        and len(line.split()) >= 5
        and not _POLICY.search(line)
    ]
    sentences = sum(len(_SENTENCE.findall(line)) for line in kept)
    yield "sentences in whole lines", sentences, 3, sentences < 3
