"""Which characters of a rendering are a record's own.

The messages are rendered a second time with other characters in place of their own, one for one.
Where that rendering has them, the real one has the record's text; all else is the template's. The
first way of masking leaves nothing of a text but white space around it. Where a template looks at
what it renders, the two renderings differ, and the second way leaves all that a template can look
for: white space, quotes, and every text that the template itself names.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Message = Mapping[str, Any]

# One character a message and field, of the planes that no text uses.
CONTENT, CALL, REASONING = 0xF0000, 0x100000, 0x108000
MOST = 0x7FF0  # messages
_MASK = "\U000f0000-\U000ffffd\U00100000-\U0010fffd"
RUN = re.compile(f"([{_MASK}])\\1*")
_LAST = re.compile(f"[{_MASK}]")

REASONINGS = ("reasoning_content", "thinking", "reasoning")
_CONTROL = '\\x00-\\x1f\\x7f"\\\\'


class Changed(Exception):
    """The two renderings differ in more than the record's own characters."""


class Run(NamedTuple):
    """A stretch of a rendering that is a message's own text. field: CONTENT, CALL or REASONING."""

    begin: int
    end: int
    message: int
    field: int


def field_of(character: str) -> tuple[int, int]:
    """(message, field) of a mask's character."""
    number = ord(character)
    field = CONTENT if number < CALL else CALL if number < REASONING else REASONING
    return number - field, field


class Mask:
    """A way of putting other characters in a text's place."""

    def __init__(self, kept: re.Pattern[str] | None = None) -> None:
        self._kept = kept

    def text(self, text: str, character: str) -> str:
        """A text of the same length that looks alike to a template."""
        core = text.strip()
        if not core:
            return text
        begin = text.index(core)
        masked = character * len(core)
        if self._kept is not None:
            pieces, at = [], 0
            for match in self._kept.finditer(core):
                pieces += [character * (match.start() - at), match[0]]
                at = match.end()
            pieces.append(character * (len(core) - at))
            found = "".join(pieces)
            masked = found if character in found else masked
        return text[:begin] + masked + text[begin + len(core) :]

    def message(self, message: Message, number: int) -> dict[str, Any]:
        """A message, as templates are given it, with its texts masked."""
        masked = dict(message)
        if isinstance(message.get("content"), str):
            masked["content"] = self.text(message["content"], chr(CONTENT + number))
        for key in REASONINGS:
            if isinstance(message.get(key), str):
                masked[key] = self.text(message[key], chr(REASONING + number))
        character = chr(CALL + number)
        if "tool_calls" in message:
            masked["tool_calls"] = [
                self._call(call, character) for call in _listed(message["tool_calls"])
            ]
        if "function_call" in message:
            masked["function_call"] = self._named(message["function_call"], character)
        return masked

    def _call(self, call: Any, character: str) -> Any:
        if not isinstance(call, Mapping):
            return call
        if isinstance(call.get("function"), Mapping):
            return {**call, "function": self._named(call["function"], character)}
        return self._named(call, character)

    def _named(self, function: Any, character: str) -> Any:
        if not isinstance(function, Mapping):
            return function
        return {
            key: self._nested(value, character) if key in ("name", "arguments") else value
            for key, value in function.items()
        }

    def _nested(self, value: Any, character: str) -> Any:
        if isinstance(value, str):
            return self.text(value, character)
        if isinstance(value, Mapping):
            return {key: self._nested(one, character) for key, one in value.items()}
        if isinstance(value, list):
            return [self._nested(one, character) for one in value]
        return value


WHOLE = Mask()


