"""A corpus is a folder: `manifest.json`, `data/*.arrow`, `rejects/*.arrow`.

The data are Arrow IPC files; pyarrow, pandas, polars, DuckDB and `datasets` open them without
seedbed. Tables that hold text are compressed (Zstandard), all others can be mapped into memory.
The manifest is written last: a folder without one does not exist. One writer makes equal data
equal bytes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.disk import flush
from stages.errors import UsageError
from stages.frames import Tabular
from stages.manifest import (
    MADE_BY,
    MANIFEST,
    Contents,
    Manifest,
    PieceEntry,
    SourceEntry,
    damaged,
    read_manifest,
)
from stages.records import FORMAT, FORMS, REJECTS
from stages.stamps import Stamp, stamp_of

BATCH_ROWS = 1024
BATCH_BYTES = 16 << 20
# Instructions, 18.7 MB of Arrow: level 1 gives 7.9 MB in .09 CPU-s, 3 7.2 in .16, 6 6.9 in .42.
_LEVEL = 3


def canonical(table: pa.Table) -> pa.Table:
    """The same rows in fresh buffers: slices, needless bitmaps and bytes under nulls are gone."""
    return table.take(pa.array(np.arange(table.num_rows))).combine_chunks()


def batches_of(table: pa.Table) -> Iterator[pa.Table]:
    """Slices of at most BATCH_ROWS rows and, unless a row alone is larger, BATCH_BYTES bytes."""
    begin = 0
    while begin < table.num_rows:
        rows = _fitting(table, begin)
        yield table.slice(begin, rows)
        begin += rows


def _fitting(table: pa.Table, begin: int) -> int:
    """How many rows from `begin` on are a batch: all that are left where they fit, else a half, a
    quarter … of BATCH_ROWS. So a border depends on the rows before it, and not on how many have
    come when it is drawn."""
    left: int = table.num_rows - begin
    if left < BATCH_ROWS and _fits(table.slice(begin)):
        return left
    rows = BATCH_ROWS
    while rows > 1 and (rows > left or not _fits(table.slice(begin, rows))):
        rows //= 2
    return rows


def _fits(table: pa.Table) -> bool:
    # Needless bytes do not count: they depend on how the rows came.
    return bool(table.nbytes <= BATCH_BYTES or canonical(table).nbytes <= BATCH_BYTES)


class Batches:
    """Gathers rows to full batches, so that their borders do not depend on how rows arrive."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._waiting: list[pa.Table] = []
        self._rows = self._bytes = 0

    def add(self, table: pa.Table) -> None:
        """Append rows."""
        if table.num_rows:
            self._waiting.append(table)
            self._rows += table.num_rows
            self._bytes += table.nbytes

    def full(self) -> list[pa.Table]:
        """The batches that no more rows would join."""
        if self._rows < BATCH_ROWS and self._bytes < BATCH_BYTES:
            return []
        batches = self.rest()
        if batches[-1].num_rows < BATCH_ROWS and _fits(batches[-1]):
            self.add(batches.pop())
        return batches

    def rest(self) -> list[pa.Table]:
        """All that waits."""
        table = pa.concat_tables(self._waiting) if self._waiting else None
        self._begin()
        return [] if table is None else list(batches_of(table))


class ArrowWriter:
    """Writes tables of one schema to an Arrow IPC file in full batches of canonical form."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema, self.rows = path, schema, 0
        self._file = open(path, "wb")  # noqa: SIM115
        text = set(FORMS) & set(schema.names) or schema.equals(REJECTS)
        codec = pa.Codec("zstd", compression_level=_LEVEL) if text else None
        options = pa.ipc.IpcWriteOptions(compression=codec, use_threads=False)
        self._writer = pa.ipc.new_file(self._file, schema, options=options)
        self._batches = Batches()

    def write(self, table: pa.Table) -> None:
        """Append rows; the table must have the writer's schema."""
        self._batches.add(table)
        self._put(self._batches.full())

    def _put(self, batches: Sequence[pa.Table]) -> None:
        for batch in batches:
            self.rows += batch.num_rows
            self._writer.write_table(canonical(batch))

    def close(self) -> None:
        """Write what waits and the footer. It may not be on the disk yet: `flush`."""
        self._put(self._batches.rest())
        self._writer.close()
        self._file.close()

    def abandon(self) -> None:
        """Close without a footer; the file is of no use."""
        with contextlib.suppress(Exception):
            self._file.close()


