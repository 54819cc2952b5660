"""Where a text, or a conversation, that is longer than a model may see is cut: nothing is lost.

A text is cut at the last heading that fits, else at the end of a paragraph, of a line (so within no
row of a table and no line of code), of a sentence, of a word. A conversation is cut between turns.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stages.place import Place

LEAST = 0.5  # of the room that a part fills at least, where it can be cut at a better place
_AHEAD = 1000  # characters behind a place that tell what it is: the line of a heading
_CUTS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"\n(?=#{1,6} )|\n(?=[^\n]+\n(?:={3,}|-{3,})$)",  # a heading follows
        r"\n[ \t]*\n\s*",
        r"\n",
        r"[.!?…][\"'»”’)\]]*\s+|[。！？]",
        r"\s+",
    )
)


def ranges(text: str, ends: Sequence[int], room: int, overlap: int = 0) -> list[tuple[int, int]]:
    """(begin, end) of the parts of a text, of at most `room` tokens each, in order.

    ends: where each of its tokens ends, in characters. overlap: tokens of the part before with
    which a part begins, about. Without an overlap the parts together are the text.
    """
    parts: list[tuple[int, int]] = []
    begin = 0
    while True:
        first = bisect_right(ends, begin)
        if len(ends) - first <= room:
            return [*parts, (begin, len(text))]
        low = ends[first + int(room * LEAST)]
        high = max(ends[first + room - 1], begin + 1)
        end = next((at for cut in _CUTS if (at := _last(cut, text, begin, high)) >= low), high)
        parts.append((begin, end))
        back = ends[max(0, bisect_left(ends, end) - overlap)] if overlap else end
        begin = _word(text, max(back, begin + 1), end) if overlap else end


def _last(cut: re.Pattern[str], text: str, begin: int, high: int) -> int:
    """Where the last match that ends by `high` ends; -1 where there is none."""
    last = -1
    for match in cut.finditer(text, begin, high + _AHEAD):
        if match.end() > high:
            break
        last = match.end()
    return last


def _word(text: str, begin: int, end: int) -> int:
    """The next beginning of a word."""
    found = re.compile(r"(?<=\s)\S").search(text, begin, end)
    return found.start() if found else end


def turns(
    messages: Sequence[Mapping[str, Any]],
    room: int,
    size: Callable[[list[Any]], int],
    around: Callable[[list[Any]], int],
) -> tuple[list[list[Any]], list[Any]]:
    """Conversations of whole turns that have room each, and the messages that have it in none.

    A turn begins with a question and ends with an answer; what the system says first is repeated.
    size: tokens of messages; around: at least how many of them are those of the system's.
    """
    first = next((n for n, m in enumerate(messages) if m["role"] != "system"), len(messages))
    head = list(messages[:first])
    found: list[list[Any]] = []
    for message in messages[first:]:
        ended = bool(found) and found[-1][-1]["role"] == "assistant"
        if not found or (ended and message["role"] not in ("assistant", "tool")):
            found.append([])
        found[-1].append(message)
    made: list[list[Any]] = []
    out: list[Any] = []
    held, around_it = 0, around(head)
    for turn in found:
        more = size([*head, *turn])
        if more > room:
            out += turn
            held = room + 1  # what follows has not this turn before it
        elif made and held + more - around_it <= room:
            made[-1] += turn
            held += more - around_it
        elif len(found) == 1 or any(message["role"] == "assistant" for message in turn):
            made.append([*head, *turn])
            held = more
        else:
            out += turn  # a question that nobody answers is no part of its own
    return made, out


def part_of(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A record's row as that of its part of a number, from 1: an id of its own from the second on,
    and the part in the place."""
    made = dict(row)
    if number > 1:
        digest = hashlib.blake2b(f"{row['id']}.{number}".encode(), digest_size=16)
        made["id"] = digest.hexdigest()
    place = Place.parse(row.get("place") or "")
    key = f"part={number}" if place.key is None else f"{place.key},part={number}"
    made["place"] = str(replace(place, table=place.table or "", key=key))
    return made