def looking(literals: Iterable[str]) -> Mask:
    """A mask that leaves what a template can look for; literals: the texts that it names."""
    words = {literal.strip() for literal in literals}
    words = {w for w in words if 0 < len(w) <= 100 and (len(w) > 2 or not w.isalnum())}
    named = sorted(words, key=lambda word: (-len(word), word))[:500]
    alternatives = "|".join(map(re.escape, named))
    if alternatives:
        alternatives = f"(?i:{alternatives})|"
    return Mask(re.compile(f"{alternatives}[\\s{_CONTROL}]+"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def runs_of(real: str, shadow: str) -> list[Run]:
    """The masked stretches of a shadow. Changed when the rest is not the real rendering's."""
    if len(real) != len(shadow):
        raise Changed
    found, at = [], 0
    for match in RUN.finditer(shadow):
        begin, end = match.span()
        if real[at:begin] != shadow[at:begin]:
            raise Changed
        found.append(Run(begin, end, *field_of(match[1])))
        at = end
    if real[at:] != shadow[at:]:
        raise Changed
    return found


def tail(shadow: str) -> str:
    """What stands behind the last character of the record's."""
    last = -1
    for last_match in _LAST.finditer(shadow, max(0, len(shadow) - 4096)):
        last = last_match.start()
    if last < 0:
        for last_match in _LAST.finditer(shadow):
            last = last_match.start()
    return shadow[last + 1 :]


def common(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


class Pieces(NamedTuple):
    """Where a text stands in a rendering, and what of it does not. spans: (begin, end, begin in
    the text). lost: (begin, end) in the text of what is nowhere."""

    spans: list[tuple[int, int, int]]
    lost: list[tuple[int, int]]


def pieces_of(text: str, masked: str, runs: Sequence[Run], real: str, shadow: str) -> Pieces:
    """Where a message's text stands, by the runs of its mask. Changed when it is another text."""
    core = masked.strip()
    first = RUN.search(core)
    if not runs or first is None:
        return Pieces([], [(0, len(text))] if text else [])
    lead = masked.index(core)
    begin = runs[0].begin - first.start()
    size = len(core)
    own = text[lead : lead + size]
    if begin >= 0 and shadow[begin : begin + size] == core and real[begin : begin + size] == own:
        last = begin + size
        if begin >= lead and shadow[begin - lead : begin] == masked[:lead]:
            begin, at = begin - lead, 0
        else:
            at = lead
        rest = masked[lead + size :]
        if shadow[last : last + len(rest)] == rest:
            last += len(rest)
        spans = [(begin, last, at)]
        behind = [run for run in runs if run.end > last]
        more = pieces_of(text, masked, behind, real, shadow).spans if behind else []
        return Pieces([*spans, *more], _gaps(text, spans, real))
    spans = []
    here = [match.span() for match in RUN.finditer(masked)]
    beginnings = [a for a, _ in here]
    at = 0
    for run in runs:
        shown = real[run.begin : run.end]
        place = next((n for n in range(at, len(here)) if text[slice(*here[n])] == shown), None)
        if place is None:
            place = next((n for n in range(at) if text[slice(*here[n])] == shown), None)
        if place is None:  # a part of a run
            where = text.find(shown, here[at][0] if at < len(here) else 0)
            where = where if where >= 0 else text.find(shown)
            if where < 0:
                raise Changed
            place = max(0, bisect_left(beginnings, where + 1) - 1)
        else:
            where = here[place][0]
        at = place + 1
        if spans:
            a, b, k = spans[-1]
            between = where - (k + b - a)
            if between >= 0 and real[b : run.begin] == text[k + b - a : where]:
                spans[-1] = (a, run.end, k)
                continue
        spans.append((run.begin, run.end, where))
    return Pieces(spans, _gaps(text, spans, real))


def _gaps(text: str, spans: Sequence[tuple[int, int, int]], real: str) -> list[tuple[int, int]]:
    """What of a text is in no span, and not in the template's own text between them either."""
    lost: list[tuple[int, int]] = []
    at, shown = 0, 0
    ordered = sorted(spans, key=lambda span: span[2])
    for begin, end, where in (*ordered, (len(real), len(real), len(text))):
        if where > at:
            gap = text[at:where]
            core = gap.strip()
            there = real.find(core, max(0, shown - len(gap)), begin + len(gap)) if core else -1
            if there < 0 or not spans:
                lost.append((at, where))
            elif len(core) < len(gap):
                left = at + gap.index(core)
                lost += [(a, b) for a, b in ((at, left), (left + len(core), where)) if a < b]
        at, shown = max(at, where + end - begin), end
    return lost


def texts_of_calls(message: Message) -> Iterator[str]:
    """The texts of the calls of a message that a mask takes the place of."""
    calls = [
        call.get("function", call) if isinstance(call, Mapping) else None
        for call in _listed(message.get("tool_calls"))
    ]
    for function in (*calls, message.get("function_call")):
        if isinstance(function, Mapping):
            waiting = [function.get("name"), function.get("arguments")]
            while waiting:
                value = waiting.pop()
                if isinstance(value, str):
                    yield value
                elif isinstance(value, Mapping):
                    waiting.extend(value.values())
                elif isinstance(value, list):
                    waiting.extend(value)


# --- messages as templates expect them ------------------------------------------------------------


def expanded(message: Message) -> dict[str, Any]:
    """A message as templates are given it: what `extra` holds beside role and content, reasoning
    under the names that templates use, arguments of calls as objects."""
    shown: dict[str, Any] = {"role": message["role"], "content": message["content"]}
    extra = message.get("extra")
    if not extra:
        return shown
    try:
        value = json.loads(extra)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return shown
    shown = {**value, **shown}
    reasoning = next((shown[key] for key in REASONINGS if shown.get(key) is not None), None)
    if reasoning is not None:
        shown = {"thinking": reasoning, **shown, "reasoning_content": reasoning}
    if isinstance(shown.get("tool_calls"), list):
        shown["tool_calls"] = [_parsed(call) for call in shown["tool_calls"]]
    if isinstance(shown.get("function_call"), Mapping):
        shown["function_call"] = _opened(shown["function_call"])
    return shown


def _parsed(call: Any) -> Any:
    if isinstance(call, Mapping) and isinstance(call.get("function"), Mapping):
        return {**call, "function": _opened(call["function"])}
    return _opened(call) if isinstance(call, Mapping) else call


def _opened(function: Mapping[str, Any]) -> dict[str, Any]:
    """A function with its arguments as an object, where they are the JSON text of one."""
    opened = dict(function)
    if isinstance(opened.get("arguments"), str):
        try:
            value = json.loads(opened["arguments"])
        except (ValueError, RecursionError):
            return opened
        if isinstance(value, dict):
            opened["arguments"] = value
    return opened
