"""Where a text is code by Markdown's marks: fenced blocks, and spans between equal runs of ticks.

Each finder goes over the text once, whatever it is made of. After CommonMark, but a fence may be
closed by any longer run of ticks and tildes, and a span ends on its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_FENCED = re.compile(r"^ {0,3}(```++|~~~++)[^\n]*+\n.*?(?:^ {0,3}\1[`~]*+[ \t]*+$|\Z)", re.M | re.S)
_TICKS = re.compile("`++")

Span = tuple[int, int]


def fenced(text: str) -> list[Span]:
    """(begin, end) of each fenced block, its fences among it; one left open ends with the text."""
    if "```" in text or "~~~" in text:
        return [match.span() for match in _FENCED.finditer(text)]
    return []


def inline(text: str) -> list[Span]:
    """(begin, end) of each span of inline code.

    A run of ticks opens a span where the line has another of its length further on; else as much
    of its end opens one as has.
    """
    if "`" not in text:
        return []
    spans: list[Span] = []
    line: list[Span] = []  # runs of one line
    for match in _TICKS.finditer(text):
        run = match.span()
        if line and text.find("\n", line[-1][1], run[0]) >= 0:
            spans += _of_line(line)
            line = []
        line.append(run)
    return spans + list(_of_line(line))


def _of_line(runs: list[Span]) -> Iterator[Span]:
    """The spans of a line from its runs of ticks."""
    if len(runs) < 2:
        return
    by_length: dict[int, list[int]] = {}  # runs of a length, the last one first
    for number in range(len(runs) - 1, -1, -1):
        begin, end = runs[number]
        by_length.setdefault(end - begin, []).append(number)
    after = 0  # the first run that no span has taken
    for number, (begin, end) in enumerate(runs):
        if number < after:
            continue
        for length in range(end - begin, 0, -1):
            closing = by_length.get(length)
            while closing and closing[-1] <= number:
                closing.pop()
            if closing:
                after = closing[-1] + 1
                yield end - length, runs[closing[-1]][1]
                break
