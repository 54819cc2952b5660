"""A large file of rows as ranges, each read by itself with the outcome of one reader.

A stage guesses where rows begin (`Source.cut`). A range whose reader ended where the range does, at
the end of a row, with nothing on its mind that concerns later rows and without a look behind the
end, proves that the next one begins rightly (`Border`). Any other is read again together with
what follows it, twice as much each time: at worst that is the rest of the file, read as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from stages.base import Part
from stages.stamps import Stamp

_LINES = 1 << 16  # bytes of a file that are looked at for a line's end at once


def cut(
    part: Part, stamp: Stamp | None, starts: Sequence[int], detail: Mapping[str, Any]
) -> list[Part]:
    """A part of one file as the ranges that begin at `starts`, the first of which is where its
    reader begins. stamp: of the file as it was looked at. detail: what the readers of all ranges
    but the first have to know. As it is where there is one range."""
    if len(starts) < 2 or stamp is None:
        return [part]
    (name,) = part.files
    ends = [*starts[1:], stamp[0]]
    return [
        replace(
            part,
            start=start,
            stop=stop,
            detail={"line": 0, **(detail if number else {})},
            stamps={name: stamp},
        )
        for number, (start, stop) in enumerate(zip(starts, ends, strict=True))
    ]


def borders(begin: int, size: int, end: int) -> Iterator[int]:
    """The places near which a file is to be cut: they follow from the size alone, so that what is
    written behind a file's end moves none."""
    at = size * (begin // size + 1)
    while at < end:
        yield at
        at += size


def line_behind(file: BinaryIO, at: int) -> int:
    """Where the first line begins that begins at a place or behind it; the file's end without
    one."""
    at -= 1
    file.seek(at)
    while data := file.read(_LINES):
        found = data.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(data)
    return at


def numbered(parts: Sequence[Part], lines: Sequence[int]) -> list[Part]:
    """Ranges of a file with the lines that they begin on. lines: how many line ends are in each."""
    number, found = 1, []
    for part, count in zip(parts, lines, strict=True):
        found.append(replace(part, detail={**part.detail, "line": number}))
        number += count
    return found


def merged(parts: Sequence[Part], sizes: Sequence[int], over: Sequence[bool]) -> list[int]:
    """Which ranges of a file are to be read as one, after a reading of all. sizes: of how many
    ranges of the first cut each is made; over: whether its reader was. Gives the numbers of ranges
    that go into one, in order; the last is never joined with more."""
    counts, at = [], 0
    while at < len(parts):
        taken = 1
        if over[at]:
            joined = 0
            while at + taken < len(parts) and joined < sizes[at]:
                joined += sizes[at + taken]
                taken += 1
        counts.append(taken)
        at += taken
    return counts


def joined(
    parts: Sequence[Part], sizes: Sequence[int], counts: Sequence[int]
) -> tuple[list[Part], list[int]]:
    """The ranges, of which so many each go into one, and their sizes."""
    longer: list[Part] = []
    larger: list[int] = []
    at = 0
    for count in counts:
        longer.append(replace(parts[at], stop=parts[at + count - 1].stop))
        larger.append(sum(sizes[at : at + count]))
        at += count
    return longer, larger
