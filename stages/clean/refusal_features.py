"""What the scorer of refusals looks at: the words of an answer's head, the cues of the rules and
where they stand, the shape of the rest, and what the prompt asked for.

The same names are made when the weights are learned and when a text is scored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from stages.clean import refusal_rules as rules
from stages.clean.refusal_text import quoted

HEAD_WORDS = 60
_TOKEN = re.compile(r"[^\s.,!?;:\"()]+|[.,!?:]")
_HEAD_CHARS = 600  # more than HEAD_WORDS words have, nearly always
_BODY_CHARS = 4000
_LENGTHS = (40, 80, 140, 220, 350, 600, 1000, 2000)
_SHARES = (0.3, 0.5, 0.7, 0.9)
_PROMPT_CHARS = 600  # half from its beginning, half from its end
_ASKED = {
    "rewrite": r"\b(?:re-?write|re-?phrase|paraphrase|translate|correct|edit|convert|change|replace"
    r"|grammar|proofread|summari[sz]e|classify|identify|fill in|complete the|tense|polite)\b",
    "write": r"\b(?:write|compose|draft|create|generate|letter|e-?mail|message|poem|story|song"
    r"|lyrics|script|dialogue|essay|speech)\b",
    "play": r"\b(?:act as|pretend|role-?play|imagine|you are (?:now )?a|in the style of"
    r"|character)\b",
    "code": r"\b(?:code|function|program|script|sql|python|java|javascript|html|bash|regex)\b|```",
    "you": r"\b(?:do you|are you|can you feel|your (?:favou?rite|opinion)|you think"
    r"|who made you)\b",
    "now": r"\b(?:today|tomorrow|current(?:ly)?|latest|right now|weather|recent(?:ly)?)\b",
}
_ASKED_FOR = {name: re.compile(pattern) for name, pattern in _ASKED.items()}
_SAYS_NO = re.compile(r"n't\b|\bcannot\b|\bcan not\b|\bunable\b|\bnot able\b|\bsorry\b|\bregret\b")
_PIVOT = re.compile(
    r"\b(?:however|but|that said|that being said|nevertheless|nonetheless|instead)\b,?"
)
_SAID = re.compile(r"[\"'] ?,? ?(?:she|he|they|said|says|asked|replied|answered|i said)\b")
_GREETS = re.compile(r"^\W*(?:dear|hi|hello|hey|subject|to whom)\b[^.!?]{0,40}(?:[,:\n]|$)")


def head_tokens(low: str) -> list[str]:
    """The first words of a lower-cased text, marks of a sentence as words of their own."""
    return _TOKEN.findall(low[: _HEAD_CHARS + len(low) - len(low.lstrip())])[:HEAD_WORDS]


def words_of(tokens: Sequence[str]) -> set[str]:
    """The words of a head and its pairs of neighbours, the beginning as `^`."""
    return {
        *tokens,
        *(f"{one} {other}" for one, other in zip(("^", *tokens), tokens, strict=False)),
    }


def cues_of(
    low: str,
    spans: Sequence[tuple[int, int]],
    points: Mapping[str, int],
    prompt: str,
    tokens: Sequence[str],
    lacks: bool = True,
    machine: bool = True,
) -> set[str]:
    """The names of all features of an answer (lower-cased, `refusal_text.lowered`) but its words.

    spans: its sentences; points: what each rule gave, by name; prompt: as it is, may be empty;
    tokens: `head_tokens(low)`; lacks, machine: whether such a cue can be in the text.
    """
    found = {f"#{name}{worth}" for name, worth in points.items()}
    found.update(_remarks(low, spans, lacks, machine))
    found.update(_shape(low, spans))
    if prompt:
        if len(prompt) > _PROMPT_CHARS:
            prompt = f"{prompt[: _PROMPT_CHARS // 2]} {prompt[-_PROMPT_CHARS // 2 :]}"
        found.update(_asked(low, prompt.translate(rules.STRAIGHT).lower(), tokens))
    return found


def _remarks(low: str, spans: Sequence[tuple[int, int]], lacks: bool, machine: bool) -> list[str]:
    """The cues of lacking and of being a machine, in the first sentence or in the head."""
    if not spans:
        return []
    begin, first = spans[0]
    end = min(spans[:3][-1][1], begin + _HEAD_CHARS)
    found = []
    for name, pattern, can_be in (
        ("lack", rules.LACK, lacks),
        ("opinion", rules.NO_OPINION, True),
        ("machine", rules.IDENTITY, machine),
        ("elsewhere", rules.ELSEWHERE, True),
        ("pivot", _PIVOT, True),
    ):
        match = pattern.search(low, begin, end) if can_be else None
        if match:
            found.append(f"#{name}@{'first' if match.start() < first else 'head'}")
    no = _SAYS_NO.search(low, begin, end)
    if no:
        found.append("#no-in-quotes" if quoted(low, begin, no.start()) else "#no")
    if _SAID.search(low, begin, end):
        found.append("#said")
    if _GREETS.search(low[begin : begin + 80]):
        found.append("#greets")
    return found


def _shape(low: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    length = len(low)
    found = [f"#length{sum(length > limit for limit in _LENGTHS)}"]
    found.append(f"#sentences{min(len(spans), 6)}")
    items = len(rules.LIST.findall(low, 0, _BODY_CHARS))
    if items:
        found.append(f"#items{min(items, 4)}")
    if rules.CODE.search(low, 0, _BODY_CHARS):
        found.append("#code")
    last = low.rstrip()[-1:]
    if last in '?:"':
        found.append(f"#last{last}")
    return found


def _asked(low: str, prompt: str, tokens: Sequence[str]) -> list[str]:
    """What the prompt asks for, and how much of the answer's head it holds already."""
    found = [f"?{name}" for name, pattern in _ASKED_FOR.items() if pattern.search(prompt)]
    if _SAYS_NO.search(prompt):
        found.append("?no")
    words = [token for token in tokens if token.isalpha()][:20]
    if words:
        held = set(_TOKEN.findall(prompt))
        share = sum(word in held for word in words) / len(words)
        found.append(f"?held{sum(share >= limit for limit in _SHARES)}")
    if '"' in prompt and low[:30].strip(' "') and low.strip(' "')[:30] in prompt:
        found.append("?quoted")
    asks = prompt.rstrip()[-1:]
    found.append("?question" if asks == "?" else "?colon" if asks == ":" else "?other")
    first = _TOKEN.match(prompt.lstrip())
    if first:
        found.append(f"?{first[0]}")
    return found
