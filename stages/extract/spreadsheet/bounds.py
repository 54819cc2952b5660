"""Whether a workbook is small enough to be read: looked through before a parser makes it a table.

.xlsx, .xlsm and .ods are zip files of XML. Two cells in opposite corners of a sheet are a table of
17 billion, and a repeated row a million: parsers make room for all of it.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO
from xml.parsers import expat

from stages import watch
from stages.errors import Unreadable
from stages.extract.packed.compressed import Budget, Limits

CELLS = 1 << 24  # of all sheets, from the first to the last with a value: 1 GB of memory
_BYTES = 4 << 30  # of all members together
_MEMBERS = 100_000
_CHUNK = 1 << 18
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_XML = (b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def check(file: BinaryIO, size: int) -> None:
    """Look through a zip file of XML; Unreadable (oversize, corrupt) when it is none to be read."""
    try:
        with zipfile.ZipFile(file) as packed:
            members = packed.infolist()
            if len(members) > _MEMBERS:
                raise Unreadable("oversize", limit=_MEMBERS, of="members")
            budget = Budget(Limits(total=_BYTES), max(size, 1), "workbook")
            area = sum(_area(packed, member, budget) for member in members)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Unreadable("corrupt", error=str(error)[:200]) from None
    if area > CELLS:
        raise Unreadable("oversize", limit=CELLS, of="cells", cells=area)


def _area(packed: zipfile.ZipFile, member: zipfile.ZipInfo, budget: Budget) -> int:
    """The cells of the tables in a member that a parser would make room for."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable("corrupt", error=f"{member.filename} is packed in a way unknown here")
    parser: expat.XMLParserType | None = None
    tables = _Tables()
    with packed.open(member) as stream:
        first = True
        while data := stream.read(_CHUNK):
            watch.tick()
            if told := budget.spend(len(data)):
                raise Unreadable("oversize", **told)
            if first and data.startswith(_XML):
                parser = tables.parser()
            first = False
            if parser is not None:
                _parse(parser, data, False, member.filename)
    if parser is not None:
        _parse(parser, b"", True, member.filename)
    return tables.area()


def _parse(parser: expat.XMLParserType, data: bytes, last: bool, name: str) -> None:
    try:
        parser.Parse(data, last)
    except (expat.ExpatError, ValueError) as error:
        raise Unreadable("corrupt", error=f"{name}: {error}"[:200]) from None


class _Tables:
    """Follows rows and cells of worksheets (row, c, v) and of OpenDocument's tables."""

    def __init__(self) -> None:
        self._row = self._column = self._repeated = 0
        self._filled = False
        self._height = self._width = self._sum = 0
        self._handlers: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "row": self._excel_row,
            "c": self._excel_cell,
            "v": self._value,
            "is": self._value,
            "table": self._table,
            "table-row": self._ods_row,
            "table-cell": self._ods_cell,
            "covered-table-cell": self._ods_cell,
            "p": self._value,
        }

    def parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.StartDoctypeDeclHandler = _refuse
        return parser

    def area(self) -> int:
        """Cells of all tables so far."""
        self._sum, self._height, self._width = self._sum + self._height * self._width, 0, 0
        return self._sum

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        handler = self._handlers.get(name.rpartition(":")[2])
        if handler is not None:
            handler(attributes)

    def _value(self, _: Mapping[str, str]) -> None:
        self._height = max(self._height, self._row)
        self._width = max(self._width, self._column)

    def _excel_row(self, attributes: Mapping[str, str]) -> None:
        self._row = int(attributes.get("r", self._row + 1))
        self._column = 0

    def _excel_cell(self, attributes: Mapping[str, str]) -> None:
        self._column += 1
        if (where := _REFERENCE.fullmatch(attributes.get("r", ""))) is not None:
            self._column = 0
            for letter in where[1].upper():
                self._column = self._column * 26 + ord(letter) - 64
            self._row = int(where[2])

    def _table(self, _: Mapping[str, str]) -> None:
        self.area()
        self._row = self._column = 0

    def _ods_row(self, attributes: Mapping[str, str]) -> None:
        self._row += _times(attributes, "number-rows-repeated")
        self._column = 0

    def _ods_cell(self, attributes: Mapping[str, str]) -> None:
        self._column += _times(attributes, "number-columns-repeated")
        if any(name.rpartition(":")[2] == "value-type" for name in attributes):
            self._value(attributes)


def _times(attributes: Mapping[str, str], name: str) -> int:
    found = (v for key, v in attributes.items() if key.rpartition(":")[2] == name)
    return max(1, int(next(found, 1)))


def _refuse(name: str, *_: object) -> None:
    raise ValueError("it declares a document type, which no workbook does")
