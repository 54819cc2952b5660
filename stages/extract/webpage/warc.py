"""Records of web archives (WARC, ISO 28500): where each stands, and the page that it holds.

A record is found by its own length; behind a damaged one the next is looked for. What no record
of an answer with a page is, is told and not read. Headers and chunks are warcio's to understand.
"""

from __future__ import annotations

import io
import logging
import re
import zlib
from collections.abc import Iterator
from typing import Any

from stages.base import Fault
from stages.errors import Unreadable
from stages.extract.packed.streams import Member
from stages.extract.webpage.mhtml import Web
from stages.place import Place

# What it mends it logs, and without a handler that goes to the terminal.
logging.getLogger("warcio").addHandler(logging.NullHandler())

_VERSION = re.compile(rb"WARC/\d\.\d{1,2}\s*$")
_HEADERS = 1 << 16  # bytes of the headers of a record, and of an answer within it
_LINE = 1 << 16
_CHUNK = 1 << 18
_PAGES = ("text/html", "application/xhtml+xml")
_ANSWERS = ("response", "resource")
_LOOKS_LIKE = re.compile(rb"(?is)(?:<\?xml[^>]*>|<!--.*?-->|\s)*+<(?:!doctype\s+html|html)\b")


def is_archive(head: bytes) -> bool:
    """Whether bytes begin with the first record of a web archive."""
    return re.match(rb"\s{0,8}WARC/\d\.\d", head) is not None


class _Reader:
    """Counts the bytes and lines of a stream."""

    def __init__(self, place: Place, stream: Member) -> None:
        self.place, self.stream = place, stream
        self.offset, self.line = 0, 1

    def readline(self) -> bytes:
        return self._count(self.stream.readline(_LINE))

    def read(self, size: int) -> bytes:
        return self._count(self.stream.read(size))

    def skip(self, size: int) -> int:
        """Pass over bytes; how many there were."""
        left = size
        while left > 0 and (data := self.read(min(left, _CHUNK))):
            left -= len(data)
        return size - left

    def since(self, offset: int, line: int) -> Place:
        return Place(self.place.path, self.place.member, offset, self.offset - offset, line)

    def _count(self, data: bytes) -> bytes:
        self.offset += len(data)
        self.line += data.count(b"\n")
        return data


def records(place: Place, stream: Member, largest: int) -> Iterator[tuple[Place, bytes] | Fault]:
    """The records of an archive in order: bytes of those that hold a page, faults for the others.

    largest: bytes of a page as it is stored.
    """
    reader = _Reader(place, stream)
    yield from _records(reader, largest)
    while (fault := stream.go_on()) is not None:
        yield fault
        yield from _records(reader, largest)


def _records(reader: _Reader, largest: int) -> Iterator[tuple[Place, bytes] | Fault]:
    """The records up to the end of the stream, or a damage of it."""
    place = reader.place
    lost: tuple[int, int] | None = None  # where bytes that belong to no record began
    held: list[tuple[Place, bytes]] = []  # the last record, until what follows it is seen
    while True:
        offset, line = reader.offset, reader.line
        first = reader.readline()
        if first and not first.strip() and lost is None:
            continue
        if first and not _VERSION.match(first):
            lost = lost or (offset, line)
            continue
        if not _fails_check(reader.stream):
            yield from held
        held = []
        if lost is not None:
            where = Place(place.path, place.member, lost[0], offset - lost[0], lost[1])
            yield Fault(where, "corrupt", {"error": "these bytes are no record of the archive"})
            lost = None
        if not first:
            return
        for found in _record(reader, first, offset, line, largest):
            if isinstance(found, Fault):
                yield found
            else:
                held.append(found)


def _fails_check(stream: Member) -> bool:
    """Whether the packed stream that ended last is not what its checksum says: what was unpacked
    last is then not what was stored."""
    return stream.fault is not None and " check" in str(stream.fault.evidence.get("error"))


def _record(
    reader: _Reader, first: bytes, offset: int, line: int, largest: int
) -> Iterator[tuple[Place, bytes] | Fault]:
    head, named = _headers(reader)
    if reader.stream.fault is not None and not re.search(rb"(?:^|\n)\r?\n\Z", head):
        return  # within the headers, and that says why
    length = named.get("content-length", "")
    if not length.isdecimal() or len(length) > 18:
        told = "the record does not say how long it is" if not length else "its length is no number"
        yield Fault(reader.since(offset, line), "corrupt", {"error": told})
        return
    size = int(length)
    begun = reader.read(min(size, _HEADERS))
    beside = _beside(named, begun)
    data = b""
    read = len(begun)
    if beside is None and size <= largest + _HEADERS:
        data = begun + reader.read(size - len(begun))
        read = len(data)
    elif len(begun) == min(size, _HEADERS):
        read += reader.skip(size - len(begun))
    where = reader.since(offset, line)
    if read < size:
        if reader.stream.fault is None:  # else that says why
            yield Fault(where, "truncated", {"bytes": read, "of": size})
    elif beside is not None:
        yield Fault(where, "no_page", beside, failed=False, characters=0)
    elif not data:
        yield Fault(where, "oversize", {"limit": largest, "of": "bytes"})
    elif not named.get("warc-target-uri"):
        yield Fault(where, "corrupt", {"error": "the record has no WARC-Target-URI"})
    else:
        yield where, first + head + data


