"""Who may be a duplicate of whom, as tables and arrays: what lies between sketches and sets.

Numbers are rows of all records, those of other corpora first, unless it is said otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.clean import before, shingles
from stages.clean.shingles import Ints

LINKED = pa.schema(
    [
        ("id", pa.string()),
        ("twin", pa.string()),
        ("equal", pa.bool_()),  # to the twin, in case and white space too
        ("signs", pa.bool_()),  # whether the operators are asked for
        ("partners", pa.list_(pa.string())),
    ]
)


def asked_for(local: pa.Table) -> dict[str, bool]:
    """The ids of a piece whose sets are to be compared, with whether their operators are too."""
    linked = local.filter(pc.is_null(local["twin"]))
    return dict(zip(linked["id"].to_pylist(), linked["signs"].to_pylist(), strict=True))


def _bytes_of(chunk: pa.Array | None) -> Any:
    """16-byte values as two columns of numbers."""
    if chunk is None or not len(chunk):
        return np.empty((0, 2), dtype=np.uint64)
    data = np.frombuffer(chunk.buffers()[1], dtype=np.uint64)
    return data.reshape(-1, 2)[chunk.offset : chunk.offset + len(chunk)]


def matrix(column: pa.ChunkedArray, rows: Ints) -> Any:
    """Rows of a fixed-size list column as a matrix."""
    width = column.type.list_size
    chunks = [c.flatten().to_numpy().reshape(-1, width) for c in column.chunks if len(c)]
    if not chunks:
        return np.empty((0, width), dtype=np.uint64)
    return (chunks[0] if len(chunks) == 1 else np.concatenate(chunks))[rows]


def repeated(keys: Any) -> Ints:
    """The rows of a matrix that another row is equal to, up to a hash of 64 bits."""
    whole = np.zeros(len(keys), dtype=np.uint64)
    for band in range(keys.shape[1]):
        whole = shingles.mixed(whole + keys[:, band])
    order = np.argsort(whole, kind="stable")
    same = np.flatnonzero(whole[order[1:]] == whole[order[:-1]])
    rows: Ints = np.unique(np.concatenate([order[same], order[same + 1]]))
    return rows


def first_equal(digests: Any) -> Ints:
    """For each row the first row with the same digest."""
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    ordered = digests[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(order), dtype=np.int64)
    first[order] = order[np.flatnonzero(fresh)[np.cumsum(fresh) - 1]] if len(order) else 0
    return first


def digests(column: pa.ChunkedArray) -> Any:
    return np.concatenate([_bytes_of(chunk) for chunk in column.chunks] or [_bytes_of(None)])


def linked(
    ids: pa.ChunkedArray,
    involved: Ints,
    twins: Ints,
    flags: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
    left: Ints,
    right: Ints,
) -> pa.Table:
    """One row for each record involved: the text it is like, whether it is equal to it, or the ids
    it may be near to and whether its operators are asked for.

    A pair is noted once, with the larger id, and in the order of ids: nothing in the table of a
    piece depends on records that have nothing to do with it.
    """
    names = ids.take(involved).combine_chunks()
    by_name = np.empty(len(involved), dtype=np.int64)
    by_name[pc.sort_indices(names).to_numpy()] = np.arange(len(involved))
    left, right = np.searchsorted(involved, left), np.searchsorted(involved, right)
    swap = by_name[left] > by_name[right]
    low, high = np.where(swap, right, left), np.where(swap, left, right)
    order = np.lexsort((by_name[low], high))
    offsets = np.searchsorted(high[order], np.arange(len(involved) + 1))
    partners = pa.ListArray.from_arrays(
        pa.array(offsets, type=pa.int32()), names.take(pa.array(low[order]))
    )
    twin = ids.take(pa.array(twins, mask=twins < 0)).combine_chunks()
    return pa.Table.from_arrays([names, twin, *map(pa.array, flags), partners], schema=LINKED)


def of_others(ours: pa.Table) -> dict[int, pa.Table]:
    """The records of the corpora that are there already which ours are linked to, by corpus."""
    columns = (pc.list_flatten(ours["partners"]), ours["twin"])
    chunks = [chunk for column in columns for chunk in column.chunks]
    names = pa.concat_arrays([pa.array([], pa.string()), *chunks])
    found: dict[int, list[str]] = {}
    marked = names.filter(pc.starts_with(names, before.MARK))
    for name in sorted(pc.unique(marked).to_pylist()):
        corpus, own = before.told(name)
        if corpus is not None and own is not None:
            found.setdefault(corpus, []).append(own)
    return {
        corpus: pa.Table.from_arrays(
            [
                pa.array(ids, pa.string()),
                pa.nulls(len(ids), pa.string()),
                pa.array([False] * len(ids)),
                pa.array([True] * len(ids)),
                pa.array([[]] * len(ids), pa.list_(pa.string())),
            ],
            schema=LINKED,
        )
        for corpus, ids in sorted(found.items())
    }


def positions(names: pa.ChunkedArray, ids: pa.Array) -> Ints:
    """Where each name stands among the ids; -1 for null."""
    found = pc.index_in(names, value_set=ids, skip_nulls=True)
    positions: Ints = found.fill_null(-1).to_numpy().astype(np.int64)
    return positions


def pairs(partners: pa.ChunkedArray, ids: pa.Array) -> tuple[Ints, Ints]:
    """(row, partner's row) of each pair."""
    lengths = pc.list_value_length(partners).to_numpy().astype(np.int64)
    return np.repeat(np.arange(len(lengths)), lengths), positions(pc.list_flatten(partners), ids)


def smallest(ids: pa.Array, group: Ints) -> Ints:
    """For each row the row with the smallest id of its group."""
    order = pc.sort_indices(ids).to_numpy()
    first = np.full(len(group), -1, dtype=np.int64)
    first[group[order[::-1]]] = order[::-1]
    return first[group]
