"""The text of one row cut into cells, by the letter of its dialect."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

_SPLIT_CHARS = 1 << 14  # longer rows are not searched for split quotes
# A row of more fields is refused: each takes 60 bytes in memory.
FIELDS, _PIECE = 1 << 20, 1 << 20
_LETTERS = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "0": "\0",
    "Z": "\x1a",
}


@dataclass(frozen=True)
class Dialect:
    """delimiter: one character, or one and a space. quote: one or none. escape: empty (a quote
    is written twice) or a backslash; bare: also outside of quotes. letters: backslash n, t, N
    mean what they mean to a database; nulls: a quote and N do, alone in a field. verbatim: quotes
    within quotes are as they stand, and a bare NULL is one. end: of a row.
    header: whether the first row of the table names the columns; labels: all but the first, which
    tells the rows apart. preamble: rows before it.
    width: fields of a row, 0: not known; even: whether enough of the rows have so many."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    bare: bool = True
    letters: bool = False
    nulls: bool = False
    verbatim: bool = False
    end: str = "\n"
    header: bool = True
    labels: bool = False
    preamble: int = 0
    width: int = 0
    even: bool = True


class Begun(NamedTuple):
    """A row so far: its cells, and the lines of the field that is still open."""

    cells: list[str | None]
    field: list[str]
    quoted: bool


