"""Lines of a file with exact byte offsets, and large files cut into ranges at line ends."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from stages.base import Part
from stages.errors import Changed
from stages.extract.files import opened
from stages.gather import sibling_digest
from stages.place import Place
from stages.stamps import stamp_of

# A longer line is refused: it is held in memory up to six times over while it is parsed.
LINE_BYTES = 16 << 20
_CHUNK = 1 << 18
LARGE = 1 << 18  # bytes of a line of which no reader holds a second copy


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
    wide = charset.startswith(("utf-16", "utf-32"))
    end, back = "\n".encode(charset if wide else "ascii"), "\r".encode(charset if wide else "ascii")
    for data, taken in pieces(stream, end, limit, len(end)):
        if stop is not None and offset >= stop:
            return
        ended = data.endswith(end) if data else True
        raw = data.removesuffix(end).removesuffix(back) if ended else data
        data = data and b"."
        yield Line(offset, number, raw, len(raw) if data else taken, ended)
        offset += taken
        number += 1


def pieces(
    stream: BinaryIO, end: bytes, limit: int = LINE_BYTES, unit: int = 1
) -> Iterator[tuple[bytes, int]]:
    """(line with its end, bytes taken) until the stream ends; a line of more than `limit` bytes
    is given as nothing with its size. `end` is whole characters of `unit` bytes each."""
    if end != b"\n":
        yield from _wide_pieces(stream, end, unit, limit)
        return
    while data := stream.readline(limit + 2):
        taken = len(data)
        if taken > limit + 1 and not data.endswith(end):
            more = data
            while more and not more.endswith(end):
                more = stream.readline(_CHUNK)
                taken += len(more)
            data = b""
        if taken < LARGE:
            yield data, taken
        else:
            ready = [data]
            del data
            yield ready.pop(), taken


def _wide_pieces(
    stream: BinaryIO, end: bytes, unit: int, limit: int
) -> Iterator[tuple[bytes, int]]:
    held = b""
    at = searched = dropped = 0
    while True:
        found = held.find(end, searched)
        while found >= 0 and (found - at) % unit:
            found = held.find(end, found + 1)
        if found >= 0:
            stop = found + len(end)
            yield (b"" if dropped else held[at:stop]), dropped + stop - at
            at = searched = stop
            dropped = 0
            continue
        if len(held) - at > limit:  # what may be the begin of an end is kept
            keep = (len(held) - at) % unit + len(end) - unit
            dropped += len(held) - at - keep
            at = len(held) - keep
        held = held[at:]
        searched = max(0, len(held) - len(held) % unit - len(end))
        at = 0
        chunk = stream.read(_CHUNK)
        held += chunk
        if not chunk:
            if held or dropped:
                yield (b"" if dropped else held), dropped + len(held)
            return


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
    with opened(root / name) as file:
        stamp = stamp_of(file.fileno())
        file.seek(offset)
        for line in lines(file, offset):
            if line.offset >= border:
                cuts.append((line.offset, line.number))
                digests.append(array("Q"))
                border = line.offset + size
            if line.raw.strip():
                digests[-1].append(int.from_bytes(sibling_digest(unit, line.raw), "big"))
        end = file.tell()
        if stamp is None or stamp_of(file.fileno()) != stamp:
            raise Changed(f"{root / name} changed while it was read")
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
            stamps={name: stamp},
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
