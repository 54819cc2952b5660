"""Which texts can hold a cue of a refusal, a lack or a machine at all: searched over whole columns.

Most answers hold none of them, and nothing else is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

HEAD_CHARS = 520  # as much of an answer as may decline
LOOK_CHARS = 1500  # cues later than this in an answer are about its subject, not about the answer

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


def cues(texts: Sequence[str]) -> list[tuple[bool, bool, bool]]:
    """Of each text, whether a cue of refusing, of lacking, of being a machine can be in it."""
    array = pa.array(texts, type=pa.string())
    head = pc.utf8_slice_codeunits(array, 0, HEAD_CHARS + 100)
    early = pc.utf8_slice_codeunits(array, 0, LOOK_CHARS + 60)
    found = zip(
        pc.match_substring_regex(head, _REFUSES).to_pylist(),
        pc.match_substring_regex(head, _LACKS).to_pylist(),
        pc.match_substring_regex(early, _MACHINE).to_pylist(),
        strict=True,
    )
    return list(found)