def _headers(reader: _Reader) -> tuple[bytes, dict[str, str]]:
    """The bytes of a record's headers, and its fields."""
    lines: list[bytes] = []
    named: dict[str, str] = {}
    begin = reader.offset
    while reader.offset - begin < _HEADERS and (line := reader.readline()):
        lines.append(line)
        if not line.strip():
            break
        name, _, value = line.partition(b":")
        named.setdefault(name.strip().lower().decode("latin-1"), value.strip().decode("latin-1"))
    return b"".join(lines), named


def _beside(named: dict[str, str], begun: bytes) -> dict[str, Any] | None:
    """The evidence of a record that holds no page; None for one that does."""
    kind = named.get("warc-type", "").lower()
    if kind not in _ANSWERS:
        return {"type": kind or "unknown"}
    declared = named.get("content-type", "").lower()
    if not declared.startswith("application/http"):
        return _unlike_page(declared, begun, {"type": kind})
    answer, _, body = begun.replace(b"\r\n", b"\n").partition(b"\n\n")
    status, *lines = answer.decode("latin-1").split("\n")
    code = status.split()[1:2]
    if status.startswith("HTTP/") and code and not code[0].startswith("2"):
        return {"type": kind, "status": code[0][:20]}
    fields = dict(line.lower().split(":", 1) for line in reversed(lines) if ":" in line)
    told = {"type": kind}
    if "content-encoding" in fields and "content-type" not in fields:
        return None  # what it holds cannot be seen from here
    return _unlike_page(fields.get("content-type", "").strip(), body, told)


def _unlike_page(declared: str, body: bytes, told: dict[str, Any]) -> dict[str, Any] | None:
    content = declared.partition(";")[0].strip()
    if content in _PAGES or (not content and _LOOKS_LIKE.match(body)):
        return None
    return {**told, "content_type": content[:100] or "not said"}


def page(raw: bytes, largest: int) -> Web:
    """The page of a record; raises Unreadable where it cannot be had or is larger than allowed."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.bufferedreaders import ChunkedDataReader

    try:
        record = next(iter(ArchiveIterator(io.BytesIO(raw))))
    except Exception as error:  # the border around a reader of foreign data
        told = f"{type(error).__name__}: {error}"[:200]
        raise Unreadable("corrupt", error=told) from error
    stream, http = record.raw_stream, record.http_headers
    content_type = record.content_type
    if http is not None:
        content_type = http.get_header("content-type")
        if "chunked" in (http.get_header("transfer-encoding") or "").lower():
            stream = ChunkedDataReader(stream)
    data = _all(stream, largest)
    for how in reversed(_encodings(http)):
        data = _unpacked(data, how, largest)
    about = {"url": record.rec_headers.get_header("WARC-Target-URI") or ""}
    about["url"] = about["url"].strip("<>")
    day = (record.rec_headers.get_header("WARC-Date") or "")[:10]
    if re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        about["date"] = day
    return Web(data, content_type, {name: value for name, value in about.items() if value})


def _encodings(http: Any) -> list[str]:
    """How the content is packed, in the order in which that was done."""
    told = (http.get_header("content-encoding") or "") if http is not None else ""
    return [how for one in told.lower().split(",") if (how := one.strip()) not in ("", "identity")]


def _all(stream: Any, largest: int) -> bytes:
    pieces, size = [], 0
    while data := stream.read(_CHUNK):
        pieces.append(data)
        size += len(data)
        if size > largest:
            raise Unreadable("oversize", limit=largest, of="bytes")
    return b"".join(pieces)


def _unpacked(data: bytes, how: str, largest: int) -> bytes:
    """Content as it was before it was packed; archives keep the header of what they unpacked."""
    if how in ("gzip", "x-gzip", "deflate"):
        if how != "deflate" and not data.startswith(b"\x1f\x8b"):
            return data
        return _inflated(data, how, largest)
    if how == "br":
        return _from_brotli(data, largest)
    if re.match(rb"\s*<", data):
        return data
    raise Unreadable("unreadable", error=f"content-encoding {how[:40]!r} is not known")


def _inflated(data: bytes, how: str, largest: int) -> bytes:
    for window in (47, -15) if how == "deflate" else (31,):  # zlib's head is often left out
        unpacker = zlib.decompressobj(window)
        try:
            found = unpacker.decompress(data, largest + 1)
        except zlib.error as error:
            told = str(error)
            continue
        if len(found) > largest:
            raise Unreadable("oversize", limit=largest, of="bytes")
        if not unpacker.eof:
            raise Unreadable("truncated", error="the packed content of the answer is cut")
        return found
    if re.match(rb"\s*<", data):
        return data  # it was unpacked when it was stored
    raise Unreadable("corrupt", error=told[:200])


def _from_brotli(data: bytes, largest: int) -> bytes:
    import brotli

    unpacker = brotli.Decompressor()
    pieces, size, rest = [], 0, data
    try:
        while not unpacker.is_finished():
            piece = unpacker.process(rest, output_buffer_limit=_CHUNK)
            rest = b""
            pieces.append(piece)
            size += len(piece)
            if size > largest:
                raise Unreadable("oversize", limit=largest, of="bytes")
            if not piece and unpacker.can_accept_more_data():
                raise Unreadable("truncated", error="the packed content of the answer is cut")
    except brotli.error as error:
        if re.match(rb"\s*<", data):
            return data
        raise Unreadable("corrupt", error=str(error)[:200]) from error
    return b"".join(pieces)
