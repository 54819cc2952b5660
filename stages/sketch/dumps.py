"""The tables of a dump of any size, and an excerpt that holds some rows of each.

A dump has the rows of a table in one place. So a large file is looked at in a few places from
begin to end; where two of them show different tables, the border between them is looked for by
halving, which finds what lies between. Of a compressed dump only the begin can be read.
"""

from __future__ import annotations

import io
import itertools
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from stages.base import Fault
from stages.extract import files
from stages.extract.packed import archives
from stages.extract.packed.streams import Member, Raw
from stages.extract.sqldump.reader import Reader
from stages.extract.sqldump.rows import Block, Row
from stages.place import Place
from stages.sketch.tables import ROWS, Table

WHOLE = 6 << 20  # bytes of a dump that is read as it is
_HEAD, _MOST_HEAD = 256 << 10, 4 << 20
_WINDOW, _WIDE = 32 << 10, 1 << 20  # bytes that are looked at in one place, and at most
_PLACES, _READS, _SECONDS = 48, 1200, 3.0
_MARK = re.compile(
    rb"(?im)^[ \t]*(CREATE TABLE(?: IF NOT EXISTS)?|(?:INSERT|REPLACE)(?: IGNORE)?(?: INTO)?|COPY)"
    rb"[ \t]+((?:[`\"\[]?[\w$\x80-\xff-]+[`\"\]]?\.)*[`\"\[]?[\w$\x80-\xff-]+[`\"\]]?)"
)
_CREATE = b"create"


@dataclass
class Dump:
    """tables: with rows of the excerpt. excerpt: the bytes of it. whole: whether that is all.
    seen: a sentence on what was looked at."""

    tables: list[Table] = field(default_factory=list)
    excerpt: bytes = b""
    whole: bool = True
    seen: str = ""


def look_into(path: Path, name: str, size: int) -> Dump:
    """The tables of a dump. path: the folder; name: the file below it; size: its bytes."""
    plain = archives.is_plain(path / name) and not _is_archive(path / name)
    if not plain or size <= WHOLE:
        data, whole = _begin(path, name)
        seen = "" if whole else f"seen in its first {len(data) >> 20} MB"
        return _read(Dump([], data, whole, seen), {})
    with files.opened(path / name) as file:
        file.seek(0)
        places = _Places(file, size)
        excerpt = places.excerpt()
    dump = Dump([], excerpt, False, f"seen in {places.reads:,} places of {size >> 20:,} MB")
    return _read(dump, places.bytes_of())


def _is_archive(path: Path) -> bool:
    with files.opened(path) as file:
        return file.read(5) == b"PGDMP"


def _begin(path: Path, name: str) -> tuple[bytes, bool]:
    """The first bytes of a dump, unpacked, and whether they are all."""
    for found in archives.members(path, name, None, (".sql", ".dump", ".mysql", ".pgsql")):
        if not isinstance(found, Fault):
            data = found[1].read(WHOLE)
            return data, len(data) < WHOLE
    return b"", True


