"""Dates that a function reads by a model: TO_DATE of Oracle, PostgreSQL and Db2, STR_TO_DATE of
MySQL, CONVERT of SQL Server. What comes out is ISO 8601; a model or a value that is not understood
to the letter gives nothing, for 01-02-03 says no day by itself.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
# element of a model → (what it says, (pattern, the same where one follows without a border)); what
# may be longer is possessive, so that no model tries a text in many ways
_TWO = (r"\d{1,2}+", r"\d{2}")
_FOUR = (r"\d{4}", r"\d{4}")
_NAME = (r"[^\W\d]++\.?+", r"[^\W\d]++\.?+")
_HALF = (r"[AaPp]\.?[Mm]\.?",) * 2
_ELEMENTS: dict[str, tuple[str, tuple[str, str]]] = {
    "YYYY": ("year", _FOUR),
    "RRRR": ("short year", (r"(?>\d{4}|\d{2})", r"\d{4}")),
    "YY": ("short year", (r"\d{2}", r"\d{2}")),
    "RR": ("round year", (r"\d{2}", r"\d{2}")),
    "MONTH": ("month name", _NAME),
    "MON": ("month name", (_NAME[0], r"[^\W\d]{3}")),
    "MM": ("month", _TWO),
    "DDD": ("day of year", (r"\d{1,3}+", r"\d{3}")),
    "DD": ("day", _TWO),
    "DAY": ("", _NAME),
    "DY": ("", _NAME),
    "HH24": ("hour", _TWO),
    "HH12": ("half hour", _TWO),
    "HH": ("half hour", _TWO),
    "MI": ("minute", _TWO),
    "SSSSS": ("seconds", (r"\d{1,5}+", r"\d{5}")),
    "SS": ("second", _TWO),
    "FF": ("fraction", (r"\d{1,9}+", r"\d{9}")),
    "MS": ("fraction", (r"\d{1,3}+", r"\d{3}")),
    "US": ("fraction", (r"\d{1,6}+", r"\d{6}")),
    "AM": ("half", _HALF),
    "PM": ("half", _HALF),
    "A.M.": ("half", _HALF),
    "P.M.": ("half", _HALF),
    "TZH": ("zone hour", (r"[+-]?+\d{1,2}+", r"[+-]?+\d{2}")),
    "TZM": ("zone minute", _TWO),
    "TZR": ("zone", (r"[\w/+:-]++", r"[\w/+:-]++")),
}
_NUMBERED = {f"FF{n}": ("fraction", (rf"\d{{1,{n}}}+", rf"\d{{{n}}}")) for n in range(1, 10)}
_KNOWN = {**_ELEMENTS, **_NUMBERED}
_ELEMENT = re.compile(
    r'(?P<said>"[^"]*")|(?P<mode>FM|FX)|(?P<element>'
    + "|".join(re.escape(name) for name in sorted(_KNOWN, key=len, reverse=True))
    + r")|(?P<border>[-/,.;: ]+|X(?=FF))|(?P<letter>T(?=HH))",
    re.IGNORECASE,
)
# MySQL's letters, as the elements above
_PERCENT = {
    "Y": "YYYY", "y": "YY", "m": "MM", "c": "MM", "d": "DD", "e": "DD", "M": "MONTH", "b": "MON",
    "H": "HH24", "k": "HH24", "h": "HH12", "I": "HH12", "l": "HH12", "i": "MI", "s": "SS",
    "S": "SS", "f": "FF6", "p": "AM", "a": "DY", "W": "DAY", "j": "DDD",
    "T": "HH24:MI:SS", "r": "HH12:MI:SS AM",
}  # fmt: skip
# What may stand for a border: where it is left out, nothing says where a number ends.
_BORDERS = {"TZH": r"[^\w+-]*+", **dict.fromkeys(("AM", "PM", "A.M", "P.M"), r"\W*+")}
_TIME = {"hour", "half hour", "minute", "second", "seconds", "fraction", "half"}
_ZONE = {"zone", "zone hour", "zone minute"}
# SQL Server's styles without the century; with it they are 100 more and have a year of four digits.
_STYLES = {
    1: "MM/DD/RR", 2: "RR.MM.DD", 3: "DD/MM/RR", 4: "DD.MM.RR", 5: "DD-MM-RR", 6: "DD MON RR",
    7: "MON DD, RR", 10: "MM-DD-RR", 11: "RR/MM/DD", 12: "RRMMDD",
}  # fmt: skip
_WHOLE = {
    0: "MON DD YYYY", 9: "MON DD YYYY", 13: "DD MON YYYY", 20: "YYYY-MM-DD", 21: "YYYY-MM-DD",
    23: "YYYY-MM-DD", 25: "YYYY-MM-DD", 126: 'YYYY-MM-DD', 127: 'YYYY-MM-DD',
}  # fmt: skip
_TIMES = ("", " HH24:MI:SS.FF", '"T"HH24:MI:SS.FF', " HH:MI:SS.FF AM", " HH:MI AM", " HH AM")
_ISO = re.compile(r"\d{4}-\d\d?-\d\d?(?:[ T]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?)?(?:[+-]\d\d:?\d\d|Z)?")
_MOST = 200  # characters of a model or of a date


class _Model(NamedTuple):
    """The pattern of a model, and what each of its groups says."""

    pattern: re.Pattern[str]
    says: tuple[str, ...]


def by_model(text: str, model: str, dialect: str) -> str | None:
    """A date as the server reads it by a model: ISO 8601; None where that is not certain.

    dialect: postgres takes two digits of a year to be near 2020; mysql has models of its own, and
    takes them to be of 1970 to 2069; others take YY to be of this century and RR of 1950 to 2049.
    """
    found = _compiled(_translated(model) if dialect == "mysql" else model)
    whole = text.strip() if len(text) <= _MOST else ""
    match = found.pattern.fullmatch(whole) if found is not None else None
    if found is None or match is None:
        return None
    said = {what: value for what, value in zip(found.says, match.groups(), strict=True) if value}
    return _written(said, dialect)


def by_style(text: str, style: int) -> str | None:
    """A date as SQL Server's CONVERT reads it by the number of a style; None where that is not
    certain."""
    short = _STYLES.get(style % 100) if style < 200 else None
    model = short.replace("RR", "YYYY") if short is not None and style >= 100 else short
    model = model or _WHOLE.get(style if style > 125 else style % 100)
    if model is None:
        return None
    found = (by_model(text, model + time, "mssql") for time in _TIMES)
    return next((date for date in found if date is not None), None)


def is_iso(text: str) -> bool:
    """Whether a text is a date as ISO 8601 has it, so that no model is needed."""
    return _ISO.fullmatch(text.strip()) is not None


def of_bytes(data: bytes, kind: str) -> str | None:
    """A date of SQL Server in its bytes, as its scripts write them: datetime, smalldatetime, date;
    None for bytes that are none."""
    try:
        if kind == "datetime" and len(data) == 8:
            days = int.from_bytes(data[:4], "big", signed=True)
            return _since_1900(days, int.from_bytes(data[4:], "big"), 300)
        if kind == "smalldatetime" and len(data) == 4:
            days = int.from_bytes(data[:2], "big")
            return _since_1900(days, int.from_bytes(data[2:], "big") * 60, 1)
        if kind == "date" and len(data) in (3, 4):
            return datetime.date.fromordinal(int.from_bytes(data[:3], "little") + 1).isoformat()
    except (ValueError, OverflowError):
        return None
    return None


def _since_1900(days: int, ticks: int, rate: int) -> str | None:
    """A day and so many ticks; None for more than a day has, of which there are `rate` a second."""
    if ticks >= 86_400 * rate:
        return None
    passed = datetime.timedelta(days=days, milliseconds=round(ticks * 1000 / rate))
    found = datetime.datetime(1900, 1, 1) + passed
    return found.isoformat(" ", "milliseconds" if found.microsecond else "seconds")


def of_epoch(seconds: str) -> str | None:
    """The moment so many seconds after 1970 began, in UTC."""
    try:
        whole, _, part = seconds.partition(".")
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=int(whole))
    except (ValueError, OverflowError):
        return None
    return f"{moment.isoformat(' ')}{'.' + part if part.strip('0') else ''}+00"


# --- models ---------------------------------------------------------------------------------------


def _translated(model: str) -> str:
    """MySQL's model in the elements of the others; what has none stays, and is not known."""
    return re.sub(r"%(.)", lambda found: _PERCENT.get(found[1], found[0]), model)


