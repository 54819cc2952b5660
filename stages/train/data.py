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

IDS = "input_ids"
MASK = "loss_mask"
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Documents:
    """The documents of one split, cut to a greatest length; those without a target are left out.

    ids: the records' ids. lengths: tokens after the cut. targets: tokens that the loss counts:
    masked-in tokens other than the first, which nothing predicts. cut, empty: how many records
    were shortened, how many were left out because no target is left.
    """

    ids: list[str]
    lengths: Array
    targets: Array
    cut: int
    empty: int
    _where: list[tuple[int, int]]
    _chunks: list[tuple[Array, Array, Array]]

    def __len__(self) -> int:
        return len(self.ids)

    def greatest_id(self) -> int:
        """The greatest token id of the corpus."""
        return max((int(ids.max()) for _, ids, _ in self._chunks if len(ids)), default=0)

    def tokens(self, number: int) -> tuple[Array, Array]:
        """(token ids, which of them are trained on) of one document."""
        chunk, row = self._where[number]
        offsets, ids, mask = self._chunks[chunk]
        begin = int(offsets[row])
        end = begin + int(self.lengths[number])
        wanted = mask[begin:end].astype(bool)
        wanted[:1] = False
        return ids[begin:end], wanted


def read_documents(path: Path, split: str, max_length: int) -> Documents:
    """The documents of a split of a tokens corpus."""
    corpus = Corpus(path)
    if corpus.kind != "tokens":
        raise UsageError(
            f"{path} holds {corpus.kind}, and training needs tokens; run tokenize on it first"
        )
    ids: list[str] = []
    where: list[tuple[int, int]] = []
    chunks: list[tuple[Array, Array, Array]] = []
    lengths: list[Array] = []
    targets: list[Array] = []
    cut = empty = 0
    for batch in corpus.batches():
        missing = [name for name in ("id", "split", IDS, MASK) if name not in batch.column_names]
        if missing:
            raise UsageError(f"{path} has no column {', '.join(missing)}; split and tokenize it")
        batch = batch.combine_chunks()
        offsets, tokens, mask = _lists(batch)
        chunks.append((offsets, tokens, mask))
        whole = np.diff(offsets)
        short = np.minimum(whole, max_length)
        running = np.concatenate([[0], np.cumsum(mask, dtype=np.int64)])
        first = np.where(whole > 0, mask[np.minimum(offsets[:-1], max(len(mask) - 1, 0))], 0)
        count = running[offsets[:-1] + short] - running[offsets[:-1]] - first
        mine = np.asarray(pc.equal(batch.column("split"), split).fill_null(False))
        keep = np.flatnonzero(mine & (count > 0))
        empty += int((mine & (count <= 0)).sum())
        cut += int((whole > short)[keep].sum())
        names = batch.column("id").to_pylist()
        ids.extend(names[row] for row in keep)
        where.extend((len(chunks) - 1, int(row)) for row in keep)
        lengths.append(short[keep])
        targets.append(count[keep])
    return Documents(ids, _joined(lengths), _joined(targets), cut, empty, where, chunks)


def _lists(batch: pa.Table) -> tuple[Array, Array, Array]:
    tokens, mask = (_flat(batch.column(name)) for name in (IDS, MASK))
    if not np.array_equal(tokens[0], mask[0]):
        raise UsageError(f"columns {IDS} and {MASK} differ in length; tokenize the corpus again")
    return tokens[0], tokens[1], mask[1].astype(np.uint8)


def _flat(column: pa.ChunkedArray) -> tuple[Array, Array]:
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    values = array.flatten()
    values = values.fill_null(False if pa.types.is_boolean(values.type) else 0)
    return offsets, values.to_numpy(zero_copy_only=False)


def _joined(arrays: Sequence[Array]) -> Array:
    return np.concatenate(arrays).astype(np.int64) if arrays else np.zeros(0, dtype=np.int64)
