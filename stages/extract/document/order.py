"""The order in which the lines of a printed page are read.

A PDF file has them as they were drawn, which nearly always is the order of reading, columns
included. What was drawn later into a gap of what stands there already, as browsers draw programs
and typesetters captions, belongs into that gap.
"""

from __future__ import annotations

from collections.abc import Sequence

from stages.extract.document.lines import Line

_MOST = 600  # lines of a page that is looked at: time goes by their square
_FITS = 0.9  # share of lines that must find a gap
_OVER = 0.5  # of a line's height that two lines may share


def reading(lines: Sequence[Line]) -> list[Line]:
    """The lines in the order of reading."""
    if len(lines) > _MOST:
        return list(lines)
    placed: list[Line] = []
    for run in _downward(lines):
        if placed and run[0].base > placed[-1].base and _fits(run, placed):
            for line in run:
                placed.insert(_position(line, placed), line)
        else:
            placed += run
    return placed


def _downward(lines: Sequence[Line]) -> list[list[Line]]:
    """Runs of lines of which each stands below, or beside, the one before."""
    runs: list[list[Line]] = []
    for line in lines:
        if runs and line.base <= runs[-1][-1].base + _OVER * line.size:
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _fits(run: Sequence[Line], placed: Sequence[Line]) -> bool:
    """Whether a run stands in gaps: no line at its height overlaps it, nor stands beside it."""
    free = sum(not any(_level(line, other) for other in placed) for line in run)
    between = any(_over(line, other) and other.base < line.base for line in run for other in placed)
    return between and free >= _FITS * len(run)


def _level(one: Line, other: Line) -> bool:
    return abs(one.base - other.base) < _OVER * min(one.size, other.size)


def _over(one: Line, other: Line) -> bool:
    """Whether two lines stand in one column."""
    return min(one.right, other.right) > max(one.left, other.left)


def _position(line: Line, placed: Sequence[Line]) -> int:
    """Behind the line of the same column that stands next above it; else before the one below."""
    column = [number for number, other in enumerate(placed) if _over(line, other)]
    above = [number for number in column if placed[number].base >= line.base]
    if above:
        return min(above, key=lambda number: (placed[number].base, -number)) + 1
    return column[0] if column else len(placed)
