"""From candidate pairs to groups: exact Jaccard, connected components, who stays.

Rows are numbered by rank: of two duplicates the smaller number is preferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.clean.shingles import Hashes, Ints

Floats = npt.NDArray[np.float64]

PARTNERS = 4096  # pairs compared at once
# A set as the parities of how many of its members fall on each bit. Members that two sets do not
# share are at least as many as bits in which they differ (Sandes, Teodoro & Melo 2020, the bitmap
# filter). Of 97,800 pairs of instructions that share a band 512 bits leave 19,000 to compare, all
# but a few of them right.
BITS = 512
_AT_ONCE = 4096  # sets of which the bits are counted together: 16 MB


class Sets:
    """Sorted hash sets in a chunked Arrow list column, which may lie on disk; numbered anew."""

    def __init__(self, column: pa.ChunkedArray, order: Ints) -> None:
        lengths, places = [], []
        self._values: list[Hashes] = []
        for number, chunk in enumerate(column.chunks):
            offsets = chunk.offsets.to_numpy().astype(np.int64)
            self._values.append(chunk.values.to_numpy())
            lengths.append(np.diff(offsets))
            places.append(np.stack([np.full(len(chunk), number), offsets[:-1]]))
        self.sizes: Ints = np.concatenate([*lengths, np.empty(0, dtype=np.int64)])[order]
        self._places = np.concatenate([*places, np.empty((2, 0), dtype=np.int64)], axis=1)[:, order]

    def __getitem__(self, row: int) -> Hashes:
        chunk, begin = self._places[:, row].tolist()
        values: Hashes = self._values[chunk][begin : begin + int(self.sizes[row])]
        return values


def verified(left: Ints, right: Ints, sets: Sets, threshold: float) -> tuple[Ints, Ints, Floats]:
    """The pairs whose Jaccard index is at least the threshold, with it, sorted."""
    small = np.minimum(sets.sizes[left], sets.sizes[right])
    large = np.maximum(sets.sizes[left], sets.sizes[right])
    possible = small >= threshold * large - 1e-9
    left, right = left[possible], right[possible]
    possible = _may_be_alike(left, right, sets, threshold)
    left, right = left[possible], right[possible]
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    scores = np.empty(len(left), dtype=np.float64)
    cuts = np.flatnonzero(np.diff(left, prepend=-1, append=-1)).tolist() if len(left) else []
    for begin, end in pairwise(cuts):
        one = sets[int(left[begin])]
        for at in range(begin, end, PARTNERS):
            till = min(at + PARTNERS, end)
            scores[at:till] = _jaccard(one, [sets[row] for row in right[at:till].tolist()])
    good = scores >= threshold - 1e-12
    return left[good], right[good], scores[good]


def _may_be_alike(left: Ints, right: Ints, sets: Sets, threshold: float) -> npt.NDArray[np.bool_]:
    """Which pairs reach the threshold if they differ in no more members than their bits show."""
    rows = np.unique(np.concatenate([left, right]))
    bits = np.empty((len(rows), BITS // 64), dtype=np.uint64)
    for begin in range(0, len(rows), _AT_ONCE):
        bits[begin : begin + _AT_ONCE] = _parities(
            [sets[row] for row in rows[begin : begin + _AT_ONCE].tolist()]
        )
    one, other = np.searchsorted(rows, left), np.searchsorted(rows, right)
    apart = np.zeros(len(left), dtype=np.int64)
    for word in range(bits.shape[1]):
        apart += np.bitwise_count(bits[one, word] ^ bits[other, word])
    together = sets.sizes[left] + sets.sizes[right]
    # With d members in one set alone the index is (n - d) / (n + d), n the sum of the sizes.
    may: npt.NDArray[np.bool_] = together - apart >= threshold * (together + apart) - 1e-9
    return may


def _parities(sets: Sequence[Hashes]) -> Hashes:
    """The bits of each set."""
    rows = np.repeat(np.arange(len(sets)), [len(one) for one in sets])
    place = rows * BITS + (np.concatenate(sets) & np.uint64(BITS - 1)).astype(np.int64)
    odd = (np.bincount(place, minlength=len(sets) * BITS) & 1).astype(np.uint8)
    return np.packbits(odd.reshape(len(sets), BITS), axis=1).view(np.uint64)


def _jaccard(one: Hashes, others: Sequence[Hashes]) -> Floats:
    sizes = np.array([len(other) for other in others])
    together = np.concatenate(others)
    places = np.searchsorted(one, together)
    places[places == len(one)] = 0
    common = np.add.reduceat(one[places] == together, np.cumsum(sizes) - sizes, dtype=np.int64)
    scores: Floats = common / (len(one) + sizes - common)
    return scores


def components(count: int, left: Ints, right: Ints) -> Ints:
    """The smallest row of each row's connected component (union-find with path halving)."""
    parent = list(range(count))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        a, b = root(one), root(other)
        if a != b:
            parent[max(a, b)] = min(a, b)
    return np.array([root(row) for row in range(count)], dtype=np.int64)


def survivors(count: int, left: Ints, right: Ints, scores: Floats) -> tuple[Ints, Floats]:
    """For each row the row that stays in its stead and the score between them; itself and 1 when
    it stays.

    In order of rank a row stays unless it has a pair with one that stays already: of these the
    one with the highest score is its survivor. left < right in each pair.
    """
    stays = np.arange(count, dtype=np.int64)
    score = np.ones(count, dtype=np.float64)
    for at in np.lexsort((left, right)).tolist():
        one, other = int(left[at]), int(right[at])
        # Pairs come by `right`, so whether `one` stays is settled before it is asked.
        if stays[one] != one:
            continue
        if stays[other] == other or scores[at] > score[other]:
            stays[other], score[other] = one, scores[at]
    return stays, score
