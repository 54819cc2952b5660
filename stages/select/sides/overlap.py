"""Whether texts overlap with others: runs of 13 words in common, or near duplicates.

13 words after Brown et al. 2020 (arXiv 2005.14165, appendix C); near duplicates by MinHash, each
pair verified by its Jaccard index, as `dedup` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.clean import minhash, shingles
from stages.clean.shingles import Hashes, Ints
from stages.verdicts import Batch

RUN = 13  # words
LIKE = 0.8  # Jaccard index of word 3-grams
CANDIDATES = 256  # texts with a common band that one is compared with
_BANDS, _BAND = minhash.bands_for(LIKE)

SKETCHES = pa.schema(
    [
        ("runs", pa.list_(pa.uint64())),  # hashes of runs of words, each once, sorted
        ("grams", pa.list_(pa.uint64())),  # of 3-grams, the same
        ("bands", pa.list_(pa.uint64())),  # of MinHash; none where there are no 3-grams
    ]
)
RUNS = pa.schema([("run", pa.uint64()), ("number", pa.uint32())])
BANDS = pa.schema([("band", pa.uint64()), ("number", pa.uint32())])
GRAMS = pa.schema([("grams", pa.list_(pa.uint64()))])

_NONE: Hashes = np.empty(0, dtype=np.uint64)


def said(batch: Batch, rows: Sequence[int]) -> list[str]:
    """The texts of rows without their system messages, which many conversations have in common."""
    texts = []
    for row in rows:
        record = batch.forms[row]
        system = {
            f"messages[{number}]"
            for number, message in enumerate(record.get("messages") or ())
            if message["role"] in ("system", "developer")
        }
        fields = batch.fields(row)
        texts.append("\n".join(text for name, text in fields if name not in system))
    return texts


class Sketch(NamedTuple):
    """What one text is compared by: its runs of words and its 3-grams in order, and the keys of
    its bands; empty where it has too few words."""

    runs: Hashes
    grams: Hashes
    bands: Hashes


def sketches(texts: Sequence[str]) -> Iterator[Sketch]:
    """The sketch of each text."""
    for part in shingles.chunks(texts):
        words = shingles.words_of(texts[part.start : part.stop])
        runs, run_counts = shingles.runs_of(words, RUN)
        grams, gram_counts = shingles.shingles_of(words)
        keys = numbered(minhash.band_keys(grams, gram_counts, _BANDS, _BAND))
        run_ends, gram_ends = np.cumsum(run_counts), np.cumsum(gram_counts)
        filled = np.cumsum(gram_counts > 0) - 1
        for row in range(len(part)):
            own_runs = runs[run_ends[row] - run_counts[row] : run_ends[row]]
            own_grams = grams[gram_ends[row] - gram_counts[row] : gram_ends[row]]
            bands = keys[filled[row]] if gram_counts[row] else _NONE
            yield Sketch(own_runs, own_grams, bands)


def numbered(keys: Hashes) -> Hashes:
    """Keys of bands as keys among all bands."""
    offsets = shingles.mixed(np.arange(1, keys.shape[1] + 1, dtype=np.uint64))
    return shingles.mixed(keys ^ offsets)


def sketched(texts: Sequence[str]) -> pa.Table:
    """The sketches of texts as a table."""
    found = [Sketch(np.unique(s.runs), np.unique(s.grams), s.bands) for s in sketches(texts)]
    return pa.table(
        [lists([getattr(one, name) for one in found]) for name in SKETCHES.names], schema=SKETCHES
    )


def lists(values: Sequence[Hashes]) -> pa.Array:
    """Arrays of hashes as one Arrow list column."""
    offsets = np.cumsum([0, *map(len, values)])
    flat = np.concatenate([*values, _NONE])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(flat, pa.uint64()))


def tables(found: pa.Table) -> dict[str, pa.Table]:
    """An index of sketches as tables, which travel; texts are numbered by their order."""
    return {
        "runs": _sorted(found.column("runs"), RUNS),
        "bands": _sorted(found.column("bands"), BANDS),
        "grams": found.select(["grams"]),
    }


def _sorted(column: pa.ChunkedArray, schema: pa.Schema) -> pa.Table:
    sizes = pc.list_value_length(column).to_numpy().astype(np.int64)
    values = pc.list_flatten(column).to_numpy()
    numbers = np.repeat(np.arange(len(sizes), dtype=np.uint32), sizes)
    order = np.argsort(values, kind="stable")
    return pa.table([values[order], numbers[order]], schema=schema)


class Index:
    """Texts to look for in others."""

    def __init__(self, made: Mapping[str, pa.Table]) -> None:
        self.runs = made["runs"].column("run").to_numpy()
        self.run_numbers = made["runs"].column("number").to_numpy()
        self._bands = made["bands"].column("band").to_numpy()
        self._band_numbers = made["bands"].column("number").to_numpy()
        grams = made["grams"].column("grams")
        self._grams = pc.list_flatten(grams).to_numpy()
        sizes = pc.list_value_length(grams).to_numpy().astype(np.int64)
        self._ends = np.cumsum(sizes)
        self._begins = self._ends - sizes
        self._sieve = _sieve(self.runs)

    def common_runs(self, sketch: Sketch) -> Hashes:
        """The runs of words that a text shares with any of the texts, in its order."""
        runs = sketch.runs
        runs = runs[self._sieve[runs & np.uint64(len(self._sieve) - 1)]]
        if not len(runs) or not len(self.runs):
            return _NONE
        at = np.minimum(np.searchsorted(self.runs, runs), len(self.runs) - 1)
        return np.asarray(runs[self.runs[at] == runs])

    def numbers_of(self, run: int) -> Ints:
        """The texts that have a run of words."""
        wanted = np.uint64(run)
        begin, end = (np.searchsorted(self.runs, wanted, side=side) for side in ("left", "right"))
        return np.asarray(self.run_numbers[begin:end].astype(np.int64))

    def alike(self, sketch: Sketch) -> Iterator[tuple[int, float]]:
        """(number, Jaccard index) of the texts that a text is a near duplicate of; of very many
        that are alike (a template with many fillings) not all are compared."""
        if not len(sketch.bands) or not len(self._bands):
            return
        begins = np.searchsorted(self._bands, sketch.bands, side="left")
        ends = np.searchsorted(self._bands, sketch.bands, side="right")
        near = [self._band_numbers[b:e] for b, e in zip(begins, ends, strict=True) if b < e]
        if not near:
            return
        grams = np.unique(sketch.grams)
        for number in np.unique(np.concatenate(near))[:CANDIDATES].tolist():
            other = self._grams[self._begins[number] : self._ends[number]]
            common = len(np.intersect1d(grams, other, assume_unique=True))
            score = common / max(1, len(grams) + len(other) - common)
            if score >= LIKE:
                yield number, score


def _sieve(values: Hashes) -> npt.NDArray[np.bool_]:
    """Which low bits occur: a look at it settles nearly all runs without a search."""
    size = 1 << min(26, max(10, (8 * len(values)).bit_length()))
    found = np.zeros(size, dtype=bool)
    found[values & np.uint64(size - 1)] = True
    return found
