"""K-means in PyTorch on the CPU: greedy k-means++ on a sample, then Lloyd's rounds.

Arthur & Vassilvitskii 2007 for the seeding; most rounds look only at the centroids near a row's
present one (k2-means, Agustsson et al. 2017), with full rounds between them. Everything is
settled by the rows, their draws and k: no generator, no order of threads. Sums are exact for
rows in half precision, as `embed` stores them.
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
# Tried on 50,000 vectors of instruction texts with 500 centroids. With these values the inertia is
# 0.4 to 0.8 % above one start of scikit-learn at a quarter to a third of its time; a sample twice
# as large brings 0.1 to 0.6 %; 16 near centroids in place of 32 change nothing (docs/evidence.md).
SAMPLE, LEAST = 24, 4096  # rows of the sample for each centroid, and at least
SAMPLE_ROUNDS = 6
NEAR = 32  # centroids that a row is compared with in a near round
NEAR_ROUNDS = 4  # near rounds after each full one
CYCLES = 6  # full rounds at most
SETTLED = 0.002  # share of rows that move in a full round, below which it ends
CAP = 4.0  # a row counts in the seeding as no farther than this many times the mean


def kmeans(x: Any, k: int, seed: int = 0) -> Floats:
    """k centroids of the rows of x (not scaled here: cosine wants unit vectors)."""
    rows = np.ascontiguousarray(x, dtype=np.float32)
    draws = mixed(np.arange(len(rows), dtype=np.uint64) ^ mixed(np.array([seed], dtype=np.uint64)))
    return fitted(rows, min(k, len(rows)), draws, seed)


def fitted(x: Floats, k: int, draws: Hashes, seed: int) -> Floats:
    """k ≤ n centroids; `draws` is a random number a row, and orders the sample."""
    torch = require("torch", "cluster")
    with torch.inference_mode():
        rows = torch.from_numpy(x)
        chosen = np.argsort(draws, kind="stable")[: max(SAMPLE * k, LEAST)]
        sample = rows[torch.from_numpy(np.sort(chosen))] if len(chosen) < len(x) else rows
        centroids = _seeded(torch, sample, k, seed)
        for _ in range(SAMPLE_ROUNDS):
            near, distance = _full(torch, sample, centroids)
            centroids = _means(torch, sample, near, distance, centroids)
        labels: Any = None
        for _ in range(CYCLES):
            before: Any = labels
            labels, distance = _full(torch, rows, centroids)
            centroids = _means(torch, rows, labels, distance, centroids)
            if before is not None and int((labels != before).sum()) <= SETTLED * len(x):
                break
            for _ in range(NEAR_ROUNDS):
                labels = _near(torch, rows, centroids, labels)
                centroids = _means(torch, rows, labels, None, centroids)
        found: Floats = centroids.numpy()
    return found


def assigned(x: Floats, centroids: Floats) -> tuple[Ints, Floats]:
    """The nearest centroid of each row and the distance to it."""
    torch = require("torch", "cluster")
    with torch.inference_mode():
        labels, squared = _full(torch, torch.from_numpy(x), torch.from_numpy(centroids))
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


def _full(torch: Any, x: Any, centroids: Any) -> tuple[Any, Any]:
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


def _near(torch: Any, x: Any, centroids: Any, labels: Any) -> Any:
    """The nearest centroid of those near a row's present one."""
    count = len(centroids)
    half = (centroids * centroids).sum(1) / 2
    between = torch.addmm(half, centroids, centroids.T, alpha=-1)
    near = between.topk(min(NEAR, count), largest=False).indices
    order = torch.argsort(labels, stable=True)
    sizes = torch.bincount(labels, minlength=count).tolist()
    found = torch.empty_like(labels)
    begin = 0
    for label, size in enumerate(sizes):
        if size:
            rows, those = order[begin : begin + size], near[label]
            value = torch.addmm(half[those], x[rows], centroids[those].T, alpha=-1)
            found[rows] = those[value.argmin(1)]
            begin += size
    return found


def _means(torch: Any, x: Any, labels: Any, squared: Any, centroids: Any) -> Any:
    """The mean of each centroid's rows; one without rows moves to the row farthest off."""
    count = len(centroids)
    sums = torch.zeros(centroids.shape, dtype=torch.float64)
    for begin in range(0, len(x), CHUNK):
        part = x[begin : begin + CHUNK].double()
        sums.index_add_(0, labels[begin : begin + CHUNK], part)
    sizes = torch.bincount(labels, minlength=count)
    means = (sums / sizes.clamp(min=1)[:, None]).float()
    empty = torch.nonzero(sizes == 0).flatten()
    if len(empty):
        means[empty] = centroids[empty]
        if squared is not None:
            means[empty] = x[torch.argsort(squared, descending=True, stable=True)[: len(empty)]]
    return means
