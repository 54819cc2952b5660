"""In which piece of a run a record is, looked up by its id.

Pieces keep their number through a run: what the third piece of a source held is in the third piece
of each step behind it. So the pieces of what a source read say where to look. Of many records they
are an entry of the store, made by whoever asks first: the first halves of the ids, sorted, and the
piece of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.engine.account import Account, CountedStep
from pipeline.engine.keys import hash_of
from pipeline.engine.store import Entry, Store, Values
from stages.corpus import Corpus, iterate_arrow, sha256_of
from stages.errors import SeedbedError
from stages.owned import STORE, is_marked
from stages.records import FORMAT

MANY = 50_000  # records from which on the ids are not read each time
Array = np.ndarray[Any, Any]


def pieces_with(identity: str, step: CountedStep, corpus: Corpus, account: Account) -> list[int]:
    """The numbers of the pieces of a source's step that hold an id, kept or rejected."""
    if step["counts"]["made"] + step["counts"]["dropped"] + step["counts"]["failed"] < MANY:
        return [at for at, ids in _ids(corpus) if identity in ids.to_pylist()]
    half = np.uint64(int(identity[:16], 16))
    keys, numbers = _index(corpus, account)
    begin, end = (int(np.searchsorted(keys, half, side)) for side in ("left", "right"))
    return sorted({int(one) for one in numbers[begin:end]})


def _ids(corpus: Corpus) -> Iterator[tuple[int, pa.ChunkedArray]]:
    for at, piece in enumerate(corpus.pieces):
        for role in ("data", "rejects"):
            if role in piece:
                for table in iterate_arrow(corpus.path / piece[role], ("id",)):
                    yield at, table.column("id")


def _index(corpus: Corpus, account: Account) -> tuple[Array, Array]:
    """(first halves of all ids in order, piece of each); from the store where that can be."""
    entry = _stored(corpus, Path(account["store"]))
    if entry is None:
        return _made(corpus)
    keys, numbers = (entry.path / name for name in ("keys.npy", "pieces.npy"))
    return np.load(keys, mmap_mode="r"), np.load(numbers, mmap_mode="r")


def _stored(corpus: Corpus, root: Path) -> Entry | None:
    """The entry of the index, made where it is missing."""
    rejects = [sha256_of(corpus.path / piece["rejects"]) for piece in corpus.pieces]
    kept = [piece.get("sha256", "") for piece in corpus.pieces]

    def write(folder: Path) -> Values:
        keys, numbers = _made(corpus)
        np.save(folder / "keys.npy", keys, allow_pickle=False)
        np.save(folder / "pieces.npy", numbers, allow_pickle=False)
        return {"rows": len(keys)}

    return made_once(root, hash_of(["index", FORMAT, kept, rejects]), write)


def made_once(root: Path, key: str, write: Callable[[Path], Values]) -> Entry | None:
    """An entry of a store, made where it is missing; None for a store that is gone, or that cannot
    be written to."""
    if not is_marked(root, STORE):
        return None
    try:
        store = Store(root)
        return store.get(key) or store.put(key, write)
    except (OSError, SeedbedError):
        return None


def _made(corpus: Corpus) -> tuple[Array, Array]:
    halves: list[Array] = [np.empty(0, np.uint64)]
    numbers: list[Array] = [np.empty(0, np.uint32)]
    for at, ids in _ids(corpus):
        text = "".join(one[:16] for one in ids.to_pylist())
        found = np.frombuffer(bytes.fromhex(text), ">u8").astype(np.uint64)
        halves.append(found)
        numbers.append(np.full(len(found), at, np.uint32))
    keys, of = np.concatenate(halves), np.concatenate(numbers)
    order = np.argsort(keys, kind="stable")
    return keys[order], of[order]
