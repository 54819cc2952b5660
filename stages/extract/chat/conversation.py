"""Messages of people as conversations: cut at pauses, with the turns of user and assistant.

The messages of one person that follow one another are one turn. Who is the assistant is said by
the user; of two people the one who speaks first is the user, the other the assistant; of more
nothing says who answers, so that the conversation is a text that names who speaks.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stages.base import Fault, Item
from stages.counts import TextCount
from stages.place import Place

MESSAGES, _BYTES = 20_000, 4 << 20  # of one conversation; it is cut there
_SHOWN = 20  # speakers in evidence
CUTS = {
    "media": "what stands in the place of pictures, stickers, calls and other attachments",
    "system": "lines about joining, leaving, names, topics, and notices of servers",
    "deleted": "what stands in the place of a deleted message",
    "edited": "the mark of a message that was edited",
    "marks": "codes for colours and letters",
    "unread": "lines that are none of this kind of log",
}
REASONS = {
    "one_sided": "a conversation in which only one side speaks, or only the system does",
}


class Message(NamedTuple):
    """What one line or object of a log says.

    speaker: the name that is shown; empty where nobody speaks. names: all that the speaker is
    called. time: seconds since 1970, or since any day; None where it is not known. removed:
    reason → characters of it that are no text. left_out: what → number of such things.
    """

    offset: int
    size: int
    line: int
    raw: bytes
    speaker: str = ""
    text: str = ""
    time: float | None = None
    names: tuple[str, ...] = ()
    removed: Mapping[str, int] = {}
    left_out: Mapping[str, int] = {}


def silent(bare: Message, time: float | None, text: str, what: str) -> Message:
    """A message that nobody says."""
    return bare._replace(time=time, removed={what: len(text)} if text else {}, left_out={what: 1})


def small(names: Sequence[str]) -> tuple[str, ...]:
    """Names as they are compared."""
    return tuple(name.casefold() for name in names)


@dataclass
class Turns:
    """How conversations become records. gap: seconds of silence that end one. assistant: names of
    those whose turns are the assistant's, in small letters → as they were given; none: see above.
    """

    gap: float
    assistant: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Conversations:
    """Gathers the messages of one chat; gives an item, or a fault, for each conversation.

    meta: what the records say of the chat. dated: whether times are since 1970.
    """

    place: Place
    turns: Turns
    meta: Mapping[str, Any] = field(default_factory=dict)
    dated: bool = True

    def __post_init__(self) -> None:
        self._held: list[Message] = []
        self._bytes = 0
        self._last: float | None = None

    def add(self, message: Message) -> Iterator[Item | Fault]:
        """The conversation that ends before a message, if one does."""
        if self._held and self._ends_before(message):
            yield from self.end()
        self._held.append(message)
        self._bytes += len(message.raw)
        if message.time is not None and message.text:
            self._last = message.time

    def _ends_before(self, message: Message) -> bool:
        if self._bytes + len(message.raw) > _BYTES or len(self._held) >= MESSAGES:
            return True
        if message.time is None or self._last is None or not message.text:
            return False
        return abs(message.time - self._last) > self.turns.gap

    def end(self) -> Iterator[Item | Fault]:
        """The conversation that is under way."""
        held, self._held, self._bytes, self._last = self._held, [], 0, None
        if held:
            yield self._made(held)

    def _made(self, held: Sequence[Message]) -> Item | Fault:
        first, last = held[0], held[-1]
        size = last.offset + last.size - first.offset
        place = Place(self.place.path, self.place.member, first.offset, size, first.line)
        raw = b"\n".join(message.raw for message in held)
        count, left_out = _account(held)
        said = [message for message in held if message.text]
        speakers = list(dict.fromkeys(message.speaker for message in said))
        record, form = self._record(said, speakers)
        if record is None:
            told = {"speakers": speakers[:_SHOWN], "messages": len(said), **left_out}
            names = self.turns.assistant
            if speakers and names and not any(names.keys() & one.names for one in said):
                told["missing"] = [*names.values()]
            text = "\n".join(message.text for message in said[:_SHOWN])
            return Fault(place, "one_sided", told, text, False, raw, count.seen)
        meta: dict[str, Any] = {**self.meta, "participants": speakers}
        if self.dated and (time := next((m.time for m in said if m.time is not None), None)):
            meta["date"] = _day(time)
        if left_out:
            meta["left_out"] = left_out
        made = sum(len(one["content"]) for one in record.get("messages", ()))
        count.added = made + len(record.get("text", "")) - count.kept
        return Item(place, raw, [{**record, "meta": meta}], form, count)

    def _record(
        self, said: Sequence[Message], speakers: Sequence[str]
    ) -> tuple[dict[str, Any] | None, str]:
        """The record of a conversation and how it was understood; None for one side alone."""
        if self.turns.assistant:
            answering = {m.speaker for m in said if self.turns.assistant.keys() & m.names}
        elif len(speakers) > 2:
            lines = (f"{speaker}: {text}" for speaker, text in _joined(said))
            return {"text": "\n".join(lines)}, "text ← messages of more than two, with their names"
        else:
            answering = set(speakers[1:])
        asking = [speaker for speaker in speakers if speaker not in answering]
        if not asking or not answering:
            return None, ""
        turns: list[tuple[str, list[str]]] = []
        for speaker, text in _joined(said):
            role = "assistant" if speaker in answering else "user"
            if role == "user" and len(asking) > 1:
                text = f"{speaker}: {text}"
            if turns and turns[-1][0] == role:
                turns[-1][1].append(text)
            else:
                turns.append((role, [text]))
        messages = [{"role": role, "content": "\n".join(texts)} for role, texts in turns]
        who = (
            "the named are the assistant" if self.turns.assistant else "the second to speak answers"
        )
        several = ", several users with their names" if len(asking) > 1 else ""
        return {"messages": messages}, f"messages ← a chat: {who}{several}"


def _joined(said: Sequence[Message]) -> Iterator[tuple[str, str]]:
    """(speaker, text) of what each says before somebody else speaks."""
    speaker, texts = "", list[str]()
    for message in said:
        if texts and message.speaker != speaker:
            yield speaker, "\n".join(texts)
            texts = []
        speaker = message.speaker
        texts.append(message.text)
    if texts:
        yield speaker, "\n".join(texts)


def _account(held: Sequence[Message]) -> tuple[TextCount, dict[str, int]]:
    """The characters of messages, and the number of things that are left out."""
    count, left_out = TextCount(), dict[str, int]()
    for message in held:
        count.kept += len(message.text)
        for reason, characters in message.removed.items():
            count.remove(reason, characters)
        for what, number in message.left_out.items():
            left_out[what] = left_out.get(what, 0) + number
    count.seen = count.kept + sum(count.removed.values())
    return count, left_out


def _day(time: float) -> str:
    """YYYY-MM-DD of a time."""
    try:
        return datetime.datetime.fromtimestamp(time, datetime.UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return ""
