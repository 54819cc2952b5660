"""What a map shows: the records of a run (or a corpus) that have a vector, and what became of each.

A run's records are those after the last step that has vectors; who left later is known by the
rejects of the steps behind it. Folders alone are read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.corpus import Corpus, iterate_arrow
from stages.errors import SeedbedError, UsageError
from stages.kinds import RECORDS
from stages.select import kmeans
from stages.select.select import matrix
from stages.verdicts import Batch

Array = np.ndarray[Any, Any]
KEPT = "kept"
GROUPS = 24  # clusters of records that no step clustered
FEW = 60  # records below which there are no clusters
EXCERPT, MANY, SHORT = 400, 50_000, 120  # characters of a text; of many records, fewer


@dataclass
class Records:
    """Columns over all points. fate: KEPT, or `step: reason`. left: of a record that left, what its
    reject says. cluster: -1 for none. loss: not a number where none was measured."""

    name: str
    ids: list[str]
    sources: list[str]
    texts: list[str]
    vectors: Array
    fates: list[str]
    left: dict[int, str]
    clusters: Array
    losses: Array
    notes: list[str] = field(default_factory=list)


def read(path: Path) -> Records:
    """The records of a run's folder or a corpus; UsageError where none has a vector."""
    steps = _steps(path)
    at = max((n for n, one in enumerate(steps) if _has_vectors(one)), default=None)
    if at is None:
        raise UsageError(
            f"{path}: no records with vectors: put the step embed into the recipe, with "
            "`select: {keep_vectors: true}` behind it where one corpus alone is looked at"
        )
    found = _records(steps[at], path.resolve().name)
    _fates(found, steps[at + 1 :])
    _losses(found, path)
    if (found.clusters < 0).all():
        _clustered(found)
    return found


def _steps(path: Path) -> list[Corpus]:
    """The corpora of a run's steps in their order, or the one corpus."""
    if Corpus.at(path):
        return [Corpus(path)]
    folders = sorted((path / "steps").glob("[0-9]*")) if path.is_dir() else []
    found = [Corpus(folder) for folder in folders if _of_records(folder)]
    if not found:
        raise UsageError(f"{path} is neither a run's folder nor a corpus")
    return found


def _of_records(folder: Path) -> bool:
    """Whether a step's folder is of records: what an end stage made has no pieces."""
    try:
        return Corpus.at(folder) and Corpus(folder).kind == RECORDS.name
    except SeedbedError:
        return False


def _has_vectors(corpus: Corpus) -> bool:
    return corpus.has_records and "vector" in corpus.schema.names


def _records(corpus: Corpus, name: str) -> Records:
    ids: list[str] = []
    sources: list[str] = []
    texts: list[str] = []
    vectors, clusters = [], []
    without = 0
    most = SHORT if len(corpus) > MANY else EXCERPT
    for table in corpus.batches():
        there = table.filter(pa.compute.is_valid(table["vector"]))
        without += table.num_rows - there.num_rows
        if not there.num_rows:
            continue
        batch = Batch(there)
        ids += batch.ids
        sources += batch.column("source")
        texts += [_excerpt(text or "", most) for text in batch.texts("all")]
        vectors.append(matrix(pa.chunked_array(there["vector"].chunks)).astype(np.float16))
        own = there["cluster"] if "cluster" in there.column_names else None
        clusters.append(
            np.full(there.num_rows, -1) if own is None else own.fill_null(-1).to_numpy()
        )
    if not ids:
        raise UsageError(f"{corpus}: no record has a vector")
    told = [f"{without:,} records have no vector and are not on the map."] if without else []
    return Records(
        name,
        ids,
        sources,
        texts,
        np.concatenate(vectors),
        [KEPT] * len(ids),
        {},
        np.concatenate(clusters).astype(np.int64),
        np.full(len(ids), np.nan),
        told,
    )


def _excerpt(text: str, most: int) -> str:
    """The beginning of a text on one line."""
    words = " ".join(text[: 2 * most].split())
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _fates(found: Records, later: Sequence[Corpus]) -> None:
    """What became of each record in the steps behind."""
    row = {one: n for n, one in enumerate(found.ids)}
    for corpus in later:
        for reject in corpus.rejects().to_pylist():
            at = row.get(reject["id"])
            if at is None:
                continue
            found.fates[at] = f"{reject['stage']}: {reject['reason']}"
            evidence = json.loads(reject["evidence"])
            told = (f"{name} {value}" for name, value in evidence.items() if name != "text")
            found.left[at] = ", ".join(told)[:300]
            if isinstance(evidence.get("cluster"), int):
                found.clusters[at] = evidence["cluster"]
        if corpus.has_records and "cluster" in corpus.schema.names:
            for table in corpus.batches(["id", "cluster"]):
                for one, cluster in zip(*(c.to_pylist() for c in table.columns), strict=True):
                    at = row.get(one)
                    if at is not None and cluster is not None:
                        found.clusters[at] = cluster


def _losses(found: Records, path: Path) -> None:
    """The last loss of each record, where the run trained on it."""
    recorded = path / "adapter" / "recorded" / "records.arrow"
    if not recorded.is_file():
        return
    row = {one: n for n, one in enumerate(found.ids)}
    for table in iterate_arrow(recorded, ["id", "last"]):
        for one, last in zip(*(c.to_pylist() for c in table.columns), strict=True):
            at = row.get(one)
            if at is not None and last is not None:
                found.losses[at] = last


def _clustered(found: Records) -> None:
    """Groups of records that no step clustered."""
    if len(found.ids) < FEW:
        return
    x = found.vectors.astype(np.float32)
    count = min(GROUPS, round((len(x) / 2) ** 0.5))
    draws = np.random.default_rng(0).integers(0, 2**63, len(x), dtype=np.uint64)
    found.clusters = kmeans.assigned(x, kmeans.fitted(x, count, draws, 0))[0].astype(np.int64)
    found.notes.append(f"No step clustered the records: the {count} clusters are the map's own.")
