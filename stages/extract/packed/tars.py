"""Members of a tar file that is read once from its begin to its end: ustar, pax, GNU, sparse.

A damaged header costs what it tells of, not what follows: reading goes on at the next header
that is whole. `tarfile` is not used: changed bytes make it raise what they will, run for hours
over one pax header, or end in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stages.base import Fault
from stages.errors import Unreadable
from stages.extract.packed.compressed import is_tar_header
from stages.extract.packed.labels import Labels
from stages.extract.packed.streams import Budget, Limits, Member, Raw
from stages.place import Place

_BLOCK = 512
_CHUNK = 1 << 18
_HEADER_BYTES = 1 << 20  # long names, attributes, maps of holes: beyond this it is no header
_END = b"\0" * _BLOCK
_REGULAR = (b"0", b"\0", b"7", b"S")
_WITHOUT_DATA = (b"1", b"2", b"3", b"4", b"5", b"6")  # links, devices, folders, pipes
_LENGTH = re.compile(rb"(\d{1,7}) ")
_DIGITS = re.compile(r"[0-9]{1,19}")
_OCTAL = re.compile(rb"[0-7]{1,12}")


@dataclass
class _Header:
    """One member. kind: its type's byte. size: bytes that follow. blocks: (offset, size) of the
    data of a file with holes, the last at its end."""

    name: str
    kind: bytes
    size: int
    blocks: list[tuple[int, int]] | None = None

    @property
    def folder(self) -> bool:
        return self.kind == b"5" or (self.kind == b"\0" and self.name.endswith("/"))


class _Blocks:
    """The stream with its position; what was read since `mark` can be given back."""

    def __init__(self, stream: Member) -> None:
        self._stream = stream
        self._back, self._place = b"", 0
        self._kept: list[bytes] | None = None
        self._again = 0
        self.position = 0

    def read(self, size: int) -> bytes:
        data = self._back[self._place : self._place + size]
        self._place += len(data)
        if self._place == len(self._back):
            self._back, self._place = b"", 0
        while len(data) < size and (more := self._stream.read(size - len(data))):
            data += more
        self.position += len(data)
        if self._kept is not None:
            self._kept.append(data)
        return data

    def skip(self, size: int) -> bool:
        """Whether so much was there."""
        while size > 0 and (data := self.read(min(size, _CHUNK))):
            size -= len(data)
        return size <= 0

    def mark(self) -> None:
        self._kept = []

    def forget(self) -> None:
        self._kept = None

    def give_back(self) -> None:
        """All but the first block since the mark is to be read again, unless that has been done
        with more bytes than there are: headers within headers."""
        kept, self._kept = b"".join(self._kept or ())[_BLOCK:], None
        self._again += len(kept)
        if self._again <= self.position + 4 * _HEADER_BYTES:
            self._back, self._place = kept + self._back[self._place :], 0
            self.position -= len(kept)

    def to_header(self) -> tuple[bool, bool]:
        """Go to the next whole header: whether there is one, and whether other bytes stood
        before it."""
        others = False
        while True:
            block = self.read(_BLOCK)
            if is_tar_header(block):
                if self._back:
                    self._place -= _BLOCK  # where it came from
                else:
                    self._back, self._place = block, 0
                self.position -= _BLOCK
                return True, others
            others = others or bool(block.strip(b"\0"))
            if len(block) < _BLOCK:
                return False, others


def members(
    stream: Member,
    place: Place,
    limits: Limits,
    suffixes: tuple[str, ...],
    size: int,
    unread: Callable[[int], int],
    packages: bool = False,
) -> Iterator[tuple[Place, Member] | Fault]:
    """The members of a tar file. size: bytes of the file itself, which bound what comes out.
    unread: how many of them were not read, when so many bytes of the tar file were."""
    labels = Labels(place, limits, suffixes, packages)
    budget = Budget(limits, size, "archive")
    reader = _Headers(_Blocks(stream))
    damaged = False
    for header in reader:
        if labels.full is not None:
            at = reader.blocks.position - _BLOCK
            yield Fault(place, "oversize", {**labels.full, "unread_bytes": unread(at)})
            return
        if isinstance(header, Unreadable):
            damaged = True
            labels.damage()
            if stream.fault is None:
                yield Fault(place, header.reason, header.evidence)
            continue
        if header.folder:
            continue
        label = labels.wanted(header.name)
        if label is None:
            continue
        if header.kind not in _REGULAR:
            yield Fault(label, "unreadable", {"error": "a link or device"})
            continue
        member = Member(Raw(_Data(reader.blocks, header).read, label, (budget,)))
        for item in labels.opened(label, member):
            if isinstance(item, Fault) and member.fault is not None and stream.fault is not None:
                # the file's own end is the better reason, at the member's place
                yield Fault(item.place, stream.fault.reason, stream.fault.evidence)
            else:
                yield item
        if budget.spent:
            told = {"limit": limits.ratio, "of": "ratio of the archive"}
            if (left := unread(reader.blocks.position)) > 0:
                yield Fault(place, "oversize", {**told, "unread_bytes": left})
            return
        if member.fault is not None and member.fault.reason == "truncated":
            return
    if stream.fault is not None:
        yield stream.fault
    elif not damaged:
        yield from labels.end()


def plain(stream: Member) -> Iterator[tuple[str, int, Callable[[int], bytes]]]:
    """(name, size, reader) of the members of an archive that must hold plain files alone.

    What is not read of a member is passed over. `Unreadable` at the first damage and at a link,
    device or folder; a reader raises EOFError where the archive ends within its member.
    """
    reader = _Headers(_Blocks(stream))
    for header in reader:
        if isinstance(header, Unreadable):
            if stream.fault is not None:  # the file's own end is the better reason
                raise Unreadable(stream.fault.reason, **stream.fault.evidence)
            raise header
        if header.kind not in (b"0", b"\0") or header.folder:
            raise Unreadable("corrupt", error=f"{header.name[:80]!r} is no plain file")
        yield header.name, header.size, _Data(reader.blocks, header).read
    if stream.fault is not None:
        raise Unreadable(stream.fault.reason, **stream.fault.evidence)


class _Headers:
    """The headers of an archive, one after the other, and what is damaged between them."""

    def __init__(self, blocks: _Blocks) -> None:
        self.blocks = blocks
        self._common: dict[str, str] = {}

    def __iter__(self) -> Iterator[_Header | Unreadable]:
        blocks = self.blocks
        while True:
            begin = blocks.position
            blocks.mark()
            try:
                header = self._next()
            except Unreadable as broken:
                blocks.give_back()
                found, _ = blocks.to_header()
                yield Unreadable("corrupt" if found else broken.reason, **broken.evidence, at=begin)
                if not found:
                    return
                continue
            blocks.forget()
            if header is None:
                found, others = blocks.to_header()
                if others:
                    yield Unreadable("corrupt", error="bytes follow the end mark", at=begin)
                if not found:
                    return
                continue  # archives one after the other
            start = blocks.position
            yield header
            if not blocks.skip(start + header.size - blocks.position):
                yield Unreadable("truncated", error="the archive ends within a member", at=begin)
                return
            blocks.skip(-header.size % _BLOCK)

    def _next(self) -> _Header | None:
        """The next header with the long names and attributes before it; None: the end mark."""
        own: dict[str, str] = {}
        begin = self.blocks.position
        while True:
            block = self.blocks.read(_BLOCK)
            if not block:
                raise Unreadable("truncated", error="the archive does not end with its end mark")
            if len(block) < _BLOCK:
                raise Unreadable("truncated", error="the archive ends within a header")
            if block == _END and begin == self.blocks.position - _BLOCK:
                return None
            if not is_tar_header(block):
                raise Unreadable("corrupt", error="a header is damaged")
            kind, size = block[156:157], _number(block[124:136])
            if kind in (b"L", b"K"):
                text = _text(self._extra(size).split(b"\0", 1)[0])
                own |= {"path": text} if kind == b"L" else {}
            elif kind in (b"x", b"X"):
                own |= _attributes(self._extra(size))
            elif kind == b"g":
                self._common |= _attributes(self._extra(size))
            else:
                return self._header(block, kind, size, self._common | own)
            if self.blocks.position - begin > 2 * _HEADER_BYTES:
                raise Unreadable("corrupt", error="headers without a member")

    def _extra(self, size: int) -> bytes:
        if size > _HEADER_BYTES:
            raise Unreadable("corrupt", error=f"a header of {size} bytes")
        return self._exactly(size + -size % _BLOCK)[:size]

    def _exactly(self, size: int) -> bytes:
        data = self.blocks.read(size)
        if len(data) < size:
            raise Unreadable("truncated", error="the archive ends within a header")
        return data

    def _header(self, block: bytes, kind: bytes, size: int, told: dict[str, str]) -> _Header:
        name = _text(block[:100].split(b"\0", 1)[0])
        prefix = _text(block[345:500].split(b"\0", 1)[0])
        if prefix and block[257:263] != b"ustar " and kind != b"S":
            name = f"{prefix}/{name}"
        name = told.get("GNU.sparse.name", told.get("path", name))
        if "size" in told:
            size = _decimal(told["size"])
        if kind in _WITHOUT_DATA:
            return _Header(name.rstrip("/") if kind == b"5" else name, kind, 0)
        if kind == b"S":
            real = _number(block[483:495])
            return _sparse(name, size, real, self._map_of_gnu(block))
        real = _decimal(told.get("GNU.sparse.realsize", told.get("GNU.sparse.size", "0")))
        if told.get("GNU.sparse.major") == "1":
            before = self.blocks.position
            numbers = self._map_in_data(size)
            return _sparse(name, size - (self.blocks.position - before), real, numbers)
        if "GNU.sparse.map" in told:
            return _sparse(
                name, size, real, [_decimal(n) for n in told["GNU.sparse.map"].split(",")]
            )
        return _Header(name, kind, size)

    def _map_of_gnu(self, block: bytes) -> list[int]:
        """Offsets and sizes in the header, and in the blocks after it that belong to it."""
        numbers: list[int] = []
        at, last, more = 386, 482, True
        while more:
            numbers += [_number(block[n : n + 12]) for n in range(at, last - 11, 12)]
            more = bool(block[last])
            if more:
                block = self._exactly(_BLOCK)
                at, last = 0, 504
            if 12 * len(numbers) > _HEADER_BYTES:
                raise Unreadable("corrupt", error="a map of holes of more than 1 MB")
        return numbers

    def _map_in_data(self, size: int) -> list[int]:
        """Lines of decimals before the data: how many pairs, then their offsets and sizes."""
        text = b""
        wanted = 1
        while text.count(b"\n") < wanted:
            if len(text) + _BLOCK > min(size + -size % _BLOCK, _HEADER_BYTES):
                raise Unreadable("corrupt", error="a map of holes without an end")
            fresh = self._exactly(_BLOCK)
            text += fresh
            if wanted == 1 and b"\n" in text:
                wanted = 1 + 2 * _decimal(_text(text.split(b"\n", 1)[0]))
        return [_decimal(_text(line)) for line in text.split(b"\n")[1:wanted]]


def _sparse(name: str, size: int, real: int, numbers: list[int]) -> _Header:
    """The header of a file with holes; the pairs must be in order and of the sizes told."""
    blocks = [(a, b) for a, b in zip(numbers[::2], numbers[1::2], strict=False) if b]
    at = 0
    for offset, length in blocks:
        if offset < at:
            raise Unreadable("corrupt", error="a map of holes that is out of order")
        at = offset + length
    if at > real or sum(length for _, length in blocks) != size:
        raise Unreadable("corrupt", error="a map of holes of another size")
    return _Header(name, b"S", size, [*blocks, (real, 0)])


class _Data:
    """The data of one member, at which the archive stands."""

    def __init__(self, blocks: _Blocks, header: _Header) -> None:
        self._blocks = blocks
        self._pairs = iter(header.blocks or [(0, header.size)])
        self._at = self._hole = self._left = 0

    def read(self, size: int) -> bytes:
        while not self._hole and not self._left:
            pair = next(self._pairs, None)
            if pair is None:
                return b""
            self._hole, self._left = pair[0] - self._at, pair[1]
            self._at = sum(pair)
        if self._hole:
            length = min(size, self._hole)
            self._hole -= length
            return b"\0" * length
        data = self._blocks.read(min(size, self._left))
        if not data:
            raise EOFError("the archive ends within this member")
        self._left -= len(data)
        return data


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _decimal(text: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise Unreadable("corrupt", error=f"a header has {text[:40]!r} for a number")
    return int(text)


def _number(raw: bytes) -> int:
    """A number in octal, or in base 256 with the first bit set."""
    if raw[0] == 0x80:
        return int.from_bytes(raw[1:], "big")
    digits = raw.split(b"\0", 1)[0].strip(b" ")
    if digits and not _OCTAL.fullmatch(digits):
        raise Unreadable("corrupt", error=f"a header has {raw.hex()} for a number")
    return int(digits or b"0", 8)


def _attributes(raw: bytes) -> dict[str, str]:
    """The records `length key=value` of a pax header that are used here."""
    found: dict[str, str] = {}
    pairs: list[str] = []
    at = 0
    while at < len(raw) and raw[at]:
        length = _LENGTH.match(raw, at)
        stop = at + int(length[1]) if length else 0
        if length is None or stop > len(raw) or raw[stop - 1 : stop] != b"\n":
            raise Unreadable("corrupt", error="a pax header is damaged")
        key, equals, value = raw[length.end() : stop - 1].partition(b"=")
        if not equals:
            raise Unreadable("corrupt", error="a pax header is damaged")
        if key == b"path" or key == b"size" or key.startswith(b"GNU.sparse."):
            text = _text(value)
            found[_text(key)] = text.rstrip("/") if key == b"path" else text
            if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
                pairs.append(text)
        at = stop
    if pairs:
        found["GNU.sparse.map"] = ",".join(pairs)
    return found
