"""Lines of wikitext as Markdown: headings, lists, tables, programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from stages.extract.webpage import tables
from stages.extract.webpage.tree import nonspace
from stages.extract.xmldump.wikitext import EMPHASIS, Wikitext, read

_ITEM = re.compile(r"([*#:;]+)\s*(.*)")
_RULE = re.compile(r"-{4,}")
_SPAN = re.compile(r"""colspan\s*=\s*["']?(\d{1,3})""")
_LONGEST = 1 << 10  # characters of a heading, and of the attributes of a cell
_WIDEST = 63  # columns of one cell
_EMPTY = re.compile(f"{EMPHASIS}+|`{{2}}")


class Made(NamedTuple):
    """markdown; kept: characters of it that are the page's, without white space; removed: reason →
    characters of the source that are not in it; categories."""

    markdown: str
    kept: int
    removed: dict[str, int]
    categories: list[str]


def markdown(source: str) -> Made:
    """A page's wikitext as Markdown, with the account of its characters without white space."""
    page = read(source)
    lines = _Lines(page)
    text = _BREAKS.sub("\n\n", "\n".join(_without_empty(lines.read(), page))).strip("\n").rstrip()
    marks = sum(nonspace(mark) for mark in _ADDED.findall(text))
    text = page.restored(text)
    removed = dict(page.removed)
    kept = nonspace(text) - marks
    rest = nonspace(source) - kept - sum(removed.values())
    if rest < 0:  # marks that stand for shorter ones
        kept += rest
        rest = 0
    if rest:
        removed["markup"] = removed.get("markup", 0) + rest
    return Made(text, kept, removed, page.categories)


_BREAKS = re.compile(r"\n{3,}")
# What Markdown has and a page's text has not.
_ADDED = re.compile(
    rf"(?m)^#{{1,6}} |^ *- |^ *\d{{1,6}}\. |^\| |^\|(?: --- \|)+$| \|(?= |$)|{EMPHASIS}{{1,3}}"
)


class _Lines:
    def __init__(self, page: Wikitext) -> None:
        self._lines = page.text.split("\n")
        self._numbers: list[tuple[str, int]] = []  # mark and number of each open list

    def read(self) -> Iterator[str]:
        """Lines of Markdown, with empty ones between paragraphs."""
        at = 0
        while at < len(self._lines):
            line = self._lines[at]
            if line.lstrip(" :").startswith("{|"):
                at, rows = self._table(at)
                yield from ("", *rows, "")
                self._numbers = []
                continue
            at += 1
            yield from self._line(line)

    def _line(self, line: str) -> Iterator[str]:
        bare = line.strip()
        if not bare:
            self._numbers = []
            yield ""
            return
        if (heading := _heading(bare)) is not None:
            self._numbers = []
            yield from ("", heading, "")
            return
        item = _ITEM.match(line)
        if item is not None:
            yield from self._item(item[1], item[2].strip())
            return
        self._numbers = []
        if _RULE.match(bare):
            bare = bare.lstrip("-").strip()
        yield " ".join(bare.split())

    def _item(self, marks: str, text: str) -> Iterator[str]:
        marks = marks[:32]
        if not text:
            return
        if marks[-1] in ":;":  # indented, or a term: no item of a list
            told = ""
            if marks[-1] == ";":  # what it means may stand on the same line
                text, _, told = text.partition(" : ")
            strong = EMPHASIS * 2 if marks[-1] == ";" and EMPHASIS not in text else ""
            yield from ("", f"{strong}{text}{strong}")
            yield from ("", told) if told else ()
            return
        depth = len(marks)
        same = 0
        while same < min(depth, len(self._numbers)) and self._numbers[same][0] == marks[same]:
            same += 1
        del self._numbers[same:]
        if same == depth:
            self._numbers[-1] = (marks[-1], self._numbers[-1][1] + 1)
        else:
            self._numbers += [(mark, 1) for mark in marks[same:]]
        mark = "- " if marks[-1] == "*" else f"{self._numbers[-1][1]}. "
        yield "    " * (depth - 1) + mark + text

    def _table(self, at: int) -> tuple[int, list[str]]:
        """The rows of a table that begins on a line, and the line behind it."""
        table = _Table()
        depth = 0
        while at < len(self._lines):
            line = self._lines[at].strip().lstrip(":").strip()
            at += 1
            if line.startswith("{|"):
                depth += 1
                continue
            if line.startswith("|}"):
                depth -= 1
                if not depth:
                    table.go_on(line[2:])
                    return at, table.rows()
                continue
            if depth == 1:
                table.line(line)
            else:
                table.go_on(line.lstrip("|!-+").strip())
        return at, table.rows()


