"""Lines of a file with exact byte offsets, and large files cut into ranges at line ends."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from stages.base import Part, sibling_digest
from stages.place import Place

# A longer line is refused: it is held in memory several times over while it is parsed.
LINE_BYTES = 64 << 20
_CHUNK = 1 << 18


class Line(NamedTuple):
    """offset: of its first byte. number: from 1. raw: without the line end. size: bytes of it,
    more than raw has when the line is too long to be held. ended: whether a line end follows."""

    offset: int
    number: int
    raw: bytes
    size: int
    ended: bool


def lines(
    stream: BinaryIO,
    offset: int = 0,
    number: int = 1,
    stop: int | None = None,
    charset: str = "utf-8",
    limit: int = LINE_BYTES,
) -> Iterator[Line]:
    """The lines of a stream that begin before `stop`; line ends are LF and CR LF."""
    if charset.startswith(("utf-16", "utf-32")):
        yield from _wide_lines(stream, offset, number, charset, limit)
        return
    read = stream.readline
    while stop is None or offset < stop:
        data = read(limit + 2)
        if not data:
            return
        ended = data.endswith(b"\n")
        taken = len(data)
        if ended or taken <= limit + 1:
            raw = data[:-1] if ended else data
            raw = raw[:-1] if raw.endswith(b"\r") else raw
            size = len(raw)
        else:
            raw = b""
            while not ended and (more := read(_CHUNK)):
                taken += len(more)
                ended = more.endswith(b"\n")
            size = taken - ended
        yield Line(offset, number, raw, size, ended)
        offset += taken
        number += 1


def _wide_lines(
    stream: BinaryIO, offset: int, number: int, charset: str, limit: int
) -> Iterator[Line]:
    """Lines of UTF-16 and UTF-32: a line end is a whole character."""
    end, back = "\n".encode(charset), "\r".encode(charset)
    width = len(end)
    held = b""
    searched = 0
    while True:
        at = held.find(end, searched)
        while at >= 0 and at % width:
            at = held.find(end, at + 1)
        if at < 0 and len(held) <= limit:
            searched = max(0, len(held) - width + 1)
            chunk = stream.read(_CHUNK)
            held += chunk
            if chunk:
                continue
            if held:
                yield Line(offset, number, held, len(held), False)
            return
        if at < 0:
            at = len(held) - len(held) % width
            yield Line(offset, number, b"", at, False)
            offset, held, searched = offset + at, held[at:], 0
            continue
        raw = held[:at]
        raw = raw[:-width] if raw.endswith(back) else raw
        yield Line(offset, number, raw, len(raw), True)
        number += 1
        offset, held, searched = offset + at + width, held[at + width :], 0


def ranges(root: Path, name: str, size: int, offset: int = 0) -> list[Part]:
    """A plain file of lines as parts of about `size` bytes, from `offset` on.

    One reading finds the cuts and which lines come again in a later part: `detail["seen"]` has
    how often they came before, so that ids do not depend on the cuts. Needs 8 bytes a line.
    """
    unit = Place(name).unit
    cuts: list[tuple[int, int]] = []  # (offset, line number) at which each part begins
    digests: list[array[int]] = []
    border = offset
    end = offset
    with open(root / name, "rb") as file:
        file.seek(offset)
        for line in lines(file, offset):
            if line.offset >= border:
                cuts.append((line.offset, line.number))
                digests.append(array("Q"))
                border = line.offset + size
            if line.raw.strip():
                digests[-1].append(int.from_bytes(sibling_digest(unit, line.raw), "big"))
        end = file.tell()
    if not any(digests):
        return []
    seen = _seen_before(digests)
    return [
        Part(
            str(root),
            (name,),
            begin,
            cuts[place + 1][0] if place + 1 < len(cuts) else end,
            {"line": number, "seen": seen[place]},
        )
        for place, (begin, number) in enumerate(cuts)
    ]


def _seen_before(digests: list[array[int]]) -> list[dict[str, int]]:
    """For each part: digests of its lines that earlier parts had, with how often."""
    import numpy as np

    if not digests:
        return []
    whole = np.concatenate([np.frombuffer(part, dtype=np.uint64) for part in digests])
    values, counts = np.unique(whole, return_counts=True)
    again = values[counts > 1]
    so_far: dict[int, int] = {}
    seen: list[dict[str, int]] = []
    for part in digests:
        own, number = np.unique(np.frombuffer(part, dtype=np.uint64), return_counts=True)
        repeated = np.isin(own, again, assume_unique=True)
        seen.append({})
        for digest, count in zip(own[repeated].tolist(), number[repeated].tolist(), strict=True):
            if before := so_far.get(digest):
                seen[-1][f"{digest:016x}"] = before
            so_far[digest] = so_far.get(digest, 0) + count
    return seen
