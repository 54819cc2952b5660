"""Corpora that are there already: records that new ones are held against, under names of their own.

Read anew at each use, batch by batch; nothing of them but what is observed is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import stages
from stages import user_code
from stages.corpus import Corpus, batches_of
from stages.errors import UsageError
from stages.verdicts import Batch

MARK = "\0"  # sorts before any id, and begins none


def files(paths: Sequence[str]) -> tuple[Path, ...]:
    """All files that are read; UsageError for what is no corpus and no file of records."""
    return tuple(file for path in paths for file in _files(_found(path)))


def _found(path: str) -> Path:
    for folder in (*user_code.folders(), "."):
        if (found := Path(folder, path)).exists():
            return found.resolve()
    raise UsageError(f"dedup.against: {path}: no such corpus or file")


def _files(path: Path) -> list[Path]:
    if Corpus.at(path):
        return Corpus(path).files
    if path.is_dir() or stages.reader_of(path.name) is None:
        raise UsageError(
            f"dedup.against: {path} is no corpus, nor a file of records (JSON lines, JSON, Parquet)"
        )
    return [path]


def batches(path: str) -> Iterator[Batch]:
    """The records of a corpus or file."""
    found = _found(path)
    if Corpus.at(found):
        yield from map(Batch, Corpus(found).batches())
        return
    rejects: list[dict[str, Any]] = []
    table = stages.reader_of(found.name)()(str(found), rejects).to_arrow()
    if not table.num_rows:
        why = f" ({rejects[0]['reason']})" if rejects else ""
        raise UsageError(f"dedup.against: {path}: no record can be read{why}")
    yield from map(Batch, batches_of(table))


def named(table: pa.Table, number: int) -> pa.Table:
    """A table with its ids marked as those of corpus `number`."""
    ids = table.column("id").cast(pa.string())
    marked = pc.binary_join_element_wise(f"{MARK}{number}", ids, ":")
    return table.set_column(table.column_names.index("id"), "id", marked)


def told(name: str | None) -> tuple[int | None, str | None]:
    """(number of the corpus that a name is of, its id there); None for a record of ours."""
    if name is None or not name.startswith(MARK):
        return None, name
    number, _, own = name[len(MARK) :].partition(":")
    return int(number), own