class _Table:
    def __init__(self) -> None:
        self._caption = ""
        self._rows: list[list[list[str]]] = [[]]
        self._cell: list[str] | None = None

    def line(self, line: str) -> None:
        """One more line between the marks of the table."""
        if line.startswith("|-"):
            self._rows.append([])
            self._cell = None
        elif line.startswith("|+"):
            self._caption = _without_attributes(line[2:])[0]
        elif line[:1] in ("|", "!"):
            bars = "||" if line[0] == "|" else "!!" if "!!" in line else "||"
            for cell in line[1:].split(bars):
                text, span = _without_attributes(cell)
                self._cell = [text]
                self._rows[-1].append(self._cell)
                self._rows[-1] += [[""] for _ in range(span - 1)]
        else:
            self.go_on(line)

    def go_on(self, text: str) -> None:
        """Text that belongs to the cell before it."""
        if text and self._cell is not None:
            self._cell.append(_ITEM.sub(r"\2", text) if _ITEM.match(text) else text)

    def rows(self) -> list[str]:
        """Rows of Markdown, of one width."""
        rows = [[" ".join(filter(None, cell)).strip() for cell in row] for row in self._rows]
        rows = [row for row in rows if any(row)]
        width = max(map(len, rows), default=0)
        made = [self._caption, ""] if self._caption else []
        pad = sum(width - len(row) for row in rows) <= tables.MOST
        for number, row in enumerate(rows):
            cells = row + [""] * (width - len(row) if pad else 0)
            made.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
            if not number:
                made.append("|" + " --- |" * len(cells))
        return made


def _without_attributes(cell: str) -> tuple[str, int]:
    """(text, columns) of a cell."""
    before, bar, text = cell.partition("|")
    if not bar or "=" not in before or "[" in before or len(before) > _LONGEST:
        return cell.strip(), 1
    span = _SPAN.search(before)
    return text.strip(), max(1, min(int(span[1]), _WIDEST)) if span else 1


def _heading(line: str) -> str | None:
    """A heading of Markdown for `== text ==`."""
    if line[0] != "=" or line[-1] != "=" or len(line) > _LONGEST:
        return None
    before = len(line) - len(line.lstrip("="))
    level = min(before, len(line) - len(line.rstrip("=")), 6)
    text = line[level : len(line) - level].replace(EMPHASIS, "").strip()
    return "#" * level + " " + text if text else None


def _without_empty(lines: Iterator[str], page: Wikitext) -> Iterator[str]:
    """Lines without headings that nothing follows, which are counted."""
    waiting: list[tuple[int, str]] = []
    for line in lines:
        line = _EMPTY.sub("", line) if not line.strip(f"{EMPHASIS}` ") else line
        level = len(line) - len(line.lstrip("#")) if line.startswith("#") else 0
        if level and line[level : level + 1] == " ":
            while waiting and waiting[-1][0] >= level:
                _drop(waiting.pop()[1], page)
            waiting.append((level, line))
        elif line.strip():
            for _, heading in waiting:
                yield from (heading, "")
            waiting = []
            yield line
        elif not waiting:
            yield line
    for _, heading in waiting:
        _drop(heading, page)


def _drop(heading: str, page: Wikitext) -> None:
    size = nonspace(heading.lstrip("# "))
    page.removed["heading"] = page.removed.get("heading", 0) + size
