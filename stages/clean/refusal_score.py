"""Texts of assistants judged: refusal, boilerplate, cannot or none, with a probability and a place.

Texts without any cue are told apart over whole columns first; the others are scored by a model
over their words, the cues of the rules, their shape and their prompt. Where the model does not know
the language, the rules decide alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.clean import refusal_model
from stages.clean import refusal_rules as rules
from stages.clean.refusal_cues import HEAD_CHARS, LOOK_CHARS, cues
from stages.clean.refusal_features import cues_of, head_tokens, words_of
from stages.clean.refusal_opinion import Opinion
from stages.clean.refusal_points import points_of, total
from stages.clean.refusal_text import (
    BODY_CHARS,
    HEAD_SENTENCES,
    answer_begins,
    lowered,
    quoted,
    sentences,
    words_in,
)

THRESHOLD = 0.3  # probability; chosen in cross-validation by prompt: `benchmarks/train_refusals.py`
# Sum of what the words say, in natural logarithms of odds, below which no rule is asked: of 2,253
# answers that were found in cross-validation by prompt 7 lie there, and 6 % of ordinary ones.
_SILENT = -4.0
_KNOWN = 0.5  # share of the head's words that the model must know to be asked at all
UNSURE = (0.05, 0.8)  # probabilities of a refusal between which a second opinion is asked for
# What the verdict of the rules counts beside the words, in the same unit: on answers of sources
# that the model has not seen it is worth more than learning alone gives it (benchmarks/NOTES.md).
_RULES = 0.87
_PLACES = 14  # points / (points + 14): at the 6 points at which rules decide this is THRESHOLD
_ANSWERED_WORDS = 30  # words left beside the remarks from which on something was answered


class Judgement(NamedTuple):
    """What one text is: none, refusal, boilerplate or cannot; how likely that is; the rule that
    spoke most, the place that shows it, and the features that weighed most; whether it may as well
    be a refusal as none."""

    label: str
    score: float = 0.0
    rule: str = ""
    begin: int = 0
    end: int = 0
    words: tuple[str, ...] = ()
    unsure: bool = False

    def moved(self, by: int) -> Judgement:
        """The same of a text that has so many characters before it."""
        return self._replace(begin=self.begin + by, end=self.end + by) if by else self


NONE = Judgement("none")


def judge_texts(
    texts: Sequence[str],
    prompts: Sequence[str] | None = None,
    threshold: float = THRESHOLD,
    second: Opinion | None = None,
) -> list[Judgement]:
    """One judgement a text; those without any cue are found over the whole column at once.

    prompts: what each was an answer to, '' where that is not known; threshold: the probability
    from which an answer is a refusal; second: who decides what the scorer is unsure of.
    """
    if not texts:
        return []
    begins = [answer_begins(text) if "think>" in text else 0 for text in texts]
    answers = [text[begin:] if begin else text for text, begin in zip(texts, begins, strict=True)]
    asked = list(zip(prompts or [""] * len(texts), answers, strict=True))
    can_be = cues(answers)
    found = [
        judged(answer, prompt, threshold, *its) if any(its) else NONE
        for (prompt, answer), its in zip(asked, can_be, strict=True)
    ]
    rows = [row for row, one in enumerate(found) if one.unsure] if second else []
    for row, chance in zip(rows, second([asked[row] for row in rows]) if second and rows else (),
                           strict=True):  # fmt: skip
        prompt, answer = asked[row]
        found[row] = judged(answer, prompt, threshold, *can_be[row], chance)
    return [one.moved(begin) for one, begin in zip(found, begins, strict=True)]


def judged(
    text: str,
    prompt: str = "",
    threshold: float = THRESHOLD,
    refuses: bool = True,
    lacks: bool = True,
    machine: bool = True,
    second: float | None = None,
) -> Judgement:
    """One answer judged by itself. refuses, lacks, machine: whether there can be such a cue in it;
    second: the probability of a refusal that somebody else gives, which counts from a half on."""
    low = lowered(text)
    spans = sentences(low)
    if not spans:
        return NONE
    tokens = head_tokens(low)
    model = refusal_model.shipped()
    if model.known(tokens) < _KNOWN:
        return by_rules(low, spans, threshold, (refuses, lacks, machine))
    words = words_of(tokens)
    said = model.weighed(words)
    if max(said[0] + model.bias[0], said[1] + model.bias[1]) < _SILENT:
        return _remark(low, spans, 1.0) if machine else NONE
    points, cue = points_of(low, spans, lacks, foreign=False) if refuses else ({}, ("", 0, 0))
    found = cues_of(low, spans, points, prompt, tokens, lacks, machine)
    lack, refusal = model.chances(said, model.weighed(found), ruled(points, cue[0]))
    found |= words
    unsure = second is None and UNSURE[0] < refusal < UNSURE[1]
    if second is not None:
        lack, refusal, threshold = lack / (1 - refusal) * (1 - second), second, 0.5
    if refusal >= threshold:
        most = model.heaviest(found, 1)
        rule, begin, end = cue if cue[0] else ("words", *_place_of(most, low, spans))
        return Judgement("refusal", refusal, rule, begin, end, tuple(most), unsure)
    if lack > 0.5 * (1 - refusal):
        most = model.heaviest(found, 0)
        match = rules.LACK.search(low, *_head(spans)) if lacks else None
        place = match.span() if match else _place_of(most, low, spans)
        rule = "lack" if match else "words"
        return Judgement("cannot", lack, rule, *place, tuple(most), unsure)
    remark = _remark(low, spans, 1 - lack - refusal) if machine else NONE
    return remark._replace(unsure=unsure) if unsure else remark


def ruled(points: Mapping[str, int], rule: str) -> tuple[float, float]:
    """What the rules add to (a lack, a refusal), by their points and the one that spoke most."""
    return 0.0, _RULES if _by_points(points, rule) >= THRESHOLD else -_RULES


def _by_points(points: Mapping[str, int], rule: str) -> float:
    """The probability that the points of the rules stand for; 0 where none found a place."""
    worth = max(0, total(points)) if rule else 0
    return worth / (worth + _PLACES)


def _head(spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    begin = spans[0][0]
    return begin, min(spans[:HEAD_SENTENCES][-1][1], begin + HEAD_CHARS)


def _place_of(words: Sequence[str], low: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Where the strongest words stand in the head; else its first sentence."""
    begin, end = _head(spans)
    for word in words:
        plain = word.removeprefix("^ ")
        at = low.find(plain, begin, end) if plain[0] not in "#?" else -1
        if at >= 0:
            return at, at + len(plain)
    return begin, min(spans[0][1], end)