class Cutter:
    """Cuts the text of one row into cells, by the letter of the dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        mark = re.escape(dialect.delimiter)
        escaped = dialect.escape != ""
        free = escaped and dialect.bare
        sign = re.escape(dialect.escape)
        self._escape = re.compile(rf"{sign}(.)", re.DOTALL)
        one = len(dialect.delimiter) == 1
        if not one:  # the space may be missing at the end of a row
            mark = f"(?:{mark}|{re.escape(dialect.delimiter[0])}(?=$))"
        self._mark = re.compile(mark)
        plain = rf"[^{mark}{sign}]*" if one else rf"(?:(?!{mark})[^{sign}])*"
        if free:
            bare = rf"{plain}(?:{sign}.{plain})*{sign}?"
        else:
            bare = f"[^{mark}]*" if one else f"(?:(?!{mark}).)*"
        self._free = free
        self._bare = re.compile(bare, re.DOTALL)
        self._inner: re.Pattern[str] | None = None
        self._closed: re.Pattern[str] | None = None
        self._opens: re.Pattern[str] | None = None
        self._null: re.Pattern[str] | None = None
        if dialect.quote:
            q = re.escape(dialect.quote)
            if dialect.nulls:
                self._null = re.compile(rf"{q}N(?={mark}|\Z)")
            inner = (
                rf"[^{q}{sign}]*+(?:(?:{sign}.|{q}{q})[^{q}{sign}]*+)*+"
                if escaped
                else f"[^{q}]*+(?:{q}{q}[^{q}]*+)*+"
            )
            bare_end = rf"(?:NULL|[-+]?\d[\d.]*(?:e[-+]?\d+)?|)(?:{mark}|\Z)"
            self._last = re.compile(rf"{q}(?=\Z|{mark}(?:{q}|{bare_end}))")
            self._inner = re.compile(inner, re.DOTALL)
            self._closed = re.compile(rf"{q}({inner}){q}(?={mark}|\Z)", re.DOTALL)
            other = f"[^{mark}{q}]" if one else f"(?:(?!{mark})[^{q}])"
            self._opens = re.compile(
                rf"(?:^|{mark}){other}*[^\s{mark}{q}]{q}[^\W\d](?:{other}|{q}{q})*+(?={mark})"
            )
            self._closes = re.compile(rf"(?:[^\d{mark}{q}]{q}|{q}{q}{q})(?:{mark}|$)")
            self._anew = re.compile(rf"{mark}{q}|\n")

    def split_quote(self, line: str) -> bool:
        """Whether a quote opens in the middle of a field and closes at the end of a later one,
        before another field begins with one: the delimiters between them may be text."""
        if self._opens is None or self.dialect.verbatim or len(line) > _SPLIT_CHARS:
            return False
        closes = anew = -1
        for found in self._opens.finditer(line):
            mark = self._mark.match(line, found.end())
            begin = mark.end() if mark else found.end()
            if closes < begin:
                closes = _begin_of(self._closes.search(line, begin), line)
            if anew < begin:
                anew = _begin_of(self._anew.search(line, begin), line)
            if closes < min(anew, len(line)):
                return True
        return False

    def too_many(self, text: str) -> bool:
        """Whether a row has more fields than are taken apart."""
        delimiter, quote = self.dialect.delimiter, self.dialect.quote
        if text.count(delimiter) <= FIELDS:
            return False
        number = within = 0
        for at in range(0, len(text), _PIECE):
            parts = text[at : at + _PIECE].split(quote) if quote else [text[at : at + _PIECE]]
            number += sum(part.count(delimiter) for part in parts[within::2])
            within = (within + len(parts) - 1) % 2
            if number > FIELDS:
                return True
        return False

    def strict(self, text: str, end: str = "", begun: Begun | None = None) -> tuple[Begun, str]:
        """(row so far, state): clean, open (a quote is not closed), escaped (the row end is), or
        broken (text after a closing quote). text: a line; end: its end; begun: the lines before."""
        cells, field, quoted = begun or Begun([], [], False)
        at = 0
        quote = self.dialect.quote
        while True:
            if not field:
                quoted = self._inner is not None and text.startswith(quote, at)
                if quoted and self._null is not None and self._null.match(text, at):
                    quoted = False
                at += quoted
            if quoted:
                stop, inner = self._closing(text, at, cells)
                if stop < 0:
                    return Begun(cells, _with(field, inner + end), True), "open"
                value = "".join([*field, inner]) if field else inner
                if self.dialect.verbatim and quote * 2 in value:
                    return Begun(cells, [], False), "broken"  # one that is written twice, or two
                cells.append(self._value(value))
                at = stop + 1
            else:
                found = self._bare.match(text, at)
                assert found is not None
                if self._free and found.end() == len(text) and self._odd(found[0]):
                    return Begun(cells, _with(field, text[at:] + end), False), "escaped"
                cells.append(self._plain("".join([*field, found[0]]) if field else found[0]))
                at = found.end()
            field = []
            if at == len(text):
                return Begun(cells, [], False), "clean"
            mark = self._mark.match(text, at)
            if mark is None:
                return Begun(cells, [], False), "broken"
            at = mark.end()

    def _closing(self, text: str, at: int, cells: list[str | None]) -> tuple[int, str]:
        """(where the quote is that ends a field, the field's text from `at` on); -1 where the field
        goes on behind the line. A quote at a line's end is text, or the escape of that end as
        MariaDB writes it, where the row has not all of its fields yet."""
        short = len(cells) + 1 < self.dialect.width
        if self.dialect.verbatim:
            last = self._last.search(text, at)
            if last is None or (short and last.end() == len(text)):
                return -1, text[at:]
            return last.start(), text[at : last.start()]
        assert self._inner is not None
        found = self._inner.match(text, at)
        assert found is not None
        if not text.startswith(self.dialect.quote, found.end()):
            return -1, text[at:]
        if self.dialect.nulls and short and found.end() + 1 == len(text):
            return -1, found[0]
        return found.end(), found[0]

    def literal(self, text: str) -> list[str | None]:
        """Cells of one line; a quote that does not open and close one whole cell is text."""
        cells: list[str | None] = []
        at = 0
        while True:
            found = self._closed.match(text, at) if self._closed is not None else None
            if found is not None:
                cells.append(self._value(found[1]))
            else:
                found = self._bare.match(text, at)
                assert found is not None
                cells.append(self._plain(found[0]))
            at = found.end()
            mark = self._mark.match(text, at)
            if mark is None:
                return cells
            at = mark.end()

    def _value(self, text: str) -> str:
        """What stands between quotes."""
        quote = self.dialect.quote
        if self.dialect.verbatim:
            return text
        if not self.dialect.escape:
            return text.replace(quote * 2, quote) if quote in text else text
        if quote * 2 in text and not self.dialect.letters:
            text = text.replace(quote * 2, "\\" + quote)
        return self._unescaped(text)

    def _plain(self, text: str) -> str | None:
        """What stands without quotes; a database's \\N or "N is NULL."""
        if self.dialect.nulls and text == self.dialect.quote + "N":
            return None
        if self.dialect.verbatim and text == "NULL":
            return None
        if not self.dialect.escape or not self.dialect.bare:
            return text
        null = self.dialect.letters and text == self.dialect.escape + "N"
        return None if null else self._unescaped(text)

    def _unescaped(self, text: str) -> str:
        if self.dialect.escape not in text:
            return text
        if self.dialect.letters:
            return self._escape.sub(lambda match: _LETTERS.get(match[1], match[1]), text)
        known = (self.dialect.quote, "\\", self.dialect.delimiter, "\n", "\r")
        return self._escape.sub(lambda match: match[1] if match[1] in known else match[0], text)

    def _odd(self, text: str) -> bool:
        """Whether a text ends in an escape that is not escaped itself."""
        return (len(text) - len(text.rstrip(self.dialect.escape))) % 2 == 1


def _begin_of(found: re.Match[str] | None, line: str) -> int:
    return len(line) if found is None else found.start()


def _with(field: list[str], line: str) -> list[str]:
    field.append(line)
    return field
