"""K-means in PyTorch on the CPU: greedy k-means++ on a sample, then Lloyd's rounds.

Arthur & Vassilvitskii 2007 for the seeding. Everything is settled by the rows, their draws and
k: no generator, no order of threads. Sums are exact for rows in half precision, as `embed` stores
them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stages.clean.shingles import Hashes, mixed
from stages.require import require

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

CHUNK = 16384  # rows of a product with all centroids: 32 MB at 500 centroids
# Tried by `make bench-kmeans`, see docs/evidence.md.
SAMPLE, LEAST = 48, 4096  # rows of the sample for each centroid, and at least
SAMPLE_ROUNDS = 6
ROUNDS = 6  # rounds over all rows, at most
SETTLED = 0.002  # share of rows that move in a round, below which it ends
CAP = 4.0  # a row counts in the seeding as no farther than this many times the mean


def fitted(x: Floats, k: int, draws: Hashes, seed: int) -> Floats:
    """k ≤ n centroids; `draws` is a random number a row, and orders the sample."""
    torch = require("torch", "cluster")
    with torch.inference_mode():
        rows = torch.from_numpy(x)
        chosen = np.argsort(draws, kind="stable")[: max(SAMPLE * k, LEAST)]
        sample = rows[torch.from_numpy(np.sort(chosen))] if len(chosen) < len(x) else rows
        centroids = _seeded(torch, sample, k, seed)
        for _ in range(SAMPLE_ROUNDS):
            labels, distance = _nearest(torch, sample, centroids)
            centroids = _means(torch, sample, labels, distance, k)
        before: Any = None
        for _ in range(ROUNDS):
            labels, distance = _nearest(torch, rows, centroids)
            centroids = _means(torch, rows, labels, distance, k)
            if before is not None and int((labels != before).sum()) <= SETTLED * len(x):
                break
            before = labels
        found: Floats = centroids.numpy()
    return found


def assigned(x: Floats, centroids: Floats) -> tuple[Ints, Floats]:
    """The nearest centroid of each row and the distance to it."""
    torch = require("torch", "cluster")
    with torch.inference_mode():
        labels, squared = _nearest(torch, torch.from_numpy(x), torch.from_numpy(centroids))
        return labels.numpy(), squared.sqrt().numpy()


def _seeded(torch: Any, x: Any, k: int, seed: int) -> Any:
    """Greedy k-means++: of a few rows drawn by squared distance, the one that lowers the sum most.

    Distances are capped, or the first centroids all go to the longest rows of raw vectors.
    """
    trials = 2 + int(np.log(k))
    start = np.array([seed], dtype=np.uint64)
    draws = mixed(np.arange(k * trials, dtype=np.uint64) + mixed(mixed(start)))
    uniform = torch.from_numpy((draws >> np.uint64(11)).astype(np.float64) / 2.0**53)
    squares = (x * x).sum(1)
    spread = (squares - 2 * (x @ x.mean(0)) + (x.mean(0) ** 2).sum()).clamp_(min=0)
    cap = CAP * float(spread.mean())
    centroids = torch.empty(k, x.shape[1])
    chosen = int(spread.argmin())
    nearest = torch.full_like(squares, cap)
    for number in range(k):
        centroids[number] = x[chosen]
        distance = (squares - 2 * (x @ x[chosen]) + squares[chosen]).clamp_(min=0)
        nearest = torch.minimum(nearest, distance)
        if number + 1 == k:
            break
        reach = torch.cumsum(nearest.double(), 0)
        points = uniform[number * trials : (number + 1) * trials] * reach[-1]
        tried = torch.searchsorted(reach, points).clamp_(max=len(x) - 1)
        candidates = x[tried]
        lowered = (squares[tried, None] + squares - 2 * (candidates @ x.T)).clamp_(min=0)
        chosen = int(tried[torch.minimum(lowered, nearest).sum(1).argmin()])
    return centroids


def _nearest(torch: Any, x: Any, centroids: Any) -> tuple[Any, Any]:
    """The nearest of all centroids for each row, and the squared distance."""
    half = (centroids * centroids).sum(1) / 2
    labels = torch.empty(len(x), dtype=torch.int64)
    squared = torch.empty(len(x))
    for begin in range(0, len(x), CHUNK):
        part = x[begin : begin + CHUNK]
        value, label = torch.addmm(half, part, centroids.T, alpha=-1).min(1)
        labels[begin : begin + CHUNK] = label
        squared[begin : begin + CHUNK] = (2 * value + (part * part).sum(1)).clamp_(min=0)
    return labels, squared


def _means(torch: Any, x: Any, labels: Any, squared: Any, count: int) -> Any:
    """The mean of each centroid's rows; one without rows moves to the row farthest off."""
    sums = torch.zeros((count, x.shape[1]), dtype=torch.float64)
    for begin in range(0, len(x), CHUNK):
        part = x[begin : begin + CHUNK].double()
        sums.index_add_(0, labels[begin : begin + CHUNK], part)
    sizes = torch.bincount(labels, minlength=count)
    means = (sums / sizes.clamp(min=1)[:, None]).float()
    empty = torch.nonzero(sizes == 0).flatten()
    if len(empty):
        means[empty] = x[torch.argsort(squared, descending=True, stable=True)[: len(empty)]]
    return means