@lru_cache(maxsize=256)
def _compiled(model: str) -> _Model | None:
    """The pattern of a model; None for one with an element that is not known, or twice."""
    if len(model) > _MOST:
        return None
    pieces = list(_pieces(model))
    says = tuple(what for what, _ in pieces if what)
    if not pieces or None in says or len(set(says)) < len(says):
        return None
    last = max((n for n, (what, _) in enumerate(pieces) if _of_date(what)), default=-1)
    text = "".join(pattern for _, pattern in pieces[: last + 1])
    behind = pieces[last + 1 :]
    if all(what in _TIME | _ZONE or not what for what, _ in behind):
        # what is left out at the end is midnight
        steps = _steps(behind)
        text += "".join(f"(?:{step}" for step in steps) + ")?" * len(steps)
    return _Model(re.compile(text), says)


def _of_date(what: str | None) -> bool:
    return bool(what) and what not in _TIME | _ZONE


def _steps(pieces: list[tuple[str | None, str]]) -> list[str]:
    """Patterns, each with what stands before its element."""
    steps, held = [], ""
    for what, pattern in pieces:
        held += pattern
        if what:
            steps.append(held)
            held = ""
    return [*steps[:-1], steps[-1] + held] if steps else []


def _pieces(model: str) -> Iterator[tuple[str | None, str]]:
    """(what it says, pattern) of the elements of a model; None: it is not known."""
    at = 0
    while at < len(model):
        found = _ELEMENT.match(model, at)
        if found is None:
            yield None, ""
            return
        at = found.end()
        if found["element"] is not None:
            what, (loose, tight) = _KNOWN[found["element"].upper()]
            following = _ELEMENT.match(model, at)
            glued = following is not None and following["element"] is not None
            pattern = tight if glued else loose
            yield what, f"({pattern})" if what else f"(?:{pattern})"
        elif found["said"] is not None:
            yield "", rf"\s*+{re.escape(found['said'][1:-1].strip())}\s*+"
        elif found["border"] is not None:
            yield "", _BORDERS.get(model[at : at + 3].upper().strip(), r"\W++")
        elif found["letter"] is not None:
            yield "", "T"


