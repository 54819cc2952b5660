"""An answer as it is judged: lower case, sentences, words; what stands behind its thoughts."""

from __future__ import annotations

import re

from stages.clean.refusal_cues import HEAD_CHARS
from stages.clean.refusal_rules import STRAIGHT

HEAD_SENTENCES = 3
BODY_CHARS = 4000  # as much of an answer as is looked at to see whether it answers
_SENTENCE = re.compile(r"(?<=[.!?。！？…])[\"')\]]*(?:\s+|(?<=[。！？]))|\n+")
_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_THOUGHT, _THOUGHT_ENDS = "<think>", "</think>"


def answer_begins(text: str) -> int:
    """Where the answer begins behind `<think>…</think>`; the end of a text that only thinks."""
    end = text.rfind(_THOUGHT_ENDS)
    if end >= 0:
        return end + len(_THOUGHT_ENDS)
    return len(text) if text.lstrip()[: len(_THOUGHT)] == _THOUGHT else 0


def lowered(text: str) -> str:
    """Lower case with straight quotes, each character in its place."""
    text = text.translate(STRAIGHT)
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


def sentences(text: str, most: int = HEAD_CHARS) -> list[tuple[int, int]]:
    """(begin, end) of the sentences that begin in the first `most` characters."""
    spans, begin = [], 0
    for match in _SENTENCE.finditer(text, 0, most + 400):
        if text[begin : match.start()].strip():
            spans.append((begin, match.start()))
        begin = match.end()
        if begin >= most:
            return spans
    if text[begin:].strip():
        spans.append((begin, len(text)))
    return spans


def words_in(text: str) -> int:
    """Words; three Chinese or Japanese characters count as two."""
    return len(text.split()) + len(_HAN.findall(text)) * 2 // 3


def quoted(low: str, begin: int, place: int) -> bool:
    """Whether a place stands within double quotes; a text that is quoted as a whole does not."""
    return low.count('"', begin + 1, place) % 2 == 1
