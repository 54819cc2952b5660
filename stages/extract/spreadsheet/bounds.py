"""Whether a workbook is small enough to be read: looked through before a parser makes it a table.

.xlsx, .xlsm and .ods are zip files of XML. Two cells in opposite corners of a sheet are a table of
17 billion, and a repeated row a million: parsers make room for all of it.
"""

from __future__ import annotations

import errno
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO
from xml.parsers import expat

from stages import watch
from stages.errors import Unreadable
from stages.extract.packed.streams import Budget, Limits

CELLS = 1 << 24  # of all sheets, from the first to the last with a value: 1 GB of memory
BYTES = 4 << 30  # of all members together
_MEMBERS = 100_000
_CHUNK = 1 << 18
_NAMES = 1000  # of elements, whose meaning is remembered
# What zipfile raises of damage: names that are no text and places beyond any file, too.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
)
_XML = (b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def check(file: BinaryIO, size: int) -> None:
    """Look through a zip file of XML; Unreadable (oversize, corrupt) when it is none to be read."""
    try:
        with zipfile.ZipFile(file) as packed:
            members = packed.infolist()
            if len(members) > _MEMBERS:
                raise Unreadable("oversize", limit=_MEMBERS, of="members")
            budget = Budget(Limits(total=BYTES), max(size, 1), "workbook")
            area = sum(_area(packed, member, budget) for member in members)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise Unreadable("corrupt", error="it points to a place before its begin") from None
    except _BROKEN as error:
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
        self._row = self._column = 0
        self._reference = ""  # of an Excel cell
        self._height = self._width = self._sum = 0
        self._columns: dict[str, int] = {}
        self._handlers: dict[str, Callable[[dict[str, str]], None]] = {
            "row": self._excel_row,
            "c": self._excel_cell,
            "v": self._excel_value,
            "is": self._excel_value,
            "table": self._table,
            "table-row": self._ods_row,
            "table-cell": self._ods_cell,
            "covered-table-cell": self._ods_cell,
            "p": self._value,
        }
        self._known: dict[str, Callable[[dict[str, str]], None] | None] = {}

    def parser(self) -> expat.XMLParserType:
        """An XML parser that feeds this."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.StartDoctypeDeclHandler = _refuse
        return parser

    def area(self) -> int:
        """Cells of all tables so far."""
        self._sum, self._height, self._width = self._sum + self._height * self._width, 0, 0
        return self._sum

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        try:
            handler = self._known[name]
        except KeyError:
            handler = self._handlers.get(name.rpartition(":")[2])
            if len(self._known) < _NAMES:
                self._known[name] = handler
        if handler is not None:
            handler(attributes)

    def _value(self, _: object = None) -> None:
        if self._row > self._height:
            self._height = self._row
        if self._column > self._width:
            self._width = self._column

    def _excel_row(self, attributes: dict[str, str]) -> None:
        self._row = int(attributes.get("r", self._row + 1))
        self._column = 0

    def _excel_cell(self, attributes: dict[str, str]) -> None:
        self._column += 1
        self._reference = attributes.get("r", "")
        if self._reference:
            letters = self._reference.rstrip("0123456789")
            self._column = self._columns.get(letters) or self._numbered(letters)

    def _excel_value(self, _: object) -> None:
        digits = self._reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        if digits:
            self._row = int(digits)
        self._value()

    def _numbered(self, letters: str) -> int:
        if not (letters.isascii() and letters.isalpha() and len(letters) < 4):
            raise ValueError(f"{letters[:20]!r} is no column")
        number = 0
        for letter in letters.upper():
            number = number * 26 + ord(letter) - 64
        self._columns[letters] = number
        return number

    def _table(self, _: object) -> None:
        self.area()
        self._row = self._column = 0

    def _ods_row(self, attributes: dict[str, str]) -> None:
        self._row += _times(attributes, "number-rows-repeated")
        self._column = 0

    def _ods_cell(self, attributes: dict[str, str]) -> None:
        self._column += _times(attributes, "number-columns-repeated")
        if any(name.endswith("value-type") for name in attributes):
            self._value()


def _times(attributes: dict[str, str], name: str) -> int:
    found = (value for key, value in attributes.items() if key.endswith(name))
    return max(1, int(next(found, 1)))


def _refuse(name: str, *_: object) -> None:
    raise ValueError("it declares a document type, which no workbook does")
