"""Lines of IRC as irssi, WeeChat, ZNC and mIRC log them; HexChat's are in hexchat.py.

    12:00 <@ann> text                       irssi; days in lines of their own
    2024-01-01 12:00:00<tab>@ann<tab>text   WeeChat
    [12:00:00] <ann> text                   ZNC, whose day is the file's name; mIRC, with sessions

What nobody says (joins, topics, notices of servers) has no speaker; an action is what is said.
"""

from __future__ import annotations

import calendar
import re
import time
from typing import NamedTuple

from stages.extract.chat import hexchat

_CLOCK = r"(\d{1,2}):(\d\d)(?::(\d\d))?"
_IRSSI = re.compile(
    rf"{_CLOCK} (?:<[ @+%&~!]?([^>\s]+)> ?|( \* )(\S+) ?|(?:-!-|[-!]).*?(?= |$) ?)(.*)"
)
_ZNC = re.compile(rf"\[{_CLOCK}\] (?:<[ @+%&~!]?([^>\s]+)> ?|(\* )(\S+) ?|(?:\*\*\*|-\S+-) ?)(.*)")
_WEECHAT = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\t([^\t]*)\t(.*)")
_OPENED = re.compile(r"--- Log opened \w{3} (\w{3}) (\d\d) [\d:]+ (\d{4})")
_CHANGED = re.compile(r"--- Day changed \w{3} (\w{3}) (\d\d) (\d{4})")
_NAMED = re.compile(r"(?<!\d)(\d{4})-?(\d\d)-?(\d\d)(?!\d)")
_KNOWN_AS = re.compile(r"(?:\*\*\* )?(\S+) (?:is|are) now known as (\S+)")
_YOU_ARE = re.compile(r"You(?:'re| are) now known as (\S+)")
_CODES = re.compile(
    "\x03(?:\\d{1,2}(?:,\\d{1,2})?)?|\x04[0-9a-fA-F]{0,6}|[\x02\x0f\x11\x16\x1d\x1e\x1f]"
)
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_SILENT = ("-->", "<--", "--", "=!=", "", "-", "--\u2009")


class Said(NamedTuple):
    """speaker: empty where nobody speaks. renamed: (old, new) where a name changes. codes:
    characters of colours and such that were in the text."""

    speaker: str
    text: str
    time: float | None
    codes: int = 0
    renamed: tuple[str, str] | None = None


def kind_of(line: str) -> str | None:
    """irssi, weechat, znc or hexchat, by one line."""
    if _WEECHAT.match(line):
        return "weechat"
    if _ZNC.match(line):
        return "znc"
    if hexchat.line_of(line) or hexchat.begun(line):
        return "hexchat"
    return "irssi" if _IRSSI.match(line) or _OPENED.match(line) or _CHANGED.match(line) else None


class Log:
    """Reads the lines of one log. name: of its file, which may hold the day.

    dated: whether the days are known; else times are counted from the file's first.
    """

    def __init__(self, name: str) -> None:
        found = _NAMED.search(name.rpartition("/")[2])
        self._day = _day(*map(int, found.groups())) if found is not None else None
        self._last = -1
        self._months = hexchat.Months()

    @property
    def dated(self) -> bool:
        """Whether a day was told so far."""
        return self._day is not None and self._day > 366 * 86_400

    def read(self, line: str) -> Said | None:
        """What a line says; None for one that is no line of a log."""
        if found := _OPENED.match(line) or _CHANGED.match(line):
            month, day, year = found.groups()
            self._day = _day(int(year), _MONTHS.get(month, 1), int(day))
            self._last = -1
            return Said("", line, None)
        if line.startswith("--- "):
            return Said("", line, None)
        if told := hexchat.begun(line):
            self._months.begin(*told[:2])
            self._day, self._last = _day(*told), -1
            return Said("", line, None)
        if found := _WEECHAT.match(line):
            return self._weechat(found)
        if written := hexchat.line_of(line):
            return self._hexchat(written)
        found = _ZNC.match(line) or _IRSSI.match(line)
        if found is None:
            return None
        hour, minute, second, speaker, action, actor, text = found.groups()
        at = self._at(3600 * int(hour) + 60 * int(minute) + int(second or 0))
        mirc = found.re is _ZNC and action is not None and hexchat.is_event(f"{actor} {text}")
        if action is not None and not mirc:
            return _said(actor, f"* {actor} {text}", at)
        if speaker is not None:
            return _said(speaker, text, at)
        if mirc:  # its mark of what happens is that of an action
            text = f"{actor} {text}"
        return Said("", text, at, renamed=_renamed(text))

    def _hexchat(self, line: hexchat.Line) -> Said:
        month = self._months.number(line.month)
        self._day = _day(self._months.year or 1970, month, line.day)
        at = float(self._day + line.clock)
        if line.speaker:
            return _said(line.speaker, line.text, at)
        return Said("", line.text, at, renamed=_renamed(line.text))

    def _at(self, clock: int) -> float:
        """Where no line tells of a new day, one begins when the clock goes back."""
        if self._day is None:
            self._day = 0
        if clock < self._last - 3600:
            self._day += 86_400
        self._last = clock
        return float(self._day + clock)

    def _weechat(self, found: re.Match[str]) -> Said:
        year, month, day, hour, minute, second = map(int, found.groups()[:6])
        prefix, text = found[7].strip(), found[8]
        self._day = _day(year, month, day)
        at = float(self._day + 3600 * hour + 60 * minute + second)
        if prefix == "*":
            actor = text.partition(" ")[0]
            return _said(actor, f"* {text}", at)
        if prefix in _SILENT:
            return Said("", text, at, renamed=_renamed(text))
        return _said(prefix.lstrip("@+%&~!"), text, at)


def _said(speaker: str, text: str, at: float) -> Said:
    bare = _CODES.sub("", text)
    return Said(speaker, bare.strip(), at, len(text) - len(bare))


def _renamed(text: str) -> tuple[str, str] | None:
    found = _KNOWN_AS.match(text)
    return (found[1], found[2]) if found is not None and not _YOU_ARE.match(text) else None


def _day(year: int, month: int, day: int) -> int:
    """Seconds since 1970 at the begin of a day."""
    try:
        return calendar.timegm(
            time.struct_time((year, max(1, min(month, 12)), day, 0, 0, 0, 0, 0, 0))
        )
    except (ValueError, OverflowError):
        return 0
