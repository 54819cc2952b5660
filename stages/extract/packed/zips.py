"""Members of a zip file, by the list at its end: stored, deflate, bzip2, LZMA; Zip64.

A damaged entry costs itself alone, a lost list only what cannot be found from the begin. `zipfile`
is not used: one damaged entry ends its list, the list is held whole, and bzip2 and LZMA members
are unpacked without a bound.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple, TypeGuard

from stages.base import Fault
from stages.errors import Unreadable
from stages.extract.packed.compressed import Packed, ToTheDamage
from stages.extract.packed.labels import Labels
from stages.extract.packed.streams import Budget, Limits, Member, Raw
from stages.place import Place

_CHUNK = 1 << 18
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_USED = (2, 3, 6, 7, 8, 9, 10)  # flags, method, checksum, sizes, lengths of name and extra
_LOCAL = struct.Struct("<4s5H3L2H")
_FULL32, _UNKNOWN, _FAR = 0xFFFFFFFF, (1 << 64) - 1, 1 << 60
_METHODS = {8: "deflate", 12: "bzip2", 14: "lzma"}
_ENCRYPTED, _END_MARKED, _SIZES_AFTER, _UTF8 = 1, 2, 8, 0x800


class _Entry(NamedTuple):
    """One member as the list has it. at: offset of its own header. packed, size: bytes."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int | None
    packed: int
    size: int | None
    at: int


def members(
    file: BinaryIO,
    place: Place,
    limits: Limits,
    suffixes: tuple[str, ...],
    packages: bool = False,
) -> Iterator[tuple[Place, Member] | Fault]:
    """The members of a zip file."""
    labels = Labels(place, limits, suffixes, packages)
    file.seek(0, 2)
    size = file.tell()
    budget = Budget(limits, size, "archive")
    damaged = False
    try:
        begin, stop, shift = _directory(file, size)
    except Unreadable as broken:
        yield Fault(place, broken.reason, broken.evidence)
        damaged = True
        entries: Iterator[_Entry | Unreadable] = _by_headers(file, size)
        shared: set[int] = set()
    else:
        entries = iter(_List(file, begin, stop, shift))
        shared = _overlapping(_List(file, begin, stop, shift), limits.members)
    for number, entry in enumerate(entries):
        if labels.full is not None:
            rest = itertools.chain([entry], entries)
            more = sum(labels.is_wanted(one.name) for one in rest if _is_file(one))
            yield Fault(place, "oversize", {**labels.full, **({"unread": more} if more else {})})
            return
        if isinstance(entry, Unreadable):
            damaged = True
            labels.damage()
            yield Fault(place, entry.reason, entry.evidence)
            continue
        if entry.name.endswith("/"):
            continue
        label = labels.wanted(entry.name)
        if label is None:
            continue
        if number in shared:
            told = "its bytes are those of another member too"
            yield Fault(label, "corrupt", {"error": told, "at": entry.at})
            continue
        try:
            data = _Data(file, entry)
        except Unreadable as broken:
            yield Fault(label, broken.reason, broken.evidence)
            continue
        own = Budget(limits, max(entry.packed, 1), "member")
        member = Member(Raw(data.read, label, (own, budget)))
        yield from labels.opened(label, member)
        if budget.spent:
            left = sum(labels.is_wanted(entry.name) for entry in entries if _is_file(entry))
            if left:
                evidence = {"limit": limits.ratio, "of": "ratio of the archive", "unread": left}
                yield Fault(place, "oversize", evidence)
            return
    if not damaged:
        yield from labels.end()


class Directory:
    """The list of a zip file, for members that are asked for by name; the first of a name counts.

    Raises Unreadable where the list is not there.
    """

    def __init__(self, file: BinaryIO, place: Place, limits: Limits) -> None:
        file.seek(0, 2)
        size = file.tell()
        begin, stop, shift = _directory(file, size)
        self._file, self._place, self._limits = file, place, limits
        self._budget = Budget(limits, size, "archive")
        shared = _overlapping(_List(file, begin, stop, shift), limits.members)
        self._entries: dict[str, _Entry] = {}
        entries = itertools.islice(_List(file, begin, stop, shift), limits.members)
        for number, entry in enumerate(entries):
            if isinstance(entry, _Entry) and number not in shared:
                self._entries.setdefault(entry.name, entry)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def open(self, name: str) -> Member:
        """The bytes of a member; raises Unreadable where it is not there or cannot be opened."""
        entry = self._entries.get(name)
        if entry is None:
            raise Unreadable("corrupt", error="the archive has no such member")
        data, label = _Data(self._file, entry), Place(self._place.path, name)
        own = Budget(self._limits, max(entry.packed, 1), "member")
        return Member(Raw(data.read, label, (own, self._budget)))


def _is_file(entry: _Entry | Unreadable) -> TypeGuard[_Entry]:
    return not isinstance(entry, Unreadable) and not entry.name.endswith("/")


