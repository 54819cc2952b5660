"""Texts of assistants judged: refusal, boilerplate, cannot or none, with points and a place.

The cues of `refusal_rules` are added up by where they stand and what follows. Texts without any
cue are told apart over whole columns first; only the rest is looked at one by one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from stages.clean import refusal_rules as rules

# Points. F1 on XSTest and Do-Not-Answer and the share of ordinary rows flagged, all on the
# development halves that the rules were revised on (2026-11): 5 gives .90, .78, .40 %;
# 6 .89, .79, .34 %; 7 .87, .80, .27 %.
THRESHOLD = 6  # points
_HEAD_SENTENCES = 3
_HEAD_CHARS = 520
_LOOK_CHARS = 1500  # cues later than this in an answer are about its subject, not about the answer
_BODY_CHARS = 4000  # as much of an answer as is looked at to see whether it answers
_SENTENCE = re.compile(r"(?<=[.!?。！？…])[\"')\]]*(?:\s+|(?<=[。！？]))|\n+")


class Judgement(NamedTuple):
    """What one text is: none, refusal, boilerplate or cannot; the strongest cue and its place."""

    label: str
    score: int = 0
    rule: str = ""
    begin: int = 0
    end: int = 0


NONE = Judgement("none")


def lowered(text: str) -> str:
    """Lower case with straight quotes, each character in its place."""
    text = text.translate(rules.STRAIGHT)
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


def sentences(text: str, most: int = _HEAD_CHARS) -> list[tuple[int, int]]:
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


def features(text: str) -> dict[str, int]:
    """The points of each rule on one text (lower-cased); what `judged` adds up."""
    points, _ = _points(text, sentences(text))
    return points


def _points(
    low: str, spans: list[tuple[int, int]], lacks: bool = True
) -> tuple[dict[str, int], tuple[str, int, int]]:
    if not spans:
        return {}, ("", 0, 0)
    first, head = spans[0], spans[1:_HEAD_SENTENCES]
    head_end = min((head or [first])[-1][1], first[0] + _HEAD_CHARS)
    first_end = min(first[1], first[0] + _HEAD_CHARS)
    points: dict[str, int] = {}
    best: tuple[int, str, int, int] = (0, "", 0, 0)
    found = [rule for rule in rules.WONT if rule.pattern.search(low, first[0], head_end)]
    foreign = rules.FOREIGN.search(low, first[0], head_end)
    if not found and not foreign:
        return {}, ("", 0, 0)
    opinion = rules.NO_OPINION.search(low, first[0], head_end)
    for rule in found:
        for begin, end, worth in (
            (first[0], first_end, rule.first),
            (first_end, head_end, rule.head),
        ):
            match = rule.pattern.search(low, begin, end) if begin < end else None
            if match is None:
                continue
            if opinion and match.start() < opinion.end() and opinion.start() < match.end():
                match = rule.pattern.search(low, opinion.end(), end)  # beyond the remark
                if match is None:
                    continue
            if _quoted(low, first[0], match.start()):
                continue
            points[rule.name] = worth
            if worth > best[0]:
                best = (worth, rule.name, match.start(), match.end())
            break
    lack = rules.LACK.search(low, first[0], head_end) if lacks else None
    for rule in rules.ADDED:
        if rule.pattern.search(low, first[0], first_end):
            points[rule.name] = rule.first
        elif head_end > first_end and rule.pattern.search(low, first_end, head_end):
            points[rule.name] = rule.head
    if foreign and not opinion and not lack and not _quoted(low, first[0], foreign.start()):
        points["foreign"] = 7
        if best[0] < 7:
            best = (7, "foreign", foreign.start(), foreign.end())
    if lack:
        points["lack"] = -4 if lack.start() < first_end else -2
    items = len(rules.LIST.findall(low, 0, _BODY_CHARS))
    if items >= 3:
        points["list"] = -3
    if rules.CODE.search(low, 0, _BODY_CHARS):
        points["code"] = -4
    words = len(low) - head_end
    if words > 900:
        points["long"] = -2
    return points, best[1:]


def _quoted(low: str, begin: int, place: int) -> bool:
    """Whether a place stands within double quotes; a text that is quoted as a whole does not."""
    return low.count('"', begin + 1, place) % 2 == 1


DECLINES = (
    "wont",
    "sorry_cannot",
    "wont_bare",
    "short_sorry",
    "not_support",
    "not_comfortable",
    "against_rules",
    "outside",
    "foreign",
)
LECTURES = tuple(rule.name for rule in rules.WONT if rule.name not in DECLINES)


def total(points: Mapping[str, int]) -> int:
    """The points added up.

    Of the cues of refusing the strongest counts, and one point for a second. What contradicts a
    premise speaks for an answer, unless the assistant declines in its own name; what is missing
    speaks for inability, unless a reason of law, ethics or safety stands beside it.
    """
    declines = sorted((points[name] for name in DECLINES if name in points), reverse=True)
    lectures = sorted((points[name] for name in LECTURES if name in points), reverse=True)
    group = sorted([*declines[:2], *lectures[:2]], reverse=True)
    score = (group[0] if group else 0) + (1 if len(group) > 1 else 0)
    for name, worth in points.items():
        if name in DECLINES or name in LECTURES:
            continue
        if name in ("generalize", "not_true"):
            worth = 0 if declines else -worth
        elif name == "lack" and "red_word" in points:
            worth = -1
        elif name == "sympathy" and declines:
            worth = 0
        elif name in ("list", "pivot_offer") and declines and "red_word" in points:
            worth = -1  # a lecture that goes on to what one may do instead
        score += worth
    return score


_ANSWERED_WORDS = 30  # words left beside the remarks from which on something was answered


def judged(
    text: str,
    threshold: int = THRESHOLD,
    refuses: bool = True,
    lacks: bool = True,
    machine: bool = True,
) -> Judgement:
    """One text judged by itself. The last three: whether there can be such a cue in it."""
    low = lowered(text)
    spans = sentences(low)
    if refuses:
        points, (rule, begin, end) = _points(low, spans, lacks)
        score = total(points)
        if rule and score >= threshold:
            return Judgement("refusal", score, rule, begin, end)
    return _remarked(low, spans, lacks, machine) if lacks or machine else NONE


def _remarked(low: str, spans: list[tuple[int, int]], lacks: bool, machine: bool) -> Judgement:
    """Boilerplate when an answer is left beside the remarks, cannot when none is."""
    identity = rules.IDENTITY.search(low, 0, _LOOK_CHARS) if machine else None
    if not spans:
        return NONE
    head_end = min(spans[: _HEAD_SENTENCES - 1][-1][1], spans[0][0] + _HEAD_CHARS)
    lack = rules.LACK.search(low, spans[0][0], head_end) if lacks else None
    if lack and _quoted(low, spans[0][0], lack.start()):
        lack = None
    if not identity and not lack:
        return NONE
    opinion = rules.NO_OPINION.search(low, spans[0][0], head_end)
    code = rules.CODE.search(low, 0, _BODY_CHARS)
    if identity and (
        low[max(0, identity.start() - 1)] in "\"'“" or (code and code.start() < identity.start())
    ):
        identity = None  # quoted, or a string in a program
    if lack and opinion and lack.start() < opinion.end() and opinion.start() < lack.end():
        lack = None
    if not identity and not lack:
        return NONE
    rest = 0
    for begin, end in sentences(low, _BODY_CHARS):
        sentence = low[begin : min(end, _BODY_CHARS)]
        if not any(
            p.search(sentence)
            for p in (rules.IDENTITY, rules.NO_OPINION, rules.LACK, rules.ELSEWHERE)
        ):
            rest += words_in(sentence)
    items = len(rules.LIST.findall(low, 0, _BODY_CHARS))
    answered = rest >= _ANSWERED_WORDS or items >= 3 or code is not None
    if identity and answered:
        return Judgement("boilerplate", rest, "identity", *identity.span())
    cue = lack or (opinion if identity else None)
    if cue and not answered:
        return Judgement("cannot", rest, "lack" if lack else "no_opinion", *cue.span())
    return NONE


_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


def words_in(text: str) -> int:
    """Words; three Chinese or Japanese characters count as two."""
    return len(text.split()) + len(_HAN.findall(text)) * 2 // 3


# RE2 over whole columns finds the texts that a rule can match at all: without a cue of refusing,
# of lacking or of being a machine a text is `none`. No counted repetitions, so that the automaton
# stays small. (28,477 answers: 0.1 to 0.7 CPU-s on a busy machine; the rules alone 6.6)
_REFUSES = (
    r"(?i)\b(?:i|we|model|and)['’, a-z-]*(?:n['’]t\b|\bnot\b|cannot|\bcant\b|unable|unwilling"
    r"|refuse|decline|advise|urge|discourage|caution|warn|never|strongly)"
    r"|sorry|apolog|^\W*(?:unable|cannot|can['’]t|not able|refus)|regret"
    r"|\b(?:is|['’]s|are|be|doing so|purely) (?:[a-z]+ )*(?:illegal|unethical|immoral"
    r"|inappropriate|unlawful|wrong to|against |a crime|crime|criminal|prohibited|violation|"
    r"unacceptable|morally|ethically|offensive|harmful|dangerous and|disrespectful|deeply"
    r"|invasion)|violates?\b|go(?:es)? against|unjustif|justif|strongly"
    r"|(?:not|never|n['’]t)(?: \w+)* (?:appropriate|ethical|acceptable|ok|okay|legal|right"
    r"|respectful|moral|safe|productive|helpful|fair|kind|"
    r"possible for me|within my|advisable|recommended|responsible|constructive|good idea"
    r"|permissible|be)\b"
    r"|no (?:\w+ )?(?:justif|excuse|legitimate|legal)|outside|(?:question|request|statement"
    r"|premise|prompt|idea|notion|assumption|task) (?:is|itself|contains?|appears|seems|promotes"
    r"|perp|impl|does|goes)"
    r"|tut mir|entschuldigung|leider|bedaure|ich (?:kann|darf|werde|möchte)|désol|regrette"
    r"|malheureusement|je ne "
    r"|lo siento|lo lamento|disculpa|perdón|lamentablemente|desafortunadamente|no (?:puedo"
    r"|podemos|voy)"
    r"|抱歉|对不起|對不起|不好意思|遗憾|我(?:无法|不能|不会|拒绝)|作为"
)
_LACKS = (
    r"(?i)\b(?:i|we)\b[^.!?\n]*(?:n['’]t|\bnot|cannot|\bno\b|lack|without"
    r"|unable)\b[^.!?\n]*(?:access|information|context|data|detail|knowledge|background"
    r"|real-?time|"
    r"up-?to-?date|current|experience|body|physical|ability|capabilit|internet|way|content"
    r"|calendar|option|necessary)|\bi(?:['’]m| am)? (?:[a-z]+ )*(?:do not|don['’]t|can['’]t"
    r"|cannot|not) (?:[a-z]+ )*"
    r"(?:know|understand|sure|set|play|see|hear|open|access|predict|browse)|not (?:sure|enough"
    r"|provided|given|included|been)|no (?:\w+ )*(?:is |was |has been )?(?:available|provided"
    r"|given)"
    r"|(?:could|can|would) you |please |cut-?off|no ?output|(?:我|作为[^。]*)(?:无法|不能)|没有|请"
    r"|je n['’]ai|temps réel|pou[rv]+ez|keinen zugriff|könn|no tengo"
)
_MACHINE = (
    r"(?i)\ban? (?:[\w-]+[, ]+)*(?:ai|a\.i\.|artificial intelligence|model|chat ?bot"
    r"|computer program|assistant)\b|\bai (?:assistant|model)|"
    r"assistant (?:created|developed|made|trained)|cut-?off|knowledge update|training update"
    r"|i am a machine|large language model|作为|身为|我是"
    r"|als (?:eine? )?(?:ki|künst|sprach)|ich bin|en tant qu|como "
)


def _cues(texts: Sequence[str]) -> zip[tuple[bool, bool, bool]]:
    array = pa.array(texts, type=pa.string())
    head = pc.utf8_slice_codeunits(array, 0, _HEAD_CHARS + 100)
    early = pc.utf8_slice_codeunits(array, 0, _LOOK_CHARS + 60)
    return zip(
        pc.match_substring_regex(head, _REFUSES).to_pylist(),
        pc.match_substring_regex(head, _LACKS).to_pylist(),
        pc.match_substring_regex(early, _MACHINE).to_pylist(),
        strict=True,
    )


def judge_texts(texts: Sequence[str], threshold: int = THRESHOLD) -> list[Judgement]:
    """One judgement a text; those without any cue are found over the whole column at once."""
    if not texts:
        return []
    return [
        judged(text, threshold, *cues) if any(cues) else NONE
        for text, cues in zip(texts, _cues(texts), strict=True)
    ]


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
    for begin, end in sentences(low)[:_HEAD_SENTENCES]:
        sentence = low[begin : min(end, _BODY_CHARS)]
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
        or rules.LACK.search(low, begin, begin + _HEAD_CHARS)
        or rules.NO_OPINION.search(low, begin, begin + _HEAD_CHARS)
    ):
        return None
    return rest[:1].upper() + rest[1:] if pivot else rest
