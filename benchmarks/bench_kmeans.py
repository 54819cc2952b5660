"""K-means of unit vectors: ours against scikit-learn's KMeans and MiniBatchKMeans, one start each.

    python -m benchmarks.bench_kmeans [--rows 20000] [--clusters 200]

Rows: wordllama vectors of runs of 8 to 60 words out of sample_data, with noise of a fifth of their
length, scaled to length 1 and rounded to half precision, as `embed` stores them. Inertia is
computed here for all, in double precision; a ratio above 1 is worse than KMeans(n_init=1).
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

from benchmarks.measure import Timed, header, in_turn, peer, table
from benchmarks.texts import windows

ROUNDS = 3


def vectors(count: int) -> Any:
    """Unit vectors, the same in every run."""
    import numpy as np

    from benchmarks.alone import embed
    from stages.select.embed import unit

    x = embed(windows(count, 8, 60, seed=5))
    noise = np.random.default_rng(6).standard_normal(x.shape, dtype=np.float32)
    return unit(x + 0.2 * unit(noise)).astype(np.float16).astype(np.float32)


def inertia(x: Any, centroids: Any) -> float:
    """The sum of squared distances to the nearest centroid."""
    import numpy as np

    total, half = 0.0, (centroids.astype(np.float64) ** 2).sum(1)
    for begin in range(0, len(x), 4096):
        part = x[begin : begin + 4096].astype(np.float64)
        total += float(((part**2).sum(1) + (half - 2 * part @ centroids.T).min(1)).sum())
    return total


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--clusters", type=int, default=200)
    given = parser.parse_args()
    header("kmeans", "torch", "scikit-learn", "numpy")
    cluster = peer("sklearn.cluster", "scikit-learn")
    from benchmarks import alone
    from stages.select import kmeans

    def changed(name: str, value: int, seed: int) -> Any:
        """Ours with another value of one of its constants."""
        before = getattr(kmeans, name)
        setattr(kmeans, name, value)
        try:
            return alone.kmeans(x, k, seed)
        finally:
            setattr(kmeans, name, before)

    x, k = vectors(given.rows), given.clusters
    alone.kmeans(x[:500], 8)  # torch is loaded before anything is timed
    seeds: dict[str, list[float]] = {}
    runs: list[dict[str, Timed]] = []
    for seed in range(ROUNDS):
        works = {"seedbed": lambda seed=seed: alone.kmeans(x, k, seed)}
        if cluster:
            one = {"n_clusters": k, "n_init": 1, "random_state": seed}
            works["KMeans"] = lambda one=one: cluster.KMeans(**one).fit(x).cluster_centers_
            works["MiniBatchKMeans"] = lambda one=one: (
                cluster.MiniBatchKMeans(**one).fit(x).cluster_centers_
            )
        for name, value in (("SAMPLE", 24), ("ROUNDS", 3), ("ROUNDS", 12)):
            works[f"seedbed, {name} {value}"] = lambda n=name, v=value, s=seed: changed(n, v, s)
        runs.append(in_turn(works, 1))
        for name, timed in runs[-1].items():
            seeds.setdefault(name, []).append(inertia(x, timed.result))
    print(f"{len(x):,} rows of {x.shape[1]} numbers, {k} clusters, seeds 0 to {ROUNDS - 1}\n")
    base = seeds.get("KMeans", seeds["seedbed"])
    rows = []
    for name, found in seeds.items():
        ratios = [one / other for one, other in zip(found, base, strict=True)]
        speed = statistics.median(run["seedbed"].times(run[name]) for run in runs)
        seconds = statistics.median(run[name].seconds for run in runs)
        rows.append((name, statistics.median(found), f"{statistics.median(ratios):.4f}",
                     f"{min(ratios):.4f}-{max(ratios):.4f}", seconds, speed))  # fmt: skip
    table(("", "inertia", "to KMeans", "range", "CPU-s", "seedbed is x"), rows)


if __name__ == "__main__":
    main()
