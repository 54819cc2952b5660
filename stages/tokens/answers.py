"""Where the answers of a conversation stand in a template's text.

An answer is what the model writes after the beginning that the template gives it, up to the token
that ends its turn. What stands between the record's own characters is the template's: of it, the
rendering of the conversation up to an answer tells how much comes before the answer, and the
rendering up to its end how much comes after it. These are compared with the whole rendering right
before and behind the answer, so that a template may show earlier turns in another way. For a
long conversation one such rendering stands for all places that look alike; where they differ, the
last messages before a place are rendered behind the first of the conversation, if that tells the
same at places that are tried both ways; else each is made, which takes the square of the length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from stages.tokens.shadow import Run, common, tail

WHOLE = 16  # messages up to which a conversation is rendered for each answer
SHAPE = 4  # messages before a place that tell how it looks
# Messages that may be rendered to find the answers of one conversation.
MESSAGES = 2_000_000

Masked = Sequence[Mapping[str, Any]]
Render = Callable[[Masked, bool], str | None]  # None when the template refuses the messages

# Reasoning that is none: a template writes it, and no model should learn to.
_EMPTY = re.compile(r"\s*<((?:seed:)?(?:think|thinking|thought|reasoning))>\s*</\1>\s*")
_BROKEN = re.compile(r"[<\[][^<>\[\]\s]*$")  # a tag that has begun


class TooLong(Exception):
    """The conversation is too long for a template that shows an answer by all that came before."""


class Answer(NamedTuple):
    """Where an answer stands, and whether a control token ends it."""

    begin: int
    end: int
    closed: bool


class Tails:
    """What a template writes behind the first messages of a conversation."""

    def __init__(self, masked: Masked, render: Render) -> None:
        self._masked, self._render = masked, render
        self._left = MESSAGES
        self._made: dict[tuple[int, int, bool], str | None] = {}
        self._places: dict[Any, list[int]] = {}
        if len(masked) > WHOLE:
            self._shapes = [_shape(message) for message in masked]
            for stop in range(WHOLE, len(masked) + 1):
                self._places.setdefault(self._look(stop), []).append(stop)

    def behind(self, stop: int, answer_next: bool) -> str | None:
        """What stands behind the first `stop` messages; None when they are refused."""
        if stop >= WHOLE and len(self._masked) > WHOLE:
            places = self._places[self._look(stop)]
            tried = {*places[:3], places[len(places) // 2], *places[-2:]}
            found = {place: self._of(place, answer_next) for place in sorted(tried)}
            if len(set(found.values())) == 1:
                return found[places[0]]
            # They may differ in what is the messages' own and cannot be masked, as numbers are.
            first = places[0] - SHAPE
            if all(self._behind_first(first, at, answer_next) == found[at] for at in found):
                return self._behind_first(first, stop, answer_next)
        return self._of(stop, answer_next)

    def _behind_first(self, first: int, stop: int, answer_next: bool) -> str | None:
        """What stands behind the SHAPE messages up to `stop`, put behind the first ones."""
        few = [*self._masked[:first], *self._masked[stop - SHAPE : stop]]
        return self._tail((first, stop, answer_next), few, answer_next)

    def _look(self, stop: int) -> Any:
        return tuple(self._shapes[stop - SHAPE : stop])

    def _of(self, stop: int, answer_next: bool) -> str | None:
        return self._tail((0, stop, answer_next), self._masked[:stop], answer_next)

    def _tail(self, key: tuple[int, int, bool], some: Masked, answer_next: bool) -> str | None:
        if key not in self._made:
            self._left -= len(some)
            if self._left < 0:
                raise TooLong
            shadow = self._render(some, answer_next)
            self._made[key] = None if shadow is None else tail(shadow)
        return self._made[key]


def _shape(message: Mapping[str, Any]) -> tuple[Any, ...]:
    content = message.get("content")
    return message["role"], bool(content and content.strip()), tuple(message)


def thinks_nothing(text: str) -> bool:
    """Whether an answer begins with reasoning that is none."""
    return _EMPTY.match(text) is not None


def answers(
    real: str,
    text: str,
    runs: Sequence[Run],
    wanted: Iterable[int],
    tails: Tails,
    special: re.Pattern[str],
) -> dict[int, Answer]:
    """The answers among the messages of the numbers wanted that have text of their own.

    text: the rendering with masks in place of the record's characters, runs: where these are.
    Raises TooLong.
    """
    blocks = [list(block) for _, block in groupby(runs, key=attrgetter("message"))]
    at: dict[int, int] = {}
    for place, block in enumerate(blocks):
        known = at.setdefault(block[0].message, place)
        if _size(block) > _size(blocks[known]):
            at[block[0].message] = place
    found = {}
    for number in wanted:
        if number not in at:
            continue
        place = at[number]
        block = blocks[place]
        before = blocks[place - 1][-1].end if place else 0
        behind = blocks[place + 1][0].begin if place + 1 < len(blocks) else len(text)
        start = _begin(text, before, block[0].begin, tails.behind(number, True))
        if empty := _EMPTY.match(real, start):
            start = empty.end()
        written = tails.behind(number + 1, False)
        # What follows may name the answer's call once more: it is no part of it.
        ends = (run.end for run in reversed(block) if written and text.startswith(written, run.end))
        stop, closed = _end(text, next(ends, block[-1].end), behind, written, special)
        found[number] = Answer(start, stop, closed)
    return found


def _size(block: Sequence[Run]) -> int:
    return sum(run.end - run.begin for run in block)


def _begin(text: str, before: int, begin: int, written: str | None) -> int:
    """Where an answer begins, between the text before it and its own first character."""
    if written is None:
        return begin
    same = common(written, text[before:begin])
    # Where the template begins the answer in another way here, no tag may be cut.
    broken = _BROKEN.search(written[:same]) if same < len(written) else None
    return before + (broken.start() if broken else same)


def _end(
    text: str, end: int, behind: int, written: str | None, special: re.Pattern[str]
) -> tuple[int, bool]:
    """Where an answer ends, and whether a control token ends it."""
    stop = end
    if written is not None:
        stop += common(written, text[end:behind])
        closing = [match.end() for match in special.finditer(text, end, stop)]
        if closing:
            return closing[-1], True
    ended = stop if written is not None and stop == end + len(written) else end
    following = special.search(text, ended, behind)
    if following and not text[ended : following.start()].strip():
        return following.end(), True
    return stop, False