@contextlib.contextmanager
def _opened(path: Path, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """A reader of an Arrow IPC file, memory-mapped; UsageError for one that is damaged or gone.
    Of a compressed file only the columns asked for are unpacked."""
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
        raise UsageError(f"{path} is damaged or gone (no regular file); make the corpus again")
    try:
        with pa.memory_map(os.fsencode(path)) as source:  # a folder's name may be no UTF-8
            reader = pa.ipc.open_file(source)
            if columns is not None:
                names = reader.schema.names
                some = [names.index(name) for name in columns if name in names]
                options = pa.ipc.IpcReadOptions(included_fields=some)
                reader = pa.ipc.open_file(source, options=options)
            yield reader
    except (pa.ArrowException, OSError) as error:
        if getattr(error, "errno", None) not in _DAMAGED:
            raise
        raise UsageError(f"{path} is damaged or gone ({error}); make the corpus again") from None


# What Arrow says of bytes that are no file of its own has no number.
_DAMAGED = (None, errno.ENOENT, errno.ENOTDIR, errno.EISDIR)


def read_arrow(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The table of an Arrow IPC file: some columns, or all; mapped where it is not compressed."""
    with _opened(path, columns) as reader:
        return reader.read_all()


def iterate_arrow(
    path: Path, columns: Sequence[str] | None = None, numbers: Sequence[int] | None = None
) -> Iterator[pa.Table]:
    """The record batches of an Arrow IPC file, one table each; of some columns, or of all; those
    with some numbers, or all."""
    with _opened(path, columns) as reader:
        for number in range(reader.num_record_batches) if numbers is None else numbers:
            yield pa.Table.from_batches([reader.get_batch(number)])


def schema_of(path: Path) -> pa.Schema:
    """The schema of an Arrow IPC file."""
    with _opened(path) as reader:
        return reader.schema


def read_batch(path: Path, number: int) -> pa.Table:
    """One record batch of an Arrow IPC file, counted from 0."""
    with _opened(path) as reader:
        return pa.Table.from_batches([reader.get_batch(number)])


BLOCK = 1 << 16  # rows that are hashed together


class Digest:
    """A hash over rows: equal for equal rows in equal order, however they are cut into batches.

    It is the hash of the hashes of blocks of 65,536 rows, so that blocks may be hashed in
    different processes (`blocks`, `whole`).
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._hashes: dict[str, Any] = {}
        self._blocks: list[str] = []
        self._rows = 0  # of the block that is not full yet

    def update(self, table: pa.Table) -> None:
        """Add the rows of a table of the schema."""
        while table.num_rows:
            part = table.slice(0, BLOCK - self._rows)
            for field in self._schema:
                for chunk in part.column(field.name).chunks:
                    self._add(field.name, chunk)
            self._rows += part.num_rows
            if self._rows == BLOCK:
                self._blocks.append(self._of_block())
                self._hashes, self._rows = {}, 0
            table = table.slice(part.num_rows)

    @property
    def blocks(self) -> list[str]:
        """The hashes of the blocks of all rows so far."""
        return [*self._blocks, self._of_block()] if self._rows else list(self._blocks)

    def hexdigest(self) -> str:
        """The digest of everything added so far, schema included."""
        return self.whole(self._schema, self.blocks)

    @staticmethod
    def whole(schema: pa.Schema, blocks: Sequence[str]) -> str:
        """The digest of rows of which these are the blocks."""
        told = [str(schema.remove_metadata()), *blocks]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    def _of_block(self) -> str:
        block = hashlib.sha256()
        for path in sorted(self._hashes):
            block.update(path.encode() + self._hashes[path].digest())
        return block.hexdigest()

    def _feed(self, path: str, buffer: Any) -> None:
        if path not in self._hashes:
            self._hashes[path] = hashlib.sha256()
        self._hashes[path].update(buffer)

    def _add(self, path: str, array: pa.Array) -> None:
        kind = array.type
        valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=np.uint8)
        self._feed(path + "?", valid)
        if pa.types.is_struct(kind):
            for number, child in enumerate(array.flatten()):
                self._add(f"{path}.{kind.field(number).name}", child)
        elif pa.types.is_fixed_size_list(kind):
            self._add(path + "[]", array.drop_null().flatten())
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            lengths = array.value_lengths().fill_null(0).cast(pa.int64())
            self._feed(path + "#", np.ascontiguousarray(lengths.to_numpy()))
            self._add(path + "[]", array.flatten())
        elif pa.types.is_string(kind) or pa.types.is_binary(kind):
            data = array.fill_null(b"" if pa.types.is_binary(kind) else "")
            offsets = np.frombuffer(data.buffers()[1], dtype=np.int32)
            offsets = offsets[data.offset : data.offset + len(data) + 1]
            self._feed(path + "#", np.ascontiguousarray(np.diff(offsets)))
            if data.buffers()[2] is not None:
                self._feed(path, memoryview(data.buffers()[2])[offsets[0] : offsets[-1]])
        else:
            filled = array.fill_null(False if pa.types.is_boolean(kind) else 0)
            self._feed(path, np.ascontiguousarray(filled.to_numpy(zero_copy_only=False)))


def sha256_of(path: Path, start: int = 0, stop: int | None = None) -> str:
    """The SHA-256 of a file, or of its bytes from `start` to `stop`."""
    return sha256_and_stamp(path, start, stop)[0]


def sha256_and_stamp(
    path: Path, start: int = 0, stop: int | None = None
) -> tuple[str, Stamp | None]:
    """The same, with the stamp that the very file whose bytes these are had before."""
    digest = hashlib.sha256()
    with open(path, "rb", opener=_unwaiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        stamp = stamp_of(file.fileno())
        file.seek(start)
        left = None if stop is None else stop - start
        while chunk := file.read(1 << 20 if left is None else min(1 << 20, left)):
            digest.update(chunk)
            if left is not None:
                left -= len(chunk)
    return digest.hexdigest(), stamp


def _unwaiting(name: str, flags: int) -> int:
    """Open a file; a pipe is not waited for."""
    return os.open(name, flags | os.O_NONBLOCK)


def write_json(path: Path, value: object, flushed: bool = True) -> None:
    """Write JSON for machines and people (sorted, indented). flushed: to the disk, and not later
    with all else."""
    # A path may hold bytes that are no UTF-8: backslashreplace writes them as JSON's \udcXX.
    with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
        json.dump(value, file, ensure_ascii=False, sort_keys=True, indent=1)
        file.write("\n")
        if flushed:
            file.flush()
            os.fsync(file.fileno())


class Corpus(Tabular):
    """A corpus on disk, read-only; `to_pandas`, `to_polars`, `to_dataset` give all its rows.

    kind: records | tokens | adapter | findings | files. `manifest`: see `stages.manifest`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.manifest: Manifest = read_manifest(self.path)

    @staticmethod
    def at(path: str | os.PathLike[str]) -> bool:
        """Whether the path is a folder with a manifest."""
        return (Path(path) / MANIFEST).is_file()

    def __len__(self) -> int:
        return int(sum(piece["rows"] for piece in self.pieces))

    def __repr__(self) -> str:
        return f"Corpus({str(self.path)!r}, {self.kind}, {len(self):,} rows)"

    @property
    def kind(self) -> str:
        """What the folder holds."""
        return str(self.manifest["kind"])

    @property
    def pieces(self) -> list[PieceEntry]:
        """One entry a piece, in order."""
        return list(self.manifest.get("pieces", []))

    @property
    def digest(self) -> str:
        """The hash over all rows; independent of how they are cut into pieces. That of a step's
        folder is computed here, from all of its records."""
        told = self.manifest.get("digest")
        if told is None:
            digest = Digest(self.schema)
            for table in self.batches():
                digest.update(table)
            told = digest.hexdigest()
        return str(told)

    @property
    def sources(self) -> list[SourceEntry]:
        """The sources of the records: name, license, stage, path."""
        return list(self.manifest.get("sources", []))

    @property
    def reasons(self) -> dict[str, str]:
        """What the reasons of its rejects mean, by the steps that made it."""
        steps = self.manifest.get("steps", [])
        return {name: text for step in steps for name, text in step.get("reasons", {}).items()}

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the data."""
        if not self.pieces:
            raise UsageError(damaged(self.path))
        with _opened(self.files[0]) as reader:
            return reader.schema

    @property
    def has_records(self) -> bool:
        """Whether the records are here; a run keeps them of sources and of the last of each row of
        steps that are done together, unless its recipe says `run: {keep: all}`."""
        return all("data" in piece for piece in self.pieces)

    @property
    def files(self) -> list[Path]:
        """The files of records, in order; UsageError where they were not kept."""
        if not self.has_records:
            raise UsageError(
                f"{self.path} holds the rejects of its step alone; with `run: {{keep: all}}` in "
                "its recipe a run keeps the records after each step"
            )
        return [self.path / piece["data"] for piece in self.pieces]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows in order, in tables of about a thousand: those of some columns that are there,
        or all."""
        for path in self.files:
            yield from iterate_arrow(path, columns)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows."""
        table = pa.concat_tables([read_arrow(path, columns) for path in self.files])
        return table if columns is None else table.select(list(columns))

    def to_arrow(self) -> pa.Table:
        """All rows as one table."""
        return self.table()

    def head(self, number: int) -> tuple[list[Mapping[str, Any]], int | None]:
        """The first rows as dicts, and how many there are."""
        first = next(self.batches(), None)
        return ([] if first is None else first.slice(0, number).to_pylist()), len(self)

    def rejects(self) -> pa.Table:
        """The rejects of the stage that made this corpus."""
        paths = [self.path / piece["rejects"] for piece in self.pieces]
        return pa.concat_tables([read_arrow(path) for path in paths])


def write_corpus(
    out: Path, kind: str, pieces: Sequence[tuple[pa.Table, pa.Table]], manifest: Contents
) -> Corpus:
    """Write (records, rejects) pairs as a corpus folder; for library use and tests.

    A run of the engine writes corpora from its store instead, piece by piece. UsageError when
    `out` holds anything, so that nobody's files are overwritten or taken for the corpus's.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; name a folder to make")
    if out.exists() and any(out.iterdir()):
        what = "holds a corpus already" if Corpus.at(out) else "exists and is not empty"
        raise UsageError(f"{out} {what}; name another folder")
    (out / "data").mkdir(parents=True, exist_ok=True)
    (out / "rejects").mkdir(exist_ok=True)
    entries: list[PieceEntry] = []
    digest = Digest(pieces[0][0].schema)
    for number, (table, rejects) in enumerate(pieces):
        data, left = f"data/{number:05d}.arrow", f"rejects/{number:05d}.arrow"
        for name, rows in ((data, table), (left, rejects)):
            writer = ArrowWriter(out / name, rows.schema)
            writer.write(rows)
            writer.close()
            flush(out / name)
        entry: PieceEntry = {"data": data, "rejects": left, "rows": table.num_rows}
        entry["bytes"] = (out / data).stat().st_size
        entry["sha256"] = sha256_of(out / data)
        entries.append(entry)
        digest.update(table)
    made: Manifest = {
        **manifest,
        **MADE_BY,
        "format": FORMAT,
        "kind": kind,
        "pieces": entries,
        "digest": digest.hexdigest(),
    }
    write_json(out / MANIFEST, made)
    return Corpus(out)
