"""A remark on being a machine cut off the answer that follows it."""

from __future__ import annotations

import re

from stages.clean import refusal_rules as rules
from stages.clean.refusal_cues import HEAD_CHARS
from stages.clean.refusal_text import BODY_CHARS, HEAD_SENTENCES, lowered, sentences, words_in

MIN_KEPT = 0.6  # share of the words that must be left when a remark is cut away
_STANDS_NOT_ALONE = re.compile(
    r"(?:this|that|these|those|it|they|he|she|additionally|furthermore|moreover|also|my|therefore|"
    r"as such|such|so|thus|if you|please|i can|i would|i'd|let me|feel free|and|because"
    r"|i (?:cannot|can't|don't|do not|am)|i'm)\b|此外|另外|因此|因为|这|所以"
)
_PIVOT = re.compile(
    r"(?:however|nevertheless|nonetheless|that said|that being said|with that said|but|instead"
    r"|still)\b[, ]+"
    r"|(?:但是?|不过|然而)[，, ]*"
)
# Cut only what denies or greets; "I am an AI assistant made by …" may be the answer itself.
_DENIES = re.compile(
    r"\b(?:not|n't|cannot|unable|happy to|here to|glad|do my best|must|can provide|can certainly"
    r"|excited|can help)\b|can't|don't|不能|无法|没有"
)
_OWN_STORY = re.compile(
    r"\b(?:i'm|i am|my name is) (?!an?\b|just|only|happy|here|sorry|not|glad|un)\w+,|created by"
    r"|developed by|trained by"
)


def without_remark(text: str) -> str | None:
    """The text without its opening remark on being a machine; None unless the rest stands alone
    and keeps at least MIN_KEPT of the words."""
    low = lowered(text)
    last = None
    for begin, end in sentences(low)[:HEAD_SENTENCES]:
        sentence = low[begin : min(end, BODY_CHARS)]
        if rules.IDENTITY.search(sentence) or rules.NO_OPINION.search(sentence):
            last = end
    if last is None or _OWN_STORY.search(low, 0, last) or not _DENIES.search(low, 0, last):
        return None
    begin = last + len(low[last:]) - len(low[last:].lstrip(" \t\n\"')]"))
    pivot = _PIVOT.match(low, begin)
    if pivot:
        begin = pivot.end()
    rest = text[begin:]
    if (
        words_in(rest) < MIN_KEPT * words_in(text)
        or _STANDS_NOT_ALONE.match(low, begin)
        or rules.IDENTITY.search(low, begin)
        or rules.LACK.search(low, begin, begin + HEAD_CHARS)
        or rules.NO_OPINION.search(low, begin, begin + HEAD_CHARS)
    ):
        return None
    return rest[:1].upper() + rest[1:] if pivot else rest
