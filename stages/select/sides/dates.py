"""Times as data write them: ISO 8601 and its parts, RFC 2822, (milli)seconds since 1970."""

from __future__ import annotations

import datetime
import email.utils
import math
import re
from typing import Any

_UTC = datetime.UTC
_PARTS = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?![\d])")
_NUMBER = re.compile(r"\d{9,14}(\.\d*)?")
_MILLISECONDS = 10**11  # as seconds the year 5138


def seconds(value: Any) -> int | None:
    """Seconds since 1970 in UTC; None for what is no time. A year or month is its beginning."""
    if isinstance(value, str):
        value = value.strip()
        if _NUMBER.fullmatch(value):
            value = float(value)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _of_number(value)
    if isinstance(value, datetime.datetime):
        return _of_time(value)
    if isinstance(value, datetime.date):
        return _of_time(datetime.datetime(value.year, value.month, value.day))
    return _of_text(value) if isinstance(value, str) else None


def _of_number(value: float) -> int | None:
    if not math.isfinite(value):
        return None
    if 1000 <= value <= 2999 and value == int(value):
        return _of_time(datetime.datetime(int(value), 1, 1))
    return int(value / 1000 if abs(value) >= _MILLISECONDS else value)


def _of_text(text: str) -> int | None:
    try:
        return _of_time(datetime.datetime.fromisoformat(text))
    except ValueError:
        pass
    try:
        return _of_time(email.utils.parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError):
        pass
    found = _PARTS.match(text)
    if found is None:
        return None
    year, month, day = (int(part or 1) for part in found.groups())
    try:
        return _of_time(datetime.datetime(year, month, day))
    except ValueError:
        return None


def _of_time(time: datetime.datetime) -> int | None:
    if time.tzinfo is None:
        time = time.replace(tzinfo=_UTC)
    return int((time - datetime.datetime(1970, 1, 1, tzinfo=_UTC)).total_seconds())