def _directory(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """(begin, end of the list of members, bytes before the archive); raises Unreadable."""
    length = min(size, _END.size + 65535)
    tail = _at(file, size - length, length)
    found = tail.rfind(b"PK\5\6")
    while found >= 0 and not _ends_with(tail, found):  # the comment may hold the mark too
        found = tail.rfind(b"PK\5\6", 0, found)
    if found < 0:
        found = tail.rfind(b"PK\5\6", 0, len(tail) - _END.size + 4)
    if found < 0:
        raise Unreadable("truncated", error="the list of members at its end is missing")
    *_, long, at, _ = _END.unpack_from(tail, found)
    stop = size - length + found
    locator = _at(file, stop - _LOCATOR64.size, _LOCATOR64.size)
    if locator.startswith(b"PK\6\7"):
        where = _LOCATOR64.unpack(locator)[2]
        for guess in (where, stop - _LOCATOR64.size - _END64.size):
            head = _at(file, guess, _END64.size)
            if head.startswith(b"PK\6\6"):
                long, at = _END64.unpack(head)[8:]
                stop = guess
                break
    if long == 0 and stop == at:
        return stop, stop, 0
    for begin in (stop - long, at):
        if _at(file, begin, 4) == b"PK\1\2":
            return begin, stop, max(begin - at, 0)
    raise Unreadable("corrupt", error="the list of members is not where it is said to be")


def _ends_with(tail: bytes, at: int) -> bool:
    """Whether the end record at a place, with its comment, is the file's end."""
    stop = at + _END.size
    return stop <= len(tail) and stop + _END.unpack_from(tail, at)[-1] == len(tail)


def _at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Bytes at an offset; none where there cannot be so many."""
    if not 0 <= offset < 1 << 62:
        return b""
    file.seek(offset)
    data = file.read(size)
    return data if len(data) == size else b""


class _List:
    """The list of members, read piece by piece; a damaged entry ends at the mark of the next."""

    def __init__(self, file: BinaryIO, begin: int, stop: int, shift: int) -> None:
        self._file, self._next, self._stop, self._shift = file, begin, stop, shift
        self._held, self._place = b"", 0

    def __iter__(self) -> Iterator[_Entry | Unreadable]:
        while self._hold(1):
            at = self._next - len(self._held) + self._place
            entry = self._entry()
            yield entry or Unreadable("corrupt", error="an entry of the list of members", at=at)
            if entry is None:
                self._to_mark()

    def _entry(self) -> _Entry | None:
        if not self._hold(_ENTRY.size):
            return None
        mark, *values = _ENTRY.unpack_from(self._held, self._place)
        whole = _ENTRY.size + sum(values[9:12])
        if mark != b"PK\1\2" or not self._hold(whole):
            return None
        self._hold(whole + 4)
        begin, stop = self._place + _ENTRY.size, self._place + whole
        if self._held[stop : stop + 4] not in (b"", b"PK\1\2", b"PK\5\5", b"PK\6\6"):
            return None
        self._place = stop if self._held[stop : stop + 4] != b"PK\5\5" else len(self._held)
        return _entry(values, self._held[begin:stop], self._shift)

    def _hold(self, size: int) -> bool:
        while len(self._held) - self._place < size and self._next < self._stop:
            data = _at(self._file, self._next, min(_CHUNK, self._stop - self._next))
            if not data:
                break
            self._next += len(data)
            self._held, self._place = self._held[self._place :] + data, 0
        return len(self._held) - self._place >= size

    def _to_mark(self) -> None:
        self._place += min(4, len(self._held) - self._place)
        while (found := self._held.find(b"PK\1\2", self._place)) < 0:
            self._place = max(self._place, len(self._held) - 3)
            if not self._hold(len(self._held) - self._place + 1):
                self._place = len(self._held)
                return
        self._place = found


def _entry(values: list[int], texts: bytes, shift: int) -> _Entry:
    flags, method, crc, packed, size, names, extra = (values[n] for n in _USED)
    at = values[-1]
    raw, more = texts[:names], texts[names : names + extra]
    while len(more) >= 4:
        kind, length = struct.unpack_from("<2H", more)
        if kind == 1:  # Zip64: what does not fit into 32 bits, in this order
            long = iter(struct.unpack_from(f"<{length // 8}Q", more[4:].ljust(length, b"\0")))
            size, packed, at = (
                next(long, value) if value == _FULL32 else value for value in (size, packed, at)
            )
        more = more[4 + length :]
    return _Entry(_name(raw, flags), raw, flags, method, crc, packed, size, at + shift)


def _name(raw: bytes, flags: int) -> str:
    text = raw.decode("utf-8", "surrogateescape") if flags & _UTF8 else raw.decode("cp437")
    return text.split("\0", 1)[0]


def _by_headers(file: BinaryIO, size: int) -> Iterator[_Entry]:
    """What can be found without the list: members by their own headers, from the begin."""
    at = 0
    listed = _find(file, 0, size, b"PK\1\2")
    while (at := _find(file, at, size, b"PK\3\4")) + _LOCAL.size <= size:
        _, _, flags, method, _, _, crc, packed, long, names, extra = _LOCAL.unpack(
            _at(file, at, _LOCAL.size)
        )
        raw = _at(file, at + _LOCAL.size, names)
        begin = at + _LOCAL.size + names + extra
        if flags & _SIZES_AFTER and not packed:
            stop = _find(file, begin, size, b"PK\3\4")
            if begin > listed:
                listed = _find(file, begin, size, b"PK\1\2")
            packed = min(stop, listed) - begin
            yield _Entry(_name(raw, flags), raw, flags, method, None, max(packed, 0), None, at)
        else:
            yield _Entry(_name(raw, flags), raw, flags, method, crc, packed, long, at)
        at = max(begin, begin + packed if begin + packed <= size else at + 4)


def _find(file: BinaryIO, at: int, size: int, mark: bytes) -> int:
    """The offset of the next mark; the file's size when there is none."""
    held = b""
    while at < size:
        data = _at(file, at, min(_CHUNK, size - at))
        held += data
        if (found := held.find(mark)) >= 0:
            return at + len(data) - len(held) + found
        held = held[-3:]
        at += len(data)
        if not data:
            break
    return size


def _overlapping(entries: Iterable[_Entry | Unreadable], limit: int) -> set[int]:
    """The numbers of entries whose bytes are another's too, by which a small file is a huge one.

    Of several at one place the first is whole. Needs 16 bytes a member.
    """
    begins, ends = array("Q"), array("Q")
    for entry in itertools.islice(entries, 2 * limit):
        if isinstance(entry, Unreadable):
            begins.append(0)
            ends.append(0)
            continue
        begin = min(entry.at, _FAR)
        begins.append(begin)
        ends.append(min(begin + _LOCAL.size + len(entry.raw_name) + entry.packed, 2 * _FAR))
    return set(_reaching(begins, ends))


def _reaching(begins: array[int], ends: array[int]) -> list[int]:
    import numpy as np

    if not begins:
        return []
    at, stop = np.frombuffer(begins, np.uint64), np.frombuffer(ends, np.uint64)
    real = np.flatnonzero(stop)
    order = real[np.argsort(at[real], kind="stable")]
    sorted_ = at[order]
    again = np.concatenate([[False], sorted_[1:] == sorted_[:-1]])
    places = np.unique(sorted_)
    following = np.searchsorted(places, sorted_, side="right")
    next_ = np.concatenate([places, np.array([4 * _FAR], np.uint64)])[following]
    found: list[int] = order[again | (stop[order] > next_)].tolist()
    return found


class _Data:
    """The unpacked bytes of one member; raises Unreadable where it cannot be read at all."""

    def __init__(self, file: BinaryIO, entry: _Entry) -> None:
        head = _at(file, entry.at, _LOCAL.size)
        if not head.startswith(b"PK\3\4"):
            raise Unreadable("corrupt", error="the member is not where the list says", at=entry.at)
        *_, names, extra = _LOCAL.unpack(head)
        raw = _at(file, entry.at + _LOCAL.size, names) if names == len(entry.raw_name) else b""
        if raw != entry.raw_name:
            raise Unreadable("corrupt", error="the member has another name than in the list")
        if entry.flags & _ENCRYPTED:
            raise Unreadable("unreadable", error="a password is needed")
        if entry.method and entry.method not in _METHODS:
            raise Unreadable("unreadable", error=f"compression method {entry.method} is not known")
        self._file, self._entry = file, entry
        self._begin = entry.at + _LOCAL.size + names + extra
        self._crc = self._size = 0
        self._read = self._open(None).read
        if entry.method:
            self._read = ToTheDamage(self._open).read

    def read(self, size: int) -> bytes:
        data = self._read(size)
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        entry = self._entry
        if (
            not data
            and entry.size is not None
            and (entry.size, entry.crc) != (self._size, self._crc)
        ):
            raise Unreadable(
                "corrupt", error="the checksum or size is another than that of the data"
            )
        return data

    def _open(self, slow: int | None) -> Packed | _Stored:
        stored = _Stored(self._file, self._begin, self._begin + self._entry.packed)
        if not self._entry.method:
            return stored
        if self._entry.method == 14:
            stored.begin_lzma(self._entry)
        return Packed(_METHODS[self._entry.method], stored.read, alone=True, slow=slow)


class _Stored:
    """The packed bytes of a member."""

    def __init__(self, file: BinaryIO, at: int, stop: int) -> None:
        self._file, self._place, self._stop = file, at, stop
        self._before = b""

    def begin_lzma(self, entry: _Entry) -> None:
        """Make the head of a zip's LZMA data that of an .lzma file."""
        head = _at(self._file, self._place, 9)
        size = _UNKNOWN if entry.size is None or entry.flags & _END_MARKED else entry.size
        self._before = head[4:] + struct.pack("<Q", size)
        self._place += 9

    def read(self, size: int) -> bytes:
        if self._before:
            data, self._before = self._before, b""
            return data
        self._file.seek(self._place)
        data = self._file.read(min(size, self._stop - self._place))
        self._place += len(data)
        return data