def _remark(low: str, spans: Sequence[tuple[int, int]], score: float) -> Judgement:
    """Boilerplate where a remark on being a machine stands beside an answer."""
    identity = _identity(low)
    if identity and _answers(low):
        return Judgement("boilerplate", score, "identity", *identity)
    return NONE


def _identity(low: str) -> tuple[int, int] | None:
    """The place of a remark on being a machine that is neither quoted nor a string in a program."""
    found = rules.IDENTITY.search(low, 0, LOOK_CHARS)
    if found is None or low[max(0, found.start() - 1)] in "\"'“":
        return None
    code = rules.CODE.search(low, 0, BODY_CHARS)
    return None if code and code.start() < found.start() else found.span()


def _answers(low: str) -> bool:
    """Whether an answer is left beside the remarks: a list, code or some words."""
    if len(rules.LIST.findall(low, 0, BODY_CHARS)) >= 3 or rules.CODE.search(low, 0, BODY_CHARS):
        return True
    remarks = (rules.IDENTITY, rules.NO_OPINION, rules.LACK, rules.ELSEWHERE)
    rest = 0
    for begin, end in sentences(low, BODY_CHARS):
        sentence = low[begin : min(end, BODY_CHARS)]
        if not any(pattern.search(sentence) for pattern in remarks):
            rest += words_in(sentence)
        if rest >= _ANSWERED_WORDS:
            return True
    return False


def by_rules(
    low: str,
    spans: Sequence[tuple[int, int]],
    threshold: float = THRESHOLD,
    can_be: tuple[bool, bool, bool] = (True, True, True),
) -> Judgement:
    """The judgement of the rules alone, whose points stand for a probability.

    low: an answer as `lowered` gives it; spans: its sentences, at least one; can_be: whether there
    can be a cue of refusing, of lacking, of being a machine.
    """
    refuses, lacks, machine = can_be
    if refuses:
        points, (rule, begin, end) = points_of(low, spans, lacks)
        worth = _by_points(points, rule)
        if worth >= threshold:
            return Judgement("refusal", worth, rule, begin, end)
    identity = _identity(low) if machine else None
    head = _head(spans)
    lack = rules.LACK.search(low, *head) if lacks else None
    opinion = rules.NO_OPINION.search(low, *head)
    if lack and (
        quoted(low, head[0], lack.start())
        or (opinion and lack.start() < opinion.end() and opinion.start() < lack.end())
    ):
        lack = None
    if not identity and not lack:
        return NONE
    answers = _answers(low)
    if identity and answers:
        return Judgement("boilerplate", THRESHOLD, "identity", *identity)
    cue = lack or (opinion if identity else None)
    if cue and not answers:
        return Judgement("cannot", THRESHOLD, "lack" if lack else "no_opinion", *cue.span())
    return NONE
