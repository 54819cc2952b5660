"""The text of an item in its order: what its source kept, and what it left out for which reason."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from stages.base import Source, Stage
from stages.place import Place

_SHOWN = 160  # characters of a passage
_MOST = 80  # passages


def told(stage: Stage, place: Place, raw: bytes | None) -> list[str]:
    """A line a passage, neighbours with one reason together; none where the source tells none."""
    if not isinstance(stage, Source) or raw is None:
        return []
    found = [
        (reason, " ".join(text for _, text in group))
        for reason, group in groupby(stage.passages(place, raw), lambda passage: passage[0])
    ]
    if not any(reason for reason, _ in found):
        return []
    width = max(len(reason or "kept") for reason, _ in found)
    lines = ["  in its order:"]
    lines += [f"    {reason or 'kept':{width}} | {_short(text)}" for reason, text in found[:_MOST]]
    rest: Counter[str] = Counter()
    for reason, text in found[_MOST:]:
        rest[reason or "kept"] += len(text)
    if rest:
        words = ", ".join(f"{reason} {size:,}" for reason, size in rest.most_common())
        lines.append(f"    {len(found) - _MOST:,} passages more, in characters: {words}")
    return lines


def _short(text: str) -> str:
    line = " ".join(text[: 4 * _SHOWN].split())  # code has lines of its own
    if len(line) <= _SHOWN and len(text) <= 4 * _SHOWN:
        return line
    return f"{line[:_SHOWN].rstrip()} … ({len(text):,} characters)"
