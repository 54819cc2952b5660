"""What rows are filtered by, a few bytes a row: their lengths, and columns with few values.

Of many rows it takes seconds to read, for all texts are unpacked to be measured; so it is an entry
of the run's store, made by whoever asks first, and mapped into memory by all others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.keys import hash_of
from pipeline.engine.store import Values
from pipeline.views.index import made_once
from pipeline.views.live.tables import KEPT, Table
from stages.corpus import iterate_arrow, sha256_of
from stages.counts import characters
from stages.records import CORE, FORMAT, FORMS

MOST = 300  # values of a column that is filtered by them
STEP = "step"
NONE = "(none)"  # shown for a row without a value
_VERSION = 1
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Facet:
    """A column with few values. codes: of each row the number of its value."""

    name: str
    values: Sequence[str]
    codes: Array

    def counts(self) -> list[tuple[str, int]]:
        """How many rows have each value, the most frequent first."""
        counts = np.bincount(self.codes, minlength=len(self.values))
        order = np.argsort(-counts, kind="stable")
        return [(self.values[at], int(counts[at])) for at in order if counts[at]]


@dataclass(frozen=True)
class Columns:
    """starts: the first row of each batch, and at last the number of all rows; batches: file and
    number in it of each; lengths: characters of each row."""

    starts: Array
    batches: Array
    lengths: Array
    facets: Sequence[Facet]

    def __len__(self) -> int:
        return len(self.lengths)


def columns_of(table: Table, store: Path | None) -> Columns:
    """The columns of a table, from the store where that can be."""
    entry = None
    if store is not None:
        hashes = [[shelf.label, sha256_of(path)] for shelf, path in table.files]
        key = hash_of(["columns", _VERSION, FORMAT, table.name, hashes])

        def write(folder: Path) -> Values:
            made = _made(table)
            for name, values in _arrays(made):
                np.save(folder / name, values, allow_pickle=False)
            told = [[facet.name, list(facet.values)] for facet in made.facets]
            (folder / "facets.json").write_text(json.dumps(told), encoding="utf-8")
            return {"rows": len(made)}

        entry = made_once(store, key, write)
    return _made(table) if entry is None else _read(entry.path)


def _arrays(made: Columns) -> Iterator[tuple[str, Array]]:
    yield from (("starts.npy", made.starts), ("batches.npy", made.batches))
    yield "lengths.npy", made.lengths
    for number, facet in enumerate(made.facets):
        yield f"facet-{number}.npy", facet.codes


def _read(folder: Path) -> Columns:
    def array(name: str) -> Array:
        whole: Array = np.load(folder / name, mmap_mode="r", allow_pickle=False)
        return whole

    told = json.loads((folder / "facets.json").read_bytes())
    facets = [Facet(name, values, array(f"facet-{n}.npy")) for n, (name, values) in enumerate(told)]
    return Columns(array("starts.npy"), array("batches.npy"), array("lengths.npy"), facets)


@dataclass
class _Making:
    """A facet while it is made."""

    known: dict[Any, int] = field(default_factory=dict)
    codes: list[Array] = field(default_factory=lambda: [np.empty(0, np.uint16)])

    def add(self, values: pa.ChunkedArray) -> bool:
        """Take the values of a batch; whether they are few still."""
        coded = values.combine_chunks().dictionary_encode()
        mine = [
            self.known.setdefault(value, len(self.known)) for value in coded.dictionary.to_pylist()
        ]
        indices = coded.indices
        if indices.null_count:
            mine.append(self.known.setdefault(None, len(self.known)))
            indices = pc.fill_null(indices, len(mine) - 1)
        self.codes.append(np.array(mine or [0], np.uint16)[np.asarray(indices)])
        return len(self.known) <= MOST


def _made(table: Table) -> Columns:
    starts, batches, lengths = [0], [], [np.empty(0, np.uint32)]
    own = _candidates(table)
    making = {name: _Making() for name in own}
    steps = [(shelf.label, np.empty(0, np.uint16)) for shelf in table.shelves]
    labels = [label for label, _ in steps]
    of: list[Array] = [np.empty(0, np.uint16)]
    texts = FORMS if table.name == KEPT else ("text",)
    for number, (shelf, path) in enumerate(table.files):
        for at, batch in enumerate(iterate_arrow(path, (*texts, *own))):
            starts.append(starts[-1] + batch.num_rows)
            batches.append((number, at))
            lengths.append(characters(batch).astype(np.uint32))
            of.append(np.full(batch.num_rows, labels.index(shelf.label), np.uint16))
            for name in list(making):
                if not making[name].add(batch.column(name)):
                    del making[name]
    facets = [
        Facet(name, [_told(value) for value in made.known], np.concatenate(made.codes))
        for name, made in making.items()
        if len(made.known) > 1 or (made.known and name in ("source", "reason"))
    ]
    if table.name != KEPT and any(labels):
        facets.insert(0, Facet(STEP, labels, np.concatenate(of)))
    return Columns(
        np.array(starts, np.int64),
        np.array(batches, np.uint32).reshape(-1, 2),
        np.concatenate(lengths),
        facets,
    )


def _candidates(table: Table) -> list[str]:
    """The columns that may have few values."""
    if table.name != KEPT:
        return ["reason", "source"]
    names = ["source"]
    for _, path in table.files[:1]:
        schema = next((batch.schema for batch in iterate_arrow(path)), None)
        names += [one.name for one in schema or () if one.name not in CORE and _is_plain(one.type)]
    return names


def _is_plain(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _told(value: Any) -> str:
    if value is None:
        return NONE
    return str(value).lower() if isinstance(value, bool) else str(value)
