"""MinHash signatures cut into bands, and the pairs that share a band.

Broder 1997; banding after Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3.
Pairs are candidates only: whoever asks must compare the sets.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from stages.clean.shingles import Hashes, Ints, mixed

# A pair exactly at the threshold is missed with this probability at most; pairs above it less.
MISS = 1e-6
# More functions make larger bands and fewer false candidates; 128 is usual (datasketch, rensa).
FUNCTIONS = 128
# In buckets up to this size all pairs are candidates. A larger one (a template with many
# fillings) has only as many as it has members, twice: each with the first, and each with its
# neighbour in the order of the next band. 142 was the largest group of real records measured.
BUCKET = 512


def bands_for(threshold: float) -> tuple[int, int]:
    """(bands, rows of a band) for a threshold: the longest bands for which at most FUNCTIONS hash
    functions miss a pair at the threshold with probability MISS at most. 0.8 gives 27 of 4."""
    best = (1, 1)
    for rows in range(1, FUNCTIONS + 1):
        share = min(threshold, 0.995) ** rows
        bands = math.ceil(math.log(MISS) / math.log1p(-share))
        if bands * rows <= FUNCTIONS:
            best = (bands, rows)
    return best


def band_keys(grams: Hashes, lengths: Ints, bands: int, rows: int) -> Hashes:
    """A key a band for each text that has shingles: a matrix of texts × bands."""
    lengths = lengths[lengths > 0]
    if not len(lengths):
        return np.empty((0, bands), dtype=np.uint64)
    begins = np.cumsum(lengths) - lengths
    # Multiplying by an odd number permutes the 32-bit numbers; the low bits mix badly, but the
    # smallest is decided by the high ones.
    values = (grams >> np.uint64(32)).astype(np.uint32)
    factors = (mixed(np.arange(1, bands * rows + 1, dtype=np.uint64)) >> np.uint64(32)).astype(
        np.uint32
    ) | np.uint32(1)
    product = np.empty_like(values)
    keys = np.zeros((bands, len(lengths)), dtype=np.uint64)
    for band in range(bands):
        for row in range(rows):
            np.multiply(values, factors[band * rows + row], out=product)
            smallest = np.minimum.reduceat(product, begins)
            keys[band] = mixed(keys[band] + smallest + np.uint64(0x9E3779B97F4A7C15))
    return np.ascontiguousarray(keys.T)


def candidates(keys: Hashes) -> tuple[Ints, Ints]:
    """The pairs (smaller, larger row number) of rows that share a band, each once, sorted."""
    count, bands = keys.shape
    found = np.empty(0, dtype=np.int64)
    for band in range(bands):
        column = np.ascontiguousarray(keys[:, band])
        order = np.argsort(column, kind="stable")
        edges = np.flatnonzero(np.diff(column[order])) + 1
        begins = np.concatenate([[0], edges])
        sizes = np.diff(np.concatenate([begins, [count]]))
        codes = [found]
        for size in np.unique(sizes[sizes > 1]).tolist():
            members = order[begins[sizes == size][:, None] + np.arange(size)]
            if size <= BUCKET:
                left, right = np.triu_indices(size, 1)
                codes.append(_coded(members[:, left].ravel(), members[:, right].ravel(), count))
                continue
            for bucket in members:
                following = bucket[np.argsort(keys[bucket, (band + 1) % bands], kind="stable")]
                codes.append(_coded(np.full(size - 1, bucket[0]), bucket[1:], count))
                codes.append(_coded(following[:-1], following[1:], count))
        if len(codes) > 1:
            # np.unique hashes, which is several times slower here than sorting.
            found = np.sort(np.concatenate(codes))
            found = found[np.r_[True, found[1:] != found[:-1]]]
    return found // max(count, 1), found % max(count, 1)


def _coded(left: npt.NDArray[np.intp], right: npt.NDArray[np.intp], count: int) -> Ints:
    return np.minimum(left, right).astype(np.int64) * count + np.maximum(left, right)
