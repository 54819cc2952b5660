"""Values in words, for people: counts, times, sizes, long values cut."""

from __future__ import annotations

import json
from typing import Any

_LONGEST = 200  # characters of a value that are shown


def number(value: float) -> str:
    """A count with thousands separated."""
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Seconds for people: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60:02d} min"


def rate(done: float, seconds: float) -> str:
    """How fast: 3.2 a second, or 20 s each where that is slower than one a second."""
    if not done or not seconds:
        return ""
    return (
        f"{done / seconds:,.1f} a second" if done >= seconds else f"{duration(seconds / done)} each"
    )


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def percent(part: float, whole: float) -> str:
    """A share: 12 %, 0.4 %."""
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if share >= 10 or share == 0 else f"{share:.1f} %"


def short(value: Any) -> str:
    """A JSON value as text, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
