"""Exact and near duplicates: MinHash finds candidates, the exact Jaccard index decides.

Meaning is not compared: two answers that say the same in other words are no duplicates here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import Fit, State, VisibleState
from stages.clean import components, minhash, shingles
from stages.clean.code_words import Reading
from stages.clean.shingles import Ints
from stages.records import to_json
from stages.verdicts import Batch, Verdicts

_LINKED = pa.schema(
    [
        ("id", pa.string()),
        ("twin", pa.string()),
        ("equal", pa.bool_()),  # to the twin, in case and white space too
        ("signs", pa.bool_()),  # whether the operators are asked for
        ("partners", pa.list_(pa.string())),
    ]
)
_SETS = pa.schema(
    [
        ("id", pa.string()),
        ("words", pa.int64()),
        ("grams", pa.list_(pa.uint64())),
        ("operators", pa.string()),
    ]
)
_FOUND = pa.schema(
    [
        ("id", pa.string()),
        ("group", pa.string()),
        ("survivor", pa.string()),
        ("score", pa.float64()),
        ("exact", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class Deduplicate(Fit):
    """Drops or tags exact and near duplicates, and says which records belong together.

    on: the text that is compared: all of a record, its input or its output. Template prompts make
        whole records look alike; `output` then keeps what `all` would drop.
    threshold: Jaccard index of the sets of word 3-grams from which two texts are near duplicates.
        0.8 is the usual one (Lee et al. 2022, arXiv 2107.06499). A pair at the threshold is missed
        with a probability of one in a million, and no pair below it is taken.
    action: drop what has a survivor, or tag it: nothing leaves, and the column `duplicate_of`
        holds the survivor's id.
    words: what counts as a word: prose (runs of letters and digits, without case), code (each
        operator, bracket, emoji and change of indentation is a word too, and case counts), or auto:
        code where a text is mostly code or formulas, by its signs. Default prose: what
        near duplicates of instructions are usually measured with.
    keep: which of two duplicates is preferred: the longest in words (of equal ones the first), or
        the first in the order of the sources.

    In this order of preference a record stays unless it has a pair with one that stays already,
    so every dropped record has a survivor in the corpus at or above the threshold; `score` is the
    Jaccard index with that survivor. A record that is linked only through dropped ones stays. The
    column `group` joins all that are linked at all (connected component; its smallest id), for a
    split without leaks. Exact duplicates are equal but for white space at the ends of lines. What
    differs in case, punctuation or indentation alone is a near duplicate of score 1; below 5 words,
    in case and white space alone. It is none where operators, signs or emoji differ and, if each
    were a word, the index would stay below the threshold: `x + y` and `x - y`, C++ and C#.
    Records whose calls of tools differ are no duplicates, however much else they have in common,
    nor are preference pairs whose rejected answers differ.

    In a bucket of more than 512 different texts (a template with many fillings) not all pairs are
    compared but each with the preferred one and with its neighbour in the order of the next band,
    in each band anew: there a pair may be missed; a pair that is taken is always verified.
    """

    name: ClassVar[str] = "dedup"
    reasons: ClassVar[Mapping[str, str]] = {
        "exact_duplicate": "the text is that of the survivor, but for white space at ends of lines",
        "near_duplicate": "the Jaccard index of word 3-grams with the survivor reaches the limit "
        "(below 5 words: only case and white space differ)",
    }
    stays: ClassVar[Mapping[str, str]] = {
        "exact_duplicate": "action: tag",
        "near_duplicate": "threshold > ?",
    }
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "pyarrow")

    on: Literal["all", "input", "output"] = "all"
    threshold: float = field(default=0.8, metadata={"range": (0.3, 1.0)})
    action: Literal["drop", "tag"] = "drop"
    keep: Literal["longest", "first"] = "longest"
    words: Reading = "prose"

    def makes(self) -> Mapping[str, pa.DataType]:
        made = {"group": pa.string()}
        return made | {"duplicate_of": pa.string()} if self.action == "tag" else made

    def observe(self, batch: Batch, seen: VisibleState) -> pa.Table:
        texts = batch.texts(self.on)
        rows = [row for row, text in enumerate(texts) if text is not None]
        wanted: dict[str, bool] = {}
        if seen.round:
            assert seen.local is not None
            wanted = asked_for(seen.local)
            rows = [row for row in rows if batch.ids[row] in wanted]
        chosen = [texts[row] or "" for row in rows]
        ids = pa.array([batch.ids[row] for row in rows], type=pa.string())
        calls = batch.calls(self.on)
        seeds = [shingles.seed_of(self._beside(batch, row, calls[row])) for row in rows]
        if seen.round:
            signs = [wanted[batch.ids[row]] for row in rows]
            return gram_sets(ids, chosen, signs, seeds, self.words)
        return self.signed(ids, chosen, seeds)

    def _beside(self, batch: Batch, row: int, calls: str | None) -> str | None:
        """What tells a record apart beside its texts: what it calls, and the answer that was not
        preferred."""
        rejected = batch.rejected(row) if self.on != "input" else []
        return to_json([calls, rejected]) if rejected else calls

    def signed(
        self, ids: pa.Array, texts: Sequence[str], seeds: Sequence[int] | None = None
    ) -> pa.Table:
        bands, length = minhash.bands_for(self.threshold)
        keys = np.zeros((len(texts), bands), dtype=np.uint64)
        counts = np.zeros(len(texts), dtype=np.int64)
        exact: list[bytes] = []
        alike: list[bytes] = []
        for part in shingles.chunks(texts):
            own, seed = texts[part.start : part.stop], seeds and seeds[part.start : part.stop]
            words = shingles.words_of(own, self.words)
            digests = shingles.digests_of(own, words.counts, seed, self.words)
            exact += digests.exact
            alike += digests.alike
            words = shingles.seeded(words, seed)
            grams, lengths = shingles.shingles_of(words)
            counts[part.start : part.stop] = words.counts
            rows = part.start + np.flatnonzero(lengths)
            keys[rows] = minhash.band_keys(grams, lengths, bands, length)
        return pa.table(
            {
                "id": ids,
                "words": pa.array(counts),
                "exact": pa.array(exact, type=pa.binary(16)),
                "alike": pa.array(alike, type=pa.binary(16)),
                "keys": pa.FixedSizeListArray.from_arrays(pa.array(keys.ravel()), bands),
            }
        )

    def merge(self, tables: Sequence[pa.Table], state: State) -> State:
        if state.round == 0:
            return self._link(tables)
        assert state.local is not None
        return self._settle(tables, state.local)

    def _ranked(self, words: pa.ChunkedArray) -> Ints:
        """Row numbers in the order of preference."""
        counts = words.to_numpy()
        if self.keep == "first":
            return np.arange(len(counts), dtype=np.int64)
        order: Ints = np.argsort(-counts, kind="stable")
        return order

    def _link(self, tables: Sequence[pa.Table]) -> State:
        """After round 0: who may be a duplicate of whom, by piece."""
        table = pa.concat_tables(tables)
        order = self._ranked(table["words"])
        exact = _digests(table["exact"])
        twin = _first_equal(_digests(table["alike"])[order])
        words = table["words"].to_numpy()[order]
        single = np.flatnonzero((twin == np.arange(len(twin))) & (words >= shingles.MIN_WORDS))
        keys = _matrix(table["keys"], order[single])
        left, right = minhash.candidates(keys)
        left, right = order[single[left]], order[single[right]]
        # Equal sets have equal keys, all of them: of the others no operators are asked for.
        signs = np.zeros(len(order), dtype=bool)
        signs[order[single[_repeated(keys)]]] = True
        twins = np.full(len(order), -1, dtype=np.int64)
        doubled = np.flatnonzero(twin != np.arange(len(twin)))
        twins[order[doubled]] = order[twin[doubled]]
        involved = np.unique(np.concatenate([left, right, order[doubled], order[twin[doubled]]]))
        its = np.where(twins >= 0, twins, np.arange(len(order)))
        equal = (exact == exact[its]).all(axis=1)
        flags = equal[involved], signs[involved]
        local = _linked(table["id"], involved, twins[involved], flags, left, right)
        bounds = np.cumsum([0, *(t.num_rows for t in tables)])
        cuts = np.searchsorted(involved, bounds)
        pieces = [local.slice(a, b - a).sort_by("id") for a, b in pairwise(cuts.tolist())]
        return State(round=1, local=pieces)

    def _settle(self, tables: Sequence[pa.Table], local: Sequence[pa.Table]) -> State:
        """After round 1: groups and survivors, by piece."""
        links, sets = pa.concat_tables(local), pa.concat_tables(tables)
        ids = links["id"].combine_chunks()
        count = len(ids)
        order = self._ranked(sets["words"])
        rows = _positions(sets["id"], ids)[order]  # rank → row of links
        rank = np.full(count, -1, dtype=np.int64)
        rank[rows] = np.arange(len(rows))
        ones, others = _pairs(links["partners"], ids)
        ones, others = rank[ones], rank[others]
        left, right, scores = components.verified(
            np.minimum(ones, others),
            np.maximum(ones, others),
            components.Sets(sets["grams"], order),
            self.threshold,
        )
        same = self._says_the_same(left, right, scores, sets.take(order))
        left, right, scores = left[same], right[same], scores[same]
        stays, score = components.survivors(len(rows), left, right, scores)
        survivor, value = np.arange(count), np.ones(count)
        survivor[rows], value[rows] = rows[stays], score
        twin = _positions(links["twin"], ids)
        doubled = np.flatnonzero(twin >= 0)
        exact = np.zeros(count, dtype=bool)
        # The text kept of equal ones may itself have a survivor; it is then that of all of them.
        exact[doubled] = survivor[twin[doubled]] == twin[doubled]
        exact &= links["equal"].to_numpy()
        value[doubled] = value[twin[doubled]]
        survivor[doubled] = survivor[twin[doubled]]
        group = components.components(
            count,
            np.concatenate([rows[left], twin[doubled]]),
            np.concatenate([rows[right], doubled]),
        )
        found = pa.Table.from_arrays(
            [
                ids,
                ids.take(_smallest(ids, group)),
                ids.take(pa.array(survivor, mask=survivor == np.arange(count))),
                pa.array(value),
                pa.array(exact),
            ],
            schema=_FOUND,
        )
        told = pa.array(
            (survivor != np.arange(count)) | (np.bincount(group, minlength=count)[group] > 1)
        )
        bounds = np.cumsum([0, *(t.num_rows for t in local)]).tolist()
        pieces = [found.slice(a, b - a).filter(told.slice(a, b - a)) for a, b in pairwise(bounds)]
        return State(round=2, done=True, local=pieces)

    def _says_the_same(
        self, left: Ints, right: Ints, scores: components.Floats, sets: pa.Table
    ) -> npt.NDArray[np.bool_]:
        """Which pairs are not told apart by their operators. left, right: rows of `sets`.

        An operator that one text has and the other has not changes three 3-grams of each.
        """
        same = np.ones(len(scores), dtype=bool)
        equal = np.flatnonzero(scores >= 1)
        rows = np.unique(np.concatenate([left[equal], right[equal]]))
        told = sets.select(["words", "operators"]).take(pa.array(rows)).to_pylist()
        for at in equal.tolist():
            one, other = (told[int(np.searchsorted(rows, row[at]))] for row in (left, right))
            if one["operators"] == other["operators"]:
                continue
            mine, its = Counter(one["operators"]), Counter(other["operators"])
            changed = 3 * max((mine - its).total(), (its - mine).total())
            words = one["words"] + max(mine.total(), its.total())
            same[at] = words - changed >= self.threshold * (words + changed)
        return same

    def judge(self, verdicts: Verdicts, seen: VisibleState) -> None:
        groups, duplicate_of = list(verdicts.ids), [None] * len(verdicts)
        for row, text in enumerate(verdicts.texts(self.on)):
            if text is None:
                verdicts.inapplicable(row)
        for row, found in _told(verdicts, seen.local):
            groups[row] = found["group"]
            if found["survivor"] is None:
                continue
            duplicate_of[row] = found["survivor"]
            if self.action == "drop":
                self._drop(verdicts, row, found)
        verdicts.set("group", groups)
        if self.action == "tag":
            verdicts.set("duplicate_of", duplicate_of)

    def _drop(self, verdicts: Verdicts, row: int, found: Mapping[str, Any]) -> None:
        common = {"survivor": found["survivor"], "group": found["group"], "on": self.on}
        if found["exact"]:
            verdicts.drop(row, "exact_duplicate", kind="exact", score=1.0, **common)
            return
        verdicts.drop(
            row,
            "near_duplicate",
            kind="near",
            score=round(found["score"], 6),
            limit=self.threshold,
            **common,
        )


def gram_sets(
    ids: pa.Array,
    texts: Sequence[str],
    signs: Sequence[bool],
    seeds: Sequence[int] | None = None,
    reading: Reading = "prose",
) -> pa.Table:
    """The sorted sets of 3-grams of texts, and the operators of those with `signs`, as a table."""
    flat, sizes, counts = [], [], []
    for part in shingles.chunks(texts):
        words = shingles.words_of(texts[part.start : part.stop], reading)
        words = shingles.seeded(words, seeds and seeds[part.start : part.stop])
        grams, lengths = shingles.sets_of(words)
        flat.append(grams)
        sizes.append(lengths)
        counts.append(words.counts)
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]) if sizes else np.zeros(1)
    values = np.concatenate(flat) if flat else np.empty(0, dtype=np.uint64)
    lists = pa.ListArray.from_arrays(pa.array(offsets, type=pa.int32()), pa.array(values))
    words_column = np.concatenate(counts) if counts else np.empty(0, dtype=np.int64)
    told = (
        shingles.operators_of(text) if sign else None
        for text, sign in zip(texts, signs, strict=True)
    )
    operators = pa.array(told, type=pa.string())
    return pa.Table.from_arrays([ids, pa.array(words_column), lists, operators], schema=_SETS)


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


def _matrix(column: pa.ChunkedArray, rows: Ints) -> Any:
    """Rows of a fixed-size list column as a matrix."""
    width = column.type.list_size
    chunks = [c.flatten().to_numpy().reshape(-1, width) for c in column.chunks if len(c)]
    if not chunks:
        return np.empty((0, width), dtype=np.uint64)
    return (chunks[0] if len(chunks) == 1 else np.concatenate(chunks))[rows]


def _repeated(keys: Any) -> Ints:
    """The rows of a matrix that another row is equal to, up to a hash of 64 bits."""
    whole = np.zeros(len(keys), dtype=np.uint64)
    for band in range(keys.shape[1]):
        whole = shingles.mixed(whole + keys[:, band])
    order = np.argsort(whole, kind="stable")
    same = np.flatnonzero(whole[order[1:]] == whole[order[:-1]])
    rows: Ints = np.unique(np.concatenate([order[same], order[same + 1]]))
    return rows


def _first_equal(digests: Any) -> Ints:
    """For each row the first row with the same digest."""
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    ordered = digests[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(order), dtype=np.int64)
    first[order] = order[np.flatnonzero(fresh)[np.cumsum(fresh) - 1]] if len(order) else 0
    return first


def _digests(column: pa.ChunkedArray) -> Any:
    return np.concatenate([_bytes_of(chunk) for chunk in column.chunks] or [_bytes_of(None)])


def _linked(
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
    return pa.Table.from_arrays([names, twin, *map(pa.array, flags), partners], schema=_LINKED)


def _positions(names: pa.ChunkedArray, ids: pa.Array) -> Ints:
    """Where each name stands among the ids; -1 for null."""
    found = pc.index_in(names, value_set=ids, skip_nulls=True)
    positions: Ints = found.fill_null(-1).to_numpy().astype(np.int64)
    return positions


def _pairs(partners: pa.ChunkedArray, ids: pa.Array) -> tuple[Ints, Ints]:
    """(row, partner's row) of each pair."""
    lengths = pc.list_value_length(partners).to_numpy().astype(np.int64)
    return np.repeat(np.arange(len(lengths)), lengths), _positions(pc.list_flatten(partners), ids)


def _smallest(ids: pa.Array, group: Ints) -> Ints:
    """For each row the row with the smallest id of its group."""
    order = pc.sort_indices(ids).to_numpy()
    first = np.full(len(group), -1, dtype=np.int64)
    first[group[order[::-1]]] = order[::-1]
    return first[group]


def _told(verdicts: Verdicts, local: pa.Table | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row, what was found) for the rows of a batch that the piece's table names."""
    if local is None or not local.num_rows:
        return
    at = pc.index_in(
        pa.array(verdicts.ids, type=pa.string()), value_set=local["id"].combine_chunks()
    )
    rows = [row for row, place in enumerate(at.to_pylist()) if place is not None]
    yield from zip(rows, local.take(at.drop_null()).to_pylist(), strict=True)
