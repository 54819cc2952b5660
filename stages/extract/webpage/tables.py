"""Tables: which of them hold data or code and which lay out the page, and where cells stand."""

from __future__ import annotations

from stages.extract.webpage.inline import Added, CutOut, joined, pieces_of
from stages.extract.webpage.tree import Node, words

CELLS = ("td", "th")
# Columns or rows that a cell may span, and cells that spans may add to a table.
WIDEST, MOST = 200, 100_000
_LAYOUT = words("table h1 h2 article section")
# Data with longer cells is a page that was laid out.
_LONG_CELL = 1200
_LINES = 20  # of code in a cell


def rows(table: Node) -> list[Node]:
    """The rows of a table that are not dropped."""
    found = []
    for child in table.children:
        if isinstance(child, Node) and not child.dropped:
            if child.tag == "tr":
                found.append(child)
            elif child.tag in ("thead", "tbody", "tfoot"):
                found += rows(child)
    return found


def is_code(table: Node) -> bool:
    """Whether each row is a line of code beside its number."""
    found = rows(table)
    numbered = 0
    for row in found:
        cells = [c for c in row.children if isinstance(c, Node) and c.tag in CELLS]
        kept = [cell for cell in cells if not cell.dropped and cell.chars]
        if len(kept) > 1 or any(_holds(cell, _LAYOUT | {"pre", "p", "div"}) for cell in kept):
            return False
        numbered += any(cell.dropped == "line_number" for cell in cells)
    return len(found) > 1 and numbered >= 0.8 * len(found)


def is_data(table: Node) -> bool:
    """Whether a table holds data and does not lay out the page."""
    found = rows(table)
    if len(found) < 2 or table.attributes.get("role") == "presentation":
        return False
    cells = [c for row in found for c in row.children if isinstance(c, Node) and not c.dropped]
    if sum(_span(cell, "colspan") for cell in cells) < 2 * len(found) - 1:
        return False
    if len(cells) <= len(found):
        return False
    if any(_holds(cell, _LAYOUT) for cell in cells):
        return False
    return max((cell.chars for cell in cells), default=0) < _LONG_CELL


def _holds(node: Node, tags: frozenset[str]) -> bool:
    stack = [node]
    while stack:
        one = stack.pop()
        if one.tag in tags:
            return True
        if one.tag == "pre":
            if _text_lines(one) > _LINES:
                return True
            continue
        if one.chars:
            stack.extend(child for child in one.children if isinstance(child, Node))
    return False


def _text_lines(node: Node) -> int:
    lines = 1
    stack: list[Node | str] = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            lines += one.strip("\n").count("\n")
        else:
            stack += one.children
    return lines


def cell(node: Node, cut: CutOut) -> tuple[str, tuple[str, ...] | None]:
    """The text of a cell, in which lines of code are divided by breaks; and its own pieces."""
    pieces = pieces_of(node, cut)
    if any(isinstance(one, Node) and one.tag == "pre" for one in node.children):
        pieces = _broken(pieces)
    return joined(pieces)


def _broken(pieces: list[str]) -> list[str]:
    found: list[str] = []
    for number, piece in enumerate(pieces):
        if isinstance(piece, Added) or "\n" not in piece:
            found.append(piece)
            continue
        if number == len(pieces) - 1:
            piece = piece.rstrip()
        lines = piece.split("\n")
        for at, line in enumerate(lines):
            if at and line.strip() and any(map(str.strip, found)):
                found.append(Added("<br>"))
            found.append(line)
    return found


def _span(node: Node, name: str) -> int:
    told = node.attributes.get(name)
    if told is None:
        return 1
    return max(1, min(int(told), WIDEST)) if told.isdecimal() and len(told) < 6 else 1


class Grid:
    """Places cells under the cells above them: one that spans rows or columns leaves empty ones."""

    def __init__(self) -> None:
        self.taken: list[int] = []  # rows that each column is still taken for
        self.left = MOST

    def placed(self, nodes: list[Node], texts: list[str]) -> list[str]:
        """The texts of a row's cells, with the cells that spans make."""
        found: list[str] = []
        taken: list[int] = []
        waiting = [*reversed(list(zip(nodes, texts, strict=True)))]
        column = 0
        while waiting or column < len(self.taken):
            if column < len(self.taken) and self.taken[column] > 0 and self.left > 0:
                self.left -= 1
                found.append("")
                taken.append(self.taken[column] - 1)
                column += 1
                continue
            if not waiting and self.left <= 0:
                break
            if not waiting:
                self.left -= 1
                found.append("")
                taken.append(0)
                column += 1
                continue
            node, text = waiting.pop()
            below = _span(node, "rowspan") - 1
            found.append(text)
            taken.append(below)
            if "colspan" in node.attributes and column < WIDEST and self.left > 0:
                more = _span(node, "colspan") - 1
                self.left -= more
                found += [""] * more
                taken += [below] * more
            column = len(found)
        while found and not found[-1] and taken[-1] == 0 and len(found) > len(nodes):
            found.pop()
            taken.pop()
        self.taken = taken
        return found
