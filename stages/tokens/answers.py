"""Where the answers of a conversation stand in a template's text.

An answer is what the model writes after the beginning that the template gives it. That is seen by
rendering the conversation up to the answer, which for every answer of a long one would take the
square of its length: there the answer is rendered after the first messages and a few before it,
and some answers both ways, to see that the template allows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

# A mark: a number between private-use characters, in white space that templates may strip.
MARK = re.compile("(\u2003?)\ue000([0-9]+)\ue001(\u2003?)")
WHOLE = 64  # messages up to which an answer is rendered after all that come before it
COMPARED = 8  # answers of a long conversation that are rendered both ways
NEAR, FAR = 4, 16  # messages before an answer that are rendered
# Messages that may be rendered for answers whose place only the whole conversation tells.
MESSAGES = 2_000_000

Marked = Sequence[Mapping[str, Any]]
Render = Callable[[Marked, bool], str | None]  # None when the template refuses the messages
Span = tuple[int, int]


class TooLong(Exception):
    """The conversation is too long for a template that shows an answer by all that came before."""


class _Open(NamedTuple):
    """Where an answer begins and ends before its last token is looked for; -1: not seen."""

    begin: int
    end: int


class Answers:
    """The answers of one conversation: `marked` messages and their rendering, `text`."""

    def __init__(self, marked: Marked, text: str, render: Render, special: re.Pattern[str]) -> None:
        self._marked, self._text, self._render, self._special = marked, text, render, special
        self._at: dict[int, Span] = {}
        for match in MARK.finditer(text):
            self._at.setdefault(int(match[2]), match.span())
        self._left = MESSAGES
        # A conversation that could begin anew begins so: up to its first question.
        roles = [message["role"] for message in marked]
        self._head = roles.index("user") + 1 if "user" in roles[:WHOLE] else 1

    def spans(self) -> list[Span]:
        """(begin, end) of every answer that is there, in order. Raises TooLong."""
        numbers = [n for n, message in enumerate(self._marked) if message["role"] == "assistant"]
        near = [number for number in numbers if number >= WHOLE]
        step = max(1, len(near) // COMPARED)
        known = {number: self._by_all(number) for number in {*near[::step], *near[-2:]}}
        apart = all(
            (seen := self._by_near(number)) is None or seen == known[number] for number in known
        )
        spans = []
        for number in numbers:
            found = known.get(number)
            if found is None and apart and number >= WHOLE:
                found = self._by_near(number)
            spans.append(self._closed(number, found or self._by_all(number)))
        return spans

    def _closed(self, number: int, found: _Open) -> Span:
        begin, end = found
        if begin < 0 or begin >= end:
            # The template shows earlier turns differently: from the content to the next token.
            if number not in self._at:
                return 0, 0
            begin, end = self._at[number]
            following = self._special.search(self._text, end)
            return begin, following.end() if following else end
        closing = [match.end() for match in self._special.finditer(self._text, begin, end)]
        return begin, closing[-1] if closing else end

    def _by_all(self, number: int) -> _Open:
        self._left -= 2 * number
        if self._left < 0:
            raise TooLong
        before = self._render(self._marked[:number], True)
        after = self._render(self._marked[: number + 1], False)
        if before and after and self._text.startswith(before) and self._text.startswith(after):
            return _Open(len(before), len(after))
        return _Open(-1, -1)

    def _by_near(self, number: int) -> _Open | None:
        """As `_by_all`, by the head and a few messages; None when that cannot be told."""
        marked, head = self._marked, self._head
        for first in range(number - NEAR, max(number - FAR, head), -1):
            fits = (first - head) % 2 == 0 and marked[first]["role"] == marked[head]["role"]
            if fits and first in self._at:
                break
        else:
            return None
        before = self._render([*marked[:head], *marked[first:number]], True)
        after = self._render([*marked[:head], *marked[first : number + 1]], False)
        if before is None or after is None:
            return None
        ends = [self._end(first, before), self._end(first, after)]
        return _Open(-1, -1) if -1 in ends else _Open(*ends)

    def _end(self, first: int, rendered: str) -> int:
        """Where a rendering from message `first` on ends in the text; -1 if it is not there."""
        mark = f"\ue000{first}\ue001"
        begin, here = rendered.find(mark), self._text.find(mark, *self._at[first])
        return (
            here + len(rendered) - begin
            if begin >= 0 and self._text.startswith(rendered[begin:], here)
            else -1
        )
