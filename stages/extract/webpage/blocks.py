"""The blocks of a tree: headings, paragraphs, list items, table rows, code, in reading order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from stages.extract.webpage import tables
from stages.extract.webpage.cuts import Cut
from stages.extract.webpage.inline import Added, formula, joined, marks, pieces_of
from stages.extract.webpage.tree import BLOCK, Node, nonspace, words

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language|lang|highlight-source|highlight|brush:?|sh_)[-_\s:]*([\w+#.-]+)"
)
_NOT_LANGUAGE = words("text plaintext none default notranslate wrapper highlighter rouge")


@dataclass
class Block:
    """kind: h, p, li, row or code. text: one line, or the lines of code.

    level: of a heading, or the depth of a list item. number: of an item of a numbered list.
    quote: depth of quotation. cells: of a row. node: the element that holds it. ticks: backticks
    that mark code in it and are none of the page. cut: the reason why it is left out, else empty.
    own: the pieces of the text that are the page's, where some was added. card: it stands in a
    link around several elements.
    """

    kind: str
    text: str
    links: int
    node: Any
    level: int = 0
    number: int | None = None
    quote: int = 0
    cells: list[str] = field(default_factory=list)
    header: bool = False
    lang: str = ""
    group: int = 0
    ticks: int = 0
    cut: str = ""
    own: tuple[str, ...] | None = None
    card: bool = False

    @property
    def passages(self) -> tuple[str, ...]:
        """Its text as far as it is the page's own, with backticks that are not."""
        return (self.text,) if self.own is None else self.own

    @property
    def characters(self) -> int:
        """Those of the page's own text other than white space."""
        return sum(map(nonspace, self.passages)) - self.ticks


class _Walk:
    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.cuts: list[Cut] = []
        self.inline: list[str] = []
        self.closing: list[str] = []  # marks behind powers and indices that are open
        self.links = self.ticks = self.in_link = self.cards = 0
        self.lists: list[list[Any]] = []  # [ordered, next number, item is open]
        self.quote = 0
        self.heading = 0
        self.groups = 0
        self.holder: Any = None

    def flush(self) -> None:
        if not self.inline:
            return
        text, own = joined(self.inline)
        self.inline = []
        if own == () and not any(map(str.isalnum, text)):
            return  # marks of what is empty
        links, self.links = self.links, 0
        ticks, self.ticks = self.ticks, 0
        if not text or text == "`" * len(text):
            if len(text) > ticks:
                self.cut("backticks", text[ticks:])
            return
        block = Block("p", text, links, self.holder, quote=self.quote, ticks=ticks, own=own)
        block.card = self.cards > 0
        if self.heading:
            block.kind, block.level = "h", self.heading
        elif self.lists:
            entry = self.lists[-1]
            block.level = len(self.lists)
            if entry[2]:
                block.kind = "li"
                block.number = entry[1] if entry[0] else None
                entry[2] = False
            block.group = entry[3]
        self.blocks.append(block)

    def tick(self) -> None:
        self.inline.append("`")
        self.ticks += 1

    def cut(self, reason: str, what: Node | str) -> None:
        cut = Cut(len(self.blocks), reason, what)
        if cut.characters:
            self.cuts.append(cut)


def blocks_of(root: Node) -> tuple[list[Block], list[Cut]]:
    """The blocks of an element, and what of it is dropped or can be in none."""
    walk = _Walk()
    walk.holder = root
    # a frame of the stack: node, index of the next child
    stack: list[tuple[Node, int]] = [(root, 0)]
    while stack:
        node, index = stack.pop()
        if index == 0 and not _enter(walk, node):
            continue
        children = node.children
        pushed = False
        while index < len(children):
            child = children[index]
            index += 1
            if isinstance(child, str):
                if walk.in_link:
                    walk.links += len(child)
                elif child == " " and not walk.inline:
                    continue
                walk.inline.append(child)
                continue
            if child.dropped:
                walk.cut(child.dropped, child)
                continue
            tag = child.tag
            if tag == "br":
                walk.inline.append(" ")
                if not walk.heading and not walk.lists:
                    walk.flush()  # a line break ends a paragraph: old pages have no others
                continue
            if tag == "math":
                walk.inline.append(formula(child, walk.cut))
                continue
            if not child.children:
                if tag == "hr":
                    walk.flush()
                continue
            stack.append((node, index))
            stack.append((child, 0))
            pushed = True
            break
        if not pushed:
            _leave(walk, node)
    walk.flush()
    return walk.blocks, walk.cuts


