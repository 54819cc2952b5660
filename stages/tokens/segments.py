"""What a rendering is made of: stretches of the template and of messages, and what is learned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Segment(NamedTuple):
    """A stretch of a rendering: of the template or of a message, trained on or not. message: the
    number of the message of which it is the content, else -1."""

    text: str
    content: bool
    trained: bool
    message: int = -1


class Rendering(NamedTuple):
    """A conversation as text.

    rendered: characters of each message's texts that it has. thinking: characters of reasoning
    that the template leaves out on purpose. closed: whether a control token ends the last answer.
    tools: whether the tools are there.
    """

    segments: list[Segment]
    rendered: dict[int, int]
    thinking: int = 0
    closed: bool = True
    tools: bool = True


class Wanted(NamedTuple):
    """What is to be trained on: the answers of the messages of these numbers, and of which of them
    only some characters of the content (begin, end, whether they are); contents: messages of which
    the content is, and nothing of the template's."""

    answers: tuple[int, ...]
    details: Mapping[int, Sequence[tuple[int, int, bool]]] = {}
    contents: tuple[int, ...] = ()


class Slot(NamedTuple):
    """Where in a skeleton a message's content goes, and on which sides it is trimmed."""

    message: int
    left: bool
    right: bool
    trained: bool

    def shown(self, content: str) -> str:
        """A content as it stands there."""
        content = content.lstrip() if self.left else content
        return content.rstrip() if self.right else content


class Skeleton(NamedTuple):
    """The rendering of all conversations with the same roles: the template's own stretches, and
    where contents go. hidden: the range of stretches that are left out. closed: whether a control
    token ends the last answer."""

    slots: list[Segment | Slot]
    hidden: tuple[int, int] | None
    closed: bool

    def kept(self) -> list[Segment | Slot]:
        """The stretches without those that are left out."""
        first, last = self.hidden or (0, 0)
        return [*self.slots[:first], *self.slots[last:]]


def filled(slots: Sequence[Segment | Slot], contents: Sequence[str | None]) -> list[Segment]:
    """A skeleton's stretches with contents, by the number of their message, in their places."""
    return [
        slot
        if isinstance(slot, Segment)
        else Segment(slot.shown(contents[slot.message] or ""), True, slot.trained, slot.message)
        for slot in slots
    ]


def control_pattern(special: Iterable[str]) -> re.Pattern[str]:
    """Matches the texts of control tokens, the longest first; nothing when there are none."""
    ordered = sorted(special, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered)) or r"(?!)")
