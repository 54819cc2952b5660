"""One table of a CSV file: its dialect and header, and a verdict on the shape of each row."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from stages.errors import Unreadable
from stages.extract import charsets, file_kinds
from stages.extract.delimited.cells import FIELDS
from stages.extract.delimited.charset import SAMPLE_BYTES, charset_of
from stages.extract.delimited.clean import Block, suits
from stages.extract.delimited.cuts import Known
from stages.extract.delimited.dialect import detect
from stages.extract.delimited.table import Row, Table
from stages.extract.forms.names import numbered
from stages.extract.jsontext.lines import LINE_BYTES
from stages.extract.packed.archives import Member

Judged = tuple[Row | Block, str | None, dict[str, Any]]


@dataclass(frozen=True)
class Reading:
    """What the user knows of a file: delimiter, quote, escape; charset; header; NULL's text;
    how many rows stand before the table; whether rows of another width are filled up."""

    given: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    header: Literal["auto", "yes", "no"] = "auto"
    null: str | None = None
    preamble: int | None = None
    padded: bool = False


class Sheet:
    """The table of a stream. Raises Unreadable (empty, binary, uneven) when there is none.

    header: the names as they stand, None where there are none. names: one for each column,
    made up where it has none, numbered where it comes again. head: the header's row.
    """

    def __init__(
        self, stream: Member, reading: Reading | None = None, stop: int | None = None
    ) -> None:
        reading = reading or Reading()
        self._stream, self._padded = stream, reading.padded
        head = stream.peek(SAMPLE_BYTES)[:SAMPLE_BYTES]
        if (told := file_kinds.binary(head)) is not None:
            raise Unreadable("binary", **told)
        found = charset_of(head, reading.encoding)
        self.charset, mark = found.name, found.mark
        body = head[mark:]
        if self.charset == "utf-8":
            sample = charsets.lines_of(body).text
        else:
            sample = body.decode(self.charset, "replace")
        if not sample.strip():
            raise Unreadable("empty", rows=0)
        dialect = detect(sample, len(head) < SAMPLE_BYTES, dict(reading.given))
        if reading.header != "auto":
            dialect = replace(dialect, header=reading.header == "yes")
        if reading.preamble is not None:
            dialect = replace(dialect, preamble=reading.preamble)
        if not (dialect.header or dialect.even or reading.padded):
            told = {"delimiter": dialect.delimiter, "quote": dialect.quote, "usual": dialect.width}
            raise Unreadable("uneven", **told)
        self.dialect = dialect
        stream.read(mark)
        table = Table(
            stream,
            dialect,
            found.name,
            mark,
            reading.null,
            stop=stop,
            guessed=found.guessed,
            mixed=found.mixed,
        )
        self._found, self._table, self._rows = found, table, table.rows()
        self._before = [row for _, row in zip(range(dialect.preamble), self._alone, strict=False)]
        self.header: list[str] | None = None
        self.head: Row | None = None
        width = dialect.width
        if dialect.header and (first := next(self._alone, None)) is not None:
            self.header = [cell or "" for cell in first.cells]
            self.head = first
            width = len(self.header)
        above = [""] * dialect.labels if self.header else []
        self.names = unique_names(above + (self.header or [""] * width))
        self._widths = {len(self.names)} | self._also(dialect.width)

    @classmethod
    def range_of(
        cls, stream: Member, reading: Reading, known: Known, begin: int, line: int, stop: int
    ) -> Sheet:
        """The rows of a file, of which all is known, that begin in a range."""
        sheet = cls.__new__(cls)
        sheet._stream, sheet._padded, sheet.charset = stream, reading.padded, "utf-8"
        sheet.dialect = known.dialect
        sheet._table = Table(
            stream,
            known.dialect,
            sheet.charset,
            begin,
            reading.null,
            line=line,
            stop=stop,
            mixed=known.mixed,
        )
        sheet._rows, sheet._before = sheet._table.rows(), []
        sheet.head = sheet.header = None
        if known.header is not None:
            sheet.header = [cell or "" for cell in known.header]
            sheet.head = Row(0, 0, 1, b"", known.header)
        sheet.names = unique_names(sheet.header or [""] * known.dialect.width)
        sheet._widths = {len(sheet.names)}
        return sheet

    @property
    def known(self) -> Known | None:
        """What the reader of a range has to know; None where the file is read as a whole. To be
        asked before rows are."""
        if self._found.guessed or not suits(self.dialect, self.charset, len(self.names)):
            return None
        header = self.head.cells if self.head is not None else None
        return Known(self.dialect, header, self._found.mixed, self._table.offset)

    @property
    def over(self) -> bool:
        """Whether the reader of a range was (`stages.gather.Border`)."""
        return self._table.over

    @property
    def _alone(self) -> Iterator[Row]:
        """The next rows, while none comes with others."""
        for row in self._rows:
            assert isinstance(row, Row)
            yield row

    def take_at_once(self) -> None:
        """Give rows that need no judgement many at once, where the dialect allows it."""
        names = self.head.cells if self.head and not self.dialect.labels else None
        self._table.take_at_once(names, len(self.names))

    def _also(self, usual: int) -> set[int]:
        """The usual width of rows, where the header has more columns, but those without a name.

        The other way round the names may belong to other columns: nothing says which."""
        if self.header is None or usual >= len(self.names):
            return set()
        return set() if any(self.header[usual:]) else {usual}

    def judged(self) -> Iterator[Judged]:
        """The rows below the header in order, with reason and evidence where one is refused.

        The last row of a stream that breaks off is left out: the stream's fault tells of it.
        """
        for before in self._before:
            yield before, "preamble", {"fields": len(before.cells)}
        if self.head is not None and self.head.trouble is not None:
            yield self.head, *self.reason(self.head)
        names = self.head.cells if self.head is not None else None
        for row in self._rows:
            if isinstance(row, Block):
                yield row, None, {}
            elif row.cells == names and (len(row.cells) > 1 or row.raw.startswith(codecs.BOM_UTF8)):
                yield row, "preamble", {"fields": len(row.cells), "repeats": "the header"}
            elif row.ended or self._stream.fault is None:
                yield row, *self.reason(row)

    def reason(self, row: Row) -> tuple[str | None, dict[str, Any]]:
        """(why a row is refused, evidence); None where it is not."""
        if row.trouble == "oversize":
            return "oversize", {"limit": LINE_BYTES, "of": "bytes of a row"}
        if row.trouble == "fields":
            return "oversize", {"limit": FIELDS, "of": "fields of a row"}
        if row.trouble == "encoding":
            return "encoding", {"charset": self.charset}
        fields, expected = len(row.cells), len(self.names)
        if row.trouble is not None:
            return row.trouble, {"quote": self.dialect.quote, "expected": expected, "got": fields}
        if not any(cell and not cell.isspace() for cell in row.cells):
            return "empty", {"fields": fields}
        if self._padded or fields in self._widths:
            return None, {}
        reason = "too_many_fields" if fields > expected else "too_few_fields"
        return reason, {"expected": expected, "got": fields}

    def values(self, row: Row) -> dict[str, str | None]:
        """The row's cells by the names of their columns."""
        names = self.names
        if len(row.cells) > len(names):
            spare = range(len(names) + 1, len(row.cells) + 1)
            names = names + [f"column_{number}" for number in spare] if self._padded else names
        values = dict(zip(names, row.cells, strict=False))
        return values if len(values) == len(names) else {**dict.fromkeys(names), **values}


def unique_names(header: list[str]) -> list[str]:
    """Names that tell the columns apart: column_3 for none, text_2 for the second text."""
    names = [name.strip() for name in header]
    return numbered([name or f"column_{number}" for number, name in enumerate(names, 1)])