def _written(said: Mapping[str, str], dialect: str) -> str | None:
    """The date that the parts of a text say, written as ISO 8601; None when they say none."""
    year = _year(said, dialect)
    if year is None:
        return None
    try:
        day = _day(year, said, dialect)
        clock = _clock(said)
    except ValueError:
        return None
    if day is None or clock is None:
        return None
    zone = said.get("zone", "")
    if "zone hour" in said:
        hours = said["zone hour"]
        sign = hours[0] if hours[0] in "+-" else "+"
        zone = f"{sign}{int(hours.lstrip('+-')):02}:{int(said.get('zone minute', '0')):02}"
    elif zone and zone[0] not in "+-":
        zone = f" {zone}"
    return f"{day.isoformat()}{' ' if clock else ''}{clock}{zone}"


def _year(said: Mapping[str, str], dialect: str) -> int | None:
    """The year; of two digits as the server takes them."""
    text = said.get("year") or said.get("short year") or said.get("round year")
    if text is None or len(text) == 4:
        return None if text is None else int(text)
    turns = {"postgres": 70, "mysql": 70}.get(dialect, 50 if "round year" in said else 100)
    return int(text) + (2000 if int(text) < turns else 1900)


def _day(year: int, said: Mapping[str, str], dialect: str) -> datetime.date | None:
    if "day of year" in said:
        first = datetime.date(year, 1, 1)
        found = first + datetime.timedelta(days=int(said["day of year"]) - 1)
        return found if found.year == year else None
    month = int(said.get("month", "0"))
    if "month name" in said:
        name = said["month name"].rstrip(".").lower()
        named = [n for n, full in enumerate(_MONTHS, 1) if name in (full, full[:3])]
        month = named[0] if named else 0
    if not month or ("day" not in said and dialect == "mysql"):
        return None
    return datetime.date(year, month, int(said.get("day", "1")))


def _clock(said: Mapping[str, str]) -> str | None:
    """The time of the day; empty where nothing says one, None where it is none."""
    if "seconds" in said:
        hour, rest = divmod(int(said["seconds"]), 3600)
        minute, second = divmod(rest, 60)
    elif not _TIME & said.keys():
        return ""
    else:
        hour = int(said.get("hour", said.get("half hour", "0")))
        minute, second = int(said.get("minute", "0")), int(said.get("second", "0"))
        if "half hour" in said:
            if "half" not in said and hour == 12:
                hour = 0
            elif "half" in said:
                hour = hour % 12 + 12 * (said["half"][0] in "Pp") if hour <= 12 else 99
    clock = datetime.time(hour, minute, second).isoformat()
    return f"{clock}.{said['fraction']}" if "fraction" in said else clock
