"""Work on rows of many pieces: their digest, and whether two have one id. No process opens all
pieces or holds all ids.

Blocks of rows are hashed in different jobs (`stages.corpus.Digest`). Ids are sorted by groups of
pieces, and each range of them is then looked at in one job (an exchange). Blocks, groups and
ranges follow from the rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.engine.content import verified
from pipeline.engine.store import Store, Values
from pipeline.engine.work import Stretch
from stages.corpus import BLOCK, Digest, iterate_arrow

ROWS = 16 * BLOCK  # of a job; 16 MB of ids
_RANGE = 4 * ROWS  # ids that one job compares, about
_IDS = "ids.bin"

Cut = Callable[[pa.Table], pa.Table]


def groups(stretches: Sequence[Stretch], exact: bool) -> Iterator[list[Stretch]]:
    """Whole pieces in groups of about `ROWS` rows; exact: of so many rows, pieces may be cut."""
    group: list[Stretch] = []
    room = ROWS
    for path, sha256, begin, rows in stretches:
        while exact and rows > room:
            yield [*group, (path, sha256, begin, room)]
            begin, rows = begin + room, rows - room
            group, room = [], ROWS
        group.append((path, sha256, begin, rows))
        room -= rows
        if room <= 0:
            yield group
            group, room = [], ROWS
    if group:
        yield group


def ranges(rows: int) -> int:
    """Into how many ranges the ids of so many rows are cut."""
    return -(-rows // _RANGE) or 1


def _tables(
    stretches: Sequence[Stretch], columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The rows of stretches, in order."""
    for name, sha256, begin, rows in stretches:
        path = verified(Path(name), sha256)
        for table in iterate_arrow(path, columns):
            part = table.slice(begin, rows)
            begin, rows = max(0, begin - table.num_rows), rows - part.num_rows
            if part.num_rows:
                yield part
            if not rows:
                break


def blocks(stretches: Sequence[Stretch], schema: pa.Schema, align: Cut) -> Values:
    """The hashes of the blocks of rows that begin with a block."""
    digest = Digest(schema)
    for table in _tables(stretches):
        digest.update(align(table))
    return {"value": " ".join(digest.blocks)}


def sorted_ids(stretches: Sequence[Stretch], folder: Path) -> Values:
    """Write the ids of pieces, sorted; 16 bytes each."""
    names = [
        bytes.fromhex("".join(table.column("id").to_pylist()))
        for table in _tables(stretches, ("id",))
    ]
    ids = np.sort(np.frombuffer(b"".join(names), dtype="V16").view("S16"))
    ids.tofile(folder / _IDS)
    return {"rows": len(ids)}


def twice(store: Store, keys: Sequence[str], number: int, count: int) -> Values:
    """The smallest id that is there twice in range `number` of `count`; empty without one. keys:
    of the entries with the ids of all groups."""
    begin, end = (_first_of(at, count) for at in (number, number + 1))
    found: list[Any] = []
    for key in keys:
        entry = store.needed(key)
        ids = np.memmap(entry.file(_IDS), "S16", "r") if entry.manifest["rows"] else _NONE
        first = np.searchsorted(ids, begin)
        last = len(ids) if end is None else np.searchsorted(ids, end)
        found.append(np.array(ids[first:last]))
    values = np.sort(np.concatenate(found)) if found else _NONE
    same = np.flatnonzero(values[1:] == values[:-1])
    return {"value": bytes(values[same[0]]).ljust(16, b"\0").hex() if len(same) else ""}


_NONE = np.empty(0, dtype="S16")


def _first_of(number: int, count: int) -> Any:
    """The first id of a range; None behind the last one."""
    if number == count:
        return None
    return np.bytes_(((number << 128) // count).to_bytes(16, "big"))
