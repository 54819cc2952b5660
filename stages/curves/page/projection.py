"""Curves as points of a plane: by UMAP where it is installed, by principal components elsewhere.

The distance of two curves is that of their losses, each step weighted by how much of the axis of
log(step) lies around it, because checkpoints stand dense at the start (Michaud 2023). A feature
scaled by the root of its weight gives that distance. step 0 and step 1 have the same logarithm, so
step 0 weighs next to nothing.
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
FITTED = 20_000  # curves that UMAP places by itself; others lie among their nearest of these
NEAREST = 5
CHUNK = 2048  # curves whose distances to the fitted ones are held at once: 160 MB


def weights_of(steps: Array) -> Array:
    """The weight of each step: half the distance of its two neighbours in log(max(step, 1)), at the
    ends half of that to the one neighbour; they sum to the whole. Equal where all is one step."""
    places = np.log(np.maximum(np.asarray(steps, dtype=np.float64), 1.0))
    if len(places) < 2 or places[-1] == places[0]:
        return np.ones(len(places))
    half = np.diff(places) / 2
    weights: Array = np.concatenate([half, [0.0]]) + np.concatenate([[0.0], half])
    return weights


def features_of(steps: Array, losses: Array) -> Array:
    """float32 [n, k]: losses scaled by the root of their step's weight; what is no number has its
    step's mean."""
    finite = np.isfinite(losses)
    held = np.where(finite, losses, 0.0)
    mean = held.sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    filled = np.where(finite, losses, mean)
    features: Array = (filled * np.sqrt(weights_of(steps))).astype(np.float32)
    return features


def projected(features: Array, way: Way = "auto") -> tuple[Array, str]:
    """Points float32 [n, 2], and a sentence on how they were made."""
    few = len(features) < 20  # UMAP needs more points than neighbours
    there = importlib.util.find_spec("umap") is not None
    if way == "umap" and few:
        raise UsageError(
            f"UMAP needs at least 20 curves and there are {len(features)}: ask for pca"
        )
    if way == "pca" or few or (way == "auto" and not there):
        share = _explained(features)
        hint = "" if there or way == "pca" else "; UMAP comes with the extra `curves`"
        told = f"two principal components ({share:.0%} of the variance), each on its own scale"
        return _pca(features), told + hint
    return _umap(features)


def _pca(features: Array) -> Array:
    centred = features - features.mean(axis=0)
    if not len(features):
        return np.zeros((0, 2), dtype=np.float32)
    _, vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    axes = vectors[:, ::-1][:, :2]
    if axes.shape[1] < 2:  # one step
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


def _umap(features: Array) -> tuple[Array, str]:
    umap = require("umap", "curves")
    chosen = np.arange(len(features))
    if len(features) > FITTED:
        chosen = np.sort(np.random.default_rng(SEED).choice(len(features), FITTED, replace=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # One thread and a seed: the same curves give the same points.
        model = umap.UMAP(random_state=SEED, n_jobs=1, init="pca", n_neighbors=15, min_dist=0.1)
        placed = np.asarray(model.fit_transform(features[chosen]), dtype=np.float32)
    told = f"UMAP (15 neighbours, distance 0.1, seed {SEED})"
    if len(chosen) == len(features):
        return placed, told
    points = _among(features, features[chosen], placed)
    points[chosen] = placed
    return points, f"{told} of {len(chosen):,} curves, the others among their {NEAREST} nearest"


def _among(features: Array, fitted: Array, placed: Array) -> Array:
    """Each curve at the mean place of its nearest fitted ones."""
    squares = (fitted**2).sum(axis=1)
    points = np.empty((len(features), 2), dtype=np.float32)
    for begin in range(0, len(features), CHUNK):
        some = features[begin : begin + CHUNK]
        distance = squares - 2 * (some @ fitted.T)
        nearest = np.argpartition(distance, NEAREST, axis=1)[:, :NEAREST]
        points[begin : begin + CHUNK] = placed[nearest].mean(axis=1)
    return points
