"""K-means: ours against scikit-learn's KMeans and MiniBatchKMeans and faiss, one start each.

    python -m benchmarks.bench_cluster [--rows 50000] [--clusters 500] [--seeds 3] [--peers faiss]

Rows: wordllama vectors of runs of 8 to 60 words out of sample_data, with noise of a fifth of their
length, rounded to half precision. Unit: scaled to length 1, as `embed` stores them. Raw: each times
a length that spreads as those of real texts' vectors do (log-normal; few are many times as long).
Inertia is computed here for all, in double precision; it and the CPU seconds are told as parts of
those of the first peer, seed by seed, and their median.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

from benchmarks.measure import Timed, header, in_turn, peer, table
from benchmarks.texts import windows

PEERS = ("KMeans", "MiniBatchKMeans", "faiss")
SPREAD = 0.5  # of the logarithm of a raw row's length
ITERATIONS = 25  # faiss's default


def vectors(count: int, raw: bool) -> Any:
    """The same in every run."""
    import numpy as np

    from benchmarks.alone import embed
    from stages.select.embed import unit

    rng = np.random.default_rng(6)
    x = embed(windows(count, 8, 60, seed=5))
    x = unit(x + 0.2 * unit(rng.standard_normal(x.shape, dtype=np.float32)))
    if raw:
        x = x * rng.lognormal(0.6, SPREAD, (count, 1))
    return x.astype(np.float16).astype(np.float32)


def inertia(x: Any, centroids: Any) -> float:
    """The sum of squared distances to the nearest centroid."""
    import numpy as np

    total, half = 0.0, (centroids.astype(np.float64) ** 2).sum(1)
    for begin in range(0, len(x), 4096):
        part = x[begin : begin + 4096].astype(np.float64)
        total += float(((part**2).sum(1) + (half - 2 * part @ centroids.T).min(1)).sum())
    return total


def works_of(x: Any, k: int, seed: int, peers: list[str]) -> dict[str, Callable[[], Any]]:
    """name → a call that gives centroids."""
    from benchmarks import alone

    cluster, faiss = peer("sklearn.cluster", "scikit-learn"), None
    works: dict[str, Callable[[], Any]] = {"seedbed": lambda: alone.kmeans(x, k, seed)}
    one = {"n_clusters": k, "n_init": 1, "random_state": seed}
    if cluster and "KMeans" in peers:
        works["KMeans"] = lambda: cluster.KMeans(**one).fit(x).cluster_centers_
    if cluster and "MiniBatchKMeans" in peers:
        works["MiniBatchKMeans"] = lambda: cluster.MiniBatchKMeans(**one).fit(x).cluster_centers_
    if "faiss" in peers and (faiss := peer("faiss", "faiss-cpu")):

        def by_faiss() -> Any:
            found = faiss.Kmeans(
                x.shape[1],
                k,
                niter=ITERATIONS,
                seed=seed,
                max_points_per_centroid=len(x),  # all rows, as the others
                min_points_per_centroid=1,
            )
            found.train(x)
            return found.centroids

        works["faiss"] = by_faiss
    return works


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50000)
    parser.add_argument("--clusters", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    given = parser.parse_args()
    header("cluster", "torch", "scikit-learn", "faiss-cpu", "numpy")
    from benchmarks import alone

    for raw in (False, True):
        x, k = vectors(given.rows, raw), given.clusters
        alone.kmeans(x[:500], 8)  # torch is loaded before anything is timed
        found: dict[str, list[tuple[float, float]]] = {}
        for seed in range(given.seeds):
            runs: dict[str, Timed] = in_turn(works_of(x, k, seed, given.peers), 1)
            for name, timed in runs.items():
                found.setdefault(name, []).append((inertia(x, timed.result), timed.seconds))
        base = next((found[name] for name in PEERS if name in found), found["seedbed"])
        kind = "raw" if raw else "unit"
        print(f"{kind}: {len(x):,} rows of {x.shape[1]} numbers, {k} clusters, one start\n")
        rows = []
        for name, all_of in found.items():
            ratios = [one[0] / other[0] for one, other in zip(all_of, base, strict=True)]
            parts = [one[1] / other[1] for one, other in zip(all_of, base, strict=True)]
            rows.append((name, statistics.median(one[0] for one in all_of),
                         f"{statistics.median(ratios):.4f}", f"{min(ratios):.4f}-{max(ratios):.4f}",
                         statistics.median(one[1] for one in all_of),
                         f"{statistics.median(parts):.3f}"))  # fmt: skip
        table(("", "inertia", "of the first peer's", "range", "CPU-s", "of its"), rows)


if __name__ == "__main__":
    main()
