"""Lines of WhatsApp's exports: those of Android and iOS, with dates as many countries write them.

    12/31/23, 11:59 PM - Ann: text          Android, in the United States
    31.12.23, 23:59 - Ann: text             Germany
    2023/12/31 下午11:59 - Ann: text         Taiwan
    [31/12/2023, 23:59:05] Ann: text        iOS

Lines without a date go on with the message before them. Where a date may be read two ways, the
one is taken in which the first dates of the file go forward.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

_MARKS = "\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
_HALF = r"(?:[AaPp]\.?[ \u00a0\u202f]?[Mm]\.?|上午|下午|오전|오후|午前|午後)"
_BEGIN = re.compile(
    rf"[{_MARKS}]*(?P<open>\[)?"
    r"(?P<a>\d{1,4})(?P<mark>[./\-])[ ]?(?P<b>\d{1,2})(?P=mark)[ ]?(?P<c>\d{1,4})"
    r"\.?,?[ \u00a0\u202f](?:(?:à|a las|um|at|kl\.) )?"
    rf"(?:(?P<before>{_HALF})[ \u00a0\u202f]?)?"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?"
    rf"(?:[ \u00a0\u202f]?(?P<after>{_HALF}))?"
    r"(?(open)\][ ]?|[ \u00a0\u202f][-–][ \u00a0\u202f])"
)
_NAME = re.compile(rf"[{_MARKS}]*~?[ \u00a0\u202f]*([^:\n“”„«»\"]{{1,80}}?): ?")
_PM = frozenset(("下午", "오후", "午後"))
_OMITTED = re.compile(
    r"(?i:<(?=[^<>\n]{4,60}>)[^<>\n]*?(?:medi[aeo]|m[íé]di|multim|медиа|メディア|媒[体體]|미디어|medya)"
    r"[^<>\n]*>)$|"
    rf"[{_MARKS}](?:<[^<>\n]{{3,200}}>|[^\n]{{0,60}}?(?i:omitted|weggelassen|omitid|omis|ocult|omess"
    r"|weggelaten|absent|utelämna|pomini|опущен|忽略|省略|생략)[^\n]{0,20})$"
)
_ATTACHED = re.compile(rf"[{_MARKS}]*[^\s/\\]{{1,120}}\.\w{{2,5}} \([^()\n]{{3,40}}\)$")
_EDITED = re.compile(rf" *(?:<This message was edited>|[{_MARKS}]<[^<>\n]{{8,60}}>)$")
_DELETED = frozenset(
    """this message was deleted
you deleted this message
this message was deleted by admin
diese nachricht wurde gelöscht
du hast diese nachricht gelöscht
se eliminó este mensaje
eliminaste este mensaje
este mensaje fue eliminado
ce message a été supprimé
vous avez supprimé ce message
esta mensagem foi apagada
mensagem apagada
você apagou esta mensagem
questo messaggio è stato eliminato
hai eliminato questo messaggio
dit bericht is verwijderd
u hebt dit bericht verwijderd
данное сообщение удалено
вы удалили данное сообщение
ta wiadomość została usunięta
bu mesaj silindi
此消息已被删除
此訊息已刪除
このメッセージは削除されました
삭제된 메시지입니다
null""".splitlines()
)


class Line:
    """The begin of a message: (year, month, day) as they may be read, seconds of the day, rest."""

    __slots__ = ("american", "numbers", "rest", "seconds")

    def __init__(self, found: re.Match[str], text: str) -> None:
        self.numbers = (int(found["a"]), int(found["b"]), int(found["c"]))
        half = found["before"] or found["after"]
        self.american = half in ("AM", "PM") and found["mark"] == "/"
        hour = int(found["hour"])
        if half is not None:
            late = half in _PM or half[0] in "Pp"
            hour = hour % 12 + 12 * late
        self.seconds = 3600 * hour + 60 * int(found["minute"]) + int(found["second"] or 0)
        self.rest = text[found.end() :]


def line_of(text: str) -> Line | None:
    """The message that begins on a line; None for a line that goes on with the last."""
    found = _BEGIN.match(text)
    return Line(found, text) if found is not None else None


def order_of(lines: Iterable[Line]) -> str:
    """How dates of a file are to be read: dmy, mdy or ymd."""
    begun = list(lines)
    dates = [line.numbers for line in begun]
    if any(first > 31 for first, _, _ in dates):
        return "ymd"
    day_first = any(first > 12 for first, _, _ in dates)
    month_first = any(second > 12 for _, second, _ in dates)
    if day_first != month_first:
        return "dmy" if day_first else "mdy"
    back = {
        order: sum(one > other for one, other in pairwise(days))
        for order in ("dmy", "mdy")
        if (days := [_day(numbers, order) for numbers in dates])
    }
    if back and back["dmy"] != back["mdy"]:
        return min(back, key=lambda order: back[order])
    return "mdy" if any(line.american for line in begun) else "dmy"


def time_of(line: Line, order: str) -> float | None:
    """Seconds since 1970, the clock's time being taken for UTC."""
    year, month, day = _day(line.numbers, order)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return float(calendar.timegm((year, month, 1, 0, 0, 0)) + 86_400 * (day - 1) + line.seconds)


def _day(numbers: tuple[int, int, int], order: str) -> tuple[int, int, int]:
    """(year, month, day)"""
    found = dict(zip(order, numbers, strict=True))
    year = found["y"]
    return (year if year > 99 else 2000 + year), found["m"], found["d"]


def speaker_of(rest: str) -> tuple[str, str]:
    """(speaker, text); no speaker for a line about the chat."""
    found = _NAME.match(rest)
    if found is None:
        return "", rest.strip().strip("".join(_STRIPPED))
    return found[1].strip(), rest[found.end() :]


_STRIPPED = ("\u200e", "\u200f", "\u202a", "\u202c")


def content_of(text: str) -> tuple[str, Mapping[str, int], Mapping[str, int]]:
    """(text, reason → characters that are none, what → number of things left out)."""
    text = text.strip(" \t\n\r")
    removed: dict[str, int] = {}
    left_out: dict[str, int] = {}

    def leave(reason: str, characters: int, what: str) -> None:
        removed[reason] = removed.get(reason, 0) + characters
        left_out[what] = left_out.get(what, 0) + 1

    if (edited := _EDITED.search(text)) is not None and edited.start():
        leave("edited", edited.end() - edited.start(), "edited")
        text = text[: edited.start()].rstrip()
    first, _, rest = text.partition("\n")
    bare = text.strip("".join(_STRIPPED)).rstrip(".").casefold()
    if bare in _DELETED:
        leave("deleted", len(text), "deleted")
        return "", removed, left_out
    if _OMITTED.match(text) is not None:
        leave("media", len(text), "attachments")
        return "", removed, left_out
    if _ATTACHED.match(first) is not None:
        leave("media", len(first), "attachments")
        text = rest.strip()
    elif text[:1] == "\u200e":  # before what WhatsApp itself says
        leave("system", len(text), "system")
        text = ""
    return text, removed, left_out
