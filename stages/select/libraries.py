"""Which library finds the clusters: our own K-means, scikit-learn's or faiss's.

The others take one start and one thread, so that threads change no bit, and their versions are part
of what the result depends on.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Literal

import numpy as np

from stages.clean.shingles import Hashes
from stages.require import require
from stages.select import kmeans
from stages.select.kmeans import Floats

Library = Literal["torch", "scikit-learn", "faiss"]
PACKAGES = {"scikit-learn": "scikit-learn", "faiss": "faiss-cpu"}
ITERATIONS = 25  # of faiss: its default
SEEDS = 1 << 31  # that both take


def problem_with(library: Library) -> str | None:
    """One sentence where the library is not installed."""
    package = PACKAGES.get(library)
    if package is None or _installed(package):
        return None
    return f"library: {library} is not installed: pip install {package}, or take torch"


def versions(library: Library) -> tuple[Path, ...]:
    """The file that tells the version of a library that is not one of ours."""
    package = PACKAGES.get(library)
    return (Path(str(found)),) if package and (found := _installed(package)) else ()


def _installed(package: str) -> object | None:
    try:
        files = importlib.metadata.distribution(package).files or ()
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((one.locate() for one in files if one.name == "METADATA"), None)


def fitted(library: Library, x: Floats, k: int, draws: Hashes, seed: int) -> Floats:
    """k ≤ n centroids."""
    if library == "scikit-learn":
        return _by_scikit_learn(x, k, seed)
    if library == "faiss":
        return _by_faiss(x, k, seed)
    return kmeans.fitted(x, k, draws, seed)


def _by_scikit_learn(x: Floats, k: int, seed: int) -> Floats:
    cluster = require("sklearn.cluster", "cluster")
    with require("threadpoolctl", "cluster").threadpool_limits(1):
        found = cluster.KMeans(k, n_init=1, random_state=seed % SEEDS).fit(x)
    return np.ascontiguousarray(found.cluster_centers_, dtype=np.float32)


def _by_faiss(x: Floats, k: int, seed: int) -> Floats:
    faiss = require("faiss", "cluster")
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        found = faiss.Kmeans(
            x.shape[1],
            k,
            niter=ITERATIONS,
            seed=seed % SEEDS,
            max_points_per_centroid=len(x),
            min_points_per_centroid=1,
        )
        found.train(x)
    finally:
        faiss.omp_set_num_threads(threads)
    return np.ascontiguousarray(found.centroids, dtype=np.float32)
