"""The rows of a CSV file with their exact bytes: a fast way, and a careful one for the rest.

A row is what the dialect says. Where a quote is broken the row is its first line, cut with that
quote as text, and marked; nothing that follows it is swallowed.
"""

from __future__ import annotations

import csv
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from stages.extract.delimited import clean
from stages.extract.delimited.ahead import Ahead
from stages.extract.delimited.cells import FIELDS, Cutter, Dialect
from stages.extract.delimited.charset import Odd
from stages.extract.jsontext.lines import LARGE, LINE_BYTES, pieces
from stages.extract.slices import Longer, Reach

# Lines that may be looked at in vain for the end of a quote; each line read gives two back. A line
# costs one, and one more for so many characters.
_IN_VAIN, _LINE_CHARS = 30_000, 2048


class Row(NamedTuple):
    """offset, size: its bytes without the row end; line: its first. cells: None is NULL.
    trouble: broken_quote, encoding, oversize, fields (too many). odd: the charset, where it was
    guessed, or is another than the file's.
    ended: whether a row end follows."""

    offset: int
    size: int
    line: int
    raw: bytes
    cells: list[str | None]
    trouble: str | None = None
    odd: str | None = None
    ended: bool = True


class _Piece(NamedTuple):
    offset: int
    line: int
    raw: bytes
    text: str
    bad: int
    odd: str | None