def _enter(walk: _Walk, node: Node) -> bool:
    """Begin an element; False when it has been dealt with as a whole."""
    tag = node.tag
    if tag == "span":
        return True
    if tag == "a":
        walk.in_link += "href" in node.attributes
        return True
    if tag in ("sup", "sub"):
        before = next((piece for piece in reversed(walk.inline) if piece), "")
        opening, closing = marks(node, before)
        if opening:
            walk.inline.append(Added(opening))
        walk.closing.append(closing)
        return True
    if tag == "code" or tag == "kbd" or tag == "samp":
        walk.tick()
        return True
    if tag not in BLOCK:
        return True
    walk.flush()
    walk.cards = walk.in_link
    if tag in ("pre", "listing"):
        _code(walk, node)
        return False
    if tag == "table":
        if tables.is_code(node):
            _code(walk, node)
            return False
        if tables.is_data(node):
            _table(walk, node)
            return False
    walk.holder = node
    if tag in ("ul", "ol", "menu", "dir"):
        walk.groups += 1
        start = node.attributes.get("start", "")
        first = int(start) if start.isdecimal() and len(start) < 7 else 1
        walk.lists.append([tag == "ol", first, False, walk.groups])
    elif tag == "li":
        if not walk.lists:
            walk.groups += 1
            walk.lists.append([False, 1, False, walk.groups])
        walk.lists[-1][2] = True
    elif tag == "blockquote":
        walk.quote += 1
    elif tag in _HEADINGS:
        walk.heading = _HEADINGS[tag]
    return True


def _leave(walk: _Walk, node: Node) -> None:
    tag = node.tag
    if tag == "a":
        walk.in_link -= "href" in node.attributes
        walk.cards = min(walk.cards, walk.in_link)
        return
    if tag in ("sup", "sub"):
        if closing := walk.closing.pop():
            walk.inline.append(Added(closing))
        return
    if tag == "code" or tag == "kbd" or tag == "samp":
        walk.tick()
        return
    if tag not in BLOCK:
        return
    walk.flush()
    walk.cards = walk.in_link
    walk.holder = node.parent
    if tag in ("ul", "ol", "menu", "dir"):
        if walk.lists:
            walk.lists.pop()
    elif tag == "li":
        if walk.lists:
            walk.lists[-1][2] = False
            walk.lists[-1][1] += 1
    elif tag == "blockquote":
        walk.quote -= 1
    elif tag in _HEADINGS:
        walk.heading = 0


def _code(walk: _Walk, node: Node) -> None:
    pieces = pieces_of(node, walk.cut, True)
    text = "".join(pieces).replace("\xa0", " ").replace("\r\n", "\n").rstrip()
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return
    block = Block(
        "code", "\n".join(lines[first:]), node.links, node, lang=_lang(node), quote=walk.quote
    )
    block.own = joined(pieces)[1]
    if walk.lists:
        block.level = len(walk.lists)
    walk.blocks.append(block)


def _lang(node: Node) -> str:
    """The language that a code block, what is in it or what is around it names."""
    inner = [child for child in node.children if isinstance(child, Node)][:1]
    around = [node.parent, node.parent.parent if node.parent is not None else None]
    for one in (*inner, node, *around):
        if one is None:
            continue
        for key in ("data-lang", "data-language", "data-code-language", "lang"):
            value = one.attributes.get(key, "").lower()
            if value and re.fullmatch(r"[\w+#.-]{1,20}", value) and (key != "lang" or one is node):
                return str(value)
        for match in _LANGUAGE.finditer(one.names):
            if match[1] not in _NOT_LANGUAGE:
                return str(match[1])
    return ""


def _table(walk: _Walk, table: Node) -> None:
    walk.groups += 1
    group = walk.groups
    rest = table.nonspace
    for child in table.children:
        if isinstance(child, Node) and child.tag == "caption" and not child.dropped:
            rest -= child.nonspace
            text, own = joined(pieces_of(child, walk.cut))
            if text:
                walk.blocks.append(Block("p", text, child.links, child, quote=walk.quote, own=own))
    found: list[Block] = []
    grid = tables.Grid()
    for row in tables.rows(table):
        nodes = [c for c in row.children if isinstance(c, Node) and c.tag in tables.CELLS]
        rest -= sum(cell.nonspace for cell in nodes)
        read = [tables.cell(cell, walk.cut) for cell in nodes]
        cells = grid.placed(
            [cell for cell in nodes if not cell.dropped],
            [text for cell, (text, _) in zip(nodes, read, strict=True) if not cell.dropped],
        )
        if not any(cells):
            continue
        block = Block("row", "  ".join(c for c in cells if c), row.links, table, quote=walk.quote)
        block.cells = cells
        block.header = all(cell.tag == "th" for cell in nodes)
        block.group = group
        if any(own is not None for _, own in read):
            pieces = ((text,) if own is None else own for text, own in read)
            block.own = tuple(piece for one in pieces for piece in one if piece)
        found.append(block)
    width = max((len(block.cells) for block in found), default=0)
    if sum(width - len(block.cells) for block in found) <= tables.MOST:
        for block in found:
            block.cells += [""] * (width - len(block.cells))
    walk.blocks += found
    if rest:
        _beside(walk, table, ("caption", "tr", "thead", "tbody", "tfoot"))


def _beside(walk: _Walk, node: Node, read: tuple[str, ...]) -> None:
    """What stands in a table, its parts or rows and is not `read`, or dropped."""
    for child in node.children:
        if isinstance(child, str):
            walk.cut("unread", child)
        elif child.dropped and child.tag not in tables.CELLS:
            walk.cut(child.dropped, child)
        elif child.tag not in read:
            walk.cut("unread", child)
        elif child.tag == "tr":
            _beside(walk, child, tables.CELLS)
        elif child.tag not in ("caption", *tables.CELLS):
            _beside(walk, child, ("tr", "thead", "tbody", "tfoot"))
