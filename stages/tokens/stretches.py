"""A rendering cut into stretches: whose text each is, and whether it is learned."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import itemgetter

from stages.tokens.shadow import Pieces


def unlearned(
    details: Sequence[tuple[int, int, bool]], text: str, pieces: Pieces
) -> list[tuple[int, int]]:
    """Where in a rendering the characters of a content stand that are not to be learned."""
    off = []
    for begin, end, learned in _filled(details, len(text)):
        for first, last, at in () if learned else pieces.spans:
            low, high = max(begin, at), min(end, at + last - first)
            if low < high:
                off.append((first + low - at, first + high - at))
    return off


def _filled(details: Sequence[tuple[int, int, bool]], size: int) -> list[tuple[int, int, bool]]:
    """Details with what lies between them, which is the contrary (as Axolotl has it)."""
    out: list[tuple[int, int, bool]] = []
    at = 0
    for begin, end, learned in sorted(details):
        if begin > at:
            out.append((at, begin, not (out[-1][2] if out else learned)))
        out.append((begin, end, learned))
        at = max(at, end)
    return [*out, (at, size, not out[-1][2])] if at < size else out


def without(
    spans: Sequence[tuple[int, int]], off: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    left = list(spans)
    for low, high in off:
        left = [
            part
            for begin, end in left
            for part in ((begin, min(end, low)), (max(begin, high), end))
            if part[0] < part[1]
        ]
    return left


def apart(contents: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Sorted stretches, none of which overlaps the one before."""
    out: list[tuple[int, int, int]] = []
    at = 0
    for begin, end, number in contents:
        begin = max(begin, at)
        if begin < end:
            out.append((begin, end, number))
            at = end
    return out


def snapped(span: tuple[int, int], marks: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
    """A span whose ends are in no mark."""
    places = []
    for side, place in enumerate(span):
        at = bisect_right(marks, place, key=itemgetter(0)) - 1
        inside = at >= 0 and marks[at][0] < place < marks[at][1]
        places.append(marks[at][side] if inside else place)
    return places[0], places[1]


def stretches(
    length: int,
    contents: Sequence[tuple[int, int, int]],
    trained: Sequence[tuple[int, int]],
    hidden: tuple[int, int] | None,
) -> Iterator[tuple[int, int, int | None, bool, bool]]:
    """(begin, end, message, trained, hidden) of the stretches of a rendering."""
    cuts = {0, length, *(hidden or ())}
    for begin, end in (*trained, *((a, b) for a, b, _ in contents)):
        cuts |= {begin, end}
    learned = _Within(trained)
    left = iter(contents)
    current = next(left, None)
    for begin, end in pairwise(sorted(cuts)):
        while current is not None and current[1] <= begin:
            current = next(left, None)
        number = current[2] if current is not None and current[0] <= begin else None
        out = hidden is not None and hidden[0] <= begin and end <= hidden[1]
        yield begin, end, number, learned(begin, end), out


class _Within:
    """Whether a stretch lies within one of many; asked for in order."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._waiting = sorted(spans, reverse=True)
        self._reach = -1  # the farthest end of those that have begun

    def __call__(self, begin: int, end: int) -> bool:
        while self._waiting and self._waiting[-1][0] <= begin:
            self._reach = max(self._reach, self._waiting.pop()[1])
        return end <= self._reach
