"""Clusters, and a choice of records that covers much of what there is.

Coverage is not training value: see docs/evidence.md for what selection did and did not bring.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import Fit, Needs, State, VisibleState
from stages.errors import UsageError
from stages.select import kmeans
from stages.select.coverage import (
    LARGE,
    Neighbourhoods,
    centre,
    likeness,
    loneliest,
    nearest_kept,
    weights,
)
from stages.select.kmeans import Floats, Ints
from stages.select.methods import BY_QUALITY, Method, Rows
from stages.verdicts import Batch, Verdicts

MOST = 1000  # clusters, unless a number is given
# Share left out before choosing where that is by distance: a list worth a person's look.
NOISE = 0.05
KEPT, LONELY, PASSED = 0, 1, 2
_VECTORS = pa.list_(pa.float16())
_FOUND = pa.schema(
    [
        ("id", pa.string()),
        ("cluster", pa.int32()),
        ("distance", pa.float32()),
        ("fate", pa.int8()),
        ("nearest", pa.string()),
        ("score", pa.float32()),
        ("limit", pa.float32()),
    ]
)


class _Clustered(NamedTuple):
    """Rows as they are chosen from: vectors, random numbers, clusters, distances to their means,
    and quality from 0 to 1."""

    x: Floats
    draws: Ints
    labels: Ints
    centroids: Floats
    distance: Floats
    quality: Floats


@dataclass(frozen=True)
class KMeansSelect(Fit):
    """Clusters the vectors of `embed` and, if asked to, keeps a part that is spread out.

    k: number of clusters. Without one the square root of half the records, at most 1,000.
    keep: how many records to keep; 0 keeps all.
    share: share of the records to keep, in place of keep.
    method: spread takes records far from each other, those less that are less like their neighbours
        than these are like theirs (k-center, Sener & Savarese 2018, with the mean taken out;
        Breunig et al. 2000); k_center without that weight, for data without noise; balanced as many
        of each cluster; facility_location (Wei et al. 2015), semdedup (Abbas et al. 2023) and
        prototypes (D4, Tirumala et al. 2023) a share of each cluster; deita the best first that lie
        apart (Liu et al. 2024); quality spread with each distance times the record's quality;
        random the control that any claim needs. Default spread; docs/evidence.md has the figures.
    quality: the column of numbers that deita and quality go by, higher is better.
    noise: share of the records that are least like their three nearest neighbours, dropped before
        anything is chosen and only as far as more would be dropped anyway. Without one 0.05,
        and 0 for random.
    keep_vectors: keep the column `vector`, 512 bytes a record with wordllama.
    seed: random number that decides on samples and on the random choice.

    Columns: `cluster`, and `distance` (Euclidean, between unit vectors and the mean of a cluster).
    In the evidence of a record that is not selected, `nearest` is the kept record most like it and
    `score` their cosine once the mean of all vectors is taken out; of noise, `score` is the mean
    cosine with its neighbours and `limit` the smallest that stayed. Records without a vector pass.
    Vectors are held in memory: 1 kB a record with wordllama. Above 268 million products of records
    with kept ones, clusters are worked on one by one and with the seven nearest to them.
    """

    name: ClassVar[str] = "select"
    reasons: ClassVar[Mapping[str, str]] = {
        "noise": "among the records least like their neighbours",
        "not_selected": "not among the records chosen; the evidence names the nearest that was",
    }
    stays: ClassVar[Mapping[str, str]] = {
        "noise": "noise: 0",
        "not_selected": "keep: 0, share: none",
    }
    usual: ClassVar[tuple[str, ...]] = ("not_selected",)
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "pyarrow", "torch")
    extra: ClassVar[str | None] = "cluster"
    exact: ClassVar[bool] = False

    k: int | None = field(default=None, metadata={"range": (1, 100_000)})
    keep: int = field(default=0, metadata={"range": (0, 1 << 40)})
    share: float | None = field(default=None, metadata={"range": (0.0, 1.0)})
    method: Method = "spread"
    quality: str = "quality"
    noise: float | None = field(default=None, metadata={"range": (0.0, 0.5)})
    keep_vectors: bool = False
    seed: int = field(default=0, metadata={"range": (0, 1 << 40)})

    def needs(self) -> Needs:
        by = ((self.quality,),) if self.method in BY_QUALITY else ()
        return (("vector",), *by)

    def makes(self) -> Mapping[str, pa.DataType]:
        return {"cluster": pa.int32(), "distance": pa.float32()}

    def drops(self) -> tuple[str, ...]:
        return () if self.keep_vectors else ("vector",)

    def contradictions(self) -> tuple[str, ...]:
        if self.keep and self.share is not None:
            return ("give keep (a number) or share (a part), not both",)
        return ()

    def observe(self, batch: Batch, seen: VisibleState) -> pa.Table:
        wanted = ["id", "vector", *([self.quality] if self.method in BY_QUALITY else [])]
        table = batch.table.select(wanted)
        table = table.filter(pc.is_valid(table["vector"]))
        draws = [_draw(self.seed, name) for name in table["id"].to_pylist()]
        # Records that came as dicts have lists of doubles here.
        vectors = table["vector"].cast(_VECTORS)
        seen_columns = {"id": table["id"], "draw": pa.array(draws, pa.uint64()), "vector": vectors}
        if self.method in BY_QUALITY:
            seen_columns["quality"] = table[self.quality].cast(pa.float64())
        return pa.table(seen_columns)

    def merge(self, tables: Sequence[pa.Table], state: State) -> State:
        table = pa.concat_tables(tables)
        bounds = np.cumsum([0, *(t.num_rows for t in tables)]).tolist()
        found = self._found(table) if table.num_rows else _FOUND.empty_table()
        pieces = [found.slice(a, b - a) for a, b in pairwise(bounds)]
        return State(round=state.round + 1, done=True, local=pieces)

    def _found(self, table: pa.Table) -> pa.Table:
        x = matrix(table["vector"])
        draws = table["draw"].to_numpy()
        count = len(x)
        k = min(self.k or min(round((count / 2) ** 0.5), MOST), count) or 1
        centroids = kmeans.fitted(x, k, draws, self.seed)
        labels, distance = kmeans.assigned(x, centroids)
        quality = _ranked(table["quality"]) if self.method in BY_QUALITY else distance
        rows = _Clustered(x, draws, labels, centroids, distance, quality)
        fate, nearest, score, limit = self._chosen(rows)
        ids = table["id"].combine_chunks()
        return pa.Table.from_arrays(
            [
                ids,
                pa.array(labels.astype(np.int32)),
                pa.array(distance),
                pa.array(fate),
                ids.take(pa.array(nearest, mask=nearest < 0)),
                pa.array(score, mask=fate == KEPT),
                pa.array(np.full(count, limit, dtype=np.float32), mask=fate != LONELY),
            ],
            schema=_FOUND,
        )

    def _target(self, count: int) -> int:
        """How many of so many records are to be kept."""
        if self.share is not None:
            return max(round(self.share * count), 1)
        return min(self.keep, count) if self.keep else count

    def _chosen(self, rows: _Clustered) -> tuple[npt.NDArray[np.int8], Ints, Floats, float]:
        """What becomes of each row, its nearest kept row, its score, and the limit of noise.

        Overwrites the vectors: a second copy of them would double the memory.
        """
        x, labels, centroids = rows.x, rows.labels, rows.centroids
        count, target = len(x), self._target(len(x))
        choosing = target < count
        share = self.noise if self.noise is not None else NOISE * (self.method != "random")
        lonely = int(share * count) if choosing or self.noise is not None else 0
        if choosing:
            lonely = min(lonely, count - target)
        fate = np.zeros(count, dtype=np.int8)
        nearest = np.full(count, -1, dtype=np.int64)
        score, limit = np.zeros(count, dtype=np.float32), 0.0
        if not choosing and not lonely:
            return fate, nearest, score, limit
        centre(x)
        relative = np.ones(count, dtype=np.float32)
        if lonely or (choosing and self.method != "random"):
            own, relative = likeness(x, Neighbourhoods(labels, centroids, count * count))
            noise = loneliest(own, lonely)
            fate[noise], score[noise] = LONELY, own[noise]
            limit = float(own[fate == KEPT].min(initial=1.0))
        if choosing:
            where = Neighbourhoods(labels, centroids, count * target)
            allowed = fate == KEPT
            parts = Neighbourhoods(labels, centroids, LARGE + 1)
            known = Rows(
                x, weights(relative), allowed, where, parts,
                rows.distance, rows.quality, rows.draws,
            )  # fmt: skip
            taken = known.chosen(self.method, target)
            fate[allowed] = PASSED
            fate[taken] = KEPT
            closest, cosine = nearest_kept(x, fate == KEPT, where)
            passed = fate == PASSED
            nearest[passed], score[passed] = closest[passed], cosine[passed]
        return fate, nearest, score, limit

    def judge(self, verdicts: Verdicts, seen: VisibleState) -> None:
        local = seen.local if seen.local is not None else _FOUND.empty_table()
        ids = pa.array(verdicts.ids, type=pa.string())
        at = pc.index_in(ids, value_set=local["id"].combine_chunks())
        found = local.take(at)
        for name in self.makes():
            verdicts.set(name, found[name].combine_chunks())
        for row, mark in enumerate(found.to_pylist()):
            evidence = {"cluster": mark["cluster"], "distance": _rounded(mark["distance"])}
            if mark["fate"] is None:
                verdicts.inapplicable(row)
            elif mark["fate"] == LONELY:
                score, limit = _rounded(mark["score"]), _rounded(mark["limit"])
                verdicts.drop(row, "noise", score=score, limit=limit, **evidence)
            elif mark["fate"] == PASSED:
                score = _rounded(mark["score"])
                verdicts.drop(row, "not_selected", nearest=mark["nearest"], score=score, **evidence)


def _draw(seed: int, name: str) -> int:
    data = hashlib.blake2b(f"{seed}\0select\0{name}".encode(), digest_size=8).digest()
    return int.from_bytes(data, "little")


def _ranked(quality: pa.ChunkedArray) -> Floats:
    """The rank of each value from 0 (the lowest, or none) to 1."""
    values = quality.fill_null(-np.inf).to_numpy()
    _, rank = np.unique(np.where(np.isnan(values), -np.inf, values), return_inverse=True)
    return (rank.reshape(-1) / max(int(rank.max(initial=0)), 1)).astype(np.float32)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


def matrix(column: pa.ChunkedArray) -> Floats:
    """The vectors of a column as one matrix in single precision."""
    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    if len(lengths) != 1:
        raise UsageError(f"select: the vectors differ in length: {sorted(lengths)}")
    x = np.empty((len(column), lengths[0]), dtype=np.float32)
    begin = 0
    for chunk in column.chunks:
        x[begin : begin + len(chunk)] = chunk.flatten().to_numpy().reshape(len(chunk), -1)
        begin += len(chunk)
    return x
