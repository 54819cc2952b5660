"""Lines of IRC as HexChat and XChat log them, and mIRC's lines of sessions.

    **** BEGIN LOGGING AT Sun Mar  3 12:00:00 2024
    Mar 03 12:00:05 <ann><tab>text
    Mar 03 12:00:09 *<tab>ann waves                     an action, and with the same mark:
    Mar 03 12:00:11 *<tab>bob (b@host) has joined       what nobody says

The year is that of the line above; months have the names of the writer's language.
"""

from __future__ import annotations

import calendar
import re
from typing import NamedTuple

_LINE = re.compile(
    r"([^\W\d]{2,6}\.?) {1,2}(\d{1,2}) (\d{1,2}):(\d\d)(?::(\d\d))? "
    r"(?:<[ @+%&~!]?([^>\s]+)>|(\*{1,3})|-([^\s-]\S*)-|>(\S+)<)(?:[\t ](.*)|$)"
)
_BEGUN = re.compile(r"(?:\*{4} \S.*|Session \w+:) \S+ (\w{3}) ([ \d]\d) \d\d:\d\d:\d\d (\d{4})\s*$")
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
# What stands behind `*` and is no action: HexChat's and mIRC's words for what happens.
_EVENT = re.compile(
    r"(?:\S+ (?:\([^\s@]+@\S*\) )?(?:has (?:joined|left|quit|kicked|changed the topic|invited)\b"
    r"|(?:is|are) now known as \S+$|was kicked by |sets mode|sets (?:mode|ban|exempt)s? on "
    r"|(?:gives|removes) (?:channel|voice|ban|half|owner|admin)|topic is|set by )"
    r"|Joins: |Parts: |Quits: |(?:Now talking|Rejoined channel) (?:on|in) |Topic (?:for|is|of) "
    r"|(?:You(?:'re| are|'ve| have)|Disconnected|Connected|Connecting|Looking up|Resolved"
    r"|Attempting|Retrieving #|Users on|Set by|Cannot join|Ping reply|Server|Channel)\b"
    r"|\S+ (?:sent|requested|received) a (?:CTCP|DCC)|DCC |CTCP |Received a )"
)


class Line(NamedTuple):
    """month, day, clock (seconds of the day): as the line has them. speaker: none where nobody
    speaks; action: whether the text is what the speaker does."""

    month: str
    day: int
    clock: int
    speaker: str
    text: str
    action: bool


def begun(line: str) -> tuple[int, int, int] | None:
    """(year, month, day) of a line that begins or ends a log or a session."""
    found = _BEGUN.match(line)
    if found is None or found[1] not in _MONTHS:
        return None
    return int(found[3]), _MONTHS[found[1]], int(found[2])


def line_of(line: str) -> Line | None:
    """A line that begins with its month, day and time; None for another."""
    found = _LINE.match(line)
    if found is None:
        return None
    month, day, hour, minute, second, speaker, mark, _, other, text = found.groups()
    clock = 3600 * int(hour) + 60 * int(minute) + int(second or 0)
    text = text or ""
    if mark == "*" and not is_event(text):
        actor, _, rest = text.partition(" ")
        return Line(month, int(day), clock, actor, f"* {actor} {rest}", True)
    return Line(month, int(day), clock, speaker or other or "", text, False)


def is_event(text: str) -> bool:
    """Whether what stands behind a star is what happened, and nothing that somebody does."""
    return _EVENT.match(text) is not None


class Months:
    """Which month a name is: in English, else by the order in which they come; and its year, 0
    where no line told it."""

    def __init__(self) -> None:
        self.year, self._month = 0, 0
        self._names, self._others = dict(_MONTHS), False

    def begin(self, year: int, month: int) -> None:
        """A line that tells year and month."""
        self.year, self._month = year, month

    def number(self, name: str) -> int:
        """The number of a month's name; a name that comes again is the month that it was."""
        month = self._names.get(name := name.rstrip("."))
        if month is None:  # the first is that of the log's begin
            month = self._month % 12 + 1 if self._others or not self._month else self._month
            self._names[name], self._others = month, True
        if self.year and month < self._month - 6:
            self.year += 1
        self._month = month
        return month
