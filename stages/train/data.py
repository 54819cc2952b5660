"""The tokens corpus as the training loop sees it: documents by number, memory-mapped.

Nothing is copied but one row's tokens at a time; lengths and trained-on counts are held in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.corpus import Corpus
from stages.errors import UsageError

COLUMNS = ("id", "split", "input_ids", "trained")  # trained: begin, end, begin, end … of a record
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Chunk:
    """One record batch: token ids and trained-on ranges, flat, with where each row begins."""

    ids: Array
    id_offsets: Array
    ranges: Array
    range_offsets: Array


@dataclass(frozen=True)
class Documents:
    """The documents of one split, cut to a greatest length; those without a target are left out.

    ids: the records' ids. lengths: tokens after the cut. targets: tokens that the loss counts:
    the trained-on ones without the first of a document, which nothing predicts. cut, empty: how
    many records were shortened, and how many were left out because no target is left.
    """

    ids: list[str]
    lengths: Array
    targets: Array
    cut: int
    empty: int
    _where: list[tuple[int, int]]
    _chunks: list[_Chunk]

    def __len__(self) -> int:
        return len(self.ids)

    def greatest_id(self) -> int:
        """The greatest token id of the corpus."""
        return max((int(chunk.ids.max()) for chunk in self._chunks if len(chunk.ids)), default=0)

    def tokens(self, number: int) -> tuple[Array, Array]:
        """(token ids, which of them are targets) of one document."""
        at, row = self._where[number]
        chunk = self._chunks[at]
        begin, length = int(chunk.id_offsets[row]), int(self.lengths[number])
        ranges = chunk.ranges[chunk.range_offsets[row] : chunk.range_offsets[row + 1]]
        wanted = np.zeros(length, dtype=bool)
        for first, last in zip(ranges[::2], ranges[1::2], strict=True):
            wanted[first:last] = True
        wanted[:1] = False
        return chunk.ids[begin : begin + length], wanted


def read_documents(path: Path, split: str, max_length: int) -> Documents:
    """The documents of a split of a tokens corpus."""
    corpus = Corpus(path)
    if corpus.kind != "tokens":
        raise UsageError(
            f"{path} holds {corpus.kind}, and training needs tokens: run tokenize on it first"
        )
    ids: list[str] = []
    where: list[tuple[int, int]] = []
    chunks: list[_Chunk] = []
    lengths: list[Array] = []
    targets: list[Array] = []
    cut = empty = 0
    for batch in corpus.batches():
        missing = [name for name in COLUMNS if name not in batch.column_names]
        if missing:
            stage = "split" if missing == ["split"] else "tokenize"
            raise UsageError(f"{path} has no column {', '.join(missing)}: run {stage} before train")
        chunk = _chunk(batch)
        whole = np.diff(chunk.id_offsets)
        short = np.minimum(whole, max_length)
        count = _targets(chunk, short)
        mine = pc.equal(batch.column("split"), split).fill_null(False)
        mine = mine.to_numpy().astype(bool)
        keep = np.flatnonzero(mine & (count > 0))
        empty += int((mine & (count == 0)).sum())
        cut += int((whole > short)[keep].sum())
        names = batch.column("id").to_pylist()
        ids.extend(names[row] for row in keep)
        where.extend((len(chunks), int(row)) for row in keep)
        chunks.append(chunk)
        lengths.append(short[keep])
        targets.append(count[keep])
    return Documents(ids, _joined(lengths), _joined(targets), cut, empty, where, chunks)


def _targets(chunk: _Chunk, lengths: Array) -> Array:
    """How many trained-on tokens each row has within its length, the first token left out."""
    pairs = np.diff(chunk.range_offsets) // 2
    rows = np.repeat(np.arange(len(lengths)), pairs)
    begins, ends = chunk.ranges[0::2], chunk.ranges[1::2]
    spans = np.minimum(ends, lengths[rows]) - np.maximum(begins, 1)
    return np.bincount(rows, np.maximum(spans, 0), minlength=len(lengths)).astype(np.int64)


def _chunk(batch: pa.Table) -> _Chunk:
    id_offsets, ids = _flat(batch.column("input_ids"))
    range_offsets, ranges = _flat(batch.column("trained"))
    return _Chunk(ids, id_offsets, ranges, range_offsets)


def _flat(column: pa.ChunkedArray) -> tuple[Array, Array]:
    array = column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
    lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return offsets, array.flatten().to_numpy(zero_copy_only=False)


def _joined(arrays: Sequence[Array]) -> Array:
    return np.concatenate(arrays).astype(np.int64) if arrays else np.zeros(0, dtype=np.int64)