def _read(dump: Dump, sizes: dict[str, int]) -> Dump:
    """Read the excerpt: the columns and first rows of each table."""
    found: dict[str, Table] = {}
    held: dict[str, tuple[int, int]] = {}  # rows and bytes
    place = Place("")
    for event in _events(dump.excerpt, place):
        if isinstance(event, Fault):
            continue
        name = event.shape.table
        columns = event.shape.columns or tuple(f"c{n + 1}" for n in range(len(event.values)))
        table = found.setdefault(name, Table(name, columns))
        rows, bytes_ = held.get(name, (0, 0))
        held[name] = rows + 1, bytes_ + len(event.raw)
        if len(table.rows) < ROWS and columns == table.columns:
            table.rows.append(event.values)
    for name, table in found.items():
        rows, bytes_ = held[name]
        space = sizes.get(bare(name.encode()).decode("utf-8", "replace"), 0)
        table.size = rows if dump.whole else max(rows, space * rows // max(1, bytes_))
    dump.tables = list(found.values())
    return dump


def _events(data: bytes, place: Place) -> Iterator[Row | Fault]:
    stream = Member(Raw(io.BytesIO(data).read, place))
    try:
        for event in Reader(stream):
            assert not isinstance(event, Block)  # it is not asked for any
            yield event
    except Exception as error:  # the border around a reader of foreign data
        yield Fault(place, "unparsed", {"error": f"{type(error).__name__}: {error}"[:200]})


@dataclass
class _Seen:
    """The table of the first mark behind a place; None where there is none near."""

    offset: int
    table: bytes | None


class _Places:
    """Looks into a large plain dump in many places."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.reads = 0
        self._end = time.monotonic() + _SECONDS
        self._begins: dict[bytes, int] = {}
        self.seen: dict[int, _Seen] = {}
        offsets = [n * (size - _WINDOW) // (_PLACES - 1) for n in range(_PLACES)]
        for offset in offsets:
            self._at(offset)
        self._halve([self.seen[offset] for offset in sorted({*offsets})])

    def _halve(self, places: list[_Seen]) -> None:
        """Look between each two places that show different tables, the widest gaps first."""
        gaps = [*itertools.pairwise(places)]
        while gaps and self.reads < _READS and time.monotonic() < self._end:
            gaps.sort(key=lambda gap: gap[1].offset - gap[0].offset)
            low, high = gaps.pop()
            if low.table == high.table or high.offset - low.offset <= _WINDOW:
                continue
            middle = self._at((low.offset + high.offset) // 2)
            gaps += [(low, middle), (middle, high)]

    def _at(self, offset: int) -> _Seen:
        """What stands at an offset: the first mark behind it."""
        self.reads += 1
        width = _WINDOW
        while True:
            self._file.seek(offset)
            data = self._file.read(width)
            marks = list(_MARK.finditer(data))
            if marks or width >= _WIDE or len(data) < width:
                break
            width *= 8
        for match in marks:
            where, name = offset + match.start(), bare(match[2])
            if not match[1].lower().startswith(_CREATE):
                self._begins[name] = min(self._begins.get(name, self._size), where)
        table = bare(marks[0][2]) if marks else None
        self.seen[offset] = _Seen(offset, table)
        return self.seen[offset]

    def bytes_of(self) -> dict[str, int]:
        """Table → about how many bytes its rows have: up to where those of the next one begin."""
        begins = sorted((at, table) for table, at in self._begins.items())
        ends = [at for at, _ in begins[1:]] + [self._size]
        return {
            table.decode("utf-8", "replace"): end - at
            for (at, table), end in zip(begins, ends, strict=True)
        }

    def excerpt(self) -> bytes:
        """The begin of the file, and of each table its first rows with what creates it; whole
        statements of whole rows."""
        self._file.seek(0)
        head = self._file.read(_MOST_HEAD)
        marks = list(_MARK.finditer(head))
        rows = next((m for m in marks if not m[1].lower().startswith(_CREATE)), None)
        until = max(_HEAD, rows.start() + _HEAD // 4 if rows is not None else len(head))
        pieces = [_closed(head[:until])]
        settings = head[: marks[0].start()] if marks else b""  # charset and the like
        begins = sorted((at, table) for table, at in self._begins.items() if at >= until)
        each = max(32 << 10, min(192 << 10, WHOLE // max(1, len(begins))))
        for at, table in begins:
            self._file.seek(max(0, at - _HEAD))
            created = _created(self._file.read(min(at, _HEAD)), table)
            self._file.seek(at)
            before = settings + (created or _created(head, table))
            piece = _closed(before + self._file.read(each))
            pieces.append(piece[len(settings) :])
        return b"\n".join(pieces)


def _closed(data: bytes) -> bytes:
    """A begin of a dump up to its last whole row, with the statement closed behind it."""
    end = 0
    for event in _events(data, Place("")):
        if isinstance(event, Row):
            end = event.offset + len(event.raw)
    if not end:  # no row: what stands before the first statement of rows
        mark = next((m for m in _MARK.finditer(data) if not m[1].lower().startswith(_CREATE)), None)
        return data[: mark.start()] if mark is not None else _whole_lines(data)
    of_copy = data[end : end + 1] in (b"\n", b"\r")
    return data[:end] + (b"\n\\.\n" if of_copy else b";\n")


def bare(name: bytes) -> bytes:
    """The last part of a table's name, without quotes."""
    return re.split(rb"\.", name)[-1].strip(b'`"[]').lower()


def _created(data: bytes, table: bytes) -> bytes:
    """The statement that creates a table, where it stands in what is before its rows."""
    found = b""
    for match in _MARK.finditer(data):
        if match[1].lower().startswith(_CREATE) and bare(match[2]) == table:
            end = re.search(rb";[ \t]*\r?\n", data[match.start() :])
            if end is not None:
                found = data[match.start() : match.start() + end.end()]
    return found


def _whole_lines(data: bytes) -> bytes:
    """Up to the last line end; of one long line all, with its last row cut."""
    end = data.rfind(b"\n")
    return data[: end + 1] if end > 0 else data
