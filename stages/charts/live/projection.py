"""Rows of numbers as points of a plane: by UMAP where it is installed, by principal components
elsewhere. The same rows give the same points.
"""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any, Literal

import numpy as np

from stages.errors import UsageError
from stages.require import require

Array = np.ndarray[Any, Any]
Way = Literal["auto", "umap", "pca"]

SEED = 0
FITTED = 20_000  # rows that UMAP places by itself; others lie among their nearest of these
NEAREST = 5
CHUNK = 2048  # rows whose distances to the fitted ones are held at once: 160 MB


def projected(features: Array, way: Way = "auto", what: str = "curves") -> tuple[Array, str]:
    """Points float32 [n, 2], and a sentence on how they were made. what: what the rows are."""
    few = len(features) < 20  # UMAP needs more points than neighbours
    there = importlib.util.find_spec("umap") is not None
    if way == "umap" and few:
        raise UsageError(
            f"UMAP needs at least 20 {what} and there are {len(features)}: ask for pca"
        )
    if way == "pca" or few or (way == "auto" and not there):
        share = _explained(features)
        hint = "" if there or way == "pca" else "; UMAP comes with the extra `curves`"
        told = f"two principal components ({share:.0%} of the variance), each on its own scale"
        return _pca(features), told + hint
    return _umap(features, what)


def _pca(features: Array) -> Array:
    centred = features - features.mean(axis=0)
    if not len(features):
        return np.zeros((0, 2), dtype=np.float32)
    _, vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    axes = vectors[:, ::-1][:, :2]
    if axes.shape[1] < 2:  # one column
        axes = np.concatenate([axes, np.zeros((len(axes), 1))], axis=1)
    # A component has no sign of its own: its largest part is positive.
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(2)]
    points: Array = centred @ (axes * np.where(largest < 0, -1, 1))
    spread = points.std(axis=0)
    return (points / np.where(spread > 1e-9, spread, 1.0)).astype(np.float32)


def _explained(features: Array) -> float:
    centred = features - features.mean(axis=0) if len(features) else features
    values = np.linalg.eigvalsh(centred.T.astype(np.float64) @ centred)
    whole = float(values.sum())
    return float(values[-2:].sum()) / whole if whole > 0 else 0.0


def _umap(features: Array, what: str) -> tuple[Array, str]:
    umap = require("umap", "curves")
    chosen = np.arange(len(features))
    if len(features) > FITTED:
        chosen = np.sort(np.random.default_rng(SEED).choice(len(features), FITTED, replace=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # One thread and a seed: the same rows give the same points.
        model = umap.UMAP(random_state=SEED, n_jobs=1, init="pca", n_neighbors=15, min_dist=0.1)
        placed = np.asarray(model.fit_transform(features[chosen]), dtype=np.float32)
    told = f"UMAP (15 neighbours, distance 0.1, seed {SEED})"
    if len(chosen) == len(features):
        return placed, told
    points = _among(features, features[chosen], placed)
    points[chosen] = placed
    return points, f"{told} of {len(chosen):,} {what}, the others among their {NEAREST} nearest"


def _among(features: Array, fitted: Array, placed: Array) -> Array:
    """Each row at the mean place of its nearest fitted ones."""
    squares = (fitted**2).sum(axis=1)
    points = np.empty((len(features), 2), dtype=np.float32)
    for begin in range(0, len(features), CHUNK):
        some = features[begin : begin + CHUNK]
        distance = squares - 2 * (some @ fitted.T)
        nearest = np.argpartition(distance, NEAREST, axis=1)[:, :NEAREST]
        points[begin : begin + CHUNK] = placed[nearest].mean(axis=1)
    return points
