"""A text of Markdown cut at its headings, with the path of headings that leads to each section."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_LINE = re.compile(r"[^\r\n]*+(?:\r\n|\r|\n)|[^\r\n]++")
_FENCE = re.compile(r" {0,3}(`{3,}+(?!.*`)|~{3,}+)")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*)|$)")
_CLOSING = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(?:(=+)|-+)[ \t]*$")
# What is no paragraph, so that a line of dashes below it is a rule.
_NO_PARAGRAPH = re.compile(r" {4}|\t| {0,3}(?:[#>|]|[-*+] |\d{1,9}[.)] |`{3}|~{3}|<!--|-+[ \t]*$)")
_ATTRIBUTES = re.compile(r"[ \t]*\{[#.:][^{}]*\}$")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_MARKS = re.compile(r"\*\*|__|[*`]|(?<!\w)_|_(?!\w)|\\(?=[#*_`\[\]<>.()-])")
_LONGEST = 1000  # characters of a heading in meta


class Heading(NamedTuple):
    """A heading: where its first line begins, and where the line behind it; level 1 to 6."""

    start: int
    stop: int
    level: int
    text: str


class Section(NamedTuple):
    """start, stop: characters of the text. headings: the path to it, its own heading last.

    body: whether anything but a heading stands in it.
    """

    start: int
    stop: int
    headings: tuple[str, ...] = ()
    body: bool = True


def headings(text: str, begin: int = 0) -> Iterator[Heading]:
    """The headings of a text from `begin`: `#` and underlined ones, none in fences of code."""
    at = begin
    fence = ""
    before: tuple[int, str] | None = None  # a paragraph of one line, above this one
    inside = False  # a paragraph of several
    for line in map(re.Match.group, _LINE.finditer(text, begin)):
        start, at = at, at + len(line)
        bare = line.rstrip("\r\n")
        if fence:
            if (mark := _FENCE.match(bare)) and mark[1].startswith(fence):
                fence = "" if not bare.strip().strip(fence[0]) else fence
            continue
        if mark := _FENCE.match(bare):
            fence, before, inside = mark[1], None, False
            continue
        if found := _ATX.match(bare):
            yield Heading(start, at, len(found[1]), _words(found[2] or ""))
            before, inside = None, False
            continue
        if before is not None and (under := _UNDERLINE.match(bare)):
            yield Heading(before[0], at, 1 if under[1] else 2, _words(before[1]))
            before, inside = None, False
            continue
        if not bare.strip() or _NO_PARAGRAPH.match(bare):
            before, inside = None, bool(bare.strip())
            continue
        before, inside = None if inside or before is not None else (start, bare), True


def _words(written: str) -> str:
    """The words of a heading without their marks."""
    if len(written) > _LONGEST:
        return written[:_LONGEST].strip()
    bare = _ATTRIBUTES.sub("", _CLOSING.sub("", written.strip()))
    return _MARKS.sub("", _LINK.sub(r"\1", bare)).strip() or bare


def by_heading(text: str, found: Iterable[Heading], level: int, begin: int = 0) -> list[Section]:
    """The sections of a text: what stands before the first heading, then one for each heading
    down to a level. Together they are the whole text from `begin`."""
    made: list[Section] = []
    start = body = begin
    path: list[tuple[int, str]] = []
    for heading in found:
        if heading.level > level:
            continue
        made.append(_section(text, start, body, heading.start, path))
        while path and path[-1][0] >= heading.level:
            path.pop()
        path.append((heading.level, heading.text))
        start, body = heading.start, heading.stop
    made.append(_section(text, start, body, len(text), path))
    return made


def _section(
    text: str, start: int, body: int, stop: int, path: Sequence[tuple[int, str]]
) -> Section:
    names = tuple(name for _, name in path if name)
    return Section(start, stop, names, bool(text[body:stop].strip()))


def by_page(text: str, begin: int = 0) -> list[Section]:
    """The pages of a text from `begin`, between form feeds."""
    found: list[Section] = []
    for page in text[begin:].split("\f"):
        found.append(Section(begin, begin + len(page)))
        begin += len(page) + 1
    return found
