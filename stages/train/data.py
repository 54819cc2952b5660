"""The tokens corpus as the training loop sees it: documents by number, memory-mapped.

A document's ids are a view of the file, whatever their type; its mask is unpacked from the file's
bits when it is asked for. Names, lengths and trained-on counts are held in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.corpus import Corpus
from stages.errors import UsageError
from stages.tokens.kind import TOKENS

COLUMNS = ("id", "split", "input_ids", "loss_mask")
LABELS = ("source", "cluster", "group")  # columns by which losses are told apart, where they are
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Chunk:
    """One record batch: token ids, and the bits of those that are trained on, flat, with where each
    row begins."""

    ids: Array
    offsets: Array
    bits: Array
    first: int  # the bit of the first token

    def wanted(self, begin: int, end: int) -> Array:
        """Which tokens are trained on."""
        low, high = self.first + begin, self.first + end
        bytes_ = self.bits[low >> 3 : (high + 7) >> 3]
        found = np.unpackbits(bytes_, count=(low & 7) + end - begin, bitorder="little")
        return found[low & 7 :].view(bool)


@dataclass(frozen=True)
class Documents:
    """The documents of one split, cut to a greatest length; those without a target are left out.

    ids: the records' ids. lengths: tokens after the cut. targets: tokens that the loss counts:
    the trained-on ones without the first of a document, which nothing predicts. cut, empty: how
    many records were shortened, and how many were left out because no target is left. labels:
    of the columns `LABELS`, as text, null where there is none.
    """

    ids: list[str]
    lengths: Array
    targets: Array
    cut: int
    empty: int
    labels: dict[str, pa.Array]
    _where: list[tuple[int, int]]
    _chunks: list[_Chunk]

    def __len__(self) -> int:
        return len(self.ids)

    def fitting(self, tokens: int, numbers: Sequence[int]) -> Documents:
        """The first documents, in the order of `numbers`, that hold no more than `tokens`."""
        held = np.cumsum(self.lengths[list(numbers)])
        return self.only(numbers[: int(np.searchsorted(held, tokens, side="right"))])

    def only(self, numbers: Sequence[int]) -> Documents:
        """These documents, in the order of the corpus."""
        kept = sorted(numbers)
        places = pa.array(kept, pa.int64())
        return replace(
            self,
            ids=[self.ids[number] for number in kept],
            lengths=self.lengths[kept],
            targets=self.targets[kept],
            labels={name: told.take(places) for name, told in self.labels.items()},
            _where=[self._where[number] for number in kept],
        )

    def greatest_id(self) -> int:
        """The greatest token id of the corpus."""
        return max((int(chunk.ids.max()) for chunk in self._chunks if len(chunk.ids)), default=0)

    def tokens(self, number: int) -> tuple[Array, Array]:
        """(token ids, which of them are targets) of one document. The ids are a view."""
        at, row = self._where[number]
        chunk = self._chunks[at]
        begin = int(chunk.offsets[row])
        end = begin + int(self.lengths[number])
        targets = chunk.wanted(begin, end)
        targets[:1] = False  # nothing predicts a document's first token
        return chunk.ids[begin:end], targets


def read_documents(path: Path, split: str, max_length: int | None = None) -> Documents:
    """The documents of a split of a tokens corpus; without a greatest length they are whole."""
    corpus = Corpus(path)
    if corpus.kind != TOKENS.name:
        raise UsageError(
            f"{path} holds {corpus.kind}, and training needs tokens: run tokenize on it first"
        )
    ids: list[str] = []
    where: list[tuple[int, int]] = []
    chunks: list[_Chunk] = []
    lengths: list[Array] = []
    targets: list[Array] = []
    labels: dict[str, list[pa.Array]] = {name: [] for name in LABELS}
    cut = empty = 0
    for batch in corpus.batches():
        missing = [name for name in COLUMNS if name not in batch.column_names]
        if missing:
            stage = "split" if missing == ["split"] else "tokenize"
            raise UsageError(f"{path} has no column {', '.join(missing)}: run {stage} before train")
        chunk = _chunk(batch)
        whole = np.diff(chunk.offsets)
        short = whole if max_length is None else np.minimum(whole, max_length)
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
        for name, told in labels.items():
            told.append(_label(batch, name).take(pa.array(keep, pa.int64())))
    joined = {name: pa.concat_arrays(told) for name, told in labels.items() if told}
    return Documents(ids, _joined(lengths), _joined(targets), cut, empty, joined, where, chunks)


def documents_of(ids: Sequence[Array], names: Sequence[str]) -> Documents:
    """Documents of token ids, all of them targets but the first; those of one token are left out.
    names: what each is called."""
    kept = [at for at, row in enumerate(ids) if len(row) > 1]
    lengths = np.array([len(ids[at]) for at in kept], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    flat = np.concatenate([ids[at] for at in kept]) if kept else np.zeros(0, dtype=np.int64)
    bits = np.full((len(flat) + 7) // 8, 255, dtype=np.uint8)
    chunk = _Chunk(flat, offsets, bits, 0)
    told = {name: pa.nulls(len(kept), pa.string()) for name in LABELS}
    where = [(0, row) for row in range(len(kept))]
    return Documents([names[at] for at in kept], lengths, lengths - 1, 0, 0, told, where, [chunk])


def nothing() -> Documents:
    """No documents."""
    return documents_of([], [])


def _label(batch: pa.Table, name: str) -> pa.Array:
    """A column as text."""
    if name not in batch.column_names:
        return pa.nulls(batch.num_rows, pa.string())
    column = batch.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_nested(column.type):  # the user's own column of that name
        return pa.nulls(batch.num_rows, pa.string())
    return column.cast(pa.string()).combine_chunks()


def _targets(chunk: _Chunk, lengths: Array) -> Array:
    """How many trained-on tokens each row has within its length, the first token left out."""
    wanted = chunk.wanted(0, len(chunk.ids))
    begins = chunk.offsets[:-1]
    wanted[begins[np.diff(chunk.offsets) > 0]] = False
    before = np.concatenate([[0], np.cumsum(wanted, dtype=np.int64)])
    counts: Array = before[begins + lengths] - before[begins]
    return counts


def _chunk(batch: pa.Table) -> _Chunk:
    ids, mask = (_whole(batch.column(name)) for name in ("input_ids", "loss_mask"))
    lengths = ids.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    bits = mask.flatten()
    buffer = bits.buffers()[1]
    packed = np.frombuffer(b"" if buffer is None else buffer, dtype=np.uint8)
    return _Chunk(ids.flatten().to_numpy(), offsets, packed, bits.offset)


def _whole(column: pa.ChunkedArray) -> pa.ListArray:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _joined(arrays: Sequence[Array]) -> Array:
    return np.concatenate(arrays).astype(np.int64) if arrays else np.zeros(0, dtype=np.int64)
