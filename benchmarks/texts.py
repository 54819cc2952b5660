"""Texts for the benchmarks: those of sample_data, runs of their words, and new ones by a chain."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from stages import json_lines

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data"


@lru_cache(maxsize=1)
def pairs() -> list[tuple[str, str]]:
    """(prompt, answer): the first turns of the sample's instructions, all in one language."""
    from stages import JsonlExtract

    found = []
    for name in ("instructions.jsonl", "old.jsonl.gz"):
        for record in JsonlExtract()(SAMPLE / "instructions" / name, []):
            turns = [turn["content"] or "" for turn in record.get("messages", [])]
            turns = turns or [record.get("prompt") or "", record.get("completion") or ""]
            turns = turns[1:] if len(turns) % 2 else turns  # a system turn comes first
            if len(turns) > 1 and turns[0].strip() and turns[1].strip():
                found.append((turns[0], turns[1]))
    return found


def labels() -> dict[int, str]:
    """Line of instructions.jsonl → what was planted there."""
    rows = json_lines.read(SAMPLE / "instructions/labels.jsonl")
    return {row["line"]: ", ".join([row["kind"], *filter(None, [row.get("note")])]) for row in rows}


@lru_cache(maxsize=1)
def articles() -> list[str]:
    """The main text of each page of the sample's site."""
    from stages import HtmlExtract

    return [record["text"] for record in HtmlExtract(format="text")(SAMPLE / "site", [])]


def sections(words: int) -> list[list[str]]:
    """The site cut at its headings: the words of each section that has at least so many."""
    from stages import HtmlExtract

    found = []
    for record in HtmlExtract()(SAMPLE / "site", []):
        for section in re.split(r"(?m)^#+ .*$", record["text"]):
            plain = re.sub(r"[*_`|#>\[\]-]+", " ", section).split()
            if len(plain) >= words:
                found.append(plain)
    return found


def windows(count: int, shortest: int, longest: int, seed: int) -> list[str]:
    """Runs of words out of the sample's texts."""
    source = random.Random(seed)
    texts = [text.split() for text in (*articles(), *(f"{p} {a}" for p, a in pairs()))]
    weights = [len(text) for text in texts]
    out = []
    for text in source.choices(texts, weights, k=count):
        size = source.randint(shortest, longest)
        begin = source.randrange(max(len(text) - size, 1))
        out.append(" ".join(text[begin : begin + size]))
    return out


class Chain:
    """New texts in which each word follows one that it follows in the sample."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)
        self._after: dict[str, list[str]] = defaultdict(list)
        words = " ".join((*articles(), *(f"{p} {a}" for p, a in pairs()))).split()
        for one, two in pairwise(words):
            self._after[one].append(two)
        self._words = words

    def text(self, words: int) -> str:
        """So many words."""
        found = [self._source.choice(self._words)]
        while len(found) < words:
            found.append(self._source.choice(self._after.get(found[-1], self._words)))
        return " ".join(found)

    def edited(self, text: str, share: float) -> str:
        """A copy with this share of its words left out, put in or exchanged."""
        words = text.split()
        for _ in range(round(share * len(words))):
            at = self._source.randrange(len(words))
            new: Sequence[str] = [self._source.choice(self._words)]
            kind = self._source.random()
            words[at : at + (kind > 1 / 3)] = new if kind < 2 / 3 else []
        return " ".join(words)