class Table:
    """Reads the rows of one stream in one dialect."""

    def __init__(
        self,
        stream: BinaryIO,
        dialect: Dialect,
        charset: str,
        offset: int = 0,
        null: str | None = None,
        width: int = 0,
        *,
        line: int = 1,
        stop: int | None = None,
        guessed: bool = False,
        mixed: bool = True,
    ) -> None:
        self.dialect, self.charset, self.null = dialect, charset, null
        self._said = charset if guessed else None
        self._odd = Odd(mixed)
        self.width = width or dialect.width
        self._ahead, self._offset, self._line = Ahead(stream), offset, line
        self._stop = stop
        self._reach: Reach | None = None
        self._names: Sequence[str | None] | None = None
        self._pieces = self._decoded()
        self._back: deque[_Piece] = deque()
        self._used: list[_Piece] = []
        self._cut = Cutter(dialect)
        self._quick = not dialect.escape and len(dialect.delimiter) == 1
        fast = self._quick and dialect.quote and not (dialect.nulls or dialect.verbatim)
        self._reader = self._fast_reader() if fast else None
        self._credit = _IN_VAIN

    def take_at_once(self, names: Sequence[str | None] | None, width: int) -> None:
        """From here on give rows many at once, where that can be. names: the header; width: fields
        that a row has."""
        if self._said is None and clean.suits(self.dialect, self.charset, width):
            self._reach, self._names = Reach(), names

    @property
    def offset(self) -> int:
        """Where the next row begins."""
        return self._back[0].offset if self._back else self._offset

    @property
    def over(self) -> bool:
        """Whether lines behind the end of the range were looked at, or what was read has a say in
        what they mean."""
        looked = self._stop is not None and self._offset > self._stop
        return looked or self._credit < _IN_VAIN or self._odd.learns

    def rows(self) -> Iterator[Row | clean.Block]:
        """All rows in order, those that begin before `stop`; blank lines are none."""
        while self._stop is None or self.offset < self._stop:
            if self._reach is not None and (block := self._at_once(self._reach)) is not None:
                yield block
                del block
                continue
            if (first := self._next()) is None:
                return
            if self._credit < _IN_VAIN:
                self._credit = min(_IN_VAIN, self._credit + 2 * _cost(first))
            if first.bad < 0:
                self._used = []
                yield Row(first.offset, -first.bad, first.line, b"", [], "oversize")
            elif first.text[:1] in "\r\n" and not first.text.strip("\r\n"):
                self._used = []
            else:
                if first.text[:1] == "\ufeff":  # of a file that was appended to another
                    self._used[0] = first._replace(text=first.text[1:])
                del first
                yield self._row()

    def _at_once(self, reach: Reach) -> clean.Block | None:
        """Rows that can be taken together; None: the next is to be read alone."""
        if self._back or self._credit < _IN_VAIN or not (wanted := reach.wanted(self._offset)):
            return None
        begun, size, found = self._offset, 0, None
        room = sys.maxsize if self._stop is None else self._stop - begun
        while wanted and len(region := self._ahead.look(min(wanted, room))) > size:
            size = len(region)
            if not reach.enough(size):
                return None
            try:
                found = clean.rows(region, self.dialect, self._names, self.null, begun, self._line)
                break
            except Longer:
                region, wanted = b"", reach.longer(begun, size)
        taken, number, unusual = 0, 0, True
        if found is not None:
            block, taken, lines, unusual = found
            number = len(block.begins) * len(block.cells)
            self._ahead.skip(taken)
            self._offset += taken
            self._line += lines
        reach.learn(begun, size, taken, number, unusual)
        return None if found is None else found[0]

    # --- lines ----------------------------------------------------------------------------------

    def _decoded(self) -> Iterator[_Piece]:
        charset = self.charset
        wide = charset.startswith(("utf-16", "utf-32"))
        end = self.dialect.end.encode(charset if wide else "ascii")
        unit = len("\n".encode(charset)) if wide else 1
        for raw, taken in pieces(self._ahead, end, unit=unit):
            bad, odd = 0, self._said
            try:
                text = raw.decode(charset)
            except UnicodeDecodeError:
                if charset == "utf-8":
                    text, bad, odd = self._odd.read(raw)
                else:
                    text = raw.decode(charset, "replace")
                    bad = max(1, text.count("\ufffd"))
            piece = _Piece(self._offset, self._line, raw, text, bad if raw else -taken, odd)
            self._offset += taken
            self._line += 1 if self.dialect.end == "\n" else text.count("\n")
            if taken < LARGE:
                yield piece
            else:
                ready = [piece]
                del piece, raw, text
                yield ready.pop()

    def _next(self) -> _Piece | None:
        piece = self._back.popleft() if self._back else next(self._pieces, None)
        if piece is not None:
            self._used.append(piece)
        return piece

    def _feed(self) -> Iterator[str]:
        """Lines for csv.reader, which takes as many as a row needs."""
        while True:
            if self._used:
                if not self._may_go_on():
                    raise _Open
                if self._size() > LARGE:
                    raise _Large
            piece = self._next()
            if piece is None:
                raise _Open
            if piece.bad < 0:
                self._back.appendleft(self._used.pop())
                raise _Open
            yield piece.text

    def _size(self) -> int:
        """Bytes of the lines of the row but its last."""
        return self._used[-1].offset - self._used[0].offset

    def _may_go_on(self) -> bool:
        """Whether one more line may belong to the row."""
        lines = len(self._used)
        size = self._size()
        if lines > clean.OPEN_LINES or size > LINE_BYTES:
            return False
        return lines + size // _LINE_CHARS <= 2 + self._credit

    def _fast_reader(self) -> Iterator[list[str]]:
        csv.field_size_limit(max(csv.field_size_limit(), LINE_BYTES))
        return csv.reader(
            self._feed(),
            delimiter=self.dialect.delimiter,
            quotechar=self.dialect.quote,
            strict=True,
        )

    # --- rows -----------------------------------------------------------------------------------

    def _row(self) -> Row:
        """The row that begins with the line read last. Of a large one no copy is held longer than
        it is needed."""
        dialect = self.dialect
        text = self._used[0].text
        body = _without_end(text, dialect.end)
        end = text[len(body) :]
        if (large := len(text) > LARGE) is True:
            self._used[0] = self._used[0]._replace(text=end)
        del text
        if len(body) > FIELDS and self._cut.too_many(body):
            return self._made([], "fields")
        cells: list[str | None] | None
        if self._quick and (not dialect.quote or dialect.quote not in body):
            cells = list(body.split(dialect.delimiter))
            del body
            return self._made(cells, None)
        if large or self._reader is None:
            cells = self._careful(body, end)
        else:
            try:
                cells = self._fast()
            except _Large:
                self._reader = self._fast_reader()
                while len(self._used) > 1:
                    self._back.appendleft(self._used.pop())
                cells = self._careful(body, end)
            except csv.Error:  # of a lone CR, too, which is text
                self._reader = self._fast_reader()
                self._give_back()
                cells = self._careful(body, end)
        if cells is not None and len(self._used) > 1:
            lines = [body, *(piece.text for piece in self._used[1:])]
            cells = None if clean.swallowed(lines, dialect, self.width) else cells
            del lines
        if cells is not None and self._cut.split_quote(body):
            cells = None
        whole = cells is not None and (
            len(self._used) == 1 or not self.width or len(cells) == self.width
        )
        if cells is not None and whole:
            del body
            return self._made(cells, None)
        literal = self._cut.literal(body)
        if cells is not None and len(literal) != self.width:
            return self._made(cells, None)
        self._give_back()
        # a quote alone between tabs is text: programs that write tabs put none around text
        alone = (
            dialect.delimiter == "\t" and len(literal) == self.width and dialect.quote in literal
        )
        return self._made(literal, None if alone else "broken_quote")

    def _fast(self) -> list[str | None] | None:
        self._back.appendleft(self._used.pop())
        assert self._reader is not None
        try:
            return list(next(self._reader))
        except _Open:
            self._reader = self._fast_reader()
            return None

    def _careful(self, body: str, end: str) -> list[str | None] | None:
        """Cells of a row that may go on over several lines, each of which is looked at once."""
        begun, state = self._cut.strict(body, end)
        while state in ("open", "escaped"):
            more = self._next() if self._may_go_on() else None
            if more is None or more.bad < 0:
                if more is not None:
                    self._back.appendleft(self._used.pop())
                return None
            body = _without_end(more.text, self.dialect.end)
            begun, state = self._cut.strict(body, more.text[len(body) :], begun)
        return begun.cells if state == "clean" else None

    def _give_back(self) -> None:
        while len(self._used) > 1:
            self._credit = max(0, self._credit - _cost(self._used[-1]))
            self._back.appendleft(self._used.pop())

    def _made(self, cells: list[str | None], trouble: str | None) -> Row:
        used, self._used = self._used, []
        first = used[0]
        offset, line = first.offset, first.line
        raw = first.raw if len(used) == 1 else b"".join(piece.raw for piece in used)
        bad = any(piece.bad for piece in used)
        odd = next((piece.odd for piece in used if piece.odd is not None), None)
        del first, used
        taken = len(raw)
        raw = self._trimmed(raw)
        if self.null is not None:
            cells = [None if cell == self.null else cell for cell in cells]
        if bad:
            trouble = "encoding"
        return Row(offset, len(raw), line, raw, cells, trouble, odd, taken > len(raw))

    def _trimmed(self, raw: bytes) -> bytes:
        wide = self.charset.startswith(("utf-16", "utf-32"))
        code = self.charset if wide else "ascii"
        if self.dialect.end == "\r":
            return raw.removesuffix("\r".encode(code))
        return raw.removesuffix("\n".encode(code)).removesuffix("\r".encode(code))


class _Large(Exception):
    """A row of which csv.reader would hold four bytes for each character and more."""


class _Open(Exception):
    """A quoted field that does not end."""


def _cost(piece: _Piece) -> int:
    return 1 + len(piece.text) // _LINE_CHARS


def _without_end(text: str, end: str) -> str:
    if end == "\r":
        return text.removesuffix("\r")
    return text.removesuffix("\n").removesuffix("\r")
