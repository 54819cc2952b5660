"""The text of a Word document in its order: headings, paragraphs, lists, tables, boxes, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stages.extract.document import omml, word
from stages.extract.document.elements import Builder, Element
from stages.extract.document.written import Document
from stages.extract.webpage import tables
from stages.extract.webpage.blocks import Block
from stages.extract.webpage.inline import marks
from stages.extract.webpage.markdown import markdown
from stages.extract.webpage.tree import Node, nonspace
from stages.extract.xml_events import Events

_COLUMNS = 63  # of a table of Word's, at most
_CODE = ("html preformatted", "source code", "code", "preformatted text", "macro text")
_QUOTES = ("quote", "intense quote", "quotations", "block text")
_CONTENTS = ("toc ", "table of figures", "contents ", "index ")
_SKIPPED = ("w:pPr", "w:rPr", "w:instrText", "w:sectPr", "w:fldData")
_SIGNS = {
    "w:tab": "\t",
    "w:br": "\n",
    "w:cr": "\n",
    "w:noBreakHyphen": "-",
    "w:softHyphen": "",
    "w:ptab": "\t",
}
_BULLET = "\uf0b7"


def document(raw: bytes) -> Document:
    """A Word document as Markdown. Unreadable where it is none, or damaged."""
    parts = word.package(raw)
    body = _Body(parts)
    body.read()
    meta = word.properties(parts.first("core"))
    if "title" not in meta and body.title:
        meta["title"] = body.title
    text = markdown(body.blocks)
    made = Document(text, "text ← Word document; meta ← its properties", meta)
    made.removed = body.removed
    made.marks = nonspace(text) - body.own
    for kind, reason in _BESIDE.items():
        for part in parts.parts.get(kind, ()):
            body.remove(reason, _size(part))
    return made


_BESIDE = {"header": "header_footer", "footer": "header_footer", "comments": "comment"}


def _size(part: bytes) -> int:
    """Characters of a part that is not read into the text."""
    total = 0
    inside = [False]

    def start(name: str, _: Mapping[str, str]) -> None:
        inside[0] = name == "w:t"

    def end(_: str) -> None:
        inside[0] = False

    def text(characters: str) -> None:
        nonlocal total
        total += nonspace(characters) if inside[0] else 0

    Events(start, end, text, word.SPACES).feed(part, last=True)
    return total


@dataclass
class _Line:
    """What a paragraph becomes: pieces of text, those of other paragraphs in boxes, notes."""

    pieces: list[str] = field(default_factory=list)
    own: int = 0
    boxes: list[Element] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.own += nonspace(text)

    def mark(self, text: str) -> None:
        self.pieces.append(text)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())


@dataclass
class _Cell:
    lines: list[_Line] = field(default_factory=list)
    span: int = 1


class _Body:
    """Reads the main part event by event; what a paragraph holds is a small tree of its own."""

    def __init__(self, parts: word.Package) -> None:
        self.blocks: list[Block] = []
        self.removed: dict[str, int] = {}
        self.own = 0
        self.title = ""
        self._main = parts.first("main")
        self._styles = word.styles(parts.first("styles"))
        self._numbering = word.Numbering(parts.first("numbering"))
        self._notes = {
            kind: _notes(parts.first(f"{kind}s"), f"w:{kind}") for kind in ("footnote", "endnote")
        }
        self._numbers: dict[tuple[str, str], int] = {}
        self._builder: Builder | None = None
        self._tables = self._skipped = 0
        self._rows: list[list[_Cell]] = []
        self._controls: list[bool] = []  # content controls that are open: a table of contents?
        self._groups = 0

    def read(self) -> None:
        Events(self._start, self._end, self._text, word.SPACES).feed(self._main, last=True)
        for block in self.blocks:
            if block.kind == "code":
                block.text = "\n".join(block.cells)
        for notes in self._notes.values():
            self.remove("note", sum(_text_size(one) for note in notes.values() for one in note))

    def remove(self, reason: str, characters: int) -> None:
        if characters:
            self.removed[reason] = self.removed.get(reason, 0) + characters

    # --- events -----------------------------------------------------------------------------------

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._builder is not None:
            self._builder.start(name, attributes)
        elif name == "mc:Fallback" or self._skipped:
            self._skipped += 1
        elif name == "w:p":
            self._builder = Builder(name, attributes)
        elif name == "w:sdt":
            self._controls.append(False)
        elif name == "w:docPartGallery" and self._controls:
            self._controls[-1] = attributes.get("w:val", "").lower() == "table of contents"
        elif name == "w:tbl":
            self._tables += 1
        elif self._tables == 1:
            self._of_table(name, attributes)

    def _of_table(self, name: str, attributes: Mapping[str, str]) -> None:
        value = attributes.get("w:val", "")
        if name == "w:tr":
            self._rows.append([])
        elif name == "w:tc" and self._rows:
            self._rows[-1].append(_Cell())
        elif name == "w:gridSpan" and self._rows and self._rows[-1] and value.isdecimal():
            self._rows[-1][-1].span = max(1, min(int(value[:3]), _COLUMNS))

    def _end(self, name: str) -> None:
        if self._builder is not None:
            if self._builder.end():
                paragraph, self._builder = self._builder.root, None
                self._paragraph(paragraph)
        elif self._skipped:
            self._skipped -= 1
        elif name == "w:sdt" and self._controls:
            self._controls.pop()
        elif name == "w:tbl":
            self._tables -= 1
            if not self._tables:
                self._table()

    def _text(self, characters: str) -> None:
        if self._builder is not None:
            self._builder.text(characters)

    # --- blocks -----------------------------------------------------------------------------------

    def _paragraph(self, paragraph: Element) -> None:
        style = self._styles.get(paragraph.value("w:pPr", "w:pStyle", ""))
        name = style.name.lower() if style is not None else ""
        line = self._line(paragraph)
        if any(self._controls) or name.startswith(_CONTENTS):
            self.remove("contents", line.own + sum(map(_text_size, line.boxes)))
            return
        if self._tables and self._rows and self._rows[-1]:
            self._rows[-1][-1].lines.append(line)
            return
        self._written(line, self._block(paragraph, style, name, line))

    def _written(self, line: _Line, block: Block) -> None:
        """A block with what hangs on it: boxes, then notes."""
        if block.text:
            self.own += line.own
            before = self.blocks[-1] if self.blocks else None
            if block.kind == "code" and before is not None and before.kind == "code":
                before.cells.append(block.text)  # its lines; joined at the end
            else:
                self.blocks.append(block)
        self._hanging(line)

    def _hanging(self, line: _Line) -> None:
        for box in line.boxes:
            self._paragraph(box)
        for kind, identity in line.notes:
            self._note(kind, identity)

    def _block(self, paragraph: Element, style: word.Style | None, name: str, line: _Line) -> Block:
        text = line.text
        if name in _CODE:
            text = "".join(line.pieces).expandtabs(4).rstrip()
            return Block("code", text, 0, None, cells=[text])
        level = style.level if style is not None else 0
        told = paragraph.value("w:pPr", "w:outlineLvl", "")
        if not level and told.isdecimal() and int(told[:2]) < 6:
            level = int(told) + 1
        if level and text:
            if not self.title:
                self.title = text
            return Block("h", text, 0, None, level=level)
        number, depth = _list_of(paragraph, style)
        if number and text:
            is_item, count = self._numbering.item(number, depth)
            if is_item:
                return Block("li", text, 0, None, level=depth + 1, number=count)
        return Block("p", text, 0, None, quote=int(name in _QUOTES))

    def _note(self, kind: str, identity: str) -> None:
        number = self._numbers[kind, identity]
        begun = f"[^{number}]:"
        for paragraph in self._notes[kind].pop(identity, []):
            line = self._line(paragraph)
            if line.text:
                self.own += line.own
                self.blocks.append(Block("p", f"{begun} {line.text}".strip(), 0, None))
                begun = ""
            self._hanging(line)

    def _table(self) -> None:
        rows, self._rows = [row for row in self._rows if row], []
        lines = [line for row in rows for cell in row for line in cell.lines]
        self.own += sum(line.own for line in lines)
        if max((len(row) for row in rows), default=0) < 2:  # a box around text
            self.blocks += [Block("p", line.text, 0, None) for line in lines if line.text]
        else:
            self._grid(rows)
        for line in lines:
            self._hanging(line)

    def _grid(self, rows: list[list[_Cell]]) -> None:
        self._groups += 1
        found = []
        for row in rows:
            cells: list[str] = []
            for cell in row:
                texts = [line.text for line in cell.lines]
                cells += [" ".join(filter(None, texts)), *[""] * (cell.span - 1)]
            if any(cells):
                block = Block("row", " ".join(filter(None, cells)), 0, None, group=self._groups)
                block.cells = cells
                found.append(block)
        width = max((len(block.cells) for block in found), default=0)
        if sum(width - len(block.cells) for block in found) <= tables.MOST:
            for block in found:
                block.cells += [""] * (width - len(block.cells))
        self.blocks += found

    # --- text within a paragraph ------------------------------------------------------------------

    def _line(self, paragraph: Element) -> _Line:
        line = _Line()
        self._inline(paragraph, line)
        return line

    def _inline(self, node: Element, line: _Line) -> None:
        for child in node.children:
            if isinstance(child, Element):
                self._element(child, line)

    def _element(self, node: Element, line: _Line) -> None:
        name = node.name
        if name == "w:t":
            line.add(node.text())
        elif name in _SIGNS:
            line.mark(_SIGNS[name])
        elif name in _SKIPPED:
            return
        elif name == "w:r":
            self._run(node, line)
        elif name in ("w:delText", "w:delInstrText"):
            self.remove("deleted", nonspace(node.text()) if name == "w:delText" else 0)
        elif name == "w:moveFrom":  # it stands where it was moved to
            self.remove("deleted", _text_size(node))
        elif name in ("w:footnoteReference", "w:endnoteReference"):
            self._reference(name[2:].removesuffix("Reference"), node, line)
        elif name == "w:sym":
            self._symbol(node, line)
        elif name == "mc:AlternateContent":
            self._alternatives(node, line)
        elif name == "w:txbxContent":
            line.boxes += _paragraphs(node)
        elif name in ("m:oMath", "m:oMathPara"):
            formula = omml.latex(node)
            if formula:
                dollars = "$$" if name == "m:oMathPara" else "$"
                line.add(formula)
                line.pieces[-1] = f"{dollars}{formula}{dollars}"
        elif name == "w:rt":  # how the letters before it are read
            line.mark("(")
            self._inline(node, line)
            line.mark(")")
        else:
            self._inline(node, line)

    def _alternatives(self, node: Element, line: _Line) -> None:
        """The first of several ways to draw the same that has any text."""
        before = self._found(line)
        for way in node.children:
            if isinstance(way, Element) and way.name in ("mc:Choice", "mc:Fallback"):
                self._inline(way, line)
                if self._found(line) != before:
                    return

    def _found(self, line: _Line) -> tuple[int, ...]:
        left = sum(self.removed.values())
        return line.own, len(line.boxes), len(line.notes), left

    def _run(self, run: Element, line: _Line) -> None:
        properties = run.child("w:rPr")
        vanish = properties.child("w:vanish") if properties is not None else None
        if vanish is not None and vanish.attributes.get("w:val", "1") not in ("0", "false", "off"):
            self.remove("hidden", _text_size(run))
            return
        raised = run.value("w:rPr", "w:vertAlign", "")
        if raised not in ("superscript", "subscript"):
            self._inline(run, line)
            return
        before = "".join(line.pieces[-3:])
        own = _Line()
        self._inline(run, own)
        node = Node(
            "sup" if raised == "superscript" else "sub",
            "",
            {},
            None,
            len("".join(own.text.split())),
        )
        node.children = [own.text]
        node.chars = len(own.text)
        opening, closing = ("", "") if own.notes else marks(node, before)
        line.pieces += [opening, *own.pieces, closing]
        line.own += own.own
        line.boxes += own.boxes
        line.notes += own.notes

    def _reference(self, kind: str, node: Element, line: _Line) -> None:
        identity = node.attributes.get("w:id", "")
        if identity not in self._notes[kind]:
            return
        key = (kind, identity)
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers) + 1
            line.notes.append(key)
        line.mark(f"[^{self._numbers[key]}]")

    def _symbol(self, node: Element, line: _Line) -> None:
        told = node.attributes.get("w:char", "")
        try:
            char = chr(int(told, 16))
        except (ValueError, OverflowError):
            return
        if char == _BULLET:
            line.add("•")
        elif "\ue000" <= char <= "\uf8ff" or "\ud800" <= char <= "\udfff":
            self.remove("symbol", 1)
        else:
            line.add(char)


def _list_of(paragraph: Element, style: word.Style | None) -> tuple[str, int]:
    """(list, depth from 0) of a paragraph; no list where it is in none."""
    properties = paragraph.child("w:pPr")
    own = properties.child("w:numPr") if properties is not None else None
    number, depth = style.list if style is not None and style.list is not None else ("", 0)
    if own is None:
        return number, depth
    level = own.child("w:ilvl")
    identity = own.child("w:numId")
    if level is not None and (told := level.attributes.get("w:val", "")).isdecimal():
        depth = min(int(told[:2]), 8)
    if identity is not None:
        number = identity.attributes.get("w:val", "")
    return ("" if number == "0" else number), depth


def _paragraphs(node: Element) -> list[Element]:
    """The paragraphs of a box, those of tables and of boxes within it too."""
    found: list[Element] = []
    for child in node.children:
        if isinstance(child, Element):
            found += [child] if child.name == "w:p" else _paragraphs(child)
    return found


def _texts(node: Element) -> Iterator[str]:
    for child in node.children:
        if isinstance(child, Element):
            if child.name in ("w:t", "w:delText"):
                yield child.text()
            else:
                yield from _texts(child)


def _text_size(node: Element) -> int:
    return sum(map(nonspace, _texts(node)))


def _notes(part: bytes, element: str) -> dict[str, list[Element]]:
    """id → paragraphs of each note; those that draw the line above notes are none."""
    found: dict[str, list[Element]] = {}
    builder: Builder | None = None
    current: list[str] = []

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal builder
        if builder is not None:
            builder.start(name, attributes)
        elif name == element:
            drawn = attributes.get("w:type", "normal") != "normal"
            current[:] = [] if drawn else [attributes.get("w:id", "")]
        elif name == "w:p" and current:
            builder = Builder(name, attributes)

    def end(name: str) -> None:
        nonlocal builder
        if builder is not None:
            if builder.end():
                found.setdefault(current[0], []).append(builder.root)
                builder = None
        elif name == element:
            current.clear()

    def text(characters: str) -> None:
        if builder is not None:
            builder.text(characters)

    if part:
        Events(start, end, text, word.SPACES).feed(part, last=True)
    return found
