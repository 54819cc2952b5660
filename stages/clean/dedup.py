"""Exact and near duplicates: MinHash finds candidates, the exact Jaccard index decides.

Meaning is not compared: two answers that say the same in other words are no duplicates here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import Fit, State, VisibleState
from stages.clean import before, components, links, minhash, shingles
from stages.clean.code_words import Reading
from stages.clean.shingles import Ints
from stages.errors import UsageError
from stages.records import to_json
from stages.verdicts import Batch, Verdicts

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
    against: corpora that are there already, or files of records (JSON lines, JSON, Parquet). What
        has a duplicate there leaves; they stay as they are, and are not compared with each other.

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
    against: tuple[str, ...] = ()

    def contradictions(self) -> tuple[str, ...]:
        """What `against` names that cannot be read."""
        try:
            before.files(self.against)
        except UsageError as error:
            return (str(error),)
        return ()

    def resources(self) -> tuple[Path, ...]:
        """The files of the corpora that are there already."""
        return before.files(self.against)

    def makes(self) -> Mapping[str, pa.DataType]:
        made = {"group": pa.string()}
        return made | {"duplicate_of": pa.string()} if self.action == "tag" else made

    def observe(self, batch: Batch, seen: VisibleState) -> pa.Table:
        texts = batch.texts(self.on)
        rows = [row for row, text in enumerate(texts) if text is not None]
        wanted: dict[str, bool] = {}
        if seen.round:
            assert seen.local is not None
            wanted = links.asked_for(seen.local)
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

    def _theirs(self, wanted: Mapping[int, pa.Table] | None = None) -> list[pa.Table]:
        """What is observed of the corpora that are there already, in round 0 or of what is wanted
        of each in round 1."""
        found = []
        for number, path in enumerate(self.against):
            seen = VisibleState(0, {}, {}, None)
            if wanted is not None:
                seen = VisibleState(1, {}, {}, wanted.get(number, links.LINKED.empty_table()))
            for batch in before.batches(path):
                found.append(before.named(self.observe(batch, seen), number))
        return found

    def _ranked(self, words: pa.ChunkedArray, theirs: int) -> Ints:
        """Row numbers in the order of preference: the first `theirs`, which stay, before all."""
        counts = words.to_numpy()
        if self.keep == "first":
            return np.arange(len(counts), dtype=np.int64)
        ours: Ints = theirs + np.argsort(-counts[theirs:], kind="stable")
        return np.concatenate([np.arange(theirs), ours])

    def _link(self, tables: Sequence[pa.Table]) -> State:
        """After round 0: who may be a duplicate of whom, by piece."""
        known = self._theirs()
        theirs = sum(t.num_rows for t in known)
        table = pa.concat_tables([*known, *tables])
        order = self._ranked(table["words"], theirs)
        exact = links.digests(table["exact"])
        twin = links.first_equal(links.digests(table["alike"])[order])
        words = table["words"].to_numpy()[order]
        single = np.flatnonzero((twin == np.arange(len(twin))) & (words >= shingles.MIN_WORDS))
        keys = links.matrix(table["keys"], order[single])
        left, right = minhash.candidates(keys)
        left, right = order[single[left]], order[single[right]]
        new = np.maximum(left, right) >= theirs  # theirs are not compared with each other
        left, right = left[new], right[new]
        # Equal sets have equal keys, all of them: of the others no operators are asked for.
        signs = np.zeros(len(order), dtype=bool)
        signs[order[single[links.repeated(keys)]]] = True
        twins = np.full(len(order), -1, dtype=np.int64)
        doubled = np.flatnonzero(twin != np.arange(len(twin)))
        twins[order[doubled]] = order[twin[doubled]]
        involved = np.unique(np.concatenate([left, right, order[doubled], order[twin[doubled]]]))
        its = np.where(twins >= 0, twins, np.arange(len(order)))
        equal = (exact == exact[its]).all(axis=1)
        flags = equal[involved], signs[involved]
        local = links.linked(table["id"], involved, twins[involved], flags, left, right)
        bounds = np.cumsum([theirs, *(t.num_rows for t in tables)])
        cuts = np.searchsorted(involved, bounds)
        pieces = [local.slice(a, b - a).sort_by("id") for a, b in pairwise(cuts.tolist())]
        return State(round=1, local=pieces)

    def _settle(self, tables: Sequence[pa.Table], local: Sequence[pa.Table]) -> State:
        """After round 1: groups and survivors, by piece."""
        ours = pa.concat_tables(local)
        known = links.of_others(ours)
        observed = self._theirs(known)
        theirs = sum(t.num_rows for t in observed)
        sets = pa.concat_tables([*observed, *tables])
        named = [before.named(table, number) for number, table in known.items()]
        table = pa.concat_tables([*named, ours])
        ids = table["id"].combine_chunks()
        count = len(ids)
        order = self._ranked(sets["words"], theirs)
        rows = links.positions(sets["id"], ids)[order]  # rank → row of links
        rank = np.full(count, -1, dtype=np.int64)
        rank[rows] = np.arange(len(rows))
        ones, others = links.pairs(table["partners"], ids)
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
        twin = links.positions(table["twin"], ids)
        doubled = np.flatnonzero(twin >= 0)
        exact = np.zeros(count, dtype=bool)
        # The text kept of equal ones may itself have a survivor; it is then that of all of them.
        exact[doubled] = survivor[twin[doubled]] == twin[doubled]
        exact &= table["equal"].to_numpy()
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
                ids.take(links.smallest(ids, group)),
                ids.take(pa.array(survivor, mask=survivor == np.arange(count))),
                pa.array(value),
                pa.array(exact),
            ],
            schema=_FOUND,
        )
        told = pa.array(
            (survivor != np.arange(count)) | (np.bincount(group, minlength=count)[group] > 1)
        )
        bounds = np.cumsum([theirs, *(t.num_rows for t in local)]).tolist()
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
        groups: list[str | None] = [*verdicts.ids]
        duplicate_of: list[str | None] = [None] * len(verdicts)
        for row, text in enumerate(verdicts.texts(self.on)):
            if text is None:
                verdicts.inapplicable(row)
        for row, found in _told(verdicts, seen.local):
            groups[row] = before.told(found["group"])[1]
            if found["survivor"] is None:
                continue
            duplicate_of[row] = before.told(found["survivor"])[1]
            if self.action == "drop":
                self._drop(verdicts, row, found)
        verdicts.set("group", groups)
        if self.action == "tag":
            verdicts.set("duplicate_of", duplicate_of)

    def _drop(self, verdicts: Verdicts, row: int, found: Mapping[str, Any]) -> None:
        corpus, survivor = before.told(found["survivor"])
        group = before.told(found["group"])[1]
        common = {"survivor": survivor, "group": group, "on": self.on}
        if corpus is not None:
            common["against"] = self.against[corpus]
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


def _told(verdicts: Verdicts, local: pa.Table | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row, what was found) for the rows of a batch that the piece's table names."""
    if local is None or not local.num_rows:
        return
    at = pc.index_in(
        pa.array(verdicts.ids, type=pa.string()), value_set=local["id"].combine_chunks()
    )
    rows = [row for row, place in enumerate(at.to_pylist()) if place is not None]
    yield from zip(rows, local.take(at.drop_null()).to_pylist(), strict=True)
