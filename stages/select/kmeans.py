"""K-means in PyTorch on the CPU: greedy k-means++ on a sample, then Lloyd's rounds.

Arthur & Vassilvitskii 2007 for the seeding; Bachem et al. 2018 (lightweight coresets) for the
sample: half of it by chance, half by squared distance to the mean, each row with the weight that
makes up for it. Plain samples miss the long rows of vectors that are not of length 1, where much of
the inertia is. Means are moved half as far again as Lloyd would, which needs fewer rounds.

Everything is settled by the rows, their draws and k: no generator, no order of threads. Sums are
exact for rows in half precision, as `embed` stores them.
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
# Tried by `make bench-cluster`, see docs/evidence.md.
SAMPLE, LEAST = 48, 4096  # rows of the sample for each centroid, and at least
SAMPLE_ROUNDS = 6
ROUNDS = 6  # rounds over all rows, at most
SETTLED = 0.002  # share of rows that move in a round, below which it ends
EVEN = 0.5  # share of the sample that is drawn whatever the distance
FARTHER = 1.5  # times the way to the mean that a centroid goes, but in the last round


def fitted(x: Floats, k: int, draws: Hashes, seed: int) -> Floats:
    """k ≤ n centroids; `draws` is a random number a row, and decides on the sample."""
    torch = require("torch", "cluster")
    with torch.inference_mode():
        rows = torch.from_numpy(x)
        chosen, weight = _sampled(x, max(SAMPLE * k, LEAST), draws)
        sample, weights = rows[torch.from_numpy(chosen)], torch.from_numpy(weight)
        centroids = _seeded(torch, sample, weights, k, seed)
        for number in range(SAMPLE_ROUNDS):
            far = FARTHER if number + 1 < SAMPLE_ROUNDS else 1.0
            centroids = _moved(torch, sample, weights, centroids, far)[0]
        before: Any = None
        for number in range(ROUNDS):
            last = number + 1 == ROUNDS
            centroids, labels = _moved(torch, rows, None, centroids, 1.0 if last else FARTHER)
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


def _sampled(x: Floats, count: int, draws: Hashes) -> tuple[Ints, Floats]:
    """Rows of a sample and the weight of each: for how many rows it stands.

    Priority sampling (Duffield et al. 2007): no row is drawn twice, and sums of weighted rows are
    those of all rows on average. Weights have half precision, so that sums with them stay exact.
    """
    if count >= len(x):
        return np.arange(len(x)), np.ones(len(x), dtype=np.float32)
    mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    squared = np.empty(len(x))
    for begin in range(0, len(x), CHUNK):
        part = x[begin : begin + CHUNK] - mean
        squared[begin : begin + CHUNK] = np.einsum("ij,ij->i", part, part)
    chance = EVEN / len(x) + (1 - EVEN) * squared / max(squared.sum(), 1e-30)
    uniform = ((draws >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    order = np.argsort(uniform / chance, kind="stable")
    chosen, first_out = np.sort(order[:count]), order[count]
    weight = np.maximum(chance[first_out] / uniform[first_out] / chance[chosen], 1)
    return chosen, weight.astype(np.float16).astype(np.float32)


def _seeded(torch: Any, x: Any, weight: Any, k: int, seed: int) -> Any:
    """Greedy k-means++: of a few rows drawn by squared distance, the one that lowers the sum most.

    The first is the row nearest to the mean."""
    trials = 2 + int(np.log(k))
    start = np.array([seed], dtype=np.uint64)
    draws = mixed(np.arange(k * trials, dtype=np.uint64) + mixed(mixed(start)))
    uniform = torch.from_numpy((draws >> np.uint64(11)).astype(np.float64) / 2.0**53)
    squares = (x * x).sum(1)
    together = torch.zeros(len(x), dtype=torch.int64)
    mean = _means(torch, x, weight, together, 1)[0][0]
    chosen = int((squares - 2 * (x @ mean)).argmin())
    centroids = torch.empty(k, x.shape[1])
    nearest = torch.full_like(squares, float("inf"))
    for number in range(k):
        centroids[number] = x[chosen]
        distance = (squares - 2 * (x @ x[chosen]) + squares[chosen]).clamp_(min=0)
        nearest = torch.minimum(nearest, distance)
        if number + 1 == k:
            break
        reach = torch.cumsum((nearest * weight).double(), 0)
        points = uniform[number * trials : (number + 1) * trials] * reach[-1]
        tried = torch.searchsorted(reach, points).clamp_(max=len(x) - 1)
        candidates = x[tried]
        lowered = (squares[tried, None] + squares - 2 * (candidates @ x.T)).clamp_(min=0)
        chosen = int(tried[(torch.minimum(lowered, nearest) @ weight).argmin()])
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


def _moved(torch: Any, x: Any, weight: Any, centroids: Any, far: float) -> tuple[Any, Any]:
    """Centroids moved towards the means of their rows, and the rows' labels. One without rows moves
    to the row farthest off."""
    labels, squared = _nearest(torch, x, centroids)
    means, empty = _means(torch, x, weight, labels, len(centroids))
    moved = torch.lerp(centroids, means, far)
    if len(empty):
        moved[empty] = x[torch.argsort(squared, descending=True, stable=True)[: len(empty)]]
    return moved, labels


def _means(torch: Any, x: Any, weight: Any, labels: Any, count: int) -> tuple[Any, Any]:
    """The mean of each label's rows, and which labels have none. weight: of each row; None: 1."""
    sums = torch.zeros((count, x.shape[1]), dtype=torch.float64)
    for begin in range(0, len(x), CHUNK):
        part = x[begin : begin + CHUNK].double()
        if weight is not None:
            part *= weight[begin : begin + CHUNK, None]
        sums.index_add_(0, labels[begin : begin + CHUNK], part)
    double = None if weight is None else weight.double()
    sizes = torch.bincount(labels, weights=double, minlength=count)
    means = (sums / torch.where(sizes > 0, sizes, 1)[:, None]).float()
    return means, torch.nonzero(sizes == 0).flatten()
