"""Rows of tables: CSV with any delimiter, decimal commas, Markdown, columns at distances, HTML."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import pairwise

from stages.curves.columns import Row, role

LOOKED = 200  # lines in which a table's head is looked for
WIDE = 1 << 16  # characters of a line of a table
DISTANCES = "  "
STYLES = (",", ";", "\t", "|", DISTANCES)
_RULE = re.compile(r"[\s|:+\-=]+")  # the line below the head of a table in Markdown
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,(?:\d{1,2}|\d{4,})(?:[eE][-+]?\d+)?")


def table_rows(lines: Sequence[str]) -> tuple[list[Row], bool] | None:
    """(rows, whether numbers have a decimal comma) of the table in a text; None: there is none.

    The head is the first line whose cells name a loss. A comment or a title may stand above it.
    """
    for at, line in enumerate(lines[:LOOKED]):
        if len(line) > WIDE:
            continue
        for style in STYLES:
            head = _cells(line, style)
            if len(head) < 2 or len(set(head)) < len(head):
                continue
            if any(role(name) in ("loss", "val") for name in head) and not any(
                _is_number(cell) for cell in head
            ):
                return _body(lines[at + 1 :], head, style)
    return _unknown(lines)


def _unknown(lines: Sequence[str]) -> tuple[list[Row], bool] | None:
    """A table that names no loss: its columns can be told at least."""
    for head, below in pairwise(lines[:LOOKED]):
        for style in STYLES[:3]:
            names, cells = _cells(head, style), _cells(below, style)
            if len(names) < 2 or len(names) != len(cells) or len(set(names)) < len(names):
                continue
            if not any(map(_is_number, names)) and any(map(_is_number, cells)):
                return _body(lines[lines.index(head) + 1 :], names, style)
    return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _cells(line: str, style: str) -> list[str]:
    """A line's cells: between delimiters as csv quotes them, between bars, or at distances."""
    if style == DISTANCES:
        return re.split(r"\s{2,}", line.strip())
    if style not in line:
        return []
    if style == "|":
        return [cell.strip() for cell in line.strip().strip("|").split("|")]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=style))]
    except (csv.Error, StopIteration):
        return []


def _body(lines: Sequence[str], head: list[str], style: str) -> tuple[list[Row], bool]:
    rows: list[Row] = []
    decimal = False
    for line in lines:
        if len(line) > WIDE or not line.strip() or _RULE.fullmatch(line):
            continue
        cells = _cells(line, style)
        if style == DISTANCES:
            # Numbers that are close to each other; before them the number that pandas prints.
            cells = line.split() if len(cells) < len(head) else cells
            cells = cells[1:] if len(cells) == len(head) + 1 else cells
        if len(cells) == len(head):
            rows.append(dict(zip(head, cells, strict=True)))
            decimal = decimal or any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    return rows, decimal and style != ","


class _Tables(HTMLParser):
    """The cells of the first table that names a loss."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self._cell = []

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None and self.rows:
            self.rows[-1].append("".join(self._cell).strip())
            self._cell = None


def html_rows(text: str) -> list[Row]:
    """The rows of a table that a notebook shows while it trains; the last one of several."""
    parser = _Tables()
    parser.feed(text)
    head: list[str] = []
    rows: list[Row] = []
    for cells in parser.rows:
        if any(role(cell) in ("loss", "val") for cell in cells):
            head, rows = cells, []
        elif head and len(cells) == len(head):
            rows.append(dict(zip(head, cells, strict=True)))
    return rows
