"""Where a large CSV file may be cut into ranges, and what the reader of a range has to know.

A row begins behind a line end outside of quotes. Whether a place lies in quotes is seen in what
follows it: read the wrong way round, quotes stand within fields, and rows have other widths. What
is found so is a guess; the readers of the ranges prove it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import numpy as np

from stages import ranges
from stages.extract.delimited import clean
from stages.extract.delimited.cells import Dialect
from stages.extract.slices import Longer, outside, places_of

_WINDOWS = (1 << 16, 1 << 20)  # bytes that are looked at for rows: at first, at most


@dataclass(frozen=True)
class Known:
    """What the head of a file says of all of it: dialect; cells of the header, None without one;
    whether lines of windows-1252 are to be expected; where the rows begin."""

    dialect: Dialect
    header: list[str | None] | None
    mixed: bool
    begin: int = 0

    def as_json(self) -> dict[str, Any]:
        """For a part's detail; where the rows begin is of no use in later ranges."""
        return {"dialect": asdict(self.dialect), "header": self.header, "mixed": self.mixed}

    @staticmethod
    def of(told: Mapping[str, Any]) -> Known:
        """What `as_json` told."""
        return Known(Dialect(**told["dialect"]), told["header"], told["mixed"])


def starts(file: BinaryIO, known: Known, size: int, end: int) -> list[int]:
    """The places at which ranges of about `size` bytes begin, in order; the first is 0."""
    found = [0]
    for border in ranges.borders(known.begin, size, end):
        if border <= found[-1]:
            continue
        start = _row_behind(file, border, known.dialect)
        if start == end:
            break
        if start is not None:
            found.append(start)
    return found


def _row_behind(file: BinaryIO, at: int, dialect: Dialect) -> int | None:
    """Where the first row probably begins that begins at a place or behind it."""
    if not dialect.quote:
        return ranges.line_behind(file, at)
    for size in _WINDOWS:
        file.seek(at - 1)
        window = file.read(size)
        found = [(taken, -start) for start, taken in _candidates(window, dialect)]
        if found and max(found)[0]:
            return at - 1 - max(found)[1]
    return None


def _candidates(window: bytes, dialect: Dialect) -> Iterator[tuple[int, int]]:
    """(place in the window, bytes of rows without fault from there on) of the first line that
    begins outside of quotes, where the window begins outside, and where it begins within."""
    data = np.frombuffer(window, np.uint8)
    # no mark is beyond ASCII, and what is no UTF-8 must not count against a place
    window = np.where(data < 0x80, data, ord("x")).astype(np.uint8).tobytes()
    places = places_of(data, 10, *dialect.quote.encode())
    quotes = data[places] != 10
    free = outside(quotes)
    for which in (free, ~free):
        ends = places[which & ~quotes]
        if len(ends):
            start = int(ends[0]) + 1
            yield start, _taken(window[start:], dialect)


def _taken(region: bytes, dialect: Dialect) -> int:
    try:
        found = clean.rows(region, dialect, None, None, 0, 1)
    except Longer:
        return 0
    return 0 if found is None else found[1]
