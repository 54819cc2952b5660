"""Equal rows in several ranges of one file: each is to have the id that it has in the whole file.

An id is a hash over the row's bytes and how many equal ones came before it. Every range is read as
if it were first, so the first of equal rows has the same id in each range: ids that several ranges
have tell the rows, these give the bytes, and from the bytes follow all ids to look for. No process
holds all ids.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.store import Entry, Store, Values
from stages.corpus import ArrowWriter, iterate_arrow, read_arrow, schema_of
from stages.extract.files import opened
from stages.place import Place
from stages.records import record_ids

IDS = "ids.bin"
_ID = ("id",)
_AT_ONCE = 1 << 22  # ids that are compared at once
_SCHEMA = pa.schema([("old", pa.string()), ("new", pa.string())])

Ids = npt.NDArray[np.bytes_]


def write_ids(folder: Path, files: Sequence[str]) -> None:
    """Write the ids of a range's records and rejects, sorted; 16 bytes each."""
    found = [
        bytes.fromhex("".join(table.column("id").to_pylist()))
        for name in files
        for table in iterate_arrow(folder / name, _ID)
    ]
    np.sort(np.frombuffer(b"".join(found), "V16").view("S16")).tofile(folder / IDS)


def renames_of(piece: int) -> str:
    """The file with what a range's ids are to be."""
    return f"renames-{piece:06d}.arrow"


def renames(
    store: Store, keys: Sequence[str], files: Sequence[str], source: str, path: str, folder: Path
) -> Values:
    """Write, for each range that needs it, ids as they are and as they are to be. keys: of the
    ranges, in order; files: with their records and rejects; source: its name; path: of the file."""
    entries = [store.needed(key) for key in keys]
    ids = [_ids(entry) for entry in entries]
    shared = _shared(ids)
    holders: dict[bytes, list[int]] = {}
    for number, own in enumerate(ids):
        for name in shared[_among(shared, own)].tolist():
            holders.setdefault(name, []).append(number)
    found: list[list[tuple[str, str]]] = [[] for _ in entries]
    with opened(Path(path)) as file:
        for name, place in _places(entries, files, holders):
            file.seek(place.offset or 0)
            raw = file.read(place.length or 0)
            before, unit = 0, place.unit
            if record_ids(source, unit, raw, 0, range(1))[0] != name.ljust(16, b"\0").hex():
                continue  # one of several equal rows, or of several records of a row
            for number in holders[name]:
                row = _Row(source, unit, raw, ids[number])
                count = row.count()
                if before:
                    found[number] += row.renames(count, before)
                before += count
    for number, pairs in enumerate(found):
        if pairs:
            writer = ArrowWriter(folder / renames_of(number), _SCHEMA)
            old, new = (pa.array(names, pa.string()) for names in zip(*sorted(pairs), strict=True))
            writer.write(pa.Table.from_arrays([old, new], schema=_SCHEMA))
            writer.close()
    return {}


class _Row:
    """A row that stands in a range once or more, found by the ids that it then has."""

    def __init__(self, source: str, unit: str, raw: bytes, ids: Ids) -> None:
        self._row, self._ids = (source, unit, raw), ids

    def _id(self, ordinal: int, record: int) -> str:
        return record_ids(*self._row, ordinal, range(record, record + 1))[0]

    def _is_there(self, name: str) -> bool:
        wanted = np.array([bytes.fromhex(name)], "S16")
        at = int(np.searchsorted(self._ids, wanted)[0])
        return at < len(self._ids) and bool(self._ids[at] == wanted[0])

    def count(self) -> int:
        """How often it stands there."""
        count = 1
        while self._is_there(self._id(count, 0)):
            count += 1
        return count

    def renames(self, count: int, before: int) -> Iterator[tuple[str, str]]:
        """(id as it is, id as it is to be) of the records of each of them, so many of which stand
        before the range."""
        for ordinal in range(count):
            record = 0
            while self._is_there(old := self._id(ordinal, record)):
                yield old, self._id(before + ordinal, record)
                record += 1


def renamed(
    store: Store, keys: Sequence[str], number: int, files: Sequence[str], folder: Path
) -> Values:
    """Write the files of a range with other ids. keys: of the range, and of all renames."""
    entry, others = (store.needed(key) for key in keys)
    pairs = read_arrow(others.file(renames_of(number)))
    old, new = (pairs.column(name).combine_chunks() for name in ("old", "new"))
    for name in files:
        path = entry.file(name)
        if not any(
            pc.any(pc.is_in(one.column(0), old)).as_py() for one in iterate_arrow(path, _ID)
        ):
            shutil.copyfile(path, folder / name)
            continue
        schema = schema_of(path)
        at = schema.get_field_index("id")
        writer = ArrowWriter(folder / name, schema)
        for table in iterate_arrow(path):
            ids = table.column(at)
            told = pc.take(new, pc.index_in(ids, old))
            writer.write(table.set_column(at, schema.field(at), pc.coalesce(told, ids)))
        writer.close()
    manifest = entry.manifest
    return {"rows": manifest["rows"], "counts": manifest["counts"], "passing": manifest["passing"]}


def _ids(entry: Entry) -> Ids:
    path = entry.file(IDS)
    return np.memmap(path, "S16", "r") if path.stat().st_size else np.empty(0, "S16")


def _shared(ids: Sequence[Ids]) -> Ids:
    """The ids that several ranges have, sorted."""
    count = -(-sum(map(len, ids)) // _AT_ONCE) or 1
    found: list[Any] = [np.empty(0, "S16")]
    begins = [0] * len(ids)
    for number in range(1, count + 1):
        border = np.array([((number << 128) // count - (number == count)).to_bytes(16, "big")])
        side: Literal["left", "right"] = "right" if number == count else "left"
        ends = [int(np.searchsorted(own, border.astype("S16"), side=side)[0]) for own in ids]
        some = np.concatenate([own[a:b] for own, a, b in zip(ids, begins, ends, strict=True)])
        some.sort()
        found.append(np.unique(some[1:][some[1:] == some[:-1]]))
        begins = ends
    return np.concatenate(found)


def _among(wanted: Ids, own: Ids) -> npt.NDArray[np.bool_]:
    if not len(own):
        return np.zeros(len(wanted), np.bool_)
    at = np.minimum(np.searchsorted(own, wanted), len(own) - 1)
    same: npt.NDArray[np.bool_] = np.asarray(own[at]) == wanted
    return same


def _places(
    entries: Sequence[Entry], files: Sequence[str], holders: dict[bytes, list[int]]
) -> Iterator[tuple[bytes, Place]]:
    """Where the first row with each id stands."""
    first: dict[int, list[bytes]] = {}
    for name, numbers in holders.items():
        first.setdefault(numbers[0], []).append(name)
    for number, names in sorted(first.items()):
        wanted = pa.array(sorted(name.ljust(16, b"\0").hex() for name in names))
        for file in files:
            for table in iterate_arrow(entries[number].file(file), ("id", "place")):
                some = table.filter(pc.is_in(table.column("id"), wanted))
                for one, place in zip(
                    *(some.column(n).to_pylist() for n in ("id", "place")), strict=True
                ):
                    yield bytes.fromhex(one).rstrip(b"\0"), Place.parse(place)
